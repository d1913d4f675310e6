//! Reads the assignment view: what callers see, with their access applied and every limit enforced.
//!
//! All functions work on one snapshot. What a caller may not see does not exist for them, and is not counted.

use std::collections::BTreeMap;

use relevo_domain::conversation::AssignmentHow;
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_readstore::{Direction, KeyError, KeyRange, Snapshot, StoreError};

use crate::keys::{self, Facet};
use crate::row::{AssignmentRow, CurrentRow, LoadRow, decode};

/// The longest page, in assignments.
pub const LIMIT_MAX: usize = 200;
/// Assignments looked at for one page, at most. A page that finds too little in so many is short, or empty, and has a cursor.
pub const ROWS_EXAMINED_MAX: usize = 10_000;
/// Index entries read at once.
const CHUNK: usize = 256;
/// The longest history of one conversation, in assignments: the latest.
pub const HISTORY_LIMIT_MAX: usize = 200;
/// Combinations of channel, agent and team that are added up for loads: far more than a configuration has.
pub const LOAD_ROWS_MAX: usize = 100_000;

/// Why the view could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("assignment view cannot be read")]
    Store(#[source] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("assignment view holds a row that cannot be read: {0}")]
    BadRow(String),
}

/// Which assignments.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    pub filter: Filter,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// Where the page before ended.
    pub after: Option<Cursor>,
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

/// The last assignment that was looked at. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub since: Timestamp,
    pub conversation: EntityId,
}

/// A conversation that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub conversation: EntityId,
    pub channel: ChannelId,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub since: Timestamp,
    pub how: AssignmentHow,
    pub by: Actor,
    /// It is resolved: the assignment stands, and waits for a reopening.
    pub resolved: bool,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Assignment>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// One assignment of the past, or the one that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub at: Timestamp,
    pub how: AssignmentHow,
    pub by: Actor,
}

/// How many open conversations somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load<T> {
    pub holder: T,
    pub open: u64,
}

/// Loads by name; who has nothing is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Loads {
    pub agents: Vec<Load<AgentId>>,
    /// A conversation that an agent took through a team counts for both.
    pub teams: Vec<Load<TeamId>>,
}

/// A page of the open conversations that somebody has, the longest held first; equal times by conversation.
pub fn assignments(snapshot: &Snapshot, tenant: &TenantId, query: &Query<'_>) -> Result<Page, ReadError> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let facet = match &query.filter {
        Filter::Everybody => Facet::All,
        Filter::Agent(agent) => Facet::Agent(agent.as_str()),
        Filter::Team(team) => Facet::Team(team.as_str()),
    };
    let mut rest = KeyRange::prefix(keys::held_prefix(tenant, facet));
    if let Some(after) = query.after {
        rest = rest.after(&keys::held(tenant, facet, after.since.as_millis(), after.conversation));
    }
    let (mut rows, mut examined) = (Vec::new(), 0);
    loop {
        let entries = snapshot.scan(&rest, Direction::Forward, CHUNK).map_err(ReadError::Store)?;
        let exhausted = entries.len() < CHUNK;
        for (key, _) in &entries {
            let (since, conversation) = keys::read_held(key).map_err(bad_key)?;
            examined += 1;
            if let Some(found) = assignment(snapshot, tenant, conversation, query.visible)? {
                if rows.len() == limit {
                    // There is one more: the page ends at the one before.
                    return Ok(Page { next: rows.last().map(cursor_of), rows });
                }
                rows.push(found);
            }
            if examined == ROWS_EXAMINED_MAX {
                let next = Some(Cursor { since: Timestamp::from_millis(since), conversation });
                return Ok(Page { rows, next });
            }
        }
        match entries.last() {
            Some((last, _)) if !exhausted => rest = rest.after(last),
            Some(_) | None => return Ok(Page { rows, next: None }),
        }
    }
}

fn cursor_of(row: &Assignment) -> Cursor {
    Cursor { since: row.since, conversation: row.conversation }
}

/// Who has one conversation, resolved or not; `None` if nobody has, or the caller may not see it.
pub fn assignment(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Assignment>, ReadError> {
    let Some((channel, row)) = visible_row(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let resolved = row.resolved;
    let Some(entry) = row.assignment.as_ref().map(read_assignment).transpose()? else { return Ok(None) };
    let HistoryEntry { agent, team, at: since, how, by } = entry;
    Ok(Some(Assignment { conversation, channel, agent, team, since, how, by, resolved }))
}

/// Every assignment of one conversation, oldest first, at most the last `limit` (and [`HISTORY_LIMIT_MAX`]); `None` if there is
/// no such conversation for the caller.
pub fn history(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    limit: usize,
) -> Result<Option<Vec<HistoryEntry>>, ReadError> {
    if visible_row(snapshot, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let range = KeyRange::prefix(keys::history_prefix(tenant, conversation));
    let limit = limit.clamp(1, HISTORY_LIMIT_MAX);
    let entries = snapshot.scan(&range, Direction::Reverse, limit).map_err(ReadError::Store)?;
    let entry = |bytes: &[u8]| {
        let row: AssignmentRow = decode("history", bytes).map_err(ReadError::BadRow)?;
        read_assignment(&row)
    };
    entries.iter().rev().map(|(_, value)| entry(value)).collect::<Result<_, _>>().map(Some)
}

/// How many open conversations each agent and each team has, of those that the caller may see.
pub fn loads(snapshot: &Snapshot, tenant: &TenantId, visible: &Caller) -> Result<Loads, ReadError> {
    if visible.tenant != *tenant {
        return Ok(Loads::default());
    }
    let range = KeyRange::prefix(keys::load_prefix(tenant));
    let entries = snapshot.scan(&range, Direction::Forward, LOAD_ROWS_MAX).map_err(ReadError::Store)?;
    let (mut agents, mut teams): (BTreeMap<AgentId, u64>, BTreeMap<TeamId, u64>) = Default::default();
    for (key, value) in entries {
        let (channel, agent, team) = keys::read_load(&key).map_err(bad_key)?;
        let row: LoadRow = decode("load", &value).map_err(ReadError::BadRow)?;
        let channel = ChannelId::new(channel).map_err(|_name| bad("channel"))?;
        let (agent, team) = (read_agent(&agent)?, read_team(&team)?);
        if !visible.sees(&channel, agent.as_ref(), team.as_ref()) {
            continue;
        }
        if let Some(agent) = agent {
            *agents.entry(agent).or_default() += row.open;
        }
        if let Some(team) = team {
            *teams.entry(team).or_default() += row.open;
        }
    }
    let agents = agents.into_iter().map(|(holder, open)| Load { holder, open }).collect();
    let teams = teams.into_iter().map(|(holder, open)| Load { holder, open }).collect();
    Ok(Loads { agents, teams })
}

fn visible_row(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<(ChannelId, CurrentRow)>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let stored = snapshot.get(&keys::current(tenant, conversation)).map_err(ReadError::Store)?;
    let Some(bytes) = stored else { return Ok(None) };
    let row: CurrentRow = decode("current", &bytes).map_err(ReadError::BadRow)?;
    let channel = ChannelId::new(row.channel.as_str()).map_err(|_name| bad("channel"))?;
    let (agent, team) = match &row.assignment {
        Some(assignment) => (read_agent(&assignment.agent)?, read_team(&assignment.team)?),
        None => (None, None),
    };
    Ok(visible.sees(&channel, agent.as_ref(), team.as_ref()).then_some((channel, row)))
}

fn read_assignment(row: &AssignmentRow) -> Result<HistoryEntry, ReadError> {
    Ok(HistoryEntry {
        agent: read_agent(&row.agent)?,
        team: read_team(&row.team)?,
        at: Timestamp::from_millis(row.at),
        how: if row.claimed { AssignmentHow::Claim } else { AssignmentHow::Manual },
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
    })
}

fn read_agent(name: &str) -> Result<Option<AgentId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(AgentId::new).transpose().map_err(|_name| bad("agent"))
}

fn read_team(name: &str) -> Result<Option<TeamId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(TeamId::new).transpose().map_err(|_name| bad("team"))
}

fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}

fn bad_key(error: KeyError) -> ReadError {
    ReadError::BadRow(error.to_string())
}
