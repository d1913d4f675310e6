//! What can be true of a bulk.

use crate::access::{Caller, Role, Scope};
use crate::actor::Actor;
use crate::conversation::event::{NotePersonal, PauseReason, PauseTerms};
use crate::conversation::turn::CatchUp;
use crate::id::{AgentId, EntityId, TenantId};
use crate::position::Position;
use crate::time::Timestamp;

/// A fact about a bulk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkEvent {
    /// Somebody wants this for so many conversations.
    Started {
        what: What,
        /// How many conversations the list has, each once.
        total: u32,
        /// SHA-256 of the list of their ids, 16 bytes each, as the tenant's files have it.
        list: [u8; 32],
        chosen: Chosen,
        /// What was known when the list was made.
        position: Position,
        by: Asker,
        /// Left with each pause or resumption. Personal data.
        personal: NotePersonal,
    },
    /// A node works on it until then, unless it says otherwise.
    Taken { worker: String, until: Timestamp },
    /// What became of the next conversations of the list. The node goes on until then.
    Progressed { from: u32, results: Vec<OneResult>, worker: String, until: Timestamp },
    /// There is a result for each.
    Finished { counts: Counts },
}

impl BulkEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "BulkStarted",
            Self::Taken { .. } => "BulkTaken",
            Self::Progressed { .. } => "BulkProgressed",
            Self::Finished { .. } => "BulkFinished",
        }
    }
}

/// What is done to each conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Pause {
        reason: PauseReason,
        terms: PauseTerms,
    },
    Resume {
        catch_up: CatchUp,
    },
    /// What this bulk paused is resumed, if it is still that pause.
    Undo {
        of: EntityId,
        catch_up: CatchUp,
    },
}

/// How the conversations were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// All that the caller may see.
    All,
    Filter,
    /// One by one.
    Ids,
    /// They are what another bulk had paused.
    Bulk,
}

impl Chosen {
    pub const ALL: [Self; 4] = [Self::All, Self::Filter, Self::Ids, Self::Bulk];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Filter => "filter",
            Self::Ids => "ids",
            Self::Bulk => "bulk",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chosen| chosen.as_str() == text)
    }
}

/// Who asked, with the access that they had then: what they may do is decided by that, however long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    pub role: Role,
    pub name: AgentId,
    pub scope: Scope,
}

impl Asker {
    pub fn of(caller: &Caller) -> Self {
        Self { role: caller.role, name: caller.name.clone(), scope: caller.scope.clone() }
    }

    pub fn caller(&self, tenant: &TenantId) -> Caller {
        Caller { tenant: tenant.clone(), role: self.role, name: self.name.clone(), scope: self.scope.clone() }
    }
}

/// What became of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneResult {
    pub conversation: EntityId,
    pub outcome: Outcome,
    /// Version of the conversation after what was done to it; 0 if nothing was.
    pub version: u64,
    /// With [`Outcome::ChangedSince`]: by whom and when.
    pub changed: Option<Changed>,
}

/// Who changed a pause after a bulk had set it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub by: Actor,
    pub at: Timestamp,
}

/// How it ended for one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The bulk paused it.
    Paused,
    /// The bulk resumed it.
    Resumed,
    /// It was like that already.
    Already,
    /// The caller may not do it there, or there is no such conversation for them.
    Forbidden,
    /// It was refused for another reason, or could not be decided.
    Error,
    /// The pause is not the one any more that is to be taken back.
    ChangedSince,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Paused, Self::Resumed, Self::Already, Self::Forbidden, Self::Error, Self::ChangedSince];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Already => "already",
            Self::Forbidden => "forbidden",
            Self::Error => "error",
            Self::ChangedSince => "changed_since",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// How many conversations ended how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    pub paused: u32,
    pub resumed: u32,
    pub already: u32,
    pub forbidden: u32,
    pub errors: u32,
    pub changed_since: u32,
}

impl Counts {
    /// The counts with one more.
    #[must_use]
    pub const fn with(mut self, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Paused => self.paused += 1,
            Outcome::Resumed => self.resumed += 1,
            Outcome::Already => self.already += 1,
            Outcome::Forbidden => self.forbidden += 1,
            Outcome::Error => self.errors += 1,
            Outcome::ChangedSince => self.changed_since += 1,
        }
        self
    }

    pub const fn total(&self) -> u32 {
        self.paused + self.resumed + self.already + self.forbidden + self.errors + self.changed_since
    }
}
