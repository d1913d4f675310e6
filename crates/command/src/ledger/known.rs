//! What the ledger has in memory of the decision store, and how it knows that it need not look there again.
//!
//! The store is written in batches and shown from one position to the next. Between two of them it says the same.

use std::sync::Arc;

use relevo_domain::Position;
use relevo_projection::ViewSnapshot;

use crate::decision::{Entity, EntityState};

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

impl Known<Arc<Entity>> {
    /// Whether the store that is served now was seen to have it, and nothing can follow: an identifier is bound once and for ever.
    pub(super) fn is_final(&self, now: Moment) -> bool {
        matches!(self.value.state, EntityState::Identity(Some(_)))
            && self.seen.is_some_and(|seen| seen.epoch == now.epoch)
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::identity::{IdentifierKind, IdentityEvent};
    use relevo_domain::{ChannelId, EntityId, EntityKind};

    use super::*;

    fn known(state: EntityState, seen: Option<Moment>) -> Known<Arc<Entity>> {
        let entity = Entity { state, sequence: 3, ..Entity::absent(EntityKind::Identity) };
        Known { value: Arc::new(entity), seen }
    }

    #[test]
    fn only_a_binding_that_this_store_has_is_not_looked_for_again() {
        let at = |epoch, position| Moment { epoch, position: Position::new(position) };
        let bound = || {
            EntityState::Identity(Some(IdentityEvent::Bound {
                kind: IdentifierKind::WaId,
                channel: ChannelId::new("wa").unwrap(),
                contact: EntityId::new(EntityKind::Contact, [1; 16]),
                conversation: None,
            }))
        };
        // Given a binding that was seen in the store: then it stands, however far the store comes.
        assert!(known(bound(), Some(at(1, 5))).is_final(at(1, 99)));
        // But not if another store is served since, which may be of another log, or if only this node's memory has it.
        assert!(!known(bound(), Some(at(1, 5))).is_final(at(2, 5)));
        assert!(!known(bound(), None).is_final(at(1, 99)));
        // And nothing stands that can still change: what is not bound may be, and people go on talking.
        assert!(!known(EntityState::Identity(None), Some(at(1, 5))).is_final(at(1, 6)));
        assert!(!known(Entity::absent(EntityKind::Conversation).state, Some(at(1, 5))).is_final(at(1, 6)));
    }
}
