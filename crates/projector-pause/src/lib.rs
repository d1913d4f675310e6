//! The pause view: where the bot is silent, who silenced it, why and since when. For agents and supervisors.
//!
//! Listens to pauses and resumptions, and to assignments because they decide who may see a conversation. Ignores messages,
//! statuses and episodes (a pause survives resolving, reopening and new episodes), contacts, channels and the workspace. A
//! pause on a paused conversation replaces the one before: reason, author and time are the last one's, the history has both.
//! Work per commit is constant.

mod keys;
mod row;

mod apply;
mod reader;

pub use reader::{
    COUNT_ROWS_MAX, Cursor, HISTORY_LIMIT_MAX, HistoryEntry, LIMIT_MAX, Page, Pause, PauseState, Paused, Query,
    ROWS_EXAMINED_MAX, ReadError, ReasonCount, counts, pause, paused,
};

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "pause";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 1;

/// Writes the pause view.
#[derive(Clone, Copy, Debug, Default)]
pub struct PauseProjector;

impl Projector for PauseProjector {
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
