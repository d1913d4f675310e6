//! The log's end, asked for by one and known to all who wait.

use std::sync::atomic::{AtomicU64, Ordering};

use relevo_domain::Position;
use relevo_eventlog::{Log, LogError};
use tokio::sync::Mutex;

/// Answers where the log ends: never older than the question, and with one request for all who ask at the same time.
#[derive(Default)]
pub(crate) struct End {
    /// How many have asked.
    asked: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Whoever asked with a lower number asked before the log did.
    tickets: u64,
    position: Position,
}

impl End {
    pub(crate) async fn of(&self, log: &dyn Log) -> Result<Position, LogError> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut known = self.known.lock().await;
        if known.tickets <= ticket {
            let tickets = self.asked.load(Ordering::SeqCst);
            let identity = log.identity().await?;
            *known = Known { tickets, position: Position::new(identity.last_sequence) };
        }
        Ok(known.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use relevo_eventlog::{Append, MemoryLog};
    use relevo_projection::testing::history;

    #[tokio::test]
    async fn nobody_is_told_an_end_from_before_they_asked() {
        let (log, end) = (MemoryLog::new(), End::default());
        for (at, recorded) in (1..).zip(history(3, 20)) {
            let before = join_all((0..5).map(|_| end.of(&log)));
            let earlier = before.await.into_iter().map(|end| end.unwrap().sequence()).max();
            assert_eq!(earlier, Some(log.identity().await.unwrap().last_sequence));
            let mut commit = recorded.commit;
            commit.first_version = 1;
            let expected = log.last_of(&commit.tenant, &commit.entity).await.unwrap();
            log.append(vec![Append { commit, expected }]).await.unwrap();
            assert_eq!(end.of(&log).await.unwrap().sequence(), at);
        }
    }
}
