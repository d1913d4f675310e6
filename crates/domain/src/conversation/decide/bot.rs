//! The bot axis: who silences it and who lets it speak again.

use super::{Decided, Decision, automatic_pause, note_text, send, staff_only};
use crate::conversation::command::Envelope;
use crate::conversation::event::{ConversationEvent, PauseReason};
use crate::conversation::state::{Bot, Opened};

pub(super) fn pause_bot(opened: &Opened, envelope: &Envelope, reason: PauseReason, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.bot {
        Bot::Paused { .. } => Ok(Decision::AlreadySo),
        Bot::Active => Ok(Decision::Append(with_cancelled(
            opened,
            ConversationEvent::BotPaused { reason, automatic: false, personal },
        ))),
    }
}

pub(super) fn resume_bot(opened: &Opened, envelope: &Envelope, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.bot {
        Bot::Active => Ok(Decision::AlreadySo),
        Bot::Paused { .. } => Ok(Decision::Append(vec![ConversationEvent::BotResumed { personal }])),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
pub(super) fn pause_linked(opened: &Opened) -> Decided {
    match opened.bot {
        Bot::Paused { .. } => Ok(Decision::AlreadySo),
        Bot::Active => Ok(Decision::Append(with_cancelled(opened, automatic_pause(PauseReason::Linked)))),
    }
}

/// The pause, and what of the bot's it takes back.
fn with_cancelled(opened: &Opened, pause: ConversationEvent) -> Vec<ConversationEvent> {
    std::iter::once(pause).chain(send::cancelled_by_pause(opened)).collect()
}
