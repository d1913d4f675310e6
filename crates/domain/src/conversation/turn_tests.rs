//! The rules of turns, one sentence each: who gets one, what ends it, what a bot that comes late is told, and what is told it after a
//! pause.

use std::time::Duration;

use super::decide_tests::{Given, NOON, agent, laura, names, opened, opened_and, paused, resolved, text};
use super::send_tests::{outgoing, queued, started};
use super::*;
use crate::access::Role;
use crate::actor::Actor;

const MINUTE: Duration = Duration::from_mins(1);

fn bot(name: &str) -> Actor {
    Actor::Bot(agent(name))
}

fn as_bot(given: &Given, name: &str, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(Some(Role::Bot), bot(name), command)
}

fn wrote() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn flagged(flag: impl FnOnce(&mut MessageFlags)) -> ConversationEvent {
    let mut message = text(MessageKind::Email);
    flag(&mut message.flags);
    ConversationEvent::MessageReceived(message)
}

fn start() -> Command {
    Command::StartTurn { claim: "a/1".to_owned(), until: NOON + MINUTE }
}

/// The command as somebody with another claim gives it, `later`.
fn start_again(later: Duration) -> Command {
    Command::StartTurn { claim: "b/2".to_owned(), until: NOON + later + MINUTE }
}

fn end(turn: u64, how: TurnEnd) -> Command {
    Command::EndTurn { turn, how }
}

fn reply(turn: u64, more: bool) -> Command {
    let words = Body::Text { text: "Hola, ¿en qué ayudo?".to_owned(), preview_url: false };
    Command::SendMessage(Box::new(Send {
        outgoing: outgoing(1, Author::Bot, words),
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot: true,
        pause: None,
        turn: Some(TurnRef { number: turn, more }),
        channel_paused: false,
        detection: None,
    }))
}

fn resumed(catch_up: CatchUp) -> ConversationEvent {
    ConversationEvent::BotResumed { cause: ResumeCause::Staff, catch_up, personal: NotePersonal::default() }
}

#[track_caller]
fn given_turn(decided: Result<Decision, Rejection>) -> GivenTurn {
    match decided.map(|decision| if let Decision::Append(events) = decision { events } else { vec![] }).as_deref() {
        Ok([ConversationEvent::BotTurnStarted(given)]) => given.as_ref().clone(),
        other => panic!("no turn: {other:?}"),
    }
}

/// A turn of `helper` that began with the third event's message; its number is 4.
fn turned(more: impl IntoIterator<Item = ConversationEvent>) -> Given {
    let begun = given_turn(as_bot(&opened_and([wrote()]), "helper", &start()));
    opened_and([wrote(), ConversationEvent::BotTurnStarted(Box::new(begun))].into_iter().chain(more))
}

fn paused_by_laura() -> Rejection {
    Rejection::BotPaused { reason: PauseReason::Complaint, by: laura(), since: NOON }
}

// === who gets one ===

#[test]
fn what_the_customer_writes_is_a_turn_of_whoever_asks_first() {
    let expected = GivenTurn {
        bot: agent("helper"),
        from: 3,
        through: 3,
        context_through: 0,
        answer: true,
        attempt: 1,
        claim: "a/1".to_owned(),
        until: NOON + MINUTE,
    };
    assert_eq!(given_turn(as_bot(&opened_and([wrote()]), "helper", &start())), expected);
    for name in ["helper", "night"] {
        assert_eq!(as_bot(&turned([]), name, &start_again(Duration::ZERO)), Ok(Decision::AlreadySo), "{name}");
    }
}

#[test]
fn nothing_new_is_no_turn() {
    assert_eq!(as_bot(&opened_and([]), "helper", &start()), Ok(Decision::AlreadySo));
    let done = turned([ConversationEvent::BotTurnEnded { turn: 4, how: TurnEnd::Done }]);
    assert_eq!(as_bot(&done, "helper", &start()), Ok(Decision::AlreadySo));
}

#[test]
fn what_no_person_wrote_is_no_turn() {
    let flags: [fn(&mut MessageFlags); 5] = [
        |flags| flags.imported = true,
        |flags| flags.automatic = true,
        |flags| flags.bounce = true,
        |flags| flags.list = true,
        |flags| flags.own_loop = true,
    ];
    for (n, flag) in flags.into_iter().enumerate() {
        assert_eq!(as_bot(&opened_and([flagged(flag)]), "helper", &start()), Ok(Decision::AlreadySo), "{n}");
    }
    let system = ConversationEvent::MessageReceived(text(MessageKind::System));
    assert_eq!(as_bot(&opened_and([system]), "helper", &start()), Ok(Decision::AlreadySo));
}

#[test]
fn only_a_bot_takes_turns_ends_them_and_hands_over() {
    let hand_off = Command::HandOff { turn: 4, note: None };
    for command in [start(), end(4, TurnEnd::Done), hand_off] {
        for (role, actor) in [(Some(Role::Agent), laura()), (None, Actor::System), (None, Actor::Customer)] {
            let refused = turned([]).when_by(role, actor, &command);
            assert!(matches!(refused, Err(Rejection::Forbidden { .. })), "{command:?}: {refused:?}");
        }
    }
}

// === what ends it ===

#[test]
fn an_answer_ends_the_turn_in_the_same_commit_unless_more_is_to_come() {
    assert_eq!(names(&as_bot(&turned([]), "helper", &reply(4, false))), ["MessageQueued", "BotTurnEnded"]);
    assert_eq!(names(&as_bot(&turned([]), "helper", &reply(4, true))), ["MessageQueued"]);
}

#[test]
fn a_bot_without_the_turn_is_told_so() {
    let ended = Err(Rejection::TurnEnded { turn: 4 });
    let done = turned([ConversationEvent::BotTurnEnded { turn: 4, how: TurnEnd::Done }]);
    for command in [reply(4, false), end(4, TurnEnd::Done), Command::HandOff { turn: 4, note: None }] {
        assert_eq!(as_bot(&turned([]), "night", &command), ended, "another bot's");
        assert_eq!(as_bot(&done, "helper", &command), ended, "an old one");
    }
    assert_eq!(as_bot(&turned([]), "helper", &reply(3, false)), Err(Rejection::TurnEnded { turn: 3 }));
}

#[test]
fn a_pause_ends_the_turn_and_a_late_answer_is_told_who_and_why() {
    let silent = turned([paused()]);
    assert_eq!(silent.0.opened.as_ref().unwrap().turns.running, None);
    for command in [reply(4, false), end(4, TurnEnd::Failed), start(), Command::HandOff { turn: 4, note: None }] {
        assert_eq!(as_bot(&silent, "helper", &command), Err(paused_by_laura()), "{command:?}");
    }
    let again = turned([paused(), resumed(CatchUp::Know)]);
    assert_eq!(
        as_bot(&again, "helper", &reply(4, false)),
        Err(Rejection::TurnEnded { turn: 4 }),
        "it is over for good"
    );
}

#[test]
fn a_person_who_answers_or_resolves_ends_the_turn() {
    let echoed = ConversationEvent::MessageEchoed(text(MessageKind::Text));
    for ends in [queued(7, Author::Staff), echoed, resolved()] {
        let over = turned([ends.clone()]);
        assert_eq!(as_bot(&over, "helper", &reply(4, false)), Err(Rejection::TurnEnded { turn: 4 }), "{ends:?}");
        assert_eq!(as_bot(&over, "helper", &start()), Ok(Decision::AlreadySo), "{ends:?}");
    }
}

#[test]
fn what_the_customer_writes_during_a_turn_is_the_next_one() {
    let during = turned([wrote(), ConversationEvent::BotTurnEnded { turn: 4, how: TurnEnd::Done }]);
    let next = given_turn(as_bot(&during, "helper", &start()));
    assert_eq!((next.from, next.through, next.attempt), (5, 6, 1));
}

#[test]
fn a_bot_that_hands_over_is_paused_and_what_nobody_claimed_is_taken_back() {
    let said = queued(5, Author::Bot);
    let handed = as_bot(
        &turned([said.clone()]),
        "helper",
        &Command::HandOff { turn: 4, note: Some("pide una persona".to_owned()) },
    );
    assert_eq!(names(&handed), ["BotPaused", "SendCancelled"]);
    let claimed = turned([said, started(5, 1)]);
    assert_eq!(names(&as_bot(&claimed, "helper", &Command::HandOff { turn: 4, note: None })), ["BotPaused"]);
    let Ok(Decision::Append(events)) = handed else { panic!() };
    let state = turned([queued(5, Author::Bot)].into_iter().chain(events)).0.opened.unwrap();
    assert!(matches!(state.bot, Bot::Paused { reason: PauseReason::BotHandoff, .. }), "{:?}", state.bot);
}

// === given again ===

#[test]
fn a_turn_whose_time_is_over_is_given_again_and_its_first_holder_is_told() {
    let late = turned([]).later(MINUTE);
    let again = given_turn(as_bot(&late, "night", &start_again(MINUTE)));
    assert_eq!((again.attempt, again.from, again.bot.as_str(), again.answer), (2, 3, "night", true));
    let second = turned([ConversationEvent::BotTurnStarted(Box::new(again))]);
    assert_eq!(as_bot(&second, "helper", &reply(4, false)), Err(Rejection::TurnEnded { turn: 4 }));
    assert_eq!(names(&as_bot(&second, "night", &reply(5, false))), ["MessageQueued", "BotTurnEnded"]);
    let just = turned([]).later(Duration::from_millis(59_999));
    assert_eq!(as_bot(&just, "night", &start_again(MINUTE)), Ok(Decision::AlreadySo));
}

/// Five turns that nobody finishes: by time, or because the bot says that it cannot.
fn attempts(by_time: bool) -> (Given, Vec<u32>) {
    let (mut events, mut seen, mut later) = (vec![wrote()], Vec::new(), Duration::ZERO);
    for _ in 0..TURN_ATTEMPTS_MAX {
        let given = given_turn(as_bot(&opened_and(events.clone()).later(later), "helper", &start_again(later)));
        seen.push(given.attempt);
        events.push(ConversationEvent::BotTurnStarted(Box::new(given)));
        later += MINUTE;
        if !by_time {
            let turn = (opened().len() + events.len()) as u64;
            let decided = as_bot(&opened_and(events.clone()), "helper", &end(turn, TurnEnd::Failed));
            let Ok(Decision::Append(ended)) = decided else { panic!("{decided:?}") };
            events.extend(ended);
        }
    }
    (opened_and(events).later(later), seen)
}

#[test]
fn what_fails_five_times_is_given_up() {
    let (given, seen) = attempts(true);
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let Ok(Decision::Append(events)) = as_bot(&given, "helper", &start_again(MINUTE * 5)) else { panic!() };
    let [
        ConversationEvent::BotTurnEnded { how: TurnEnd::GivenUp, .. },
        ConversationEvent::BotPaused { reason, automatic, .. },
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((reason, automatic), (PauseReason::BotError, true), "people go on");
    let (given, seen) = attempts(false);
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let decided = as_bot(&given, "helper", &start_again(MINUTE * 5));
    assert!(
        matches!(decided, Err(Rejection::BotPaused { reason: PauseReason::BotError, .. })),
        "the fifth failure gave it up: {decided:?}"
    );
    let turns = given.0.opened.unwrap().turns;
    assert_eq!((turns.due, turns.running, turns.failed), (None, None, 0));
}

// === after a pause ===

#[test]
fn what_was_written_during_a_pause_is_context_when_the_bot_may_speak_again() {
    for (catch_up, answer) in [(CatchUp::Know, false), (CatchUp::Answer, true)] {
        let given = opened_and([wrote(), paused(), wrote(), resumed(catch_up)]);
        let turn = given_turn(as_bot(&given, "helper", &start()));
        assert_eq!((turn.from, turn.context_through, turn.answer), (3, 6, answer), "{catch_up:?}");
        let newer = opened_and([wrote(), paused(), wrote(), resumed(catch_up), wrote()]);
        let turn = given_turn(as_bot(&newer, "helper", &start()));
        assert_eq!(
            (turn.from, turn.context_through, turn.answer),
            (3, 6, true),
            "what is written now is to be answered"
        );
    }
}

#[test]
fn what_the_bot_had_when_a_pause_came_is_told_again_and_what_it_had_answered_is_not() {
    let cut_off = turned([paused(), resumed(CatchUp::Answer)]);
    let turn = given_turn(as_bot(&cut_off, "helper", &start()));
    assert_eq!((turn.from, turn.context_through, turn.attempt), (3, 6, 1));
    let done = ConversationEvent::BotTurnEnded { turn: 4, how: TurnEnd::Done };
    let answered = turned([done, paused(), resumed(CatchUp::Answer)]);
    assert_eq!(as_bot(&answered, "helper", &start()), Ok(Decision::AlreadySo));
}

#[test]
fn during_a_pause_nothing_is_due() {
    let silent = opened_and([paused(), wrote()]);
    assert_eq!(silent.0.opened.as_ref().unwrap().turns.due, None);
    assert_eq!(as_bot(&silent, "helper", &start()), Err(paused_by_laura()));
}

#[test]
fn what_is_resolved_is_not_told_any_more() {
    let given = opened_and([paused(), wrote(), resolved(), resumed(CatchUp::Answer)]);
    assert_eq!(as_bot(&given, "helper", &start()), Ok(Decision::AlreadySo));
    let unknown = Given::from(State::default());
    assert_eq!(as_bot(&unknown, "helper", &start()), Err(Rejection::NotFound));
}
