//! What one tenant's added channels may take of the stream that all tenants share, so that none can fill it for the others.

use std::collections::BTreeSet;

use relevo_domain::ChannelId;
use relevo_eventlog::budget::CHANNELS_BYTES;

use super::Definition;
use crate::config::Problem;

/// The most that one tenant gets, in bytes, however few there are: two hundred ordinary channels.
const BYTES_MAX: usize = 256 << 10;
/// What a message takes on the stream beside the definition, in bytes: subject, headers, seal.
const AROUND_BYTES: usize = 512;
/// The most channels of one tenant of which it is remembered that they were taken back.
const REMOVED_MAX: usize = 1_024;

/// One tenant's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Definitions, in bytes, with what a message takes beside them.
    bytes: usize,
    /// Channels that were taken back.
    removed: usize,
}

impl Share {
    /// Of so many tenants: half of the stream is for definitions, a quarter for what was taken back, the rest is room.
    pub(super) fn of(tenants: usize) -> Self {
        let whole = usize::try_from(CHANNELS_BYTES).unwrap_or(usize::MAX) / tenants.max(1);
        Self { bytes: (whole / 2).min(BYTES_MAX), removed: (whole / 4 / AROUND_BYTES).min(REMOVED_MAX) }
    }

    /// Whether all definitions of a tenant have room.
    pub(super) fn check<'d>(self, all: impl Iterator<Item = &'d Definition>) -> Result<(), Problem> {
        let bytes: usize = all.map(|one| one.text().len() + AROUND_BYTES).sum();
        Self::within("", bytes, self.bytes)
    }

    /// Whether there is room to remember this one, too, when it is taken back.
    pub(super) fn check_removed(self, channel: &ChannelId, removed: &BTreeSet<ChannelId>) -> Result<(), Problem> {
        if removed.contains(channel) {
            return Ok(());
        }
        Self::within("id", removed.len() + 1, self.removed)
    }

    fn within(at: &str, value: usize, most: usize) -> Result<(), Problem> {
        if value <= most {
            return Ok(());
        }
        Err(Problem::new(at, "config-too-large").with("value", value.to_string()).with("most", most.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tenants_together_have_room_however_many_there_are() {
        for tenants in [0, 1, 2, 7, 16, 100, 1_000, 100_000] {
            let share = Share::of(tenants);
            let all = tenants.max(1) * (share.bytes + share.removed * AROUND_BYTES);
            assert!(all as u64 <= CHANNELS_BYTES / 4 * 3, "{tenants}: {all}");
        }
        assert!(Share::of(1).bytes >= 64 * 2_048, "a tenant alone has its 64 channels");
    }
}
