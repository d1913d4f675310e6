//! The pause view: where the bot is silent, who silenced it, why and since when. For agents and supervisors.
//!
//! Listens to pauses and resumptions, to assignments because they decide who may see a conversation, and to messages as far as
//! the customer waits. Ignores statuses and episodes (a pause survives resolving, reopening and new episodes; resolving ends
//! the waiting), tags, contacts, channels and the workspace. A pause on a paused conversation replaces the one before: reason, author
//! and time are the last one's, the history has both. Bulks stand here too, with what
//! became of each conversation. Work per commit is constant; counts cost what there are combinations of
//! reason, channel, agent and team.

mod keys;
mod row;

mod apply;
mod bulk;
mod lists;
mod reader;
mod suggest;

pub use reader::bulk::{BULK_LIMIT_MAX, Bulk, BulkPage, BulkResult, bulk, bulk_results, bulks};
pub use reader::count::{COUNT_ROWS_MAX, ReasonCount, counts};
pub use reader::history::{HISTORY_LIMIT_MAX, HistoryEntry, HistoryPage, history};
pub use reader::list::{LIMIT_MAX, Page, Paused, Query, ROWS_EXAMINED_MAX, Sort, paused};
pub use reader::suggestion::{Detected, Suggestion, SuggestionPage, SuggestionQuery, suggestions};
pub use reader::{Cursor, Pause, PauseState, pause};
pub use relevo_projection::row::ReadError;

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::waiting;
use relevo_projection::{ApplyError, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "pause";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 4;

/// Since when the customer has waited for a person, counted from the pause on: what was written before is a wait of this pause
/// only from its beginning.
fn waited_since(row: &row::CurrentRow, pause: &row::PauseRow) -> Option<i64> {
    let written = row.waiting.as_ref().and_then(waiting::since);
    written.map(|written| written.max(pause.since))
}

/// How long a commit may wait for others before it is applied, while nobody waits for it: lists of pauses are looked at by people.
/// Whether a bot may write is decided from the log and not from here.
const LINGER: Duration = Duration::from_millis(20);

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

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }
}
