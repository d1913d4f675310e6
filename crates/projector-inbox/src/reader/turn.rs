//! When lists and counters change though nothing happens: what only time does.

use std::time::Duration;

use relevo_domain::{TenantId, Timestamp};
use relevo_projection::ViewSnapshot;

use super::ReadError;
use super::list::columns_of;

/// The first time after `now` at which a snooze of the tenant ends, whoever may see it: until then no list and no counter changes
/// by itself, but for lists of those who wait. `None` if none does. Costs as much as
/// there are channels and teams.
pub fn next_due(view: &ViewSnapshot, tenant: &TenantId, now: Timestamp) -> Result<Option<Timestamp>, ReadError> {
    let Some(columns) = columns_of(view, tenant)? else { return Ok(None) };
    Ok(columns.snoozed().next_due(now.as_millis()).map(Timestamp::from_millis))
}

/// The first time after `now` at which one more customer has waited for `waiting`. `None` if nobody will.
pub fn next_waiting(
    view: &ViewSnapshot,
    tenant: &TenantId,
    now: Timestamp,
    waiting: Duration,
) -> Result<Option<Timestamp>, ReadError> {
    let Some(columns) = columns_of(view, tenant)? else { return Ok(None) };
    let reached = (now - waiting).as_millis();
    Ok(columns.next_waiting(reached).map(|since| Timestamp::from_millis(since) + waiting))
}
