//! How long the customer waited: for the first response of an episode, and for each response after it.

use relevo_domain::conversation::ConversationEvent;
use relevo_projection::waiting::{self, WaitingRow};

use super::{Moment, Voice, voice};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, FirstResponseRow, SentRow};

pub(crate) static FIRST_RESPONSE_HUMAN: Definition = Definition {
    number: 7,
    name: "first_response_human",
    version: 2,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "From the oldest message of a person in an episode to the first public message of a person of the business that is \
              not older; once an episode, counted at the time of the response, for its sender (nobody for the phone) and the \
              team that had the conversation then, by who wrote it (`staff`, `phone_app`). A message that was sent with Relevo \
              is a response when the provider has taken it, at the time when it was queued; one that failed, was taken back, or \
              of which nobody knows is none (yet). The first is the first on the log, as echo or as taken. A reaction is no \
              response. Automatic mails start nothing; notes, automatic messages and \
              what the business wrote before the customer are no response, so an episode that the business began has none until \
              the customer writes. A message that reaches the log after a later one of the business starts nothing either. An \
              episode that is resolved unanswered stops waiting: if it is reopened, the wait begins at the customer's next \
              message. A reopening of an answered episode is not measured again, a new episode is. An episode without a response \
              is not in it.",
};

pub(crate) static FIRST_RESPONSE_ANY: Definition = Definition {
    number: 8,
    name: "first_response_any",
    version: 2,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "As `first_response_human`, to the first public message of a person or a bot (`staff`, `phone_app`, `bot`). What \
              Relevo sends by itself is no response.",
};

pub(crate) static NEXT_RESPONSE: Definition = Definition {
    number: 9,
    name: "next_response",
    version: 2,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "For each waiting cycle after an episode's first human response: from the customer's oldest message that no person \
              has answered to the next public message (next on the log) of a person of the business that is not older; counted \
              at the time of the response, for its sender and the team that had the conversation then. A message of the business \
              answers what was written before it, in whatever order the two reach the log; what was written after it goes on \
              waiting, and is the next cycle. A cycle that ends with a resolution, unanswered, is not in it; after a reopening \
              the next message begins another. What was queued before a resolution and taken after it still counts. The first \
              response of an episode is not in it. Messages that were sent with Relevo count as in `first_response_human`.",
};

pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::EpisodeStarted { episode, .. } => {
            talk.episode = *episode;
            talk.first_response = FirstResponseRow::default();
            talk.waiting = WaitingRow::default();
        }
        ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
            waiting::wrote(&mut talk.waiting, moment.at);
        }
        ConversationEvent::MessageEchoed(message) => {
            if let Some(voice) = voice(message.author).filter(|_| !message.flags.imported) {
                let since = waiting::since(&talk.waiting);
                let draft = Draft::of(talk, moment.at, 0).by_nobody();
                answered(talk, (since, moment.at), voice, draft, facts);
            }
        }
        ConversationEvent::Resolved { .. } => waiting::settled(&mut talk.waiting),
        ConversationEvent::Opened { .. }
        | ConversationEvent::MessageReceived(_)
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

/// The provider took a message that was sent with Relevo: a response of when it was queued, to what waited then.
pub(crate) fn taken(talk: &mut ConversationRow, sent: &SentRow, voice: Voice, facts: &mut Facts<'_>) {
    // It answered in an episode that is over.
    if sent.episode != talk.episode {
        return;
    }
    let answered_since = waiting::answered_at(&talk.waiting);
    let since = sent.waited_since.filter(|since| answered_since.is_none_or(|answered| *since > answered));
    let draft = Draft::of(talk, sent.queued_at, 0).whose(&sent.team, &sent.agent);
    answered(talk, (since, sent.queued_at), voice, draft, facts);
}

/// Something was said at a time, to somebody who had waited since another. `draft` says whose it is.
fn answered(
    talk: &mut ConversationRow,
    (since, at): (Option<i64>, i64),
    voice: Voice,
    draft: Draft,
    facts: &mut Facts<'_>,
) {
    if !voice.responds {
        return;
    }
    if let Some(since) = since.filter(|since| *since <= at) {
        let draft = draft.value(at - since).label(voice.word);
        if !std::mem::replace(&mut talk.first_response.by_any, true) {
            facts.add(&FIRST_RESPONSE_ANY, draft.clone());
        }
        if voice.human {
            let first = !std::mem::replace(&mut talk.first_response.by_human, true);
            facts.add(if first { &FIRST_RESPONSE_HUMAN } else { &NEXT_RESPONSE }, draft);
        }
    }
    // What a bot says ends no wait for a person.
    if voice.human {
        waiting::answered(&mut talk.waiting, at);
    }
}
