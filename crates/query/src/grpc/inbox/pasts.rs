//! Turns to read the past, and the pasts that were read last: the next page of a thread is read from the same one.
//!
//! A past costs a question to the log for each of its commits, so few are read at the same time and one caller reads one. Those
//! that are kept are bounded in number and in time, and belong to whoever may see their conversation at each read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use relevo_domain::{AgentId, Caller, EntityId, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::past::Past;
use crate::error::QueryError;
use crate::history::When;

/// Reads of the past that go on at the same time; the others wait, as long as their request may.
const READS_MAX: usize = 4;
/// The same of one caller, so that one who asks for many keeps nobody else waiting.
const READS_PER_CALLER_MAX: usize = 1;
/// Pasts that are kept: a long one takes tens of megabytes.
const KEPT_MAX: usize = 4;
/// How long one is kept after its last use: who turns pages does it within.
const KEPT_FOR: Duration = Duration::from_mins(1);

type Owner = (TenantId, AgentId);

/// The reads of the past of this node.
#[derive(Debug)]
pub(crate) struct Pasts {
    reading: Arc<Semaphore>,
    callers: Mutex<HashMap<Owner, Arc<Semaphore>>>,
    /// The one that was used last is the last.
    kept: Mutex<VecDeque<Kept>>,
}

/// The turn to read; ends when it is dropped.
pub(super) struct Turn {
    _of_caller: OwnedSemaphorePermit,
    _of_node: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Kept {
    key: (TenantId, EntityId, When),
    until: Instant,
    past: Arc<Past>,
}

impl Default for Pasts {
    fn default() -> Self {
        Self { reading: Arc::new(Semaphore::new(READS_MAX)), callers: Mutex::default(), kept: Mutex::default() }
    }
}

impl Pasts {
    /// Waits for the turn to read, and no longer than this.
    pub(super) async fn turn(&self, caller: &Caller, wait: Duration) -> Result<Turn, QueryError> {
        let of_caller = self.of_caller(caller);
        let turn = timeout(wait, async {
            let of_caller = of_caller.acquire_owned().await?;
            let of_node = Arc::clone(&self.reading).acquire_owned().await?;
            Ok::<_, tokio::sync::AcquireError>(Turn { _of_caller: of_caller, _of_node: of_node })
        });
        let late = |_late| QueryError::LimitReached { what: "as_of_reads", limit: READS_MAX };
        turn.await.map_err(late)?.map_err(|_closed| QueryError::Stopping)
    }

    fn of_caller(&self, caller: &Caller) -> Arc<Semaphore> {
        let mut callers = lock(&self.callers);
        // Whoever neither reads nor waits is forgotten, so the table is no larger than the requests under way.
        callers.retain(|_, turn| Arc::strong_count(turn) > 1);
        let owner = (caller.tenant.clone(), caller.name.clone());
        Arc::clone(callers.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(READS_PER_CALLER_MAX))))
    }

    /// The conversation as it was then, if it is kept.
    pub(super) fn find(&self, tenant: &TenantId, conversation: EntityId, when: When) -> Option<Arc<Past>> {
        let now = Instant::now();
        let mut kept = lock(&self.kept);
        kept.retain(|kept| kept.until > now);
        let place =
            kept.iter().position(|kept| kept.key.0 == *tenant && (kept.key.1, kept.key.2) == (conversation, when));
        let found = place.and_then(|place| kept.remove(place))?;
        let past = Arc::clone(&found.past);
        kept.push_back(Kept { until: now + KEPT_FOR, ..found });
        Some(past)
    }

    /// Keeps a past for the next pages. What was at a position never changes; what was at a time may, if a writer's clock is late.
    pub(super) fn keep(&self, tenant: &TenantId, conversation: EntityId, when: When, past: &Arc<Past>) {
        match when {
            When::Time(_) => {}
            When::Position(_) => {
                let now = Instant::now();
                let mut kept = lock(&self.kept);
                kept.retain(|kept| kept.until > now);
                if kept.len() >= KEPT_MAX {
                    kept.pop_front();
                }
                let key = (tenant.clone(), conversation, when);
                kept.push_back(Kept { key, until: now + KEPT_FOR, past: Arc::clone(past) });
            }
        }
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
