//! Budgets: how the store is divided among the streams, so that a flood of mail can never stop a pause.

/// The smallest store that can be divided, in bytes: a gibibyte for events and what the others need at least.
pub const STORE_BYTES_MIN: u64 = EVENTS_BYTES_MIN
    + INTAKE_BYTES_MIN
    + OBJECTS_BYTES_MIN
    + FILES_BYTES_MIN
    + PARKED_BYTES_MIN * 2
    + METRICS_BYTES_MIN * 2
    + MAILBOX_BYTES
    + CHANNELS_BYTES;
/// Events always have this much, in bytes: years of a small business.
pub const EVENTS_BYTES_MIN: u64 = 1024 * MIB;

const MIB: u64 = 1024 * 1024;
/// A day of a small business, in bytes.
const INTAKE_BYTES_MIN: u64 = 64 * MIB;
/// Twice the largest mail (60 MB), in bytes.
const OBJECTS_BYTES_MIN: u64 = 128 * MIB;
/// The largest file (100 MiB) with room, in bytes.
const FILES_BYTES_MIN: u64 = 128 * MIB;
/// In bytes; for the parked messages and again for their large bodies (one mail of 60 MB).
const PARKED_BYTES_MIN: u64 = 64 * MIB;
/// In bytes, some 50,000 facts; for the live topics and again for facts that are published once more.
const METRICS_BYTES_MIN: u64 = 32 * MIB;

/// Positions of some 40,000 folders, in bytes.
const MAILBOX_BYTES: u64 = 12 * MIB;
/// Some 2,000 channels of two kilobytes, in bytes. Older installations gave these to the mailboxes' positions.
pub const CHANNELS_BYTES: u64 = 4 * MIB;

/// `max_bytes` of every stream and bucket. Their sum is the size of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    pub events: u64,
    pub intake: u64,
    /// Large raw inputs.
    pub objects: u64,
    pub parked: u64,
    /// Large bodies of parked items.
    pub parked_objects: u64,
    pub metrics: u64,
    /// Metric facts that were published again.
    pub republish: u64,
    /// Attachments and other files, by hash.
    pub files: u64,
    /// Positions of mailboxes.
    pub mailbox: u64,
    /// Channels that were added while Relevo ran.
    pub channels: u64,
}

/// A store that is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log's store has {have} bytes; it needs at least {need}")]
pub struct BudgetError {
    pub have: u64,
    pub need: u64,
}

impl Budgets {
    /// Divides a store of `total` bytes.
    ///
    /// Half goes to events (never less than a gibibyte). The rest is shared by the others, each with a floor below which it would
    /// be of no use.
    pub fn of(total: u64) -> Result<Self, BudgetError> {
        if total < STORE_BYTES_MIN {
            return Err(BudgetError { have: total, need: STORE_BYTES_MIN });
        }
        let floors = STORE_BYTES_MIN - EVENTS_BYTES_MIN;
        // What the others get beyond their floors. At the minimum there is nothing; events take at least half of every store.
        let others = (total / 2).max(floors).min(total - EVENTS_BYTES_MIN);
        let spare = others - floors;
        let share = |percent: u64| spare / 100 * percent;
        let intake = INTAKE_BYTES_MIN + share(30);
        let objects = OBJECTS_BYTES_MIN + share(15);
        let files = FILES_BYTES_MIN + share(35);
        let parked = PARKED_BYTES_MIN + share(6);
        let parked_objects = PARKED_BYTES_MIN + share(4);
        let metrics = METRICS_BYTES_MIN + share(7);
        let republish = METRICS_BYTES_MIN + share(3);
        let (mailbox, channels) = (MAILBOX_BYTES, CHANNELS_BYTES);
        let all = intake + objects + files + parked + parked_objects + metrics + republish + mailbox + channels;
        let events = total - all;
        Ok(Self { events, intake, objects, parked, parked_objects, metrics, republish, files, mailbox, channels })
    }

    pub const fn total(&self) -> u64 {
        self.events
            + self.intake
            + self.objects
            + self.files
            + self.parked
            + self.parked_objects
            + self.metrics
            + self.republish
            + self.mailbox
            + self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn events_keep_their_share(total in STORE_BYTES_MIN..(1u64 << 50)) {
            let budgets = Budgets::of(total).unwrap();
            prop_assert_eq!(budgets.total(), total);
            prop_assert!(budgets.events >= EVENTS_BYTES_MIN);
            prop_assert!(budgets.events >= total / 5);
            prop_assert!(budgets.intake >= INTAKE_BYTES_MIN && budgets.objects >= OBJECTS_BYTES_MIN);
            prop_assert!(budgets.parked >= PARKED_BYTES_MIN && budgets.metrics >= METRICS_BYTES_MIN);
            prop_assert!(budgets.files >= FILES_BYTES_MIN);
            prop_assert!(budgets.republish >= METRICS_BYTES_MIN);
        }
    }

    #[test]
    fn a_store_that_is_too_small_is_refused() {
        assert_eq!(
            Budgets::of(STORE_BYTES_MIN - 1),
            Err(BudgetError { have: STORE_BYTES_MIN - 1, need: STORE_BYTES_MIN })
        );
    }
}
