//! Sending: who may write to the customer, whose turn it is, and what became of an attempt.
//!
//! A claim is the fence between the bot and the provider: it is a commit of the conversation like the pause, so of the two
//! one comes first. Whatever was not claimed when the pause came is cancelled by it.

use super::watch::{self, Noticed};
use super::{Decided, Decision, Rejection, automatic_pause, bot, existing, inbound, staff_only, turn};
use crate::actor::Actor;
use crate::conversation::command::{Envelope, Send};
use crate::conversation::event::{AcceptedPersonal, ConversationEvent, EpisodeCause, Medium, PauseReason, ReopenCause};
use crate::conversation::message::Author;
use crate::conversation::outgoing::{CancelCause, Pending, SendFailure, Stage};
use crate::conversation::state::{Bot, Opened, State, Status};
use crate::conversation::turn::TurnEnd;
use crate::id::MessageId;
use crate::time::Timestamp;

/// Messages of one conversation that may wait to be sent: what WhatsApp lets a business send to one person at once.
pub const QUEUED_MAX: usize = 45;

pub(super) fn send_message(state: &State, envelope: &Envelope, send: &Send) -> Decided {
    let (Some(place), None) = (&send.place, &state.opened) else {
        return to_existing(existing(state)?, envelope, send);
    };
    may_write(envelope, None)?;
    if place.contact_paused && matches!(envelope.actor, Actor::Bot(_)) {
        // It would open paused, and the bot's message would never get its turn.
        return Err(Rejection::BotPaused { reason: PauseReason::Linked, by: Actor::System, since: envelope.now });
    }
    if send.channel_paused {
        return Err(Rejection::ChannelPaused);
    }
    if place.medium != Medium::Email && !send.outgoing.body.needs_no_window() {
        return Err(Rejection::WindowClosed { expired_at: None });
    }
    let mut events = inbound::opening(state, envelope, place, EpisodeCause::BusinessMessage);
    let paused = events.iter().any(|event| matches!(event, ConversationEvent::BotPaused { .. }));
    let noticed = if paused { Noticed::default() } else { watch::sent(None, envelope, send) };
    match &send.pause {
        Some(wish) if !paused => events.push(bot::wished(envelope, wish)?),
        None if !paused && !noticed.before.is_empty() => events.extend(noticed.before),
        None if !paused && pauses(envelope, send) => events.push(automatic_pause(PauseReason::HumanTakeover)),
        Some(_) | None => {}
    }
    events.push(ConversationEvent::MessageQueued(Box::new(send.outgoing.clone())));
    events.extend(noticed.after);
    Ok(Decision::Append(events))
}

fn to_existing(opened: &Opened, envelope: &Envelope, send: &Send) -> Decided {
    may_write(envelope, Some(opened))?;
    if let Some(turn) = send.turn {
        turn::running(opened, envelope, turn.number)?;
    }
    if send.channel_paused {
        return Err(Rejection::ChannelPaused);
    }
    if let (Some(seen), Some(answer), false) = (send.last_seen_version, &opened.last_answer, send.force)
        && answer.version > seen
        && answer.by != envelope.actor
    {
        return Err(Rejection::StaleView { answer: Box::new(answer.clone()) });
    }
    if opened.medium != Medium::Email && !send.outgoing.body.needs_no_window() {
        let expires = opened.window_expires_at();
        if expires.is_none_or(|expires| envelope.now >= expires) {
            return Err(Rejection::WindowClosed { expired_at: expires });
        }
    }
    let waiting = opened.outbox.iter().filter(|pending| !matches!(pending.stage, Stage::Unknown { .. })).count();
    if waiting >= QUEUED_MAX {
        return Err(Rejection::PairRate { waiting });
    }
    let mut events = Vec::new();
    match opened.status {
        // What nobody writes in person (a farewell, a survey) belongs to what was resolved.
        Status::Resolved { .. } if send.outgoing.author == Author::Staff => {
            events.push(ConversationEvent::Reopened { episode: opened.episode, cause: ReopenCause::Staff });
        }
        Status::Resolved { .. } | Status::Open | Status::Pending | Status::Snoozed { .. } => {}
    }
    let noticed = watch::sent(Some(opened), envelope, send);
    match &send.pause {
        Some(wish) => events.extend(bot::pausing(opened, envelope, wish)?),
        None if !noticed.before.is_empty() => events.extend(noticed.before),
        None if pauses(envelope, send) => {
            let pause = automatic_pause(PauseReason::HumanTakeover);
            events.extend(bot::silencing(opened, envelope.now, pause));
        }
        None => {}
    }
    events.push(ConversationEvent::MessageQueued(Box::new(send.outgoing.clone())));
    if let Some(turn) = send.turn.filter(|turn| !turn.more) {
        events.push(ConversationEvent::BotTurnEnded { turn: turn.number, how: TurnEnd::Done });
    }
    events.extend(noticed.after);
    Ok(Decision::Append(events))
}

/// What a person writes before the bot may speak again: it pauses nothing.
pub(super) fn last_words(
    opened: &Opened,
    envelope: &Envelope,
    send: &Send,
) -> Result<Vec<ConversationEvent>, Rejection> {
    let send = Send { pauses_bot: false, pause: None, detection: None, ..send.clone() };
    match to_existing(opened, envelope, &send)? {
        Decision::Append(events) => Ok(events),
        Decision::AlreadySo => Ok(Vec::new()),
    }
}

/// Whether this message silences the bot: a person writes, and the tenant wants it so.
pub(super) fn pauses(envelope: &Envelope, send: &Send) -> bool {
    send.pauses_bot && send.outgoing.author == Author::Staff && matches!(envelope.actor, Actor::Staff(_))
}

/// What a pause takes back: every message of the bot that no sender has claimed.
pub(super) fn cancelled_by_pause(opened: &Opened) -> impl Iterator<Item = ConversationEvent> {
    let of_the_bot = |pending: &&Pending| pending.author == Author::Bot && !pending.handed_over();
    opened
        .outbox
        .iter()
        .filter(of_the_bot)
        .map(|pending| ConversationEvent::SendCancelled { message: pending.id, cause: CancelCause::BotPaused })
}

/// Staff and Relevo may always write; a bot while it is not paused.
fn may_write(envelope: &Envelope, opened: Option<&Opened>) -> Result<(), Rejection> {
    if !matches!(envelope.actor, Actor::Bot(_)) {
        return staff_only(envelope);
    }
    match opened.map(|opened| &opened.bot) {
        None | Some(Bot::Active) => Ok(()),
        Some(Bot::Paused { reason, by, since, .. }) => {
            Err(Rejection::BotPaused { reason: *reason, by: by.clone(), since: *since })
        }
    }
}

/// The claim is the last step before the provider's call; who does not get it must not call.
pub(super) fn claim(
    opened: &Opened,
    envelope: &Envelope,
    message: MessageId,
    claim: &str,
    until: Timestamp,
) -> Decided {
    let pending = opened.pending(message).ok_or(Rejection::MessageNotFound)?;
    if opened.head().is_none_or(|head| head.id != message) {
        return Err(Rejection::NotItsTurn);
    }
    // A pause cancels what it finds; this is for what a hole in the rules would let through.
    if pending.author == Author::Bot
        && let Bot::Paused { reason, by, since, .. } = &opened.bot
    {
        return Err(Rejection::BotPaused { reason: *reason, by: by.clone(), since: *since });
    }
    match &pending.stage {
        // One that nobody may use any more would only be called unknown.
        Stage::Queued { .. } if until <= envelope.now => return Err(Rejection::NotItsTurn),
        Stage::Queued { not_before } if not_before.is_none_or(|time| time <= envelope.now) => {}
        Stage::Queued { .. } | Stage::Claimed { .. } | Stage::Unknown { .. } => return Err(Rejection::NotItsTurn),
    }
    let attempt = pending.attempts + 1;
    Ok(Decision::Append(vec![ConversationEvent::SendStarted { message, attempt, claim: claim.to_owned(), until }]))
}

/// Late news about an attempt that was given up as unknown is still news.
#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn accepted(
    opened: &Opened,
    message: MessageId,
    attempt: u32,
    alias: MessageId,
    provider_id: &str,
) -> Decided {
    let Some(_pending) = handed_over(opened, message, attempt) else { return Ok(Decision::AlreadySo) };
    let personal = AcceptedPersonal { provider_id: provider_id.to_owned() };
    Ok(Decision::Append(vec![ConversationEvent::MessageAccepted { message, attempt, alias, personal }]))
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn failed(
    opened: &Opened,
    message: MessageId,
    attempt: u32,
    failure: &SendFailure,
    retry_at: Option<Timestamp>,
) -> Decided {
    let Some(pending) = handed_over(opened, message, attempt) else { return Ok(Decision::AlreadySo) };
    // What everybody was told is unknown does not come back to be sent after what was written since.
    let retry_at = retry_at.filter(|_| matches!(pending.stage, Stage::Claimed { .. }));
    let failed = ConversationEvent::SendFailed { message, attempt, failure: failure.clone(), retry_at };
    let silenced = pending.author == Author::Bot && matches!(opened.bot, Bot::Paused { .. });
    if retry_at.is_some() && silenced {
        // The pause came while it was on its way: it does not get another turn.
        let cancelled = ConversationEvent::SendCancelled { message, cause: CancelCause::BotPaused };
        return Ok(Decision::Append(vec![failed, cancelled]));
    }
    Ok(Decision::Append(vec![failed]))
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn unknown(opened: &Opened, message: MessageId, attempt: u32) -> Decided {
    match handed_over(opened, message, attempt) {
        Some(pending) if matches!(pending.stage, Stage::Claimed { .. }) => {
            Ok(Decision::Append(vec![ConversationEvent::SendOutcomeUnknown { message, attempt }]))
        }
        Some(_) | None => Ok(Decision::AlreadySo),
    }
}

pub(super) fn give_up(opened: &Opened, message: MessageId, failure: &SendFailure) -> Decided {
    let Some(pending) = opened.pending(message) else { return Ok(Decision::AlreadySo) };
    if pending.handed_over() {
        return Err(Rejection::AlreadyHandedOver);
    }
    let attempt = pending.attempts;
    let failed = ConversationEvent::SendFailed { message, attempt, failure: failure.clone(), retry_at: None };
    Ok(Decision::Append(vec![failed]))
}

pub(super) fn cancel(opened: &Opened, envelope: &Envelope, message: MessageId) -> Decided {
    staff_only(envelope)?;
    let pending = opened.pending(message).ok_or(Rejection::MessageNotFound)?;
    if pending.handed_over() {
        return Err(Rejection::AlreadyHandedOver);
    }
    let cause = CancelCause::Staff;
    Ok(Decision::Append(vec![ConversationEvent::SendCancelled { message, cause }]))
}

/// The message, if that attempt of it is the one that the provider may have.
fn handed_over(opened: &Opened, message: MessageId, attempt: u32) -> Option<&Pending> {
    opened.pending(message).filter(|pending| pending.handed_over() && pending.attempts == attempt)
}
