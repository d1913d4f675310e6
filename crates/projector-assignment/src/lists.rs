//! Where a conversation stands in lists and counts: a pure function of its row, so that a change is the difference of two.

use prost::Message as _;
use relevo_domain::{EntityId, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows, waiting};

use crate::keys::{self, Facet, Line};
use crate::row::{AssignmentRow, CurrentRow, HourRow, ListedRow, LoadRow, OPEN, PENDING, RESOLVED, SNOOZED};

/// Moves a conversation from where its row before put it to where its row now does.
pub(crate) fn moved(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    conversation: EntityId,
    before: Option<&CurrentRow>,
    after: &CurrentRow,
) -> Result<(), ApplyError> {
    let old = before.map(Place::of);
    let new = Place::of(after);
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    let was = old.as_ref().map(|old| old.entries(tenant, conversation)).unwrap_or_default();
    let is = new.entries(tenant, conversation);
    for (key, _) in &was {
        if is.iter().all(|(kept, _)| kept != key) {
            rows.delete(key.clone());
        }
    }
    for (key, value) in is {
        if was.iter().all(|(had, same)| *had != key || *same != value) {
            rows.put(key, value);
        }
    }
    if let Some(old) = &old {
        count(rows, tenant, old, Step::Down)?;
    }
    count(rows, tenant, &new, Step::Up)
}

/// What a conversation's places depend on.
#[derive(PartialEq, Eq)]
struct Place<'a> {
    channel: &'a str,
    agent: &'a str,
    team: &'a str,
    status: u32,
    until: Option<i64>,
    /// Since when somebody has it.
    held_since: i64,
    without_agent_since: i64,
    priority: u32,
    waiting: Option<i64>,
}

impl<'a> Place<'a> {
    fn of(row: &'a CurrentRow) -> Self {
        let nobody = ("", "", 0);
        let of = |held: &'a AssignmentRow| (held.agent.as_str(), held.team.as_str(), held.at);
        let (agent, team, held_since) = row.assignment.as_ref().map_or(nobody, of);
        Self {
            channel: &row.channel,
            agent,
            team,
            status: row.status,
            until: row.until,
            held_since,
            without_agent_since: row.without_agent_since,
            priority: row.priority,
            waiting: row.waiting.as_ref().and_then(waiting::since),
        }
    }

    /// Every row of an index that this conversation has.
    fn entries(&self, tenant: &TenantId, conversation: EntityId) -> Vec<(Vec<u8>, Vec<u8>)> {
        if self.status == RESOLVED {
            return Vec::new();
        }
        let mut entries = Vec::new();
        if !(self.agent.is_empty() && self.team.is_empty()) {
            let agent = (!self.agent.is_empty()).then_some(Facet::Agent(self.agent));
            let team = (!self.team.is_empty()).then_some(Facet::Team(self.team));
            for facet in std::iter::once(Facet::All).chain(agent).chain(team) {
                let key = keys::held(tenant, facet, self.status, self.held_since, conversation);
                entries.push((key, self.listed(self.held_since)));
            }
        }
        // A pending one waits for somebody else, and a snoozed one without an end waits for the customer: no queue.
        let queues = self.status == OPEN || (self.status == SNOOZED && self.until.is_some());
        if self.agent.is_empty() && queues {
            let since = self.without_agent_since;
            let own = if self.team.is_empty() { Line::NoTeam } else { Line::Team(self.team) };
            for line in [Line::All, own] {
                let order = (self.priority, self.waiting, since);
                entries.push((keys::queue(tenant, line, self.status, order, conversation), self.listed(since)));
                entries.push((keys::orphan(tenant, line, self.status, since, conversation), self.listed(since)));
            }
        }
        if let (SNOOZED, Some(until)) = (self.status, self.until) {
            entries.push((keys::wake(tenant, until, conversation), self.listed(until)));
        }
        entries
    }

    fn listed(&self, since: i64) -> Vec<u8> {
        let row = ListedRow {
            channel: self.channel.to_owned(),
            agent: self.agent.to_owned(),
            team: self.team.to_owned(),
            until: self.until,
            since,
        };
        row.encode_to_vec()
    }
}

#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

impl Step {
    fn of(self, number: u64) -> Result<u64, ApplyError> {
        match self {
            Self::Up => Ok(number + 1),
            Self::Down => number.checked_sub(1).ok_or_else(|| ApplyError::BadRow("load: fewer than none".to_owned())),
        }
    }
}

fn count(rows: &mut dyn Rows, tenant: &TenantId, place: &Place<'_>, step: Step) -> Result<(), ApplyError> {
    let key = keys::load(tenant, place.channel, place.agent, place.team);
    let mut row: LoadRow = load(&*rows, "load", &key)?.unwrap_or_default();
    match place.status {
        OPEN => row.open = step.of(row.open)?,
        PENDING => row.pending = step.of(row.pending)?,
        SNOOZED => row.snoozed = step.of(row.snoozed)?,
        // Resolved: nobody's load.
        _ => return Ok(()),
    }
    if row == LoadRow::default() {
        rows.delete(key);
    } else {
        store(rows, key, &row);
    }
    let (SNOOZED, Some(until)) = (place.status, place.until) else { return Ok(()) };
    let key = keys::hour(tenant, keys::hour_of(until), place.channel, place.agent, place.team);
    let row: HourRow = load(&*rows, "hour", &key)?.unwrap_or_default();
    let snoozed = step.of(row.snoozed)?;
    if snoozed == 0 {
        rows.delete(key);
    } else {
        store(rows, key, &HourRow { snoozed });
    }
    Ok(())
}
