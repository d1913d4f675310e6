//! Pauses between attempts: they grow, they differ from node to node, and they have an end.

use std::time::Duration;

use rand::RngExt as _;

/// After a lost connection: a server that restarts should be found within a minute.
pub(crate) const CONNECTION_PAUSE_MAX: Duration = Duration::from_mins(1);
/// After a denied login: an account that was mended should be found within half an hour, by itself.
pub(crate) const DENIED_PAUSE_MAX: Duration = Duration::from_mins(30);
/// After trouble that is not the mailbox's own.
pub(crate) const ELSEWHERE_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Pauses that double.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Pauses {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first.min(max) }
    }

    /// The next one, with jitter: never shorter than half of it.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.max);
        pause
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first.min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_end_and_begin_anew() {
        let mut pauses = Pauses::new(Duration::from_secs(1), Duration::from_mins(1));
        for most in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = pauses.next();
            assert!(pause <= Duration::from_secs(most) && pause * 2 >= Duration::from_secs(most), "{pause:?} {most}");
        }
        pauses.reset();
        assert!(pauses.next() <= Duration::from_secs(1));
    }
}
