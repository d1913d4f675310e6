//! The fingerprint of the tenant's id key on the log: a start with another key refuses to run.

use relevo_domain::workspace::{State, WorkspaceEvent};
use relevo_domain::{Actor, CommandId, EntityId, Event, TenantId, Timestamp};

use crate::decision::EntityState;
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};

/// How often the registration is tried against other nodes that start at the same time.
const ATTEMPTS_MAX: u32 = 8;

/// Why a tenant's id key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdKeyError {
    /// Other ids would be derived from the same messages: redeliveries would double, replies would miss.
    #[error("id key of tenant {tenant} has fingerprint {ours}, the log was written with {on_log}")]
    Mismatch { tenant: TenantId, ours: String, on_log: String },
    #[error("log did not confirm the id key's fingerprint")]
    Unconfirmed,
    #[error("ledger failed")]
    Ledger(#[from] LedgerError),
}

/// Makes sure that this key is the one that the tenant's log was written with, and says so on a log that is new.
pub async fn ensure_id_key(ledger: &Ledger, tenant: &TenantId, key: &IdKey, now: Timestamp) -> Result<(), IdKeyError> {
    let fingerprint = key.fingerprint();
    let entity = EntityId::WORKSPACE;
    for _attempt in 0..ATTEMPTS_MAX {
        let base = ledger.load(tenant, &entity)?;
        if !ledger.confirm(tenant, &entity, &base).await? {
            continue;
        }
        if let EntityState::Workspace(State { id_key: Some(on_log), .. }) = &base.state {
            if *on_log == fingerprint {
                return Ok(());
            }
            return Err(IdKeyError::Mismatch { tenant: tenant.clone(), ours: fingerprint, on_log: on_log.clone() });
        }
        let origin = Origin {
            tenant: tenant.clone(),
            command_id: CommandId::new(format!("id-key-{fingerprint}")).map_err(|_name| IdKeyError::Unconfirmed)?,
            actor: Actor::System,
            occurred_at: now,
            recorded_at: now,
            correlation: None,
            intake: None,
        };
        let event = WorkspaceEvent::IdKeyFingerprinted { fingerprint: fingerprint.clone() };
        let draft = Draft { entity, base, events: vec![Event::Workspace(event)] };
        match ledger.append(&origin, vec![draft]).await? {
            Committed::Applied { .. } => return Ok(()),
            Committed::Conflict | Committed::Unknown => {}
        }
    }
    Err(IdKeyError::Unconfirmed)
}
