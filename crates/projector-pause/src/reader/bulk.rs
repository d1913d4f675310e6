//! Bulks: how far they are, and what became of each conversation. A caller sees their own; who sees the tenant, all of them.

use relevo_domain::bulk::{Changed, Chosen, Counts, Outcome, What};
use relevo_domain::conversation::{CatchUp, PauseTerms};
use relevo_domain::{AgentId, Caller, EntityId, EntityKind, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{self, ReadError, bad, decode};
use relevo_readstore::Snapshot;

use super::{Cursor, read_actor, read_note, read_reason};
use crate::keys;
use crate::reader::list::ROWS_EXAMINED_MAX;
use crate::row::{BulkResultRow, BulkRow};

/// The longest page, in bulks or results.
pub const BULK_LIMIT_MAX: usize = 200;

/// A bulk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    pub id: EntityId,
    pub what: What,
    pub chosen: Chosen,
    pub total: u32,
    /// How many have a result.
    pub done: u32,
    pub counts: Counts,
    pub by: AgentId,
    /// Personal data.
    pub note: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// The bulk that takes this one back, if one does.
    pub undone_by: Option<EntityId>,
    /// How long the rest takes if it goes on as it did since the node that works on it took it, in seconds, rounded up. `None`
    /// before the first results.
    pub seconds_left: Option<u64>,
}

/// What became of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkResult {
    pub conversation: EntityId,
    pub outcome: Outcome,
    /// Version of the conversation after what was done to it; 0 if nothing was.
    pub version: u64,
    pub changed: Option<Changed>,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkPage<T> {
    pub rows: Vec<T>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// One bulk; `None` if there is none for the caller.
pub fn bulk(snapshot: &Snapshot, visible: &Caller, id: EntityId) -> Result<Option<Bulk>, ReadError> {
    if id.kind() != EntityKind::Bulk {
        return Ok(None);
    }
    let stored: Option<BulkRow> = row::read(snapshot, "bulk", &keys::bulk(&visible.tenant, id))?;
    stored.filter(|row| sees(visible, row)).map(|row| read_bulk(id, row)).transpose()
}

/// A page of bulks, the newest first.
pub fn bulks(
    snapshot: &Snapshot,
    visible: &Caller,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<BulkPage<Bulk>, ReadError> {
    let limit = limit.clamp(1, BULK_LIMIT_MAX);
    let prefix = keys::bulks_prefix(&visible.tenant).finish();
    let mut list = Merged::new(snapshot, [prefix], after.map(|after| after.place.as_slice()));
    let (mut rows, mut last, mut examined) = (Vec::new(), None, 0);
    while let Some(found) = list.next()? {
        examined += 1;
        let id = keys::read_bulk(&found.key)?;
        if let Some(bulk) = bulk(snapshot, visible, id)? {
            if rows.len() == limit {
                return Ok(BulkPage { rows, next: last });
            }
            rows.push(bulk);
        }
        last = Some(Cursor { now: Timestamp::default(), place: found.place() });
        if examined == ROWS_EXAMINED_MAX {
            return Ok(BulkPage { rows, next: last });
        }
    }
    Ok(BulkPage { rows, next: None })
}

/// A page of results in the order of the bulk's list, or of those that ended so; `None` if there is no such bulk for the caller.
pub fn bulk_results(
    snapshot: &Snapshot,
    visible: &Caller,
    id: EntityId,
    among: Option<Outcome>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Option<BulkPage<BulkResult>>, ReadError> {
    if bulk(snapshot, visible, id)?.is_none() {
        return Ok(None);
    }
    let limit = limit.clamp(1, BULK_LIMIT_MAX);
    let prefix = keys::bulk_results_prefix(&visible.tenant, id, among.map_or("", Outcome::as_str)).finish();
    let mut list = Merged::new(snapshot, [prefix], after.map(|after| after.place.as_slice()));
    let (mut rows, mut last) = (Vec::new(), None);
    while let Some(found) = list.next()? {
        if rows.len() == limit {
            return Ok(Some(BulkPage { rows, next: last }));
        }
        rows.push(read_result(decode("bulk result", &found.value)?)?);
        last = Some(Cursor { now: Timestamp::default(), place: found.place() });
    }
    Ok(Some(BulkPage { rows, next: None }))
}

fn sees(visible: &Caller, row: &BulkRow) -> bool {
    visible.role.sees_tenant() || visible.name.as_str() == row.by
}

fn read_bulk(id: EntityId, row: BulkRow) -> Result<Bulk, ReadError> {
    let other = |id: &str| id.parse::<EntityId>().map_err(|_id| bad("bulk"));
    let catch_up = || CatchUp::parse(&row.catch_up).ok_or_else(|| bad("way to catch up"));
    let what = match row.what.as_str() {
        "pause" => What::Pause {
            reason: read_reason(&row.reason)?,
            terms: PauseTerms { until: row.until.map(Timestamp::from_millis), locked: row.locked },
        },
        "resume" => What::Resume { catch_up: catch_up()? },
        "undo" => What::Undo { of: other(&row.of)?, catch_up: catch_up()? },
        _ => return Err(bad("kind of bulk")),
    };
    Ok(Bulk {
        id,
        what,
        chosen: Chosen::parse(&row.chosen).ok_or_else(|| bad("way of choosing"))?,
        total: row.total,
        done: row.done,
        counts: row.counts(),
        seconds_left: seconds_left(&row),
        by: AgentId::new(row.by).map_err(|_name| bad("agent"))?,
        note: read_note(row.note),
        started_at: Timestamp::from_millis(row.started_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
        undone_by: Some(row.undone_by).filter(|id| !id.is_empty()).map(|id| other(&id)).transpose()?,
    })
}

fn seconds_left(row: &BulkRow) -> Option<u64> {
    if row.finished_at.is_some() {
        return Some(0);
    }
    let since = u64::try_from(row.progressed_at.saturating_sub(row.taken_at)).ok()?;
    let done = u64::from(row.done.checked_sub(row.taken_done).filter(|done| *done > 0)?);
    let rest = u64::from(row.total.saturating_sub(row.done));
    Some(rest.saturating_mul(since).div_ceil(done * 1_000))
}

fn read_result(row: BulkResultRow) -> Result<BulkResult, ReadError> {
    let conversation = row.conversation.try_into().map_err(|_length| bad("conversation"))?;
    let changed = match row.changed_by.as_str() {
        "" => None,
        by => Some(Changed { by: read_actor(by)?, at: Timestamp::from_millis(row.changed_at) }),
    };
    Ok(BulkResult {
        conversation: EntityId::new(EntityKind::Conversation, conversation),
        outcome: Outcome::parse(&row.outcome).ok_or_else(|| bad("outcome"))?,
        version: row.version,
        changed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_it_did_since_the_node_took_it() {
        let row = BulkRow { total: 10_000, done: 6_120, progressed_at: 6_308, taken_at: 0, ..BulkRow::default() };
        assert_eq!(seconds_left(&row), Some(4));
        assert_eq!(seconds_left(&BulkRow { taken_done: 6_120, ..row.clone() }), None, "nothing since");
        let resumed = BulkRow { taken_done: 6_020, taken_at: 6_208, ..row.clone() };
        assert_eq!(seconds_left(&resumed), Some(4), "a hundred took a tenth of a second");
        assert_eq!(seconds_left(&BulkRow { finished_at: Some(1), ..row }), Some(0));
        assert_eq!(seconds_left(&BulkRow { total: 9, ..BulkRow::default() }), None);
    }
}
