//! Timers that were tried a moment ago: they are let alone for a while, so that one that cannot come to pass is tried ever less
//! often, and one that has come to pass is not tried again before the view knows of it.
//!
//! Memory only: a node that starts tries everything at once.

use std::collections::HashMap;
use std::time::Duration;

use relevo_command::Timer;
use tokio::time::Instant;

/// For how long a timer is let alone after its first try: a view that follows the log has it after milliseconds.
const FIRST: Duration = Duration::from_secs(1);
/// For how long a timer is let alone at most that cannot come to pass: whatever is wrong with it, somebody may have mended it.
const TROUBLED_MAX: Duration = Duration::from_mins(1);
/// For how long a timer is let alone at most because the log did not answer: it is not to blame.
const UNHEARD_MAX: Duration = Duration::from_secs(4);
/// How long a timer that is not tried any more is remembered: it has come to pass.
const FORGET: Duration = Duration::from_secs(30);
/// Timers that are remembered, about 150 bytes each. Those beyond are tried whenever they are seen.
const HELD_MAX: usize = 16_384;

/// How a try ended, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The log answered.
    Heard,
    /// It did not.
    Unheard,
}

#[derive(Debug, Default)]
pub(crate) struct Held(HashMap<Timer, Hold>);

#[derive(Clone, Copy, Debug)]
struct Hold {
    until: Instant,
    tries: u32,
}

impl Held {
    /// Whether a timer is to be let alone.
    pub(crate) fn holds(&self, timer: &Timer, now: Instant) -> bool {
        self.0.get(timer).is_some_and(|hold| hold.until > now)
    }

    /// Notes a try.
    pub(crate) fn tried(&mut self, timer: Timer, tried: Tried, now: Instant) {
        let tries = self.0.get(&timer).map_or(0, |hold| hold.tries);
        let most = match tried {
            Tried::Heard => TROUBLED_MAX,
            Tried::Unheard => UNHEARD_MAX,
        };
        let hold = Hold { until: now + doubled(FIRST, tries, most), tries: tries.saturating_add(1) };
        if self.0.len() < HELD_MAX || self.0.contains_key(&timer) {
            self.0.insert(timer, hold);
        }
    }

    /// Forgets those that were not tried again when they could have been.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, hold| hold.until + FORGET > now);
    }
}

/// `first`, doubled for every try before, at most `most`.
pub(crate) fn doubled(first: Duration, tries: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(tries)).min(most)
}

#[cfg(test)]
mod tests {
    use relevo_command::TimerKind;
    use relevo_domain::{EntityId, EntityKind, TenantId, Timestamp};

    use super::*;

    fn timer(id: u8) -> Timer {
        Timer {
            scheduled: Timestamp::from_seconds(1),
            tenant: TenantId::new("demo").unwrap(),
            conversation: EntityId::new(EntityKind::Conversation, [id; 16]),
            kind: TimerKind::EndPause,
            set_by: 3,
            after: Duration::ZERO,
        }
    }

    #[test]
    fn one_that_cannot_come_to_pass_is_tried_ever_less_often_and_no_other_with_it() {
        let (mut held, mut now, mut pauses) = (Held::default(), Instant::now(), Vec::new());
        for _ in 0..9 {
            held.tried(timer(1), Tried::Heard, now);
            let pause = (1..100).map(Duration::from_secs).find(|pause| !held.holds(&timer(1), now + *pause)).unwrap();
            pauses.push(pause.as_secs());
            assert!(!held.holds(&timer(2), now));
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn one_whose_log_did_not_answer_is_tried_soon() {
        let (mut held, now) = (Held::default(), Instant::now());
        for _ in 0..20 {
            held.tried(timer(1), Tried::Unheard, now);
        }
        assert!(held.holds(&timer(1), now + UNHEARD_MAX - Duration::from_millis(1)));
        assert!(!held.holds(&timer(1), now + UNHEARD_MAX));
    }

    #[test]
    fn what_is_not_tried_any_more_is_forgotten() {
        let (mut held, now) = (Held::default(), Instant::now());
        held.tried(timer(1), Tried::Heard, now);
        held.forget(now + FIRST);
        assert_eq!(held.0.len(), 1);
        held.forget(now + FIRST + FORGET);
        assert!(held.0.is_empty());
    }
}
