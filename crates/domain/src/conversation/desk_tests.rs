//! The rules of a shared inbox: waiting, snoozing, tags, priority, reading, giving back.

use std::collections::BTreeSet;
use std::time::Duration;

use super::decide::{SNOOZE_DAYS_MAX, TAGS_MAX};
use super::decide_tests::{NOON, agent, assigned, names, opened_and, paused, received, resolved};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::TagId;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);

fn pending() -> ConversationEvent {
    ConversationEvent::MarkedPending { personal: NotePersonal::default() }
}

fn snoozed(until: Option<Timestamp>) -> ConversationEvent {
    ConversationEvent::Snoozed { until, preset: None, personal: NotePersonal::default() }
}

fn snooze(until: Option<Timestamp>) -> Command {
    Command::Snooze { until, preset: None, note: None }
}

fn tag(n: usize) -> TagId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    TagId::new(bytes)
}

fn tagged(n: usize) -> ConversationEvent {
    ConversationEvent::TagAdded { tag: tag(n) }
}

fn add_tag(n: usize) -> Command {
    Command::AddTag { tag: tag(n), deleted: BTreeSet::new() }
}

fn wrote() -> ConversationEvent {
    let Command::ReceiveMessage { message, .. } = received(Medium::WhatsApp) else { panic!("a message") };
    ConversationEvent::MessageReceived(message)
}

fn one(decided: Result<Decision, Rejection>) -> ConversationEvent {
    match decided {
        Ok(Decision::Append(events)) if events.len() == 1 => events[0].clone(),
        other => panic!("not one event: {other:?}"),
    }
}

// === waiting for somebody ===

#[test]
fn pending_is_for_what_is_open_or_snoozed_and_repeats_as_already_so() {
    let wait = || Command::SetPending { note: Some(" espera el pago ".to_owned()) };
    let expected =
        ConversationEvent::MarkedPending { personal: NotePersonal { text: Some("espera el pago".to_owned()) } };
    assert_eq!(one(opened_and([]).when(wait())), expected);
    assert_eq!(one(opened_and([snoozed(None)]).when(wait())), expected);
    assert_eq!(opened_and([pending()]).when(wait()), Ok(Decision::AlreadySo));
    assert_eq!(opened_and([resolved()]).when(wait()), Err(Rejection::Resolved));
}

#[test]
fn a_customer_who_writes_opens_what_is_pending_or_snoozed_in_the_same_episode() {
    for waiting in [pending(), snoozed(None), snoozed(Some(NOON + HOUR))] {
        let given = opened_and([waiting]);
        assert_eq!(given.when_intake(received(Medium::WhatsApp)), ["ReturnedToOpen", "MessageReceived"]);
        assert_eq!(given.when_intake(received(Medium::Email)), ["ReturnedToOpen", "MessageReceived"]);
    }
    let late = opened_and([pending()]).later(Duration::from_hours(1_000));
    assert_eq!(late.when_intake(received(Medium::WhatsApp)), ["ReturnedToOpen", "MessageReceived"]);
}

#[test]
fn what_is_pending_stays_so_for_an_automatic_reply_a_reaction_and_a_report() {
    let Command::ReceiveMessage { place, mut message, .. } = received(Medium::Email) else { panic!("a message") };
    message.flags.automatic = true;
    let automatic = Command::ReceiveMessage { place: place.clone(), message, detection: None };
    assert_eq!(opened_and([pending()]).when_intake(automatic), ["MessageReceived"]);
    let reaction = Command::RecordReaction {
        place,
        message: crate::id::MessageId::new([5; 16]),
        personal: ReactionPersonal::default(),
    };
    assert_eq!(opened_and([snoozed(None)]).when_intake(reaction), ["ReactionChanged"]);
}

#[test]
fn staff_open_resolve_and_reassign_what_waits() {
    for waiting in [pending(), snoozed(None), snoozed(Some(NOON + HOUR))] {
        let given = opened_and([waiting]);
        let opened = ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff };
        assert_eq!(one(given.when(Command::Reopen)), opened);
        assert_eq!(names(&given.when(Command::Resolve { reason: None, note: None })), ["Resolved"]);
        assert_eq!(names(&given.when(Command::Claim { agent: agent("laura") })), ["Assigned"]);
    }
}

// === snoozing ===

#[test]
fn a_snooze_keeps_what_was_chosen_beside_the_instant() {
    let until = Some(NOON + HOUR);
    let command = Command::Snooze { until, preset: Some(SnoozePreset::OneHour), note: None };
    let expected =
        ConversationEvent::Snoozed { until, preset: Some(SnoozePreset::OneHour), personal: NotePersonal::default() };
    assert_eq!(one(opened_and([]).when(command)), expected);
}

#[test]
fn a_second_snooze_replaces_the_first_unless_it_is_the_same() {
    let given = opened_and([snoozed(Some(NOON + HOUR))]);
    assert_eq!(given.when(snooze(Some(NOON + HOUR))), Ok(Decision::AlreadySo));
    assert_eq!(one(given.when(snooze(Some(NOON + HOUR * 2)))), snoozed(Some(NOON + HOUR * 2)));
    assert_eq!(one(given.when(snooze(None))), snoozed(None));
    assert_eq!(opened_and([snoozed(None)]).when(snooze(None)), Ok(Decision::AlreadySo));
    assert_eq!(one(opened_and([pending()]).when(snooze(None))), snoozed(None));
    assert_eq!(opened_and([resolved()]).when(snooze(None)), Err(Rejection::Resolved));
}

#[test]
fn a_snooze_ends_in_the_future_and_within_a_year() {
    let refused = Err(Rejection::Invalid { field: "until", limit: SNOOZE_DAYS_MAX });
    let latest = NOON + Duration::from_hours(24 * SNOOZE_DAYS_MAX as u64);
    let milli = Duration::from_millis(1);
    for until in [Timestamp::from_millis(i64::MIN), NOON - HOUR, NOON, latest + milli, Timestamp::from_millis(i64::MAX)]
    {
        assert_eq!(opened_and([]).when(snooze(Some(until))), refused, "{until:?}");
    }
    for until in [NOON + milli, latest] {
        assert_eq!(names(&opened_and([]).when(snooze(Some(until)))), ["Snoozed"]);
    }
}

#[test]
fn unsnoozing_opens_what_is_snoozed_also_when_its_time_has_passed() {
    assert_eq!(names(&opened_and([snoozed(None)]).when(Command::Unsnooze)), ["ReturnedToOpen"]);
    let due = opened_and([snoozed(Some(NOON + HOUR))]).later(HOUR * 3);
    assert_eq!(names(&due.when(Command::Unsnooze)), ["ReturnedToOpen"]);
    assert_eq!(names(&due.when(snooze(Some(NOON + HOUR * 4)))), ["Snoozed"]);
    for other in [vec![], vec![pending()], vec![resolved()]] {
        assert_eq!(opened_and(other).when(Command::Unsnooze), Ok(Decision::AlreadySo));
    }
}

// === tags, priority, giving back ===

#[test]
fn a_tag_is_put_on_once_and_taken_off_once() {
    assert_eq!(one(opened_and([]).when(add_tag(1))), tagged(1));
    assert_eq!(opened_and([tagged(1)]).when(add_tag(1)), Ok(Decision::AlreadySo));
    let off = || Command::RemoveTag { tag: tag(1) };
    assert_eq!(one(opened_and([tagged(1)]).when(off())), ConversationEvent::TagRemoved { tag: tag(1) });
    assert_eq!(opened_and([]).when(off()), Ok(Decision::AlreadySo));
    assert_eq!(names(&opened_and([resolved()]).when(add_tag(1))), ["TagAdded"], "what is resolved is sorted, too");
}

#[test]
fn tags_are_limited_and_deleted_ones_do_not_count() {
    let full = opened_and((0..TAGS_MAX).map(tagged));
    assert_eq!(full.when(add_tag(TAGS_MAX)), Err(Rejection::Limit { what: "tags", limit: TAGS_MAX }));
    assert_eq!(full.when(add_tag(0)), Ok(Decision::AlreadySo));
    let deleted = [tag(3)].into();
    assert_eq!(names(&full.when(Command::AddTag { tag: tag(TAGS_MAX), deleted })), ["TagAdded"]);
    let elsewhere = [tag(999)].into();
    let decided = full.when(Command::AddTag { tag: tag(TAGS_MAX), deleted: elsewhere });
    assert_eq!(decided, Err(Rejection::Limit { what: "tags", limit: TAGS_MAX }));
}

#[test]
fn a_priority_is_set_changed_and_taken_back() {
    let set = |priority| Command::SetPriority { priority };
    let is = |priority| ConversationEvent::PrioritySet { priority };
    assert_eq!(opened_and([]).when(set(Priority::None)), Ok(Decision::AlreadySo));
    assert_eq!(one(opened_and([]).when(set(Priority::Urgent))), is(Priority::Urgent));
    let urgent = opened_and([is(Priority::Urgent)]);
    assert_eq!(urgent.when(set(Priority::Urgent)), Ok(Decision::AlreadySo));
    assert_eq!(one(urgent.when(set(Priority::None))), is(Priority::None));
}

#[test]
fn giving_back_leaves_neither_agent_nor_team() {
    let expected = assigned(None, None);
    for held in [assigned(Some("laura"), None), assigned(None, Some("ventas")), assigned(Some("laura"), Some("ventas"))]
    {
        assert_eq!(one(opened_and([held]).when(Command::Unassign)), expected);
    }
    assert_eq!(opened_and([]).when(Command::Unassign), Ok(Decision::AlreadySo));
    let back = opened_and([assigned(Some("laura"), None), assigned(None, None)]);
    assert_eq!(names(&back.when(Command::Claim { agent: agent("martin") })), ["Assigned"]);
}

// === reading ===

#[test]
fn reading_reaches_as_far_as_the_reader_saw() {
    // Versions: 1 opened, 2 episode, 3 the first message, 4 a pause, 5 the second message.
    let given = opened_and([wrote(), paused(), wrote()]);
    let read = |through| Command::MarkRead { through };
    let through = |through| ConversationEvent::MarkedRead { through };
    assert_eq!(one(given.when(read(None))), through(5));
    assert_eq!(one(given.when(read(Some(3)))), through(3));
    assert_eq!(one(given.when(read(Some(u64::MAX)))), through(5), "what is not written yet was not read");
    assert_eq!(given.when(read(Some(0))), Ok(Decision::AlreadySo));
}

#[test]
fn a_message_that_came_while_somebody_read_stays_unread() {
    let unread = |events: Vec<ConversationEvent>| {
        let opened = opened_and(events).0.opened.unwrap();
        opened.customer_wrote > opened.read_through
    };
    assert!(unread(vec![wrote()]));
    assert!(!unread(vec![wrote(), ConversationEvent::MarkedRead { through: 3 }]));
    assert!(unread(vec![wrote(), wrote(), ConversationEvent::MarkedRead { through: 3 }]));
    assert!(unread(vec![wrote(), ConversationEvent::MarkedRead { through: 3 }, wrote()]));
}

#[test]
fn of_two_readers_the_one_who_saw_less_changes_nothing() {
    let given = opened_and([wrote(), wrote(), ConversationEvent::MarkedRead { through: 4 }]);
    assert_eq!(given.when(Command::MarkRead { through: Some(3) }), Ok(Decision::AlreadySo));
    assert_eq!(given.when(Command::MarkRead { through: None }), Ok(Decision::AlreadySo));
    assert_eq!(opened_and([]).when(Command::MarkRead { through: None }), Ok(Decision::AlreadySo), "nothing to read");
    let older = opened_and([
        wrote(),
        ConversationEvent::MarkedRead { through: 9 },
        ConversationEvent::MarkedRead { through: 3 },
    ]);
    assert_eq!(older.0.opened.unwrap().read_through, 9, "reading never goes back");
}

#[test]
fn an_answer_from_the_phone_is_also_reading() {
    let Command::ReceiveMessage { message, .. } = received(Medium::WhatsApp) else { panic!("a message") };
    let opened = opened_and([wrote(), ConversationEvent::MessageEchoed(message)]).0.opened.unwrap();
    assert!(opened.customer_wrote <= opened.read_through);
}

// === the same for all ===

#[test]
fn a_linked_pause_is_relevos_own_and_happens_once() {
    let expected = ConversationEvent::BotPaused {
        reason: PauseReason::Linked,
        automatic: true,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    let system = |given: super::decide_tests::Given| given.when_by(None, Actor::System, &Command::PauseLinked);
    assert_eq!(one(system(opened_and([]))), expected);
    assert_eq!(one(system(opened_and([resolved()]))), expected, "it may be reopened");
    assert_eq!(system(opened_and([paused()])), Ok(Decision::AlreadySo));
}

#[test]
fn only_staff_work_the_desk_and_only_on_what_exists() {
    let commands = [
        Command::Unassign,
        Command::SetPending { note: None },
        snooze(None),
        Command::Unsnooze,
        add_tag(1),
        Command::RemoveTag { tag: tag(1) },
        Command::SetPriority { priority: Priority::High },
        Command::MarkRead { through: None },
    ];
    for command in &commands {
        for role in Role::ALL {
            let decided = opened_and([wrote()]).when_by(Some(role), Actor::Staff(agent("laura")), command);
            let forbidden = decided == Err(Rejection::Forbidden { role });
            assert_eq!(forbidden, !role.is_staff(), "{role:?} {command:?}");
        }
        assert_eq!(super::decide_tests::given([]).when(command.clone()), Err(Rejection::NotFound));
    }
}

#[test]
fn notes_have_the_same_limit_everywhere() {
    let long = Some("ñ".repeat(4_001));
    let refused = Err(Rejection::Invalid { field: "note", limit: 4_000 });
    assert_eq!(opened_and([]).when(Command::SetPending { note: long.clone() }), refused);
    assert_eq!(opened_and([]).when(Command::Snooze { until: None, preset: None, note: long }), refused);
}
