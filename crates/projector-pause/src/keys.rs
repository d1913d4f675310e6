//! Keys of the pause view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                              CURRENT  the bot's state, and what access depends on
//! 02 tenant order(1) reason time(8) conversation(16)      PAUSED   those that are paused, in one of two orders
//! 03 tenant conversation(16) sequence(8) ordinal(4)       HISTORY  a pause or a resumption, oldest first
//! 04 tenant reason automatic(1) channel agent team        COUNT    how many are paused; agent or team may be empty
//! 05 tenant bulk(16)                                      BULK     a bulk and how far it is
//! 06 tenant newest(8) bulk(16)                            BULKS    all bulks, the newest first
//! 07 tenant bulk(16) outcome place(4)                     RESULT   what became of each conversation, under its outcome and the empty one
//! 08 tenant rule time(8) number(8) conversation(16)       SUGGESTED  suggestions nobody has answered, under their rule and the empty one
//! ```
//! `tenant`, `reason`, `channel`, `agent` and `team` are terminated texts. A paused conversation stands in PAUSED
//! under its reason and under the empty one, which is any; in each by the time of the pause (order 0: the longest pause first) and by
//! the time since which the customer waits (order 1: who waits longest first; the greatest time for who does not wait).

use relevo_domain::{EntityId, EntityKind, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CURRENT: u8 = 0x01;
const PAUSED: u8 = 0x02;
const HISTORY: u8 = 0x03;
const COUNT: u8 = 0x04;
const BULK: u8 = 0x05;
const BULKS: u8 = 0x06;
const RESULT: u8 = 0x07;
const SUGGESTED: u8 = 0x08;

/// Bytes of a conversation's id, with which a list's key ends.
const ID_BYTES: usize = 16;

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

/// In which order pauses are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Since,
    Waiting,
}

/// Pauses with this reason; with any for the empty one.
pub(crate) fn paused_prefix(tenant: &TenantId, order: Order, reason: &str) -> Key {
    let order = match order {
        Order::Since => 0,
        Order::Waiting => 1,
    };
    Key::new(PAUSED).text(tenant.as_str()).u8(order).text(reason)
}

pub(crate) fn paused(tenant: &TenantId, order: Order, reason: &str, time: i64, conversation: EntityId) -> Vec<u8> {
    paused_prefix(tenant, order, reason).i64(time).bytes(conversation.bytes()).finish()
}

/// Suggestions of this rule; of any for the empty one.
pub(crate) fn suggested_prefix(tenant: &TenantId, rule: &str) -> Key {
    Key::new(SUGGESTED).text(tenant.as_str()).text(rule)
}

pub(crate) fn suggested(tenant: &TenantId, rule: &str, time: i64, number: u64, conversation: EntityId) -> Vec<u8> {
    suggested_prefix(tenant, rule).i64(time).u64(number).bytes(conversation.bytes()).finish()
}

/// The number of the suggestion in a SUGGESTED key.
pub(crate) fn read_suggestion(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(SUGGESTED, key)?;
    reader.text()?;
    reader.text()?;
    reader.i64()?;
    reader.u64()
}

/// The conversation with which a PAUSED or SUGGESTED key ends.
pub(crate) fn read_conversation(key: &[u8]) -> Result<EntityId, KeyError> {
    let id = key.last_chunk::<ID_BYTES>().ok_or(KeyError::Short)?;
    Ok(EntityId::new(EntityKind::Conversation, *id))
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

pub(crate) fn bulk(tenant: &TenantId, bulk: EntityId) -> Vec<u8> {
    Key::new(BULK).text(tenant.as_str()).bytes(bulk.bytes()).finish()
}

pub(crate) fn bulks_prefix(tenant: &TenantId) -> Key {
    Key::new(BULKS).text(tenant.as_str())
}

/// A bulk in the list of all, by the sequence with which it was started.
pub(crate) fn bulk_listed(tenant: &TenantId, sequence: u64, bulk: EntityId) -> Vec<u8> {
    bulks_prefix(tenant).u64(u64::MAX - sequence).bytes(bulk.bytes()).finish()
}

/// The bulk with which a BULKS key ends.
pub(crate) fn read_bulk(key: &[u8]) -> Result<EntityId, KeyError> {
    let id = key.last_chunk::<ID_BYTES>().ok_or(KeyError::Short)?;
    Ok(EntityId::new(EntityKind::Bulk, *id))
}

/// Results of a bulk that ended so; all for the empty outcome.
pub(crate) fn bulk_results_prefix(tenant: &TenantId, bulk: EntityId, outcome: &str) -> Key {
    Key::new(RESULT).text(tenant.as_str()).bytes(bulk.bytes()).text(outcome)
}

pub(crate) fn bulk_result(tenant: &TenantId, bulk: EntityId, outcome: &str, place: u32) -> Vec<u8> {
    bulk_results_prefix(tenant, bulk, outcome).u32(place).finish()
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
            let key = paused(&tenant(), Order::Since, reason, i64::MAX, id);
            for (other, prefix) in
                reasons.into_iter().map(|reason| paused_prefix(&tenant(), Order::Since, reason).finish()).enumerate()
            {
                assert_eq!(key.starts_with(&prefix), index == other, "{reason}");
            }
            assert!(!key.starts_with(&paused_prefix(&tenant(), Order::Waiting, reason).finish()));
        }
        let longer = TenantId::new("demo-b").unwrap();
        assert!(
            !paused(&longer, Order::Since, "", 0, id).starts_with(&paused_prefix(&tenant(), Order::Since, "").finish())
        );
        assert!(!history(&longer, id, 1, 0).starts_with(&history_prefix(&tenant(), id).finish()));
    }

    #[test]
    fn keys_read_back() {
        for since in [i64::MIN, -1, 0, i64::MAX] {
            let id = EntityId::new(EntityKind::Conversation, [7; 16]);
            assert_eq!(read_conversation(&paused(&tenant(), Order::Waiting, "echo", since, id)), Ok(id));
        }
        let (reason, channel, agent, team) = ("echo".to_owned(), "wa".to_owned(), String::new(), "ventas".to_owned());
        let counted = Counted { reason, automatic: true, channel, agent, team };
        assert_eq!(read_count(&count(&tenant(), &counted)), Ok(counted));
    }

    proptest! {
        #[test]
        fn the_longest_pause_is_first(a in any::<(i64, [u8; 16])>(), b in any::<(i64, [u8; 16])>()) {
            let key =
                |(since, id)| paused(&tenant(), Order::Since, "", since, EntityId::new(EntityKind::Conversation, id));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
