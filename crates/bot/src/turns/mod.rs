//! The view `turns`: which conversations a bot is to be given, the oldest first, and which ones a bot has. For the dispatcher of every
//! node, not for people.
//!
//! It folds what the domain folds ([`relevo_domain::conversation::Turns`]), and adds where each version stands in the log and when a
//! turn may be given. Times are the log's; nothing here reads a clock. A turn that a bot has stands under the time at which it may be
//! given again.

mod apply;
mod keys;
mod reader;
mod row;

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

pub use reader::{CHANNELS_MAX, DueTurn, EXAMINED_MAX, Found, Held, Over, OverHow, Standing, due, standing};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "turns";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 1;

/// How long a commit may wait for others before it is applied, while nobody waits for it: what a bot's turn waits at most. A holder
/// looks for turns every 20 ms at most as it is.
const LINGER: Duration = Duration::from_millis(5);

/// Writes the view of turns.
#[derive(Clone, Copy, Debug, Default)]
pub struct TurnsProjector;

impl Projector for TurnsProjector {
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
