//! Turns of bots: who may take one, and how it ends.

use super::{Decided, Decision, Rejection, automatic_pause, bot, note_text};
use crate::actor::Actor;
use crate::conversation::command::Envelope;
use crate::conversation::event::{ConversationEvent, NotePersonal, PauseReason, PauseTerms};
use crate::conversation::state::{Bot, Opened, Status};
use crate::conversation::turn::{Due, GivenTurn, TURN_ATTEMPTS_MAX, Turn, TurnEnd};
use crate::id::AgentId;
use crate::time::Timestamp;

/// The turn that is due, or one whose time is over. "Already so" if there is none: somebody else has it, or it is not needed
/// any more.
pub(super) fn start(opened: &Opened, envelope: &Envelope, claim: &str, until: Timestamp) -> Decided {
    let bot = acting_bot(envelope)?;
    active(opened)?;
    let turns = &opened.turns;
    if matches!(opened.status, Status::Resolved { .. }) {
        return Ok(Decision::AlreadySo);
    }
    let (from, answer, attempt) = match (&turns.running, turns.due, turns.new_from) {
        (Some(running), _, _) if envelope.now < running.given.until => return Ok(Decision::AlreadySo),
        (Some(running), _, _) if running.given.attempt >= TURN_ATTEMPTS_MAX => {
            return Ok(Decision::Append(given_up(opened, envelope, running.number)));
        }
        (Some(running), due, _) => (
            running.given.from,
            running.given.answer || due == Some(Due::Answer),
            running.given.attempt.saturating_add(1),
        ),
        (None, Some(due), Some(from)) => (from, due == Due::Answer, turns.failed.saturating_add(1)),
        (None, _, _) => return Ok(Decision::AlreadySo),
    };
    Ok(Decision::Append(vec![ConversationEvent::BotTurnStarted(Box::new(GivenTurn {
        bot: bot.clone(),
        from,
        through: opened.version,
        context_through: turns.context_through,
        answer,
        attempt,
        claim: claim.to_owned(),
        until,
    }))]))
}

/// A turn that failed as often as it may is over for good.
pub(super) fn end(opened: &Opened, envelope: &Envelope, turn: u64, how: TurnEnd) -> Decided {
    let running = running(opened, envelope, turn)?;
    let again = running.given.attempt < TURN_ATTEMPTS_MAX;
    Ok(Decision::Append(match how {
        TurnEnd::Failed if again => vec![ConversationEvent::BotTurnEnded { turn, how }],
        TurnEnd::Failed | TurnEnd::GivenUp => given_up(opened, envelope, turn),
        TurnEnd::Done => vec![ConversationEvent::BotTurnEnded { turn, how }],
    }))
}

/// The customer has no answer, and will not get one from this bot: people must know.
fn given_up(opened: &Opened, envelope: &Envelope, turn: u64) -> Vec<ConversationEvent> {
    let ended = ConversationEvent::BotTurnEnded { turn, how: TurnEnd::GivenUp };
    let pause = bot::silencing(opened, envelope.now, automatic_pause(PauseReason::BotError));
    std::iter::once(ended).chain(pause).collect()
}

/// The bot gives the conversation to people. It is silent from here on, as after any pause: what it said before and nobody
/// has claimed is taken back.
pub(super) fn hand_off(opened: &Opened, envelope: &Envelope, turn: u64, note: Option<&str>) -> Decided {
    let personal: NotePersonal = note_text(note)?;
    running(opened, envelope, turn)?;
    let (reason, terms) = (PauseReason::BotHandoff, PauseTerms::default());
    let pause = ConversationEvent::BotPaused { reason, automatic: true, terms, personal };
    Ok(Decision::Append(bot::with_cancelled(opened, pause)))
}

/// As a message's claim: a pause comes before it, or tells of it.
pub(super) fn signal(opened: &Opened, envelope: &Envelope, until: Timestamp) -> Decided {
    acting_bot(envelope)?;
    active(opened)?;
    Ok(Decision::Append(vec![ConversationEvent::BotSignalled { until }]))
}

/// The turn of which the bot speaks, if it has it still.
pub(super) fn running<'o>(opened: &'o Opened, envelope: &Envelope, turn: u64) -> Result<&'o Turn, Rejection> {
    let bot = acting_bot(envelope)?;
    active(opened)?;
    let running = opened.turns.running.as_ref().filter(|running| running.number == turn && running.given.bot == *bot);
    running.ok_or(Rejection::TurnEnded { turn })
}

fn active(opened: &Opened) -> Result<(), Rejection> {
    match &opened.bot {
        Bot::Active => Ok(()),
        Bot::Paused { reason, by, since, .. } => {
            Err(Rejection::BotPaused { reason: *reason, by: by.clone(), since: *since })
        }
    }
}

fn acting_bot(envelope: &Envelope) -> Result<&AgentId, Rejection> {
    match &envelope.actor {
        Actor::Bot(bot) => Ok(bot),
        Actor::Customer | Actor::Staff(_) | Actor::PhoneApp | Actor::Provider | Actor::System => {
            let role = envelope.role.unwrap_or(crate::access::Role::Service);
            Err(Rejection::Forbidden { role })
        }
    }
}
