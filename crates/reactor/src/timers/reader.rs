//! Reads the view `timers`, in one snapshot.

use std::ops::ControlFlow;

use relevo_command::Timer;
use relevo_domain::{EntityId, TenantId, Timestamp};
use relevo_projection::RowSource;
use relevo_projection::row::{ReadError, read};
use relevo_readstore::{Direction, KeyRange};

use super::keys;
use super::row::PendingRow;

/// Timers that one look examines, however many of them are skipped: a look is short, and the next one goes on behind these.
pub const EXAMINED_MAX: usize = 4_096;

/// What one look at what is pending found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Their time has come; the earliest first.
    pub timers: Vec<Timer>,
    /// The last timer that was looked at, if the look ended before it had seen everything that is due.
    pub rest: Option<Timer>,
    /// When the first timer comes whose time has not come yet; absent if the look ended before, or if there is none.
    pub next: Option<Timestamp>,
    /// Rows that were left out because they are not what this version writes.
    pub unreadable: usize,
}

/// The timers whose time is `now` or earlier, behind that of an earlier look if one is named, at most `limit`; those that `skip`
/// names are left out. Of all at most [`EXAMINED_MAX`] are looked at.
pub fn due(
    source: &(impl RowSource + ?Sized),
    now: Timestamp,
    behind: Option<&Timer>,
    limit: usize,
    skip: &dyn Fn(&Timer) -> bool,
) -> Result<Due, ReadError> {
    let mut range = KeyRange::prefix(keys::timers().finish());
    if let Some(behind) = behind {
        range = range.after(&keys::timer(behind));
    }
    let (mut found, mut last, mut examined) = (Due::default(), None, 0);
    source.visit(&range, Direction::Forward, &mut |key, _value| {
        let timer = match keys::read_timer(key) {
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

/// What one conversation has pending, in no particular order.
pub fn pending_of(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Vec<Timer>, ReadError> {
    let row: PendingRow = read(source, "pending", &keys::pending(tenant, conversation))?.unwrap_or_default();
    Ok(row.timers(tenant, conversation))
}
