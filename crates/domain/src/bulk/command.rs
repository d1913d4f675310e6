//! What can be asked of a bulk, and what it answers.

use crate::access::Role;
use crate::bulk::event::{Asker, BulkEvent, Chosen, OneResult, What};
use crate::position::Position;
use crate::time::Timestamp;

/// The most conversations of one bulk: its list is a file of 16 MB.
pub const BULK_CONVERSATIONS_MAX: usize = 1_000_000;
/// The most results of one commit: about 9 KB, and often enough for a progress line.
pub const BULK_CHUNK_MAX: usize = 500;

/// A command to one bulk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Already so if it was started before: the id says what it is.
    Start(Box<Start>),
    /// Worker: works on it until then. Again by the same worker it goes on until then.
    Take { worker: String, now: Timestamp, until: Timestamp },
    /// Worker: what became of the next conversations. With the last ones it is finished.
    Progress { worker: String, from: u32, results: Vec<OneResult>, until: Timestamp },
}

/// A bulk as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub what: What,
    pub total: usize,
    pub list: [u8; 32],
    pub chosen: Chosen,
    pub position: Position,
    pub by: Asker,
    pub note: Option<String>,
    pub now: Timestamp,
}

/// What a command leads to, if it is not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in one commit. Never empty.
    Append(Vec<BulkEvent>),
    /// The state already is what the command asks for; nothing to write.
    AlreadySo,
}

/// Why a command was rejected. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// There is no such bulk for the caller.
    NotFound,
    /// The caller's role may not do this.
    Forbidden { role: Role },
    /// A field cannot be used.
    Invalid { field: &'static str, limit: usize },
    /// There may be no more of them.
    Limit { what: &'static str, limit: usize },
    /// It is still worked on.
    Running,
    /// It has paused nothing: there is nothing to undo.
    NotAPause,
    /// Another worker has it.
    Held,
    /// These are not the results that come next.
    OutOfTurn,
}
