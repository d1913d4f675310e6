//! Why a channel does not send at the moment, as this node knows it. Memory only: a node that starts tries once and learns it
//! again.

use std::time::Duration;

use relevo_domain::conversation::FailureClass;
use tokio::time::Instant;

use crate::policy;

/// A wrong credential is tried again after this long, though nobody has changed it here: it may have been mended elsewhere.
const STOPPED_FOR: Duration = Duration::from_mins(5);

/// What holds a channel back.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    slow: Option<Slow>,
    stopped: Option<Stopped>,
    /// The provider holds the number's quality against it.
    initiative: Option<Situation>,
}

/// It was too fast, so many times in a row.
#[derive(Clone, Copy, Debug)]
struct Slow {
    since: Instant,
    until: Instant,
    streak: u32,
}

/// Its credential was refused.
#[derive(Clone, Copy, Debug)]
struct Stopped {
    since: Instant,
    until: Instant,
    revision: u64,
}

/// What somebody who looks after a channel changes: its account, or that it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Situation {
    /// Of the account.
    pub(crate) revision: u64,
    /// Position of the last pause or resumption.
    pub(crate) switched: u64,
}

impl Holds {
    /// Until when nothing is sent; `None` if it may be.
    pub(crate) fn closed_until(&self, now: Instant, revision: u64) -> Option<Instant> {
        let slow = self.slow.map(|slow| slow.until);
        let stopped = self.stopped.filter(|stopped| stopped.revision == revision).map(|stopped| stopped.until);
        slow.max(stopped).filter(|until| *until > now)
    }

    /// Whether one message at a time is enough, until the provider has taken one.
    pub(crate) const fn careful(&self) -> bool {
        self.slow.is_some() || self.stopped.is_some()
    }

    /// Whether messages wait that the business sends by its own initiative.
    pub(crate) fn holds_initiative(&self, now: Situation) -> bool {
        // Whoever looked has changed something: the account, or paused and resumed the channel.
        self.initiative == Some(now)
    }

    /// The provider took a message whose attempt began at `begun`. One that was on its way before the refusal proves nothing.
    pub(crate) fn accepted(&mut self, begun: Instant) {
        self.slow = self.slow.filter(|slow| begun <= slow.since);
        self.stopped = self.stopped.filter(|stopped| begun <= stopped.since);
    }

    /// The provider refused a message. `share` (0 to 1) spreads nodes.
    pub(crate) fn refused(
        &mut self,
        class: FailureClass,
        retry_after: Option<Duration>,
        situation: Situation,
        now: Instant,
        share: f64,
    ) {
        match class {
            FailureClass::Throttled => {
                // Refusals of calls that were on their way together are one.
                let streak = match self.slow {
                    Some(slow) if slow.until > now => slow.streak,
                    Some(slow) => slow.streak.saturating_add(1),
                    None => 1,
                };
                let until = now + policy::slow_down(streak, retry_after, share);
                let until = self.slow.map_or(until, |slow| slow.until.max(until));
                let since = self.slow.map_or(now, |slow| slow.since.max(now));
                self.slow = Some(Slow { since, until, streak });
            }
            FailureClass::Auth => {
                let (until, revision) = (now + STOPPED_FOR, situation.revision);
                self.stopped = Some(Stopped { since: now, until, revision });
            }
            FailureClass::Quality => self.initiative = Some(situation),
            FailureClass::PairLimit
            | FailureClass::Transient
            | FailureClass::Integrity
            | FailureClass::Window
            | FailureClass::Recipient
            | FailureClass::Content
            | FailureClass::Template
            | FailureClass::Account
            | FailureClass::File
            | FailureClass::Expired
            | FailureClass::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Situation = Situation { revision: 1, switched: 0 };

    #[test]
    fn refusals_that_come_together_are_one() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        for _ in 0..8 {
            holds.refused(FailureClass::Throttled, None, HERE, now, 0.0);
        }
        let until = holds.closed_until(now, 1).unwrap();
        assert_eq!(until - now, Duration::from_secs(1));
        holds.refused(FailureClass::Throttled, None, HERE, until, 0.0);
        assert_eq!(holds.closed_until(until, 1).unwrap() - until, Duration::from_secs(2));
        // What was on its way before proves nothing.
        holds.accepted(now);
        assert!(holds.careful() && holds.closed_until(until, 1).is_some());
        holds.accepted(until + Duration::from_secs(3));
        assert_eq!((holds.closed_until(now, 1), holds.careful()), (None, false));
    }

    #[test]
    fn a_wrong_credential_stops_until_it_is_changed_or_five_minutes_pass() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        holds.refused(FailureClass::Auth, None, HERE, now, 0.0);
        assert_eq!(holds.closed_until(now, 1), Some(now + STOPPED_FOR));
        assert_eq!(holds.closed_until(now, 2), None);
        assert_eq!(holds.closed_until(now + STOPPED_FOR, 1), None);
    }

    #[test]
    fn business_by_its_own_initiative_waits_until_somebody_has_looked() {
        let mut holds = Holds::default();
        holds.refused(FailureClass::Quality, None, HERE, Instant::now(), 0.0);
        assert!(holds.holds_initiative(HERE));
        holds.accepted(Instant::now());
        assert!(holds.holds_initiative(HERE));
        assert!(!holds.holds_initiative(Situation { revision: 2, ..HERE }));
        assert!(!holds.holds_initiative(Situation { switched: 9, ..HERE }));
    }
}
