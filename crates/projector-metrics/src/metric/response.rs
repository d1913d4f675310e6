//! How long the customer waited: for the first response of an episode, and for each response after it.

use relevo_domain::conversation::ConversationEvent;

use super::{Moment, Voice, voice};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, FirstResponseRow, NextResponseRow};

pub(crate) static FIRST_RESPONSE_HUMAN: Definition = Definition {
    number: 7,
    name: "first_response_human",
    version: 1,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "From the first message of a person in an episode (first on the log) to the first public message of a person of the \
              business that is not older; once an episode, counted at the time of the response, for its sender (nobody for the \
              phone) and the team that had the conversation then. Automatic mails start nothing; notes, automatic messages and \
              what the business wrote before the customer are no response, so an episode that the business began has none until \
              the customer writes. An episode that is resolved unanswered stops waiting: if it is reopened, the wait begins at \
              the customer's next message. A reopening of an answered episode is not measured again, a new episode is. An \
              episode without a response is not in it.",
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
    meaning: "For each waiting cycle after an episode's first human response: from the customer's first message that is not \
              older than the last human response, to the next public message of a person of the business that is not older; \
              counted at the time of the response, for its sender and the team that had the conversation then. Messages that \
              follow in the same cycle change nothing. A cycle that ends with a resolution, unanswered, is not in it; after a \
              reopening the next message begins another. The first response of an episode is not in it.",
};

pub(crate) fn observe_first(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::EpisodeStarted { .. } => talk.first_response = FirstResponseRow::default(),
        ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
            talk.first_response.asked_at.get_or_insert(moment.at);
        }
        ConversationEvent::MessageEchoed(message) => {
            if let Some(voice) = voice(message) {
                answered(talk, moment.at, voice, facts);
            }
        }
        ConversationEvent::Resolved { .. } => talk.first_response.asked_at = None,
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
    let Some(asked_at) = talk.first_response.asked_at.filter(|asked_at| *asked_at <= at) else { return };
    let draft = |talk: &ConversationRow| Draft::of(talk, at, at - asked_at).by_nobody().label(voice.word);
    if !std::mem::replace(&mut talk.first_response.by_any, true) {
        facts.add(&FIRST_RESPONSE_ANY, draft(talk));
    }
    if voice.human && !std::mem::replace(&mut talk.first_response.by_human, true) {
        facts.add(&FIRST_RESPONSE_HUMAN, draft(talk));
    }
}

pub(crate) fn observe_next(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    match moment.event {
        ConversationEvent::EpisodeStarted { .. } => talk.next_response = NextResponseRow::default(),
        ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
            // Until then the customer waits for the first response. What was written before the last one, and only came later,
            // was answered by it.
            let late = talk.next_response.replied_at.is_some_and(|replied_at| moment.at < replied_at);
            if talk.first_response.by_human && !late {
                talk.next_response.waiting_since.get_or_insert(moment.at);
            }
        }
        ConversationEvent::MessageEchoed(message) => {
            if let Some(voice) = voice(message).filter(|voice| voice.human) {
                answered_again(talk, moment.at, voice, facts);
            }
        }
        ConversationEvent::Resolved { .. } => talk.next_response.waiting_since = None,
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

fn answered_again(talk: &mut ConversationRow, at: i64, voice: Voice, facts: &mut Facts<'_>) {
    if let Some(since) = talk.next_response.waiting_since.take_if(|since| *since <= at) {
        facts.add(&NEXT_RESPONSE, Draft::of(talk, at, at - since).by_nobody().label(voice.word));
    }
    let replied_at = &mut talk.next_response.replied_at;
    *replied_at = Some(replied_at.map_or(at, |earlier| earlier.max(at)));
}
