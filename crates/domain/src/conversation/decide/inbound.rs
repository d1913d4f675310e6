//! What customers, the phone app and providers did. These are facts: they are never refused, only stored.

use std::time::Duration;

use super::{Decided, Decision, Events, automatic_pause, existing};
use crate::conversation::command::{Envelope, Place};
use crate::conversation::event::{
    ConversationEvent, DeliveryReport, EpisodeCause, Medium, OpenCause, PauseReason, ReactionPersonal, ReopenCause,
};
use crate::conversation::message::{Content, Message};
use crate::conversation::state::{Bot, Opened, State, Status};
use crate::id::MessageId;

/// A customer who writes again within this time continues the resolved episode; later a new one begins. Mail is exempt:
/// there the thread decides.
pub const REOPEN_WITHIN: Duration = Duration::from_hours(72);

pub(super) fn receive_message(state: &State, envelope: &Envelope, place: &Place, message: &Message) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    if let Some(opened) = &state.opened
        && message.is_a_persons_words()
    {
        events.extend(reopening(opened, envelope, place.medium));
    }
    events.push(ConversationEvent::MessageReceived(Box::new(message.clone())));
    events
}

pub(super) fn record_echo(state: &State, place: &Place, message: &Message) -> Events {
    let mut events = opening(state, place, EpisodeCause::BusinessMessage);
    events.push(ConversationEvent::MessageEchoed(Box::new(message.clone())));
    // A person answered from the phone: the bot must not talk over them. A new conversation may already start paused.
    let paused = events.iter().any(|event| matches!(event, ConversationEvent::BotPaused { .. }))
        || state.opened.as_ref().is_some_and(|opened| matches!(opened.bot, Bot::Paused { .. }));
    if !paused {
        events.push(automatic_pause(PauseReason::Echo));
    }
    events
}

pub(super) fn record_edit(
    state: &State,
    place: &Place,
    message: MessageId,
    content: &Content,
    by_customer: bool,
) -> Events {
    let cause = if by_customer { EpisodeCause::CustomerMessage } else { EpisodeCause::BusinessMessage };
    let mut events = opening(state, place, cause);
    events.push(ConversationEvent::MessageEdited { message, content: Box::new(content.clone()) });
    events
}

pub(super) fn record_revoke(state: &State, place: &Place, message: MessageId) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::MessageRevoked { message });
    events
}

pub(super) fn record_reaction(state: &State, place: &Place, message: MessageId, personal: &ReactionPersonal) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::ReactionChanged { message, personal: personal.clone() });
    events
}

pub(super) fn record_delivery_report(state: &State, report: &DeliveryReport) -> Decided {
    existing(state)?;
    Ok(Decision::Append(vec![ConversationEvent::DeliveryReported(report.clone())]))
}

/// The events that bring a conversation into being; for one that exists at most the pause of a contact that it was just
/// linked to.
fn opening(state: &State, place: &Place, cause: EpisodeCause) -> Vec<ConversationEvent> {
    if let Some(opened) = &state.opened {
        let pauses = place.contact_paused && opened.bot == Bot::Active;
        return if pauses { vec![automatic_pause(PauseReason::Linked)] } else { Vec::new() };
    }
    let mut events = vec![
        ConversationEvent::Opened { channel: place.channel.clone(), medium: place.medium, contact: place.contact },
        ConversationEvent::EpisodeStarted { episode: 1, cause },
    ];
    if place.contact_paused {
        events.push(automatic_pause(PauseReason::Linked));
    }
    events
}

/// What a customer's message does to a conversation that is not open.
fn reopening(opened: &Opened, envelope: &Envelope, medium: Medium) -> Option<ConversationEvent> {
    let at = match opened.status {
        Status::Open => return None,
        Status::Pending | Status::Snoozed { .. } => {
            return Some(ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage });
        }
        Status::Resolved { at } => at,
    };
    let continues = medium == Medium::Email || envelope.now.since(at) <= REOPEN_WITHIN;
    Some(if continues {
        ConversationEvent::Reopened { episode: opened.episode, cause: ReopenCause::CustomerMessage }
    } else {
        ConversationEvent::EpisodeStarted { episode: opened.episode + 1, cause: EpisodeCause::CustomerMessage }
    })
}
