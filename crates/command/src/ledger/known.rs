//! What the ledger has in memory of the decision store, and how it knows that it need not look there again.
//!
//! The store is written in batches and shown from one position to the next. Between two of them it says the same.

use relevo_domain::Position;
use relevo_projection::ViewSnapshot;

/// Something in memory, and the moment of the decision store that it was last compared with.
#[derive(Clone)]
pub(super) struct Known<T> {
    pub(super) value: T,
    pub(super) seen: Option<Moment>,
}

/// A moment of the decision store: which of its stores, and how far that had come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    epoch: u64,
    pub(super) position: Position,
}

impl Moment {
    pub(super) fn of(snapshot: &ViewSnapshot) -> Self {
        Self { epoch: snapshot.epoch(), position: snapshot.position() }
    }
}

impl<T> Known<T> {
    /// Whether the store, as it is now, was looked at already: it would say the same again.
    pub(super) fn is_of(&self, now: Moment) -> bool {
        self.seen.is_some_and(|seen| seen.epoch == now.epoch && seen.position >= now.position)
    }
}
