//! How many conversations each tab has: sums of a few cells, and of what is due now.

use relevo_domain::{Caller, Scope, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;

use super::ReadError;
use super::list::columns_of;
use crate::columns::{Access, Cells, DueCounts, TenantColumns};
use crate::row::CountRow;

/// Conversations of one tab. `unread`, `paused` and `problems` are of those that the tab shows unless it is told otherwise: open (due ones
/// included) and pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TabCounts {
    /// Those that are due included.
    pub open: u64,
    pub pending: u64,
    /// Without those that are due.
    pub snoozed: u64,
    pub resolved: u64,
    pub unread: u64,
    pub paused: u64,
    /// What the business sent last failed, or nobody knows.
    pub problems: u64,
}

/// What the tabs of a caller's inbox show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Held by the caller.
    pub mine: TabCounts,
    /// Held by no agent; a team may have it.
    pub unassigned: TabCounts,
    /// Everything that the caller may see.
    pub all: TabCounts,
}

/// The counters of the caller's tabs. Costs as much as there are cells (holder × channel × team), and a little for every
/// 256 that are due; not as much as there are conversations.
pub fn counters(
    view: &ViewSnapshot,
    tenant: &TenantId,
    visible: &Caller,
    now: Timestamp,
) -> Result<Counters, ReadError> {
    let Some(columns) = columns_of(view, tenant)? else { return Ok(Counters::default()) };
    let Some(access) = Access::of(visible, tenant, columns) else { return Ok(Counters::default()) };
    let (me, scope) = (visible.name.as_str(), &visible.scope);
    let granted = |channel: &str, team: &str| grants(scope, channel, team);
    let own = columns.cells((2, me));
    let mut counters = Counters {
        mine: sum(own, |_, _| true),
        unassigned: sum(columns.cells((1, "")), granted),
        all: sum(columns.cells((0, "")), granted),
    };
    // Their own where nothing is granted to them is theirs to see, too.
    let elsewhere = sum(own, |channel, team| !granted(channel, team));
    counters.all.add(&elsewhere);
    wake(&mut counters, columns, &access, me, now.as_millis());
    Ok(counters)
}

/// `Caller::sees`, but for what is the caller's own.
fn grants(scope: &Scope, channel: &str, team: &str) -> bool {
    match scope {
        Scope::Tenant => true,
        Scope::Granted { channels, teams } => {
            let channel_granted = channels.is_empty() || channels.iter().any(|granted| granted.as_str() == channel);
            channel_granted && (team.is_empty() || teams.iter().any(|granted| granted.as_str() == team))
        }
    }
}

fn sum(cells: Option<&Cells>, take: impl Fn(&str, &str) -> bool) -> TabCounts {
    let mut counts = TabCounts::default();
    for ((channel, team), cell) in cells.into_iter().flatten() {
        if take(channel, team) {
            counts.add_cell(cell);
        }
    }
    counts
}

/// Moves what is due from snoozed to open.
fn wake(counters: &mut Counters, columns: &TenantColumns, access: &Access, me: &str, now: i64) {
    let (me, snoozed) = (columns.agent(me), columns.snoozed());
    counters.mine.wake(me.map_or_else(DueCounts::default, |me| snoozed.due_of_agent(me, now)));
    counters.unassigned.wake(snoozed.due_of_nobody(access, now));
    counters.all.wake(snoozed.due_of_all(access, me, now));
}

impl TabCounts {
    fn wake(&mut self, counts: DueCounts) {
        self.open += counts.due;
        // The cells and the columns are of one moment, so this never goes below zero.
        self.snoozed = self.snoozed.saturating_sub(counts.due);
        self.unread += counts.unread;
        self.paused += counts.paused;
        self.problems += counts.problems;
    }

    fn add_cell(&mut self, cell: &CountRow) {
        let CountRow { open, pending, snoozed, resolved, unread, paused, problems } = *cell;
        self.add(&Self { open, pending, snoozed, resolved, unread, paused, problems });
    }

    fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.pending += other.pending;
        self.snoozed += other.snoozed;
        self.resolved += other.resolved;
        self.unread += other.unread;
        self.paused += other.paused;
        self.problems += other.problems;
    }
}
