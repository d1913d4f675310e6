//! Counters of the tabs, counted once for all watches and calls of a caller at the same position.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use relevo_domain::{AgentId, Caller, Position, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;

use crate::error::QueryError;

/// Callers whose counters are kept: more than have an inbox open at a time. With more, all are forgotten.
const CALLERS_MAX: usize = 1_024;

/// The counters of the latest position that was asked about.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of the view's rows.
    epoch: u64,
    position: Option<Position>,
    of: HashMap<(TenantId, AgentId), Tally>,
}

#[derive(Clone, Debug)]
struct Tally {
    /// One name may come with several roles and grants.
    caller: Caller,
    counters: inbox::Counters,
    /// Nothing becomes due from here on until `next`.
    from: Timestamp,
    next: Option<Timestamp>,
}

impl Tallies {
    /// The counters of the caller's tabs. `next_due` is when the next snooze ends; asked only if they are not known.
    pub(crate) fn of(
        &self,
        rows: &ViewSnapshot,
        caller: &Caller,
        now: Timestamp,
        next_due: impl FnOnce() -> Result<Option<Timestamp>, QueryError>,
    ) -> Result<inbox::Counters, QueryError> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = (caller.tenant.clone(), caller.name.clone());
        let (epoch, position) = (rows.epoch(), Some(rows.position()));
        {
            let known = lock();
            let tally = known.of.get(&owner).filter(|_| known.epoch == epoch && known.position == position);
            let holds = |tally: &&Tally| {
                tally.caller == *caller && tally.from <= now && tally.next.is_none_or(|next| next > now)
            };
            if let Some(tally) = tally.filter(holds) {
                return Ok(tally.counters);
            }
        }
        let counters = inbox::counters(rows, &caller.tenant, caller, now)?;
        let tally = Tally { caller: caller.clone(), counters, from: now, next: next_due()? };
        let mut known = lock();
        if known.epoch != epoch || known.position != position || known.of.len() >= CALLERS_MAX {
            *known = Known { epoch, position, of: HashMap::new() };
        }
        known.of.insert(owner, tally);
        Ok(counters)
    }
}
