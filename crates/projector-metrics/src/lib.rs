//! The metrics view: volumes, responses, resolutions, backlog, pauses and deliveries, for who sees the whole tenant.
//!
//! Every metric is a named, versioned, pure fold of the log ([`DEFINITIONS`]), in two steps. A commit is *observed*: each metric
//! states facts ([`MetricFact`]) about it, and may supersede an earlier one. The figures are exactly the fold of the facts that no
//! other fact supersedes, by event time, in quarters of an hour (UTC), per tenant, channel, team and agent: every time zone in use
//! differs from UTC by whole quarters, so a reader can put them together to exact days and hours of any zone, with daylight
//! saving. The same facts stand in the outbox, for whoever publishes them. Life of a commit: `observe` loads what the metrics
//! remember of its conversation and shows them its events (`metric`), which state `facts`; `fold` puts them into figures,
//! `outbox` into the outbox. Listens to conversations and to delivery reports that no conversation has. Work per commit is
//! constant. It does not publish, and knows no time zone when it writes.

mod definition;
mod fact;
mod facts;
mod fold;
mod keys;
mod metric;
mod observe;
mod outbox;
mod reader;
mod row;
mod sketch;
mod way;
mod words;

pub use definition::{DEFINITIONS, Definition, Kind, definition, metric_names};
pub use fact::{FactPlace, MetricFact};
pub use outbox::{Head, OUTBOX_KEEPS, facts_after, forgotten, heads};
pub use reader::{
    Bucket, DAYS_MAX, DayVolumes, DurationFigure, Figure, HOURS_DAYS_MAX, HourVolumes, Only, POINTS_MAX, PauseCount,
    Point, Query, ReadError, Report, Selection, Series, ShareBand, ShareFigure, Span, Split, StatusCount, Volumes,
    metrics, series,
};
pub use sketch::RELATIVE_ERROR_DIVISOR;

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};

use crate::facts::Observed;

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "metrics";

/// Version of keys and rows. Raise it with every change of their bytes or meaning, also of a definition: the view is then built
/// anew from the log.
pub const VERSION: u32 = 5;

/// How long a commit may wait for others before it is applied, while nobody waits for it: figures are of minutes and days, and the
/// topics are published every tenth of a second.
const LINGER: Duration = Duration::from_millis(50);

/// Writes the metrics view.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsProjector;

impl MetricsProjector {
    /// The facts of one commit, with the ids that they have in the view. `rows` keeps what the metrics remember: shown a tenant's
    /// commits from the first one on, in order, it gives the same facts for ever. Writes neither figures nor the outbox: for
    /// whoever tells old facts again.
    pub fn observe(rows: &mut dyn Rows, recorded: &Recorded) -> Result<Vec<MetricFact>, ApplyError> {
        let tenant = &recorded.commit.tenant;
        let observed = observe::commit(rows, recorded)?;
        Ok(observed
            .into_iter()
            .map(|Observed { definition, fact, .. }| MetricFact::of(tenant, definition, fact))
            .collect())
    }
}

impl Projector for MetricsProjector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
        let commit = &recorded.commit;
        let observed = observe::commit(rows, recorded)?;
        for observed in &observed {
            fold::observed(rows, &commit.tenant, observed)?;
        }
        outbox::put(rows, &commit.tenant, commit.recorded_at, &observed)
    }
}
