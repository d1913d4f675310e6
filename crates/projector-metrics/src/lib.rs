//! The metrics view: how much came in and went out, how long customers waited for a person, why bots were paused. For who
//! sees the whole tenant.
//!
//! Every figure is a named, versioned, pure fold of the log (`DEFINITIONS`). Everything is counted in the quarter of an hour
//! (UTC) of its event's `occurred_at`, per tenant and channel: every time zone in use differs from UTC by whole quarters, so that
//! a reader can put them together to exact days and hours of any zone, with daylight saving. Listens to conversations and to
//! delivery reports that no conversation has. Ignores edits, revocations, reactions, notes, assignments, contacts, bindings,
//! provider updates and the workspace: no figure depends on them yet. Work per commit is constant.

mod keys;
mod row;

mod apply;
mod definition;
mod reader;
mod sketch;

pub use definition::{DEFINITIONS, Definition};
pub use reader::{
    DAYS_MAX, DayVolumes, DurationFigure, HourVolumes, PauseCount, Query, ReadError, Report, StatusCount, Volumes,
    metrics,
};

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "metrics";

/// Version of keys and rows. Raise it with every change of their bytes or meaning, also of a definition: the view is then built
/// anew from the log.
pub const VERSION: u32 = 1;

/// Writes the metrics view.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsProjector;

impl Projector for MetricsProjector {
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
