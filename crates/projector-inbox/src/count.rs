//! How many conversations each holder has, by channel, team and status: the cells that the tabs' counters are sums of.
//!
//! A conversation is in two cells, of ALL and of its holder; a change moves it from its old ones to its new ones. What is due
//! is not known here, because only a clock knows it: readers move it from snoozed to open.

use relevo_domain::TenantId;
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::conversation::{OPEN, PENDING, RESOLVED, SNOOZED};
use crate::keys::{self, Holder};
use crate::row::{ConversationRow, CountRow};

/// Takes the conversation out of the cells where it was and puts it into those where it is.
pub(crate) fn moved(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    before: Option<&ConversationRow>,
    after: &ConversationRow,
) -> Result<(), ApplyError> {
    let (old, new) = (before.map(cells_of), cells_of(after));
    let (was, is) = (before.map(share), share(after)?);
    let was = was.transpose()?;
    if old == Some(new) && was == Some(is) {
        return Ok(());
    }
    if let (Some(old), Some(was)) = (old, was) {
        for holder in old.holders {
            change(rows, keys::count(tenant, holder, old.channel, old.team), u64::checked_sub, was)?;
        }
    }
    for holder in new.holders {
        change(rows, keys::count(tenant, holder, new.channel, new.team), u64::checked_add, is)?;
    }
    Ok(())
}

/// Where a conversation is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cells<'a> {
    holders: [Holder<'a>; 2],
    channel: &'a str,
    team: &'a str,
}

fn cells_of(row: &ConversationRow) -> Cells<'_> {
    let holder = if row.agent.is_empty() { Holder::Unassigned } else { Holder::Agent(&row.agent) };
    Cells { holders: [Holder::All, holder], channel: &row.channel, team: &row.team }
}

/// What one conversation adds to its cells.
fn share(row: &ConversationRow) -> Result<CountRow, ApplyError> {
    let mut share = CountRow::default();
    match row.status {
        OPEN => share.open = 1,
        PENDING => share.pending = 1,
        SNOOZED => share.snoozed = 1,
        RESOLVED => share.resolved = 1,
        _ => return Err(ApplyError::BadRow("conversation: status is not one".to_owned())),
    }
    if row.status == OPEN || row.status == PENDING {
        share.unread = u64::from(row.unread > 0);
        share.paused = u64::from(row.pause.is_some());
        share.problems = u64::from(row.problem);
    }
    Ok(share)
}

fn change(
    rows: &mut dyn Rows,
    key: Vec<u8>,
    combine: impl Fn(u64, u64) -> Option<u64>,
    share: CountRow,
) -> Result<(), ApplyError> {
    let cell: CountRow = load(&*rows, "count", &key)?.unwrap_or_default();
    let combine = |count, share| {
        combine(count, share).ok_or_else(|| ApplyError::BadRow("count: cell lost a conversation".to_owned()))
    };
    let cell = CountRow {
        open: combine(cell.open, share.open)?,
        pending: combine(cell.pending, share.pending)?,
        snoozed: combine(cell.snoozed, share.snoozed)?,
        resolved: combine(cell.resolved, share.resolved)?,
        unread: combine(cell.unread, share.unread)?,
        paused: combine(cell.paused, share.paused)?,
        problems: combine(cell.problems, share.problems)?,
    };
    if cell == CountRow::default() {
        rows.delete(key);
    } else {
        store(rows, key, &cell);
    }
    Ok(())
}
