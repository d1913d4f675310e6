//! Where a paused conversation stands in lists and counts: a pure function of its row, so that a change is the difference of two.

use prost::Message as _;
use relevo_domain::{EntityId, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::keys::{self, Counted, Order};
use crate::row::{CountRow, CurrentRow, ListedRow, PauseRow, SuggestionRow};
use crate::waited_since;

/// Moves a conversation from where its row before put it to where its row now does.
pub(crate) fn moved(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    conversation: EntityId,
    before: Option<&CurrentRow>,
    after: &CurrentRow,
) -> Result<(), ApplyError> {
    let (old, new) = (before.and_then(counted), counted(after));
    if old != new {
        if let Some(old) = old {
            count(rows, tenant, &old, Step::Down)?;
        }
        if let Some(new) = new {
            count(rows, tenant, &new, Step::Up)?;
        }
    }
    let was = before.map(|before| entries(tenant, conversation, before)).unwrap_or_default();
    let is = entries(tenant, conversation, after);
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
    Ok(())
}

/// Every row of the lists that this conversation has.
fn entries(tenant: &TenantId, conversation: EntityId, row: &CurrentRow) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some(pause) = &row.pause else { return suggested(tenant, conversation, row) };
    let waiting = waited_since(row, pause).unwrap_or(i64::MAX);
    let value = listed(row, pause).encode_to_vec();
    let orders = [(Order::Since, pause.since), (Order::Waiting, waiting)];
    let key = |reason, (order, time)| keys::paused(tenant, order, reason, time, conversation);
    let keys = ["", &pause.reason].into_iter().flat_map(|reason| orders.map(|order| key(reason, order)));
    keys.map(|key| (key, value.clone())).collect()
}

/// Only a bot that is not paused is suggested to be.
fn suggested(tenant: &TenantId, conversation: EntityId, row: &CurrentRow) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (channel, agent, team) = (row.channel.clone(), row.agent.clone(), row.team.clone());
    let value = ListedRow { channel, agent, team, ..ListedRow::default() }.encode_to_vec();
    let under = |rule: &str, open: &SuggestionRow| {
        (keys::suggested(tenant, rule, open.at, open.number, conversation), value.clone())
    };
    row.suggestions.iter().flat_map(|open| [under("", open), under(&open.detected.rule, open)]).collect()
}

fn listed(row: &CurrentRow, pause: &PauseRow) -> ListedRow {
    ListedRow {
        channel: row.channel.clone(),
        agent: row.agent.clone(),
        team: row.team.clone(),
        automatic: pause.automatic,
        since: pause.since,
    }
}

fn counted(row: &CurrentRow) -> Option<Counted> {
    row.pause.as_ref().map(|pause| Counted {
        reason: pause.reason.clone(),
        automatic: pause.automatic,
        channel: row.channel.clone(),
        agent: row.agent.clone(),
        team: row.team.clone(),
    })
}

#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

fn count(rows: &mut dyn Rows, tenant: &TenantId, counted: &Counted, step: Step) -> Result<(), ApplyError> {
    let key = keys::count(tenant, counted);
    let row: CountRow = load(&*rows, "count", &key)?.unwrap_or_default();
    let paused = match step {
        Step::Up => row.paused + 1,
        Step::Down => {
            row.paused.checked_sub(1).ok_or_else(|| ApplyError::BadRow("count: fewer than none".to_owned()))?
        }
    };
    if paused == 0 {
        rows.delete(key);
    } else {
        store(rows, key, &CountRow { paused });
    }
    Ok(())
}
