//! Many raw items at a time, on a real raw stream: nothing is lost, doubled or overtaken, whatever goes wrong.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on must fail")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use relevo_command::{DecisionProjector, IdKey, Ledger};
use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{ChannelId, EndpointId, EntityId, Event, RawId, TenantId, Timestamp};
use relevo_eventlog::{Connection, Faults, InputKind, Log, MemoryLog, Notes, Options, RawInput};
use relevo_intake::{ChannelRef, Endpoint, Handler, IntakeWorker, MetaApp, Routes};
use relevo_projection::{Runtime, Views};
use relevo_testkit::{NatsServer, eventually_within};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// A take-over lasts as long as the silence after which the server gives the place away.
const WITHIN: Duration = Duration::from_mins(1);

/// A node with its own decision store over a shared log and raw stream.
struct Node {
    connection: Connection,
    ledger: Arc<Ledger>,
    handled: watch::Receiver<u64>,
    working: JoinHandle<()>,
    token: CancellationToken,
    _views: Views,
    _folder: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

impl Node {
    async fn start(server: &NatsServer, log: &MemoryLog) -> Self {
        let connection = Connection::connect(Options::new(server.url())).await.unwrap();
        let folder = TempDir::new().unwrap();
        let log: Arc<dyn Log> = Arc::new(log.clone());
        let token = CancellationToken::new();
        let projectors: Vec<Arc<dyn relevo_projection::Projector>> = vec![Arc::new(DecisionProjector)];
        let options = relevo_projection::Options::default();
        let views = Runtime::start(projectors, log.clone(), folder.path(), options, token.clone()).await.unwrap();
        let ledger = Arc::new(Ledger::new(log, views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        // Tenant c has no key: what is for it cannot be handled here.
        let keys = HashMap::from([(tenant("a"), IdKey::new([7; 32]))]);
        let handler = Handler::new(ledger.clone(), Arc::new(routes()), Arc::new(keys), || NOW);
        let worker = IntakeWorker::new(handler, connection.intake(), connection.parked());
        let handled = worker.handled();
        let working = tokio::spawn(worker.run(token.clone()));
        Self { connection, ledger, handled, working, token, _views: views, _folder: folder }
    }

    async fn post(&self, number: &str, from: &str, id: &str) -> RawId {
        self.connection.intake().append(&input(number, from, id)).await.unwrap()
    }

    /// All at once, so that most of them travel together.
    async fn post_all(&self, messages: impl Iterator<Item = (String, String)>) -> Vec<RawId> {
        let intake = self.connection.intake();
        let inputs: Vec<RawInput> = messages.map(|(from, id)| input("100", &from, &id)).collect();
        let ids = join_all(inputs.iter().map(|input| intake.append(input))).await;
        ids.into_iter().map(Result::unwrap).collect()
    }

    async fn handled(&self, raw: RawId) {
        let mut handled = self.handled.clone();
        let there = handled.wait_for(|handled| *handled >= raw.sequence);
        tokio::time::timeout(WITHIN, there).await.unwrap().unwrap();
    }
}

fn input(number: &str, from: &str, id: &str) -> RawInput {
    let message =
        json!({ "id": id, "from": from, "timestamp": "1799999990", "type": "text", "text": { "body": "hola" } });
    let value = json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": number },
            "contacts": [{ "wa_id": from, "profile": { "name": "Ana" } }], "messages": [message] });
    let body = json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "waba", "changes": [{ "field": "messages", "value": value }] }] });
    RawInput {
        endpoint: EndpointId::new("app").unwrap(),
        kind: InputKind::Meta,
        received_at: NOW,
        content_type: "application/json".to_owned(),
        notes: Notes::default(),
        body: body.to_string().into(),
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn routes() -> Routes {
    let of = |name: &str| ChannelRef { tenant: tenant(name), channel: ChannelId::new("wa").unwrap() };
    let numbers = HashMap::from([("100".to_owned(), of("a")), ("300".to_owned(), of("c"))]);
    let app = Endpoint::Meta(MetaApp { numbers, ..MetaApp::default() });
    Routes { endpoints: [(EndpointId::new("app").unwrap(), app)].into() }
}

/// The raw item of every message of each conversation, in the order of the log.
async fn threads(log: &MemoryLog) -> BTreeMap<EntityId, Vec<RawId>> {
    let mut threads: BTreeMap<EntityId, Vec<RawId>> = BTreeMap::new();
    for sequence in 1..=log.identity().await.unwrap().last_sequence {
        let commit = log.get(sequence).await.unwrap().unwrap().commit;
        let received = |event: &&Event| matches!(event, Event::Conversation(ConversationEvent::MessageReceived(_)));
        for _ in commit.events.iter().filter(received) {
            threads.entry(commit.entity).or_default().push(commit.intake.unwrap().raw());
        }
    }
    threads
}

/// Every message once, and each conversation's in the order in which they came.
async fn whole(log: &MemoryLog, messages: u64, senders: usize) {
    let threads = threads(log).await;
    assert_eq!(threads.len(), senders);
    let all: Vec<RawId> = threads.values().flatten().copied().collect();
    let once: BTreeSet<RawId> = all.iter().copied().collect();
    assert_eq!((all.len() as u64, once.len() as u64), (messages, messages), "lost or doubled");
    for thread in threads.values() {
        assert!(thread.is_sorted(), "mis-ordered: {thread:?}");
    }
}

fn sender(n: u64) -> String {
    format!("54911555500{n:02}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senders_messages_keep_their_order_while_the_log_fails_in_every_way() {
    let server = NatsServer::start().await;
    let log = MemoryLog::with_faults(7, Faults::STORM);
    let node = Node::start(&server, &log).await;
    let mut last = RawId::alone(0);
    for n in 0..200 {
        last = node.post("100", &sender(n % 5), &format!("w{n}")).await;
    }
    node.handled(last).await;
    whole(&log, 200, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_had_in_hand_is_done_by_the_other_in_order() {
    let server = NatsServer::start().await;
    let log = MemoryLog::with_faults(11, Faults { busy: 30, yields_max: 3, ..Faults::default() });
    let one = Node::start(&server, &log).await;
    let first = one.post("100", &sender(0), "first").await;
    one.handled(first).await;
    let two = Node::start(&server, &log).await;
    let mut last = RawId::alone(0);
    for n in 0..300 {
        last = two.post("100", &sender(n % 7), &format!("w{n}")).await;
        if n == 150 {
            // In the middle of whatever it does.
            one.working.abort();
        }
    }
    two.handled(last).await;
    whole(&log, 301, 7).await;
    assert_eq!(two.ledger.newest().sequence(), log.identity().await.unwrap().last_sequence);
}

/// A node dies with some parts of a message done and others not: the other gets all of them again, and finds what is done.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_left_of_a_message_of_many_is_done_by_the_other_once() {
    let server = NatsServer::start().await;
    let log = MemoryLog::with_faults(13, Faults { busy: 30, yields_max: 3, ..Faults::default() });
    let one = Node::start(&server, &log).await;
    let posted = (0..120).map(|n| (sender(n % 6), format!("w{n}")));
    let ids = one.post_all(posted).await;
    let messages = ids.iter().map(|id| id.sequence).collect::<BTreeSet<_>>().len();
    assert!(messages <= 40, "{messages} messages for 120 items");
    // In the middle of one: something of it is on the log, and not all.
    let some = async || (log.identity().await.ok()?.last_sequence > 20).then_some(());
    eventually_within("something is handled", WITHIN, some).await;
    one.working.abort();
    let before = threads(&log).await.values().map(Vec::len).sum::<usize>();
    assert!(before < 120, "everything was done before the node died");
    let two = Node::start(&server, &log).await;
    two.handled(*ids.last().unwrap()).await;
    whole(&log, 120, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_handled_holds_up_its_own_sender_and_nobody_else() {
    let server = NatsServer::start().await;
    let log = MemoryLog::new();
    let node = Node::start(&server, &log).await;
    let stuck = node.post("300", &sender(0), "stuck").await;
    for n in 0..50 {
        node.post("100", &sender(n % 5), &format!("w{n}")).await;
    }
    let done = async || (threads(&log).await.values().map(Vec::len).sum::<usize>() == 50).then_some(());
    eventually_within("the others are handled", WITHIN, done).await;
    whole(&log, 50, 5).await;
    // It is not done, and nobody says so.
    assert_eq!(*node.handled.borrow(), stuck.sequence - 1);
    assert_eq!(node.connection.intake().ack_floor().await.unwrap(), stuck.sequence - 1);
}
