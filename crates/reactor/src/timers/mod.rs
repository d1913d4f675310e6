//! The view `timers`: what is pending, the earliest first. For the reactor of every node, not for people.
//!
//! It holds no more than what will come to pass: a timer that has, that was taken back or that was set to another time is gone. Times
//! are the log's; nothing here reads a clock, and a timer whose time has passed stays until its conversation says what became of it.
//!
//! Of what staff is alerted to it holds since when it is so: after how long they are is the tenant's, and may change.

mod apply;
mod keys;
mod reader;
mod row;

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

pub use reader::{Alarms, Due, EXAMINED_MAX, Sight, alarming_of, alarms, due, pending_of};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "timers";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 2;

/// How long a commit may wait for others before it is applied, while nobody waits for it: a small part of the quarter of a second
/// after which the reactor looks again.
const LINGER: Duration = Duration::from_millis(25);

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

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }
}
