//! A message to somebody by number or address: into their conversation on the channel, or into one that it opens.
//!
//! Identifiers are bound as intake binds them, so that an answer comes to the same conversation.

use std::collections::BTreeSet;

use async_trait::async_trait;
use relevo_domain::contact::{Meeting, meet};
use relevo_domain::conversation::{Medium, Place, Recipient, Rejection};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{Actor, ChannelId, EntityId, Event, Recorded, TenantId};

use super::message::{Purpose, Terms, may_send, queue, visible};
use super::ports::{ChannelFacts, SendPorts};
use super::recipient;
use super::refused::SendRefused;
use super::resolve::{Resolver, Thread};
use super::same;
use super::wish::StartRequest;
use crate::contact;
use crate::conversation::opened_of;
use crate::decision::{Entity, EntityState};
use crate::execute::{ExecuteError, Intent, Plan, Reading};
use crate::ids::IdKey;
use crate::ledger::{Draft, Ledger, LedgerError};
use crate::repeat;

/// One identifier of the recipient on the channel.
struct Name {
    kind: IdentifierKind,
    value: String,
    identity: EntityId,
}

/// Who it is, and which conversation it goes to.
pub(super) struct StartIntent<'r> {
    request: &'r StartRequest,
    ports: &'r SendPorts,
    key: &'r IdKey,
    facts: ChannelFacts,
    to: Recipient,
    names: Vec<Name>,
    conversation: EntityId,
    contact: EntityId,
}

impl<'r> StartIntent<'r> {
    /// Finds out whom the recipient's identifiers belong to, as this node knows it.
    pub(super) async fn find(
        ledger: &Ledger,
        request: &'r StartRequest,
        ports: &'r SendPorts,
        key: &'r IdKey,
    ) -> Result<Self, ExecuteError> {
        may_send(&request.asked)?;
        let tenant = &request.asked.caller.tenant;
        let granted = request.asked.caller.sees(&request.channel, None, None);
        let facts = ports.policy.channel(tenant, &request.channel).filter(|_| granted);
        let facts = facts.ok_or(SendRefused::ChannelNotFound)?;
        let to = recipient::written(facts.medium, &request.recipient).ok_or(SendRefused::Recipient)?;
        let names = names(key, &request.channel, &to);
        let mut bound = known(ledger, tenant, &names)?;
        // What a customer talks a machine into must not reach just anybody; a template says what the business has written.
        if bound.is_none() && facts.medium == Medium::Email && matches!(request.asked.caller.actor(), Actor::Bot(_)) {
            // They may have become known a moment ago.
            ledger.catch_up().await?;
            bound = known(ledger, tenant, &names)?;
            if bound.is_none() {
                return Err(Rejection::Forbidden { role: request.asked.caller.role }.into());
            }
        }
        let fresh = match facts.medium {
            Medium::Email => key.conversation_of_command(&request.asked.command_id),
            Medium::WhatsApp | Medium::Sms => key.conversation(&request.channel, to.kind, &to.value),
        };
        let contact = bound.map_or_else(|| key.contact(to.kind, &to.value), |(contact, _)| contact);
        let conversation = bound.and_then(|(_, conversation)| conversation).unwrap_or(fresh);
        Ok(Self { request, ports, key, facts, to, names, conversation, contact })
    }

    fn resolver(&self) -> Resolver<'_> {
        let StartRequest { asked, author_name, .. } = self.request;
        Resolver { ports: self.ports, key: self.key, asked, author_name: author_name.as_deref() }
    }

    /// The bindings to make; `Contention` if the recipient turned out to be somebody else's in the meantime.
    fn bindings(&self, reading: &mut Reading<'_>) -> Result<Vec<Draft>, ExecuteError> {
        let conversation = match self.facts.medium {
            Medium::Email => None,
            Medium::WhatsApp | Medium::Sms => Some(self.conversation),
        };
        let mut drafts = Vec::new();
        for name in &self.names {
            let base = reading.entity(&name.identity)?;
            match binding(&base) {
                None => {
                    let bound = IdentityEvent::Bound {
                        kind: name.kind,
                        channel: self.request.channel.clone(),
                        contact: self.contact,
                        conversation,
                    };
                    drafts.push(Draft { entity: name.identity, base, events: vec![Event::Identity(bound)] });
                }
                // Two spellings of a number can be two people's, each with a conversation: the first one counts.
                Some((contact, of))
                    if name.value == self.to.value && (contact != self.contact || of != conversation) =>
                {
                    return Err(ExecuteError::Contention);
                }
                Some(_) => {}
            }
        }
        Ok(drafts)
    }

    /// What is learnt of the contact.
    fn meeting(&self, reading: &mut Reading<'_>) -> Result<Option<Draft>, ExecuteError> {
        let base = reading.entity(&self.contact)?;
        let Some(state) = contact::state_of(&base) else { return Ok(None) };
        let meeting = Meeting {
            channel: self.request.channel.clone(),
            // What a colleague calls them does not replace what they call themselves.
            name: self.request.name.clone().filter(|_| state.name.is_none()),
            identifiers: vec![(self.to.kind, self.to.value.clone())],
            same_as: Vec::new(),
        };
        let events: Vec<Event> = meet(state, &meeting).into_iter().map(Event::Contact).collect();
        Ok((!events.is_empty()).then_some(Draft { entity: self.contact, base, events }))
    }

    async fn place(&self, reading: &mut Reading<'_>) -> Result<Place, ExecuteError> {
        let (ledger, tenant) = (reading.ledger(), reading.tenant());
        if ledger.load(tenant, &self.contact)?.sequence > 0 {
            // A pause, or a merge with somebody paused, that was answered before this was asked for holds, whichever node wrote it.
            ledger.catch_up().await?;
        }
        let base = reading.entity(&self.contact)?;
        let paused = contact_paused(reading.ledger(), reading.tenant(), &self.request.channel, &self.contact, &base)?;
        Ok(Place {
            channel: self.request.channel.clone(),
            medium: self.facts.medium,
            contact: self.contact,
            contact_paused: paused,
        })
    }
}

#[async_trait]
impl Intent for StartIntent<'_> {
    fn entity(&self) -> EntityId {
        self.conversation
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        visible(reading, &self.request.asked, &self.conversation)
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&self.conversation)?;
        let opened = opened_of(&base).cloned();
        let mut drafts = self.bindings(reading)?;
        let (to, place) = match &opened {
            // They write from where they write: that is where an answer goes.
            Some(opened) => {
                let address = opened.reply_address.as_deref();
                (address.map_or_else(|| self.to.clone(), |address| recipient::received(opened.medium, address)), None)
            }
            None => (self.to.clone(), Some(self.place(reading).await?)),
        };
        drafts.extend(self.meeting(reading)?);
        let resolver = self.resolver();
        let thread = Thread {
            conversation: self.conversation,
            contact: self.contact,
            channel: &self.request.channel,
            facts: self.facts.clone(),
            to: Some(to),
            answers: None,
            begins: true,
        };
        let outgoing = resolver.outgoing(reading, &thread, &self.request.message).await?;
        let channel = resolver.channel(reading, &self.request.channel)?;
        let purpose = Purpose::Message { pause: self.request.pause.as_ref(), turn: None };
        let detection = reading.ledger().detection(reading.tenant())?;
        let terms = Terms { place, last_seen_version: None, force: false, purpose, channel: &channel, detection };
        let about = (&self.request.channel, outgoing);
        match queue(self.ports, &self.request.asked, base, self.conversation, about, terms)? {
            Plan::Append(queued) => {
                drafts.extend(queued);
                Ok(Plan::Append(drafts))
            }
            Plan::AlreadySo => Ok(Plan::AlreadySo),
        }
    }

    async fn led_to(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let id = self.key.outgoing(&self.conversation, &self.request.asked.command_id);
        // A number finds its own conversation; a mail's stands under the command alone, whoever it goes to.
        let recipient = match self.facts.medium {
            Medium::Email => same::goes_to(stored, id, &self.to),
            Medium::WhatsApp | Medium::Sms => true,
        };
        let paused = repeat::paused_beside(self.request.pause.as_ref(), self.request.asked.now, &stored.commit);
        Ok(recipient && paused && same::stored(&self.resolver(), ledger, &self.request.message, id, stored).await?)
    }
}

/// Every name under which the recipient may write on the channel: numbers come as WhatsApp's id or as a number with a plus.
fn names(key: &IdKey, channel: &ChannelId, to: &Recipient) -> Vec<Name> {
    let name = |kind, value: String| {
        let identity = key.identity(channel, kind, &value);
        Name { kind, value, identity }
    };
    match to.kind {
        IdentifierKind::WaId | IdentifierKind::Phone => {
            let both = |digits: String| {
                let plus = format!("+{digits}");
                [name(IdentifierKind::WaId, digits), name(IdentifierKind::Phone, plus)]
            };
            recipient::spellings(&to.value).into_iter().flat_map(both).collect()
        }
        IdentifierKind::Bsuid | IdentifierKind::Email | IdentifierKind::Username | IdentifierKind::ParentBsuid => {
            vec![name(to.kind, to.value.clone())]
        }
    }
}

/// Whom the first known of these names belongs to, as this node knows it.
fn known(
    ledger: &Ledger,
    tenant: &TenantId,
    names: &[Name],
) -> Result<Option<(EntityId, Option<EntityId>)>, LedgerError> {
    for name in names {
        if let Some(bound) = binding(&ledger.load(tenant, &name.identity)?) {
            return Ok(Some(bound));
        }
    }
    Ok(None)
}

const fn binding(entity: &Entity) -> Option<(EntityId, Option<EntityId>)> {
    match &entity.state {
        EntityState::Identity(Some(IdentityEvent::Bound { contact, conversation, .. })) => {
            Some((*contact, *conversation))
        }
        EntityState::Identity(None)
        | EntityState::Conversation(_)
        | EntityState::Contact(_)
        | EntityState::Channel(_)
        | EntityState::Workspace(_)
        | EntityState::Bulk(_) => None,
    }
}

/// Whether the contact, or somebody known to be the same person, has a paused conversation on the channel.
fn contact_paused(
    ledger: &Ledger,
    tenant: &TenantId,
    channel: &ChannelId,
    contact: &EntityId,
    base: &Entity,
) -> Result<bool, LedgerError> {
    let mut contacts = BTreeSet::from([*contact]);
    if let Some(state) = contact::state_of(base) {
        contacts.extend(&state.merged);
    }
    for contact in contacts {
        if ledger.paused_on(tenant, &contact, channel, None)? {
            return Ok(true);
        }
    }
    Ok(false)
}
