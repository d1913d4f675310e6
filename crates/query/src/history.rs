//! The port to the log that reads of the past need. The binary wires it; nothing here knows what a log is made of.

use async_trait::async_trait;
use relevo_domain::{EntityId, Position, Recorded, TenantId, Timestamp};

/// Tells everything that was ever recorded about one entity.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// The entity's commits in order, from its first one up to the last one that had been made by then. `limit` bounds them: with
    /// more it answers `TooLong`, and reads none beyond. Nothing for an entity that did not exist.
    async fn commits(
        &self,
        tenant: &TenantId,
        entity: EntityId,
        until: When,
        limit: usize,
    ) -> Result<Vec<Recorded>, HistoryError>;
}

/// Up to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Position(Position),
    Time(Timestamp),
}

impl When {
    /// Whether a commit had been made by then. Writers' clocks may disagree; an entity's commits are taken up to the first later one.
    pub fn has(self, commit: &Recorded) -> bool {
        match self {
            Self::Position(position) => commit.sequence <= position.sequence(),
            Self::Time(time) => commit.commit.recorded_at <= time,
        }
    }
}

/// Why the past could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The log did not answer; ask again.
    #[error("log cannot be read: {0}")]
    Unavailable(String),
    /// A commit on the log cannot be read.
    #[error("commit cannot be read: {0}")]
    Unreadable(String),
    #[error("entity has more than {limit} commits")]
    TooLong { limit: usize },
}

/// For an installation without a log, such as a benchmark of the views: there is no past.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistory;

#[async_trait]
impl History for NoHistory {
    async fn commits(&self, _: &TenantId, _: EntityId, _: When, _: usize) -> Result<Vec<Recorded>, HistoryError> {
        Err(HistoryError::Unavailable("there is no log".to_owned()))
    }
}
