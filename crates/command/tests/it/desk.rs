//! Status, assignment, priority and reading, through the door.

use relevo_domain::{EntityId, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::snooze_request::When;
use relevo_proto::query::v1 as words;
use relevo_proto::time::to_wire;

use crate::house::{Node, by, caller, carla, code, fresh, laura, now, only_on, pass, refused};

const HOUR: i64 = 3_600_000;

async fn node() -> (Node, EntityId) {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let conversation = node.conversation(1, contact, "wa").await;
    (node, conversation)
}

fn snooze(id: EntityId, when: When) -> proto::SnoozeRequest {
    let (command_id, conversation_id) = (fresh(), id.to_string());
    proto::SnoozeRequest { command_id, conversation_id, when: Some(when), ..Default::default() }
}

/// Every command of a conversation, each on what the one before left: first, repeated, asked again, by somebody who may not, with
/// another version, and with the id of another command.
macro_rules! desk_command {
    ($service:expr, $node:expr, $id:expr, $method:ident, $request:expr, $event:expr) => {{
        let request = $request;
        let before = $node.commits().await.len();
        for role in [Role::Bot, Role::Analyst, Role::Ops] {
            let other = caller("demo", role, "otro");
            assert_eq!(code($service.$method(by(&other, request.clone())).await), "FORBIDDEN", "{role:?}");
        }
        let service_key = caller("demo", Role::Service, "web");
        assert_eq!(code($service.$method(by(&service_key, request.clone())).await), "CONVERSATION_NOT_FOUND");
        let stranger = caller("demo-b", Role::Admin, "bea");
        assert_eq!(code($service.$method(by(&stranger, request.clone())).await), "CONVERSATION_NOT_FOUND");
        let elsewhere = only_on("otro");
        assert_eq!(code($service.$method(by(&elsewhere, request.clone())).await), "CONVERSATION_NOT_FOUND");
        let mut stale = request.clone();
        stale.expected_version = Some(1);
        let problem = refused($service.$method(by(&laura(), stale)).await);
        assert_eq!(problem.code.as_str(), "VERSION_CONFLICT");
        let version = $node.events_of($id).await.len() as u64;
        assert_eq!(problem.subject("expected"), Some("1"));
        assert_eq!(problem.subject("actual"), Some(version.to_string().as_str()));
        assert_eq!($node.commits().await.len(), before, "a refusal writes nothing");

        let mut first = request.clone();
        first.expected_version = Some(version);
        let done = $service.$method(by(&laura(), first.clone())).await.unwrap().into_inner();
        assert!(!done.already_so);
        assert_eq!(done.version, version + 1);
        assert_eq!(done.conversation.as_ref().unwrap().version, version + 1);
        assert_eq!($node.events_of($id).await.last(), Some(&$event));
        assert_eq!($node.commit_at(&done.position).await.commit.entity, $id);

        // The version has moved on, and still: a command that was applied is answered.
        pass(HOUR / 60);
        let again = $service.$method(by(&laura(), first)).await.unwrap().into_inner();
        assert_eq!((again.position, again.version, again.already_so), (done.position.clone(), done.version, false));
        let lent = $service.$method(by(&carla(), request.clone())).await;
        assert_eq!(code(lent), "COMMAND_ID_REUSED", "another actor's id");
        let note = proto::AddNoteRequest {
            command_id: request.command_id.clone(),
            conversation_id: $id.to_string(),
            text: "x".to_owned(),
            ..Default::default()
        };
        assert_eq!(code($service.add_note(by(&laura(), note)).await), "COMMAND_ID_REUSED");
        assert_eq!($node.commits().await.len(), before + 1);
        done
    }};
}

#[tokio::test]
async fn every_command_answers_repeats_and_refuses_in_the_same_way() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let (command_id, conversation_id) = (fresh, || id.to_string());
    let set = proto::SetPriorityRequest {
        command_id: command_id(),
        conversation_id: conversation_id(),
        priority: words::Priority::Urgent.into(),
        ..Default::default()
    };
    let done = desk_command!(desk, node, id, set_priority, set, "PrioritySet");
    assert_eq!(done.conversation.unwrap().priority(), words::Priority::Urgent);

    let read =
        proto::MarkReadRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    let done = desk_command!(desk, node, id, mark_read, read, "MarkedRead");
    assert!(!done.conversation.unwrap().unread);

    let assign = proto::AssignRequest {
        command_id: command_id(),
        conversation_id: conversation_id(),
        team_id: "ventas".to_owned(),
        ..Default::default()
    };
    desk.assign(by(&laura(), assign)).await.unwrap();
    let back =
        proto::UnassignRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    let done = desk_command!(desk, node, id, unassign, back, "Assigned");
    assert_eq!(done.conversation.unwrap().assignee, Some(words::Assignee::default()));

    let wait = proto::SetPendingRequest {
        command_id: command_id(),
        conversation_id: conversation_id(),
        note: "espera el pago".to_owned(),
        ..Default::default()
    };
    let done = desk_command!(desk, node, id, set_pending, wait, "MarkedPending");
    assert_eq!(done.conversation.unwrap().status(), words::ConversationStatus::Pending);

    let later = snooze(id, When::Preset(words::SnoozePreset::OneHour.into()));
    let done = desk_command!(desk, node, id, snooze, later, "Snoozed");
    assert_eq!(done.conversation.unwrap().status(), words::ConversationStatus::Snoozed);

    let wake =
        proto::UnsnoozeRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    let done = desk_command!(desk, node, id, unsnooze, wake, "ReturnedToOpen");
    assert_eq!(done.conversation.unwrap().status(), words::ConversationStatus::Open);

    let resume =
        proto::ResumeBotRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    assert!(desk.resume_bot(by(&laura(), resume)).await.unwrap().into_inner().already_so);
}

#[tokio::test]
async fn asking_again_with_a_fresh_id_is_already_so_and_writes_nothing() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let laura = laura();
    let (command_id, conversation_id) = (fresh, || id.to_string());
    let pending = || proto::SetPendingRequest {
        command_id: command_id(),
        conversation_id: conversation_id(),
        ..Default::default()
    };
    desk.set_pending(by(&laura, pending())).await.unwrap();
    let before = node.commits().await.len();
    let again = desk.set_pending(by(&laura, pending())).await.unwrap().into_inner();
    assert!(again.already_so && again.version == 4);
    let unsnooze =
        proto::UnsnoozeRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    assert!(desk.unsnooze(by(&laura, unsnooze)).await.unwrap().into_inner().already_so);
    let unassign =
        proto::UnassignRequest { command_id: command_id(), conversation_id: conversation_id(), ..Default::default() };
    assert!(desk.unassign(by(&laura, unassign)).await.unwrap().into_inner().already_so);
    assert_eq!(node.commits().await.len(), before);
}

#[tokio::test]
async fn a_preset_means_the_tenants_clock_and_repeats_by_its_name() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    // It is Friday 05:00 in Buenos Aires, which has no summer time.
    let monday = snooze(id, When::Preset(words::SnoozePreset::NextMonday.into()));
    let first = desk.snooze(by(&laura(), monday.clone())).await.unwrap().into_inner();
    let expected = jiff::civil::date(2027, 1, 18).at(12, 0, 0, 0).in_tz("UTC").unwrap().timestamp();
    assert_eq!(first.conversation.unwrap().snoozed_until.unwrap().seconds, expected.as_second());

    // Asked again a week later under the same id, it is still the command that was stored.
    pass(7 * 24 * HOUR);
    let again = desk.snooze(by(&laura(), monday.clone())).await.unwrap().into_inner();
    assert_eq!(again.position, first.position);
    let other = proto::SnoozeRequest { when: Some(When::Preset(words::SnoozePreset::OneHour.into())), ..monday };
    assert_eq!(code(desk.snooze(by(&laura(), other)).await), "COMMAND_ID_REUSED");
}

#[tokio::test]
async fn a_snooze_whose_time_has_passed_reads_as_open_and_due() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let until = now() + std::time::Duration::from_hours(1);
    desk.snooze(by(&laura(), snooze(id, When::Until(to_wire(until))))).await.unwrap();
    let high = |priority: words::Priority| proto::SetPriorityRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        priority: priority.into(),
        ..Default::default()
    };
    let look = async |priority| {
        desk.set_priority(by(&laura(), high(priority))).await.unwrap().into_inner().conversation.unwrap()
    };
    pass(HOUR - 1);
    let early = look(words::Priority::High).await;
    assert_eq!((early.status(), early.due), (words::ConversationStatus::Snoozed, false));
    pass(1);
    let due = look(words::Priority::Low).await;
    assert_eq!(
        (due.status(), due.due, due.snoozed_until),
        (words::ConversationStatus::Open, true, Some(to_wire(until)))
    );
    let wake = proto::UnsnoozeRequest { command_id: fresh(), conversation_id: id.to_string(), ..Default::default() };
    let woken = desk.unsnooze(by(&laura(), wake)).await.unwrap().into_inner();
    let state = woken.conversation.unwrap();
    assert_eq!((woken.already_so, state.status(), state.due), (false, words::ConversationStatus::Open, false));
    assert_eq!(state.snoozed_until, None);
}

#[tokio::test]
async fn bad_times_are_refused_by_the_name_of_their_field() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    for (when, field) in [
        (When::UntilReply(false), "when"),
        (When::Preset(0), "preset"),
        (When::Preset(77), "preset"),
        (When::Until(to_wire(now())), "until"),
        (When::Until(to_wire(now() + std::time::Duration::from_hours(24 * 367))), "until"),
        (When::Until(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), "until"),
        (When::Until(prost_types::Timestamp { seconds: 0, nanos: 2_000_000_000 }), "until"),
    ] {
        let problem = refused(desk.snooze(by(&laura(), snooze(id, when))).await);
        assert_eq!(problem.code.as_str(), "INVALID_ARGUMENT");
        assert_eq!(problem.violations[0].field, field, "{when:?}");
    }
    let waits = desk.snooze(by(&laura(), snooze(id, When::UntilReply(true)))).await.unwrap().into_inner();
    assert_eq!(waits.conversation.unwrap().snoozed_until, None);
}

#[tokio::test]
async fn what_is_resolved_does_not_wait() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let resolve = proto::ResolveRequest { command_id: fresh(), conversation_id: id.to_string(), ..Default::default() };
    desk.resolve(by(&laura(), resolve)).await.unwrap();
    let pending =
        proto::SetPendingRequest { command_id: fresh(), conversation_id: id.to_string(), ..Default::default() };
    assert_eq!(code(desk.set_pending(by(&laura(), pending)).await), "CONVERSATION_RESOLVED");
    let later = desk.snooze(by(&laura(), snooze(id, When::UntilReply(true)))).await;
    assert_eq!(code(later), "CONVERSATION_RESOLVED");
}

#[tokio::test]
async fn a_message_that_comes_while_an_agent_reads_stays_unread() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    node.customer_writes(id).await;
    let read = |through_version| proto::MarkReadRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        through_version,
        ..Default::default()
    };
    let first = desk.mark_read(by(&laura(), read(Some(3)))).await.unwrap().into_inner();
    assert!(first.conversation.unwrap().unread, "the second message was not on the reader's screen");
    let less = desk.mark_read(by(&carla(), read(Some(2)))).await.unwrap().into_inner();
    assert!(less.already_so);
    let all = desk.mark_read(by(&carla(), read(None))).await.unwrap().into_inner();
    assert!(!all.conversation.unwrap().unread);
    node.customer_writes(id).await;
    let stale = desk.mark_read(by(&laura(), read(Some(4)))).await.unwrap().into_inner();
    assert!(stale.already_so && stale.conversation.unwrap().unread);
}

#[tokio::test]
async fn only_one_of_two_who_expect_the_same_version_gets_it() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let set = |priority: words::Priority| proto::SetPriorityRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        expected_version: Some(3),
        priority: priority.into(),
    };
    let (laura, carla) = (laura(), carla());
    let (a, b) = tokio::join!(
        desk.set_priority(by(&laura, set(words::Priority::High))),
        desk.set_priority(by(&carla, set(words::Priority::Low))),
    );
    let lost = match (a, b) {
        (Ok(_), lost @ Err(_)) | (lost @ Err(_), Ok(_)) => lost,
        other => panic!("not exactly one: {other:?}"),
    };
    assert_eq!(code(lost), "VERSION_CONFLICT");
}
