//! How much everybody has, and how long the queues are: sums over cells, never over conversations.

use std::collections::BTreeMap;

use relevo_domain::{AgentId, Caller, TeamId, TenantId, Timestamp};
use relevo_projection::row::{ReadError, decode};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{read_agent, read_channel, read_team};
use crate::keys;
use crate::row::{HourRow, ListedRow, LoadRow};

/// Cells (combinations of channel, agent and team) that are added up: far more than a configuration has.
pub const LOAD_ROWS_MAX: usize = 100_000;
/// Cells by hour that are added up for the snoozes that have ended, and single snoozes of the current hour. Beyond that many
/// the ones that ended last still count as snoozed.
const DUE_ROWS_MAX: usize = 100_000;

/// How many conversations somebody has. What is resolved is nobody's load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load<T> {
    pub holder: T,
    /// Work to be done: snoozed ones that are due included.
    pub open: u64,
    pub pending: u64,
    pub snoozed: u64,
}

/// How many open conversations wait for an agent of a team, or of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLength {
    /// `None`: those that are nobody's at all.
    pub team: Option<TeamId>,
    pub open: u64,
}

/// Loads by name; who has nothing is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Loads {
    pub agents: Vec<Load<AgentId>>,
    /// A conversation that an agent took through a team counts for both.
    pub teams: Vec<Load<TeamId>>,
    /// Nobody's first, then by team; empty ones are not listed.
    pub queues: Vec<QueueLength>,
}

/// Channel, agent and team.
type Cell = (String, String, String);

/// Loads and queue lengths, of the conversations that the caller may see.
pub fn loads(snapshot: &Snapshot, tenant: &TenantId, visible: &Caller, now: Timestamp) -> Result<Loads, ReadError> {
    if visible.tenant != *tenant {
        return Ok(Loads::default());
    }
    let due = due(snapshot, tenant, now)?;
    let range = KeyRange::prefix(keys::load_prefix(tenant));
    let (mut agents, mut teams): (BTreeMap<AgentId, LoadRow>, BTreeMap<TeamId, LoadRow>) = Default::default();
    let mut queues: BTreeMap<Option<TeamId>, u64> = BTreeMap::new();
    for (key, value) in snapshot.scan(&range, Direction::Forward, LOAD_ROWS_MAX)? {
        let cell = keys::read_load(&key)?;
        let mut row: LoadRow = decode("load", &value)?;
        let awake = due.get(&cell).copied().unwrap_or(0).min(row.snoozed);
        row.open += awake;
        row.snoozed -= awake;
        let (channel, agent, team) = (read_channel(&cell.0)?, read_agent(&cell.1)?, read_team(&cell.2)?);
        if !visible.sees(&channel, agent.as_ref(), team.as_ref()) {
            continue;
        }
        if let Some(team) = &team {
            add(teams.entry(team.clone()).or_default(), row);
        }
        match agent {
            Some(agent) => add(agents.entry(agent).or_default(), row),
            None if row.open > 0 => *queues.entry(team).or_default() += row.open,
            None => {}
        }
    }
    Ok(Loads {
        agents: agents.into_iter().map(load).collect(),
        teams: teams.into_iter().map(load).collect(),
        queues: queues.into_iter().map(|(team, open)| QueueLength { team, open }).collect(),
    })
}

fn add(sum: &mut LoadRow, row: LoadRow) {
    sum.open += row.open;
    sum.pending += row.pending;
    sum.snoozed += row.snoozed;
}

fn load<T>((holder, row): (T, LoadRow)) -> Load<T> {
    Load { holder, open: row.open, pending: row.pending, snoozed: row.snoozed }
}

/// How many snoozed conversations of each cell are due: whole hours by their cells, the current hour one by one.
fn due(snapshot: &Snapshot, tenant: &TenantId, now: Timestamp) -> Result<BTreeMap<Cell, u64>, ReadError> {
    let mut due: BTreeMap<Cell, u64> = BTreeMap::new();
    let hour = keys::hour_of(now.as_millis());
    let past = KeyRange::between(keys::hour_from(tenant, i64::MIN), keys::hour_from(tenant, hour));
    for (key, value) in snapshot.scan(&past, Direction::Forward, DUE_ROWS_MAX)? {
        let row: HourRow = decode("hour", &value)?;
        *due.entry(keys::read_hour(&key)?).or_default() += row.snoozed;
    }
    // The clock's own millisecond is due too.
    let end = now.as_millis().saturating_add(1);
    let current = KeyRange::between(keys::wake_from(tenant, keys::hour_begins(hour)), keys::wake_from(tenant, end));
    for (_, value) in snapshot.scan(&current, Direction::Forward, DUE_ROWS_MAX)? {
        let row: ListedRow = decode("wake", &value)?;
        *due.entry((row.channel, row.agent, row.team)).or_default() += 1;
    }
    Ok(due)
}
