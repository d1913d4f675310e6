//! Queues: open conversations that no agent has, and that a team or anybody should take.

use std::time::Duration;

use relevo_domain::conversation::Priority;
use relevo_domain::{Caller, ChannelId, EntityId, TeamId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, decode};
use relevo_readstore::Snapshot;

use super::list::{LIMIT_MAX, ROWS_EXAMINED_MAX};
use super::{Cursor, is_due, seen, sees, state};
use crate::keys::{self, Line};
use crate::row::{ListedRow, OPEN, SNOOZED};

/// Whose queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Whatever no agent has.
    All,
    /// What came to a team and none of its agents has taken.
    Team(TeamId),
    /// What is nobody's at all.
    NoTeam,
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The most urgent first; then who waits longest, who does not wait last; then who is without an agent longest.
    Priority,
    /// Who is without an agent longest.
    Longest,
}

/// Which part of a queue.
#[derive(Clone, Debug)]
pub struct QueueQuery<'a> {
    pub queue: Queue,
    pub order: Order,
    /// Only those that have been without an agent for longer than this.
    pub longer_than: Option<Duration>,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// For the first page; the others are read for the time of the first.
    pub now: Timestamp,
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// At least 1 and at most [`LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// A conversation that waits for an agent. It is open, or its snooze has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    pub conversation: EntityId,
    pub channel: ChannelId,
    /// To whose agents it was given.
    pub team: Option<TeamId>,
    pub priority: Priority,
    /// When the customer wrote what no person has answered; `None` if nothing waits.
    pub waiting_since: Option<Timestamp>,
    /// Since when no agent has it: it began, an agent lost it, or it was reopened without one.
    pub since: Timestamp,
    /// Its snooze has ended, and nothing has opened it yet.
    pub due: bool,
}

/// Part of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePage {
    pub rows: Vec<Queued>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// Part of a queue, in its order.
pub fn queue(snapshot: &Snapshot, tenant: &TenantId, query: &QueueQuery<'_>) -> Result<QueuePage, ReadError> {
    let (limit, now) = (query.limit.clamp(1, LIMIT_MAX), query.after.map_or(query.now, |after| after.now));
    let latest = query.longer_than.map(|longer| (now - longer).as_millis());
    let stretches = [OPEN, SNOOZED];
    let prefixes = stretches.map(|status| prefix(tenant, query, status));
    let mut list = Merged::new(snapshot, prefixes, query.after.map(|after| after.place.as_slice()));
    let (mut rows, mut last, mut examined) = (Vec::new(), None, 0);
    while let Some(found) = list.next()? {
        examined += 1;
        let listed: ListedRow = decode("queue", &found.value)?;
        let long_enough = latest.is_none_or(|latest| listed.since < latest);
        if !long_enough && query.order == Order::Longest {
            // All that follow are shorter without an agent.
            return Ok(QueuePage { rows, next: None });
        }
        let open = stretches.get(found.stretch) != Some(&SNOOZED) || is_due(SNOOZED, listed.until, now);
        if open && long_enough && sees(query.visible, &listed)? {
            let conversation = keys::read_conversation(&found.key)?;
            if let Some(row) = queued(snapshot, tenant, conversation, query.visible, now)? {
                if rows.len() == limit {
                    // There is one more: the page ends at the one before.
                    return Ok(QueuePage { rows, next: last });
                }
                rows.push(row);
                last = Some(Cursor { now, place: found.place() });
            }
        }
        if examined == ROWS_EXAMINED_MAX {
            return Ok(QueuePage { rows, next: Some(Cursor { now, place: found.place() }) });
        }
    }
    Ok(QueuePage { rows, next: None })
}

fn prefix(tenant: &TenantId, query: &QueueQuery<'_>, status: u32) -> Vec<u8> {
    let line = match &query.queue {
        Queue::All => Line::All,
        Queue::Team(team) => Line::Team(team.as_str()),
        Queue::NoTeam => Line::NoTeam,
    };
    let key = match query.order {
        Order::Priority => keys::queue_prefix(tenant, line, status),
        Order::Longest => keys::orphans_prefix(tenant, line, status),
    };
    key.finish()
}

fn queued(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    now: Timestamp,
) -> Result<Option<Queued>, ReadError> {
    let Some(seen) = seen(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let state = state(&seen.row, now)?;
    Ok(Some(Queued {
        conversation,
        channel: seen.channel,
        team: seen.team,
        priority: state.priority,
        waiting_since: state.waiting_since,
        since: Timestamp::from_millis(seen.row.without_agent_since),
        due: state.due,
    }))
}
