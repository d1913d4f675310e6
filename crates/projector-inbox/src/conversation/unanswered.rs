//! Which messages of the customer the business has not answered, and so since when the customer waits.
//!
//! A message of the business answers everything that was written before it, by event time; of the same second, what the log
//! has before it. So the figures are the same in whatever order two providers' updates come. Resolving settles everything.
//! A note, a claim, an assignment or reading answers nothing. What is on its way to the customer answers as long as it is.

use relevo_domain::conversation::{Author, ConversationEvent};
use relevo_projection::answers::{self, AnswersRow};

use crate::row::{SpanRow, UnansweredRow};

/// Times kept one by one: the oldest. A customer who writes more before an answer is counted in spans of time.
pub(crate) const TIMES_MAX: usize = 200;
/// Spans kept. An answer in the middle of one leaves all of it unread, so the count may be too high by one span, never by
/// more, and never too low.
const SPANS_MAX: usize = 100;

/// The customer wrote.
pub(crate) fn wrote(row: &mut UnansweredRow, at: i64) {
    if row.answered_at.is_some_and(|answered| at < answered) {
        return;
    }
    if row.more.first().is_some_and(|span| at >= span.from) {
        count_in_spans(&mut row.more, at);
        return;
    }
    let place = row.times.partition_point(|time| *time <= at);
    row.times.insert(place, at);
    if row.times.len() > TIMES_MAX
        && let Some(latest) = row.times.pop()
    {
        count_in_spans(&mut row.more, latest);
    }
}

/// The business wrote.
pub(crate) fn answered(row: &mut UnansweredRow, at: i64) {
    row.answered_at = Some(row.answered_at.map_or(at, |before| before.max(at)));
    row.times.retain(|time| *time > at);
    row.more.retain(|span| span.until > at);
    if let Some(first) = row.more.first_mut() {
        // Its last message is later than the answer, so it has at least one that waits.
        first.from = first.from.max(at.saturating_add(1));
    }
}

/// Follows what the business sends with Relevo; `answers` says whose messages answer.
pub(crate) fn sent(row: &mut UnansweredRow, event: &ConversationEvent, at: i64, answers: impl Fn(Author) -> bool) {
    let mut on_their_way = row.answers.take().unwrap_or_default();
    let taken = answers::follow(&mut on_their_way, event, at, |outgoing| answers(outgoing.author));
    row.answers = (on_their_way != AnswersRow::default()).then_some(on_their_way);
    if let Some(queued_at) = taken {
        answered(row, queued_at);
    }
}

/// Whether there is nothing to remember.
pub(crate) fn is_nothing(row: &UnansweredRow) -> bool {
    *row == UnansweredRow::default()
}

/// The episode ended: nobody waits any longer.
pub(crate) fn settled(row: &mut UnansweredRow) {
    row.times.clear();
    row.more.clear();
}

/// How many there are. Only since when is shown; the number is what the tests hold against a list of all messages.
#[cfg(test)]
pub(crate) fn count(row: &UnansweredRow) -> u64 {
    row.times.len() as u64 + row.more.iter().map(|span| span.count).sum::<u64>()
}

/// Time of the oldest message that waits.
pub(crate) fn since(row: &UnansweredRow) -> Option<i64> {
    let answered = row.answers.as_ref().and_then(answers::until).unwrap_or(i64::MIN);
    let span = || row.more.iter().find(|span| span.until > answered);
    let one_by_one = row.times.iter().copied().find(|time| *time > answered);
    one_by_one.or_else(|| span().map(|span| span.from.max(answered.saturating_add(1))))
}

fn count_in_spans(spans: &mut Vec<SpanRow>, at: i64) {
    let place = spans.partition_point(|span| span.until < at);
    match spans.get_mut(place).filter(|span| span.from <= at) {
        Some(span) => span.count += 1,
        None => spans.insert(place, SpanRow { from: at, until: at, count: 1 }),
    }
    if spans.len() > SPANS_MAX {
        join_smallest(spans);
    }
}

/// Joins the two neighbours that hold the fewest messages: so all spans stay about as large as each other.
fn join_smallest(spans: &mut Vec<SpanRow>) {
    let pairs = spans.windows(2).enumerate();
    let smallest = pairs.min_by_key(|(_, pair)| pair.iter().map(|span| span.count).sum::<u64>());
    if let Some((place, _)) = smallest {
        let later = spans.remove(place + 1);
        if let Some(earlier) = spans.get_mut(place) {
            earlier.until = later.until;
            earlier.count += later.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_that_comes_late_answers_only_what_was_written_before_it() {
        let mut row = UnansweredRow::default();
        wrote(&mut row, 10);
        wrote(&mut row, 30);
        answered(&mut row, 20);
        assert_eq!((count(&row), since(&row)), (1, Some(30)));
        // This one was answered at 20, though we hear of it only now.
        wrote(&mut row, 15);
        assert_eq!((count(&row), since(&row)), (1, Some(30)));
    }

    #[test]
    fn of_the_same_second_the_log_decides() {
        let mut row = UnansweredRow::default();
        wrote(&mut row, 10);
        answered(&mut row, 10);
        assert_eq!(count(&row), 0);
        wrote(&mut row, 10);
        assert_eq!((count(&row), since(&row)), (1, Some(10)));
    }

    #[test]
    fn a_flood_is_counted_and_its_oldest_message_stays_known() {
        let mut row = UnansweredRow::default();
        for at in (1..=1000).rev() {
            wrote(&mut row, at);
        }
        assert_eq!((count(&row), since(&row), row.times.len()), (1000, Some(1), TIMES_MAX));
        answered(&mut row, 1000);
        assert_eq!((count(&row), since(&row)), (0, None));
    }

    #[test]
    fn an_answer_in_the_middle_of_a_flood_answers_what_was_before_it() {
        let mut row = UnansweredRow::default();
        for at in 1..=1000 {
            wrote(&mut row, at);
        }
        answered(&mut row, 500);
        // 800 messages in 100 spans: one of them is cut by the answer, and stays whole.
        assert!((500..=520).contains(&count(&row)), "{}", count(&row));
        assert_eq!(since(&row), Some(501));

        answered(&mut row, 1000);
        assert_eq!((count(&row), since(&row)), (0, None));
        wrote(&mut row, 1001);
        assert_eq!((count(&row), since(&row)), (1, Some(1001)));
    }

    #[test]
    fn what_is_written_after_a_partial_answer_does_not_hide_what_waits_longer() {
        let mut row = UnansweredRow::default();
        for at in 1..=300 {
            wrote(&mut row, at);
        }
        answered(&mut row, 250);
        wrote(&mut row, 400);
        assert_eq!((count(&row), since(&row)), (51, Some(251)));
    }

    proptest! {
        #[test]
        fn a_flood_is_never_counted_too_low_and_at_most_a_span_too_high(
            steps in prop::collection::vec((0..200u8, 0..100_000i64), 200..1500),
        ) {
            let mut row = UnansweredRow::default();
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
                let cut = row.more.first().map_or(0, |span| span.count);
                prop_assert!(count(&row) >= all.len() as u64 && count(&row) <= all.len() as u64 + cut);
                prop_assert_eq!(count(&row) == 0, all.is_empty());
                prop_assert!(since(&row) <= all.iter().min().copied());
                prop_assert!(row.times.len() <= TIMES_MAX && row.more.len() <= SPANS_MAX);
            }
        }

        #[test]
        fn it_is_what_a_list_of_all_messages_would_say(steps in prop::collection::vec((any::<bool>(), 0..50i64), 0..60)) {
            let mut row = UnansweredRow::default();
            let (mut all, mut last): (Vec<i64>, Option<i64>) = (Vec::new(), None);
            for (customer, at) in steps {
                if customer {
                    wrote(&mut row, at);
                    if last.is_none_or(|last| at >= last) {
                        all.push(at);
                    }
                } else {
                    answered(&mut row, at);
                    all.retain(|time| *time > at);
                    last = last.max(Some(at));
                }
                prop_assert_eq!(count(&row), all.len() as u64);
                prop_assert_eq!(since(&row), all.iter().min().copied());
            }
        }
    }
}
