//! How long the customer waited: for the first response of an episode, and for each response after it.

use relevo_domain::conversation::ConversationEvent;
use relevo_projection::waiting::{self, WaitingRow};

use super::{Moment, Voice, voice};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, FirstResponseRow};

pub(crate) static FIRST_RESPONSE_HUMAN: Definition = Definition {
    number: 7,
    name: "first_response_human",
    version: 1,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "From the oldest message of a person in an episode to the first public message (first on the log) of a person of the \
              business that is not older; once an episode, counted at the time of the response, for its sender (nobody for the \
              phone) and the team that had the conversation then. Automatic mails start nothing; notes, automatic messages and \
              what the business wrote before the customer are no response, so an episode that the business began has none until \
              the customer writes. A message that reaches the log after a later one of the business starts nothing either. An \
              episode that is resolved unanswered stops waiting: if it is reopened, the wait begins at the customer's next \
              message. A reopening of an answered episode is not measured again, a new episode is. An episode without a response \
              is not in it.",
};

pub(crate) static FIRST_RESPONSE_ANY: Definition = Definition {
    number: 8,
    name: "first_response_any",
    version: 1,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "As `first_response_human`, to the first public message of a person or a bot.",
};

pub(crate) static NEXT_RESPONSE: Definition = Definition {
    number: 9,
    name: "next_response",
    version: 1,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "For each waiting cycle after an episode's first human response: from the customer's oldest message that no person \
              has answered to the next public message (next on the log) of a person of the business that is not older; counted \
              at the time of the response, for its sender and the team that had the conversation then. A message of the business \
              answers what was written before it, in whatever order the two reach the log; what was written after it goes on \
              waiting, and is the next cycle. A cycle that ends with a resolution, unanswered, is not in it; after a reopening \
              the next message begins another. The first response of an episode is not in it.",
};

pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::EpisodeStarted { .. } => {
            talk.first_response = FirstResponseRow::default();
            talk.waiting = WaitingRow::default();
        }
        ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
            waiting::wrote(&mut talk.waiting, moment.at);
        }
        ConversationEvent::MessageEchoed(message) => {
            if let Some(voice) = voice(message) {
                answered(talk, moment.at, voice, facts);
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
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
}

fn answered(talk: &mut ConversationRow, at: i64, voice: Voice, facts: &mut Facts<'_>) {
    if let Some(since) = waiting::since(&talk.waiting).filter(|since| *since <= at) {
        let draft = Draft::of(talk, at, at - since).by_nobody().label(voice.word);
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
