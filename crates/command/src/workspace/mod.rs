//! Commands to a tenant's workspace: its tags. The id key's fingerprint, which every start checks, stands beside them.

mod id_key;

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::detection::Policy;
use relevo_domain::workspace::{self, Command, Decision, State};
use relevo_domain::{EntityId, Event, Recorded, TenantId};

use crate::conversation::workspace_of;
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Draft, Ledger, LedgerError};
use crate::repeat;

pub use id_key::{IdKeyError, ensure_id_key};

/// How often a workspace that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 8;

/// A command of a client to the workspace of its tenant.
#[derive(Clone, Debug)]
pub struct WorkspaceRequest {
    pub asked: Asked,
    pub command: Command,
}

/// Executes clients' commands to workspaces.
#[derive(Clone)]
pub struct Workspaces {
    ledger: Arc<Ledger>,
}

impl Workspaces {
    pub const fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }

    pub async fn execute(&self, request: &WorkspaceRequest) -> Result<Answer<State>, ExecuteError> {
        let answer = execute::execute(&self.ledger, &request.asked, request).await?;
        Ok(answer.map(|entity| workspace_of(&entity)))
    }

    /// What the tenant wants detected, as the log has it now.
    pub async fn detection(&self, tenant: &TenantId) -> Result<Arc<Policy>, ExecuteError> {
        for _look in 0..LOOKS_MAX {
            let base = self.ledger.load(tenant, &EntityId::WORKSPACE)?;
            if self.ledger.confirm(tenant, &EntityId::WORKSPACE, &base).await? {
                return Ok(workspace_of(&base).detection);
            }
        }
        Err(ExecuteError::Contention)
    }
}

#[async_trait]
impl Intent for WorkspaceRequest {
    fn entity(&self) -> EntityId {
        EntityId::WORKSPACE
    }

    async fn admit(&self, _reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        Ok(())
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&EntityId::WORKSPACE)?;
        match workspace::decide(&workspace_of(&base), self.asked.caller.role, &self.command)? {
            Decision::AlreadySo => Ok(Plan::AlreadySo),
            Decision::Append(events) => {
                let events = events.into_iter().map(Event::Workspace).collect();
                Ok(Plan::Append(vec![Draft { entity: EntityId::WORKSPACE, base, events }]))
            }
        }
    }

    async fn led_to(&self, _ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        Ok(repeat::workspace(&self.command, &stored.commit))
    }
}
