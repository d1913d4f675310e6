//! How fast a file must move: whoever is slower holds memory for nothing.

use std::time::Duration;

use tokio::time::Instant;

/// How long a transfer may take at first, whatever has moved.
const GRACE: Duration = Duration::from_secs(30);
/// What must move in a second after that, in bytes: half a megabit, below what a telephone has.
const BYTES_PER_SECOND: u64 = 64 * 1024;
/// How long it may take altogether.
const TRANSFER_MAX: Duration = Duration::from_mins(10);

/// One transfer's.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    /// Time that was spent waiting for ourselves.
    forgiven: Duration,
}

impl Pace {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), forgiven: Duration::ZERO }
    }

    pub(super) fn forgive(&mut self, waited: Duration) {
        self.forgiven += waited;
    }

    /// When the next piece must have moved, after so many bytes.
    pub(super) fn end(&self, moved: usize) -> Instant {
        let earned = Duration::from_secs(moved as u64 / BYTES_PER_SECOND);
        self.begun + (GRACE + earned + self.forgiven).min(TRANSFER_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_moves_earns_time_and_nothing_lasts_for_ever() {
        let mut pace = Pace::begin();
        let left = |pace: &Pace, moved| pace.end(moved) - Instant::now();
        assert_eq!(left(&pace, 0), GRACE);
        assert_eq!(left(&pace, 1024 * 1024), GRACE + Duration::from_secs(16));
        pace.forgive(Duration::from_secs(5));
        assert_eq!(left(&pace, 0), GRACE + Duration::from_secs(5));
        assert_eq!(left(&pace, 100 * 1024 * 1024), TRANSFER_MAX);
    }
}
