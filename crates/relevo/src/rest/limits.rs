//! How much may be asked at a time. Nobody gets all of it: each caller has a share, so that one who floods slows only themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use relevo_domain::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests at a time, of everybody: each holds a small body and, while it is written, an answer.
const CALLS_MAX: usize = 1_024;
/// Requests at a time of one caller: a server that works for many people has room, a loop that went wrong does not.
const CALLS_OF_CALLER_MAX: usize = 128;
/// Large bodies at a time, of everybody: with the largest body this is 128 MiB.
const LARGE_MAX: usize = 32;
/// Large bodies at a time of one caller.
const LARGE_OF_CALLER_MAX: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    calls: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// Of those who ask now, by tenant and name.
    shares: Arc<Mutex<BTreeMap<(String, String), Share>>>,
}

#[derive(Clone, Debug)]
struct Share {
    calls: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for Limits {
    fn default() -> Self {
        let (calls, large) = (Arc::new(Semaphore::new(CALLS_MAX)), Arc::new(Semaphore::new(LARGE_MAX)));
        Self { calls, large, shares: Arc::default() }
    }
}

/// There is too much already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A place for one request; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    share: Share,
    all_large: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    large: bool,
}

impl Limits {
    /// A place among the requests. Nobody waits for one: whoever asked too much is told at once.
    pub(super) fn place(&self, caller: &Caller) -> Result<Place, Full> {
        let share = {
            let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody holds anything of these.
            shares.retain(|_, share| Arc::strong_count(&share.calls) > 1);
            let new = || Share {
                calls: Arc::new(Semaphore::new(CALLS_OF_CALLER_MAX)),
                large: Arc::new(Semaphore::new(LARGE_OF_CALLER_MAX)),
            };
            let holder = (caller.tenant.to_string(), caller.name.to_string());
            shares.entry(holder).or_insert_with(new).clone()
        };
        let held = vec![take(&share.calls)?, take(&self.calls)?];
        Ok(Place { share, all_large: Arc::clone(&self.large), held, large: false })
    }
}

impl Place {
    /// Makes it one for a large body.
    pub(super) fn large(&mut self) -> Result<(), Full> {
        if !self.large {
            self.held.push(take(&self.share.large)?);
            self.held.push(take(&self.all_large)?);
            self.large = true;
        }
        Ok(())
    }
}

fn take(from: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Full> {
    Arc::clone(from).try_acquire_owned().map_err(|_none_left| Full)
}

#[cfg(test)]
mod tests {
    use relevo_domain::{AgentId, Role, Scope, TenantId};

    use super::*;

    fn caller(name: &str) -> Caller {
        Caller {
            tenant: TenantId::new("demo").unwrap(),
            name: AgentId::new(name).unwrap(),
            role: Role::Agent,
            scope: Scope::Tenant,
        }
    }

    #[test]
    fn one_who_floods_takes_only_their_own_share() {
        let limits = Limits::default();
        let mut own: Vec<Place> = (0..CALLS_OF_CALLER_MAX).map(|_| limits.place(&caller("laura")).unwrap()).collect();
        assert_eq!(limits.place(&caller("laura")).unwrap_err(), Full);
        let large = own.iter_mut().filter_map(|place| place.large().ok()).count();
        assert_eq!(large, LARGE_OF_CALLER_MAX);
        let mut other = limits.place(&caller("sofia")).unwrap();
        other.large().unwrap();
        other.large().unwrap();
        drop(own);
        limits.place(&caller("laura")).unwrap().large().unwrap();
        drop(other);
        drop(limits.place(&caller("carla")));
        assert_eq!((limits.calls.available_permits(), limits.large.available_permits()), (CALLS_MAX, LARGE_MAX));
        assert!(limits.shares.lock().unwrap().len() <= 1, "shares of those who left are forgotten");
    }
}
