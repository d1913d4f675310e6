//! What the product promises of intake, told as stories: real adapters, a real decision store, the log's in-memory twin.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on must fail")]

use std::collections::HashMap;
use std::sync::Arc;

use relevo_channels::{Update, email, meta};
use relevo_command::{DecisionProjector, IdKey, Ledger};
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{ConversationEvent, Message, PauseReason};
use relevo_domain::{ChannelId, EndpointId, EntityId, EntityKind, Event, RawId, Recorded, TenantId, Timestamp};
use relevo_eventlog::{Faults, Log, MemoryLog};
use relevo_intake::handle::Source;
use relevo_intake::{ChannelRef, Endpoint, HandleError, Handled, Handler, MetaApp, Routes};
use relevo_projection::{Options, Runtime, Views};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

#[path = "stories/merged.rs"]
mod merged;
#[path = "stories/sending.rs"]
mod sending;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// One node: its own decision store over a log that it may share.
struct Node {
    handler: Handler,
    ledger: Arc<Ledger>,
    log: Arc<MemoryLog>,
    _views: Views,
    _folder: TempDir,
}

impl Node {
    async fn start() -> Self {
        Self::over(Arc::new(MemoryLog::new())).await
    }

    async fn over(log: Arc<MemoryLog>) -> Self {
        let folder = TempDir::new().unwrap();
        let shared: Arc<dyn Log> = log.clone();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector)],
            shared.clone(),
            folder.path(),
            Options::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(shared, views.get(DecisionProjector::NAME).unwrap()));
        let keys = HashMap::from([(tenant(), IdKey::new([7; 32])), (other_tenant(), IdKey::new([8; 32]))]);
        let handler = Handler::new(ledger.clone(), Arc::new(routes()), Arc::new(keys), || NOW);
        ledger.catch_up().await.unwrap();
        Self { handler, ledger, log, _views: views, _folder: folder }
    }

    /// Hands one raw item's updates to intake, under this intake sequence.
    async fn take(&self, sequence: u64, endpoint: &str, updates: Vec<Update>) -> Vec<Handled> {
        let mut handled = Vec::new();
        for (ordinal, update) in updates.iter().enumerate() {
            let pointer = RawId::alone(sequence).update(u32::try_from(ordinal).unwrap());
            let source = Source { endpoint: EndpointId::new(endpoint).unwrap(), received_at: NOW, pointer };
            handled.push(loop {
                // As the worker does: what the log could not say is asked again.
                match self.handler.handle(&source, update).await {
                    Ok(handled) => break handled,
                    Err(HandleError::Unknown) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error:?}"),
                }
            });
        }
        handled
    }

    async fn whatsapp(&self, sequence: u64, message: Value) -> Handled {
        let body = envelope(message).to_string();
        self.take(sequence, "app", meta::updates(body.as_bytes())).await.remove(0)
    }

    async fn mail(&self, sequence: u64, raw: &str) -> Handled {
        self.take(sequence, "mail", email::updates(raw.replace('\n', "\r\n").as_bytes(), &[])).await.remove(0)
    }

    async fn commits(&self) -> Vec<Recorded> {
        let mut commits = Vec::new();
        for sequence in 1..=self.log.identity().await.unwrap().last_sequence {
            commits.push(self.log.get(sequence).await.unwrap().unwrap());
        }
        commits
    }

    /// (conversation, message) in the order of the log.
    async fn messages(&self) -> Vec<(EntityId, Message)> {
        let mut found = Vec::new();
        for recorded in self.commits().await {
            for event in &recorded.commit.events {
                if let Event::Conversation(ConversationEvent::MessageReceived(message)) = event {
                    found.push((recorded.commit.entity, message.as_ref().clone()));
                }
            }
        }
        found
    }

    async fn conversations_of_messages(&self) -> Vec<EntityId> {
        self.messages().await.into_iter().map(|(conversation, _)| conversation).collect()
    }
}

fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

fn other_tenant() -> TenantId {
    TenantId::new("other").unwrap()
}

fn routes() -> Routes {
    let channel = |tenant: TenantId, name: &str| ChannelRef { tenant, channel: ChannelId::new(name).unwrap() };
    let numbers = HashMap::from([
        ("100".to_owned(), channel(tenant(), "wa")),
        ("101".to_owned(), channel(tenant(), "wa-2")),
        ("200".to_owned(), channel(other_tenant(), "wa")),
    ]);
    let app = Endpoint::Meta(MetaApp { numbers, ..MetaApp::default() });
    let mail = Endpoint::Email { channel: channel(tenant(), "mail"), own_addresses: vec![] };
    let named = |name: &str| EndpointId::new(name).unwrap();
    let one = Endpoint::Meta(MetaApp { account_channel: Some(channel(tenant(), "wa")), ..MetaApp::default() });
    Routes { endpoints: [(named("app"), app), (named("one"), one), (named("mail"), mail)].into() }
}

fn envelope(message: Value) -> Value {
    on_number("100", message)
}

fn on_number(number: &str, message: Value) -> Value {
    let contact = message.get("contact").cloned().unwrap_or(json!({}));
    let status = message.get("status").is_some();
    let mut value = json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": number } });
    if status {
        value["statuses"] = json!([message]);
    } else {
        value["contacts"] = json!([contact]);
        value["messages"] = json!([message]);
    }
    json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "waba", "changes": [{ "field": "messages", "value": value }] }] })
}

/// A text from whoever has these identifiers.
fn text(id: &str, phone: Option<&str>, bsuid: Option<&str>) -> Value {
    let mut message = json!({ "id": id, "timestamp": "1799999990", "type": "text", "text": { "body": format!("hola {id}") },
                              "contact": { "profile": { "name": "María García" } } });
    if let Some(phone) = phone {
        message["from"] = json!(phone);
        message["contact"]["wa_id"] = json!(phone);
    }
    if let Some(bsuid) = bsuid {
        message["from_user_id"] = json!(bsuid);
        message["contact"]["user_id"] = json!(bsuid);
    }
    message
}

/// What the owner wrote to PHONE from the phone itself.
fn echo() -> Vec<Update> {
    let text = json!({ "from": "15550783881", "to": PHONE, "id": "e1", "timestamp": "1799999990", "type": "text",
                       "text": { "body": "Hola, soy Laura" } });
    let value =
        json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": "100" }, "message_echoes": [text] });
    let changes = json!([{ "field": "smb_message_echoes", "value": value }]);
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "waba", "changes": changes }] });
    meta::updates(body.to_string().as_bytes())
}

const PHONE: &str = "5491155550101";
const BSUID: &str = "AR.13491208655302741918";
const OTHER_BSUID: &str = "AR.99999999999999999999";

#[tokio::test]
async fn a_redelivery_changes_nothing_and_is_known_as_a_duplicate() {
    let node = Node::start().await;
    assert_eq!(node.whatsapp(1, text("w1", Some(PHONE), None)).await, Handled::Stored);
    let before = node.commits().await.len();
    assert_eq!(node.whatsapp(2, text("w1", Some(PHONE), None)).await, Handled::Duplicate);
    assert_eq!(node.whatsapp(1, text("w1", Some(PHONE), None)).await, Handled::Stored, "its own pointer, done again");
    assert_eq!(node.commits().await.len(), before);
}

#[tokio::test]
async fn a_message_redelivered_after_a_bsuid_was_learnt_is_one_message() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), None)).await;
    node.whatsapp(2, text("w2", Some(PHONE), Some(BSUID))).await;
    assert_eq!(node.whatsapp(3, text("w1", Some(PHONE), Some(BSUID))).await, Handled::Duplicate);
    assert_eq!(node.whatsapp(4, text("w2", None, Some(BSUID))).await, Handled::Duplicate);
    node.whatsapp(5, text("w3", None, Some(BSUID))).await;
    let conversations = node.conversations_of_messages().await;
    assert_eq!(conversations.len(), 3);
    assert!(conversations.iter().all(|conversation| *conversation == conversations[0]));
}

#[tokio::test]
async fn a_message_redelivered_after_a_merge_is_one_message() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), None)).await;
    node.whatsapp(2, text("w2", None, Some(BSUID))).await;
    // Both were thought to be two people; now one update carries both identifiers.
    node.whatsapp(3, text("w3", Some(PHONE), Some(BSUID))).await;
    let merged = node
        .commits()
        .await
        .into_iter()
        .flat_map(|recorded| recorded.commit.events)
        .any(|event| matches!(event, Event::Contact(ContactEvent::Merged { .. })));
    assert!(merged);
    for (sequence, (id, phone, bsuid)) in [
        ("w1", Some(PHONE), Some(BSUID)),
        ("w1", Some(PHONE), None),
        ("w2", None, Some(BSUID)),
        ("w3", None, Some(BSUID)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(node.whatsapp(10 + sequence as u64, text(id, phone, bsuid)).await, Handled::Duplicate, "{id}");
    }
    assert_eq!(node.messages().await.len(), 3);
}

#[tokio::test]
async fn a_recycled_number_does_not_join_its_first_owners_thread() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), Some(BSUID))).await;
    node.whatsapp(2, text("w2", Some(PHONE), Some(OTHER_BSUID))).await;
    let conversations = node.conversations_of_messages().await;
    assert_ne!(conversations[0], conversations[1]);
    let merged = node
        .commits()
        .await
        .into_iter()
        .flat_map(|recorded| recorded.commit.events)
        .any(|event| matches!(event, Event::Contact(ContactEvent::Merged { .. })));
    assert!(!merged, "two people");
    assert_eq!(node.whatsapp(3, text("w1", Some(PHONE), Some(BSUID))).await, Handled::Duplicate);
}

#[tokio::test]
async fn a_changed_number_continues_the_conversation() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), None)).await;
    let changed = json!({ "id": "w2", "from": PHONE, "timestamp": "1799999991", "type": "system",
        "system": { "type": "user_changed_number", "body": "cambió de número", "wa_id": "5491155550999" } });
    node.whatsapp(2, changed).await;
    node.whatsapp(3, text("w3", Some("5491155550999"), None)).await;
    let conversations = node.conversations_of_messages().await;
    assert_eq!(conversations.len(), 3);
    assert!(conversations.iter().all(|conversation| *conversation == conversations[0]));
}

#[tokio::test]
async fn a_change_of_number_and_bsuid_continues_the_conversation() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), Some(BSUID))).await;
    // The notice names the old number, the new number and the new user id, but not the old user id.
    let changed = json!({ "id": "w2", "from": PHONE, "timestamp": "1799999991", "type": "system",
        "system": { "type": "user_changed_number", "body": "cambió de número", "wa_id": "5491155550999",
                    "user_id": OTHER_BSUID } });
    node.whatsapp(2, changed).await;
    node.whatsapp(3, text("w3", Some("5491155550999"), Some(OTHER_BSUID))).await;
    let conversations = node.conversations_of_messages().await;
    assert_eq!(conversations.len(), 3);
    assert!(conversations.iter().all(|conversation| *conversation == conversations[0]), "{conversations:?}");
}

#[tokio::test]
async fn one_message_on_two_nodes_at_once_is_one_message() {
    for round in 0..20u64 {
        let log = Arc::new(MemoryLog::with_faults(round, Faults { yields_max: 8, ..Faults::default() }));
        let (a, b) = (Node::over(log.clone()).await, Node::over(log.clone()).await);
        let (first, second) = tokio::join!(
            a.whatsapp(1, text("w1", Some(PHONE), Some(BSUID))),
            b.whatsapp(2, text("w1", Some(PHONE), None)),
        );
        assert_eq!(a.messages().await.len(), 1, "round {round}");
        let stored = [&first, &second].into_iter().filter(|handled| **handled == Handled::Stored).count();
        assert_eq!(stored, 1, "round {round}: {first:?} {second:?}");
    }
}

#[tokio::test]
async fn a_log_that_loses_answers_neither_loses_nor_doubles_messages() {
    for seed in 0..10u64 {
        let node = Node::over(Arc::new(MemoryLog::with_faults(seed, Faults::STORM))).await;
        for n in 0..20u64 {
            let phone = format!("54911555501{:02}", n % 5);
            assert_eq!(node.whatsapp(n + 1, text(&format!("w{n}"), Some(&phone), None)).await, Handled::Stored);
        }
        node.log.set_faults(Faults::default());
        let ids: std::collections::BTreeSet<_> = node.messages().await.iter().map(|(_, message)| message.id).collect();
        assert_eq!((ids.len(), node.messages().await.len()), (20, 20), "seed {seed}");
    }
}

#[tokio::test]
async fn the_same_message_to_two_tenants_is_two_messages() {
    let node = Node::start().await;
    let both = [on_number("100", text("w1", Some(PHONE), None)), on_number("200", text("w1", Some(PHONE), None))];
    for (sequence, body) in both.iter().enumerate() {
        let handled = node.take(sequence as u64 + 1, "app", meta::updates(body.to_string().as_bytes())).await;
        assert_eq!(handled, [Handled::Stored]);
    }
    let commits = node.commits().await;
    let tenants: std::collections::BTreeSet<_> = commits.iter().map(|recorded| &recorded.commit.tenant).collect();
    assert_eq!(tenants.len(), 2);
    let conversations = node.conversations_of_messages().await;
    assert_ne!(conversations[0], conversations[1], "ids are derived under each tenant's own key");
}

// === statuses, echoes, pauses ===

#[tokio::test]
async fn a_status_never_opens_a_conversation_and_finds_an_open_one() {
    let node = Node::start().await;
    let status = |state: &str| json!({ "id": "w9", "status": state, "timestamp": "1799999990", "recipient_id": PHONE });
    assert_eq!(node.whatsapp(1, status("sent")).await, Handled::Stored);
    let kinds = |commits: &[Recorded]| commits.iter().map(|r| r.commit.entity.kind()).collect::<Vec<_>>();
    assert_eq!(kinds(&node.commits().await), [EntityKind::Channel]);
    node.whatsapp(2, text("w1", Some(PHONE), None)).await;
    assert_eq!(node.whatsapp(3, status("delivered")).await, Handled::Stored);
    assert_eq!(kinds(&node.commits().await).last(), Some(&EntityKind::Conversation));
    assert_eq!(node.whatsapp(4, status("sent")).await, Handled::Duplicate, "known, wherever it was stored");
}

#[tokio::test]
async fn a_new_conversation_of_a_paused_contact_starts_paused() {
    let node = Node::start().await;
    let handled = node.take(1, "app", echo()).await;
    assert_eq!(handled, [Handled::Stored]);
    // The owner answered from the phone: paused. The number is then recycled within the same contact's BSUID.
    node.whatsapp(2, text("w1", Some(PHONE), None)).await;
    let (conversation, _) = node.messages().await.remove(0);
    let last = node.commits().await.into_iter().rfind(|recorded| recorded.commit.entity == conversation).unwrap();
    assert_eq!(last.commit.events.len(), 1, "the message joined the paused conversation");
    let by_echo = |event: &Event| {
        matches!(
            event,
            Event::Conversation(ConversationEvent::BotPaused { reason: PauseReason::Echo, automatic: true, .. })
        )
    };
    assert!(node.commits().await.iter().flat_map(|recorded| &recorded.commit.events).any(by_echo));
}

#[tokio::test]
async fn a_conversation_that_turns_out_to_be_a_paused_persons_is_paused() {
    let node = Node::start().await;
    node.take(1, "app", echo()).await;
    node.whatsapp(2, text("w1", None, Some(BSUID))).await;
    // One update shows that the paused number and the active BSUID are one person.
    node.whatsapp(3, text("w2", Some(PHONE), Some(BSUID))).await;
    let conversations = node.conversations_of_messages().await;
    assert_eq!(conversations[0], conversations[1]);
    let commits = node.commits().await;
    let last = commits.iter().rfind(|recorded| recorded.commit.entity == conversations[0]).unwrap();
    let names: Vec<_> = last.commit.events.iter().map(Event::name).collect();
    assert_eq!(names, ["BotPaused", "MessageReceived"]);
    let merges = commits
        .iter()
        .flat_map(|recorded| &recorded.commit.events)
        .filter(|event| matches!(event, Event::Contact(ContactEvent::Merged { .. })));
    assert_eq!(merges.count(), 2, "each contact names the other");
}

// === mails ===

fn mail(id: &str, from: &str, references: &str, text: &str) -> String {
    let references = if references.is_empty() {
        String::new()
    } else {
        format!("In-Reply-To: {references}\nReferences: {references}\n")
    };
    format!(
        "From: {from}\nTo: hola@peluqueria.example\nSubject: Turno\nDate: Mon, 1 Jan 2099 10:00:00 -0300\n\
         Message-ID: {id}\n{references}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
}

#[tokio::test]
async fn a_reply_of_the_same_person_joins_the_thread() {
    let node = Node::start().await;
    node.mail(1, &mail("<a@x>", "ana@x.example", "", "Hola")).await;
    node.mail(2, &mail("<b@x>", "Ana <ANA@x.example>", "<a@x>", "¿Y?")).await;
    let messages = node.messages().await;
    assert_eq!(messages[0].0, messages[1].0);
    assert_eq!(messages[1].1.reply_to, Some(messages[0].1.id));
}

#[tokio::test]
async fn forged_references_do_not_join_a_strangers_thread() {
    let node = Node::start().await;
    node.mail(1, &mail("<a@x>", "ana@x.example", "", "privado")).await;
    node.mail(2, &mail("<m@y>", "mallory@y.example", "<a@x>", "dejame ver")).await;
    let conversations = node.conversations_of_messages().await;
    assert_ne!(conversations[0], conversations[1]);
}

#[tokio::test]
async fn two_customers_who_answer_one_newsletter_have_two_conversations() {
    let node = Node::start().await;
    node.mail(1, &mail("<r1@x>", "ana@x.example", "<newsletter@shop>", "me interesa")).await;
    node.mail(2, &mail("<r2@y>", "juan@y.example", "<newsletter@shop>", "a mí también")).await;
    let conversations = node.conversations_of_messages().await;
    assert_ne!(conversations[0], conversations[1]);
}

#[tokio::test]
async fn a_child_that_comes_before_its_parent_shares_its_thread() {
    let node = Node::start().await;
    node.mail(1, &mail("<child@x>", "ana@x.example", "<parent@x>", "segunda")).await;
    node.mail(2, &mail("<parent@x>", "ana@x.example", "", "primera")).await;
    node.mail(3, &mail("<parent2@y>", "eve@y.example", "<parent@x>", "¿hola?")).await;
    let conversations = node.conversations_of_messages().await;
    assert_eq!(conversations[0], conversations[1]);
    assert_ne!(conversations[0], conversations[2]);
}

#[tokio::test]
async fn a_message_id_used_twice_with_other_content_is_another_message() {
    let node = Node::start().await;
    assert_eq!(node.mail(1, &mail("<a@x>", "ana@x.example", "", "uno")).await, Handled::Stored);
    assert_eq!(node.mail(2, &mail("<a@x>", "ana@x.example", "", "dos")).await, Handled::Stored);
    assert_eq!(node.mail(3, &mail("<a@x>", "ana@x.example", "", "uno")).await, Handled::Duplicate);
    let messages = node.messages().await;
    assert_eq!(messages.len(), 2);
    assert!(!messages[0].1.flags.message_id_reused);
    assert!(messages[1].1.flags.message_id_reused);
}

#[tokio::test]
async fn a_mails_date_is_for_display_only() {
    let node = Node::start().await;
    node.mail(1, &mail("<a@x>", "ana@x.example", "", "desde 2099")).await;
    let recorded = node.commits().await.pop().unwrap();
    assert_eq!(recorded.commit.occurred_at, NOW);
    assert!(node.messages().await[0].1.provider_time.unwrap() > NOW);
}

// === what cannot be understood or routed ===

#[tokio::test]
async fn one_bad_update_does_not_cost_its_neighbours() {
    let node = Node::start().await;
    let mut body = envelope(text("w1", Some(PHONE), None));
    let messages = body["entry"][0]["changes"][0]["value"]["messages"].as_array_mut().unwrap();
    messages.insert(0, json!("not an object"));
    messages.push(text("w2", Some(PHONE), None));
    let handled = node.take(1, "app", meta::updates(body.to_string().as_bytes())).await;
    assert!(matches!(handled[0], Handled::Parked { .. }), "{handled:?}");
    assert_eq!(&handled[1..], [Handled::Stored, Handled::Stored]);
}

#[tokio::test]
async fn what_names_no_configured_channel_is_parked_as_unrouted() {
    let node = Node::start().await;
    let body = on_number("999999999999999", text("w1", Some(PHONE), None));
    let handled = node.take(1, "app", meta::updates(body.to_string().as_bytes())).await;
    assert_eq!(handled, [Handled::Parked { reason: "unrouted", detail: String::new() }]);
    assert_eq!(node.commits().await.len(), 0);
}

#[tokio::test]
async fn every_commit_of_a_first_message_carries_its_pointer() {
    let node = Node::start().await;
    node.whatsapp(42, text("w1", Some(PHONE), Some(BSUID))).await;
    let commits = node.commits().await;
    let pointer = Some(RawId::alone(42).update(0));
    assert!(commits.iter().all(|recorded| recorded.commit.intake == pointer));
    let kinds: Vec<_> = commits.iter().map(|recorded| recorded.commit.entity.kind()).collect();
    assert_eq!(kinds, [EntityKind::Identity, EntityKind::Identity, EntityKind::Contact, EntityKind::Conversation]);
}
