//! The checker accepts what could have happened and rejects what could not.

use proptest::collection::vec;
use proptest::prelude::*;

use super::conversation::{Answer, Asked, Conversation, Operation, State, told};
use super::{Broken, Model as _, check, check_within};

const FRESH: State = State { version: 1, paused: false, assignee: None };

fn asked(client: u32, operation: Operation, from: u64, answered: Option<(u64, Answer)>) -> Asked {
    Asked { client, operation, asked: from, answered }
}

fn done(client: u32, operation: Operation, from: u64, until: u64, version: u64) -> Asked {
    asked(client, operation, from, Some((until, Answer::Done { version })))
}

fn seen(client: u32, from: u64, until: u64, state: State) -> Asked {
    asked(client, Operation::Read, from, Some((until, Answer::Seen(state))))
}

fn verdict(history: &[Asked]) -> Result<Vec<usize>, Broken> {
    check(&Conversation(FRESH), history)
}

fn is_refused(history: &[Asked]) {
    let verdict = verdict(history);
    assert!(matches!(verdict, Err(Broken::NotLinearizable { .. })), "{verdict:?}");
}

#[test]
fn one_after_the_other_is_accepted() {
    let history = [
        done(0, Operation::Pause, 0, 1, 2),
        asked(1, Operation::Pause, 2, Some((3, Answer::AlreadySo { version: 2 }))),
        seen(0, 4, 5, State { version: 2, paused: true, assignee: None }),
        done(1, Operation::Claim { agent: 1 }, 6, 7, 3),
        asked(0, Operation::Claim { agent: 0 }, 8, Some((9, Answer::Taken { by: 1 }))),
        asked(0, Operation::Note { expected: 1 }, 10, Some((11, Answer::Conflict { actual: 3 }))),
        done(0, Operation::Note { expected: 3 }, 12, 13, 4),
    ];
    assert_eq!(verdict(&history), Ok(vec![0, 1, 2, 3, 4, 5, 6]));
}

#[test]
fn what_overlaps_may_have_happened_in_either_order() {
    let history = [
        done(0, Operation::Resume, 0, 10, 3),
        done(1, Operation::Pause, 0, 10, 2),
        seen(2, 1, 9, State { version: 2, paused: true, assignee: None }),
        seen(3, 1, 9, FRESH),
    ];
    assert_eq!(verdict(&history), Ok(vec![3, 1, 2, 0]));
}

#[test]
fn an_old_read_after_a_returned_pause_is_refused() {
    let pause = done(0, Operation::Pause, 0, 1, 2);
    is_refused(&[pause.clone(), seen(1, 2, 3, FRESH)]);
    // The very same read, asked for a moment earlier, is not too old.
    assert!(verdict(&[pause, seen(1, 1, 3, FRESH)]).is_ok());
}

#[test]
fn a_second_read_cannot_be_older_than_the_first() {
    let pause = asked(0, Operation::Pause, 0, None);
    let after = State { version: 2, paused: true, assignee: None };
    assert!(verdict(&[pause.clone(), seen(1, 1, 2, FRESH), seen(2, 3, 4, after.clone())]).is_ok());
    is_refused(&[pause, seen(1, 1, 2, after), seen(2, 3, 4, FRESH)]);
}

#[test]
fn two_winners_of_a_claim_are_refused() {
    let one = done(0, Operation::Claim { agent: 0 }, 0, 10, 2);
    for version in [2, 3] {
        is_refused(&[one.clone(), done(1, Operation::Claim { agent: 1 }, 0, 10, version)]);
    }
    // With an unassignment in between that nobody heard of, both may have won.
    let unassign = asked(2, Operation::Unassign, 0, None);
    assert!(verdict(&[one.clone(), unassign, done(1, Operation::Claim { agent: 1 }, 0, 10, 4)]).is_ok());
    // A refusal that names somebody who did not have it any more.
    let back = done(0, Operation::Unassign, 11, 12, 3);
    let late = asked(1, Operation::Claim { agent: 1 }, 13, Some((14, Answer::Taken { by: 0 })));
    is_refused(&[one, back, late]);
}

#[test]
fn a_lost_append_is_refused() {
    let first = done(0, Operation::Note { expected: 1 }, 0, 1, 2);
    // The next one was told that it is the second as well.
    is_refused(&[first.clone(), done(1, Operation::Note { expected: 1 }, 2, 3, 2)]);
    is_refused(&[
        first.clone(),
        asked(1, Operation::Note { expected: 1 }, 2, Some((3, Answer::Conflict { actual: 1 }))),
    ]);
    is_refused(&[first, seen(1, 2, 3, FRESH)]);
}

#[test]
fn a_doubled_append_is_refused() {
    let first = done(0, Operation::Note { expected: 1 }, 0, 1, 2);
    is_refused(&[first, seen(1, 2, 3, State { version: 3, ..FRESH })]);
}

#[test]
fn what_was_not_answered_may_happen_late_or_never() {
    let lost = asked(0, Operation::Pause, 0, None);
    let paused = State { version: 2, paused: true, assignee: None };
    assert_eq!(verdict(&[lost.clone(), seen(1, 1, 2, FRESH)]), Ok(vec![1]));
    assert_eq!(verdict(&[lost.clone(), seen(1, 1, 2, FRESH), seen(1, 3, 4, paused.clone())]), Ok(vec![1, 0, 2]));
    // But not before it was asked for, and not twice.
    is_refused(&[asked(0, Operation::Pause, 5, None), seen(1, 1, 2, paused.clone())]);
    is_refused(&[lost, seen(1, 3, 4, State { version: 3, ..paused })]);
}

#[test]
fn a_refusal_does_not_bind_who_reads_and_binds_who_writes() {
    let claim = asked(0, Operation::Claim { agent: 0 }, 0, None);
    let taken = asked(1, Operation::Claim { agent: 1 }, 1, Some((2, Answer::Taken { by: 0 })));
    assert!(verdict(&[claim.clone(), taken.clone(), seen(1, 3, 4, FRESH)]).is_ok());
    is_refused(&[claim, taken, done(1, Operation::Claim { agent: 1 }, 3, 4, 2)]);
}

#[test]
fn a_search_without_an_end_is_no_yes() {
    let history: Vec<Asked> = (0..20)
        .map(|client| asked(client, Operation::Note { expected: u64::from(client) + 1 }, 0, None))
        .chain([seen(99, 1, 2, State { version: 90, ..FRESH })])
        .collect();
    assert!(matches!(check_within(&Conversation(FRESH), &history, 5), Err(Broken::TooLong { .. })));
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Operation::Pause),
        Just(Operation::Resume),
        (0..3u8).prop_map(|agent| Operation::Claim { agent }),
        Just(Operation::Unassign),
        (1..6u64).prop_map(|expected| Operation::Note { expected }),
        Just(Operation::Read),
    ]
}

/// What one client asks, how long before and after its instant it was under way, and whether it heard the answer.
fn legal(length: usize) -> impl Strategy<Value = Vec<Asked>> {
    vec((operations(), 0..40u64, 0..40u64, 0..10u8), 1..length).prop_map(|wishes| {
        let mut state = FRESH;
        let instants = wishes.into_iter().enumerate();
        let mut history: Vec<Asked> = instants
            .map(|(n, (operation, early, late, luck))| {
                let (instant, client) = (n as u64 * 10 + 50, n as u32);
                let from = instant - early;
                if luck == 0 {
                    // It never happened.
                    return asked(client, operation, from, None);
                }
                let (answer, next) = told(&state, &operation);
                state = next;
                let answered = (luck > 1).then_some((instant + late, answer));
                asked(client, operation, from, answered)
            })
            .collect();
        history.sort_by_key(|recorded| recorded.asked);
        history
    })
}

/// Any order of any of the operations, the plain way.
fn by_trial(history: &[Asked], placed: &mut Vec<usize>, state: &State) -> bool {
    let model = Conversation(FRESH);
    if history.iter().enumerate().all(|(place, one)| one.answered.is_none() || placed.contains(&place)) {
        return true;
    }
    (0..history.len()).any(|place| {
        let one = &history[place];
        let waits = history.iter().enumerate().any(|(other, earlier)| {
            let Some((at, _)) = &earlier.answered else { return false };
            !placed.contains(&other) && other != place && *at < one.asked && model.binds(earlier, &one.operation)
        });
        if placed.contains(&place) || waits {
            return false;
        }
        let answer = one.answered.as_ref().map(|(_, answer)| answer);
        let Some(next) = model.step(state, &one.operation, answer) else { return false };
        placed.push(place);
        let found = by_trial(history, placed, &next);
        placed.pop();
        found
    })
}

proptest! {
    #[test]
    fn every_legal_history_is_accepted(history in legal(60)) {
        let verdict = verdict(&history);
        prop_assert!(verdict.is_ok(), "{:?}", verdict);
    }

    #[test]
    fn the_verdict_is_that_of_plain_trial(mut history in legal(7), answer in answers(), place in any::<prop::sample::Index>()) {
        // One answer is another one than it was: often that cannot be explained, sometimes it can.
        let place = place.index(history.len());
        if let Some((_, told)) = &mut history[place].answered {
            *told = answer;
        }
        prop_assert_eq!(verdict(&history).is_ok(), by_trial(&history, &mut Vec::new(), &FRESH));
    }

    #[test]
    fn an_order_that_is_found_explains_every_answer(history in legal(40)) {
        let order = verdict(&history).unwrap();
        let mut state = FRESH;
        for place in order {
            let answer = history[place].answered.as_ref().map(|(_, answer)| answer);
            state = Conversation(FRESH).step(&state, &history[place].operation, answer).unwrap();
        }
    }
}

fn answers() -> impl Strategy<Value = Answer> {
    let states = (1..5u64, any::<bool>(), prop::option::of(0..3u8));
    prop_oneof![
        (1..6u64).prop_map(|version| Answer::Done { version }),
        (1..6u64).prop_map(|version| Answer::AlreadySo { version }),
        (0..3u8).prop_map(|by| Answer::Taken { by }),
        (1..6u64).prop_map(|actual| Answer::Conflict { actual }),
        states.prop_map(|(version, paused, assignee)| Answer::Seen(State { version, paused, assignee })),
    ]
}
