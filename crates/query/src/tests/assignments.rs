//! Who has what.

use std::time::Duration;

use relevo_domain::{Caller, ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::assignment_service_server::AssignmentService as _;

use super::world::{Told, World, ask, caller, code, conversation, granted, refused, supervisor};

fn given() -> Told {
    World::new()
        .writes("demo", 1, "wa-main", "uno")
        .writes("demo", 2, "wa-main", "dos")
        .writes("demo", 3, "mail", "tres")
        .writes("demo", 4, "wa-main", "cuatro")
        .assigned("demo", 2, Some("laura"), Some("ventas"))
        .assigned("demo", 1, Some("laura"), None)
        .assigned("demo", 3, None, Some("ventas"))
        .assigned("demo", 4, Some("martin"), None)
        .resolved("demo", 4)
        .told()
}

fn loads(answer: &wire::ListAssignmentsResponse) -> Vec<(String, u64)> {
    let holder = |load: &wire::Load| {
        let assignee = load.assignee.as_ref().unwrap();
        if assignee.agent_name.is_empty() { assignee.team_name.clone() } else { assignee.agent_name.clone() }
    };
    answer.loads.iter().map(|load| (holder(load), load.open)).collect()
}

fn ids(answer: &wire::ListAssignmentsResponse) -> Vec<String> {
    answer.assignments.iter().map(|row| row.conversation_id.clone()).collect()
}

#[tokio::test]
async fn open_conversations_are_listed_longest_held_first_with_loads() {
    let told = given();

    let answer = told.query.list_assignments(ask(&supervisor(), wire::ListAssignmentsRequest::default())).await;

    let answer = answer.unwrap().into_inner();
    assert_eq!(ids(&answer), [2, 1, 3].map(|n| conversation(n).to_string()));
    assert_eq!(loads(&answer), [("Laura".to_owned(), 2), ("Ventas".to_owned(), 2)]);
    let first = &answer.assignments[0];
    assert_eq!(first.assignee.as_ref().unwrap().team_name, "Ventas");
    assert_eq!((first.how(), first.by.as_ref().unwrap().name.as_str()), (wire::AssignmentHow::Manual, "Carla"));
    assert_eq!(answer.position, format!("p1-{}", told.last));
}

#[tokio::test]
async fn one_agent_or_one_team_can_be_asked_for_but_not_both() {
    let told = given();
    let list = async |agent_id: &str, team_id: &str| {
        let request = wire::ListAssignmentsRequest {
            agent_id: agent_id.to_owned(),
            team_id: team_id.to_owned(),
            ..Default::default()
        };
        told.query.list_assignments(ask(&supervisor(), request)).await
    };
    assert_eq!(ids(&list("laura", "").await.unwrap().into_inner()), [2, 1].map(|n| conversation(n).to_string()));
    assert_eq!(ids(&list("", "ventas").await.unwrap().into_inner()), [2, 3].map(|n| conversation(n).to_string()));
    assert!(ids(&list("martin", "").await.unwrap().into_inner()).is_empty(), "what is resolved is not held");
    let both = refused(list("laura", "ventas").await);
    assert_eq!((both.code, both.violations[0].field.as_str()), (ErrorCode::InvalidArgument, "team_id"));
    assert_eq!(refused(list("Laura!", "").await).violations[0].field, "agent_id");
}

#[tokio::test]
async fn assignments_have_pages_and_sizes_like_every_list() {
    let told = given();
    let page = async |page_size: i32, page_token: String| {
        let request = wire::ListAssignmentsRequest { page_size, page_token, ..Default::default() };
        told.query.list_assignments(ask(&supervisor(), request)).await
    };
    let first = page(2, String::new()).await.unwrap().into_inner();
    let second = page(2, first.next_page_token.clone()).await.unwrap().into_inner();
    assert_eq!([ids(&first), ids(&second)].concat(), [2, 1, 3].map(|n| conversation(n).to_string()));
    assert_eq!((second.next_page_token.as_str(), &second.loads), ("", &first.loads));
    assert_eq!(refused(page(-1, String::new()).await).code, ErrorCode::InvalidArgument);
    assert_eq!(page(1_000_000_000, String::new()).await.unwrap().into_inner().assignments.len(), 3);
    assert_eq!(refused(page(2, "crafted".to_owned()).await).code, ErrorCode::CursorInvalid);
    let future =
        wire::ListAssignmentsRequest { min_position: "p1-999999".to_owned(), deadline_ms: 20, ..Default::default() };
    assert_eq!(refused(told.query.list_assignments(ask(&supervisor(), future)).await).code, ErrorCode::StaleRead);
}

#[tokio::test]
async fn an_agent_counts_only_what_the_agent_may_see() {
    let told = given();
    let martin = granted("martin", "wa-main", "taller");

    let answer = told.query.list_assignments(ask(&martin, wire::ListAssignmentsRequest::default())).await;

    let answer = answer.unwrap().into_inner();
    assert_eq!(ids(&answer), [conversation(1).to_string()]);
    assert_eq!(loads(&answer), [("Laura".to_owned(), 1)]);
    let foreign = told
        .query
        .list_assignments(ask(&caller("demo-b", "x", Role::Admin), wire::ListAssignmentsRequest::default()))
        .await;
    let foreign = foreign.unwrap().into_inner();
    assert_eq!((foreign.assignments.len(), foreign.loads.len()), (0, 0));
}

/// 1 is nobody's and waits for longest, 2 is a team's, 3 was answered, 4 is an agent's, 5 is on another channel.
fn waiting() -> Told {
    World::new()
        .writes("demo", 1, "wa-main", "uno")
        .after(Duration::from_mins(10))
        .writes("demo", 3, "wa-main", "tres")
        .echoes("demo", 3, "enseguida")
        .writes("demo", 2, "wa-main", "dos")
        .assigned("demo", 2, None, Some("ventas"))
        .writes("demo", 4, "wa-main", "cuatro")
        .assigned("demo", 4, Some("laura"), None)
        .writes("demo", 5, "mail", "cinco")
        .told()
}

fn queued(answer: &wire::ListQueueResponse) -> Vec<String> {
    answer.conversations.iter().map(|row| row.conversation_id.clone()).collect()
}

fn lengths(queues: &[wire::QueueLength]) -> Vec<(&str, &str, u64)> {
    queues.iter().map(|queue| (queue.team_id.as_str(), queue.team_name.as_str(), queue.open)).collect()
}

#[tokio::test]
async fn queues_show_what_waits_for_an_agent_with_their_lengths() {
    let told = waiting();
    let list = async |request: wire::ListQueueRequest| {
        told.query.list_queue(ask(&supervisor(), request)).await.unwrap().into_inner()
    };
    let all = list(wire::ListQueueRequest::default()).await;
    assert_eq!(queued(&all), [1, 2, 5, 3].map(|n| conversation(n).to_string()), "who does not wait comes last");
    assert_eq!(lengths(&all.queues), [("", "", 3), ("ventas", "Ventas", 1)]);
    let first = &all.conversations[0];
    assert_eq!((first.channel_label.as_str(), first.contact_name.as_str()), ("WhatsApp", "Cliente 1"));
    assert_eq!((first.priority(), first.due), (wire::Priority::None, false));
    assert!(first.waiting_since.is_some() && first.unassigned_since.is_some());
    assert_eq!(
        (all.conversations[3].waiting_since, all.position.as_str()),
        (None, format!("p1-{}", told.last).as_str())
    );

    let team = list(wire::ListQueueRequest { team_id: "ventas".to_owned(), ..Default::default() }).await;
    assert_eq!(queued(&team), [conversation(2).to_string()]);
    assert_eq!(team.conversations[0].assignee.as_ref().unwrap().team_name, "Ventas");
    assert_eq!(lengths(&team.queues), lengths(&all.queues), "whatever is asked for");
    let nobodys = list(wire::ListQueueRequest { no_team: true, ..Default::default() }).await;
    assert_eq!(queued(&nobodys), [1, 5, 3].map(|n| conversation(n).to_string()));
    let longest = wire::QueueOrder::Longest.into();
    let by_age = list(wire::ListQueueRequest { order: longest, longer_than_seconds: 60, ..Default::default() }).await;
    assert_eq!(queued(&by_age), [1, 3, 2, 5].map(|n| conversation(n).to_string()));
    let never = list(wire::ListQueueRequest { longer_than_seconds: u64::MAX, ..Default::default() }).await;
    assert!(queued(&never).is_empty());
}

#[tokio::test]
async fn queues_have_pages_and_refuse_what_makes_no_sense() {
    let told = waiting();
    let list = async |request: wire::ListQueueRequest| told.query.list_queue(ask(&supervisor(), request)).await;
    let page = async |page_token: String| {
        list(wire::ListQueueRequest { page_size: 3, page_token, ..Default::default() }).await.unwrap().into_inner()
    };
    let first = page(String::new()).await;
    let second = page(first.next_page_token.clone()).await;
    assert_eq!([queued(&first), queued(&second)].concat(), [1, 2, 5, 3].map(|n| conversation(n).to_string()));
    assert_eq!((second.next_page_token.as_str(), &second.queues), ("", &first.queues));

    let token = first.next_page_token;
    let other = wire::ListQueueRequest { no_team: true, page_token: token.clone(), ..Default::default() };
    assert_eq!(code(list(other).await), ErrorCode::CursorInvalid, "a token is good for its own list alone");
    let elsewhere = wire::ListAssignmentsRequest { page_token: token, ..Default::default() };
    assert_eq!(code(told.query.list_assignments(ask(&supervisor(), elsewhere)).await), ErrorCode::CursorInvalid);
    let both = wire::ListQueueRequest { team_id: "ventas".to_owned(), no_team: true, ..Default::default() };
    assert_eq!(refused(list(both).await).violations[0].field, "no_team");
    let order = wire::ListQueueRequest { order: 99, ..Default::default() };
    assert_eq!(refused(list(order).await).violations[0].field, "order");
    let size = wire::ListQueueRequest { page_size: -1, ..Default::default() };
    assert_eq!(refused(list(size).await).violations[0].field, "page_size");
}

#[tokio::test]
async fn statuses_choose_and_resolved_is_refused() {
    let told = given();
    let list = async |statuses: Vec<i32>| {
        let request = wire::ListAssignmentsRequest { statuses, ..Default::default() };
        told.query.list_assignments(ask(&supervisor(), request)).await
    };
    let open = list(vec![wire::ConversationStatus::Open.into()]).await.unwrap().into_inner();
    assert_eq!(ids(&open), [2, 1, 3].map(|n| conversation(n).to_string()));
    assert_eq!(open.assignments[0].status(), wire::ConversationStatus::Open);
    assert!(ids(&list(vec![wire::ConversationStatus::Snoozed.into()]).await.unwrap().into_inner()).is_empty());
    for wrong in [wire::ConversationStatus::Resolved.into(), 99] {
        assert_eq!(refused(list(vec![wrong]).await).violations[0].field, "statuses");
    }
}

#[tokio::test]
async fn loads_and_histories_have_doors_of_their_own() {
    let told = waiting();
    let loads = async |caller: Caller| {
        let answer = told.query.get_loads(ask(&caller, wire::GetLoadsRequest::default())).await.unwrap().into_inner();
        let figures: Vec<_> = answer.loads.iter().map(|load| [load.open, load.pending, load.snoozed]).collect();
        (figures, answer.queues.iter().map(|queue| queue.open).sum::<u64>())
    };
    assert_eq!(loads(supervisor()).await, (vec![[1, 0, 0], [1, 0, 0]], 4));
    assert_eq!(loads(granted("martin", "wa-main", "taller")).await, (vec![[1, 0, 0]], 2), "not ventas', not by mail");
    assert_eq!(loads(caller("demo-b", "x", Role::Admin)).await, (vec![], 0));

    let history = async |caller: Caller, n: u8, page_token: String| {
        let conversation_id = conversation(n).to_string();
        let request =
            wire::GetAssignmentHistoryRequest { conversation_id, page_token, page_size: 1, ..Default::default() };
        told.query.get_assignment_history(ask(&caller, request)).await
    };
    let page = history(supervisor(), 2, String::new()).await.unwrap().into_inner();
    let entry = &page.entries[0];
    assert_eq!((entry.how(), entry.by.as_ref().unwrap().name.as_str()), (wire::AssignmentHow::Manual, "Carla"));
    assert_eq!(
        (entry.from.as_ref(), entry.to.as_ref().unwrap().team_id.as_str()),
        (Some(&wire::Assignee::default()), "ventas")
    );
    assert_eq!((page.entries.len(), page.next_page_token.as_str()), (1, ""));
    assert!(history(supervisor(), 1, String::new()).await.unwrap().into_inner().entries.is_empty());
    for (who, n) in
        [(granted("martin", "wa-main", "taller"), 2), (caller("demo-b", "x", Role::Admin), 2), (supervisor(), 99)]
    {
        assert_eq!(code(history(who, n, String::new()).await), ErrorCode::ConversationNotFound);
    }
}
