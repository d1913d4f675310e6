//! The assignment view: who has what, since when and how it came about. For supervisors, and for agents about themselves.
//!
//! Listens to assignments and to what opens and ends episodes. Ignores what was said, pauses, contacts, channels and the
//! workspace. A resolved conversation leaves the open lists and the loads but keeps its assignment and its history; a
//! reopening or a new episode brings it back with the assignment that it had, `since` unchanged. Work per commit is constant.

mod keys;
mod row;

mod apply;
mod reader;

pub use reader::{
    Assignment, Cursor, Filter, HISTORY_LIMIT_MAX, HistoryEntry, LIMIT_MAX, LOAD_ROWS_MAX, Load, Loads, Page, Query,
    ROWS_EXAMINED_MAX, ReadError, assignment, assignments, history, loads,
};

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "assignment";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 1;

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

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }
}
