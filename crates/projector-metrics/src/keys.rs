//! Keys of the metrics view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant slot(8) channel        BUCKET   what happened in one quarter of an hour on one channel
//! 02 tenant conversation(16)       EPISODE  what the first response of the current episode needs
//! ```
//! `tenant` and `channel` are terminated texts; `slot` counts quarters of an hour since 1970 (UTC) and may be negative. The
//! channel is empty for reports that no conversation has.

use relevo_domain::{EntityId, TenantId};
use relevo_readstore::{Key, KeyError, KeyRange, KeyReader};

const BUCKET: u8 = 0x01;
const EPISODE: u8 = 0x02;

/// Length of a bucket in milliseconds: the greatest that divides every difference of a time zone in use from UTC.
pub(crate) const SLOT_MILLIS: i64 = 15 * 60 * 1000;

/// The bucket of a time in milliseconds.
pub(crate) const fn slot_of(at: i64) -> i64 {
    at.div_euclid(SLOT_MILLIS)
}

pub(crate) fn bucket(tenant: &TenantId, slot: i64, channel: &str) -> Vec<u8> {
    Key::new(BUCKET).text(tenant.as_str()).i64(slot).text(channel).finish()
}

/// Every bucket from one slot (included) to another (excluded), of all channels.
pub(crate) fn buckets(tenant: &TenantId, from: i64, to: i64) -> KeyRange {
    let edge = |slot| Key::new(BUCKET).text(tenant.as_str()).i64(slot);
    KeyRange::between(edge(from), edge(to))
}

/// Slot and channel of a BUCKET key.
pub(crate) fn read_bucket(key: &[u8]) -> Result<(i64, String), KeyError> {
    let mut reader = KeyReader::new(BUCKET, key)?;
    reader.text()?;
    let parts = (reader.i64()?, reader.text()?);
    reader.finish()?;
    Ok(parts)
}

pub(crate) fn episode(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(EPISODE).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    #[test]
    fn a_time_before_1970_has_its_own_bucket() {
        assert_eq!([-SLOT_MILLIS, -1, 0, SLOT_MILLIS - 1, SLOT_MILLIS].map(slot_of), [-1, -1, 0, 0, 1]);
    }

    #[test]
    fn a_range_holds_its_slots_of_every_channel_and_no_other_tenants() {
        let range = buckets(&tenant(), 10, 20);
        let inside = |key: &[u8]| range.start.as_slice() <= key && range.end.as_deref().is_some_and(|end| key < end);
        for channel in ["", "wa", "zz"] {
            let found = [9, 10, 19, 20].map(|slot| inside(&bucket(&tenant(), slot, channel)));
            assert_eq!(found, [false, true, true, false], "{channel}");
        }
        assert!(!inside(&bucket(&TenantId::new("demo-b").unwrap(), 15, "wa")));
    }

    proptest! {
        #[test]
        fn buckets_are_in_the_order_of_time_and_read_back(a: i64, b: i64) {
            let key = |slot| bucket(&tenant(), slot, "wa");
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(read_bucket(&key(a)), Ok((a, "wa".to_owned())));
        }
    }
}
