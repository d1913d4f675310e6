//! Keys of the metrics view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01, 02                                                   of version 1
//! 03 tenant metric(1) slot(8) channel team agent           BUCKET   figures of one quarter of an hour
//! 04 tenant conversation(16)                               CONVERSATION  what its metrics depend on
//! 05 tenant conversation(16) message(16)                   DELIVERY what became of a message, or what an alias stands for
//! 06 tenant metric(1) level(1) block(8) channel team agent label  GAUGE  changes in one block of time
//! 07 tenant metric(1) sequence(8) ordinal(4)               OUTBOX   a fact
//! 08 tenant metric(1)                                      HEAD     which fact is a metric's newest
//! 09                                                       OUTBOX_ENDS    which commits are in the outbox
//! 0a index(8)                                              OUTBOX_COMMIT  a commit in the outbox
//! 0b tenant kind(1) word                                   WORD     a word that a label may have
//! 0c tenant kind(1)                                        WORDS    how many of them there are
//! 0d tenant metric(1)                                      FORGOTTEN  which fact was the last to leave the outbox
//! ```
//! `tenant`, `channel`, `team`, `agent`, `label` and `word` are terminated texts, empty for none. `slot` counts quarters of an
//! hour since 1970 (UTC) and may be negative. Block `b` of level `l` is the 64^l slots from `b · 64^l` on.

use relevo_domain::{EntityId, MessageId, TenantId};
use relevo_readstore::{Key, KeyError, KeyRange, KeyReader};

use crate::fact::FactPlace;

const BUCKET: u8 = 0x03;
const CONVERSATION: u8 = 0x04;
const DELIVERY: u8 = 0x05;
const GAUGE: u8 = 0x06;
const OUTBOX: u8 = 0x07;
const HEAD: u8 = 0x08;
const OUTBOX_ENDS: u8 = 0x09;
const OUTBOX_COMMIT: u8 = 0x0a;
const WORD: u8 = 0x0b;
const WORDS: u8 = 0x0c;
const FORGOTTEN: u8 = 0x0d;

/// Length of a slot in milliseconds: the greatest that divides every difference of a time zone in use from UTC.
pub(crate) const SLOT_MILLIS: i64 = 15 * 60 * 1000;
/// Levels of blocks above single slots; the last one's blocks have seven and a half years.
pub(crate) const LEVEL_MAX: u8 = 3;
/// A block has two to the power of this many blocks of the level below.
pub(crate) const LEVEL_BITS: u32 = 6;

/// The slot of a time in milliseconds.
pub(crate) const fn slot_of(at: i64) -> i64 {
    at.div_euclid(SLOT_MILLIS)
}

/// Whose a figure is. Empty for nobody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Whose {
    pub(crate) channel: String,
    pub(crate) team: String,
    pub(crate) agent: String,
}

// === figures ===

pub(crate) fn bucket(tenant: &TenantId, metric: u8, slot: i64, whose: [&str; 3]) -> Vec<u8> {
    let [channel, team, agent] = whose;
    Key::new(BUCKET).text(tenant.as_str()).u8(metric).i64(slot).text(channel).text(team).text(agent).finish()
}

/// Every bucket of a metric from one slot (included) to another (excluded).
pub(crate) fn buckets(tenant: &TenantId, metric: u8, from: i64, to: i64) -> KeyRange {
    let edge = |slot| Key::new(BUCKET).text(tenant.as_str()).u8(metric).i64(slot);
    KeyRange::between(edge(from), edge(to))
}

/// Slot and whose, of a BUCKET key.
pub(crate) fn read_bucket(key: &[u8]) -> Result<(i64, Whose), KeyError> {
    let mut reader = KeyReader::new(BUCKET, key)?;
    reader.text()?;
    reader.u8()?;
    let slot = reader.i64()?;
    let whose = Whose { channel: reader.text()?, team: reader.text()?, agent: reader.text()? };
    reader.finish()?;
    Ok((slot, whose))
}

/// The change of a gauge in the block of a level that has this slot.
pub(crate) fn gauge(tenant: &TenantId, metric: u8, level: u8, slot: i64, whose: [&str; 3], label: &str) -> Vec<u8> {
    let [channel, team, agent] = whose;
    let block = slot >> (LEVEL_BITS * u32::from(level));
    let key = Key::new(GAUGE).text(tenant.as_str()).u8(metric).u8(level).i64(block);
    key.text(channel).text(team).text(agent).text(label).finish()
}

/// The blocks of a level from one (included) to another (excluded).
pub(crate) fn gauges(tenant: &TenantId, metric: u8, level: u8, from: i64, to: i64) -> KeyRange {
    let edge = |block| Key::new(GAUGE).text(tenant.as_str()).u8(metric).u8(level).i64(block);
    KeyRange::between(edge(from), edge(to))
}

/// Block, whose and label, of a GAUGE key.
pub(crate) fn read_gauge(key: &[u8]) -> Result<(i64, Whose, String), KeyError> {
    let mut reader = KeyReader::new(GAUGE, key)?;
    reader.text()?;
    reader.bytes::<2>()?;
    let block = reader.i64()?;
    let whose = Whose { channel: reader.text()?, team: reader.text()?, agent: reader.text()? };
    let label = reader.text()?;
    reader.finish()?;
    Ok((block, whose, label))
}

// === what metrics depend on ===

pub(crate) fn conversation(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CONVERSATION).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

pub(crate) fn delivery(tenant: &TenantId, conversation: EntityId, message: MessageId) -> Vec<u8> {
    Key::new(DELIVERY).text(tenant.as_str()).bytes(conversation.bytes()).bytes(message.bytes()).finish()
}

pub(crate) fn word(tenant: &TenantId, kind: u8, word: &str) -> Vec<u8> {
    Key::new(WORD).text(tenant.as_str()).u8(kind).text(word).finish()
}

pub(crate) fn words(tenant: &TenantId, kind: u8) -> Vec<u8> {
    Key::new(WORDS).text(tenant.as_str()).u8(kind).finish()
}

// === outbox ===

/// Everything of one metric of a tenant.
pub(crate) fn outbox_of(tenant: &TenantId, metric: u8) -> Vec<u8> {
    Key::new(OUTBOX).text(tenant.as_str()).u8(metric).finish()
}

pub(crate) fn outbox(tenant: &TenantId, metric: u8, place: FactPlace) -> Vec<u8> {
    Key::new(OUTBOX).text(tenant.as_str()).u8(metric).u64(place.sequence).u32(place.ordinal).finish()
}

/// All heads.
pub(crate) fn heads() -> Vec<u8> {
    Key::new(HEAD).finish()
}

pub(crate) fn head(tenant: &TenantId, metric: u8) -> Vec<u8> {
    Key::new(HEAD).text(tenant.as_str()).u8(metric).finish()
}

/// Tenant and metric of a HEAD key.
pub(crate) fn read_head(key: &[u8]) -> Result<(String, u8), KeyError> {
    let mut reader = KeyReader::new(HEAD, key)?;
    let parts = (reader.text()?, reader.u8()?);
    reader.finish()?;
    Ok(parts)
}

pub(crate) fn forgotten(tenant: &TenantId, metric: u8) -> Vec<u8> {
    Key::new(FORGOTTEN).text(tenant.as_str()).u8(metric).finish()
}

pub(crate) fn outbox_ends() -> Vec<u8> {
    Key::new(OUTBOX_ENDS).finish()
}

pub(crate) fn outbox_commit(index: u64) -> Vec<u8> {
    Key::new(OUTBOX_COMMIT).u64(index).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    #[test]
    fn a_time_before_1970_has_its_own_slot() {
        assert_eq!([-SLOT_MILLIS, -1, 0, SLOT_MILLIS - 1, SLOT_MILLIS].map(slot_of), [-1, -1, 0, 0, 1]);
    }

    #[test]
    fn a_range_holds_its_slots_of_everybody_and_no_other_metrics_or_tenants() {
        let range = buckets(&tenant(), 7, 10, 20);
        let inside = |key: &[u8]| range.start.as_slice() <= key && range.end.as_deref().is_some_and(|end| key < end);
        for whose in [["", "", ""], ["wa", "ventas", "laura"], ["zz", "zz", "zz"]] {
            let found = [9, 10, 19, 20].map(|slot| inside(&bucket(&tenant(), 7, slot, whose)));
            assert_eq!(found, [false, true, true, false], "{whose:?}");
        }
        assert!(!inside(&bucket(&tenant(), 8, 15, ["wa", "", ""])));
        assert!(!inside(&bucket(&TenantId::new("demo-b").unwrap(), 7, 15, ["wa", "", ""])));
    }

    proptest! {
        #[test]
        fn buckets_are_in_the_order_of_time_and_read_back(a: i64, b: i64) {
            let key = |slot| bucket(&tenant(), 1, slot, ["wa", "", "laura"]);
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            let whose = Whose { channel: "wa".to_owned(), team: String::new(), agent: "laura".to_owned() };
            prop_assert_eq!(read_bucket(&key(a)), Ok((a, whose)));
        }

        #[test]
        fn a_gauges_key_reads_back_as_the_block_of_its_slot(slot: i64, level in 0..=LEVEL_MAX) {
            let key = gauge(&tenant(), 12, level, slot, ["wa", "ventas", ""], "open");
            let whose = Whose { channel: "wa".to_owned(), team: "ventas".to_owned(), agent: String::new() };
            let block = slot.div_euclid(64i64.pow(u32::from(level)));
            prop_assert_eq!(read_gauge(&key), Ok((block, whose, "open".to_owned())));
        }
    }
}
