//! What the holders of one bot on one node share: which conversations they are asking for, which they let alone for a while, how
//! many streams there are, and what claims are called.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use relevo_domain::EntityId;
use tokio::time::Instant;

/// For how long a conversation is let alone after its first try that came to nothing: by then the view says why.
const FIRST: Duration = Duration::from_millis(250);
/// For how long at most.
const MOST: Duration = Duration::from_mins(1);
/// How long a conversation that is not tried any more is remembered.
const FORGET: Duration = Duration::from_secs(30);
/// Conversations that are remembered, about 100 bytes each. Those beyond are tried whenever they are seen.
const HELD_MAX: usize = 16_384;
/// Streams of one bot on one node.
pub(crate) const STREAMS_MAX: usize = 32;

/// What the holders of one bot share.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    held: Mutex<HashMap<EntityId, Hold>>,
    streams: AtomicUsize,
    claims: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    /// Absent while it is asked for.
    until: Option<Instant>,
    tries: u32,
}

/// One of a bot's streams.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Desk>);

impl Desk {
    /// A place for one more stream, if there is one.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let taken = self
            .streams
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |streams| (streams < STREAMS_MAX).then_some(streams + 1));
        taken.ok().map(|_before| Seat(Arc::clone(self)))
    }

    /// A number that no other holder of this desk has.
    pub(crate) fn number(&self) -> u64 {
        self.claims.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether somebody asks for the conversation, or it is to be let alone.
    pub(crate) fn holds(&self, conversation: EntityId, now: Instant) -> bool {
        self.held().get(&conversation).is_some_and(|hold| hold.until.is_none_or(|until| until > now))
    }

    /// Begins to ask for a conversation; false if somebody else does.
    pub(crate) fn take(&self, conversation: EntityId, now: Instant) -> bool {
        let mut held = self.held();
        held.retain(|_, hold| hold.until.is_none_or(|until| until + FORGET > now));
        if held.len() >= HELD_MAX {
            return true;
        }
        let hold = held.entry(conversation).or_insert(Hold { until: Some(now), tries: 0 });
        if hold.until.is_none_or(|until| until > now) {
            return false;
        }
        hold.until = None;
        true
    }

    /// It was given, or it is over: nothing stands against asking again.
    pub(crate) fn free(&self, conversation: EntityId) {
        self.held().remove(&conversation);
    }

    /// Somebody else was faster, or nobody needs it: the view says so in a moment.
    pub(crate) fn lost(&self, conversation: EntityId, now: Instant) {
        if let Some(hold) = self.held().get_mut(&conversation) {
            *hold = Hold { until: Some(now + FIRST), tries: 0 };
        }
    }

    /// It came to nothing.
    pub(crate) fn rest(&self, conversation: EntityId, now: Instant) {
        if let Some(hold) = self.held().get_mut(&conversation) {
            hold.until = Some(now + FIRST.saturating_mul(2_u32.saturating_pow(hold.tries)).min(MOST));
            hold.tries = hold.tries.saturating_add(1);
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<EntityId, Hold>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::EntityKind;

    use super::*;

    fn talk(n: u8) -> EntityId {
        EntityId::new(EntityKind::Conversation, [n; 16])
    }

    #[test]
    fn of_two_holders_one_asks_and_what_comes_to_nothing_rests_ever_longer() {
        let (desk, mut now, mut rests) = (Desk::default(), Instant::now(), Vec::new());
        for _ in 0..10 {
            assert!(desk.take(talk(1), now));
            assert!(!desk.take(talk(1), now) && desk.holds(talk(1), now) && !desk.holds(talk(2), now));
            desk.rest(talk(1), now);
            let free = (1..2_000).map(|n| FIRST * n).find(|rest| !desk.holds(talk(1), now + *rest)).unwrap();
            rests.push(free.as_millis());
            now += free;
        }
        assert_eq!(rests, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert!(desk.take(talk(1), now));
        desk.free(talk(1));
        assert!(desk.take(talk(1), now));
    }

    #[test]
    fn a_bot_has_so_many_streams_and_one_that_ends_makes_room() {
        let desk = Arc::new(Desk::default());
        let mut seats: Vec<Seat> = (0..STREAMS_MAX).map(|_| desk.seat().unwrap()).collect();
        assert!(desk.seat().is_none());
        seats.pop();
        assert!(desk.seat().is_some());
    }
}
