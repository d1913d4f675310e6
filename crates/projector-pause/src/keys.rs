//! Keys of the pause view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                              CURRENT  the bot's state, and what access depends on
//! 02 tenant reason since(8) conversation(16)              PAUSED   empty; the longest pause first; reason empty for any
//! 03 tenant conversation(16) sequence(8) ordinal(4)       HISTORY  a pause or a resumption, oldest first
//! 04 tenant reason automatic(1) channel agent team        COUNT    how many are paused; agent or team may be empty
//! ```
//! `tenant`, `reason`, `channel`, `agent` and `team` are terminated texts. A paused conversation stands in PAUSED twice: under
//! its reason and under the empty one.

use relevo_domain::{EntityId, EntityKind, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CURRENT: u8 = 0x01;
const PAUSED: u8 = 0x02;
const HISTORY: u8 = 0x03;
const COUNT: u8 = 0x04;

/// What a COUNT row counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) reason: String,
    pub(crate) automatic: bool,
    pub(crate) channel: String,
    pub(crate) agent: String,
    pub(crate) team: String,
}

pub(crate) fn current(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CURRENT).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

/// Pauses with this reason; with any for the empty one.
pub(crate) fn paused_prefix(tenant: &TenantId, reason: &str) -> Key {
    Key::new(PAUSED).text(tenant.as_str()).text(reason)
}

pub(crate) fn paused(tenant: &TenantId, reason: &str, since: i64, conversation: EntityId) -> Vec<u8> {
    paused_prefix(tenant, reason).i64(since).bytes(conversation.bytes()).finish()
}

/// Since when, and the conversation, of a PAUSED key.
pub(crate) fn read_paused(key: &[u8]) -> Result<(i64, EntityId), KeyError> {
    let mut reader = KeyReader::new(PAUSED, key)?;
    reader.text()?;
    reader.text()?;
    let since = reader.i64()?;
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    reader.finish()?;
    Ok((since, conversation))
}

pub(crate) fn history_prefix(tenant: &TenantId, conversation: EntityId) -> Key {
    Key::new(HISTORY).text(tenant.as_str()).bytes(conversation.bytes())
}

pub(crate) fn history(tenant: &TenantId, conversation: EntityId, sequence: u64, ordinal: u32) -> Vec<u8> {
    history_prefix(tenant, conversation).u64(sequence).u32(ordinal).finish()
}

pub(crate) fn count_prefix(tenant: &TenantId) -> Key {
    Key::new(COUNT).text(tenant.as_str())
}

pub(crate) fn count(tenant: &TenantId, counted: &Counted) -> Vec<u8> {
    count_prefix(tenant)
        .text(&counted.reason)
        .u8(u8::from(counted.automatic))
        .text(&counted.channel)
        .text(&counted.agent)
        .text(&counted.team)
        .finish()
}

pub(crate) fn read_count(key: &[u8]) -> Result<Counted, KeyError> {
    let mut reader = KeyReader::new(COUNT, key)?;
    reader.text()?;
    let counted = Counted {
        reason: reader.text()?,
        automatic: reader.u8()? != 0,
        channel: reader.text()?,
        agent: reader.text()?,
        team: reader.text()?,
    };
    reader.finish()?;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    #[test]
    fn lists_and_tenants_do_not_overlap() {
        let id = EntityId::new(EntityKind::Conversation, [255; 16]);
        let reasons = ["", "echo", "echoes"];
        for (index, reason) in reasons.into_iter().enumerate() {
            let key = paused(&tenant(), reason, i64::MAX, id);
            for (other, prefix) in
                reasons.into_iter().map(|reason| paused_prefix(&tenant(), reason).finish()).enumerate()
            {
                assert_eq!(key.starts_with(&prefix), index == other, "{reason}");
            }
        }
        let longer = TenantId::new("demo-b").unwrap();
        assert!(!paused(&longer, "", 0, id).starts_with(&paused_prefix(&tenant(), "").finish()));
        assert!(!history(&longer, id, 1, 0).starts_with(&history_prefix(&tenant(), id).finish()));
    }

    #[test]
    fn keys_read_back() {
        for since in [i64::MIN, -1, 0, i64::MAX] {
            let id = EntityId::new(EntityKind::Conversation, [7; 16]);
            assert_eq!(read_paused(&paused(&tenant(), "echo", since, id)), Ok((since, id)));
        }
        let (reason, channel, agent, team) = ("echo".to_owned(), "wa".to_owned(), String::new(), "ventas".to_owned());
        let counted = Counted { reason, automatic: true, channel, agent, team };
        assert_eq!(read_count(&count(&tenant(), &counted)), Ok(counted));
    }

    proptest! {
        #[test]
        fn the_longest_pause_is_first(a in any::<(i64, [u8; 16])>(), b in any::<(i64, [u8; 16])>()) {
            let key = |(since, id)| paused(&tenant(), "", since, EntityId::new(EntityKind::Conversation, id));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
