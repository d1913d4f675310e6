//! Which part of the conversations needed a person to step in.

use relevo_domain::conversation::ConversationEvent;

use super::Moment;
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::ConversationRow;

pub(crate) static INTERVENTION: Definition = Definition {
    number: 14,
    name: "intervention",
    version: 1,
    kind: Kind::Share,
    labels: &[],
    meaning: "Conversations with at least one manual pause, as a part of the conversations in which a person of the customer's \
              side wrote at least once. Both are counted at the time when the conversation came into being, so that they are of \
              the same cohort, for the agent and team that had it at the customer's first message. One fact a conversation: 0, \
              which the first manual pause supersedes by 1, however much later. Automatic pauses are no intervention. Bands of \
              the share in per cent: `under_5` below 5, `5_to_15` up to 15 included, `over_15` above.",
};

pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
            if talk.intervention.fact.is_none() {
                let value = i64::from(talk.intervention.intervened);
                let draft = Draft::of(talk, talk.opened_at, value);
                facts.correct(&INTERVENTION, &mut talk.intervention.fact, draft);
            }
        }
        ConversationEvent::BotPaused { automatic: false, .. } => {
            let before = std::mem::replace(&mut talk.intervention.intervened, true);
            if let (false, Some(fact)) = (before, &talk.intervention.fact) {
                // The same cohort: only the value changes.
                let draft = Draft::again(fact, 1);
                facts.correct(&INTERVENTION, &mut talk.intervention.fact, draft);
            }
        }
        ConversationEvent::Opened { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Resolved { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
}
