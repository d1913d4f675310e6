//! A time that two clocks have to agree on: what a claim allows ends when either of them says so.
//!
//! The monotonic clock cannot be set, but it stands still while a machine sleeps; the other one goes on, and can be set.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use relevo_domain::{Clock, Timestamp};
use tokio::time::Instant;

/// When something must have begun, or be over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    instant: Instant,
    time: Timestamp,
    clock: Clock,
}

impl Deadline {
    /// Over at that instant, or when `clock` shows that time, whichever comes first.
    pub const fn new(instant: Instant, time: Timestamp, clock: Clock) -> Self {
        Self { instant, time, clock }
    }

    /// That long from now.
    pub fn within(limit: Duration, clock: Clock) -> Self {
        Self { instant: Instant::now() + limit, time: clock() + limit, clock }
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.instant || (self.clock)() >= self.time
    }

    /// What timers go by; the other clock may have ended it before.
    pub const fn instant(&self) -> Instant {
        self.instant
    }

    /// What the other clock shows at the end.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }
}

/// Does the work as long as the time is not over. It is looked at before each step of it: who was held up, by a debugger, a paused
/// machine or a clock that was set, takes not one step more. A time-out alone would let them, for it asks the work first.
pub(crate) async fn in_time<T>(by: Deadline, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let steps = poll_fn(|context| {
        if by.is_over() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    });
    tokio::time::timeout_at(by.instant, steps).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use super::*;

    static NOW: AtomicI64 = AtomicI64::new(0);

    fn clock() -> Timestamp {
        Timestamp::from_millis(NOW.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn whichever_clock_ends_first_ends_it() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert!(!Deadline::within(second, clock).is_over());
        assert!(Deadline::new(now, clock() + second, clock).is_over(), "the machine's clock was set back");
        assert!(Deadline::new(now + second, clock(), clock).is_over(), "the machine slept");
    }

    #[tokio::test]
    async fn not_one_step_is_taken_after_the_end() {
        let steps = AtomicU32::new(0);
        let by = Deadline::within(Duration::from_mins(1), clock);
        let work = async {
            steps.fetch_add(1, Ordering::SeqCst);
            // Whoever wakes from this finds another time.
            NOW.fetch_add(60_000, Ordering::SeqCst);
            tokio::task::yield_now().await;
            steps.fetch_add(1, Ordering::SeqCst);
        };
        assert_eq!((in_time(by, work).await, steps.load(Ordering::SeqCst)), (None, 1));
    }

    #[tokio::test]
    async fn what_never_comes_is_not_waited_for() {
        let by = Deadline::new(Instant::now() + Duration::from_millis(5), clock() + Duration::from_hours(1), clock);
        assert_eq!(in_time(by, std::future::pending::<()>()).await, None);
    }
}
