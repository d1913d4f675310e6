//! Suggestions of the detection: staff takes them or does not want them.

use super::{Decided, Decision, Rejection, bot, staff_only};
use crate::conversation::command::{Envelope, PauseWish};
use crate::conversation::event::{ConversationEvent, PauseTerms};
use crate::conversation::state::Opened;

/// The pause that was suggested, for its reason.
pub(super) fn accept(
    opened: &Opened,
    envelope: &Envelope,
    suggestion: u64,
    note: Option<&str>,
    terms: PauseTerms,
) -> Decided {
    staff_only(envelope)?;
    let reason = opened.suggestion(suggestion).ok_or(Rejection::SuggestionNotFound)?.reason;
    let wish = PauseWish { reason, note: note.map(str::to_owned), terms };
    let mut events = vec![ConversationEvent::SuggestionClosed { suggestion, accepted: true }];
    events.extend(bot::pausing(opened, envelope, &wish)?);
    Ok(Decision::Append(events))
}

pub(super) fn dismiss(opened: &Opened, envelope: &Envelope, suggestion: u64) -> Decided {
    staff_only(envelope)?;
    opened.suggestion(suggestion).ok_or(Rejection::SuggestionNotFound)?;
    Ok(Decision::Append(vec![ConversationEvent::SuggestionClosed { suggestion, accepted: false }]))
}
