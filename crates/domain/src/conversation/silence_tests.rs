//! What a pause leaves behind: of one whose time is over, of who locked it, of the customer who waits, and of the bot's turn.

use std::time::Duration;

use super::decide_tests::{Given, NOON, agent, laura, names, opened_and, place, text};
use super::send_tests::{id, outgoing};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::AgentId;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);
const OPEN_END: PauseTerms = PauseTerms { until: None, locked: false };
const LOCKED: PauseTerms = PauseTerms { until: None, locked: true };

fn paused_for(time: Duration) -> ConversationEvent {
    let terms = PauseTerms { until: Some(NOON + time), locked: false };
    let (reason, personal) = (PauseReason::Complaint, NotePersonal::default());
    ConversationEvent::BotPaused { reason, automatic: false, terms, personal }
}

fn pause(terms: PauseTerms) -> Command {
    Command::PauseBot(PauseWish { reason: PauseReason::Other, note: None, terms })
}

fn received() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn bot_says(n: u8) -> ConversationEvent {
    let body = Body::Text { text: "hola".to_owned(), preview_url: false };
    ConversationEvent::MessageQueued(Box::new(outgoing(n, Author::Bot, body)))
}

fn resumed(catch_up: CatchUp) -> ConversationEvent {
    let (cause, personal) = (ResumeCause::Staff, NotePersonal::default());
    ConversationEvent::BotResumed { cause, catch_up, personal }
}

fn turn(from: u64, through: u64) -> ConversationEvent {
    ConversationEvent::BotTurnStarted(Box::new(GivenTurn {
        bot: AgentId::new("helper").unwrap(),
        from,
        through,
        context_through: 0,
        answer: true,
        attempt: 1,
        claim: "one".to_owned(),
        until: NOON + HOUR,
    }))
}

fn state(given: &Given) -> &Opened {
    given.0.opened.as_ref().unwrap()
}

#[test]
fn who_pauses_when_a_pauses_time_is_over_is_not_undone_by_its_timer() {
    let over = || opened_and([received(), paused_for(HOUR)]).later(HOUR * 2);
    let echo = Command::RecordEcho { place: place(), message: text(MessageKind::Text) };
    let linked = Command::RecordReaction {
        place: Place { contact_paused: true, ..place() },
        message: id(1),
        personal: ReactionPersonal::default(),
    };
    for (by, command) in [
        (laura(), pause(OPEN_END)),
        (Actor::PhoneApp, echo),
        (Actor::Customer, linked),
        (Actor::System, Command::PauseLinked),
    ] {
        let role = matches!(by, Actor::Staff(_)).then_some(Role::Agent);
        let decided = over().when_by(role, by, &command);
        let (told, Ok(Decision::Append(events))) = (names(&decided), decided) else { panic!("{command:?}") };
        let at = told.iter().position(|name| *name == "BotPaused").unwrap();
        assert_eq!(told[at - 1], "BotResumed", "{told:?}");
        let before = [received(), paused_for(HOUR)].into_iter();
        let after = opened_and(before.chain(events)).later(HOUR * 2);
        let ends = Command::EndPause { scheduled: NOON + HOUR, catch_up: CatchUp::Know };
        assert_eq!(after.when_by(None, Actor::System, &ends), Ok(Decision::AlreadySo), "{command:?}");
    }
}

#[test]
fn a_lock_is_whose_it_is_and_not_the_pauses() {
    let locked = ConversationEvent::PauseChanged { terms: LOCKED, personal: NotePersonal::default() };
    let carla = Actor::Staff(agent("carla"));
    let given = opened_and([paused_for(HOUR)]);
    let state = given.0.clone().evolve(&locked, NOON + HOUR, &carla);
    let given = Given(state, given.1);
    let resume = Command::ResumeBot { catch_up: CatchUp::Know, note: None, farewell: None };
    assert_eq!(given.when(resume), Err(Rejection::PauseLocked { by: carla, since: NOON + HOUR }));
}

#[test]
fn who_gets_no_answer_after_all_has_waited_since_they_wrote() {
    let cancelled = |n| ConversationEvent::SendCancelled { message: id(n), cause: CancelCause::BotPaused };
    let silent = opened_and([received(), bot_says(1), bot_says(2), paused_for(HOUR), cancelled(1), cancelled(2)]);
    assert_eq!(state(&silent).waiting_since, Some(NOON));
    assert_eq!(state(&silent).alarming_since(Alert::PausedUnanswered), Some(NOON));
    let taken = ConversationEvent::MessageAccepted {
        message: id(1),
        attempt: 1,
        alias: id(9),
        personal: AcceptedPersonal::default(),
    };
    let answered = opened_and([received(), bot_says(1), bot_says(2), taken, paused_for(HOUR), cancelled(2)]);
    assert_eq!(state(&answered).waiting_since, None);
}

#[test]
fn what_was_in_a_turn_that_a_pause_ended_is_in_the_next_one() {
    // Versions: 1 opened, 2 episode, 3 received, 4 turn, 5 pause, 6 resumed.
    for (catch_up, due) in [(CatchUp::Know, Due::Know), (CatchUp::Answer, Due::Answer)] {
        let given = opened_and([received(), turn(3, 3), paused_for(HOUR), resumed(catch_up)]);
        let turns = &state(&given).turns;
        assert_eq!((turns.new_from, turns.due, turns.running.as_ref()), (Some(3), Some(due), None));
        assert_eq!(turns.context_through, 6);
    }
}

#[test]
fn times_are_compared_to_the_millisecond() {
    let given = opened_and([paused_for(HOUR)]);
    let at = |time: Timestamp| state(&given).stays_paused(time);
    assert!(at(NOON + HOUR - Duration::from_millis(1)));
    assert!(!at(NOON + HOUR));
}
