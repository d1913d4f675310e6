//! When the next snooze of a tenant ends, looked up once for all who watch at the same position.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use relevo_domain::{Position, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;

use crate::error::QueryError;

/// One entry a tenant, of the latest position that was asked about.
#[derive(Debug, Default)]
pub(crate) struct Dues {
    known: Mutex<HashMap<TenantId, Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Of the view's rows.
    epoch: u64,
    position: Position,
    /// Nothing becomes due from here on until `next`.
    from: Timestamp,
    next: Option<Timestamp>,
}

impl Dues {
    /// The first time after `now` at which a snooze of the tenant ends.
    pub(crate) fn next(
        &self,
        rows: &ViewSnapshot,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, QueryError> {
        let (epoch, position) = (rows.epoch(), rows.position());
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(tenant).copied();
        let holds = |known: &Known| {
            known.epoch == epoch
                && known.position == position
                && known.from <= now
                && known.next.is_none_or(|next| next > now)
        };
        if let Some(known) = known.filter(holds) {
            return Ok(known.next);
        }
        let next = inbox::next_due(rows, tenant, now)?;
        lock().insert(tenant.clone(), Known { epoch, position, from: now, next });
        Ok(next)
    }
}
