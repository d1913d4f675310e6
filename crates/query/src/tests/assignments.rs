//! Who has what.

use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::assignment_service_server::AssignmentService as _;

use super::world::{Told, World, ask, caller, conversation, granted, refused, supervisor};

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
