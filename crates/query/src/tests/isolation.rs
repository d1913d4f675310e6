//! Two tenants with the same ids and contents never see each other, by list, id or count.

use relevo_domain::conversation::PauseReason;
use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::assignment_service_server::AssignmentService as _;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::metrics_service_server::MetricsService as _;
use relevo_proto::query::v1::pause_service_server::PauseService as _;

use super::world::{Told, World, ask, caller, code, conversation, supervisor};

/// Conversation 1 is in both tenants, 2 in `demo` alone.
fn given() -> Told {
    World::new()
        .writes("demo", 1, "wa-main", "secreto de demo")
        .writes("demo", 2, "wa-main", "otro secreto de demo")
        .paused("demo", 1, PauseReason::Complaint, "nota de demo")
        .assigned("demo", 1, Some("laura"), None)
        .writes("demo-b", 1, "wa-main", "secreto de demo-b")
        .told()
}

#[tokio::test]
async fn lists_and_counts_show_the_own_tenant_alone() {
    let told = given();
    let (demo, other) = (supervisor(), caller("demo-b", "carla", Role::Admin));

    let list = async |caller| {
        let answer = told.query.list_conversations(ask(caller, wire::ListConversationsRequest::default())).await;
        answer.unwrap().into_inner().conversations.into_iter().map(|row| row.preview).collect::<Vec<_>>()
    };
    assert_eq!(list(&demo).await, ["otro secreto de demo", "secreto de demo"]);
    assert_eq!(list(&other).await, ["secreto de demo-b"]);

    let paused = told.query.list_paused(ask(&other, wire::ListPausedRequest::default())).await.unwrap().into_inner();
    assert_eq!((paused.paused.len(), paused.counts.len()), (0, 0));
    let request = wire::ListAssignmentsRequest { agent_id: "laura".to_owned(), ..Default::default() };
    let held = told.query.list_assignments(ask(&other, request)).await.unwrap().into_inner();
    assert_eq!((held.assignments.len(), held.loads.len()), (0, 0));
    let days = wire::GetMetricsRequest { from_day: "2026-03-02".to_owned(), ..Default::default() };
    let figures = told.query.get_metrics(ask(&other, days)).await.unwrap().into_inner();
    assert_eq!(figures.totals.unwrap().messages_in, 1);
    assert!(figures.pauses.is_empty());
}

#[tokio::test]
async fn an_id_of_the_other_tenant_does_not_exist_and_an_equal_id_is_ones_own() {
    let told = given();
    let other = caller("demo-b", "carla", Role::Admin);
    let two = || conversation(2).to_string();

    let get = wire::GetConversationRequest { conversation_id: two(), ..Default::default() };
    assert_eq!(code(told.query.get_conversation(ask(&other, get)).await), ErrorCode::ConversationNotFound);
    let thread = wire::ListMessagesRequest { conversation_id: two(), ..Default::default() };
    assert_eq!(code(told.query.list_messages(ask(&other, thread)).await), ErrorCode::ConversationNotFound);
    let pause = wire::GetPauseRequest { conversation_id: two(), ..Default::default() };
    assert_eq!(code(told.query.get_pause(ask(&other, pause)).await), ErrorCode::ConversationNotFound);

    let own = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    let own = told.query.list_messages(ask(&other, own)).await.unwrap().into_inner();
    let texts: Vec<_> = own
        .entries
        .into_iter()
        .filter_map(|entry| match entry.entry? {
            wire::thread_entry::Entry::Message(message) => Some(message.text),
            wire::thread_entry::Entry::Timeline(_) | wire::thread_entry::Entry::LooseUpdate(_) => None,
        })
        .collect();
    assert_eq!(texts, ["secreto de demo-b"]);
}
