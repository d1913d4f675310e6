//! The bot axis: who silences it, on which terms, and who lets it speak again.

use std::time::Duration;

use super::{Decided, Decision, Rejection, automatic_pause, desk, note_text, send, staff_only};
use crate::access::Role;
use crate::conversation::command::{Envelope, PauseWish, Send};
use crate::conversation::event::{
    AssignmentHow, ConversationEvent, NotePersonal, OpenCause, PauseReason, PauseTerms, ResumeCause,
};
use crate::conversation::state::{Bot, Opened, Status};
use crate::conversation::turn::CatchUp;
use crate::id::AgentId;
use crate::time::Timestamp;

/// The longest pause that ends by itself: whoever wants a longer one means "until I say so".
pub const PAUSE_DAYS_MAX: u64 = 365;
const PAUSE_MAX: Duration = Duration::from_hours(24 * PAUSE_DAYS_MAX);

pub(super) fn pause_bot(opened: &Opened, envelope: &Envelope, wish: &PauseWish) -> Decided {
    let events = pausing(opened, envelope, wish)?;
    Ok(if events.is_empty() { Decision::AlreadySo } else { Decision::Append(events) })
}

/// The pause that somebody wants, with what it takes back; nothing if the bot is paused already.
pub(super) fn pausing(
    opened: &Opened,
    envelope: &Envelope,
    wish: &PauseWish,
) -> Result<Vec<ConversationEvent>, Rejection> {
    let pause = wished(envelope, wish)?;
    Ok(silencing(opened, envelope.now, pause))
}

/// The pause as an event, if it may be asked for like this.
pub(super) fn wished(envelope: &Envelope, wish: &PauseWish) -> Result<ConversationEvent, Rejection> {
    staff_only(envelope)?;
    let personal = note_text(wish.note.as_deref())?;
    let terms = valid_terms(envelope, wish.terms)?;
    Ok(ConversationEvent::BotPaused { reason: wish.reason, automatic: false, terms, personal })
}

pub(super) fn change_pause(opened: &Opened, envelope: &Envelope, terms: PauseTerms, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    let terms = valid_terms(envelope, terms)?;
    match &opened.bot {
        Bot::Active => Err(Rejection::NotPaused),
        Bot::Paused { terms: now, .. } if *now == terms => Ok(Decision::AlreadySo),
        Bot::Paused { .. } => {
            may_end(opened, envelope)?;
            Ok(Decision::Append(vec![ConversationEvent::PauseChanged { terms, personal }]))
        }
    }
}

pub(super) fn resume_bot(
    opened: &Opened,
    envelope: &Envelope,
    catch_up: CatchUp,
    note: Option<&str>,
    farewell: Option<&Send>,
) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    if opened.bot == Bot::Active {
        return Ok(Decision::AlreadySo);
    }
    may_end(opened, envelope)?;
    let mut events = match farewell {
        Some(farewell) => send::last_words(opened, envelope, farewell)?,
        None => Vec::new(),
    };
    events.push(ConversationEvent::BotResumed { cause: ResumeCause::Staff, catch_up, personal });
    Ok(Decision::Append(events))
}

/// A timer that comes late, twice, or for a pause that was changed since, finds nothing to do.
#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn end_pause(opened: &Opened, envelope: &Envelope, scheduled: Timestamp, catch_up: CatchUp) -> Decided {
    match &opened.bot {
        Bot::Paused { terms: PauseTerms { until: Some(until), .. }, .. }
            if *until == scheduled && envelope.now >= scheduled =>
        {
            let personal = NotePersonal::default();
            let cause = ResumeCause::Timer;
            Ok(Decision::Append(vec![ConversationEvent::BotResumed { cause, catch_up, personal }]))
        }
        Bot::Paused { .. } | Bot::Active => Ok(Decision::AlreadySo),
    }
}

/// What is resolved must be opened first: nobody looks for work there. What is out of sight comes back.
pub(super) fn escalate(
    opened: &Opened,
    envelope: &Envelope,
    to: &AgentId,
    reason: PauseReason,
    summary: &str,
) -> Decided {
    staff_only(envelope)?;
    let summary = desk::note(envelope, "summary", summary)?;
    let mut events = match opened.status {
        Status::Resolved { .. } => return Err(Rejection::Resolved),
        Status::Pending | Status::Snoozed { .. } => {
            vec![ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff }]
        }
        Status::Open => Vec::new(),
    };
    // Whoever asks for help may lock what they could not lock by themselves.
    let (terms, personal) = (PauseTerms { until: None, locked: true }, NotePersonal::default());
    match &opened.bot {
        Bot::Active => {
            let pause = ConversationEvent::BotPaused { reason, automatic: false, terms, personal };
            events.extend(with_cancelled(opened, pause));
        }
        Bot::Paused { terms: now, .. } if *now == terms => {}
        Bot::Paused { .. } => events.push(ConversationEvent::PauseChanged { terms, personal }),
    }
    if opened.agent.as_ref() != Some(to) {
        let (agent, team) = (Some(to.clone()), opened.team.clone());
        events.push(ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual });
    }
    events.push(summary);
    events.push(ConversationEvent::Escalated { to: to.clone(), reason, note: envelope.new_message });
    Ok(Decision::Append(events))
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn pause_linked(opened: &Opened, envelope: &Envelope) -> Decided {
    let events = silencing(opened, envelope.now, automatic_pause(PauseReason::Linked));
    Ok(if events.is_empty() { Decision::AlreadySo } else { Decision::Append(events) })
}

/// Whoever may resume; of a locked pause supervisors and admins alone.
fn may_end(opened: &Opened, envelope: &Envelope) -> Result<(), Rejection> {
    match &opened.bot {
        Bot::Paused { by, since, terms, .. } if terms.locked && envelope.role == Some(Role::Agent) => {
            let (by, since) = opened.locked_by.clone().unwrap_or_else(|| (by.clone(), *since));
            Err(Rejection::PauseLocked { by, since })
        }
        Bot::Paused { .. } | Bot::Active => Ok(()),
    }
}

/// A time that has passed, or that is nearly for ever, is a mistake. A lock that opens by itself is none, and one that an agent
/// closes would lock out whoever closed it: agents escalate.
fn valid_terms(envelope: &Envelope, terms: PauseTerms) -> Result<PauseTerms, Rejection> {
    if terms.locked && envelope.role == Some(Role::Agent) {
        return Err(Rejection::Forbidden { role: Role::Agent });
    }
    match terms.until {
        Some(until) if until <= envelope.now || until > envelope.now + PAUSE_MAX || terms.locked => {
            Err(Rejection::Invalid { field: "until", limit: PAUSE_DAYS_MAX as usize })
        }
        Some(_) | None => Ok(terms),
    }
}

/// The pause with what it takes back; nothing if the bot stays paused anyway. A pause whose time is over, and that no timer has
/// ended yet, is ended here: else whoever pauses now would see the bot speak when the timer comes.
pub(super) fn silencing(opened: &Opened, now: Timestamp, pause: ConversationEvent) -> Vec<ConversationEvent> {
    if opened.stays_paused(now) {
        return Vec::new();
    }
    let (cause, catch_up, personal) = (ResumeCause::Timer, CatchUp::Know, NotePersonal::default());
    let over = (opened.bot != Bot::Active).then_some(ConversationEvent::BotResumed { cause, catch_up, personal });
    over.into_iter().chain(with_cancelled(opened, pause)).collect()
}

/// The pause, and what of the bot's it takes back.
pub(super) fn with_cancelled(opened: &Opened, pause: ConversationEvent) -> Vec<ConversationEvent> {
    std::iter::once(pause).chain(send::cancelled_by_pause(opened)).collect()
}
