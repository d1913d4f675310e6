//! The rules of pausing, one sentence each: on which terms, who may change and end them, what goes out with them, and who is asked.

use std::time::Duration;

use proptest::prelude::*;

use super::decide_tests::{
    Given, NOON, agent, assigned, laura, names, opened, opened_and, paused, place, resolved, text,
};
use super::send_tests::{claim, failed, id, outgoing, queued, started};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::MessageId;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(24 * PAUSE_DAYS_MAX);
const OPEN_END: PauseTerms = PauseTerms { until: None, locked: false };
const LOCKED: PauseTerms = PauseTerms { until: None, locked: true };

fn until(after: Duration) -> PauseTerms {
    PauseTerms { until: Some(NOON + after), locked: false }
}

fn wish(terms: PauseTerms) -> PauseWish {
    PauseWish { reason: PauseReason::Complaint, note: None, terms }
}

fn pause(terms: PauseTerms) -> Command {
    Command::PauseBot(wish(terms))
}

fn change(terms: PauseTerms) -> Command {
    Command::ChangePause { terms, note: None }
}

const fn resume() -> Command {
    Command::ResumeBot { catch_up: crate::conversation::CatchUp::Know, note: None, farewell: None }
}

fn paused_on(terms: PauseTerms) -> ConversationEvent {
    let (reason, personal) = (PauseReason::Complaint, NotePersonal::default());
    ConversationEvent::BotPaused { reason, automatic: false, terms, personal }
}

fn received() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn said(n: u8) -> Send {
    Send {
        outgoing: outgoing(n, Author::Staff, Body::Text { text: "hola".to_owned(), preview_url: false }),
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot: true,
        pause: None,
        turn: None,
        channel_paused: false,
        detection: None,
    }
}

fn farewell(send: Send) -> Command {
    Command::ResumeBot { catch_up: crate::conversation::CatchUp::Know, note: None, farewell: Some(Box::new(send)) }
}

fn escalate(to: &str) -> Command {
    Command::Escalate { to: agent(to), reason: PauseReason::Complaint, summary: "Pide hablar con el dueño".to_owned() }
}

fn as_supervisor(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(Some(Role::Supervisor), Actor::Staff(agent("diego")), command)
}

fn by_timer(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(None, Actor::System, command)
}

#[track_caller]
fn events(decided: Result<Decision, Rejection>) -> Vec<ConversationEvent> {
    match decided {
        Ok(Decision::Append(events)) => events,
        other => panic!("nothing was appended: {other:?}"),
    }
}

fn locked_out() -> Rejection {
    Rejection::PauseLocked { by: laura(), since: NOON }
}

// === terms ===

#[test]
fn a_pause_keeps_its_terms() {
    for terms in [OPEN_END, until(HOUR), until(YEAR)] {
        let state = opened_and(events(opened_and([]).when(pause(terms)))).0;
        let Bot::Paused { terms: kept, by, since, .. } = state.opened.unwrap().bot else { panic!("{terms:?}") };
        assert_eq!((kept, by, since), (terms, laura(), NOON));
    }
}

#[test]
fn an_end_that_has_passed_or_is_beyond_a_year_or_under_a_lock_is_refused() {
    let refused = Err(Rejection::Invalid { field: "until", limit: 365 });
    let (active, silent) = (opened_and([]), opened_and([paused()]));
    let past = PauseTerms { until: Some(Timestamp::from_millis(NOON.as_millis() - 1)), locked: false };
    let late = until(YEAR + Duration::from_millis(1));
    for terms in [past, until(Duration::ZERO), late, PauseTerms { locked: true, ..until(HOUR) }] {
        assert_eq!(as_supervisor(&active, &pause(terms)), refused, "{terms:?}");
        assert_eq!(as_supervisor(&silent, &pause(terms)), refused, "{terms:?}: not even when it is paused already");
        assert_eq!(as_supervisor(&silent, &change(terms)), refused, "{terms:?}");
        let send = Command::SendMessage(Box::new(Send { pause: Some(wish(terms)), ..said(1) }));
        assert_eq!(as_supervisor(&opened_and([received()]), &send), refused, "{terms:?}");
    }
}

#[test]
fn a_second_pause_keeps_the_first_ones_terms() {
    let given = opened_and([paused_on(until(HOUR))]);
    for terms in [OPEN_END, LOCKED, until(HOUR * 2)] {
        assert_eq!(as_supervisor(&given, &pause(terms)), Ok(Decision::AlreadySo));
    }
}

#[test]
fn terms_are_changed_as_a_whole() {
    let given = opened_and([paused_on(until(HOUR))]);
    for terms in [OPEN_END, until(HOUR * 2)] {
        let changed = events(given.when(change(terms)));
        assert_eq!(changed, [ConversationEvent::PauseChanged { terms, personal: NotePersonal::default() }]);
        let after = opened_and([paused_on(until(HOUR)), changed[0].clone()]);
        assert_eq!(after.when(change(terms)), Ok(Decision::AlreadySo));
        let Bot::Paused { terms: now, reason, since, .. } = after.0.opened.unwrap().bot else { panic!() };
        assert_eq!((now, reason, since), (terms, PauseReason::Complaint, NOON), "the pause is the same one");
    }
    assert_eq!(opened_and([]).when(change(OPEN_END)), Err(Rejection::NotPaused));
}

#[test]
fn only_staff_pauses_changes_resumes_and_escalates() {
    let given = opened_and([received(), paused_on(until(HOUR))]);
    let pauses = Command::SendMessage(Box::new(Send { pause: Some(wish(OPEN_END)), ..said(1) }));
    for command in [pause(OPEN_END), change(OPEN_END), resume(), farewell(said(1)), escalate("diego"), pauses] {
        for role in Role::ALL.into_iter().filter(|role| !role.is_staff()) {
            let decided = given.when_by(Some(role), laura(), &command);
            assert_eq!(decided, Err(Rejection::Forbidden { role }), "{command:?}");
        }
        let bot = given.when_by(Some(Role::Bot), Actor::Bot(agent("helper")), &command);
        assert!(bot.is_err(), "{command:?}: {bot:?}");
        assert!(given.when(command.clone()).is_ok(), "{command:?}");
    }
}

#[test]
fn a_bot_pauses_nothing_with_its_message() {
    let bot = Actor::Bot(agent("helper"));
    let send = Send { pause: Some(wish(OPEN_END)), outgoing: said(1).outgoing, ..said(1) };
    let decided = opened_and([received()]).when_by(Some(Role::Bot), bot, &Command::SendMessage(Box::new(send)));
    assert_eq!(decided, Err(Rejection::Forbidden { role: Role::Bot }));
}

// === the lock ===

#[test]
fn a_locked_pause_is_supervisors_and_admins_to_end_and_to_change() {
    let given = opened_and([received(), paused_on(LOCKED)]);
    for command in [resume(), farewell(said(1)), change(OPEN_END), change(until(HOUR))] {
        assert_eq!(given.when(command.clone()), Err(locked_out()), "{command:?}");
        for role in [Role::Supervisor, Role::Admin] {
            let decided = given.when_by(Some(role), Actor::Staff(agent("diego")), &command);
            assert!(matches!(decided, Ok(Decision::Append(_))), "{role:?} {command:?}: {decided:?}");
        }
    }
    assert_eq!(given.when(resume()).unwrap_err(), locked_out(), "with who and when");
}

#[test]
fn an_agent_locks_nothing_but_by_escalating() {
    let forbidden = Err(Rejection::Forbidden { role: Role::Agent });
    assert_eq!(opened_and([]).when(pause(LOCKED)), forbidden);
    assert_eq!(opened_and([paused()]).when(change(LOCKED)), forbidden);
    let send = Send { pause: Some(wish(LOCKED)), ..said(1) };
    assert_eq!(opened_and([received()]).when(Command::SendMessage(Box::new(send))), forbidden);
    assert_eq!(names(&as_supervisor(&opened_and([]), &pause(LOCKED))), ["BotPaused"]);
    assert_eq!(names(&as_supervisor(&opened_and([paused()]), &change(LOCKED))), ["PauseChanged"]);
}

// === pausing and sending ===

#[test]
fn every_pause_takes_back_the_bots_unclaimed_messages() {
    let given =
        || opened_and([queued(1, Author::Bot), queued(2, Author::Staff), queued(3, Author::Bot), started(1, 1)]);
    assert_eq!(names(&given().when(pause(OPEN_END))), ["BotPaused", "SendCancelled"]);
    assert_eq!(names(&by_timer(&given(), &Command::PauseLinked)), ["BotPaused", "SendCancelled"]);
    let echo = Command::RecordEcho { place: place(), message: text(MessageKind::Text) };
    assert_eq!(names(&given().when_by(None, Actor::PhoneApp, &echo)), ["MessageEchoed", "BotPaused", "SendCancelled"]);
    let linked = Place { contact_paused: true, ..place() };
    let message = Command::ReceiveMessage { place: linked, message: text(MessageKind::Text), detection: None };
    assert_eq!(
        names(&given().when_by(None, Actor::Customer, &message)),
        ["BotPaused", "SendCancelled", "MessageReceived"]
    );
}

#[test]
fn a_pause_with_a_message_precedes_it_and_takes_back_what_the_bot_had_waiting() {
    let given = opened_and([received(), queued(1, Author::Bot), started(1, 1), queued(2, Author::Bot)]);
    let send = Send { pause: Some(wish(until(HOUR))), ..said(3) };
    let events = events(given.when(Command::SendMessage(Box::new(send))));
    let order: Vec<_> = events.iter().map(ConversationEvent::name).collect();
    assert_eq!(order, ["BotPaused", "SendCancelled", "MessageQueued"]);
    assert_eq!(events[0], paused_on(until(HOUR)), "as it was asked for, and not as a policy would");
    let cause = CancelCause::BotPaused;
    assert_eq!(events[1], ConversationEvent::SendCancelled { message: id(2), cause }, "what was claimed is too late");
}

#[test]
fn a_pause_with_a_message_changes_nothing_of_a_pause_that_is_there() {
    let given = opened_and([received(), paused_on(LOCKED)]);
    let send = Send { pause: Some(wish(OPEN_END)), ..said(1) };
    assert_eq!(names(&given.when(Command::SendMessage(Box::new(send)))), ["MessageQueued"]);
}

#[test]
fn a_refused_message_pauses_nothing() {
    let send = |send: Send| Command::SendMessage(Box::new(Send { pause: Some(wish(OPEN_END)), ..send }));
    let closed = opened_and([received()]).later(HOUR * 25).when(send(said(1)));
    assert!(matches!(closed, Err(Rejection::WindowClosed { .. })), "{closed:?}");
    let stopped = opened_and([received()]).when(send(Send { channel_paused: true, ..said(1) }));
    assert_eq!(stopped, Err(Rejection::ChannelPaused));
}

// === resuming ===

#[test]
fn a_farewell_precedes_the_resumption_and_pauses_nothing() {
    let given = opened_and([received(), paused()]);
    let events = events(given.when(farewell(Send { pause: Some(wish(OPEN_END)), ..said(1) })));
    let order: Vec<_> = events.iter().map(ConversationEvent::name).collect();
    assert_eq!(order, ["MessageQueued", "BotResumed"]);
    let after = opened_and([received(), paused()].into_iter().chain(events)).0.opened.unwrap();
    assert_eq!((after.bot, after.outbox.len()), (Bot::Active, 1));
}

#[test]
fn a_farewell_is_a_message_like_any_other() {
    let given = || opened_and([received(), paused()]);
    let closed = given().later(HOUR * 25);
    assert!(matches!(closed.when(farewell(said(1))), Err(Rejection::WindowClosed { .. })));
    let template = Body::Template(Box::new(TemplateUse {
        name: "fin".to_owned(),
        language: "es".to_owned(),
        provider_id: None,
        values: vec![],
        header_file: None,
        preview: "Hasta pronto".to_owned(),
    }));
    let by_template = Send { outgoing: outgoing(1, Author::Staff, template), ..said(1) };
    assert_eq!(names(&closed.when(farewell(by_template))), ["MessageQueued", "BotResumed"]);
    let stopped = given().when(farewell(Send { channel_paused: true, ..said(1) }));
    assert_eq!(stopped, Err(Rejection::ChannelPaused));
    assert_eq!(names(&closed.when(resume())), ["BotResumed"], "without one nothing stands in the way");
}

#[test]
fn a_farewell_is_not_said_to_who_speaks_with_the_bot_already() {
    assert_eq!(opened_and([received()]).when(farewell(said(1))), Ok(Decision::AlreadySo));
}

// === timers ===

#[test]
fn a_pause_ends_by_itself_at_its_time_and_once() {
    let scheduled = NOON + HOUR;
    let ends = Command::EndPause { scheduled, catch_up: crate::conversation::CatchUp::Know };
    let given = opened_and([paused_on(until(HOUR))]);
    assert_eq!(by_timer(&given, &ends), Ok(Decision::AlreadySo), "not before");
    let given = given.later(HOUR);
    let ended = events(by_timer(&given, &ends));
    let personal = NotePersonal::default();
    assert_eq!(ended, [ConversationEvent::BotResumed { cause: ResumeCause::Timer, catch_up: CatchUp::Know, personal }]);

    let after =
        |more: Vec<ConversationEvent>| opened_and([paused_on(until(HOUR))].into_iter().chain(more)).later(HOUR * 2);
    let changed = |terms| ConversationEvent::PauseChanged { terms, personal: NotePersonal::default() };
    let again = [ended[0].clone(), paused_on(until(HOUR * 3))];
    for more in [ended, vec![changed(until(HOUR * 3))], vec![changed(OPEN_END)], vec![changed(LOCKED)], again.to_vec()]
    {
        assert_eq!(by_timer(&after(more.clone()), &ends), Ok(Decision::AlreadySo), "{more:?}");
    }
}

#[test]
fn a_snooze_ends_by_itself_at_its_time_and_once() {
    let scheduled = NOON + HOUR;
    let wakes = Command::WakeSnoozed { scheduled };
    let snoozed = |until| ConversationEvent::Snoozed { until, preset: None, personal: NotePersonal::default() };
    let given = opened_and([snoozed(Some(scheduled))]);
    assert_eq!(by_timer(&given, &wakes), Ok(Decision::AlreadySo), "not before");
    let woken = events(by_timer(&given.later(HOUR), &wakes));
    assert_eq!(woken, [ConversationEvent::ReturnedToOpen { cause: OpenCause::Timer }]);
    let after =
        |more: Vec<ConversationEvent>| opened_and([snoozed(Some(scheduled))].into_iter().chain(more)).later(HOUR * 2);
    for more in [woken, vec![snoozed(None)], vec![snoozed(Some(NOON + HOUR * 3))], vec![resolved()]] {
        assert_eq!(by_timer(&after(more.clone()), &wakes), Ok(Decision::AlreadySo), "{more:?}");
    }
}

// === escalating ===

#[test]
fn an_escalation_pauses_locks_assigns_and_tells_why_in_one_commit() {
    let given = opened_and([received(), queued(1, Author::Bot), assigned(Some("laura"), Some("ventas"))]);
    let events = events(given.when(escalate("diego")));
    let order: Vec<_> = events.iter().map(ConversationEvent::name).collect();
    assert_eq!(order, ["BotPaused", "SendCancelled", "Assigned", "NoteAdded", "Escalated"]);
    assert_eq!(events[0], paused_on(LOCKED));
    assert_eq!(events[2], assigned(Some("diego"), Some("ventas")), "the team stays");
    let note = MessageId::new([9; 16]);
    let personal = NotePersonal { text: Some("Pide hablar con el dueño".to_owned()) };
    assert_eq!(events[3], ConversationEvent::NoteAdded { message: note, personal });
    let reason = PauseReason::Complaint;
    assert_eq!(events[4], ConversationEvent::Escalated { to: agent("diego"), reason, note });
}

#[test]
fn an_escalation_writes_only_what_is_not_so_yet() {
    let diego = || assigned(Some("diego"), None);
    let so = |events: Vec<ConversationEvent>| names(&opened_and(events).when(escalate("diego")));
    assert_eq!(so(vec![paused()]), ["PauseChanged", "Assigned", "NoteAdded", "Escalated"]);
    assert_eq!(so(vec![paused_on(until(HOUR)), diego()]), ["PauseChanged", "NoteAdded", "Escalated"]);
    assert_eq!(so(vec![paused_on(LOCKED), diego()]), ["NoteAdded", "Escalated"], "there is always something to say");
}

#[test]
fn what_is_escalated_is_in_sight() {
    let out_of_sight = [
        ConversationEvent::MarkedPending { personal: NotePersonal::default() },
        ConversationEvent::Snoozed { until: None, preset: None, personal: NotePersonal::default() },
    ];
    for event in out_of_sight {
        let events = names(&opened_and([event]).when(escalate("diego")));
        assert_eq!(events, ["ReturnedToOpen", "BotPaused", "Assigned", "NoteAdded", "Escalated"]);
    }
    assert_eq!(opened_and([resolved()]).when(escalate("diego")), Err(Rejection::Resolved));
}

#[test]
fn an_escalation_says_why() {
    let says = |summary: String| {
        opened_and([]).when(Command::Escalate { to: agent("diego"), reason: PauseReason::Complaint, summary })
    };
    for bad in ["  ".to_owned(), "x".repeat(4_001)] {
        assert_eq!(says(bad), Err(Rejection::Invalid { field: "summary", limit: 4_000 }));
    }
    assert!(says("x".repeat(4_000)).is_ok());
}

// === whatever the order ===

/// Somebody does something to the pause. Agents, a supervisor, timers, the customer, the owner's phone, the sender.
#[derive(Clone, Debug)]
enum Act {
    By(Role, Command),
    Timer(Command),
    Intake(Command),
    Wait,
}

fn any_terms() -> impl Strategy<Value = PauseTerms> {
    prop_oneof![Just(OPEN_END), Just(LOCKED), (1..5_u32).prop_map(|n| until(HOUR * n))]
}

fn act() -> impl Strategy<Value = Act> {
    let role = || prop_oneof![3 => Just(Role::Agent), 1 => Just(Role::Supervisor)];
    let command = prop_oneof![
        any_terms().prop_map(pause),
        any_terms().prop_map(change),
        Just(resume()),
        (1..9_u8).prop_map(|n| farewell(said(n))),
        Just(escalate("diego")),
        Just(Command::Reopen),
        Just(Command::Resolve { reason: None, note: None }),
        (10..19_u8, any_terms())
            .prop_map(|(n, terms)| { Command::SendMessage(Box::new(Send { pause: Some(wish(terms)), ..said(n) })) }),
    ];
    let scheduled = || (1..5_u32).prop_map(|n| NOON + HOUR * n);
    let timer = prop_oneof![
        scheduled().prop_map(|scheduled| Command::EndPause { scheduled, catch_up: crate::conversation::CatchUp::Know }),
        scheduled().prop_map(|scheduled| Command::WakeSnoozed { scheduled }),
        Just(Command::PauseLinked),
        Just(claim(1)),
        Just(failed(1, 1, None)),
    ];
    prop_oneof![
        6 => (role(), command).prop_map(|(role, command)| Act::By(role, command)),
        3 => timer.prop_map(Act::Timer),
        1 => Just(Act::Intake(super::decide_tests::received(Medium::WhatsApp))),
        2 => Just(Act::Wait),
    ]
}

proptest! {
    #[test]
    fn a_locked_pause_is_ended_by_supervisors_alone(acts in prop::collection::vec(act(), 1..60)) {
        let mut given = Given::from(opened().into_iter().chain([received()]).fold(State::default(), |state, event| {
            state.evolve(&event, NOON, &Actor::Customer)
        }));
        let mut hours = 0_u32;
        for act in acts {
            let before = match &given.0.opened.as_ref().unwrap().bot {
                Bot::Active => None,
                Bot::Paused { terms, .. } => Some(*terms),
            };
            let (role, actor, command) = match act {
                Act::Wait => {
                    hours += 1;
                    given = given.later(HOUR * hours);
                    continue;
                }
                Act::By(Role::Supervisor, command) => (Some(Role::Supervisor), Actor::Staff(agent("diego")), command),
                Act::By(role, command) => (Some(role), laura(), command),
                Act::Timer(command) => (None, Actor::System, command),
                Act::Intake(command) => (None, Actor::Customer, command),
            };
            let Ok(Decision::Append(events)) = given.when_by(role, actor.clone(), &command) else { continue };
            let now = NOON + HOUR * hours;
            for event in &events {
                let Given(state, at) = given;
                given = Given(state.evolve(event, now, &actor), at);
            }
            let after = match &given.0.opened.as_ref().unwrap().bot {
                Bot::Active => None,
                Bot::Paused { terms, .. } => Some(*terms),
            };
            let was_locked = before == Some(LOCKED);
            let is_locked = after == Some(LOCKED);
            prop_assert!(!was_locked || is_locked || role == Some(Role::Supervisor), "{command:?} by {actor:?}");
            let timed = |terms: Option<PauseTerms>| terms.and_then(|terms| terms.until);
            let ended_by_timer = events.iter().any(|event| {
                matches!(event, ConversationEvent::BotResumed { cause: ResumeCause::Timer, .. })
            });
            prop_assert!(!ended_by_timer || timed(before).is_some_and(|until| until <= now), "{command:?}");
            prop_assert!(after.is_none_or(|terms| terms.until.is_none() || !terms.locked), "a lock opens by itself");
        }
    }
}
