//! Who may go when, and who is told that another was before him.

use super::*;

fn outgoing(subject: &str) -> Outgoing {
    Outgoing { subject: subject.to_owned(), headers: HeaderMap::new(), payload: Bytes::new() }
}

fn messages(subjects: &[&str]) -> Arc<[Outgoing]> {
    subjects.iter().copied().map(outgoing).collect()
}

/// Puts a parcel into the queue; the answer is the caller's end.
fn wait(state: &mut State, subjects: &[&str]) -> oneshot::Receiver<Ticket> {
    let (ticket, answer) = oneshot::channel();
    let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    state.next += 1;
    let number = state.next;
    state.waiting.push_back(Parcel { number, messages: messages(subjects), bytes: 1, ticket, _room: room });
    answer
}

/// A queue of so many others.
fn crowd(state: &mut State, count: usize) -> Vec<oneshot::Receiver<Ticket>> {
    (0..count).map(|number| wait(state, &[&format!("crowd-{number}")])).collect()
}

fn subjects(load: &[Parcel]) -> Vec<&str> {
    load.iter().flat_map(|parcel| parcel.messages.iter()).map(|message| message.subject.as_str()).collect()
}

#[test]
fn a_batch_takes_nobody_whose_entity_is_being_written_to() {
    let mut state = State { batching: true, ..State::default() };
    state.sent(&messages(&["a"]), true);
    let (_crowd, mut stale) = (crowd(&mut state, 10), wait(&mut state, &["b", "a"]));

    let Step::Carry(load) = state.step() else { panic!("ten are a batch") };
    assert_eq!(load.len(), 10);
    assert!(!subjects(&load).contains(&"a"));
    assert!(stale.try_recv().is_err(), "who waits is not told before the other is back");
}

#[test]
fn whoever_waits_behind_a_write_to_its_entity_is_told_of_it_and_nobody_else_is() {
    let mut state = State { batching: true, ..State::default() };
    let urgent = messages(&["a"]);
    state.sent(&urgent, true);
    let (_stale, _other) = (wait(&mut state, &["a"]), wait(&mut state, &["c"]));

    assert_eq!(state.back(&urgent, true).overtaken.len(), 1);
    assert_eq!(state.waiting.len(), 1);
    assert_eq!(state.waiting[0].messages[0].subject, "c");
    assert!(state.afoot.is_empty() && state.urgent == 0);
}

#[test]
fn what_a_batch_wrote_is_told_to_those_behind_it_and_the_urgent_go_then() {
    let mut state = State { batching: true, ..State::default() };
    let (_crowd, _second) = (crowd(&mut state, 10), wait(&mut state, &["crowd-3"]));
    let Step::Carry(load) = state.step() else { panic!("ten are a batch") };
    assert_eq!((load.len(), state.waiting.len()), (10, 1));
    let (ticket, _turn) = oneshot::channel();
    state.behind.push(Waiter { messages: messages(&["crowd-5"]), ticket, urgent: true });

    let next = state.landed();
    assert_eq!((next.overtaken.len(), next.released.len()), (1, 1));
    assert_eq!((state.waiting.len(), state.urgent), (0, 1));
    assert!(state.busy(&messages(&["crowd-5"])) && !state.busy(&messages(&["crowd-3"])));
}

#[test]
fn one_of_few_does_not_go_by_itself_while_a_small_batch_has_its_entity() {
    let mut state = State { batching: true, ..State::default() };
    let _pair = wait(&mut state, &["a", "b"]);
    let Step::Carry(_) = state.step() else { panic!("a pair is a batch") };
    let (_stale, _other) = (wait(&mut state, &["b"]), wait(&mut state, &["c"]));

    let released = state.pump().released;
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].messages[0].subject, "c");
}

#[test]
fn what_was_decided_upon_a_state_that_is_gone_is_late() {
    let at = |subject: &str, expected: u64| {
        let mut message = outgoing(subject);
        message.headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
        message
    };
    let mut state = State::default();
    // Two of one entity stand behind each other, with another's between them.
    state.stored([at("a", 3), at("b", 0), outgoing("a")].iter(), 12);
    let stale = |subject, expected| state.stale(&[at("c", 0), at(subject, expected)]);
    assert!(stale("a", 3) && stale("a", 10) && !stale("a", 12) && !stale("a", 13));
    assert!(stale("b", 0) && !stale("b", 11));
    assert!(!state.stale(&[outgoing("a")]), "what expects nothing is never late");
}

#[test]
fn whoever_has_gone_away_meanwhile_is_not_sent() {
    let mut state = State { batching: true, ..State::default() };
    let (ticket, turn) = oneshot::channel();
    state.behind.push(Waiter { messages: messages(&["a"]), ticket, urgent: true });
    drop(turn);
    assert!(state.landed().released.is_empty());
    assert_eq!(state.urgent, 0);
}
