//! Since when the customer waits: the oldest message of theirs that no person has answered. One rule for the views that order
//! by it; a projector tells it who wrote.
//!
//! A message of the business answers everything that was written before it, by event time; of the same millisecond, what the log
//! has before it. So the answer is the same in whatever order two providers' updates come. Resolving settles everything; a note,
//! a pause or an assignment answers nothing.

use prost::Message;
use relevo_domain::conversation::{Author, ConversationEvent};

use crate::answers::{self, AnswersRow};

/// The customer's messages that no person has answered. A part of a view's row: fields are only ever added.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WaitingRow {
    /// Milliseconds since 1970, ascending: the oldest ones.
    #[prost(sint64, repeated, tag = "1")]
    times: Vec<i64>,
    /// All later ones.
    #[prost(message, optional, tag = "2")]
    rest: Option<SpanRow>,
    /// Time of the business's last message.
    #[prost(sint64, optional, tag = "3")]
    answered_at: Option<i64>,
    /// What people of the business wrote and the provider has not (knowingly) taken yet.
    #[prost(message, optional, tag = "4")]
    answers: Option<AnswersRow>,
}

/// From the first to the last of some messages.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct SpanRow {
    #[prost(sint64, tag = "1")]
    from: i64,
    #[prost(sint64, tag = "2")]
    until: i64,
}

/// Times kept one by one: the oldest. A customer who writes more before an answer is kept as one span behind them: if an
/// answer falls into that span, the wait is counted from the answer on, so it may be said too long by that, never too short.
pub const TIMES_MAX: usize = 200;

/// The customer wrote.
pub fn wrote(row: &mut WaitingRow, at: i64) {
    if row.answered_at.is_some_and(|answered| at < answered) {
        return;
    }
    if let Some(rest) = row.rest.as_mut().filter(|rest| at >= rest.from) {
        rest.until = rest.until.max(at);
        return;
    }
    let place = row.times.partition_point(|time| *time <= at);
    row.times.insert(place, at);
    if row.times.len() > TIMES_MAX
        && let Some(latest) = row.times.pop()
    {
        let until = row.rest.map_or(latest, |rest| rest.until.max(latest));
        row.rest = Some(SpanRow { from: latest, until });
    }
}

/// The business wrote.
pub fn answered(row: &mut WaitingRow, at: i64) {
    row.answered_at = Some(row.answered_at.map_or(at, |before| before.max(at)));
    row.times.retain(|time| *time > at);
    row.rest = row.rest.filter(|rest| rest.until > at);
    if let Some(rest) = &mut row.rest {
        rest.from = rest.from.max(at.saturating_add(1));
    }
}

/// Follows what staff sends: it answers as soon as it is queued, and for good when the provider has taken it.
pub fn sent(row: &mut WaitingRow, event: &ConversationEvent, at: i64) {
    let by_a_person = |author| match author {
        Author::Staff | Author::PhoneApp => true,
        Author::Customer | Author::Bot | Author::System => false,
    };
    let mut answers = row.answers.take().unwrap_or_default();
    let taken = answers::follow(&mut answers, event, at, |outgoing| by_a_person(outgoing.author));
    row.answers = (answers != AnswersRow::default()).then_some(answers);
    if let Some(queued_at) = taken {
        answered(row, queued_at);
    }
}

/// The episode ended: nobody waits any longer.
pub fn settled(row: &mut WaitingRow) {
    row.times.clear();
    row.rest = None;
}

/// When the business last answered: whatever was written before has its answer.
pub fn answered_at(row: &WaitingRow) -> Option<i64> {
    row.answered_at
}

/// Time of the oldest message that waits.
pub fn since(row: &WaitingRow) -> Option<i64> {
    let answered = row.answers.as_ref().and_then(answers::until).unwrap_or(i64::MIN);
    let rest = row.rest.filter(|rest| rest.until > answered);
    let rest = rest.map(|rest| rest.from.max(answered.saturating_add(1)));
    row.times.iter().copied().find(|time| *time > answered).or(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_that_comes_late_answers_only_what_was_written_before_it() {
        let mut row = WaitingRow::default();
        wrote(&mut row, 10);
        wrote(&mut row, 30);
        answered(&mut row, 20);
        assert_eq!(since(&row), Some(30));
        // This one was answered at 20, though we hear of it only now.
        wrote(&mut row, 15);
        assert_eq!(since(&row), Some(30));
        settled(&mut row);
        assert_eq!(since(&row), None);
    }

    #[test]
    fn what_staff_queued_answers_until_it_fails_and_what_a_bot_queued_never() {
        use relevo_domain::MessageId;
        use relevo_domain::conversation::{CancelCause, Outgoing};

        use crate::testing::story::outgoing;

        let mut row = WaitingRow::default();
        wrote(&mut row, 10);
        let by = |author, id| Outgoing { author, ..outgoing(MessageId::new([id; 16]), "Hola") };
        let queued = |author, id| ConversationEvent::MessageQueued(Box::new(by(author, id)));
        sent(&mut row, &queued(Author::Bot, 1), 20);
        assert_eq!(since(&row), Some(10));
        sent(&mut row, &queued(Author::Staff, 2), 30);
        wrote(&mut row, 40);
        assert_eq!(since(&row), Some(40), "written after the answer");
        let cause = CancelCause::Staff;
        let message = MessageId::new([2; 16]);
        sent(&mut row, &ConversationEvent::SendCancelled { message, cause }, 50);
        assert_eq!(since(&row), Some(10), "it was taken back");
    }

    proptest! {
        #[test]
        fn it_is_what_a_list_of_all_messages_would_say(steps in prop::collection::vec((0..9u8, 0..500i64), 0..180)) {
            let mut row = WaitingRow::default();
            let (mut all, mut last): (Vec<i64>, Option<i64>) = (Vec::new(), None);
            for (who, at) in steps {
                if who > 0 {
                    wrote(&mut row, at);
                    if last.is_none_or(|last| at >= last) {
                        all.push(at);
                    }
                } else {
                    answered(&mut row, at);
                    all.retain(|time| *time > at);
                    last = last.max(Some(at));
                }
                prop_assert_eq!(since(&row), all.iter().min().copied());
            }
        }

        #[test]
        fn a_flood_never_makes_a_wait_shorter(steps in prop::collection::vec((0..250u8, 0..100_000i64), 200..900)) {
            let mut row = WaitingRow::default();
            let (mut all, mut last): (Vec<i64>, Option<i64>) = (Vec::new(), None);
            for (who, at) in steps {
                if who > 0 {
                    wrote(&mut row, at);
                    if last.is_none_or(|last| at >= last) {
                        all.push(at);
                    }
                } else {
                    answered(&mut row, at);
                    all.retain(|time| *time > at);
                    last = last.max(Some(at));
                }
                prop_assert_eq!(since(&row).is_some(), !all.is_empty());
                prop_assert!(since(&row) <= all.iter().min().copied());
                prop_assert!(row.times.len() <= TIMES_MAX);
            }
        }
    }
}
