//! Lists, one conversation, one thread.

use relevo_domain::conversation::PauseReason;
use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use tonic::Request;

use super::world::{World, ask, caller, code, conversation, granted, refused, supervisor};

fn ids(answer: &wire::ListConversationsResponse) -> Vec<String> {
    answer.conversations.iter().map(|row| row.conversation_id.clone()).collect()
}

fn filtered(filter: wire::ConversationFilter) -> wire::ListConversationsRequest {
    wire::ListConversationsRequest { filter: Some(filter), ..Default::default() }
}

fn a_day() -> World {
    World::new()
        .writes("demo", 1, "wa-main", "Hola")
        .writes("demo", 2, "mail", "Presupuesto")
        .assigned("demo", 1, Some("laura"), None)
        .paused("demo", 1, PauseReason::Complaint, "pide hablar con alguien")
        .writes("demo", 3, "wa-main", "¿Abren hoy?")
        .resolved("demo", 3)
        .writes("demo", 1, "wa-main", "Pero solo quiero por la tarde")
}

#[tokio::test]
async fn a_list_shows_open_conversations_latest_first_with_everything_that_a_row_has() {
    let told = a_day().told();

    let answer = told.query.list_conversations(ask(&supervisor(), wire::ListConversationsRequest::default())).await;

    let answer = answer.unwrap().into_inner();
    assert_eq!(ids(&answer), [conversation(1).to_string(), conversation(2).to_string()]);
    assert_eq!(answer.position, format!("p1-{}", told.last));
    assert_eq!(answer.next_page_token, "");
    let row = &answer.conversations[0];
    assert_eq!((row.contact_name.as_str(), row.contact_address.as_str()), ("Cliente 1", "549110001"));
    assert_eq!((row.channel_id.as_str(), row.channel_label.as_str()), ("wa-main", "WhatsApp"));
    assert_eq!(
        (row.medium(), row.status(), row.bot()),
        (wire::Medium::Whatsapp, wire::ConversationStatus::Open, wire::BotState::Paused)
    );
    assert_eq!((row.unread, row.episode, row.degraded), (2, 1, false));
    assert_eq!((row.preview.as_str(), row.preview_kind.as_str()), ("Pero solo quiero por la tarde", "text"));
    let pause = row.pause.as_ref().unwrap();
    assert_eq!((pause.reason(), pause.automatic), (wire::PauseReason::Complaint, false));
    assert_eq!(pause.by.as_ref().unwrap().name, "Laura");
    assert_eq!(pause.note, "pide hablar con alguien");
    let assignee = row.assignee.as_ref().unwrap();
    assert_eq!((assignee.agent_id.as_str(), assignee.agent_name.as_str()), ("laura", "Laura"));
    assert!(row.window_expires_at.unwrap().seconds > row.last_activity.unwrap().seconds);
    assert!(row.waiting_since.is_some());
    assert_eq!(answer.conversations[1].window_expires_at, None, "a mail has no window");
}

#[tokio::test]
async fn tabs_statuses_and_the_bot_filter_the_list() {
    let told = a_day().told();
    let list =
        async |caller, request| ids(&told.query.list_conversations(ask(&caller, request)).await.unwrap().into_inner());
    let (one, two, three) = (conversation(1).to_string(), conversation(2).to_string(), conversation(3).to_string());

    let mine = filtered(wire::ConversationFilter { tab: wire::InboxTab::Mine.into(), ..Default::default() });
    assert_eq!(list(caller("demo", "laura", Role::Agent), mine.clone()).await, std::slice::from_ref(&one));
    assert!(list(caller("demo", "martin", Role::Agent), mine).await.is_empty());
    let unassigned =
        filtered(wire::ConversationFilter { tab: wire::InboxTab::Unassigned.into(), ..Default::default() });
    assert_eq!(list(supervisor(), unassigned).await, std::slice::from_ref(&two));
    let statuses = vec![wire::ConversationStatus::Resolved.into(), wire::ConversationStatus::Open.into()];
    let all = filtered(wire::ConversationFilter { statuses, ..Default::default() });
    assert_eq!(list(supervisor(), all).await, [one.clone(), three, two.clone()]);
    let paused = filtered(wire::ConversationFilter { bot: wire::BotState::Paused.into(), ..Default::default() });
    assert_eq!(list(supervisor(), paused).await, [one]);
    let active = filtered(wire::ConversationFilter { bot: wire::BotState::Active.into(), ..Default::default() });
    assert_eq!(list(supervisor(), active).await, [two]);
}

#[tokio::test]
async fn an_unknown_word_is_refused_with_its_field() {
    let told = a_day().told();
    let request = filtered(wire::ConversationFilter { tab: 77, bot: 9, statuses: vec![5], ..Default::default() });

    let problem = refused(told.query.list_conversations(ask(&supervisor(), request)).await);

    assert_eq!(problem.code, ErrorCode::InvalidArgument);
    let fields: Vec<_> = problem.violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["filter.statuses", "filter.tab", "filter.bot"]);
    assert!(problem.text().contains("filter.tab: no es uno de los valores conocidos"), "{}", problem.text());
}

#[tokio::test]
async fn one_conversation_comes_with_its_contact() {
    let told = a_day().told();
    let request = wire::GetConversationRequest { conversation_id: conversation(1).to_string(), ..Default::default() };

    let answer = told.query.get_conversation(ask(&supervisor(), request)).await.unwrap().into_inner();

    assert_eq!(answer.conversation.unwrap().conversation_id, conversation(1).to_string());
    let contact = answer.contact.unwrap();
    assert_eq!(contact.name, "Cliente 1");
    assert_eq!(contact.conversation_ids, [conversation(1).to_string()]);
    assert_eq!((contact.identifiers[0].kind.as_str(), contact.identifiers[0].value.as_str()), ("wa_id", "549110001"));
}

#[tokio::test]
async fn only_exact_ids_of_conversations_are_accepted() {
    let told = a_day().told();
    let full = conversation(1).to_string();
    for bad in ["", "cnv_", &full[..20], "ctc_00000000000000000000000000", "wks"] {
        let request = wire::GetConversationRequest { conversation_id: bad.to_owned(), ..Default::default() };
        let problem = refused(told.query.get_conversation(ask(&supervisor(), request)).await);
        assert_eq!(problem.code, ErrorCode::InvalidArgument, "{bad}");
        assert_eq!(problem.violations[0].field, "conversation_id");
    }
    let absent = wire::GetConversationRequest { conversation_id: conversation(99).to_string(), ..Default::default() };
    let problem = refused(told.query.get_conversation(ask(&supervisor(), absent)).await);
    assert_eq!(problem.code, ErrorCode::ConversationNotFound);
    assert_eq!(problem.subject("conversation_id"), Some(conversation(99).to_string().as_str()));
}

#[tokio::test]
async fn a_thread_tells_messages_and_changes_oldest_first() {
    let told = a_day().told();
    let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };

    let answer = told.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner();

    let told: Vec<_> = answer
        .entries
        .iter()
        .map(|entry| match entry.entry.as_ref().unwrap() {
            wire::thread_entry::Entry::Message(message) => message.text.clone(),
            wire::thread_entry::Entry::Timeline(change) => change.kind().as_str_name().to_owned(),
            wire::thread_entry::Entry::LooseUpdate(update) => update.kind().as_str_name().to_owned(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "TIMELINE_KIND_EPISODE_STARTED",
            "Hola",
            "TIMELINE_KIND_ASSIGNED",
            "TIMELINE_KIND_BOT_PAUSED",
            "Pero solo quiero por la tarde"
        ]
    );
    let wire::thread_entry::Entry::Timeline(assigned) = answer.entries[2].entry.as_ref().unwrap() else { panic!() };
    assert_eq!(assigned.by.as_ref().unwrap().name, "Carla");
    assert_eq!(assigned.assignee.as_ref().unwrap().agent_name, "Laura");
    assert_eq!(assigned.how(), wire::AssignmentHow::Manual);
}

#[tokio::test]
async fn analysts_list_without_texts_and_read_no_thread() {
    let told = a_day().told();
    let analyst = caller("demo", "ana", Role::Analyst);

    let list = told.query.list_conversations(ask(&analyst, wire::ListConversationsRequest::default())).await.unwrap();
    let list = list.into_inner();
    assert_eq!(list.conversations.len(), 2);
    assert!(list.conversations.iter().all(|row| row.preview.is_empty() && row.preview_kind == "text"));

    let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    assert_eq!(code(told.query.list_messages(ask(&analyst, request)).await), ErrorCode::Forbidden);
    let bot = caller("demo", "helper", Role::Bot);
    assert!(told.query.list_conversations(ask(&bot, wire::ListConversationsRequest::default())).await.is_ok());
}

#[tokio::test]
async fn an_agent_sees_granted_channels_and_teams_and_what_is_theirs() {
    let told = World::new()
        .writes("demo", 1, "wa-main", "libre")
        .writes("demo", 2, "mail", "otro canal")
        .writes("demo", 3, "wa-main", "otro equipo")
        .assigned("demo", 3, None, Some("taller"))
        .writes("demo", 4, "mail", "suya en otro canal")
        .assigned("demo", 4, Some("laura"), Some("taller"))
        .writes("demo", 5, "wa-main", "de su equipo")
        .assigned("demo", 5, Some("martin"), Some("ventas"))
        .told();
    let laura = granted("laura", "wa-main", "ventas");

    let list = told.query.list_conversations(ask(&laura, wire::ListConversationsRequest::default())).await.unwrap();

    let seen = [5, 4, 1].map(|n| conversation(n).to_string());
    assert_eq!(ids(&list.into_inner()), seen);
    for (n, visible) in [(1, true), (2, false), (3, false), (4, true), (5, true)] {
        let request = || conversation(n).to_string();
        let get = wire::GetConversationRequest { conversation_id: request(), ..Default::default() };
        let thread = wire::ListMessagesRequest { conversation_id: request(), ..Default::default() };
        let (get, thread) =
            (told.query.get_conversation(ask(&laura, get)).await, told.query.list_messages(ask(&laura, thread)).await);
        assert_eq!((get.is_ok(), thread.is_ok()), (visible, visible), "conversation {n}");
        if !visible {
            assert_eq!(code(get), ErrorCode::ConversationNotFound);
            assert_eq!(code(thread), ErrorCode::ConversationNotFound);
        }
    }
}

#[tokio::test]
async fn a_conversation_that_the_view_stopped_following_says_so() {
    let told = a_day().torn("demo", 2).writes("demo", 2, "mail", "esto falta en la vista").told();

    let list = told.query.list_conversations(ask(&supervisor(), wire::ListConversationsRequest::default())).await;

    let rows = list.unwrap().into_inner().conversations;
    let degraded: Vec<_> = rows.iter().map(|row| (row.preview.as_str(), row.degraded)).collect();
    assert_eq!(degraded, [("Pero solo quiero por la tarde", false), ("Presupuesto", true)]);
}

#[tokio::test]
async fn without_a_credential_nothing_is_answered() {
    let told = a_day().told();
    let request = Request::new(wire::ListConversationsRequest::default());
    assert_eq!(code(told.query.list_conversations(request).await), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_refusal_speaks_the_language_that_was_asked_for() {
    let told = a_day().told();
    let mut request = Request::new(wire::ListConversationsRequest::default());
    request.metadata_mut().insert("accept-language", "en-GB,es;q=0.5".parse().unwrap());

    let english = refused(told.query.list_conversations(request).await);
    let spanish = refused(told.query.list_conversations(Request::new(wire::ListConversationsRequest::default())).await);

    assert_eq!(english.localized.as_ref().unwrap().0, "en");
    assert_eq!(spanish.localized.as_ref().unwrap().0, "es");
    assert!(spanish.text().starts_with("La petición no trae clave de API"), "{}", spanish.text());
    assert_eq!(spanish.message, english.message, "the status message is English in any case");
}
