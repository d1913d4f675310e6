//! How many watches there may be.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relevo_domain::{AgentId, Caller, TenantId};

use crate::error::QueryError;

/// Watches of one caller: several windows of every browser that a busy agent, or one server for a whole desk, has open.
pub const WATCHES_PER_CALLER_MAX: usize = 256;
/// Watches of one node. Each keeps a window of at most some tens of kilobytes.
pub const WATCHES_PER_NODE_MAX: usize = 2_048;
/// Watches of one tenant on one node: half of them, so that no tenant takes every other's.
pub const WATCHES_PER_TENANT_MAX: usize = WATCHES_PER_NODE_MAX / 2;

type Owner = (TenantId, AgentId);

/// Counts the watches of this node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    node: usize,
    tenants: HashMap<TenantId, usize>,
    callers: HashMap<Owner, usize>,
}

/// One watch that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    counts: Arc<Mutex<Counts>>,
    owner: Owner,
}

impl Watches {
    /// Counts one more watch of the caller, or refuses it.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Slot, QueryError> {
        let owner = (caller.tenant.clone(), caller.name.clone());
        let mut counts = lock(&self.counts);
        if counts.node >= WATCHES_PER_NODE_MAX {
            return Err(QueryError::LimitReached { what: "watches_of_node", limit: WATCHES_PER_NODE_MAX });
        }
        if counts.tenants.get(&owner.0).is_some_and(|open| *open >= WATCHES_PER_TENANT_MAX) {
            return Err(QueryError::LimitReached { what: "watches_of_tenant", limit: WATCHES_PER_TENANT_MAX });
        }
        if counts.callers.get(&owner).is_some_and(|open| *open >= WATCHES_PER_CALLER_MAX) {
            return Err(QueryError::LimitReached { what: "watches_of_caller", limit: WATCHES_PER_CALLER_MAX });
        }
        *counts.callers.entry(owner.clone()).or_default() += 1;
        *counts.tenants.entry(owner.0.clone()).or_default() += 1;
        counts.node += 1;
        Ok(Slot { counts: Arc::clone(&self.counts), owner })
    }

    /// Watches that are open now.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        lock(&self.counts).node
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.node = counts.node.saturating_sub(1);
        one_less(&mut counts.callers, &self.owner);
        one_less(&mut counts.tenants, &self.owner.0);
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
