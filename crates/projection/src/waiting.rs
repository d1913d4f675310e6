//! Since when the customer waits: the oldest message of theirs that no person has answered. One rule for the views that order
//! by it; it knows no event, a projector tells it who wrote.
//!
//! A message of the business answers everything that was written before it, by event time; of the same millisecond, what the log
//! has before it. So the answer is the same in whatever order two providers' updates come. Resolving settles everything; a note,
//! a pause or an assignment answers nothing.

use prost::Message;

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

/// The episode ended: nobody waits any longer.
pub fn settled(row: &mut WaitingRow) {
    row.times.clear();
    row.rest = None;
}

/// Time of the oldest message that waits.
pub fn since(row: &WaitingRow) -> Option<i64> {
    row.times.first().copied().or(row.rest.map(|rest| rest.from))
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
