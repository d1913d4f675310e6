//! Where the bot is silent, who silenced it, why and since when.

use relevo_domain::conversation::PauseReason;
use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::pause_service_server::PauseService as _;

use super::world::{Told, World, ask, caller, code, conversation, granted, refused, supervisor};

fn given() -> Told {
    World::new()
        .writes("demo", 1, "wa-main", "uno")
        .writes("demo", 2, "mail", "dos")
        .writes("demo", 3, "wa-main", "tres")
        .paused("demo", 2, PauseReason::Complaint, "muy molesto")
        .paused("demo", 1, PauseReason::BotError, "")
        .paused("demo", 3, PauseReason::Complaint, "")
        .resumed("demo", 3)
        .resolved("demo", 1)
        .told()
}

fn ids(answer: &wire::ListPausedResponse) -> Vec<String> {
    answer.paused.iter().map(|row| row.conversation_id.clone()).collect()
}

#[tokio::test]
async fn paused_conversations_are_listed_longest_first_with_who_why_and_since_when() {
    let told = given();

    let answer = told.query.list_paused(ask(&supervisor(), wire::ListPausedRequest::default())).await;

    let answer = answer.unwrap().into_inner();
    assert_eq!(ids(&answer), [2, 1].map(|n| conversation(n).to_string()), "a resolved conversation stays paused");
    let pause = answer.paused[0].pause.as_ref().unwrap();
    assert_eq!((pause.reason(), pause.note.as_str()), (wire::PauseReason::Complaint, "muy molesto"));
    assert_eq!((pause.by.as_ref().unwrap().name.as_str(), pause.automatic), ("Laura", false));
    assert!(pause.since.is_some());
    assert_eq!(answer.paused[0].contact_name, "Cliente 2");
    let counts: Vec<_> = answer.counts.iter().map(|count| (count.reason(), count.manual, count.automatic)).collect();
    assert_eq!(counts, [(wire::PauseReason::Complaint, 1, 0), (wire::PauseReason::BotError, 1, 0)]);
    assert_eq!(answer.position, format!("p1-{}", told.last));
}

#[tokio::test]
async fn one_reason_can_be_asked_for() {
    let told = given();
    let list = async |reason: i32| {
        let request = wire::ListPausedRequest { reason, ..Default::default() };
        told.query.list_paused(ask(&supervisor(), request)).await
    };
    let complaints = list(wire::PauseReason::Complaint.into()).await.unwrap().into_inner();
    assert_eq!(ids(&complaints), [conversation(2).to_string()]);
    assert_eq!(refused(list(99).await).violations[0].field, "reason");
}

#[tokio::test]
async fn pauses_have_pages_and_sizes_like_every_list() {
    let told = given();
    let page = async |page_size: i32, page_token: String| {
        let request = wire::ListPausedRequest { page_size, page_token, ..Default::default() };
        told.query.list_paused(ask(&supervisor(), request)).await
    };
    let first = page(1, String::new()).await.unwrap().into_inner();
    let second = page(1, first.next_page_token.clone()).await.unwrap().into_inner();
    assert_eq!([ids(&first), ids(&second)].concat(), [2, 1].map(|n| conversation(n).to_string()));
    assert_eq!(code(page(-1, String::new()).await), ErrorCode::InvalidArgument);
    assert_eq!(page(1_000_000_000, String::new()).await.unwrap().into_inner().paused.len(), 2);
    assert_eq!(code(page(1, format!("{}A", first.next_page_token)).await), ErrorCode::CursorInvalid);
    let future =
        wire::ListPausedRequest { min_position: "p1-999999".to_owned(), deadline_ms: 20, ..Default::default() };
    assert_eq!(code(told.query.list_paused(ask(&supervisor(), future)).await), ErrorCode::StaleRead);
}

#[tokio::test]
async fn one_bot_has_its_whole_history() {
    let told = given();
    let get = async |n: u8| {
        let request = wire::GetPauseRequest { conversation_id: conversation(n).to_string(), ..Default::default() };
        told.query.get_pause(ask(&supervisor(), request)).await
    };
    let answer = get(3).await.unwrap().into_inner();
    assert_eq!((answer.bot(), answer.pause.as_ref()), (wire::BotState::Active, None));
    let history: Vec<_> = answer.history.iter().map(|entry| (entry.bot(), entry.reason())).collect();
    assert_eq!(
        history,
        [
            (wire::BotState::Paused, wire::PauseReason::Complaint),
            (wire::BotState::Active, wire::PauseReason::Unspecified)
        ]
    );
    assert_eq!(get(1).await.unwrap().into_inner().bot(), wire::BotState::Paused);
    assert_eq!(code(get(99).await), ErrorCode::ConversationNotFound);
}

#[tokio::test]
async fn what_an_agent_may_not_see_is_neither_listed_nor_counted() {
    let told = given();
    let laura = granted("laura", "wa-main", "ventas");

    let answer = told.query.list_paused(ask(&laura, wire::ListPausedRequest::default())).await.unwrap().into_inner();

    assert_eq!(ids(&answer), [conversation(1).to_string()]);
    assert_eq!(answer.counts.len(), 1);
    let hidden = wire::GetPauseRequest { conversation_id: conversation(2).to_string(), ..Default::default() };
    assert_eq!(code(told.query.get_pause(ask(&laura, hidden)).await), ErrorCode::ConversationNotFound);
}

#[tokio::test]
async fn pauses_are_filtered_and_sorted_by_how_long_the_customer_waits() {
    let told = World::new()
        .writes("demo", 1, "wa-main", "uno")
        .writes("demo", 2, "mail", "dos")
        .paused("demo", 1, PauseReason::Complaint, "")
        .paused("demo", 2, PauseReason::Complaint, "")
        .echoes("demo", 1, "ya le contesto")
        .told();
    let list = async |request: wire::ListPausedRequest| told.query.list_paused(ask(&supervisor(), request)).await;
    let found = async |request: wire::ListPausedRequest| ids(&list(request).await.unwrap().into_inner());
    let sort = wire::PauseSort::Waiting.into();
    let answer = list(wire::ListPausedRequest { sort, ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(ids(&answer), [2, 1].map(|n| conversation(n).to_string()));
    let waits: Vec<_> = answer.paused.iter().map(|row| row.waiting_since).collect();
    assert_eq!(waits, [answer.paused[0].pause.as_ref().unwrap().since, None], "counted from the pause on");

    let mail = vec!["mail".to_owned()];
    assert_eq!(found(wire::ListPausedRequest { channel_ids: mail, ..Default::default() }).await.len(), 1);
    assert!(found(wire::ListPausedRequest { automatic: Some(true), ..Default::default() }).await.is_empty());
    assert_eq!(found(wire::ListPausedRequest { automatic: Some(false), ..Default::default() }).await.len(), 2);
    let year = 366 * 24 * 3600;
    let waits = async |waiting_longer_than_seconds| {
        found(wire::ListPausedRequest { waiting_longer_than_seconds, ..Default::default() }).await
    };
    assert_eq!((waits(0).await.len(), waits(1).await), (2, vec![conversation(2).to_string()]), "without an answer");
    assert!(waits(u64::MAX).await.is_empty());
    assert_eq!(found(wire::ListPausedRequest { longer_than_seconds: 1, ..Default::default() }).await.len(), 2);
    assert!(found(wire::ListPausedRequest { longer_than_seconds: 100 * year, ..Default::default() }).await.is_empty());

    let refusals = [
        (wire::ListPausedRequest { sort: 99, ..Default::default() }, "sort"),
        (wire::ListPausedRequest { channel_ids: vec!["Mal!".to_owned()], ..Default::default() }, "channel_ids"),
        (wire::ListPausedRequest { channel_ids: vec!["mail".to_owned(); 101], ..Default::default() }, "channel_ids"),
    ];
    for (request, field) in refusals {
        assert_eq!(refused(list(request).await).violations[0].field, field);
    }
}

#[tokio::test]
async fn counts_and_histories_have_doors_of_their_own() {
    let told = given();
    let counts = told.query.get_pause_counts(ask(&supervisor(), wire::GetPauseCountsRequest::default())).await;
    let counts = counts.unwrap().into_inner();
    assert_eq!((counts.counts.len(), counts.position.as_str()), (2, format!("p1-{}", told.last).as_str()));

    let history = async |n: u8, page_token: String| {
        let conversation_id = conversation(n).to_string();
        let request = wire::ListPauseHistoryRequest { conversation_id, page_token, page_size: 1, ..Default::default() };
        told.query.list_pause_history(ask(&supervisor(), request)).await
    };
    let first = history(3, String::new()).await.unwrap().into_inner();
    let second = history(3, first.next_page_token.clone()).await.unwrap().into_inner();
    assert_eq!((first.entries[0].bot(), first.entries[0].paused_for), (wire::BotState::Paused, None));
    assert_eq!(second.entries[0].bot(), wire::BotState::Active);
    assert_eq!(second.entries[0].paused_for.map(|time| time.seconds), Some(1));
    assert_eq!((second.entries.len(), second.next_page_token.as_str()), (1, ""));
    assert_eq!(code(history(99, String::new()).await), ErrorCode::ConversationNotFound);
}

#[tokio::test]
async fn notes_are_for_those_who_read_what_people_write() {
    let told = World::new()
        .writes("demo", 1, "wa-main", "uno")
        .paused("demo", 1, PauseReason::Complaint, "está furiosa con Pedro")
        .told();
    for (role, notes) in [(Role::Supervisor, true), (Role::Analyst, false)] {
        let who = caller("demo", "ana", role);
        let list = told.query.list_paused(ask(&who, wire::ListPausedRequest::default())).await.unwrap().into_inner();
        let conversation_id = conversation(1).to_string();
        let one = wire::GetPauseRequest { conversation_id: conversation_id.clone(), ..Default::default() };
        let one = told.query.get_pause(ask(&who, one)).await.unwrap().into_inner();
        let history = wire::ListPauseHistoryRequest { conversation_id: conversation_id.clone(), ..Default::default() };
        let history = told.query.list_pause_history(ask(&who, history)).await.unwrap().into_inner();
        let line = wire::GetConversationRequest { conversation_id, ..Default::default() };
        let line = told.query.get_conversation(ask(&who, line)).await.unwrap().into_inner();
        let found = [
            &list.paused[0].pause.as_ref().unwrap().note,
            &one.pause.as_ref().unwrap().note,
            &one.history[0].note,
            &history.entries[0].note,
            &line.conversation.as_ref().unwrap().pause.as_ref().unwrap().note,
        ];
        assert_eq!(found.map(|note| !note.is_empty()), [notes; 5], "{role:?}");
    }
}
