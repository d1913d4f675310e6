//! What a worker has in hand: the items that it handed out, and the messages that they are of.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::subject::Subject;
use tokio::sync::Notify;

use super::window::{Turn, Window};
use crate::intake::RawItem;

/// What a worker has in hand, shared with the items that it handed out.
pub(super) struct Hand {
    state: Mutex<State>,
    /// Acknowledgements are to be sent.
    pub(super) done: Notify,
}

pub(super) struct State {
    /// Counts how often everything in hand was given up.
    pub(super) generation: u64,
    pub(super) window: Window<Vec<RawItem>, Subject>,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { generation: 0, window: Window::above(0) }), done: Notify::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An item to work on. Dropped without an answer, it is delivered again, and handed out before what was not handed out yet.
pub struct Delivery {
    pub item: RawItem,
    /// How often it was delivered, this time included.
    pub attempt: u64,
    /// Another worker, or an earlier life of this one, may have begun it or what comes before it: whoever decides about it must
    /// know the events log up to its end first.
    pub takes_over: bool,
    pub(super) message: Arc<InHand>,
    acknowledged: bool,
}

/// A message in hand, shared by its items.
pub(super) struct InHand {
    sequence: u64,
    generation: u64,
    /// Items that are not done.
    open: AtomicUsize,
    /// An item was let go, and all of them come again: what the others become counts for nothing.
    let_go: AtomicBool,
    hand: Arc<Hand>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("item", &self.item).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl Delivery {
    /// The item is done; its message is acknowledged as soon as all of it and everything before it is. Answers up to which message
    /// everything is done, if this worker's own items reach so far.
    ///
    /// The acknowledgement is not waited for: if it is lost, the item is delivered again, and known.
    pub fn ack(mut self) -> Option<u64> {
        self.acknowledged = true;
        let message = &self.message;
        let last = message.open.fetch_sub(1, Ordering::AcqRel) == 1;
        let floor = {
            let mut state = message.hand.state();
            if last && state.generation == message.generation && !message.let_go.load(Ordering::Acquire) {
                state.window.done(message.sequence);
            }
            state.window.own_floor()
        };
        if last {
            message.hand.done.notify_one();
        }
        floor
    }
}

impl InHand {
    /// The items of a message whose turn it is.
    pub(super) fn deliveries(
        hand: &Arc<Hand>,
        generation: u64,
        turn: Turn<Vec<RawItem>>,
    ) -> impl Iterator<Item = Delivery> + use<> {
        let Turn { sequence, delivered, attempt, takes_over } = turn;
        let (open, hand) = (AtomicUsize::new(delivered.len()), Arc::clone(hand));
        let message = Arc::new(Self { sequence, generation, open, let_go: AtomicBool::new(false), hand });
        delivered.into_iter().map(move |item| {
            let message = Arc::clone(&message);
            Delivery { item, attempt, takes_over, message, acknowledged: false }
        })
    }

    /// Whether what its items become counts.
    pub(super) fn counts(&self) -> bool {
        !self.let_go.load(Ordering::Acquire) && self.hand.state().generation == self.generation
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let message = &self.message;
        if self.acknowledged || message.let_go.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = message.hand.state();
        if state.generation == message.generation {
            state.window.let_go(message.sequence);
        }
    }
}
