//! What customers, the phone app and providers did. These are facts: they are never refused, only stored.

use std::time::Duration;

use super::{Decided, Decision, Events, automatic_pause, bot, existing, watch};
use crate::conversation::command::{Envelope, Place};
use crate::conversation::event::{
    AcceptedPersonal, ConversationEvent, DeliveryReport, DeliveryStatus, EpisodeCause, Medium, NotePersonal, OpenCause,
    PauseReason, RESOLVED_AS_IMPORTED, ReactionPersonal, ReopenCause,
};
use crate::conversation::message::{Content, Message};
use crate::conversation::outgoing::{FetchOutcome, Pending, Stage};
use crate::conversation::state::{Opened, State, Status};
use crate::detection::Policy;
use crate::id::MessageId;

/// A customer who writes again within this time continues the resolved episode; later a new one begins. Mail is exempt:
/// there the thread decides.
pub const REOPEN_WITHIN: Duration = Duration::from_hours(72);

pub(super) fn receive_message(
    state: &State,
    envelope: &Envelope,
    place: &Place,
    message: &Message,
    detection: Option<&Policy>,
) -> Events {
    if state.opened.is_none() && message.flags.imported {
        return as_history(state, envelope, place, ConversationEvent::MessageReceived(Box::new(message.clone())));
    }
    let mut events = opening(state, envelope, place, EpisodeCause::CustomerMessage);
    if let Some(opened) = &state.opened
        && message.is_a_persons_words()
    {
        events.extend(reopening(opened, envelope, place.medium));
    }
    let noticed = detection.map_or_else(Vec::new, |policy| watch::received(policy, state, envelope, &events, message));
    events.push(ConversationEvent::MessageReceived(Box::new(message.clone())));
    events.extend(noticed);
    events
}

pub(super) fn record_echo(state: &State, envelope: &Envelope, place: &Place, message: &Message) -> Events {
    let echoed = ConversationEvent::MessageEchoed(Box::new(message.clone()));
    if message.flags.imported {
        // Said before Relevo listened: nobody is talking now.
        return if state.opened.is_none() { as_history(state, envelope, place, echoed) } else { vec![echoed] };
    }
    let mut events = opening(state, envelope, place, EpisodeCause::BusinessMessage);
    events.push(echoed);
    // A person answered from the phone: the bot must not talk over them. A new conversation may already start paused.
    let is_paused = events.iter().any(|event| matches!(event, ConversationEvent::BotPaused { .. }))
        || state.opened.as_ref().is_some_and(|opened| opened.stays_paused(envelope.now));
    if !is_paused {
        match &state.opened {
            Some(opened) => events.extend(bot::silencing(opened, envelope.now, automatic_pause(PauseReason::Echo))),
            None => events.push(automatic_pause(PauseReason::Echo)),
        }
    }
    events
}

/// A conversation that history brings into being: there to be read, and nobody's work.
fn as_history(state: &State, envelope: &Envelope, place: &Place, said: ConversationEvent) -> Events {
    let mut events = opening(state, envelope, place, EpisodeCause::Imported);
    events.push(said);
    let reason = Some(RESOLVED_AS_IMPORTED.to_owned());
    events.push(ConversationEvent::Resolved { episode: 1, reason, personal: NotePersonal::default() });
    events
}

pub(super) fn record_edit(
    state: &State,
    envelope: &Envelope,
    place: &Place,
    message: MessageId,
    content: &Content,
    by_customer: bool,
) -> Events {
    let cause = if by_customer { EpisodeCause::CustomerMessage } else { EpisodeCause::BusinessMessage };
    let mut events = opening(state, envelope, place, cause);
    events.push(ConversationEvent::MessageEdited { message, content: Box::new(content.clone()) });
    events
}

pub(super) fn record_revoke(state: &State, envelope: &Envelope, place: &Place, message: MessageId) -> Events {
    let mut events = opening(state, envelope, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::MessageRevoked { message });
    events
}

pub(super) fn record_reaction(
    state: &State,
    envelope: &Envelope,
    place: &Place,
    message: MessageId,
    personal: &ReactionPersonal,
) -> Events {
    let mut events = opening(state, envelope, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::ReactionChanged { message, personal: personal.clone() });
    events
}

/// A report about a message whose sender never heard the provider's answer is that answer, unless it says that the message
/// failed.
pub(super) fn record_delivery_report(state: &State, report: &DeliveryReport, alias: MessageId) -> Decided {
    let opened = existing(state)?;
    let mut events = Vec::new();
    // Also one that failed and waits for another turn: the provider had taken it after all, and it must not go out again. While another
    // attempt is being made the report may be about the one before: the claim stands until its own outcome is known, else a pause
    // would not know what is on its way.
    let may_be_of_before = |pending: &Pending| pending.attempts > 1 && matches!(pending.stage, Stage::Claimed { .. });
    if let Some(pending) =
        opened.pending(report.message).filter(|pending| pending.attempts > 0 && !may_be_of_before(pending))
        && report.status.rank().is_some()
        && report.status != DeliveryStatus::Failed
    {
        let personal = AcceptedPersonal { provider_id: report.personal.provider_id.clone() };
        events.push(ConversationEvent::MessageAccepted {
            message: pending.id,
            attempt: pending.attempts,
            alias,
            personal,
        });
    }
    events.push(ConversationEvent::DeliveryReported(report.clone()));
    Ok(Decision::Append(events))
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn record_medium(
    _opened: &Opened,
    message: MessageId,
    index: u32,
    medium: Option<u64>,
    outcome: &FetchOutcome,
) -> Decided {
    Ok(Decision::Append(vec![ConversationEvent::MediumFetched { message, index, medium, outcome: outcome.clone() }]))
}

/// The events that bring a conversation into being; for one that exists at most the pause of a contact that it was just
/// linked to.
pub(super) fn opening(
    state: &State,
    envelope: &Envelope,
    place: &Place,
    cause: EpisodeCause,
) -> Vec<ConversationEvent> {
    if let Some(opened) = &state.opened {
        let linked = || bot::silencing(opened, envelope.now, automatic_pause(PauseReason::Linked));
        return if place.contact_paused { linked() } else { Vec::new() };
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
