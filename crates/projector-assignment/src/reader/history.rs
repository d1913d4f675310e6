//! Everything that happened to one conversation's assignment.

use relevo_domain::conversation::AssignmentHow;
use relevo_domain::{Actor, AgentId, Caller, EntityId, TeamId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, bad, decode};
use relevo_readstore::Snapshot;

use super::list::LIMIT_MAX;
use super::{Cursor, how, read_actor, read_agent, read_team, seen};
use crate::keys;
use crate::row::HistoryRow;

/// One assignment of the past, or the one that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Who had it before.
    pub from_agent: Option<AgentId>,
    pub from_team: Option<TeamId>,
    /// Who has it from here on; neither: it was taken from everybody.
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub at: Timestamp,
    pub how: AssignmentHow,
    pub by: Actor,
}

/// Part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// In the order of the log.
    pub entries: Vec<HistoryEntry>,
    /// Present if there are more.
    pub next: Option<Cursor>,
}

/// The assignments of one conversation, oldest first; `None` if there is no such conversation for the caller.
pub fn history(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Option<HistoryPage>, ReadError> {
    if seen(snapshot, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let limit = limit.clamp(1, LIMIT_MAX);
    let prefix = keys::history_prefix(tenant, conversation).finish();
    let mut list = Merged::new(snapshot, [prefix], after.map(|after| after.place.as_slice()));
    let (mut entries, mut last) = (Vec::new(), None);
    while let Some(found) = list.next()? {
        if entries.len() == limit {
            return Ok(Some(HistoryPage { entries, next: last }));
        }
        entries.push(entry(&found.value)?);
        last = Some(Cursor { now: Timestamp::default(), place: found.place() });
    }
    Ok(Some(HistoryPage { entries, next: None }))
}

fn entry(value: &[u8]) -> Result<HistoryEntry, ReadError> {
    let row: HistoryRow = decode("history", value)?;
    let to = row.to.ok_or_else(|| bad("history entry"))?;
    Ok(HistoryEntry {
        from_agent: read_agent(&row.from_agent)?,
        from_team: read_team(&row.from_team)?,
        agent: read_agent(&to.agent)?,
        team: read_team(&to.team)?,
        at: Timestamp::from_millis(to.at),
        how: how(&to),
        by: read_actor(&to)?,
    })
}
