//! The port to the log that reads of the past need. The binary wires it; nothing here knows what a log is made of.

use async_trait::async_trait;
use relevo_domain::{EntityId, Recorded, TenantId};

/// Tells everything that was ever recorded about one entity.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// The entity's commits in order, from its first one. `limit` bounds them: with more it answers `TooLong` and need not have
    /// read them all. Nothing for an entity that does not exist.
    async fn commits(&self, tenant: &TenantId, entity: EntityId, limit: usize) -> Result<Vec<Recorded>, HistoryError>;
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
    async fn commits(&self, _: &TenantId, _: EntityId, _: usize) -> Result<Vec<Recorded>, HistoryError> {
        Err(HistoryError::Unavailable("there is no log".to_owned()))
    }
}
