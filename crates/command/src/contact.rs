//! Commands to contacts: which customer somebody is, and which contacts are one person.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::contact::{self, Command, Decision, Rejection};
use relevo_domain::conversation::{self, Envelope, Recipient};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{
    Actor, Caller, ChannelId, EntityId, EntityKind, Event, MessageId, Recorded, Scope, TenantId, Timestamp,
};

use crate::conversation::{opened_of, sees};
use crate::decision::{Entity, EntityState};
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Draft, Ledger, LedgerError, aside};
use crate::repeat;

/// The most conversations that one merge may pause: it is one step, and more threads of one person on one channel are no
/// person's.
pub const LINKED_PAUSES_MAX: usize = 128;
/// The most conversations among which a merge looks for those to pause. They are read one by one, so this is also the time that
/// it takes: well below a second.
pub const LINKED_CONVERSATIONS_MAX: usize = 4_096;

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
        let paused = answer.completed(&request.asked, self.paused_by(request, &answer))?;
        Ok(answer.map(|entity| ContactNow { contact: state_of(&entity).cloned().unwrap_or_default(), paused }))
    }

    /// The conversations that this merge paused, now or when it was first applied.
    fn paused_by(&self, request: &ContactRequest, answer: &Answer<Entity>) -> Result<Vec<EntityId>, LedgerError> {
        let is_conversation = |entity: &EntityId| entity.kind() == EntityKind::Conversation;
        if !answer.repeated {
            return Ok(answer.wrote.iter().copied().filter(is_conversation).collect());
        }
        // What one step wrote stands side by side in the log: the conversations, then the contacts. The same id may have been
        // used elsewhere, also right before.
        let asked = &request.asked;
        let mut applied = self.ledger.commands(&asked.caller.tenant, &asked.command_id)?;
        applied.retain(|applied| applied.sequence <= answer.position.sequence());
        applied.sort_by_key(|applied| std::cmp::Reverse(applied.sequence));
        let step = (0..=answer.position.sequence()).rev().zip(applied);
        let step = step.take_while(|(sequence, applied)| applied.sequence == *sequence);
        let written = step.map(|(_, applied)| applied.entity);
        Ok(written.skip_while(|entity| !is_conversation(entity)).take_while(is_conversation).collect())
    }
}

#[async_trait]
impl Intent for ContactRequest {
    fn entity(&self) -> EntityId {
        self.contact
    }

    fn elsewhere(&self) -> Option<EntityId> {
        match &self.command {
            // A merge that only one of the two had is completed, or undone, on that one alone.
            Command::Merge { other } | Command::Unmerge { other } => Some(*other),
            Command::LinkCustomer { .. } | Command::UnlinkCustomer => None,
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
                // Each contact names the other, so that either leads to both.
                let theirs = self.decide_on(reading, other, &Command::Merge { other: self.contact })?;
                if decided.is_none() && theirs.is_none() {
                    return Ok(Plan::AlreadySo);
                }
                let mut drafts = linked_pauses(reading, &self.asked, [self.contact, *other]).await?;
                drafts.extend(theirs.into_iter().chain(decided));
                Ok(Plan::Append(drafts))
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
async fn visible(ledger: &Arc<Ledger>, caller: &Caller, contact: &EntityId) -> Result<bool, LedgerError> {
    if caller.scope == Scope::Tenant {
        return Ok(true);
    }
    if sees_one(ledger, caller, contact).await? {
        return Ok(true);
    }
    // Another node may have opened or assigned one a moment ago.
    ledger.catch_up().await?;
    sees_one(ledger, caller, contact).await
}

async fn sees_one(ledger: &Arc<Ledger>, caller: &Caller, contact: &EntityId) -> Result<bool, LedgerError> {
    let (ledger, caller, contact) = (Arc::clone(ledger), caller.clone(), *contact);
    aside(move || {
        let mut seen = false;
        ledger.each_conversation_of(&caller.tenant, &contact, &mut |conversation| {
            let conversation = ledger.load(&caller.tenant, &conversation)?;
            seen = opened_of(&conversation).is_some_and(|opened| sees(&caller, opened));
            Ok(if seen { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(seen)
    })
    .await
}

/// The pauses that make one person of two: where one side has a paused conversation, the other side's active ones on that channel
/// pause. A side is a contact and those that it was merged with before.
async fn linked_pauses(reading: &Reading<'_>, asked: &Asked, both: [EntityId; 2]) -> Result<Vec<Draft>, ExecuteError> {
    // A pause that was answered before this merge was asked for holds, whichever node wrote it.
    reading.ledger().catch_up().await?;
    let (ledger, tenant, now) = (Arc::clone(reading.ledger()), reading.tenant().clone(), asked.now);
    aside(move || {
        let people = Linking { ledger: &ledger, tenant: &tenant };
        let sides = [people.side(&both[0])?, people.side(&both[1])?];
        let mut active = BTreeMap::new();
        let mut looked = 0;
        people.active(&sides[0].contacts, &sides[1].paused, &mut looked, &mut active)?;
        people.active(&sides[1].contacts, &sides[0].paused, &mut looked, &mut active)?;
        let drafts = active.into_iter().map(|(id, base)| linked_pause(now, id, base));
        drafts.filter_map(Result::transpose).collect()
    })
    .await
}

/// Looks for the conversations that a merge pauses.
struct Linking<'l> {
    ledger: &'l Ledger,
    tenant: &'l TenantId,
}

/// A contact and those that it was merged with before.
struct Side {
    contacts: BTreeSet<EntityId>,
    /// Channels on which one of them has a paused conversation.
    paused: BTreeSet<ChannelId>,
}

impl Linking<'_> {
    fn side(&self, contact: &EntityId) -> Result<Side, LedgerError> {
        let mut contacts = BTreeSet::from([*contact]);
        if let Some(state) = state_of(&self.ledger.load(self.tenant, contact)?) {
            contacts.extend(&state.merged);
        }
        let mut paused = BTreeSet::new();
        for contact in &contacts {
            paused.extend(self.ledger.paused_channels(self.tenant, contact)?);
        }
        Ok(Side { contacts, paused })
    }

    /// Collects the active conversations of these contacts on these channels.
    fn active(
        &self,
        contacts: &BTreeSet<EntityId>,
        channels: &BTreeSet<ChannelId>,
        looked: &mut usize,
        active: &mut BTreeMap<EntityId, Entity>,
    ) -> Result<(), ExecuteError> {
        let mut limit = None;
        for contact in contacts.iter().filter(|_| !channels.is_empty()) {
            self.ledger.each_conversation_of(self.tenant, contact, &mut |id| {
                *looked += 1;
                let base = self.ledger.load(self.tenant, &id)?;
                let on_channel = opened_of(&base).is_some_and(|opened| channels.contains(&opened.channel));
                if on_channel && base.paused().is_none() {
                    active.insert(id, base);
                }
                limit = match (*looked, active.len()) {
                    (_, paused) if paused > LINKED_PAUSES_MAX => Some(LINKED_PAUSES_MAX),
                    (looked, _) if looked > LINKED_CONVERSATIONS_MAX => Some(LINKED_CONVERSATIONS_MAX),
                    _ => None,
                };
                Ok(if limit.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if let Some(limit) = limit {
                return Err(Rejection::Limit { what: "linked_conversations", limit }.into());
            }
        }
        Ok(())
    }
}

/// The draft that pauses a conversation of a paused person, if it is not paused.
fn linked_pause(now: Timestamp, id: EntityId, base: Entity) -> Result<Option<Draft>, ExecuteError> {
    let EntityState::Conversation(state) = &base.state else { return Ok(None) };
    let envelope = Envelope { actor: Actor::System, role: None, now, new_message: MessageId::new([0; 16]) };
    match conversation::decide(state, &envelope, &conversation::Command::PauseLinked)? {
        conversation::Decision::AlreadySo => Ok(None),
        conversation::Decision::Append(events) => {
            let events = events.into_iter().map(Event::Conversation).collect();
            Ok(Some(Draft { entity: id, base, events }))
        }
    }
}

/// What a contact is called: by the business's records, else by the provider.
pub(crate) fn name_of(entity: &Entity) -> Option<String> {
    let state = state_of(entity)?;
    let customer = state.customer.as_ref().and_then(|customer| customer.name.clone());
    customer.or_else(|| state.name.clone()).filter(|name| !name.trim().is_empty())
}

/// Under what a contact can be written to on a channel, for a conversation in which they have not written: the number if one is
/// known, else WhatsApp's own id of them, else an address.
pub(crate) fn identifier_on(entity: &Entity, channel: &ChannelId) -> Option<Recipient> {
    let known = |kind: IdentifierKind| {
        let mut all = state_of(entity)?.identifiers.iter().filter(|(on, of, _)| on == channel && *of == kind);
        all.next().map(|(_, kind, value)| Recipient { kind: *kind, value: value.clone() })
    };
    [IdentifierKind::WaId, IdentifierKind::Phone, IdentifierKind::Bsuid, IdentifierKind::Email]
        .into_iter()
        .find_map(known)
}

pub(crate) const fn state_of(entity: &Entity) -> Option<&contact::State> {
    match &entity.state {
        EntityState::Contact(state) => Some(state),
        EntityState::Conversation(_)
        | EntityState::Identity(_)
        | EntityState::Channel(_)
        | EntityState::Workspace(_)
        | EntityState::Bulk(_) => None,
    }
}
