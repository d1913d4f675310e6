//! How long an episode took to be resolved: the first time, and for good.

use relevo_domain::conversation::ConversationEvent;

use super::{Moment, span};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, ResolutionRow};

pub(crate) static RESOLUTION_FIRST: Definition = Definition {
    number: 10,
    name: "resolution_first",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From an episode's start to its first resolution, once an episode, counted at that resolution, for the agent and \
              team that had the conversation then. All the time between counts, pending and snoozed included. An episode that \
              is not resolved is not in it. Clocks that disagree give 0, never less.",
};

pub(crate) static RESOLUTION_FULL: Definition = Definition {
    number: 11,
    name: "resolution_full",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From an episode's start to its last resolution so far, once an episode: when one that was reopened is resolved \
              again, the new fact supersedes the earlier one, also in time, agent and team. While it is reopened the earlier one \
              stands.",
};

pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::EpisodeStarted { .. } => {
            talk.resolution = ResolutionRow { started_at: moment.at, full: None };
        }
        ConversationEvent::Resolved { .. } => {
            let took = Draft::of(talk, moment.at, span(talk.resolution.started_at, moment.at));
            if talk.resolution.full.is_none() {
                facts.add(&RESOLUTION_FIRST, took.clone());
            }
            facts.correct(&RESOLUTION_FULL, &mut talk.resolution.full, took);
        }
        ConversationEvent::Opened { .. }
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
