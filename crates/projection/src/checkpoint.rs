//! How far a view has come, and on which log: written in the batch of the rows, checked against the log before it goes on.

use std::fmt;

use prost::Message;
use relevo_domain::{CommitHash, CommitId, Position, Recorded, Timestamp};
use relevo_eventlog::{Identity, Log, LogError};
use relevo_readstore::{Batch, Family, ReadStore, Snapshot, StoreError};

use crate::entity;

/// Everything up to `sequence` is in the rows, and nothing after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) sequence: u64,
    pub(crate) stream_created_at: Timestamp,
    /// The last commit at or before `sequence` that could be decoded; absent before the first.
    pub(crate) anchor: Option<Anchor>,
    pub(crate) counts: Counts,
}

/// A commit by which a log is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) sequence: u64,
    pub(crate) id: CommitId,
    pub(crate) hash: CommitHash,
}

/// What is not in the rows though it is on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Entities that are parked.
    pub(crate) parked: u64,
    /// Commits of parked entities, the ones that parked them included.
    pub(crate) skipped: u64,
    /// Commits that could not be decoded.
    pub(crate) undecodable: u64,
}

/// How a log contradicts a view's checkpoint. Going on would mix two histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The stream was created again.
    StreamRecreated { checkpoint: Timestamp, log: Timestamp },
    /// The log ends before the checkpoint.
    LogShorter { checkpoint: Position, log: Position },
    /// The log has no commit where the view has seen one.
    CommitMissing { at: Position },
    /// The log has another commit there.
    OtherCommit { at: Position, checkpoint: CommitId, log: CommitId },
    /// The log has the commit with other content.
    OtherContent { at: Position },
}

/// Why a checkpoint could not be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CheckError {
    Diverged(Divergence),
    /// The log could not be asked; try again.
    Log(LogError),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Row {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(int64, tag = "2")]
    stream_created_at_ms: i64,
    /// 0 if there is no anchor.
    #[prost(uint64, tag = "3")]
    anchor_sequence: u64,
    #[prost(bytes = "vec", tag = "4")]
    anchor_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    anchor_hash: Vec<u8>,
    #[prost(uint64, tag = "6")]
    parked: u64,
    #[prost(uint64, tag = "7")]
    skipped: u64,
    #[prost(uint64, tag = "8")]
    undecodable: u64,
}

/// Compares a checkpoint with the log. Answers with the log's identity, whose last sequence is the next target.
pub(crate) async fn check(checkpoint: &Checkpoint, log: &dyn Log) -> Result<Identity, CheckError> {
    let mut identity = log.identity().await.map_err(CheckError::Log)?;
    let diverged = |divergence| Err(CheckError::Diverged(divergence));
    if identity.created_at == checkpoint.stream_created_at
        && identity.last_sequence < checkpoint.sequence
        && has(log, checkpoint.sequence).await?
    {
        // A replica had shown the view what the leader had yet to take in when it was asked how far it is.
        identity = log.identity().await.map_err(CheckError::Log)?;
    }
    if identity.created_at != checkpoint.stream_created_at {
        let (checkpoint, log) = (checkpoint.stream_created_at, identity.created_at);
        return diverged(Divergence::StreamRecreated { checkpoint, log });
    }
    if identity.last_sequence < checkpoint.sequence {
        let (checkpoint, log) = (checkpoint.position(), Position::new(identity.last_sequence));
        return diverged(Divergence::LogShorter { checkpoint, log });
    }
    let Some(anchor) = checkpoint.anchor else { return Ok(identity) };
    let at = Position::new(anchor.sequence);
    match log.get(anchor.sequence).await {
        Ok(None) => diverged(Divergence::CommitMissing { at }),
        Ok(Some(found)) if found.commit.id != anchor.id => {
            diverged(Divergence::OtherCommit { at, checkpoint: anchor.id, log: found.commit.id })
        }
        Ok(Some(found)) if found.hash != anchor.hash => diverged(Divergence::OtherContent { at }),
        Ok(Some(_)) => Ok(identity),
        // It could be decoded when the view saw it.
        Err(LogError::Undecodable { .. }) => diverged(Divergence::OtherContent { at }),
        Err(error) => Err(CheckError::Log(error)),
    }
}

/// Whether there is a commit at a sequence, readable or not.
async fn has(log: &dyn Log, sequence: u64) -> Result<bool, CheckError> {
    match log.get(sequence).await {
        Ok(found) => Ok(found.is_some()),
        Err(LogError::Undecodable { .. }) => Ok(true),
        Err(error) => Err(CheckError::Log(error)),
    }
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Of a view that has seen nothing of a log yet.
    pub(crate) const fn start(stream_created_at: Timestamp) -> Self {
        let counts = Counts { parked: 0, skipped: 0, undecodable: 0 };
        Self { sequence: 0, stream_created_at, anchor: None, counts }
    }

    pub(crate) const fn position(&self) -> Position {
        Position::new(self.sequence)
    }

    pub(crate) fn advance(&mut self, commit: &Recorded) {
        self.sequence = commit.sequence;
        self.anchor = Some(Anchor { sequence: commit.sequence, id: commit.commit.id, hash: commit.hash });
    }

    pub(crate) fn load(store: &ReadStore) -> Result<Option<Self>, StoreError> {
        Self::decode(store.get_in(Family::Meta, &entity::checkpoint_key())?)
    }

    pub(crate) fn load_at(snapshot: &Snapshot) -> Result<Option<Self>, StoreError> {
        Self::decode(snapshot.get_in(Family::Meta, &entity::checkpoint_key())?)
    }

    pub(crate) fn save(&self, batch: &mut Batch) {
        let row = Row {
            sequence: self.sequence,
            stream_created_at_ms: self.stream_created_at.as_millis(),
            anchor_sequence: self.anchor.map_or(0, |anchor| anchor.sequence),
            anchor_id: self.anchor.map(|anchor| anchor.id.bytes().to_vec()).unwrap_or_default(),
            anchor_hash: self.anchor.map(|anchor| anchor.hash.to_vec()).unwrap_or_default(),
            parked: self.counts.parked,
            skipped: self.counts.skipped,
            undecodable: self.counts.undecodable,
        };
        batch.put(Family::Meta, entity::checkpoint_key(), row.encode_to_vec());
    }

    fn decode(stored: Option<Vec<u8>>) -> Result<Option<Self>, StoreError> {
        let Some(stored) = stored else { return Ok(None) };
        let damaged = || StoreError::Corrupted("checkpoint is not readable".to_owned());
        let row = Row::decode(stored.as_slice()).map_err(|_invalid| damaged())?;
        let anchor = match row.anchor_sequence {
            0 => None,
            sequence => Some(Anchor {
                sequence,
                id: CommitId::new(row.anchor_id.try_into().map_err(|_length| damaged())?),
                hash: row.anchor_hash.try_into().map_err(|_length| damaged())?,
            }),
        };
        Ok(Some(Self {
            sequence: row.sequence,
            stream_created_at: Timestamp::from_millis(row.stream_created_at_ms),
            anchor,
            counts: Counts { parked: row.parked, skipped: row.skipped, undecodable: row.undecodable },
        }))
    }
}

// === impl Divergence ===

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StreamRecreated { checkpoint, log } => {
                write!(f, "view was built on a stream created at {checkpoint:?}, this one was created at {log:?}")
            }
            Self::LogShorter { checkpoint, log } => write!(f, "view has applied {checkpoint}, log ends at {log}"),
            Self::CommitMissing { at } => write!(f, "view has applied a commit at {at}, log has none there"),
            Self::OtherCommit { at, checkpoint, log } => {
                write!(f, "view has applied {checkpoint} at {at}, log has {log} there")
            }
            Self::OtherContent { at } => write!(f, "commit at {at} has not the content that the view has applied"),
        }
    }
}
