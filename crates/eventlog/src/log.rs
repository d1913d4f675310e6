//! The events log as the rest of Relevo sees it.

use async_trait::async_trait;
use futures::stream::BoxStream;
use relevo_domain::{Commit, EntityId, Recorded, TenantId, Timestamp};
use tokio::sync::watch;

/// One commit to append, on the condition that its entity has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub commit: Commit,
    /// Stream sequence of the entity's last commit; 0 if the entity must not exist yet.
    pub expected: u64,
}

/// What became of an append. All commits of one append share it: all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every commit is stored. `fresh` is false if an earlier attempt of the same commands had stored it already.
    Applied { stored: Vec<Stored>, fresh: bool },
    /// Nothing of this append is stored, and nothing of it will be: an entity had moved on, or one of the commands was
    /// applied in another commit. `tails` holds, for each entity of the append, what came after `expected`, from the leader.
    NotApplied { tails: Vec<Vec<Recorded>> },
    /// The log did not answer. It may be stored now or later; ask again with the same command ids.
    Unknown,
}

/// Where a commit is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub sequence: u64,
    pub hash: relevo_domain::CommitHash,
}

/// What identifies a log: a recreated stream has another creation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub created_at: Timestamp,
    pub last_sequence: u64,
    pub bytes: u64,
    pub max_bytes: u64,
}

/// Why the log could not be asked at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("log is not reachable: {0}")]
    Unavailable(String),
    #[error("log is full")]
    Full,
    #[error("commit of {size} bytes is larger than the log accepts ({limit})")]
    TooLarge { size: usize, limit: usize },
    #[error("commit {sequence} cannot be decoded: {reason}")]
    Undecodable { sequence: u64, reason: String },
    #[error("log refuses this client or this request: {0}")]
    Refused(String),
}

/// Tells whether a commit is wanted: the first that is not ends what is read.
pub type Wanted<'a> = &'a (dyn Fn(&Recorded) -> bool + Send + Sync);

/// The events log.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Appends commits of one or several entities, all or nothing, each under compare-and-set on its entity.
    ///
    /// Any conflict, time-out or unknown answer is resolved here: the tails of the entities are read from the leader and
    /// searched for the own command ids before an outcome is named.
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError>;

    /// The entity's commits after stream sequence `after`, in order, read from the leader.
    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError>;

    /// The entity's commits from its first one on, in order, read from the leader: as long as they are wanted, and at most
    /// `limit`. Nothing beyond is read.
    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError>;

    /// At most `limit` of the entity's commits after stream sequence `after`, in order, read from the leader: for who shows a long
    /// one page by page. A commit that cannot be decoded is one of them, as its error, and ends nothing.
    async fn page(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Result<Recorded, LogError>>, LogError> {
        let tail = self.tail(tenant, entity, after).await?;
        Ok(tail.into_iter().take(limit).map(Ok).collect())
    }

    /// Stream sequence of the entity's last commit, from the leader; 0 if it has none.
    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError>;

    /// The commit at a sequence, if there is one.
    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError>;

    /// All commits from `from` (inclusive) in order, then new ones as they come, for ever. Reconnects by itself; yields an
    /// error only for a commit that cannot be decoded (and goes on after it) .
    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError>;

    async fn identity(&self) -> Result<Identity, LogError>;

    /// Counts the connections to the log's server: behind a new one there may be another log. `None`: there is never another.
    fn connections(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}
