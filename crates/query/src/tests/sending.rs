//! What the business sends: its entry in the thread, its explanation in the reader's language, the line, the watch; and what it
//! sends with.

use std::sync::Arc;

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::{
    AcceptedPersonal, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, FailureClass,
    SendFailure,
};
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Template, TemplateStatus};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{ChannelId, EntityId, EntityKind, ErrorCode, MessageId, Role, TenantId, Timestamp};
use relevo_projection::testing::story::outgoing;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::quick_reply_service_server::QuickReplyService as _;
use relevo_proto::query::v1::template_service_server::TemplateService as _;
use relevo_proto::query::v1::thread_entry::Entry;
use relevo_proto::query::v1::watch_conversation_response::Event;

use super::live::{Live, next};
use super::world::{World, ask, caller, code, conversation, granted, supervisor};
use crate::SendingChannels;
use crate::grpc::Templates;

const ANSWER: MessageId = MessageId::new([7; 16]);
const ALIAS: MessageId = MessageId::new([8; 16]);
const WA: EntityId = EntityId::new(EntityKind::Channel, [1; 16]);
const MAIL: EntityId = EntityId::new(EntityKind::Channel, [2; 16]);

fn queued() -> ConversationEvent {
    ConversationEvent::MessageQueued(Box::new(outgoing(ANSWER, "Sí, a las 10")))
}

fn failed() -> ConversationEvent {
    let failure = SendFailure { class: FailureClass::Window, code: Some("131047".to_owned()), detail: None };
    ConversationEvent::SendFailed { message: ANSWER, attempt: 1, failure, retry_at: None }
}

fn accepted() -> ConversationEvent {
    let personal = AcceptedPersonal::default();
    ConversationEvent::MessageAccepted { message: ANSWER, attempt: 1, alias: ALIAS, personal }
}

fn read_by_the_customer() -> ConversationEvent {
    let (status, personal) = (DeliveryStatus::Read, DeliveryReportPersonal::default());
    let reported_at = Timestamp::from_seconds(1_772_463_700);
    ConversationEvent::DeliveryReported(DeliveryReport {
        message: ALIAS,
        status,
        reported_at,
        error_code: None,
        personal,
    })
}

fn started() -> ConversationEvent {
    let until = Timestamp::from_seconds(0);
    ConversationEvent::SendStarted { message: ANSWER, attempt: 1, claim: "claim".to_owned(), until }
}

/// The last message of a thread.
fn last(entries: Vec<wire::ThreadEntry>) -> wire::Message {
    let mut messages = entries.into_iter().rev().filter_map(|entry| match entry.entry? {
        Entry::Message(message) => Some(message),
        Entry::Timeline(_) | Entry::LooseUpdate(_) => None,
    });
    messages.next().unwrap()
}

#[tokio::test]
async fn a_failure_is_explained_in_the_language_of_the_request() {
    let told = World::new()
        .writes("demo", 1, "wa-main", "¿tienen turno?")
        .event("demo", 1, queued())
        .event("demo", 1, started())
        .event("demo", 1, failed())
        .told();
    let mut explanations = Vec::new();
    for language in ["es", "en"] {
        let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
        let mut asked = ask(&supervisor(), request);
        asked.metadata_mut().insert("accept-language", language.parse().unwrap());
        let message = last(told.query.list_messages(asked).await.unwrap().into_inner().entries);
        let outgoing = message.outgoing.clone().unwrap();
        assert_eq!((message.author(), outgoing.state()), (wire::Author::Staff, wire::SendState::Failed));
        assert_eq!(message.staff.unwrap().name, "Laura");
        let failure = outgoing.failure.unwrap();
        assert_eq!((failure.class.as_str(), failure.code.as_str(), failure.attempt), ("window", "131047", 1));
        assert!(outgoing.failed_at.is_some() && outgoing.accepted_at.is_none());
        explanations.push(failure.explanation);
    }
    assert!(explanations.iter().all(|text| text.len() > 20), "{explanations:?}");
    assert_ne!(explanations[0], explanations[1]);
    let filter = wire::ConversationFilter { delivery_problem: true, ..Default::default() };
    let request = wire::ListConversationsRequest { filter: Some(filter), ..Default::default() };
    let rows = told.query.list_conversations(ask(&supervisor(), request)).await.unwrap().into_inner().conversations;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].delivery_problem && rows[0].last_message_state() == wire::SendState::Failed);
    assert!(rows[0].waiting_since.is_some(), "nothing answered the customer");
    let counters = told.query.get_counters(ask(&supervisor(), wire::GetCountersRequest::default())).await.unwrap();
    assert_eq!(counters.into_inner().counters.unwrap().all.unwrap().delivery_problems, 1);
}

#[tokio::test]
async fn what_failed_for_good_is_not_promised_another_attempt() {
    let mut told = Vec::new();
    for (code, retry_at) in [
        ("131016", Some(Timestamp::from_seconds(1_772_463_700))),
        ("131016", None),
        ("http-503", Some(Timestamp::from_seconds(1_772_463_700))),
        ("http-503", None),
    ] {
        let failure = SendFailure { class: FailureClass::Transient, code: Some(code.to_owned()), detail: None };
        let failed = ConversationEvent::SendFailed { message: ANSWER, attempt: 3, failure, retry_at };
        let world = World::new().writes("demo", 1, "wa-main", "¿tienen turno?");
        let world = world.event("demo", 1, queued()).event("demo", 1, started()).event("demo", 1, failed).told();
        let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
        let mut asked = ask(&supervisor(), request);
        asked.metadata_mut().insert("accept-language", "en".parse().unwrap());
        let message = last(world.query.list_messages(asked).await.unwrap().into_inner().entries);
        told.push(message.outgoing.unwrap().failure.unwrap().explanation);
    }
    let again: Vec<bool> = told.iter().map(|text| text.contains("tried again by itself")).collect();
    assert_eq!(again, [true, false, true, false], "{told:?}");
    assert!(told.iter().all(|text| !text.is_empty()), "{told:?}");
}

#[tokio::test]
async fn every_class_of_failure_has_an_explanation() {
    let classes = FailureClass::ALL.map(FailureClass::as_str).into_iter().chain([relevo_projector_inbox::REPORTED]);
    for class in classes {
        for language in relevo_catalogue::Language::ALL {
            let key = format!("send-failure-{class}");
            assert!(relevo_catalogue::find(language, &key, &[]).is_some(), "{key}");
        }
    }
}

#[tokio::test]
async fn whoever_watches_sees_each_state_at_the_same_entry() {
    let mut live = Live::new(World::new().writes("demo", 1, "wa-main", "¿tienen turno?"));
    let request = wire::WatchConversationRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    let mut stream = live.query.watch_conversation(ask(&supervisor(), request)).await.unwrap().into_inner();
    next(&mut stream).await.unwrap();
    let mut entry_ids = Vec::new();
    for (event, state) in [
        (queued(), wire::SendState::Queued),
        (started(), wire::SendState::Sending),
        (accepted(), wire::SendState::Accepted),
        (read_by_the_customer(), wire::SendState::Read),
    ] {
        live.tell(|world| world.event("demo", 1, event));
        let Some(Event::Delta(delta)) = next(&mut stream).await.unwrap().event else { panic!("no delta") };
        assert_eq!(delta.entries.len(), 1, "{state:?}");
        entry_ids.push(delta.entries[0].entry_id.clone());
        assert_eq!(last(delta.entries).outgoing.unwrap().state(), state);
        assert_eq!(delta.conversation.unwrap().last_message_state(), state);
    }
    entry_ids.dedup();
    assert_eq!(entry_ids.len(), 1);
}

struct Channels;

impl SendingChannels for Channels {
    fn of(&self, tenant: &TenantId) -> Vec<(ChannelId, EntityId)> {
        let known = [("wa-main", WA), ("mail", MAIL)];
        let known = known.map(|(name, entity)| (ChannelId::new(name).unwrap(), entity));
        if tenant.as_str() == "demo" { known.into() } else { Vec::new() }
    }

    fn language(&self, _tenant: &TenantId) -> String {
        "en".to_owned()
    }
}

fn template(name: &str, language: &str, status: TemplateStatus) -> ChannelEvent {
    ChannelEvent::TemplateChanged(Box::new(Template {
        name: name.to_owned(),
        language: language.to_owned(),
        provider_id: None,
        status,
        category: "utility".to_owned(),
        header: Some(Header::Text("Hola {{1}}".to_owned())),
        body: "Su turno es el {{dia}}".to_owned(),
        footer: Some("Peluquería Sol".to_owned()),
        buttons: Vec::new(),
        reason: None,
    }))
}

fn a_desk() -> World {
    World::new()
        .channel_event("demo", WA, template("turno", "es_AR", TemplateStatus::Approved))
        .channel_event("demo", WA, template("turno", "en_US", TemplateStatus::Approved))
        .channel_event("demo", WA, template("turno_viejo", "es", TemplateStatus::Approved))
        .channel_event("demo", WA, template("saludo", "es", TemplateStatus::Approved))
        .channel_event(
            "demo",
            WA,
            ChannelEvent::TemplateStatusChanged {
                name: "turno_viejo".to_owned(),
                language: "es".to_owned(),
                status: TemplateStatus::Paused,
                reason: Some("LOW_QUALITY".to_owned()),
            },
        )
        .channel_event(
            "demo",
            WA,
            ChannelEvent::TemplateRemoved { name: "saludo".to_owned(), language: "es".to_owned() },
        )
        .channel_event("demo", MAIL, ChannelEvent::ChannelPaused)
}

#[tokio::test]
async fn templates_are_listed_by_name_language_and_use() {
    let told = a_desk().told();
    let service = Templates::new(told.query.clone(), Arc::new(Channels));
    let list = async |request: wire::ListTemplatesRequest| {
        let request = wire::ListTemplatesRequest { channel_id: "wa-main".to_owned(), ..request };
        let answer = service.list_templates(ask(&supervisor(), request)).await.unwrap().into_inner();
        answer.templates.into_iter().map(|row| format!("{} {}", row.name, row.language)).collect::<Vec<_>>()
    };
    let all = list(wire::ListTemplatesRequest::default()).await;
    assert_eq!(all, ["turno en_US", "turno es_AR", "turno_viejo es"]);
    let usable = list(wire::ListTemplatesRequest { usable_only: true, ..Default::default() }).await;
    assert_eq!(usable, ["turno en_US", "turno es_AR"]);
    let prefix = wire::ListTemplatesRequest { name_prefix: "TURNO_".to_owned(), ..Default::default() };
    assert_eq!(list(prefix).await, ["turno_viejo es"]);
    let spanish = wire::ListTemplatesRequest { language: "es_AR".to_owned(), ..Default::default() };
    assert_eq!(list(spanish).await, ["turno es_AR"]);

    let answer = service.list_sending_channels(ask(&supervisor(), wire::ListSendingChannelsRequest::default())).await;
    let channels = answer.unwrap().into_inner().channels;
    let shown: Vec<_> = channels
        .iter()
        .map(|row| (row.channel_id.as_str(), row.label.as_str(), row.paused, row.usable_templates))
        .collect();
    assert_eq!(shown, [("mail", "mail", true, 0), ("wa-main", "WhatsApp", false, 2)]);
    assert!(channels[0].paused_since.is_some());
}

#[tokio::test]
async fn a_template_is_previewed_or_says_what_is_wrong() {
    let told = a_desk().told();
    let service = Templates::new(told.query.clone(), Arc::new(Channels));
    let value = |part: &str, name: &str, value: &str| wire::TemplateVariableValue {
        part: part.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
        ..Default::default()
    };
    let preview = async |name: &str, language: &str, values| {
        let request = wire::PreviewTemplateRequest {
            channel_id: "wa-main".to_owned(),
            name: name.to_owned(),
            language: language.to_owned(),
            values,
            ..Default::default()
        };
        service.preview_template(ask(&supervisor(), request)).await
    };
    let all = vec![value("header", "1", "Ana"), value("", "dia", "lunes")];
    let answer = preview("turno", "es_MX", all.clone()).await.unwrap().into_inner();
    assert_eq!(answer.text, "Hola Ana\n\nSu turno es el lunes\n\nPeluquería Sol");
    let found = answer.template.unwrap();
    assert_eq!((found.language.as_str(), found.variables.len()), ("es_AR", 2), "another form of the same language");
    for (values, kind, about) in [
        (vec![value("", "dia", "lunes")], "missing", "1"),
        (vec![value("header", "1", "Ana"), value("", "dia", " ")], "blank", "dia"),
        (vec![value("header", "1", "Ana"), value("", "dia", "lunes\nmartes")], "spacing", "dia"),
    ] {
        let problem = preview("turno", "es_AR", values).await.unwrap().into_inner().problem.unwrap();
        assert_eq!((problem.kind.as_str(), problem.variables.as_slice()), (kind, &[about.to_owned()][..]));
    }
    // Without a language the tenant's, whatever the reader's: that is what would be sent.
    for reader in ["es", "en"] {
        let mut request = ask(
            &supervisor(),
            wire::PreviewTemplateRequest {
                channel_id: "wa-main".to_owned(),
                name: "turno".to_owned(),
                values: all.clone(),
                ..Default::default()
            },
        );
        request.metadata_mut().insert("accept-language", reader.parse().unwrap());
        let answer = service.preview_template(request).await.unwrap().into_inner();
        assert_eq!(answer.template.unwrap().language, "en_US", "{reader}");
    }
    let problem = preview("turno_viejo", "es", all.clone()).await.unwrap().into_inner().problem.unwrap();
    assert_eq!((problem.kind.as_str(), problem.status.as_str()), ("not_usable", "paused"));
    assert_eq!(code(preview("saludo", "es", all.clone()).await), ErrorCode::TemplateNotFound);
    assert_eq!(code(preview("turno", "pt_BR", all).await), ErrorCode::TemplateNotFound);
    assert_eq!(code(preview("", "", Vec::new()).await), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn what_is_written_with_belongs_to_its_channel_and_tenant() {
    let told = a_desk().told();
    let service = Templates::new(told.query.clone(), Arc::new(Channels));
    let list = async |caller, channel: &str| {
        let request = wire::ListTemplatesRequest { channel_id: channel.to_owned(), ..Default::default() };
        service.list_templates(ask(&caller, request)).await
    };
    assert!(list(granted("laura", "wa-main", "ventas"), "wa-main").await.is_ok());
    assert_eq!(code(list(granted("laura", "wa-main", "ventas"), "mail").await), ErrorCode::ChannelNotFound);
    assert_eq!(code(list(caller("demo-b", "ana", Role::Admin), "wa-main").await), ErrorCode::ChannelNotFound);
    assert_eq!(code(list(supervisor(), "unknown").await), ErrorCode::ChannelNotFound);
    assert_eq!(code(list(caller("demo", "ana", Role::Analyst), "wa-main").await), ErrorCode::Forbidden);
}

#[tokio::test]
async fn quick_replies_are_listed_by_name() {
    let reply = |text: &str| QuickReply { title: "Saludo".to_owned(), text: text.to_owned() };
    let set = |name: &str, text: &str| WorkspaceEvent::QuickReplySet { name: name.to_owned(), reply: reply(text) };
    let told = World::new()
        .workspace_event("demo", set("hola", "Hola"))
        .workspace_event("demo", set("adios", "Hasta luego"))
        .workspace_event("demo", set("hola", "Hola {contact.name}"))
        .workspace_event("demo", set("viejo", "no"))
        .workspace_event("demo", WorkspaceEvent::QuickReplyRemoved { name: "viejo".to_owned() })
        .told();
    let list = async |caller, prefix: &str| {
        let request = wire::ListQuickRepliesRequest { name_prefix: prefix.to_owned(), ..Default::default() };
        let answer = told.query.list_quick_replies(ask(&caller, request)).await.unwrap().into_inner();
        answer.quick_replies.into_iter().map(|row| (row.name, row.text)).collect::<Vec<_>>()
    };
    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(list(supervisor(), "").await, [pair("adios", "Hasta luego"), pair("hola", "Hola {contact.name}")]);
    assert_eq!(list(supervisor(), "h").await.len(), 1);
    assert_eq!(list(caller("demo-b", "ana", Role::Admin), "").await, []);
}
