//! WatchInbox: a client that follows the rules of the proto always shows what a fresh list would show.

use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::conversation::event::{AssignmentHow, NotePersonal, OpenCause};
use relevo_domain::conversation::{ConversationEvent, PauseReason, PauseTerms, Priority};
use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, Caller, ErrorCode, MessageId, Role, TagId, ValidUntil};
use relevo_proto::Problem;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;

use super::live::{Client, Live, idle, next, pass};
use super::world::{START, World, agent, ask, caller, clock, conversation, granted, supervisor};
use crate::{HEARTBEAT, WATCHES_PER_CALLER_MAX, WATCHES_PER_TENANT_MAX};

const VIP: TagId = TagId::new([1; 16]);

pub(super) fn many(n: u8) -> World {
    let tag = WorkspaceEvent::TagCreated { tag: VIP, name: TagName::new("VIP").unwrap(), colour: Colour([1, 2, 3]) };
    (1..=n).fold(World::new().workspace_event("demo", tag), |world, n| world.writes("demo", n, "wa-main", "hola"))
}

fn first(size: i32) -> wire::WatchInboxRequest {
    wire::WatchInboxRequest { page_size: size, ..Default::default() }
}

fn list_of(request: &wire::WatchInboxRequest) -> wire::ListConversationsRequest {
    let (filter, sort, page_size) = (request.filter.clone(), request.sort, request.page_size);
    wire::ListConversationsRequest { filter, sort, page_size, ..Default::default() }
}

fn problem(status: &tonic::Status) -> Problem {
    Problem::from_status(status).unwrap()
}

/// What the client shows is what a fresh list and fresh counters say.
async fn agrees(live: &Live, caller: &Caller, request: &wire::WatchInboxRequest, client: &Client) {
    assert_eq!(client.rows, live.list(caller, list_of(request)).await);
    assert_eq!(client.counters, Some(live.counters(caller).await));
}

#[tokio::test]
async fn a_snapshot_first_then_each_change_as_a_delta() {
    let mut live = Live::new(many(4));
    let request = first(3);
    let mut client = live.watch(&supervisor(), request.clone()).await;
    assert_eq!((client.snapshots, client.rows.len(), client.position.clone()), (1, 3, live.position()));

    live.tell(|world| world.writes("demo", 1, "wa-main", "¿hola?"));
    client.hear().await;

    let Some(wire::watch_inbox_response::Event::Delta(delta)) = client.last.clone() else { panic!("not a delta") };
    assert_eq!(delta.upserts.len(), 1, "only what changed");
    assert_eq!(delta.removed_ids, [conversation(2).to_string()], "pushed out by the new first");
    assert_eq!(client.position, live.position());
    agrees(&live, &supervisor(), &request, &client).await;

    live.tell(|world| world.resolved("demo", 1));
    client.hear().await;
    agrees(&live, &supervisor(), &request, &client).await;
    assert_eq!(client.snapshots, 1);
}

fn escalated(world: World, n: u8, to: &str) -> World {
    let terms = PauseTerms { until: None, locked: true };
    let (reason, personal) = (PauseReason::Complaint, NotePersonal::default());
    let note = MessageId::new([n; 16]);
    let events = vec![
        ConversationEvent::BotPaused { reason, automatic: false, terms, personal: personal.clone() },
        ConversationEvent::Assigned { agent: Some(agent(to)), team: None, how: AssignmentHow::Manual },
        ConversationEvent::NoteAdded { message: note, personal },
        ConversationEvent::Escalated { to: agent(to), reason, note },
    ];
    world.conversation_events("demo", n, Actor::Staff(agent("laura")), events)
}

#[tokio::test]
async fn who_is_asked_to_take_over_is_alerted_once_whatever_they_look_at() {
    let mut live = Live::new(many(4));
    let carla = supervisor();
    // She looks at resolved ones alone.
    let status = vec![wire::ConversationStatus::Resolved.into()];
    let filter = Some(wire::ConversationFilter { statuses: status, ..Default::default() });
    let request = wire::WatchInboxRequest { filter, ..Default::default() };
    let mut asked = live.watch(&carla, request.clone()).await;
    let mut other = live.watch(&caller("demo", "diego", Role::Supervisor), wire::WatchInboxRequest::default()).await;
    let from_position = asked.position.clone();
    live.tell(|world| escalated(world, 2, carla.name.as_str()));

    asked.hear().await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = asked.last.clone() else { panic!("not a delta") };
    let [alert] = delta.alerts.as_slice() else { panic!("one alert: {delta:?}") };
    assert_eq!(
        (alert.conversation_id.clone(), alert.contact_name.as_str()),
        (conversation(2).to_string(), "Cliente 2")
    );
    let escalation = alert.escalation.clone().unwrap();
    assert_eq!(escalation.by.unwrap().id, "laura");
    assert_eq!(
        (escalation.reason, escalation.to.unwrap().agent_id),
        (wire::PauseReason::Complaint.into(), carla.name.to_string())
    );
    other.hear().await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = other.last.clone() else { panic!("not a delta") };
    assert!(delta.alerts.is_empty(), "somebody else was asked");
    let shown = delta.upserts[0].pause.clone().unwrap();
    assert!(shown.locked && shown.escalation.is_some(), "whoever sees the conversation sees that: {shown:?}");

    live.tell(|world| world.writes("demo", 2, "wa-main", "¿hola?").resolved("demo", 3));
    asked.hear().await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = asked.last.clone() else { panic!("not a delta") };
    assert!(delta.alerts.is_empty(), "once: {delta:?}");
    let resumed = live.watch(&carla, wire::WatchInboxRequest { from_position, ..request }).await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = resumed.last.clone() else { panic!("not a delta") };
    assert_eq!(delta.alerts.len(), 1, "who was away is told");
}

#[tokio::test]
async fn changes_that_the_caller_may_not_see_leave_no_trace() {
    let mut live = Live::new(many(2).writes("demo", 3, "mail", "correo"));
    let laura = granted("laura", "wa-main", "ventas");
    let request = wire::WatchInboxRequest::default();
    let mut client = live.watch(&laura, request.clone()).await;
    live.tell(|world| world.writes("demo", 3, "mail", "secreto").writes("demo-b", 1, "wa-main", "de otros"));
    live.tell(|world| world.assigned("demo", 1, None, Some("otros")));
    client.hear().await;

    let Some(wire::watch_inbox_response::Event::Delta(delta)) = client.last.clone() else { panic!("not a delta") };
    assert_eq!(delta.removed_ids, [conversation(1).to_string()]);
    assert!(delta.upserts.is_empty(), "{delta:?}");
    agrees(&live, &laura, &request, &client).await;
}

#[tokio::test]
async fn a_watch_resumes_from_its_position_with_an_order_and_its_rows() {
    let mut live = Live::new(many(30));
    let request = first(10);
    let mut client = live.watch(&supervisor(), request.clone()).await;
    let from_position = client.position.clone();
    live.tell(|world| world.resolved("demo", 28).writes("demo", 3, "wa-main", "volví").resolved("demo", 30));

    let again = wire::WatchInboxRequest { from_position, ..request.clone() };
    client.stream = live.query.watch_inbox(ask(&supervisor(), again)).await.unwrap().into_inner();
    client.hear().await;

    let Some(wire::watch_inbox_response::Event::Delta(delta)) = client.last.clone() else { panic!("not a delta") };
    assert!(delta.resumed && delta.removed_ids.is_empty());
    agrees(&live, &supervisor(), &request, &client).await;

    // Nothing happened: the order and all rows, for what the client has may be older than its access or our labels.
    let again = wire::WatchInboxRequest { from_position: client.position.clone(), ..request.clone() };
    client.stream = live.query.watch_inbox(ask(&supervisor(), again)).await.unwrap().into_inner();
    client.hear().await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = client.last.clone() else { panic!("not a delta") };
    assert_eq!((delta.upserts.len(), delta.order.len()), (10, 10));
    agrees(&live, &supervisor(), &request, &client).await;
    assert_eq!(client.snapshots, 1);
}

#[tokio::test]
async fn a_list_that_runs_short_is_filled_again() {
    let mut live = Live::new(many(40));
    let request = first(5);
    let mut client = live.watch(&supervisor(), request.clone()).await;
    for n in (1..=40).rev() {
        live.tell(|world| world.resolved("demo", n));
        client.hear_until(&live.position()).await;
        agrees(&live, &supervisor(), &request, &client).await;
    }
    assert_eq!((client.snapshots, client.rows.len()), (1, 0));
}

#[tokio::test]
async fn after_many_changes_a_watch_resumes_with_a_snapshot() {
    let mut live = Live::new(many(30));
    let from_position = live.position();
    live.tell(|world| (1..=30).fold(world, |world, n| world.writes("demo", n, "wa-main", "otra vez")));
    let request = wire::WatchInboxRequest { from_position, ..first(10) };
    let client = live.watch(&supervisor(), request.clone()).await;
    assert_eq!(client.snapshots, 1);
    agrees(&live, &supervisor(), &request, &client).await;

    let future = wire::WatchInboxRequest { from_position: "p1-999999".to_owned(), ..first(10) };
    tokio::time::pause();
    let Err(status) = live.query.watch_inbox(ask(&supervisor(), future)).await else { panic!("accepted") };
    assert_eq!(problem(&status).code, ErrorCode::StaleRead);
    let bad = wire::WatchInboxRequest { from_position: "p9-1".to_owned(), ..first(10) };
    let Err(status) = live.query.watch_inbox(ask(&supervisor(), bad)).await else { panic!("accepted") };
    assert_eq!(problem(&status).code, ErrorCode::PositionInvalid);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_fewer_messages_and_misses_nothing() {
    let mut live = Live::new(many(5));
    let request = wire::WatchInboxRequest::default();
    let mut slow = live.watch(&supervisor(), request.clone()).await;
    let mut quick = live.watch(&supervisor(), request.clone()).await;
    for n in 0..60 {
        live.tell(|world| world.writes("demo", n % 5 + 1, "wa-main", &format!("mensaje {n}")));
        quick.hear_until(&live.position()).await;
    }
    slow.hear_until(&live.position()).await;

    assert_eq!(quick.deltas, 60);
    assert!(slow.deltas <= 4, "{} messages were kept for it", slow.deltas);
    agrees(&live, &supervisor(), &request, &slow).await;
    agrees(&live, &supervisor(), &request, &quick).await;
}

#[tokio::test]
async fn a_changed_tag_and_a_rebuilt_view_are_told_by_a_snapshot() {
    let mut live = Live::new(many(2).event("demo", 1, ConversationEvent::TagAdded { tag: VIP }));
    let request = wire::WatchInboxRequest::default();
    let mut client = live.watch(&supervisor(), request.clone()).await;
    let (name, colour) = (TagName::new("Muy VIP").unwrap(), Colour([9, 9, 9]));
    live.tell(|world| world.workspace_event("demo", WorkspaceEvent::TagChanged { tag: VIP, name, colour }));
    client.hear().await;
    assert_eq!((client.snapshots, client.rows[1].tags[0].name.as_str()), (2, "Muy VIP"));

    live.inbox.switch();
    live.tell(|world| world.writes("demo", 2, "wa-main", "después del cambio"));
    client.hear_until(&live.position()).await;
    assert_eq!(client.snapshots, 3);
    agrees(&live, &supervisor(), &request, &client).await;
}

#[tokio::test]
async fn a_rebuild_of_the_same_version_is_told_by_a_snapshot() {
    let mut live = Live::new(many(2));
    let request = wire::WatchInboxRequest::default();
    let mut client = live.watch(&supervisor(), request.clone()).await;
    live.inbox.rebuild();
    live.tell(|world| world.writes("demo", 2, "wa-main", "después"));
    client.hear_until(&live.position()).await;
    assert_eq!(client.snapshots, 2);
    agrees(&live, &supervisor(), &request, &client).await;
}

#[tokio::test]
async fn a_resumed_watch_has_every_row_whatever_the_client_could_see_before() {
    let mut live = Live::new(many(3).writes("demo", 4, "mail", "correo").writes("demo", 5, "wa-main", "hola"));
    let request = first(10);
    let before = granted("laura", "wa-main", "ventas");
    let mut client = live.watch(&before, request.clone()).await;
    assert_eq!(client.rows.len(), 4);
    live.tell(|world| world.writes("demo", 1, "wa-main", "hola"));
    // Meanwhile she was given the mail, of which no commit tells.
    let again = wire::WatchInboxRequest { from_position: client.position.clone(), ..request.clone() };
    client.stream = live.query.watch_inbox(ask(&supervisor(), again)).await.unwrap().into_inner();
    client.hear().await;
    assert_eq!(client.rows.len(), 5);
    agrees(&live, &supervisor(), &request, &client).await;
}

#[tokio::test]
async fn watches_of_one_tenant_leave_room_for_the_others() {
    let live = Live::new(many(1));
    let mut open = Vec::new();
    for n in 0..WATCHES_PER_TENANT_MAX {
        let caller = caller("demo", &format!("agent-{}", n % 8), Role::Supervisor);
        open.push(live.query.inner.watches.admit(&caller).unwrap());
    }
    let Err(status) = live.query.watch_inbox(ask(&supervisor(), first(1))).await else { panic!("accepted") };
    assert_eq!(problem(&status).subject("what"), Some("watches_of_tenant"));
    let other = caller("demo-b", "carla", Role::Admin);
    assert!(live.query.watch_inbox(ask(&other, first(1))).await.is_ok());
    open.pop();
    assert!(live.query.watch_inbox(ask(&supervisor(), first(1))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_minutes_loses_its_watch() {
    let live = Live::new(many(1));
    let mut stream = live.query.watch_inbox(ask(&supervisor(), first(1))).await.unwrap().into_inner();
    idle(Duration::from_mins(18)).await;
    assert_eq!(live.query.inner.watches.open(), 1);
    idle(Duration::from_mins(5)).await;
    assert_eq!(live.query.inner.watches.open(), 0);
    let status = loop {
        if let Err(status) = next(&mut stream).await {
            break status;
        }
    };
    assert_eq!(problem(&status).code, ErrorCode::LimitReached);
}

#[tokio::test]
async fn what_time_does_is_told_when_it_is_due() {
    let until = Some(START + Duration::from_mins(90));
    let snooze = ConversationEvent::Snoozed { until, preset: None, personal: NotePersonal::default() };
    let live = Live::new(many(3).event("demo", 2, snooze));
    let waiting = wire::ConversationFilter { waiting_longer_than_seconds: 5_400, ..Default::default() };
    let request = wire::WatchInboxRequest::default();
    let mut client = live.watch(&supervisor(), request.clone()).await;
    let late = wire::WatchInboxRequest { filter: Some(waiting), ..Default::default() };
    let mut waits = live.watch(&supervisor(), late.clone()).await;
    assert_eq!((client.rows.len(), waits.rows.len()), (2, 0));
    tokio::time::pause();
    // At once: whoever reads nothing for minutes loses the watch.
    pass(Duration::from_mins(30)).await;
    while client.rows.len() < 3 {
        client.hear().await;
    }
    assert!(client.rows.iter().any(|row| row.due && row.status() == wire::ConversationStatus::Open));
    assert_eq!(client.counters.unwrap().all.unwrap().open, 3);

    pass(Duration::from_mins(1)).await;
    while waits.rows.len() < 3 {
        waits.hear().await;
    }
    agrees(&live, &supervisor(), &late, &waits).await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_says_that_it_is_alive_and_how_far_it_has_seen() {
    let mut live = Live::new(many(1));
    let mut client = live.watch(&supervisor(), wire::WatchInboxRequest::default()).await;
    live.tell(|world| world.writes("demo-b", 1, "wa-main", "de otros"));
    let before = tokio::time::Instant::now();
    client.hear().await;
    assert!(matches!(client.last, Some(wire::watch_inbox_response::Event::Heartbeat(_))), "{:?}", client.last);
    assert_eq!(client.position, live.position());
    assert!(before.elapsed() >= HEARTBEAT.mul_f32(0.9), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_ends_the_watch_with_the_position() {
    let live = Live::new(many(2));
    let mut request = ask(&supervisor(), wire::WatchInboxRequest::default());
    request.extensions_mut().insert(ValidUntil(clock::now() + Duration::from_secs(5)));
    let mut stream = live.query.watch_inbox(request).await.unwrap().into_inner();
    assert!(next(&mut stream).await.is_ok());
    let problem = problem(&next(&mut stream).await.unwrap_err());
    assert_eq!((problem.code, problem.subject("position")), (ErrorCode::TokenExpired, Some(live.position().as_str())));
    assert_eq!(live.query.inner.watches.open(), 0);
}

#[tokio::test]
async fn watches_of_one_caller_are_limited_and_a_closed_one_makes_room() {
    let live = Live::new(many(1));
    let mut open = Vec::new();
    for _ in 0..WATCHES_PER_CALLER_MAX {
        open.push(live.query.watch_inbox(ask(&supervisor(), first(1))).await.unwrap());
    }
    let Err(status) = live.query.watch_inbox(ask(&supervisor(), first(1))).await else { panic!("accepted") };
    assert_eq!(problem(&status).code, ErrorCode::LimitReached);
    assert_eq!(problem(&status).subject("limit"), Some(WATCHES_PER_CALLER_MAX.to_string().as_str()));
    let other = granted("laura", "wa-main", "ventas");
    assert!(live.query.watch_inbox(ask(&other, first(1))).await.is_ok(), "somebody else has room");
    open.pop();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while live.query.watch_inbox(ask(&supervisor(), first(1))).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the closed watch is still counted");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stopped_view_and_a_stopping_node_end_the_watch_with_a_reason() {
    let live = Live::new(many(1));
    let mut stream = live.query.watch_inbox(ask(&supervisor(), first(1))).await.unwrap().into_inner();
    next(&mut stream).await.unwrap();
    live.query.inner.ports.ending.cancel();
    assert_eq!(problem(&next(&mut stream).await.unwrap_err()).code, ErrorCode::LogUnavailable);

    let live = Live::new(many(1));
    let mut stream = live.query.watch_inbox(ask(&supervisor(), first(1))).await.unwrap().into_inner();
    next(&mut stream).await.unwrap();
    live.inbox.stop("on purpose");
    assert_eq!(problem(&next(&mut stream).await.unwrap_err()).code, ErrorCode::Internal);
}

/// One thing that happens to one of a few conversations.
#[derive(Clone, Debug)]
enum Happens {
    Writes,
    Echo,
    Resolve,
    Assign(Option<&'static str>, Option<&'static str>),
    Pause,
    Snooze(bool),
    Open,
    Tag(bool),
    Priority(Priority),
    Read,
}

fn happens() -> impl Strategy<Value = (u8, Happens)> {
    let what = prop_oneof![
        4 => Just(Happens::Writes),
        1 => Just(Happens::Echo),
        2 => Just(Happens::Resolve),
        2 => prop::sample::select(vec![(Some("laura"), None), (None, Some("ventas")), (None, Some("otros")), (None, None)])
            .prop_map(|(agent, team)| Happens::Assign(agent, team)),
        1 => Just(Happens::Pause),
        1 => any::<bool>().prop_map(Happens::Snooze),
        1 => Just(Happens::Open),
        1 => any::<bool>().prop_map(Happens::Tag),
        1 => prop::sample::select(Priority::ALL.to_vec()).prop_map(Happens::Priority),
        1 => Just(Happens::Read),
    ];
    (1..=12_u8, what)
}

fn tell(world: World, n: u8, what: &Happens) -> World {
    let none = NotePersonal::default;
    let channel = if n.is_multiple_of(3) { "mail" } else { "wa-main" };
    let event = match what {
        Happens::Writes => return world.writes("demo", n, channel, "hola"),
        Happens::Echo => return world.echoes("demo", n, "respondido"),
        Happens::Resolve => return world.resolved("demo", n),
        Happens::Assign(agent, team) => return world.assigned("demo", n, *agent, *team),
        Happens::Pause => return world.paused("demo", n, PauseReason::Complaint, ""),
        Happens::Snooze(past) => {
            let until = if *past { START } else { START + Duration::from_hours(9) };
            ConversationEvent::Snoozed { until: Some(until), preset: None, personal: none() }
        }
        Happens::Open => ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff },
        Happens::Tag(true) => ConversationEvent::TagAdded { tag: VIP },
        Happens::Tag(false) => ConversationEvent::TagRemoved { tag: VIP },
        Happens::Priority(priority) => ConversationEvent::PrioritySet { priority: *priority },
        Happens::Read => ConversationEvent::MarkedRead { through: u64::MAX },
    };
    world.event("demo", n, event)
}

fn some_filter() -> impl Strategy<Value = wire::WatchInboxRequest> {
    let filters = vec![
        wire::ConversationFilter::default(),
        wire::ConversationFilter { statuses: vec![1, 2, 3, 4], ..Default::default() },
        wire::ConversationFilter { statuses: vec![3], ..Default::default() },
        wire::ConversationFilter { tab: wire::InboxTab::Unassigned.into(), ..Default::default() },
        wire::ConversationFilter { bot: wire::BotState::Paused.into(), ..Default::default() },
        wire::ConversationFilter { tags: vec!["vip".to_owned()], unread: true, ..Default::default() },
        wire::ConversationFilter { search: "cliente 1".to_owned(), ..Default::default() },
    ];
    (prop::sample::select(filters), 0..=3_i32, 1..=12_i32).prop_map(|(filter, sort, page_size)| {
        wire::WatchInboxRequest { filter: Some(filter), sort, page_size, ..Default::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn snapshot_and_deltas_are_a_fresh_list_after_any_changes(
        request in some_filter(),
        batches in prop::collection::vec((prop::collection::vec(happens(), 1..4), any::<bool>()), 1..12),
        narrow in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let caller = if narrow { granted("laura", "wa-main", "ventas") } else { supervisor() };
            let mut live = Live::new((1..=12).fold(many(0), |world, n| tell(world, n, &Happens::Writes)));
            let mut client = live.watch(&caller, request.clone()).await;
            for (batch, resumes) in &batches {
                live.tell(|world| batch.iter().fold(world, |world, (n, what)| tell(world, *n, what)));
                if *resumes {
                    let again = wire::WatchInboxRequest { from_position: client.position.clone(), ..request.clone() };
                    client.stream = live.query.watch_inbox(ask(&caller, again)).await.unwrap().into_inner();
                    client.hear().await;
                }
                // A change that shows nothing here is told by nothing: one that shows tells how far that is.
                live.tell(|world| world.writes("demo", 1, "wa-main", "marca").assigned("demo", 1, Some("laura"), None));
                let ended = live.position();
                let agrees = client.caught_up(&live, &caller, &list_of(&request), &ended).await;
                assert!(agrees, "{:?} is not {:?}", client.ids(), live.list(&caller, list_of(&request)).await);
            }
        });
    }
}
