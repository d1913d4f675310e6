//! Moments: snapshots of a view that the pages of one list share, kept for a minute and never without bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use relevo_domain::{AgentId, Caller, Position, TenantId, Timestamp};
use relevo_projection::{View, ViewSnapshot, ViewState};
use tokio::time::Instant;

use crate::error::QueryError;
use crate::request::Freshness;

/// How long the pages of a list can be turned.
pub const KEPT_FOR: Duration = Duration::from_mins(1);
/// Moments kept at once. A snapshot costs little memory, but holds old rows on disk.
const MOMENTS_MAX: usize = 512;
/// Moments kept for one caller, so that one who only asks for first pages takes nobody else's away.
const MOMENTS_PER_CALLER_MAX: usize = 16;

/// Waits until a view is fresh enough, and takes its snapshot.
pub(crate) async fn take(view: &View, freshness: Freshness) -> Result<ViewSnapshot, QueryError> {
    reach(view, freshness).await?;
    view.snapshot().map_err(QueryError::View)
}

/// Waits until a view has reached the wanted position, if one is wanted.
pub(crate) async fn reach(view: &View, freshness: Freshness) -> Result<(), QueryError> {
    let Some(wanted) = freshness.position else { return Ok(()) };
    let Err(stale) = view.reached(wanted, Instant::now() + freshness.wait).await else { return Ok(()) };
    // A view of another history will never get there, and its own error says what to do.
    if let ViewState::Diverged(_) = view.state() {
        view.snapshot().map_err(QueryError::View)?;
    }
    Err(QueryError::Stale(stale))
}

/// The kept moments of this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    /// In the order in which they were kept, so the first is the first to expire.
    kept: VecDeque<Kept>,
    last_id: u64,
    /// A task that forgets what has expired is under way.
    sweeping: bool,
}

/// Which list a moment is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) view: &'static str,
    /// Digest of what makes two requests the same list.
    pub(crate) request: [u8; 32],
}

#[derive(Debug)]
struct Kept {
    id: u64,
    owner: (TenantId, AgentId),
    list: List,
    until: Instant,
    moment: Moment,
}

/// What the pages of one list share.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) rows: ViewSnapshot,
    /// Decides what is due, on every page alike.
    pub(crate) now: Timestamp,
    /// The list is the same at every time from `now` until before this one, as long as nothing happens.
    pub(crate) stable_until: Timestamp,
}

impl Moments {
    /// Keeps a moment for a caller's next pages; answers with its id. Who asks for the same list again while nothing has
    /// happened gets the same id, and so the same page token; what is kept then is the later snapshot, for a full minute.
    pub(crate) fn keep(&self, caller: &Caller, list: List, moment: Moment) -> u64 {
        let now = Instant::now();
        let mut table = lock(&self.table);
        table.forget_expired(now);
        let owner = (caller.tenant.clone(), caller.name.clone());
        let id = table.take_same(&owner, list, &moment).unwrap_or_else(|| {
            table.make_room(&owner);
            table.last_id += 1;
            table.last_id
        });
        table.kept.push_back(Kept { id, owner, list, until: now + KEPT_FOR, moment });
        if !table.sweeping {
            table.sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(&self.table)));
        }
        id
    }

    /// The moment of that id, if it is still kept.
    pub(crate) fn find(&self, id: u64) -> Option<Moment> {
        let mut table = lock(&self.table);
        table.forget_expired(Instant::now());
        table.kept.iter().find(|kept| kept.id == id).map(|kept| kept.moment.clone())
    }

    /// The time at which the caller looked at the same list of the same rows before, if it shows the same now: then the
    /// answer is the same to the byte.
    pub(crate) fn same_time(
        &self,
        owner: &(TenantId, AgentId),
        list: List,
        rows: &ViewSnapshot,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let table = lock(&self.table);
        let same = |kept: &&Kept| {
            kept.owner == *owner
                && kept.list == list
                && shows(&kept.moment.rows) == shows(rows)
                && (kept.moment.now..kept.moment.stable_until).contains(&now)
        };
        table.kept.iter().find(same).map(|kept| kept.moment.now)
    }
}

impl Table {
    fn forget_expired(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|oldest| oldest.until <= now) {
            self.kept.pop_front();
        }
    }

    /// Takes out the moment that shows the same, and answers with its id.
    fn take_same(&mut self, owner: &(TenantId, AgentId), list: List, moment: &Moment) -> Option<u64> {
        let same = |kept: &Kept| {
            kept.owner == *owner
                && kept.list == list
                && kept.moment.now == moment.now
                && shows(&kept.moment.rows) == shows(&moment.rows)
        };
        let place = self.kept.iter().position(same)?;
        self.kept.remove(place).map(|kept| kept.id)
    }

    fn make_room(&mut self, owner: &(TenantId, AgentId)) {
        if self.kept.iter().filter(|kept| kept.owner == *owner).count() >= MOMENTS_PER_CALLER_MAX
            && let Some(oldest) = self.kept.iter().position(|kept| kept.owner == *owner)
        {
            self.kept.remove(oldest);
        }
        if self.kept.len() >= MOMENTS_MAX {
            self.kept.pop_front();
        }
    }
}

/// Two snapshots of a view that agree in this show the same.
fn shows(rows: &ViewSnapshot) -> (u64, Position) {
    (rows.epoch(), rows.position())
}

/// Forgets moments when their time is up, also if nobody asks any more: a snapshot holds old rows on disk.
async fn sweep(table: Weak<Mutex<Table>>) {
    loop {
        let next = {
            let Some(table) = table.upgrade() else { return };
            let mut table = lock(&table);
            table.forget_expired(Instant::now());
            let next = table.kept.front().map(|oldest| oldest.until);
            table.sweeping = next.is_some();
            next
        };
        let Some(next) = next else { return };
        tokio::time::sleep_until(next).await;
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
