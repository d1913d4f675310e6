//! Filters, sorts and counters of the inbox through the service; how they combine is tested where they are made.

use std::time::Duration;

use relevo_domain::conversation::event::NotePersonal;
use relevo_domain::conversation::{ConversationEvent, PauseReason, Priority};
use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Caller, ErrorCode, Role, TagId};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;

use super::world::{START, Told, World, ask, caller, clock, code, conversation, granted, refused, supervisor};

const VIP: TagId = TagId::new([1; 16]);
const GONE: TagId = TagId::new([2; 16]);

fn tag(id: TagId, name: &str) -> WorkspaceEvent {
    WorkspaceEvent::TagCreated { tag: id, name: TagName::new(name).unwrap(), colour: Colour([255, 165, 0]) }
}

fn snoozed(until: Duration) -> ConversationEvent {
    ConversationEvent::Snoozed { until: Some(START + until), preset: None, personal: NotePersonal::default() }
}

/// 1 paused, tagged and urgent; 2 a mail that is pending; 3 resolved; 4 snoozed for two hours; 5 of Laura.
fn a_desk() -> World {
    World::new()
        .workspace_event("demo", tag(VIP, "Cliente VIP"))
        .workspace_event("demo", tag(GONE, "Vieja"))
        .writes("demo", 1, "wa-main", "Hola")
        .writes("demo", 2, "mail", "Presupuesto")
        .writes("demo", 3, "wa-main", "Gracias")
        .writes("demo", 4, "wa-main", "Mañana paso")
        .writes("demo", 5, "wa-main", "¿Abren?")
        .paused("demo", 1, PauseReason::Complaint, "")
        .event("demo", 1, ConversationEvent::TagAdded { tag: VIP })
        .event("demo", 1, ConversationEvent::TagAdded { tag: GONE })
        .event("demo", 1, ConversationEvent::PrioritySet { priority: Priority::Urgent })
        .event("demo", 2, ConversationEvent::MarkedPending { personal: NotePersonal::default() })
        .resolved("demo", 3)
        .event("demo", 4, snoozed(Duration::from_hours(2)))
        .assigned("demo", 5, Some("laura"), Some("ventas"))
        .workspace_event("demo", WorkspaceEvent::TagDeleted { tag: GONE })
}

async fn found(told: &Told, filter: wire::ConversationFilter) -> Vec<u8> {
    let request = wire::ListConversationsRequest { filter: Some(filter), ..Default::default() };
    let answer = told.query.list_conversations(ask(&supervisor(), request)).await.unwrap().into_inner();
    assert_eq!(answer.total, answer.conversations.len() as u64);
    let number =
        |row: &wire::Conversation| (1..=9).find(|n| conversation(*n).to_string() == row.conversation_id).unwrap();
    let mut found: Vec<_> = answer.conversations.iter().map(number).collect();
    found.sort_unstable();
    found
}

fn filter() -> wire::ConversationFilter {
    wire::ConversationFilter::default()
}

fn statuses(statuses: &[wire::ConversationStatus]) -> wire::ConversationFilter {
    wire::ConversationFilter { statuses: statuses.iter().map(|status| (*status).into()).collect(), ..filter() }
}

#[tokio::test]
async fn every_filter_of_the_api_reaches_the_list() {
    use wire::ConversationStatus::{Open, Pending, Resolved, Snoozed};
    let told = a_desk().told();

    assert_eq!(found(&told, filter()).await, [1, 2, 5], "open and pending");
    assert_eq!(found(&told, statuses(&[Open, Pending, Snoozed])).await, [1, 2, 4, 5], "document 001: Abiertas");
    assert_eq!(found(&told, statuses(&[Resolved])).await, [3], "document 001: Cerradas");
    assert_eq!(found(&told, statuses(&[Snoozed])).await, [4]);
    let paused = wire::ConversationFilter { bot: wire::BotState::Paused.into(), ..filter() };
    assert_eq!(found(&told, paused).await, [1]);
    let mail = wire::ConversationFilter { media: vec![wire::Medium::Email.into()], ..filter() };
    assert_eq!(found(&told, mail).await, [2]);
    let channel = wire::ConversationFilter { channel_ids: vec!["mail".to_owned(), "nowhere".to_owned()], ..filter() };
    assert_eq!(found(&told, channel).await, [2]);
    for name in ["cliente vip".to_owned(), VIP.to_string()] {
        assert_eq!(found(&told, wire::ConversationFilter { tags: vec![name], ..filter() }).await, [1]);
    }
    let agent = wire::ConversationFilter { agent_ids: vec!["laura".to_owned()], ..filter() };
    assert_eq!(found(&told, agent).await, [5]);
    let team = wire::ConversationFilter { team_ids: vec!["ventas".to_owned()], ..filter() };
    assert_eq!(found(&told, team).await, [5]);
    let urgent = wire::ConversationFilter { priorities: vec![wire::Priority::Urgent.into()], ..filter() };
    assert_eq!(found(&told, urgent.clone()).await, [1]);
    let both = wire::ConversationFilter { media: vec![wire::Medium::Email.into()], ..urgent };
    assert!(found(&told, both).await.is_empty(), "filters combine");
    let search = wire::ConversationFilter { search: "clien 11-0005".to_owned(), ..filter() };
    assert_eq!(found(&told, search).await, [5]);
    let waiting = wire::ConversationFilter { waiting_longer_than_seconds: 3_593, ..filter() };
    assert_eq!(found(&told, waiting).await, [1, 2], "the others wrote later");
    assert_eq!(found(&told, wire::ConversationFilter { unread: true, ..filter() }).await, [1, 2, 5]);
}

#[tokio::test]
async fn a_row_has_its_tags_its_priority_and_its_snooze_and_a_deleted_tag_is_gone() {
    let told = a_desk().told();
    let request = wire::ListConversationsRequest {
        filter: Some(statuses(&[wire::ConversationStatus::Open, wire::ConversationStatus::Snoozed])),
        sort: wire::ConversationSort::Priority.into(),
        ..Default::default()
    };
    let rows = told.query.list_conversations(ask(&supervisor(), request.clone())).await.unwrap().into_inner();

    let first = &rows.conversations[0];
    assert_eq!(
        (first.conversation_id.as_str(), first.priority()),
        (conversation(1).to_string().as_str(), wire::Priority::Urgent)
    );
    let tags: Vec<_> = first.tags.iter().map(|tag| (tag.name.as_str(), tag.colour.as_str())).collect();
    assert_eq!(tags, [("Cliente VIP", "#ffa500")]);
    let snoozed = rows.conversations.iter().find(|row| row.snoozed_until.is_some()).unwrap();
    assert_eq!((snoozed.status(), snoozed.due), (wire::ConversationStatus::Snoozed, false));

    clock::set(START + Duration::from_hours(2));
    let rows = told.query.list_conversations(ask(&supervisor(), request)).await.unwrap().into_inner();
    let due = rows.conversations.iter().find(|row| row.due).unwrap();
    assert_eq!(
        (due.conversation_id.as_str(), due.status()),
        (conversation(4).to_string().as_str(), wire::ConversationStatus::Open)
    );
    assert_eq!(found(&told, statuses(&[wire::ConversationStatus::Snoozed])).await, [0_u8; 0]);

    let tags = told.query.list_tags(ask(&supervisor(), wire::ListTagsRequest::default())).await.unwrap().into_inner();
    assert_eq!(tags.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["Cliente VIP"]);
}

#[tokio::test]
async fn a_tag_that_is_deleted_or_was_never_there_is_unknown() {
    let told = a_desk().told();
    for unknown in [GONE.to_string(), "Vieja".to_owned(), "nada".to_owned(), TagId::new([9; 16]).to_string()] {
        let filter = wire::ConversationFilter { tags: vec![unknown.clone()], ..filter() };
        let request = wire::ListConversationsRequest { filter: Some(filter.clone()), ..Default::default() };
        let answer = told.query.list_conversations(ask(&supervisor(), request)).await;
        assert_eq!(code(answer), ErrorCode::TagUnknown, "{unknown}");
        let request = wire::WatchInboxRequest { filter: Some(filter), ..Default::default() };
        let Err(status) = told.query.watch_inbox(ask(&supervisor(), request)).await else { panic!("accepted") };
        assert_eq!(relevo_proto::Problem::from_status(&status).unwrap().code, ErrorCode::TagUnknown, "{unknown}");
    }
    let other = wire::ConversationFilter { tags: vec![VIP.to_string()], ..filter() };
    let other = wire::ListConversationsRequest { filter: Some(other), ..Default::default() };
    let answer = told.query.list_conversations(ask(&caller("demo-b", "carla", Role::Admin), other)).await;
    assert_eq!(code(answer), ErrorCode::TagUnknown, "another tenant's tag");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_filter_is_named() {
    let told = a_desk().told();
    let filter = wire::ConversationFilter {
        channel_ids: vec!["No Es".to_owned()],
        agent_ids: vec!["laura".to_owned(); 101],
        tags: vec!["\u{7}".to_owned()],
        priorities: vec![44],
        search: "a".repeat(201),
        ..filter()
    };
    let request = wire::ListConversationsRequest { filter: Some(filter), sort: 9, ..Default::default() };

    let problem = refused(told.query.list_conversations(ask(&supervisor(), request)).await);

    assert_eq!(problem.code, ErrorCode::InvalidArgument);
    let mut fields: Vec<_> = problem.violations.iter().map(|violation| violation.field.as_str()).collect();
    fields.sort_unstable();
    let expected =
        ["filter.agent_ids", "filter.channel_ids", "filter.priorities", "filter.search", "filter.tags", "sort"];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn counters_are_the_callers_own() {
    let told = a_desk().told();
    let counters = async |caller: &Caller| {
        let answer = told.query.get_counters(ask(caller, wire::GetCountersRequest::default())).await.unwrap();
        answer.into_inner().counters.unwrap()
    };
    let all = counters(&supervisor()).await;
    let tab = |open, pending, snoozed, resolved, unread, paused| {
        Some(wire::TabCounts { open, pending, snoozed, resolved, unread, paused, delivery_problems: 0 })
    };
    assert_eq!(all.all, tab(2, 1, 1, 1, 3, 1));
    assert_eq!(all.unassigned, tab(1, 1, 1, 1, 2, 1));
    assert_eq!(all.mine, tab(0, 0, 0, 0, 0, 0));
    let laura = counters(&granted("laura", "wa-main", "ventas")).await;
    assert_eq!(laura.mine, tab(1, 0, 0, 0, 1, 0));
    assert_eq!(laura.all, tab(2, 0, 1, 1, 2, 1), "no mails");
    let stranger = counters(&caller("demo-b", "carla", Role::Admin)).await;
    assert_eq!(stranger.all, tab(0, 0, 0, 0, 0, 0));
}
