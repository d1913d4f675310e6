//! Given what happened, when a command comes, then this is decided.

use super::*;
use crate::access::Scope;
use crate::bulk::event::{Asker, Chosen, Outcome};
use crate::conversation::event::PauseReason;
use crate::id::{AgentId, EntityId, EntityKind};
use crate::position::Position;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_000_010);

fn start_by(role: Role, total: usize, terms: PauseTerms) -> Start {
    Start {
        what: What::Pause { reason: PauseReason::Other, terms },
        total,
        list: [7; 32],
        chosen: Chosen::Filter,
        position: Position::new(9),
        by: Asker { role, name: AgentId::new("laura").unwrap(), scope: Scope::Tenant },
        note: Some("  cierre temporal ".to_owned()),
        now: NOW,
    }
}

fn starting(total: usize) -> Command {
    Command::Start(Box::new(start_by(Role::Agent, total, PauseTerms::default())))
}

fn when(state: &State, command: &Command) -> Result<Decision, Rejection> {
    decide(state, command)
}

fn events(decision: Result<Decision, Rejection>) -> Vec<BulkEvent> {
    match decision {
        Ok(Decision::Append(events)) => events,
        other => panic!("{other:?}"),
    }
}

/// The state after these commands, each of which must be decided by events.
fn given(commands: &[Command]) -> State {
    commands
        .iter()
        .fold(State::default(), |state, command| events(when(&state, command)).iter().fold(state, State::evolve))
}

fn taken(worker: &str) -> Command {
    Command::Take { worker: worker.to_owned(), now: NOW, until: LATER }
}

fn one(n: u8, outcome: Outcome) -> OneResult {
    OneResult { conversation: EntityId::new(EntityKind::Conversation, [n; 16]), outcome, version: 3, changed: None }
}

fn progressed(worker: &str, from: u32, results: Vec<OneResult>) -> Command {
    Command::Progress { worker: worker.to_owned(), from, results, until: LATER }
}

#[test]
fn it_is_started_once_and_keeps_who_asked_for_it() {
    let state = given(&[starting(3)]);
    let job = state.job.clone().unwrap();
    assert_eq!((job.total, job.done, job.finished), (3, 0, false));
    assert_eq!(job.personal.text.as_deref(), Some("cierre temporal"));
    assert_eq!(when(&state, &starting(5)), Ok(Decision::AlreadySo));
}

#[test]
fn none_is_an_answer_and_more_than_a_million_is_refused() {
    let empty = given(&[starting(0)]);
    assert!(empty.job.as_ref().is_some_and(|job| job.finished));
    assert_eq!(when(&empty, &taken("a")), Ok(Decision::AlreadySo));
    let refused = Err(Rejection::Limit { what: "conversations", limit: BULK_CONVERSATIONS_MAX });
    assert_eq!(when(&State::default(), &starting(BULK_CONVERSATIONS_MAX + 1)), refused);
    assert!(when(&State::default(), &starting(BULK_CONVERSATIONS_MAX)).is_ok());
}

#[test]
fn people_ask_on_the_terms_that_one_pause_has() {
    for role in Role::ALL {
        let start = Command::Start(Box::new(start_by(role, 1, PauseTerms::default())));
        assert_eq!(when(&State::default(), &start).is_ok(), role.is_staff(), "{role:?}");
    }
    let on = |role, until, locked| {
        when(&State::default(), &Command::Start(Box::new(start_by(role, 1, PauseTerms { until, locked }))))
    };
    assert_eq!(on(Role::Agent, None, true), Err(Rejection::Forbidden { role: Role::Agent }));
    assert!(on(Role::Supervisor, None, true).is_ok());
    assert!(on(Role::Agent, Some(LATER), false).is_ok());
    let refused = Err(Rejection::Invalid { field: "until", limit: PAUSE_DAYS_MAX as usize });
    assert_eq!(on(Role::Supervisor, Some(LATER), true), refused);
    assert_eq!(on(Role::Agent, Some(NOW), false), refused);
    assert_eq!(on(Role::Agent, Some(NOW + PAUSE_MAX + Duration::from_millis(1)), false), refused);
}

#[test]
fn one_worker_has_it_until_its_time_is_over() {
    let state = given(&[starting(3), taken("a")]);
    assert_eq!(when(&state, &taken("b")), Err(Rejection::Held));
    assert!(matches!(when(&state, &taken("a")), Ok(Decision::Append(_))), "again by the same");
    let late = Command::Take { worker: "b".to_owned(), now: LATER, until: LATER };
    let state = events(when(&state, &late)).iter().fold(state, State::evolve);
    let results = vec![one(1, Outcome::Paused)];
    assert_eq!(when(&state, &progressed("a", 0, results.clone())), Err(Rejection::Held), "it had its turn");
    assert!(when(&state, &progressed("b", 0, results)).is_ok());
}

#[test]
fn each_conversation_has_one_result_and_the_last_one_finishes() {
    let first = progressed("a", 0, vec![one(1, Outcome::Paused), one(2, Outcome::Already)]);
    let state = given(&[starting(3), taken("a"), first.clone()]);
    assert_eq!(when(&state, &first), Ok(Decision::AlreadySo));
    for (from, many) in [(3, 1), (2, 2), (2, 0)] {
        let results = vec![one(3, Outcome::Forbidden); many];
        assert_eq!(when(&state, &progressed("a", from, results)), Err(Rejection::OutOfTurn), "{from} {many}");
    }
    let last = events(when(&state, &progressed("a", 2, vec![one(3, Outcome::Forbidden)])));
    let counts = Counts { paused: 1, already: 1, forbidden: 1, ..Counts::default() };
    assert_eq!(last.last(), Some(&BulkEvent::Finished { counts }));
    let state = last.iter().fold(state, State::evolve);
    assert!(state.job.as_ref().is_some_and(|job| job.finished && job.lease.is_none() && job.counts == counts));
    assert_eq!(counts.total(), 3);
    assert_eq!(when(&state, &taken("b")), Ok(Decision::AlreadySo));
}

#[test]
fn nothing_is_worked_on_that_nobody_asked_for_and_chunks_are_limited() {
    assert_eq!(when(&State::default(), &taken("a")), Err(Rejection::NotFound));
    let state = given(&[starting(BULK_CHUNK_MAX + 1), taken("a")]);
    let results = vec![one(1, Outcome::Paused); BULK_CHUNK_MAX + 1];
    assert_eq!(when(&state, &progressed("a", 0, results)), Err(Rejection::OutOfTurn));
}
