//! Commands to contacts: which customer somebody is, and which contacts are one person.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::contact::{self, Command, Decision, Rejection};
use relevo_domain::conversation::{self, Bot, Envelope, Opened};
use relevo_domain::{Actor, Caller, ChannelId, EntityId, Event, MessageId, Recorded, Scope, TenantId};

use crate::conversation::{opened_of, sees};
use crate::decision::{Entity, EntityState};
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Draft, Ledger, LedgerError};
use crate::repeat;

/// The most conversations that one merge may pause: it is one step, and more threads of one person on one channel are no
/// person's.
pub const LINKED_PAUSES_MAX: usize = 128;

/// A command of a client to a contact.
#[derive(Clone, Debug)]
pub struct ContactRequest {
    pub asked: Asked,
    pub contact: EntityId,
    pub command: Command,
}

/// A contact as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactNow {
    pub contact: contact::State,
    /// The conversations that this command paused.
    pub paused: Vec<EntityId>,
}

/// Executes clients' commands to contacts.
#[derive(Clone)]
pub struct Contacts {
    ledger: Arc<Ledger>,
}

impl Contacts {
    pub const fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }

    pub async fn execute(&self, request: &ContactRequest) -> Result<Answer<ContactNow>, ExecuteError> {
        let answer = execute::execute(&self.ledger, &request.asked, request).await?;
        let paused = if answer.already_so { Vec::new() } else { self.paused_by(request).await? };
        Ok(answer.map(|entity| ContactNow { contact: state_of(&entity).cloned().unwrap_or_default(), paused }))
    }

    /// The conversations that this merge paused, now or when it was first applied.
    async fn paused_by(&self, request: &ContactRequest) -> Result<Vec<EntityId>, LedgerError> {
        let Command::Merge { other } = &request.command else { return Ok(Vec::new()) };
        let tenant = &request.asked.caller.tenant;
        let mut paused = Vec::new();
        let both = [request.contact, *other];
        for conversation in conversations(&self.ledger, tenant, &persons(&self.ledger, tenant, &both)?)? {
            let Some(applied) = self.ledger.command(tenant, &request.asked.command_id, &conversation)? else {
                continue;
            };
            let stored = self.ledger.recorded(relevo_domain::Position::new(applied.sequence)).await?;
            if stored.is_some_and(|stored| repeat::linked_pause(&stored.commit)) {
                paused.push(conversation);
            }
        }
        Ok(paused)
    }
}

#[async_trait]
impl Intent for ContactRequest {
    fn entity(&self) -> EntityId {
        self.contact
    }

    fn elsewhere(&self) -> Option<EntityId> {
        match &self.command {
            // What is undone stands on whichever of the two has it.
            Command::Unmerge { other } => Some(*other),
            Command::LinkCustomer { .. } | Command::UnlinkCustomer | Command::Merge { .. } => None,
        }
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        let other = match &self.command {
            Command::Merge { other } | Command::Unmerge { other } => Some(*other),
            Command::LinkCustomer { .. } | Command::UnlinkCustomer => None,
        };
        for contact in std::iter::once(self.contact).chain(other) {
            let exists = state_of(&reading.entity(&contact)?).is_some_and(|state| state.exists);
            if !exists || !visible(reading.ledger(), &self.asked.caller, &contact).await? {
                return Err(Rejection::NotFound.into());
            }
        }
        Ok(())
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let decided = self.decide_on(reading, &self.contact, &self.command)?;
        match &self.command {
            Command::LinkCustomer { .. } | Command::UnlinkCustomer => Ok(plan(decided.into_iter().collect())),
            Command::Merge { other } => {
                let mirrored =
                    state_of(&reading.entity(other)?).is_some_and(|state| state.merged.contains(&self.contact));
                match decided {
                    Some(merged) if !mirrored => {
                        let mut drafts = linked_pauses(reading, &self.asked, [&self.contact, other]).await?;
                        drafts.push(merged);
                        Ok(Plan::Append(drafts))
                    }
                    Some(_) | None => Ok(Plan::AlreadySo),
                }
            }
            Command::Unmerge { other } => {
                let theirs = self.decide_on(reading, other, &Command::Unmerge { other: self.contact })?;
                Ok(plan(theirs.into_iter().chain(decided).collect()))
            }
        }
    }

    async fn led_to(&self, _ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        Ok(repeat::contact(self.contact, &self.command, &stored.commit))
    }
}

impl ContactRequest {
    /// The draft that a command leads to on one contact; `None` if it is already so.
    fn decide_on(
        &self,
        reading: &mut Reading<'_>,
        contact: &EntityId,
        command: &Command,
    ) -> Result<Option<Draft>, ExecuteError> {
        let base = reading.entity(contact)?;
        let absent = contact::State::default();
        let state = state_of(&base).unwrap_or(&absent);
        match contact::decide(state, *contact, self.asked.caller.role, command)? {
            Decision::AlreadySo => Ok(None),
            Decision::Append(events) => {
                let events = events.into_iter().map(Event::Contact).collect();
                Ok(Some(Draft { entity: *contact, base, events }))
            }
        }
    }
}

fn plan(drafts: Vec<Draft>) -> Plan {
    if drafts.is_empty() { Plan::AlreadySo } else { Plan::Append(drafts) }
}

/// Whether the caller sees at least one of the contact's conversations; those who work on the whole tenant see all contacts.
async fn visible(ledger: &Ledger, caller: &Caller, contact: &EntityId) -> Result<bool, LedgerError> {
    if caller.scope == Scope::Tenant {
        return Ok(true);
    }
    if sees_one(ledger, caller, contact)? {
        return Ok(true);
    }
    // Another node may have opened or assigned one a moment ago.
    ledger.catch_up().await?;
    sees_one(ledger, caller, contact)
}

fn sees_one(ledger: &Ledger, caller: &Caller, contact: &EntityId) -> Result<bool, LedgerError> {
    for conversation in ledger.conversations_of(&caller.tenant, contact)? {
        if opened_of(&ledger.load(&caller.tenant, &conversation)?).is_some_and(|opened| sees(caller, opened)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The pauses that make one person of two: where one side has a paused conversation, the other side's active ones on that channel
/// pause. A side is a contact and those that it was merged with before.
async fn linked_pauses(reading: &Reading<'_>, asked: &Asked, both: [&EntityId; 2]) -> Result<Vec<Draft>, ExecuteError> {
    let (ledger, tenant) = (reading.ledger(), reading.tenant());
    // A pause that was answered before this merge was asked for holds, whichever node wrote it.
    ledger.catch_up().await?;
    let side = |contact: &EntityId| -> Result<Vec<(EntityId, Entity)>, LedgerError> {
        let conversations = conversations(ledger, tenant, &persons(ledger, tenant, &[*contact])?)?;
        conversations.into_iter().map(|id| Ok((id, ledger.load(tenant, &id)?))).collect()
    };
    let sides = [side(both[0])?, side(both[1])?];
    let mut drafts: Vec<Draft> = Vec::new();
    for (mine, theirs) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        let paused: BTreeSet<&ChannelId> = mine
            .iter()
            .filter_map(|(_, entity)| opened_of(entity))
            .filter(|opened| is_paused(opened))
            .map(|opened| &opened.channel)
            .collect();
        for (id, base) in theirs {
            let linked = opened_of(base).is_some_and(|opened| paused.contains(&opened.channel));
            if linked && !drafts.iter().any(|draft| draft.entity == *id) {
                drafts.extend(linked_pause(asked, *id, base)?);
            }
        }
    }
    if drafts.len() > LINKED_PAUSES_MAX {
        return Err(Rejection::Limit { what: "linked_conversations", limit: LINKED_PAUSES_MAX }.into());
    }
    Ok(drafts)
}

/// The draft that pauses a conversation of a paused person, if it is not paused.
fn linked_pause(asked: &Asked, id: EntityId, base: &Entity) -> Result<Option<Draft>, ExecuteError> {
    let EntityState::Conversation(state) = &base.state else { return Ok(None) };
    let envelope = Envelope { actor: Actor::System, role: None, now: asked.now, new_message: MessageId::new([0; 16]) };
    match conversation::decide(state, &envelope, &conversation::Command::PauseLinked)? {
        conversation::Decision::AlreadySo => Ok(None),
        conversation::Decision::Append(events) => {
            let events = events.into_iter().map(Event::Conversation).collect();
            Ok(Some(Draft { entity: id, base: base.clone(), events }))
        }
    }
}

const fn is_paused(opened: &Opened) -> bool {
    matches!(opened.bot, Bot::Paused { .. })
}

/// These contacts and those that they were merged with.
fn persons(ledger: &Ledger, tenant: &TenantId, contacts: &[EntityId]) -> Result<BTreeSet<EntityId>, LedgerError> {
    let mut persons: BTreeSet<EntityId> = contacts.iter().copied().collect();
    for contact in contacts {
        if let Some(state) = state_of(&ledger.load(tenant, contact)?) {
            persons.extend(&state.merged);
        }
    }
    Ok(persons)
}

fn conversations(
    ledger: &Ledger,
    tenant: &TenantId,
    contacts: &BTreeSet<EntityId>,
) -> Result<BTreeSet<EntityId>, LedgerError> {
    let mut conversations = BTreeSet::new();
    for contact in contacts {
        conversations.extend(ledger.conversations_of(tenant, contact)?);
    }
    Ok(conversations)
}

const fn state_of(entity: &Entity) -> Option<&contact::State> {
    match &entity.state {
        EntityState::Contact(state) => Some(state),
        EntityState::Conversation(_) | EntityState::Identity(_) | EntityState::Channel | EntityState::Workspace(_) => {
            None
        }
    }
}
