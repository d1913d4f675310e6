//! The rules of alerts, and of what a bot shows without a message: one sentence each.

use std::time::Duration;

use super::decide_tests::{Given, NOON, agent, laura, opened_and, paused, received, resolved, text};
use super::send_tests::queued;
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);
const AFTER: Duration = Duration::from_mins(10);

fn wrote() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn raise(alert: Alert, since: Timestamp) -> Command {
    Command::RaiseAlert { alert, since, after: AFTER }
}

#[expect(clippy::unnecessary_wraps, reason = "as the decider answers")]
fn raised(alert: Alert, since: Timestamp) -> Result<Decision, Rejection> {
    Ok(Decision::Append(vec![ConversationEvent::AlertRaised { alert, since }]))
}

fn by_timer(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(None, Actor::System, command)
}

fn by_bot(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(Some(Role::Bot), Actor::Bot(agent("helper")), command)
}

/// What happened, each thing a minute after the one before; then as long again as staff is given.
fn minutes_apart(events: Vec<ConversationEvent>) -> Given {
    let mut given = opened_and([]);
    for (minute, event) in (1..).zip(events) {
        let by = if matches!(event, ConversationEvent::MessageReceived(_)) { Actor::Customer } else { laura() };
        given.0 = given.0.evolve(&event, NOON + MINUTE * minute, &by);
    }
    given.later(MINUTE * 20)
}

const UNANSWERED: Alert = Alert::PausedUnanswered;
const TOO_LONG: Alert = Alert::PausedTooLong;

#[test]
fn who_waits_is_counted_from_the_later_of_the_pause_and_their_oldest_message() {
    let before = minutes_apart(vec![wrote(), paused(), wrote()]);
    assert_eq!(by_timer(&before, &raise(UNANSWERED, NOON + MINUTE * 2)), raised(UNANSWERED, NOON + MINUTE * 2));
    let since = minutes_apart(vec![paused(), wrote(), wrote()]);
    assert_eq!(by_timer(&since, &raise(UNANSWERED, NOON + MINUTE * 2)), raised(UNANSWERED, NOON + MINUTE * 2));
    for other in [NOON + MINUTE, NOON + MINUTE * 3] {
        assert_eq!(by_timer(&since, &raise(UNANSWERED, other)), Ok(Decision::AlreadySo), "not since then");
    }
}

#[test]
fn a_pause_is_too_long_from_its_beginning_whether_anybody_waits_or_not() {
    let given = minutes_apart(vec![paused()]);
    assert_eq!(by_timer(&given, &raise(TOO_LONG, NOON + MINUTE)), raised(TOO_LONG, NOON + MINUTE));
    assert_eq!(by_timer(&given, &raise(UNANSWERED, NOON + MINUTE)), Ok(Decision::AlreadySo), "nobody waits");
}

#[test]
fn nothing_is_raised_before_its_time() {
    let mut given = minutes_apart(vec![paused(), wrote()]);
    given.1 = Timestamp::from_millis((NOON + MINUTE * 2 + AFTER).as_millis() - 1);
    assert_eq!(by_timer(&given, &raise(UNANSWERED, NOON + MINUTE * 2)), Ok(Decision::AlreadySo));
    given.1 = NOON + MINUTE * 2 + AFTER;
    assert_eq!(by_timer(&given, &raise(UNANSWERED, NOON + MINUTE * 2)), raised(UNANSWERED, NOON + MINUTE * 2));
}

#[test]
fn an_alert_is_raised_once_and_again_for_what_comes_after_an_answer() {
    let first = ConversationEvent::AlertRaised { alert: UNANSWERED, since: NOON + MINUTE * 2 };
    let told = minutes_apart(vec![paused(), wrote(), first.clone(), wrote()]);
    assert_eq!(by_timer(&told, &raise(UNANSWERED, NOON + MINUTE * 2)), Ok(Decision::AlreadySo));
    assert_eq!(by_timer(&told, &raise(TOO_LONG, NOON + MINUTE)), raised(TOO_LONG, NOON + MINUTE), "another matter");
    let again = minutes_apart(vec![paused(), wrote(), first, queued(1, Author::Staff), wrote()]);
    assert_eq!(by_timer(&again, &raise(UNANSWERED, NOON + MINUTE * 5)), raised(UNANSWERED, NOON + MINUTE * 5));
}

#[test]
fn what_has_changed_since_raises_nothing() {
    let resumed = ConversationEvent::BotResumed {
        cause: ResumeCause::Staff,
        catch_up: CatchUp::Know,
        personal: NotePersonal::default(),
    };
    for event in [resumed, queued(1, Author::Staff), resolved()] {
        let given = minutes_apart(vec![paused(), wrote(), event.clone()]);
        let decided = by_timer(&given, &raise(UNANSWERED, NOON + MINUTE * 2));
        assert_eq!(decided, Ok(Decision::AlreadySo), "{event:?}");
    }
}

#[test]
fn the_bots_answer_counts_only_while_it_may_speak() {
    let answered = minutes_apart(vec![wrote(), queued(1, Author::Bot), paused()]);
    assert_eq!(by_timer(&answered, &raise(UNANSWERED, NOON + MINUTE * 3)), Ok(Decision::AlreadySo));
    let taken_back =
        ConversationEvent::SendCancelled { message: super::send_tests::id(1), cause: CancelCause::BotPaused };
    let unheard = minutes_apart(vec![wrote(), queued(1, Author::Bot), paused(), taken_back]);
    assert_eq!(
        by_timer(&unheard, &raise(UNANSWERED, NOON + MINUTE * 3)),
        raised(UNANSWERED, NOON + MINUTE * 3),
        "the customer never got it"
    );
}

#[test]
fn nobody_raises_alerts_but_relevo() {
    let given = minutes_apart(vec![paused(), wrote()]);
    let command = raise(TOO_LONG, NOON + MINUTE);
    assert_eq!(given.when(command.clone()), Err(Rejection::Forbidden { role: Role::Agent }));
    assert_eq!(by_bot(&given, &command), Err(Rejection::Forbidden { role: Role::Bot }));
}

// === what a bot shows ===

const fn signal() -> Command {
    Command::ClaimSignal { until: Timestamp::from_millis(NOON.as_millis() + 2_000) }
}

#[test]
fn a_bot_shows_that_it_writes_until_it_is_paused_and_a_pause_tells_of_what_is_on_its_way() {
    let given = opened_and([wrote()]);
    let Ok(Decision::Append(events)) = by_bot(&given, &signal()) else { panic!("it may") };
    let until = NOON + Duration::from_secs(2);
    assert_eq!(events, [ConversationEvent::BotSignalled { until }]);
    let paused = opened_and([wrote(), events[0].clone(), paused()]);
    let Err(Rejection::BotPaused { by, .. }) = by_bot(&paused, &signal()) else { panic!("it is paused") };
    assert_eq!(by, laura());
    let opened = paused.0.opened.unwrap();
    let over = until + SIGNAL_OVER_AFTER;
    assert_eq!(opened.signal_on_the_wire(NOON), Some(over));
    assert_eq!(opened.signal_on_the_wire(over - Duration::from_millis(1)), Some(over));
    assert_eq!(opened.signal_on_the_wire(over), None);
}

#[test]
fn nobody_claims_a_bots_mark_but_a_bot() {
    let given = opened_and([wrote()]);
    assert_eq!(given.when(signal()), Err(Rejection::Forbidden { role: Role::Agent }));
    assert_eq!(by_timer(&given, &signal()), Err(Rejection::Forbidden { role: Role::Service }));
    assert_eq!(by_bot(&super::decide_tests::given([]), &signal()), Err(Rejection::NotFound));
    assert_eq!(given.when_intake(received(Medium::WhatsApp)), ["MessageReceived"], "a customer writes");
}
