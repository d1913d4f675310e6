//! What tenants want detected: asked for with every message.

use std::sync::{Arc, PoisonError};

use relevo_domain::detection::Policy;
use relevo_domain::{EntityId, TenantId};

use super::known::{Known, Moment};
use super::{Ledger, LedgerError, look};
use crate::decision::{EntityState, InForceRow};

impl Ledger {
    /// What the tenant wants detected, as this node knows it: what it changed itself counts at once, what another node changed as
    /// soon as the decision store has read it.
    pub fn detection(&self, tenant: &TenantId) -> Result<Arc<Policy>, LedgerError> {
        let (sequence, stored) = self.stored_detection(tenant)?;
        let mut cache = self.cache();
        if let Some(Known { value: ahead, .. }) = cache.get(&(tenant.clone(), EntityId::WORKSPACE))
            && ahead.sequence > sequence
            && let EntityState::Workspace(state) = &ahead.state
        {
            return Ok(Arc::clone(&state.detection));
        }
        Ok(stored)
    }

    /// The same as the decision store has it, with the sequence that set it; 0 if nobody has.
    fn stored_detection(&self, tenant: &TenantId) -> Result<(u64, Arc<Policy>), LedgerError> {
        let snapshot = self.snapshot()?;
        let now = Moment::of(&snapshot);
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let known = policies.get_mut(tenant);
        if let Some(known) = known.as_ref().filter(|known| known.is_of(now)) {
            return Ok(known.value.clone());
        }
        let row = look(&snapshot, |reader| reader.detection(tenant))?;
        let sequence = row.as_ref().map_or(0, |row| row.sequence);
        if let Some(known) = known.filter(|known| known.value.0 == sequence) {
            known.seen = Some(now);
            return Ok(known.value.clone());
        }
        let policy = row.map_or_else(|| Ok(Arc::default()), InForceRow::policy);
        let policy = policy.unwrap_or_else(|bad| {
            // The customers' messages come first: a wish that this version cannot read does not keep them out.
            tracing::error!(%tenant, %bad, "the policy of the detection cannot be read: the usual one is in force");
            Arc::default()
        });
        policies.put(tenant.clone(), Known { value: (sequence, Arc::clone(&policy)), seen: Some(now) });
        Ok((sequence, policy))
    }
}
