//! Pages and freshness: one moment for all pages, crafted and expired tokens, odd sizes, positions from the future.

use std::time::Duration;

use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;

use super::world::{Told, World, ask, caller, code, conversation, refused, supervisor};
use crate::KEPT_FOR;

fn many(n: u8) -> Told {
    (1..=n).fold(World::new(), |world, n| world.writes("demo", n, "wa-main", "hola")).told()
}

fn page(page_size: i32, page_token: &str) -> wire::ListConversationsRequest {
    wire::ListConversationsRequest { page_size, page_token: page_token.to_owned(), ..Default::default() }
}

/// A filter that lets everything pass which a list shows anyway; `n` makes it another list.
fn filter(tab: wire::InboxTab, n: usize) -> wire::ConversationFilter {
    let statuses = vec![wire::ConversationStatus::Open.into(); n];
    wire::ConversationFilter { tab: tab.into(), statuses, ..Default::default() }
}

async fn turn(told: &Told, page_size: i32, token: &str) -> wire::ListConversationsResponse {
    told.query.list_conversations(ask(&supervisor(), page(page_size, token))).await.unwrap().into_inner()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let told = many(10);
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let answer = turn(&told, 3, &token).await;
        assert!(answer.conversations.len() <= 3);
        seen.extend(answer.conversations.into_iter().map(|row| row.conversation_id));
        pages += 1;
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (1..=10).rev().map(|n| conversation(n).to_string()).collect();
    assert_eq!((seen, pages), (expected, 4));
}

#[tokio::test]
async fn a_page_can_be_asked_for_again_and_a_thread_has_pages_too() {
    let told = many(5);
    let first = turn(&told, 2, "").await;
    let second = turn(&told, 2, &first.next_page_token).await;
    assert_eq!(turn(&told, 2, &first.next_page_token).await, second);

    let thread = |page_token: String| {
        let conversation_id = conversation(1).to_string();
        ask(
            &supervisor(),
            wire::ListMessagesRequest { conversation_id, page_size: 1, page_token, ..Default::default() },
        )
    };
    let first = told.query.list_messages(thread(String::new())).await.unwrap().into_inner();
    let second = told.query.list_messages(thread(first.next_page_token.clone())).await.unwrap().into_inner();
    assert_eq!((first.entries.len(), second.entries.len()), (1, 1));
    assert_ne!(first.entries, second.entries);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn a_negative_page_size_is_refused_and_a_huge_one_is_cut() {
    let told = many(3);
    for negative in [-1, i32::MIN] {
        let problem = refused(told.query.list_conversations(ask(&supervisor(), page(negative, ""))).await);
        assert_eq!(problem.code, ErrorCode::InvalidArgument);
        assert_eq!(problem.violations[0].field, "page_size");
    }
    assert_eq!(turn(&told, 1_000_000_000, "").await.conversations.len(), 3);
    assert_eq!(turn(&told, 0, "").await.conversations.len(), 3);
}

#[tokio::test]
async fn a_token_is_good_for_its_caller_and_its_request_alone() {
    let told = many(5);
    let token = turn(&told, 2, "").await.next_page_token;
    let with_token = || page(2, &token);

    for other in [
        caller("demo", "martin", Role::Supervisor),
        caller("demo", "carla", Role::Admin),
        caller("demo-b", "carla", Role::Supervisor),
    ] {
        let answer = told.query.list_conversations(ask(&other, with_token())).await;
        assert_eq!(code(answer), ErrorCode::CursorInvalid, "{other:?}");
    }
    let other_tab =
        wire::ListConversationsRequest { filter: Some(filter(wire::InboxTab::Unassigned, 0)), ..with_token() };
    assert_eq!(code(told.query.list_conversations(ask(&supervisor(), other_tab)).await), ErrorCode::CursorInvalid);
    let thread = wire::ListMessagesRequest {
        conversation_id: conversation(1).to_string(),
        page_token: token.clone(),
        ..Default::default()
    };
    assert_eq!(code(told.query.list_messages(ask(&supervisor(), thread)).await), ErrorCode::CursorInvalid);
    for crafted in ["x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &token[1..], &"A".repeat(10_000)] {
        let answer = told.query.list_conversations(ask(&supervisor(), page(2, crafted))).await;
        assert_eq!(code(answer), ErrorCode::CursorInvalid, "{crafted}");
    }
    // The page's size is not part of what makes a list.
    assert_eq!(turn(&told, 100, &token).await.conversations.len(), 3);
}

#[tokio::test]
async fn a_moment_that_is_no_longer_kept_is_said_to_have_expired() {
    let told = many(5);
    let token = turn(&told, 2, "").await.next_page_token;

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(turn(&told, 2, &token).await.conversations.len(), 2);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(Duration::from_secs(61) > KEPT_FOR);
    let answer = told.query.list_conversations(ask(&supervisor(), page(2, &token))).await;
    assert_eq!(code(answer), ErrorCode::CursorExpired);
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_while_nothing_happens() {
    let told = many(5);
    let first = turn(&told, 2, "").await;
    assert_ne!(first.next_page_token, "");
    let other = caller("demo", "martin", Role::Supervisor);
    let theirs = told.query.list_conversations(ask(&other, page(2, ""))).await.unwrap().into_inner();
    assert_ne!(theirs.next_page_token, first.next_page_token, "nobody shares a moment with somebody else");

    // More often than moments are kept for one caller: asking again keeps no other one.
    for _ in 0..40 {
        assert_eq!(turn(&told, 2, "").await, first);
    }
    let open = wire::ListConversationsRequest { filter: Some(filter(wire::InboxTab::Unspecified, 1)), ..page(2, "") };
    let open = told.query.list_conversations(ask(&supervisor(), open)).await.unwrap().into_inner();
    assert_ne!(open.next_page_token, first.next_page_token);
}

#[tokio::test]
async fn asking_again_keeps_the_pages_for_another_minute() {
    let told = many(5);
    let token = turn(&told, 2, "").await.next_page_token;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(turn(&told, 2, "").await.next_page_token, token);
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(turn(&told, 2, &token).await.conversations.len(), 2);
}

#[tokio::test]
async fn a_caller_who_only_asks_for_first_pages_takes_nobody_elses_moments() {
    let told = many(5);
    let token = turn(&told, 2, "").await.next_page_token;
    let greedy = caller("demo", "martin", Role::Supervisor);
    let mut tokens = Vec::new();
    // Every one is another list, or they would share one moment.
    let list = |n: usize, token: &str| wire::ListConversationsRequest {
        filter: Some(filter(wire::InboxTab::Unspecified, n)),
        ..page(2, token)
    };
    for n in 0..40 {
        let answer = told.query.list_conversations(ask(&greedy, list(n, ""))).await.unwrap();
        tokens.push(answer.into_inner().next_page_token);
    }

    assert_eq!(turn(&told, 2, &token).await.conversations.len(), 2, "the other caller's page can be turned");
    let oldest = told.query.list_conversations(ask(&greedy, list(0, &tokens[0]))).await;
    assert_eq!(code(oldest), ErrorCode::CursorExpired);
    assert!(told.query.list_conversations(ask(&greedy, list(39, &tokens[39]))).await.is_ok());
}

#[tokio::test]
async fn a_position_that_was_reached_is_answered_and_one_from_the_future_is_a_stale_read() {
    let told = many(2);
    let at = |position: String| wire::ListConversationsRequest {
        min_position: position,
        deadline_ms: 20,
        ..Default::default()
    };
    let reached = told.query.list_conversations(ask(&supervisor(), at(format!("p1-{}", told.last)))).await.unwrap();
    assert_eq!(reached.into_inner().position, format!("p1-{}", told.last));

    let problem = refused(told.query.list_conversations(ask(&supervisor(), at("p1-999999".to_owned()))).await);
    assert_eq!(problem.code, ErrorCode::StaleRead);
    assert_eq!(problem.subject("applied"), Some(format!("p1-{}", told.last).as_str()));
    assert_eq!(problem.subject("wanted"), Some("p1-999999"));
    assert!(problem.retry_after.is_some());

    for bad in ["7", "p2-7", "p1--1", "p1-99999999999999999999"] {
        let answer = told.query.list_conversations(ask(&supervisor(), at(bad.to_owned()))).await;
        assert_eq!(code(answer), ErrorCode::PositionInvalid, "{bad}");
    }
}
