//! The assignment view: who has what, since when and how it came about, how much everybody has, and what waits for an agent.
//! For supervisors, and for agents about themselves.
//!
//! Listens to assignments, to what changes a status or a priority, and to messages as far as the customer waits. Ignores pauses,
//! tags, contacts, channels and the workspace. A resolved conversation leaves lists and loads but keeps its assignment and its
//! history; a reopening or a new episode brings it back with the assignment that it had, `since` unchanged. A snoozed one
//! whose time has passed reads as open (`due`): a projector has no clock, so readers move it, with the time that they are given.
//! Work per commit is constant; loads and queue lengths cost what there are combinations of channel, agent and team.

mod keys;
mod row;

mod apply;
mod lists;
mod reader;

pub use reader::history::{HistoryEntry, HistoryPage, history};
pub use reader::list::{Filter, LIMIT_MAX, Page, Query, ROWS_EXAMINED_MAX, assignments};
pub use reader::load::{LOAD_ROWS_MAX, Load, Loads, QueueLength, loads};
pub use reader::queue::{Order, Queue, QueuePage, QueueQuery, Queued, queue};
pub use reader::{Assignment, Cursor, Status, assignment};
pub use relevo_projection::row::ReadError;

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "assignment";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 4;

/// How long a commit may wait for others before it is applied, while nobody waits for it: queues and loads are looked at by people.
/// Who gets a conversation is decided from the log and not from here.
const LINGER: Duration = Duration::from_millis(20);

/// Writes the assignment view.
#[derive(Clone, Copy, Debug, Default)]
pub struct AssignmentProjector;

impl Projector for AssignmentProjector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }
}
