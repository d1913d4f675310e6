//! A message to the customer of a conversation that exists.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::conversation::{
    self, CatchUp, Command, Decision, Envelope, Opened, Outgoing, PauseWish, Place, Rejection, Send, TurnRef,
};
use relevo_domain::detection::Policy;
use relevo_domain::template::Template;
use relevo_domain::{Actor, EntityId, Event, MessageId, Recorded, channel};

use super::ports::SendPorts;
use super::recipient;
use super::refused::{SendRefused, TEMPLATES_NAMED_MAX};
use super::resolve::{Resolver, Thread};
use super::same;
use super::wish::SendRequest;
use crate::contact;
use crate::conversation::{opened_of, sees, state_of};
use crate::decision::Entity;
use crate::execute::{Asked, ExecuteError, Intent, Plan, Reading};
use crate::ids::IdKey;
use crate::ledger::{Draft, Ledger, LedgerError};
use crate::repeat;

pub(super) struct SendIntent<'r> {
    pub(super) request: &'r SendRequest,
    pub(super) ports: &'r SendPorts,
    pub(super) key: &'r IdKey,
}

#[async_trait]
impl Intent for SendIntent<'_> {
    fn entity(&self) -> EntityId {
        self.request.conversation
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        visible(reading, &self.request.asked, &self.request.conversation)
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let request = self.request;
        may_send(&request.asked)?;
        let base = reading.entity(&request.conversation)?;
        let opened = opened_of(&base).cloned().ok_or(Rejection::NotFound)?;
        let (outgoing, channel) = self.resolved(reading, &opened).await?;
        let terms = Terms {
            place: None,
            last_seen_version: request.last_seen_version,
            force: request.force,
            purpose: Purpose::Message { pause: request.pause.as_ref(), turn: request.turn },
            channel: &channel,
            detection: reading.ledger().detection(reading.tenant())?,
        };
        queue(self.ports, &request.asked, base, request.conversation, (&opened.channel, outgoing), terms)
    }

    async fn led_to(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let (pause, now) = (self.request.pause.as_ref(), self.request.asked.now);
        Ok(repeat::paused_beside(pause, now, &stored.commit) && self.queued(ledger, stored).await?)
    }
}

impl SendIntent<'_> {
    /// The message as it will be queued, and the channel that it goes by.
    pub(super) async fn resolved(
        &self,
        reading: &mut Reading<'_>,
        opened: &Opened,
    ) -> Result<(Outgoing, channel::State), ExecuteError> {
        let resolver = self.resolver();
        let thread = self.thread(reading, opened)?;
        let outgoing = resolver.outgoing(reading, &thread, &self.request.message).await?;
        Ok((outgoing, resolver.channel(reading, &opened.channel)?))
    }

    /// Whether this commit queued the wanted message.
    pub(super) async fn queued(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let id = self.key.outgoing(&self.request.conversation, &self.request.asked.command_id);
        same::stored(&self.resolver(), ledger, &self.request.message, id, stored).await
    }

    fn resolver(&self) -> Resolver<'_> {
        let SendRequest { asked, author_name, .. } = self.request;
        Resolver { ports: self.ports, key: self.key, asked, author_name: author_name.as_deref() }
    }

    fn thread<'o>(&self, reading: &mut Reading<'_>, opened: &'o Opened) -> Result<Thread<'o>, ExecuteError> {
        let facts = self.ports.policy.channel(reading.tenant(), &opened.channel);
        let to = match &opened.reply_address {
            Some(address) => Some(recipient::received(opened.medium, address)),
            None => contact::identifier_on(&reading.entity(&opened.contact)?, &opened.channel),
        };
        Ok(Thread {
            conversation: self.request.conversation,
            contact: opened.contact,
            channel: &opened.channel,
            facts: facts.ok_or(SendRefused::ChannelNotFound)?,
            to,
            answers: opened.last_received.or_else(|| opened.last_answer.as_ref().map(|answer| answer.message)),
            begins: false,
        })
    }
}

/// Under which conditions a message is queued.
pub(super) struct Terms<'t> {
    pub(super) place: Option<Place>,
    pub(super) last_seen_version: Option<u64>,
    pub(super) force: bool,
    pub(super) purpose: Purpose<'t>,
    pub(super) channel: &'t channel::State,
    /// What the tenant wants detected.
    pub(super) detection: Arc<Policy>,
}

/// What goes with the message.
pub(super) enum Purpose<'t> {
    /// A pause before it, if one is wished; the turn that a bot says it in.
    Message { pause: Option<&'t PauseWish>, turn: Option<TurnRef> },
    /// The bot may speak again after it.
    Farewell { catch_up: CatchUp, note: Option<&'t str> },
}

/// What the rules say to a message, and then the channel.
pub(super) fn queue(
    ports: &SendPorts,
    asked: &Asked,
    base: Entity,
    conversation: EntityId,
    (on, outgoing): (&relevo_domain::ChannelId, Outgoing),
    terms: Terms<'_>,
) -> Result<Plan, ExecuteError> {
    let tenant = &asked.caller.tenant;
    let checked = ports.policy.check(tenant, on, &outgoing);
    let send = Send {
        outgoing,
        place: terms.place,
        last_seen_version: terms.last_seen_version,
        force: terms.force,
        pauses_bot: ports.policy.pauses_bot(tenant),
        pause: None,
        turn: None,
        channel_paused: terms.channel.paused,
        detection: Some(terms.detection),
    };
    let command = match terms.purpose {
        Purpose::Message { pause, turn } => {
            Command::SendMessage(Box::new(Send { pause: pause.cloned(), turn, ..send }))
        }
        Purpose::Farewell { catch_up, note } => {
            Command::ResumeBot { catch_up, note: note.map(str::to_owned), farewell: Some(Box::new(send)) }
        }
    };
    match conversation::decide(&state_of(&base), &envelope(asked), &command) {
        Ok(Decision::Append(events)) => {
            checked.map_err(SendRefused::Policy)?;
            let events = events.into_iter().map(Event::Conversation).collect();
            Ok(Plan::Append(vec![Draft { entity: conversation, base, events }]))
        }
        Ok(Decision::AlreadySo) => Ok(Plan::AlreadySo),
        Err(Rejection::WindowClosed { expired_at }) => {
            Err(SendRefused::WindowClosed { expired_at, templates: would_do(terms.channel) }.into())
        }
        Err(rejection) => Err(rejection.into()),
    }
}

/// Templates that could be sent now.
fn would_do(channel: &channel::State) -> Vec<(String, String)> {
    let usable = |template: &&Template| template.usable();
    let named = |template: &Template| (template.name.clone(), template.language.clone());
    channel.templates.values().filter(usable).map(named).take(TEMPLATES_NAMED_MAX).collect()
}

/// What the caller may not see does not exist for them.
pub(super) fn visible(reading: &mut Reading<'_>, asked: &Asked, conversation: &EntityId) -> Result<(), ExecuteError> {
    let base = reading.entity(conversation)?;
    let visible = opened_of(&base).is_none_or(|opened| sees(&asked.caller, opened));
    if visible { Ok(()) } else { Err(Rejection::NotFound.into()) }
}

/// Nothing is looked up for those who may not send at all.
pub(super) fn may_send(asked: &Asked) -> Result<(), Rejection> {
    let role = asked.caller.role;
    let may = role.is_staff() || matches!(asked.caller.actor(), Actor::Bot(_));
    if may { Ok(()) } else { Err(Rejection::Forbidden { role }) }
}

pub(super) fn envelope(asked: &Asked) -> Envelope {
    Envelope {
        actor: asked.caller.actor(),
        role: Some(asked.caller.role),
        now: asked.now,
        new_message: MessageId::new([0; 16]),
    }
}
