//! How long a paused conversation took until it was resolved or its bot resumed.

use relevo_domain::conversation::ConversationEvent;

use super::volume::how;
use super::{Moment, span};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, PauseSpanRow};

pub(crate) static PAUSE_RESOLUTION: Definition = Definition {
    number: 16,
    name: "pause_resolution",
    version: 1,
    kind: Kind::Duration,
    labels: &["reason", "how", "end", "band"],
    meaning: "From a pause to the resolution of its conversation or the resuming of its bot, whichever comes first (`end` is \
              `resolved` or `resumed`), once a pause, counted at that end, by the pause's reason and `how` (`manual`, \
              `automatic`), for the agent and team that had the conversation then. A pause survives a resolution; what follows \
              it belongs to no span. A pause that has not ended is not in it. `band`: `under_5m` below 5 minutes, `5_to_15m` up \
              to 15 included, `15_to_30m` up to 30 included, `over_30m` above.",
};

const MINUTE: i64 = 60 * 1000;

pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::BotPaused { reason, automatic, .. } => {
            talk.pause.get_or_insert_with(|| PauseSpanRow {
                since: moment.at,
                reason: reason.as_str().to_owned(),
                automatic: *automatic,
            });
        }
        ConversationEvent::BotResumed { .. } => ended(talk, moment.at, "resumed", facts),
        ConversationEvent::Resolved { .. } => ended(talk, moment.at, "resolved", facts),
        ConversationEvent::Opened { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
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

fn ended(talk: &mut ConversationRow, at: i64, end: &str, facts: &mut Facts<'_>) {
    let Some(pause) = talk.pause.take() else { return };
    let took = span(pause.since, at);
    let draft = Draft::of(talk, at, took).label(&pause.reason).label(how(pause.automatic)).label(end);
    facts.add(&PAUSE_RESOLUTION, draft.label(band(took)));
}

/// The product's bands of the time to resolve what was paused.
const fn band(millis: i64) -> &'static str {
    if millis < 5 * MINUTE {
        "under_5m"
    } else if millis <= 15 * MINUTE {
        "5_to_15m"
    } else if millis <= 30 * MINUTE {
        "15_to_30m"
    } else {
        "over_30m"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_meet_without_a_gap() {
        let edges = [0, 5 * MINUTE - 1, 5 * MINUTE, 15 * MINUTE, 15 * MINUTE + 1, 30 * MINUTE, 30 * MINUTE + 1];
        let bands = ["under_5m", "under_5m", "5_to_15m", "5_to_15m", "15_to_30m", "15_to_30m", "over_30m"];
        assert_eq!(edges.map(band), bands);
    }
}
