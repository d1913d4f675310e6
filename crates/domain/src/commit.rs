//! A commit: the events that one command adds to one entity, stored as one message of the log.

use std::fmt;

use crate::actor::Actor;
use crate::event::Event;
use crate::id::{CommandId, CommitId, EntityId, TenantId};
use crate::position::Position;
use crate::raw::RawId;
use crate::time::Timestamp;

/// SHA-256 of a commit's stored bytes; each commit names its predecessor's, so that a hole shows.
pub type CommitHash = [u8; 32];

/// Which update of which raw item a commit was made from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntakePointer {
    /// Of the message on the raw stream.
    pub sequence: u64,
    /// Place of the item in its message; 0 for one that travelled alone.
    pub part: u32,
    /// Place of the update in its item.
    pub ordinal: u32,
}

impl IntakePointer {
    /// The raw item.
    pub const fn raw(self) -> RawId {
        RawId { sequence: self.sequence, part: self.part }
    }
}

/// As it always was for an item that travelled alone: the golden corpus has it in words.
impl fmt::Debug for IntakePointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = f.debug_struct("IntakePointer");
        said.field("sequence", &self.sequence);
        if self.part > 0 {
            said.field("part", &self.part);
        }
        said.field("ordinal", &self.ordinal).finish()
    }
}

/// `12.0`, or `12-3.0` for an update of a part of several.
impl fmt::Display for IntakePointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.raw(), self.ordinal)
    }
}

/// One commit, before or after it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: CommitId,
    pub tenant: TenantId,
    pub entity: EntityId,
    /// Version of the entity after the first of `events`; versions start at 1 and are gapless per entity.
    pub first_version: u64,
    pub command_id: CommandId,
    /// When it happened, as the world counts it (a provider's time, clamped; else our receipt).
    pub occurred_at: Timestamp,
    /// When Relevo decided it.
    pub recorded_at: Timestamp,
    pub actor: Actor,
    /// The commit that caused this one, if another did.
    pub causation: Option<CommitId>,
    /// The command or raw item at the beginning of the chain, as `intake:<raw item>.<ordinal>` or the first command id.
    pub correlation: Option<String>,
    /// Hash of the entity's previous commit; all zero for its first.
    pub previous_hash: CommitHash,
    /// Set on every commit that intake made.
    pub intake: Option<IntakePointer>,
    pub events: Vec<Event>,
}

impl Commit {
    /// Version of the entity after the last event.
    pub fn last_version(&self) -> u64 {
        self.first_version + self.events.len() as u64 - 1
    }
}

/// A commit together with where and as what the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Sequence of the events stream.
    pub sequence: u64,
    /// SHA-256 of the stored bytes.
    pub hash: CommitHash,
    pub commit: Commit,
}

impl Recorded {
    pub const fn position(&self) -> Position {
        Position::new(self.sequence)
    }
}
