//! Keys of the assignment view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                          CURRENT  whose it is, and whether it is open
//! 02 tenant facet(1) name since(8) conversation(16)   HELD     empty; open ones that somebody has, the longest held first
//! 03 tenant conversation(16) sequence(8) ordinal(4)   HISTORY  one assignment, oldest first
//! 04 tenant channel agent team                        LOAD     how many open ones; agent or team may be empty
//! ```
//! `tenant`, `name`, `channel`, `agent` and `team` are terminated texts. An open, assigned conversation stands in HELD under
//! ALL, under its agent if it has one, and under its team if it has one.

use relevo_domain::{EntityId, EntityKind, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CURRENT: u8 = 0x01;
const HELD: u8 = 0x02;
const HISTORY: u8 = 0x03;
const LOAD: u8 = 0x04;

/// Which list of HELD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet<'a> {
    All,
    Agent(&'a str),
    Team(&'a str),
}

pub(crate) fn current(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CURRENT).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

pub(crate) fn held_prefix(tenant: &TenantId, facet: Facet<'_>) -> Key {
    let (tag, name) = match facet {
        Facet::All => (0, ""),
        Facet::Agent(name) => (1, name),
        Facet::Team(name) => (2, name),
    };
    Key::new(HELD).text(tenant.as_str()).u8(tag).text(name)
}

pub(crate) fn held(tenant: &TenantId, facet: Facet<'_>, since: i64, conversation: EntityId) -> Vec<u8> {
    held_prefix(tenant, facet).i64(since).bytes(conversation.bytes()).finish()
}

/// Since when, and the conversation, of a HELD key.
pub(crate) fn read_held(key: &[u8]) -> Result<(i64, EntityId), KeyError> {
    let mut reader = KeyReader::new(HELD, key)?;
    reader.text()?;
    reader.u8()?;
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

pub(crate) fn load_prefix(tenant: &TenantId) -> Key {
    Key::new(LOAD).text(tenant.as_str())
}

pub(crate) fn load(tenant: &TenantId, channel: &str, agent: &str, team: &str) -> Vec<u8> {
    load_prefix(tenant).text(channel).text(agent).text(team).finish()
}

/// Channel, agent and team of a LOAD key.
pub(crate) fn read_load(key: &[u8]) -> Result<(String, String, String), KeyError> {
    let mut reader = KeyReader::new(LOAD, key)?;
    reader.text()?;
    let parts = (reader.text()?, reader.text()?, reader.text()?);
    reader.finish()?;
    Ok(parts)
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
        let facets = [Facet::All, Facet::Agent("ana"), Facet::Agent("anabel"), Facet::Team("ana")];
        for (index, facet) in facets.into_iter().enumerate() {
            let key = held(&tenant(), facet, i64::MAX, id);
            for (other, prefix) in facets.into_iter().map(|facet| held_prefix(&tenant(), facet).finish()).enumerate() {
                assert_eq!(key.starts_with(&prefix), index == other, "{facet:?}");
            }
        }
        let longer = TenantId::new("demo-b").unwrap();
        assert!(!load(&longer, "wa", "ana", "").starts_with(&load_prefix(&tenant()).finish()));
        assert!(!history(&longer, id, 1, 0).starts_with(&history_prefix(&tenant(), id).finish()));
    }

    #[test]
    fn keys_read_back() {
        for since in [i64::MIN, -1, 0, i64::MAX] {
            let id = EntityId::new(EntityKind::Conversation, [7; 16]);
            assert_eq!(read_held(&held(&tenant(), Facet::Team("ventas"), since, id)), Ok((since, id)));
        }
        let parts = ("wa".to_owned(), String::new(), "ventas".to_owned());
        assert_eq!(read_load(&load(&tenant(), "wa", "", "ventas")), Ok(parts));
    }

    proptest! {
        #[test]
        fn the_longest_held_is_first(a in any::<(i64, [u8; 16])>(), b in any::<(i64, [u8; 16])>()) {
            let key = |(since, id)| held(&tenant(), Facet::All, since, EntityId::new(EntityKind::Conversation, id));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
