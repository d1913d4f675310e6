//! Claims whose time lies further ahead than any claim's can: the clock of their sender was wrong. If that sender is gone, no clock
//! says in time when they are over, and their conversations would wait for it. So they are over as long after they were first seen
//! here as any other claim is.
//!
//! Memory only: a node that starts sees them for the first time.

use std::collections::HashMap;
use std::time::Duration;

use relevo_domain::EntityId;
use relevo_domain::conversation::Pending;
use tokio::time::Instant;

/// Since when each of them has been seen.
#[derive(Debug, Default)]
pub(crate) struct Ahead(HashMap<EntityId, (Pending, Instant)>);

impl Ahead {
    /// Notes those that are there now, and forgets all others. Answers with those that have been there for that long.
    pub(crate) fn over(
        &mut self,
        claims: impl IntoIterator<Item = (EntityId, Pending)>,
        now: Instant,
        patience: Duration,
    ) -> Vec<EntityId> {
        let before = std::mem::take(&mut self.0);
        let since = |conversation: &EntityId, claim: &Pending| {
            before.get(conversation).filter(|(known, _)| known == claim).map_or(now, |(_, since)| *since)
        };
        self.0 = claims
            .into_iter()
            .map(|(conversation, claim)| {
                let since = since(&conversation, &claim);
                (conversation, (claim, since))
            })
            .collect();
        let over = self.0.iter().filter(|(_, (_, since))| now.duration_since(*since) >= patience);
        over.map(|(conversation, _)| *conversation).collect()
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::conversation::{Author, Stage};
    use relevo_domain::{EntityKind, MessageId, Timestamp};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(45);

    fn claim(attempts: u32) -> (EntityId, Pending) {
        let until = Timestamp::from_millis(i64::MAX);
        let pending = Pending {
            id: MessageId::new([1; 16]),
            author: Author::Staff,
            queued_at: Timestamp::from_seconds(0),
            attempts,
            stage: Stage::Claimed { claim: "a".to_owned(), until },
        };
        (EntityId::new(EntityKind::Conversation, [1; 16]), pending)
    }

    #[test]
    fn a_claim_from_the_future_is_over_as_long_after_it_was_seen_as_any_other() {
        let (mut ahead, now) = (Ahead::default(), Instant::now());
        assert!(ahead.over([claim(1)], now, PATIENCE).is_empty());
        assert!(ahead.over([claim(1)], now + PATIENCE / 2, PATIENCE).is_empty());
        assert_eq!(ahead.over([claim(1)], now + PATIENCE, PATIENCE), [claim(1).0]);
        // Another claim of the same conversation begins anew; one that was gone in between does, too.
        assert!(ahead.over([claim(2)], now + PATIENCE, PATIENCE).is_empty());
        assert!(ahead.over([], now + PATIENCE * 2, PATIENCE).is_empty());
        assert!(ahead.over([claim(2)], now + PATIENCE * 3, PATIENCE).is_empty());
    }
}
