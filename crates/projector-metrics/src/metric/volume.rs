//! Volumes: how many messages, conversations, episodes, pauses and reports. Each fact is one of them.

use relevo_domain::conversation::event::{EpisodeCause, ReopenCause};
use relevo_domain::conversation::{ConversationEvent, Message};

use super::{Moment, voice};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::ConversationRow;

pub(crate) static MESSAGES_IN: Definition = Definition {
    number: 1,
    name: "messages_in",
    version: 2,
    kind: Kind::Sum,
    labels: &["by"],
    meaning: "Messages received, each once, at the time of the message. `by` is `person` for a person's words, `automatic` for \
              automatic replies, bounces, lists and the provider speaking. An edit, a reaction and a revocation are no messages, and \
              imported history was not received.",
};

pub(crate) static MESSAGES_OUT: Definition = Definition {
    number: 2,
    name: "messages_out",
    version: 2,
    kind: Kind::Sum,
    labels: &["by"],
    meaning: "Messages that the business wrote to the customer, each once, by who wrote them: `phone_app` on the phone, `staff`, \
              `bot`, or `system` (Relevo itself). One that was sent with Relevo counts when the provider has taken it, at the \
              time when it was queued, for its sender and the team that had the conversation then; one that failed before, was \
              taken back, or of which nobody knows is not in it (yet). The phone is nobody's. Notes and reactions are no \
              messages.",
};

pub(crate) static CONVERSATIONS_OPENED: Definition = Definition {
    number: 3,
    name: "conversations_opened",
    version: 1,
    kind: Kind::Sum,
    labels: &[],
    meaning: "Conversations that came into being, whoever wrote first. One a contact and channel for messengers, one a thread \
              for mail. What came in as history is in no figure until somebody reopens it: the conversation comes into being \
              then, with an episode that begins.",
};

pub(crate) static EPISODES_STARTED: Definition = Definition {
    number: 4,
    name: "episodes_started",
    version: 1,
    kind: Kind::Sum,
    labels: &["cause"],
    meaning: "Episodes that began, the first of a conversation included, by `cause`: `customer_message` or `business_message`. \
              A reopening begins none, but of what came in as history the first does.",
};

pub(crate) static EPISODES_RESOLVED: Definition = Definition {
    number: 5,
    name: "episodes_resolved",
    version: 1,
    kind: Kind::Sum,
    labels: &["reason"],
    meaning: "Ends of episodes by close reason (empty if none was given). One that was reopened and resolved again counts twice. \
              A reason is its own label if it is a word to count by: at most 32 letters, digits, spaces, `_` and `-`, no more \
              than three words and three digits. Anything else is free text, which may name somebody, and is `other`; so are a \
              tenant's different reasons after the first 200.",
};

pub(crate) static EPISODES_REOPENED: Definition = Definition {
    number: 6,
    name: "episodes_reopened",
    version: 1,
    kind: Kind::Sum,
    labels: &["cause"],
    meaning: "Episodes that went on after their end, by `cause`: `customer_message` or `staff`. An episode can be reopened many \
              times. Waking from pending or snoozed is no reopening.",
};

pub(crate) static PAUSES: Definition = Definition {
    number: 15,
    name: "pauses",
    version: 1,
    kind: Kind::Sum,
    labels: &["reason", "how"],
    meaning: "Pauses of a bot by reason and by `how`: `manual` by a person, `automatic` by Relevo (an echo, a linked \
              conversation). Pausing what is paused is no pause.",
};

pub(crate) static DELIVERY_REPORTS: Definition = Definition {
    number: 17,
    name: "delivery_reports",
    version: 1,
    kind: Kind::Sum,
    labels: &["status"],
    meaning: "Reports of a provider by status, at the time of the commit, also about messages that Relevo does not have (then \
              without a channel, if no conversation has them). Of the words that providers invent the first 32 of a tenant are \
              kept, later ones are `other`.",
};

pub(crate) fn observe(talk: &ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    let one = || Draft::of(talk, moment.at, 1);
    match moment.event {
        ConversationEvent::Opened { .. } => facts.add(&CONVERSATIONS_OPENED, one()),
        ConversationEvent::EpisodeStarted { cause, .. } => {
            facts.add(&EPISODES_STARTED, one().label(episode_cause(*cause)));
        }
        // What was imported was not received.
        ConversationEvent::MessageReceived(message) if message.flags.imported => {}
        ConversationEvent::MessageReceived(message) => facts.add(&MESSAGES_IN, one().label(writer(message))),
        ConversationEvent::MessageEchoed(message) => {
            if let Some(voice) = voice(message.author).filter(|_| !message.flags.imported) {
                facts.add(&MESSAGES_OUT, one().by_nobody().label(voice.word));
            }
        }
        ConversationEvent::DeliveryReported(_) => facts.add(&DELIVERY_REPORTS, one().label(moment.word)),
        ConversationEvent::BotPaused { reason, automatic, .. } => {
            facts.add(&PAUSES, one().label(reason.as_str()).label(how(*automatic)));
        }
        ConversationEvent::Resolved { .. } => facts.add(&EPISODES_RESOLVED, one().label(moment.word)),
        ConversationEvent::Reopened { cause, .. } => facts.add(&EPISODES_REOPENED, one().label(reopen_cause(*cause))),
        ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
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

/// The label `how` of a pause.
pub(crate) const fn how(automatic: bool) -> &'static str {
    if automatic { "automatic" } else { "manual" }
}

fn writer(message: &Message) -> &'static str {
    if message.is_a_persons_words() { "person" } else { "automatic" }
}

const fn episode_cause(cause: EpisodeCause) -> &'static str {
    match cause {
        EpisodeCause::CustomerMessage => "customer_message",
        EpisodeCause::BusinessMessage => "business_message",
        // Never shown here: what came in as history is not counted.
        EpisodeCause::Imported => "imported",
    }
}

const fn reopen_cause(cause: ReopenCause) -> &'static str {
    match cause {
        ReopenCause::CustomerMessage => "customer_message",
        ReopenCause::Staff => "staff",
    }
}
