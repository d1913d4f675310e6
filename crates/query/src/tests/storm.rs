//! Pages while everything moves: whoever scrolls sees each conversation of the first page's moment once, and nothing else.

use std::time::Duration;

use relevo_domain::Role;
use relevo_domain::conversation::event::NotePersonal;
use relevo_domain::conversation::{ConversationEvent, Priority};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;

use super::live::Live;
use super::world::{START, World, ask, caller, clock, conversation, supervisor};

/// Conversations 1 to 60 of all priorities; 7, 14, … are snoozed for 61 minutes, which is a minute from now.
fn a_crowd() -> World {
    let until = Some(START + Duration::from_mins(61));
    let snooze = || ConversationEvent::Snoozed { until, preset: None, personal: NotePersonal::default() };
    (1..=60_u8).fold(World::new(), |world, n| {
        let priority = Priority::ALL[usize::from(n) % Priority::ALL.len()];
        let world = world.writes("demo", n, "wa-main", "hola");
        let world = world.event("demo", n, ConversationEvent::PrioritySet { priority });
        if n.is_multiple_of(7) { world.event("demo", n, snooze()) } else { world }
    })
}

fn page(sort: wire::ConversationSort, size: i32, token: &str) -> wire::ListConversationsRequest {
    wire::ListConversationsRequest {
        sort: sort.into(),
        page_size: size,
        page_token: token.to_owned(),
        ..Default::default()
    }
}

async fn turn(live: &Live, request: wire::ListConversationsRequest) -> wire::ListConversationsResponse {
    live.query.list_conversations(ask(&supervisor(), request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn scrolling_during_a_storm_neither_repeats_nor_skips() {
    use wire::ConversationSort::{LastActivity, Priority, Waiting};
    for sort in [LastActivity, Waiting, Priority] {
        let mut live = Live::new(a_crowd());
        let whole = turn(&live, page(sort, 200, "")).await;
        assert_eq!((whole.conversations.len(), whole.total), (52, 52));
        let (mut seen, mut token, mut storm) = (Vec::new(), String::new(), 0_u8);
        loop {
            let answer = turn(&live, page(sort, 7, &token)).await;
            assert_eq!(answer.total, 52);
            seen.extend(answer.conversations);
            token = answer.next_page_token;
            if token.is_empty() {
                break;
            }
            // Those already seen come again at the top, others leave, and in the middle of it the snoozes end.
            live.tell(|world| {
                (0..12).fold(world, |world, n| {
                    let n = (storm + n * 5) % 60 + 1;
                    if n.is_multiple_of(2) {
                        world.writes("demo", n, "wa-main", "¿y?")
                    } else {
                        world.resolved("demo", n)
                    }
                })
            });
            storm += 7;
            clock::set(clock::now() + Duration::from_secs(20));
        }
        assert_eq!(seen, whole.conversations, "{sort:?}: what the first page's moment was, row for row");
        clock::set(START + Duration::from_hours(1));
    }
}

#[tokio::test]
async fn the_same_question_a_second_later_has_the_same_answer_until_a_snooze_ends() {
    let live = Live::new(a_crowd());
    let first = turn(&live, page(wire::ConversationSort::LastActivity, 7, "")).await;
    clock::set(clock::now() + Duration::from_secs(1));
    assert_eq!(turn(&live, page(wire::ConversationSort::LastActivity, 7, "")).await, first, "to the byte");
    clock::set(START + Duration::from_mins(61));
    let after = turn(&live, page(wire::ConversationSort::LastActivity, 7, "")).await;
    assert_eq!(after.total, 60);
    assert!(after.conversations.iter().any(|row| row.due));
    let second = turn(&live, page(wire::ConversationSort::LastActivity, 7, &first.next_page_token)).await;
    assert_eq!(second.total, 52, "the pages of before stay what they were");
}

#[tokio::test]
async fn an_analyst_watches_without_what_was_written() {
    let mut live = Live::new(World::new().writes("demo", 1, "wa-main", "mi secreto"));
    let analyst = caller("demo", "ana", Role::Analyst);
    let mut client = live.watch(&analyst, wire::WatchInboxRequest::default()).await;
    live.tell(|world| world.writes("demo", 1, "wa-main", "otro secreto"));
    client.hear().await;
    let row = &client.rows[0];
    assert_eq!((row.conversation_id.as_str(), row.unread), (conversation(1).to_string().as_str(), 2));
    assert_eq!(row.preview, "");
}
