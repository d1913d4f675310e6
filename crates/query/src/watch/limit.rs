//! How many watches there may be, and how many of them may read at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relevo_domain::{AgentId, Caller, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::QueryError;

/// Watches of one caller: several windows of every browser that a busy agent, or one server for a whole desk, has open.
pub const WATCHES_PER_CALLER_MAX: usize = 256;
/// Watches of one node. Each keeps a window of at most some tens of kilobytes.
pub const WATCHES_PER_NODE_MAX: usize = 2_048;
/// Watches that read at the same time: a change wakes all of them at once, and more threads than cores only wait for each other.
const READING_MAX: usize = 4;

type Owner = (TenantId, AgentId);

/// Counts the watches of this node.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    counts: Arc<Mutex<Counts>>,
    reading: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Counts {
    of_node: usize,
    of_callers: HashMap<Owner, usize>,
}

/// One watch that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    counts: Arc<Mutex<Counts>>,
    owner: Owner,
}

impl Default for Watches {
    fn default() -> Self {
        Self { counts: Arc::default(), reading: Arc::new(Semaphore::new(READING_MAX)) }
    }
}

impl Watches {
    /// Counts one more watch of the caller, or refuses it.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Slot, QueryError> {
        let owner = (caller.tenant.clone(), caller.name.clone());
        let mut counts = lock(&self.counts);
        if counts.of_node >= WATCHES_PER_NODE_MAX {
            return Err(QueryError::LimitReached { what: "watches_of_node", limit: WATCHES_PER_NODE_MAX });
        }
        let of_caller = counts.of_callers.entry(owner.clone()).or_default();
        if *of_caller >= WATCHES_PER_CALLER_MAX {
            return Err(QueryError::LimitReached { what: "watches_of_caller", limit: WATCHES_PER_CALLER_MAX });
        }
        *of_caller += 1;
        counts.of_node += 1;
        Ok(Slot { counts: Arc::clone(&self.counts), owner })
    }

    /// Waits for the turn to read.
    pub(crate) async fn turn_to_read(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        Arc::clone(&self.reading).acquire_owned().await.map_err(|_closed| QueryError::Stopping)
    }

    /// Watches that are open now.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        lock(&self.counts).of_node
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.of_node = counts.of_node.saturating_sub(1);
        if let Some(of_caller) = counts.of_callers.get_mut(&self.owner) {
            *of_caller -= 1;
            if *of_caller == 0 {
                counts.of_callers.remove(&self.owner);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
