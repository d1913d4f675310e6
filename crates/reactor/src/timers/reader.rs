//! Reads the view `timers`, in one snapshot.

use std::ops::ControlFlow;
use std::time::Duration;

use relevo_command::{Timer, TimerKind};
use relevo_domain::{EntityId, TenantId, Timestamp};
use relevo_projection::RowSource;
use relevo_projection::row::{ReadError, read};
use relevo_readstore::{Direction, Key, KeyError, KeyRange};

use super::keys;
use super::row::PendingRow;

/// Timers that one look examines, however many of them are skipped: a look is short, and the next one goes on behind these.
pub const EXAMINED_MAX: usize = 4_096;

/// What a look is for: what is due now, and what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    pub now: Timestamp,
    /// What comes later is not looked for: behind it stand the traces of all that was pending and is not any more, until the store
    /// tidies up. Of thousands of pauses that ended in time, each look would walk over each. Absent: as far as there is anything.
    pub until: Option<Timestamp>,
}

impl From<Timestamp> for Sight {
    fn from(now: Timestamp) -> Self {
        Self { now, until: None }
    }
}

impl Sight {
    /// Ends a range of keys where it ends itself. `key` begins the keys of what the log has at a time, which comes `after` it.
    fn limit(self, range: &mut KeyRange, key: impl FnOnce(Timestamp) -> Key, after: Duration) {
        if let Some(until) = self.until {
            let end = until - after + Duration::from_millis(1);
            *range = range.clone().before(key(end).as_slice());
        }
    }
}

/// What one look at what is pending found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Their time has come; the earliest first.
    pub timers: Vec<Timer>,
    /// The last timer that was looked at, if the look ended before it had seen everything that is due.
    pub rest: Option<Timer>,
    /// When the first timer comes whose time has not come yet; absent if the look ended before, or if none comes in its sight.
    pub next: Option<Timestamp>,
    /// Rows that were left out because they are not what this version writes.
    pub unreadable: usize,
}

/// The timers whose time has come, behind that of an earlier look if one is named, at most `limit`; those that `skip`
/// names are left out. Of all at most [`EXAMINED_MAX`] are looked at.
pub fn due(
    source: &(impl RowSource + ?Sized),
    sight: impl Into<Sight>,
    behind: Option<&Timer>,
    limit: usize,
    skip: &dyn Fn(&Timer) -> bool,
) -> Result<Due, ReadError> {
    let sight = sight.into();
    let mut range = KeyRange::prefix(keys::timers().finish());
    sight.limit(&mut range, keys::timers_at, Duration::ZERO);
    if let Some(behind) = behind {
        range = range.after(&keys::timer(behind));
    }
    look(source, &range, sight.now, limit, skip, &keys::read_timer)
}

/// Reads timers in the order of their times, as far as they are due.
fn look(
    source: &(impl RowSource + ?Sized),
    range: &KeyRange,
    now: Timestamp,
    limit: usize,
    skip: &dyn Fn(&Timer) -> bool,
    timer_of: &dyn Fn(&[u8]) -> Result<Timer, KeyError>,
) -> Result<Due, ReadError> {
    let (mut found, mut last, mut examined) = (Due::default(), None, 0);
    source.visit(range, Direction::Forward, &mut |key, _value| {
        let timer = match timer_of(key) {
            Ok(timer) => timer,
            Err(_wrong) => {
                // One row that nobody can read must not keep those behind it.
                found.unreadable += 1;
                return ControlFlow::Continue(());
            }
        };
        if timer.scheduled > now {
            found.next = Some(timer.scheduled);
            return ControlFlow::Break(());
        }
        if found.timers.len() >= limit || examined >= EXAMINED_MAX {
            found.rest = last.take();
            return ControlFlow::Break(());
        }
        examined += 1;
        last = Some(timer.clone());
        if !skip(&timer) {
            found.timers.push(timer);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Alerts of one kind to the staff of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarms {
    pub tenant: TenantId,
    pub kind: TimerKind,
    /// How long it may be so.
    pub after: Duration,
}

/// The alerts whose time has come, read as [`due`] reads timers.
pub fn alarms(
    source: &(impl RowSource + ?Sized),
    of: &Alarms,
    sight: impl Into<Sight>,
    behind: Option<&Timer>,
    limit: usize,
    skip: &dyn Fn(&Timer) -> bool,
) -> Result<Due, ReadError> {
    let Alarms { tenant, kind, after } = of;
    let sight = sight.into();
    let mut range = KeyRange::prefix(keys::alarming(tenant, *kind).finish());
    sight.limit(&mut range, |since| keys::alarming_since(tenant, *kind, since), *after);
    if let Some(behind) = behind {
        range = range.after(&keys::alarm(tenant, *kind, behind.stored(), behind.conversation));
    }
    look(source, &range, sight.now, limit, skip, &|key| {
        let (since, conversation) = keys::read_alarm(key)?;
        let (scheduled, tenant) = (since + *after, tenant.clone());
        Ok(Timer { scheduled, tenant, conversation, kind: *kind, set_by: 0, after: *after })
    })
}

/// What one conversation has pending, in no particular order.
pub fn pending_of(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Vec<Timer>, ReadError> {
    let row: PendingRow = read(source, "pending", &keys::pending(tenant, conversation))?.unwrap_or_default();
    Ok(row.timers(tenant, conversation))
}

/// What staff is alerted to of one conversation if it stays so, and since when it is.
pub fn alarming_of(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Vec<(TimerKind, Timestamp)>, ReadError> {
    let row: PendingRow = read(source, "pending", &keys::pending(tenant, conversation))?.unwrap_or_default();
    Ok(row.alarming())
}
