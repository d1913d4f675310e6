//! The view `timers`: what is pending, the earliest first. For the reactor of every node, not for people.
//!
//! It holds no more than what will come to pass: a timer that has, that was taken back or that was set to another time is gone. Times
//! are the log's; nothing here reads a clock, and a timer whose time has passed stays until its conversation says what became of it.

mod apply;
mod keys;
mod reader;
mod row;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

pub use reader::{Due, EXAMINED_MAX, due, pending_of};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "timers";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 1;

/// Writes the view of what is pending.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimersProjector;

impl Projector for TimersProjector {
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
