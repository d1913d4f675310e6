//! The outbox: every fact as a row, in the order of the log, for whoever publishes it.
//!
//! A fact stays for [`OUTBOX_KEEPS`] after its commit, by the time of the commits that follow: every commit with facts takes
//! at most [`FORGOTTEN_PER_COMMIT`] commits' facts away that are older. So the rows are a function of the log alone, and a view
//! that is built anew has the same ones. Publishing is somebody else's work: nothing here knows a stream or a checkpoint.

use std::time::Duration;

use relevo_domain::{TenantId, Timestamp};
use relevo_projection::row::{self, ReadError};
use relevo_projection::{ApplyError, RowSource, Rows};
use relevo_readstore::{Direction, KeyRange};

use crate::definition;
use crate::fact::{FactPlace, MetricFact};
use crate::facts::Observed;
use crate::keys;
use crate::row::{FactIdRow, OutboxCommitRow, OutboxEntryRow, OutboxRow};

/// How long a fact can be read: so that a publisher which was away for a month misses nothing. Shorter than the metrics stream
/// keeps its own copy by default: a stream that is made anew gets this much of the past, and the log has the rest.
pub const OUTBOX_KEEPS: Duration = Duration::from_hours(35 * 24);
/// Commits whose facts one commit takes away: more than one, so that a backlog of old facts shrinks, and few, so that no
/// commit is slow.
const FORGOTTEN_PER_COMMIT: u32 = 4;

/// The newest fact of a metric in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub tenant: TenantId,
    /// Name of the metric.
    pub metric: &'static str,
    /// Where its newest fact stands.
    pub last: FactPlace,
}

// === reading ===

/// Facts of a metric after `after` (absent: from the oldest that is kept), in order, at most `limit`. A metric that does not
/// exist has none.
pub fn facts_after(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    metric: &str,
    after: Option<FactPlace>,
    limit: usize,
) -> Result<Vec<MetricFact>, ReadError> {
    let Some(definition) = definition::definition(metric) else { return Ok(Vec::new()) };
    let mut range = KeyRange::prefix(keys::outbox_of(tenant, definition.number));
    if let Some(place) = after {
        range = range.after(&keys::outbox(tenant, definition.number, place));
    }
    let rows = source.scan(&range, Direction::Forward, limit)?;
    rows.iter().map(|(_, value)| Ok(MetricFact::of(tenant, definition, row::decode("outbox", value)?))).collect()
}

/// Every tenant's metrics that ever had a fact, with the newest: what a publisher compares its checkpoints with.
pub fn heads(source: &(impl RowSource + ?Sized)) -> Result<Vec<Head>, ReadError> {
    let rows = source.scan(&KeyRange::prefix(keys::heads()), Direction::Forward, usize::MAX)?;
    let mut heads = Vec::with_capacity(rows.len());
    for (key, value) in rows {
        let (tenant, number) = keys::read_head(&key)?;
        let tenant = TenantId::new(tenant).map_err(|_name| row::bad("tenant"))?;
        let definition = definition::numbered(number).ok_or_else(|| row::bad("metric"))?;
        let last: FactIdRow = row::decode("head", &value)?;
        let last = FactPlace { sequence: last.sequence, ordinal: last.ordinal };
        heads.push(Head { tenant, metric: definition.name, last });
    }
    Ok(heads)
}

/// The newest fact of a metric that was taken away; whoever published less than that has a gap. Nothing: all are still there.
pub fn forgotten(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    metric: &str,
) -> Result<Option<FactPlace>, ReadError> {
    let Some(definition) = definition::definition(metric) else { return Ok(None) };
    let Some(stored) = source.get(&keys::forgotten(tenant, definition.number))? else { return Ok(None) };
    let last: FactIdRow = row::decode("forgotten", &stored)?;
    Ok(Some(FactPlace { sequence: last.sequence, ordinal: last.ordinal }))
}

// === writing ===

/// Puts one commit's facts, and takes old ones away.
pub(crate) fn put(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    recorded_at: Timestamp,
    facts: &[Observed],
) -> Result<(), ApplyError> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::with_capacity(facts.len());
    for Observed { definition, fact, .. } in facts {
        let place = FactPlace { sequence: fact.sequence, ordinal: fact.ordinal };
        row::store(rows, keys::outbox(tenant, definition.number, place), fact);
        let id = FactIdRow { version: fact.version, sequence: fact.sequence, ordinal: fact.ordinal };
        row::store(rows, keys::head(tenant, definition.number), &id);
        entries.push(OutboxEntryRow { metric: fact.metric, ordinal: fact.ordinal });
    }
    let mut outbox: OutboxRow = row::load(&*rows, "outbox ends", &keys::outbox_ends())?.unwrap_or_default();
    let sequence = facts.first().map_or(0, |first| first.fact.sequence);
    let commit =
        OutboxCommitRow { tenant: tenant.to_string(), sequence, recorded_at: recorded_at.as_millis(), entries };
    row::store(rows, keys::outbox_commit(outbox.next), &commit);
    outbox.next += 1;
    forget(rows, &mut outbox, recorded_at - OUTBOX_KEEPS)?;
    row::store(rows, keys::outbox_ends(), &outbox);
    Ok(())
}

/// Takes the oldest commits' facts away, if they are older than `before`.
fn forget(rows: &mut dyn Rows, outbox: &mut OutboxRow, before: Timestamp) -> Result<(), ApplyError> {
    for _ in 0..FORGOTTEN_PER_COMMIT {
        let key = keys::outbox_commit(outbox.oldest);
        let Some(commit) = row::load::<OutboxCommitRow>(&*rows, "outbox commit", &key)? else { return Ok(()) };
        if commit.recorded_at >= before.as_millis() {
            return Ok(());
        }
        let tenant =
            TenantId::new(commit.tenant).map_err(|_name| ApplyError::BadRow("outbox commit: tenant".to_owned()))?;
        for entry in commit.entries {
            let metric =
                u8::try_from(entry.metric).map_err(|_number| ApplyError::BadRow("outbox commit: metric".to_owned()))?;
            let place = FactPlace { sequence: commit.sequence, ordinal: entry.ordinal };
            rows.delete(keys::outbox(&tenant, metric, place));
            // Nobody asks which version of the definition it had.
            let last = FactIdRow { version: 0, sequence: place.sequence, ordinal: place.ordinal };
            row::store(rows, keys::forgotten(&tenant, metric), &last);
        }
        rows.delete(key);
        outbox.oldest += 1;
    }
    Ok(())
}
