//! Who has what: conversations that an agent or a team has, the longest held first.

use relevo_domain::{AgentId, Caller, TeamId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, decode};
use relevo_readstore::Snapshot;

use super::{Assignment, Cursor, Status, assignment, is_due, sees};
use crate::keys::{self, Facet};
use crate::row::{ListedRow, OPEN, PENDING, SNOOZED};

/// The longest page, in rows, of every list of this view.
pub const LIMIT_MAX: usize = 200;
/// Rows looked at for one page, at most. A page that finds too little in so many is short, or empty, and has a cursor.
pub const ROWS_EXAMINED_MAX: usize = 10_000;

/// Which assignments.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    pub filter: Filter,
    /// Empty: open and pending. Resolved ones are in no list.
    pub statuses: &'a [Status],
    /// Whose access applies.
    pub visible: &'a Caller,
    /// For the first page; the others are read for the time of the first.
    pub now: Timestamp,
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// At least 1 and at most [`LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// Whose assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    Everybody,
    Agent(AgentId),
    /// What came to the team, whether or not an agent has taken it.
    Team(TeamId),
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Assignment>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// A page of the conversations that somebody has, the longest held first; equal times by conversation.
pub fn assignments(snapshot: &Snapshot, tenant: &TenantId, query: &Query<'_>) -> Result<Page, ReadError> {
    let (limit, now) = (query.limit.clamp(1, LIMIT_MAX), query.after.map_or(query.now, |after| after.now));
    let facet = match &query.filter {
        Filter::Everybody => Facet::All,
        Filter::Agent(agent) => Facet::Agent(agent.as_str()),
        Filter::Team(team) => Facet::Team(team.as_str()),
    };
    let wanted = Wanted::of(query.statuses);
    let stretches: Vec<u32> = wanted.stretches().collect();
    let prefixes = stretches.iter().map(|status| keys::held_prefix(tenant, facet, *status).finish());
    let mut list = Merged::new(snapshot, prefixes, query.after.map(|after| after.place.as_slice()));
    let (mut rows, mut last, mut examined) = (Vec::new(), None, 0);
    while let Some(found) = list.next()? {
        examined += 1;
        let listed: ListedRow = decode("held", &found.value)?;
        let status = stretches.get(found.stretch).copied().unwrap_or(OPEN);
        if wanted.takes(status, listed.until, now) && sees(query.visible, &listed)? {
            let conversation = keys::read_conversation(&found.key)?;
            if let Some(row) = assignment(snapshot, tenant, conversation, query.visible, now)? {
                if rows.len() == limit {
                    // There is one more: the page ends at the one before.
                    return Ok(Page { rows, next: last });
                }
                rows.push(row);
                last = Some(Cursor { now, place: found.place() });
            }
        }
        if examined == ROWS_EXAMINED_MAX {
            return Ok(Page { rows, next: Some(Cursor { now, place: found.place() }) });
        }
    }
    Ok(Page { rows, next: None })
}

/// Which of the stored statuses, given that a due snooze reads as open.
struct Wanted {
    open: bool,
    pending: bool,
    snoozed: bool,
}

impl Wanted {
    fn of(statuses: &[Status]) -> Self {
        let asked = |status, default| if statuses.is_empty() { default } else { statuses.contains(&status) };
        Self {
            open: asked(Status::Open, true),
            pending: asked(Status::Pending, true),
            snoozed: asked(Status::Snoozed, false),
        }
    }

    fn stretches(&self) -> impl Iterator<Item = u32> {
        let open = self.open.then_some(OPEN);
        let snoozed = (self.open || self.snoozed).then_some(SNOOZED);
        open.into_iter().chain(self.pending.then_some(PENDING)).chain(snoozed)
    }

    fn takes(&self, status: u32, until: Option<i64>, now: Timestamp) -> bool {
        status != SNOOZED || if is_due(status, until, now) { self.open } else { self.snoozed }
    }
}
