//! Messages of the business that are on their way: they answer from when they were queued, but only if the provider takes them.
//! One rule for the views that know who waits.
//!
//! While one is queued or handed over, whatever was written before it counts as answered. When the provider has taken it, that
//! holds for good; when it failed for good or was taken back, whoever waited before waits again, since when they did. One
//! whose outcome is unknown answers nothing until a report tells: nobody is to be forgotten. A reaction is no answer.

use prost::Message;
use relevo_domain::MessageId;
use relevo_domain::conversation::{Body, ConversationEvent, DeliveryStatus, Outgoing};

/// Messages remembered: the most that a conversation may have waiting and unknown at once, with room. Of more, the oldest
/// are forgotten, those of unknown outcome first.
pub const ANSWERS_MAX: usize = 128;

/// Answers on their way. A part of a view's row: fields are only ever added.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AnswersRow {
    /// In the order of the log.
    #[prost(message, repeated, tag = "1")]
    answers: Vec<AnswerRow>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Message)]
struct AnswerRow {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    /// When it was queued, in milliseconds since 1970.
    #[prost(sint64, tag = "2")]
    at: i64,
    /// Nobody knows whether the provider has it.
    #[prost(bool, tag = "3")]
    uncertain: bool,
}

/// Follows one event. `counts` says whether a message answers at all. If the provider has taken one, answers with the time
/// from which on it counts: when it was queued.
pub fn follow(
    row: &mut AnswersRow,
    event: &ConversationEvent,
    at: i64,
    counts: impl Fn(&Outgoing) -> bool,
) -> Option<i64> {
    match event {
        ConversationEvent::MessageQueued(outgoing) => {
            if !matches!(outgoing.body, Body::Reaction { .. }) && counts(outgoing) {
                queued(row, outgoing.id, at);
            }
            None
        }
        ConversationEvent::MessageAccepted { message, .. } => {
            let place = row.place(*message)?;
            Some(row.answers.remove(place).at)
        }
        ConversationEvent::SendOutcomeUnknown { message, .. } => doubt(row, *message),
        // What a provider says of a message that it was not known to have taken comes with its acceptance, but for this.
        ConversationEvent::DeliveryReported(report) if report.status == DeliveryStatus::Failed => {
            doubt(row, report.message)
        }
        ConversationEvent::SendFailed { message, retry_at: None, .. }
        | ConversationEvent::SendCancelled { message, .. } => {
            row.answers.retain(|answer| answer.message != message.bytes());
            None
        }
        // The next attempt begins: what was doubted is on its way again.
        ConversationEvent::SendStarted { message, .. } => {
            let place = row.place(*message)?;
            row.answers.get_mut(place)?.uncertain = false;
            None
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
        | ConversationEvent::MarkedRead { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::MediumFetched { .. } => None,
    }
}

/// Until when, this time included, everything counts as answered by what is on its way.
pub fn until(row: &AnswersRow) -> Option<i64> {
    row.answers.iter().filter(|answer| !answer.uncertain).map(|answer| answer.at).max()
}

impl AnswersRow {
    fn place(&self, message: MessageId) -> Option<usize> {
        self.answers.iter().position(|answer| answer.message == message.bytes())
    }
}

fn queued(row: &mut AnswersRow, message: MessageId, at: i64) {
    row.answers.push(AnswerRow { message: message.bytes().to_vec(), at, uncertain: false });
    if row.answers.len() > ANSWERS_MAX {
        let place = row.answers.iter().position(|answer| answer.uncertain).unwrap_or(0);
        row.answers.remove(place);
    }
}

fn doubt(row: &mut AnswersRow, message: MessageId) -> Option<i64> {
    let place = row.place(message)?;
    row.answers.get_mut(place)?.uncertain = true;
    None
}

#[cfg(test)]
mod tests {
    use relevo_domain::conversation::{AcceptedPersonal, CancelCause, FailureClass, SendFailure};

    use super::*;
    use crate::testing::story::outgoing;

    fn id(number: u8) -> MessageId {
        MessageId::new([number; 16])
    }

    fn tell(row: &mut AnswersRow, at: i64, event: &ConversationEvent) -> Option<i64> {
        follow(row, event, at, |_| true)
    }

    fn queue(row: &mut AnswersRow, number: u8, at: i64) {
        let queued = ConversationEvent::MessageQueued(Box::new(outgoing(id(number), "Hola")));
        assert_eq!(tell(row, at, &queued), None);
    }

    fn accepted(number: u8) -> ConversationEvent {
        let personal = AcceptedPersonal::default();
        ConversationEvent::MessageAccepted { message: id(number), attempt: 1, alias: id(number), personal }
    }

    #[test]
    fn an_answer_counts_from_when_it_was_queued_if_the_provider_takes_it() {
        let mut row = AnswersRow::default();
        queue(&mut row, 1, 10);
        queue(&mut row, 2, 20);
        assert_eq!(until(&row), Some(20));
        assert_eq!(tell(&mut row, 99, &accepted(1)), Some(10));
        let cancelled = ConversationEvent::SendCancelled { message: id(2), cause: CancelCause::Staff };
        assert_eq!((tell(&mut row, 99, &cancelled), until(&row)), (None, None));
        assert_eq!(tell(&mut row, 99, &accepted(2)), None, "it was taken back");
    }

    #[test]
    fn a_failure_hides_nobody_and_a_second_attempt_does_again() {
        let mut row = AnswersRow::default();
        queue(&mut row, 1, 10);
        let failure = SendFailure { class: FailureClass::Transient, code: None, detail: None };
        let retry_at = Some(relevo_domain::Timestamp::from_millis(50));
        let again = ConversationEvent::SendFailed { message: id(1), attempt: 1, failure: failure.clone(), retry_at };
        tell(&mut row, 20, &again);
        assert_eq!(until(&row), Some(10), "it will be tried again");
        tell(&mut row, 30, &ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 2 });
        assert_eq!(until(&row), None);
        assert_eq!(tell(&mut row, 40, &accepted(1)), Some(10), "a report told");
        queue(&mut row, 2, 60);
        tell(&mut row, 70, &ConversationEvent::SendFailed { message: id(2), attempt: 1, failure, retry_at: None });
        assert_eq!((until(&row), row.answers.len()), (None, 0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut row = AnswersRow::default();
        for number in 0..=255 {
            queue(&mut row, number, i64::from(number));
        }
        assert_eq!((row.answers.len(), until(&row)), (ANSWERS_MAX, Some(255)));
    }
}
