//! A web service that fails again and again is left alone for a while, ever longer, and then asked once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which it rests: fewer are a hiccup.
pub const FAILURES_MAX: u32 = 5;
/// The first rest; each one after it is twice as long, until a call succeeds.
pub const REST_MIN: Duration = Duration::from_secs(30);
/// The longest rest: whoever has mended their service does not wait longer.
pub const REST_MAX: Duration = Duration::from_mins(5);

/// What is known of a web service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Condition {
    /// Calls that succeeded, since the start.
    pub good: u64,
    /// Calls that failed, since the start; without those that were not made.
    pub failed: u64,
    /// Failures since the last call that succeeded.
    pub in_a_row: u32,
    /// It is left alone for so long; zero if it is not.
    pub rests_for: Duration,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Rests(Duration),
    Recovered,
}

#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    good: u64,
    failed: u64,
    in_a_row: u32,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    length: Duration,
    /// Somebody is trying it, after the rest.
    trying: bool,
}

impl Circuit {
    /// Whether a call may be made now. After a rest one may, until it is known what became of it.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match &mut state.rest {
            None => true,
            Some(rest) if now < rest.until || rest.trying => false,
            Some(rest) => {
                rest.trying = true;
                true
            }
        }
    }

    /// Whether a rest is over that nobody has put to the test yet, or somebody is just doing that.
    pub(super) fn is_tried(&self, now: Instant) -> bool {
        self.lock().rest.is_some_and(|rest| rest.trying || now >= rest.until)
    }

    pub(super) fn succeeded(&self) -> Change {
        let mut state = self.lock();
        state.good += 1;
        state.in_a_row = 0;
        if state.rest.take().is_some() { Change::Recovered } else { Change::None }
    }

    pub(super) fn failed(&self, now: Instant) -> Change {
        let mut state = self.lock();
        state.failed += 1;
        state.in_a_row = state.in_a_row.saturating_add(1);
        let length = match state.rest {
            // One of those that ran already when it was sent to rest.
            Some(rest) if !rest.trying => return Change::None,
            Some(rest) => (rest.length * 2).min(REST_MAX),
            None if state.in_a_row >= FAILURES_MAX => REST_MIN,
            None => return Change::None,
        };
        state.rest = Some(Rest { until: now + length, length, trying: false });
        Change::Rests(length)
    }

    /// A call that was admitted was given up without an outcome.
    pub(super) fn given_up(&self) {
        if let Some(rest) = &mut self.lock().rest {
            rest.trying = false;
        }
    }

    pub(super) fn condition(&self, now: Instant) -> Condition {
        let state = self.lock();
        let rests_for = state.rest.map_or(Duration::ZERO, |rest| rest.until.saturating_duration_since(now));
        Condition { good: state.good, failed: state.failed, in_a_row: state.in_a_row, rests_for }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_five_failures_ever_longer_and_is_tried_once() {
        let circuit = Circuit::default();
        let mut now = Instant::now();
        for _ in 1..FAILURES_MAX {
            assert_eq!(circuit.failed(now), Change::None);
        }
        assert_eq!(circuit.failed(now), Change::Rests(REST_MIN));
        assert_eq!(circuit.condition(now).rests_for, REST_MIN);
        let mut length = REST_MIN;
        for _ in 0..6 {
            assert!(!circuit.admits(now + length - Duration::from_millis(1)));
            now += length;
            assert!(circuit.admits(now));
            assert!(!circuit.admits(now), "one tries");
            length = (length * 2).min(REST_MAX);
            assert_eq!(circuit.failed(now), Change::Rests(length));
        }
        assert_eq!(length, REST_MAX);
        now += length;
        assert!(circuit.admits(now));
        circuit.given_up();
        assert!(circuit.admits(now), "another tries");
        assert_eq!(circuit.succeeded(), Change::Recovered);
        let good = Condition { good: 1, failed: 11, in_a_row: 0, rests_for: Duration::ZERO };
        assert_eq!(circuit.condition(now), good);
        assert_eq!(circuit.failed(now), Change::None);
    }

    #[test]
    fn those_that_ran_already_do_not_prolong_the_rest() {
        let circuit = Circuit::default();
        let now = Instant::now();
        for _ in 0..FAILURES_MAX {
            circuit.failed(now);
        }
        assert_eq!(circuit.failed(now + Duration::from_secs(9)), Change::None);
        assert!(circuit.admits(now + REST_MIN));
    }

    #[test]
    fn a_success_begins_the_count_anew() {
        let circuit = Circuit::default();
        let now = Instant::now();
        for _ in 0..3 {
            for _ in 1..FAILURES_MAX {
                assert_eq!(circuit.failed(now), Change::None);
            }
            assert_eq!(circuit.succeeded(), Change::None);
        }
        assert!(circuit.admits(now));
    }
}
