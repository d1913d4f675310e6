//! Commands to channels: whether they send, and which templates their provider has.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::channel::{self, Command, Decision, State};
use relevo_domain::template::Template;
use relevo_domain::{Actor, ChannelId, CommandId, EntityId, Event, Recorded, TenantId, Timestamp};

use crate::decision::{Entity, EntityState};
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading, Refused};
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};
use crate::repeat;
use crate::send::{Keys, SendPorts, SendRefused};

/// Templates that one commit changes: a commit stays well below the log's limit, whatever they say.
const EVENTS_A_COMMIT: usize = 50;
/// How often a synchronisation goes on: all templates of a channel, and others who write to it.
const ROUNDS_MAX: usize = 256;

/// A command of a client to a channel.
#[derive(Clone, Debug)]
pub struct ChannelRequest {
    pub asked: Asked,
    pub channel: ChannelId,
    pub command: Command,
}

/// Executes commands to channels.
#[derive(Clone)]
pub struct Channels {
    ledger: Arc<Ledger>,
    ports: SendPorts,
}

impl Channels {
    pub const fn new(ledger: Arc<Ledger>, ports: SendPorts) -> Self {
        Self { ledger, ports }
    }

    pub async fn execute(&self, request: &ChannelRequest) -> Result<Answer<State>, ExecuteError> {
        let tenant = &request.asked.caller.tenant;
        let intent = ChannelIntent { request, entity: key(&self.ports.keys, tenant)?.channel(&request.channel) };
        let granted = request.asked.caller.sees(&request.channel, None, None);
        if !granted || self.ports.policy.channel(tenant, &request.channel).is_none() {
            return Err(Refused::Send(SendRefused::ChannelNotFound).into());
        }
        let answer = execute::execute(&self.ledger, &request.asked, &intent).await?;
        Ok(answer.map(|entity| channel_of(&entity)))
    }
}

struct ChannelIntent<'r> {
    request: &'r ChannelRequest,
    entity: EntityId,
}

#[async_trait]
impl Intent for ChannelIntent<'_> {
    fn entity(&self) -> EntityId {
        self.entity
    }

    async fn admit(&self, _reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        Ok(())
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&self.entity)?;
        let role = Some(self.request.asked.caller.role);
        match channel::decide(&channel_of(&base), role, &self.request.command)? {
            Decision::AlreadySo => Ok(Plan::AlreadySo),
            Decision::Append(events) => {
                let events = events.into_iter().map(Event::Channel).collect();
                Ok(Plan::Append(vec![Draft { entity: self.entity, base, events }]))
            }
        }
    }

    async fn led_to(&self, _ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        Ok(repeat::channel(&self.request.command, &stored.commit))
    }
}

/// Records the templates of channels, as their providers have them.
#[derive(Clone)]
pub struct TemplateRecords {
    ledger: Arc<Ledger>,
    keys: Keys,
}

impl TemplateRecords {
    pub const fn new(ledger: Arc<Ledger>, keys: Keys) -> Self {
        Self { ledger, keys }
    }

    /// The provider's whole list, as it is now. Answers how many templates changed; another call finishes what an error left open.
    pub async fn synchronise(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        templates: Vec<Template>,
        now: Timestamp,
    ) -> Result<usize, ExecuteError> {
        let entity = key(&self.keys, tenant)?.channel(channel);
        let command = Command::SynchroniseTemplates(templates);
        let mut changed = 0;
        for _round in 0..ROUNDS_MAX {
            let base = self.ledger.load(tenant, &entity)?;
            let Decision::Append(mut events) = channel::decide(&channel_of(&base), None, &command)? else {
                if self.ledger.confirm(tenant, &entity, &base).await? {
                    return Ok(changed);
                }
                continue;
            };
            events.truncate(EVENTS_A_COMMIT);
            let written = events.len();
            let events = events.into_iter().map(Event::Channel).collect();
            match self.ledger.append(&origin(tenant, now), vec![Draft { entity, base, events }]).await? {
                Committed::Applied { .. } => changed += written,
                Committed::Conflict => {}
                Committed::Unknown => return Err(ExecuteError::Unknown),
            }
        }
        Err(ExecuteError::Contention)
    }
}

fn origin(tenant: &TenantId, now: Timestamp) -> Origin {
    Origin {
        tenant: tenant.clone(),
        // What is the same is not written again, so the id only has to be new.
        command_id: CommandId::derived(uuid::Uuid::now_v7().as_bytes()),
        actor: Actor::System,
        occurred_at: now,
        recorded_at: now,
        correlation: None,
        intake: None,
    }
}

pub(crate) fn key<'k>(keys: &'k Keys, tenant: &TenantId) -> Result<&'k IdKey, ExecuteError> {
    keys.get(tenant).ok_or_else(|| LedgerError::Store(format!("no id key for tenant {tenant}")).into())
}

pub(crate) fn channel_of(entity: &Entity) -> State {
    match &entity.state {
        EntityState::Channel(state) => state.clone(),
        EntityState::Conversation(_)
        | EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Workspace(_)
        | EntityState::Bulk(_) => State::default(),
    }
}
