//! Which messages of the customer the business has not answered: the unread count and the time that the customer waits.
//!
//! A message of the business answers everything that was written before it, by event time; of the same second, what the log
//! has before it. So the figures are the same in whatever order two providers' updates come. Resolving settles everything.
//! A note, a claim or an assignment answers nothing. Reading alone will reset unread when there is a command for it.

use crate::row::UnansweredRow;

/// Times kept one by one. A customer who writes more before an answer is counted on, but by number only.
pub(crate) const TIMES_MAX: usize = 200;

/// The customer wrote.
pub(crate) fn wrote(row: &mut UnansweredRow, at: i64) {
    if row.answered_at.is_some_and(|answered| at < answered) {
        return;
    }
    let place = row.times.partition_point(|time| *time <= at);
    row.times.insert(place, at);
    if row.times.len() > TIMES_MAX
        && let Some(latest) = row.times.pop()
    {
        row.more_until = if row.more == 0 { latest } else { row.more_until.max(latest) };
        row.more += 1;
    }
}

/// The business wrote.
pub(crate) fn answered(row: &mut UnansweredRow, at: i64) {
    row.answered_at = Some(row.answered_at.map_or(at, |before| before.max(at)));
    row.times.retain(|time| *time > at);
    if row.more_until <= at {
        row.more = 0;
    }
}

/// The episode ended: nobody waits any longer.
pub(crate) fn settled(row: &mut UnansweredRow) {
    row.times.clear();
    row.more = 0;
}

pub(crate) fn count(row: &UnansweredRow) -> u64 {
    row.times.len() as u64 + row.more
}

/// Time of the oldest message that waits.
pub(crate) fn since(row: &UnansweredRow) -> Option<i64> {
    row.times.first().copied().or((row.more > 0).then_some(row.more_until))
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

    proptest! {
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
