//! Reads the assignment view: what callers see, with their access applied and every limit enforced.
//!
//! All functions work on one snapshot. What a caller may not see does not exist for them, and is not counted. What depends on
//! the time is told it: `now` decides which snoozed conversations are due, and a cursor keeps it, so that all pages of a list
//! agree.

pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod queue;

use relevo_domain::conversation::{AssignmentHow, Priority};
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_projection::row::{self, ReadError, bad};
use relevo_projection::waiting;
use relevo_readstore::Snapshot;

use crate::keys;
use crate::row::{AssignmentRow, CurrentRow, ListedRow, OPEN, PENDING, RESOLVED, SNOOZED};

/// A conversation's status at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Also a snoozed one that is due.
    Open,
    Pending,
    Snoozed,
    Resolved,
}

/// Where a page ended. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time for which the first page was read.
    pub now: Timestamp,
    /// What stands behind the list's prefix in the key of the last row that was looked at.
    pub place: Vec<u8>,
}

/// Whose a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub conversation: EntityId,
    pub channel: ChannelId,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub since: Timestamp,
    pub how: AssignmentHow,
    pub by: Actor,
    /// Resolved: the assignment stands, and waits for a reopening.
    pub status: Status,
    /// Its snooze has ended, and nothing has opened it yet.
    pub due: bool,
    pub snoozed_until: Option<Timestamp>,
    pub priority: Priority,
    /// When the customer wrote what no person has answered; `None` if nothing waits.
    pub waiting_since: Option<Timestamp>,
}

/// The assignment of one conversation, resolved or not, also the one that took it from everybody; `None` if there never was
/// one, or the caller may not see it.
pub fn assignment(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    now: Timestamp,
) -> Result<Option<Assignment>, ReadError> {
    let Some(seen) = seen(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let Some(held) = &seen.row.assignment else { return Ok(None) };
    let state = state(&seen.row, now)?;
    Ok(Some(Assignment {
        conversation,
        channel: seen.channel,
        agent: seen.agent,
        team: seen.team,
        since: Timestamp::from_millis(held.at),
        how: how(held),
        by: read_actor(held)?,
        status: state.status,
        due: state.due,
        snoozed_until: seen.row.until.map(Timestamp::from_millis),
        priority: state.priority,
        waiting_since: state.waiting_since,
    }))
}

/// A row that the caller may see.
struct Seen {
    row: CurrentRow,
    channel: ChannelId,
    agent: Option<AgentId>,
    team: Option<TeamId>,
}

fn seen(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Seen>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let stored = row::read(snapshot, "current", &keys::current(tenant, conversation))?;
    let Some(row) = stored else { return Ok(None) };
    let row: CurrentRow = row;
    let channel = read_channel(&row.channel)?;
    let (agent, team) = match &row.assignment {
        Some(held) => (read_agent(&held.agent)?, read_team(&held.team)?),
        None => (None, None),
    };
    let sees = visible.sees(&channel, agent.as_ref(), team.as_ref());
    Ok(sees.then_some(Seen { row, channel, agent, team }))
}

/// What a row says at a time.
struct State {
    status: Status,
    due: bool,
    priority: Priority,
    waiting_since: Option<Timestamp>,
}

fn state(row: &CurrentRow, now: Timestamp) -> Result<State, ReadError> {
    let due = is_due(row.status, row.until, now);
    let status = match row.status {
        OPEN => Status::Open,
        PENDING => Status::Pending,
        SNOOZED if due => Status::Open,
        SNOOZED => Status::Snoozed,
        RESOLVED => Status::Resolved,
        _ => return Err(bad("status")),
    };
    let rank = usize::try_from(row.priority).map_err(|_large| bad("priority"))?;
    let priority = *Priority::ALL.get(rank).ok_or_else(|| bad("priority"))?;
    let waiting_since = row.waiting.as_ref().and_then(waiting::since).map(Timestamp::from_millis);
    Ok(State { status, due, priority, waiting_since })
}

fn is_due(status: u32, until: Option<i64>, now: Timestamp) -> bool {
    status == SNOOZED && until.is_some_and(|until| until <= now.as_millis())
}

/// Whether the caller may see what an index lists, without its row.
fn sees(visible: &Caller, listed: &ListedRow) -> Result<bool, ReadError> {
    let (agent, team) = (read_agent(&listed.agent)?, read_team(&listed.team)?);
    Ok(visible.sees(&read_channel(&listed.channel)?, agent.as_ref(), team.as_ref()))
}

const fn how(row: &AssignmentRow) -> AssignmentHow {
    if row.claimed { AssignmentHow::Claim } else { AssignmentHow::Manual }
}

fn read_actor(row: &AssignmentRow) -> Result<Actor, ReadError> {
    Actor::from_word(&row.by).ok_or_else(|| bad("actor"))
}

fn read_channel(name: &str) -> Result<ChannelId, ReadError> {
    ChannelId::new(name).map_err(|_name| bad("channel"))
}

fn read_agent(name: &str) -> Result<Option<AgentId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(AgentId::new).transpose().map_err(|_name| bad("agent"))
}

fn read_team(name: &str) -> Result<Option<TeamId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(TeamId::new).transpose().map_err(|_name| bad("team"))
}
