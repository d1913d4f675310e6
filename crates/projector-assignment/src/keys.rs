//! Keys of the assignment view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                                CURRENT  whose it is, its status, and what lists depend on
//! 02 tenant facet(1) name status(1) since(8) conversation(16)
//!                                                           HELD     those that somebody has, the longest held first
//! 03 tenant conversation(16) sequence(8) ordinal(4)         HISTORY  one assignment, oldest first
//! 04 tenant channel agent team                              LOAD     how many by status; agent or team may be empty
//! 05 tenant queue(1) team status(1) priority(1) waiting(8) since(8) conversation(16)
//!                                                           QUEUE    those without an agent, the most urgent first
//! 06 tenant queue(1) team status(1) since(8) conversation(16)
//!                                                           ORPHANS  the same, the longest without an agent first
//! 07 tenant until(8) conversation(16)                       WAKE     snoozed ones that have an end, the first to end first
//! 08 tenant hour(8) channel agent team                      HOUR     how many snoozes end in that hour
//! ```
//! `tenant`, `name`, `channel`, `agent` and `team` are terminated texts. A held conversation stands in HELD under ALL, under its
//! agent if it has one, and under its team if it has one. An open or snoozed one without an agent stands in QUEUE and ORPHANS
//! under ALL and under its team or NO TEAM. `priority` is inverted; `waiting` of who does not wait is the greatest. `hour` is
//! milliseconds divided by an hour's, rounded down.

use relevo_domain::{EntityId, EntityKind, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CURRENT: u8 = 0x01;
const HELD: u8 = 0x02;
const HISTORY: u8 = 0x03;
const LOAD: u8 = 0x04;
const QUEUE: u8 = 0x05;
const ORPHANS: u8 = 0x06;
const WAKE: u8 = 0x07;
const HOUR: u8 = 0x08;

const HOUR_MILLIS: i64 = 3_600_000;
/// Bytes of a conversation's id, with which every list's key ends.
const ID_BYTES: usize = 16;

/// Which list of HELD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet<'a> {
    All,
    Agent(&'a str),
    Team(&'a str),
}

/// Which list of QUEUE and ORPHANS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    All,
    Team(&'a str),
    NoTeam,
}

pub(crate) fn current(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CURRENT).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

pub(crate) fn held_prefix(tenant: &TenantId, facet: Facet<'_>, status: u32) -> Key {
    let (tag, name) = match facet {
        Facet::All => (0, ""),
        Facet::Agent(name) => (1, name),
        Facet::Team(name) => (2, name),
    };
    Key::new(HELD).text(tenant.as_str()).u8(tag).text(name).u8(status_byte(status))
}

pub(crate) fn held(tenant: &TenantId, facet: Facet<'_>, status: u32, since: i64, conversation: EntityId) -> Vec<u8> {
    held_prefix(tenant, facet, status).i64(since).bytes(conversation.bytes()).finish()
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

fn line(table: u8, tenant: &TenantId, line: Line<'_>, status: u32) -> Key {
    let (tag, team) = match line {
        Line::All => (0, ""),
        Line::Team(team) => (1, team),
        Line::NoTeam => (2, ""),
    };
    Key::new(table).text(tenant.as_str()).u8(tag).text(team).u8(status_byte(status))
}

pub(crate) fn queue_prefix(tenant: &TenantId, of: Line<'_>, status: u32) -> Key {
    line(QUEUE, tenant, of, status)
}

pub(crate) fn queue(
    tenant: &TenantId,
    of: Line<'_>,
    status: u32,
    (priority, waiting, since): (u32, Option<i64>, i64),
    conversation: EntityId,
) -> Vec<u8> {
    let urgency = u8::MAX - u8::try_from(priority).unwrap_or(u8::MAX);
    let waiting = waiting.unwrap_or(i64::MAX);
    queue_prefix(tenant, of, status).u8(urgency).i64(waiting).i64(since).bytes(conversation.bytes()).finish()
}

pub(crate) fn orphans_prefix(tenant: &TenantId, of: Line<'_>, status: u32) -> Key {
    line(ORPHANS, tenant, of, status)
}

pub(crate) fn orphan(tenant: &TenantId, of: Line<'_>, status: u32, since: i64, conversation: EntityId) -> Vec<u8> {
    orphans_prefix(tenant, of, status).i64(since).bytes(conversation.bytes()).finish()
}

pub(crate) fn wake(tenant: &TenantId, until: i64, conversation: EntityId) -> Vec<u8> {
    wake_from(tenant, until).bytes(conversation.bytes()).finish()
}

/// The first WAKE key of that time.
pub(crate) fn wake_from(tenant: &TenantId, until: i64) -> Key {
    Key::new(WAKE).text(tenant.as_str()).i64(until)
}

pub(crate) const fn hour_of(until: i64) -> i64 {
    until.div_euclid(HOUR_MILLIS)
}

pub(crate) const fn hour_begins(hour: i64) -> i64 {
    hour.saturating_mul(HOUR_MILLIS)
}

/// The first HOUR key of that hour.
pub(crate) fn hour_from(tenant: &TenantId, hour: i64) -> Key {
    Key::new(HOUR).text(tenant.as_str()).i64(hour)
}

pub(crate) fn hour(tenant: &TenantId, hour: i64, channel: &str, agent: &str, team: &str) -> Vec<u8> {
    hour_from(tenant, hour).text(channel).text(agent).text(team).finish()
}

/// Channel, agent and team of an HOUR key.
pub(crate) fn read_hour(key: &[u8]) -> Result<(String, String, String), KeyError> {
    let mut reader = KeyReader::new(HOUR, key)?;
    reader.text()?;
    reader.i64()?;
    let parts = (reader.text()?, reader.text()?, reader.text()?);
    reader.finish()?;
    Ok(parts)
}

/// The conversation with which a key of a list ends.
pub(crate) fn read_conversation(key: &[u8]) -> Result<EntityId, KeyError> {
    let id = key.last_chunk::<ID_BYTES>().ok_or(KeyError::Short)?;
    Ok(EntityId::new(EntityKind::Conversation, *id))
}

/// Statuses are 1 to 4; what is not one sorts last.
fn status_byte(status: u32) -> u8 {
    u8::try_from(status).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::row::{OPEN, SNOOZED};

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn conversation(id: [u8; 16]) -> EntityId {
        EntityId::new(EntityKind::Conversation, id)
    }

    #[test]
    fn lists_and_tenants_do_not_overlap() {
        let id = conversation([255; 16]);
        let facets = [Facet::All, Facet::Agent("ana"), Facet::Agent("anabel"), Facet::Team("ana")];
        for (index, facet) in facets.into_iter().enumerate() {
            let key = held(&tenant(), facet, OPEN, i64::MAX, id);
            for (other, prefix) in
                facets.into_iter().map(|facet| held_prefix(&tenant(), facet, OPEN).finish()).enumerate()
            {
                assert_eq!(key.starts_with(&prefix), index == other, "{facet:?}");
            }
            assert!(!key.starts_with(&held_prefix(&tenant(), facet, SNOOZED).finish()));
        }
        let lines = [Line::All, Line::Team("ana"), Line::Team("anabel"), Line::NoTeam];
        for (index, line) in lines.into_iter().enumerate() {
            let keys = [queue(&tenant(), line, OPEN, (0, None, 1), id), orphan(&tenant(), line, OPEN, 1, id)];
            for (other, line) in lines.into_iter().enumerate() {
                let prefixes = [queue_prefix(&tenant(), line, OPEN), orphans_prefix(&tenant(), line, OPEN)];
                for (key, prefix) in keys.iter().zip(prefixes) {
                    assert_eq!(key.starts_with(prefix.as_slice()), index == other, "{line:?}");
                }
            }
        }
        let longer = TenantId::new("demo-b").unwrap();
        assert!(!load(&longer, "wa", "ana", "").starts_with(&load_prefix(&tenant()).finish()));
        assert!(!history(&longer, id, 1, 0).starts_with(&history_prefix(&tenant(), id).finish()));
    }

    #[test]
    fn keys_read_back() {
        let id = conversation([7; 16]);
        for since in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(read_conversation(&held(&tenant(), Facet::Team("ventas"), OPEN, since, id)), Ok(id));
            assert_eq!(read_conversation(&wake(&tenant(), since, id)), Ok(id));
        }
        let parts = ("wa".to_owned(), String::new(), "ventas".to_owned());
        assert_eq!(read_load(&load(&tenant(), "wa", "", "ventas")), Ok(parts.clone()));
        assert_eq!(read_hour(&hour(&tenant(), -3, "wa", "", "ventas")), Ok(parts));
        assert_eq!((hour_of(-1), hour_of(0), hour_of(HOUR_MILLIS), hour_begins(-1)), (-1, 0, 1, -HOUR_MILLIS));
    }

    proptest! {
        #[test]
        fn the_longest_held_is_first(a in any::<(i64, [u8; 16])>(), b in any::<(i64, [u8; 16])>()) {
            let key = |(since, id)| held(&tenant(), Facet::All, OPEN, since, conversation(id));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn the_most_urgent_is_first_then_who_waits_longest(
            a in (0..5u32, proptest::option::of(0..99i64), any::<i64>(), any::<[u8; 16]>()),
            b in (0..5u32, proptest::option::of(0..99i64), any::<i64>(), any::<[u8; 16]>()),
        ) {
            let key = |(priority, waiting, since, id)| {
                queue(&tenant(), Line::NoTeam, OPEN, (priority, waiting, since), conversation(id))
            };
            let order = |(priority, waiting, since, id): (u32, Option<i64>, i64, [u8; 16])| {
                (4 - priority, waiting.is_none(), waiting, since, id)
            };
            prop_assert_eq!(key(a).cmp(&key(b)), order(a).cmp(&order(b)));
        }
    }
}
