//! Parking, worker and tally on a real raw stream: nothing that cannot be handled stops what comes after it.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on must fail")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use futures::future::join_all;
use relevo_command::{DecisionProjector, IdKey, Ledger};
use relevo_domain::{ChannelId, EndpointId, RawId, TenantId, Timestamp};
use relevo_eventlog::{Connection, InputKind, Log, MemoryLog, Notes, Options, ParkedItem, ParkedReason, RawInput};
use relevo_intake::{
    ChannelRef, Counters, Endpoint, Handler, IntakeWorker, LiveRoutes, MetaApp, Parking, ParkingError, Routes, Tally,
    TallyStore,
};
use relevo_projection::{Runtime, Views};
use relevo_testkit::{NatsServer, eventually};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// An item that this node has never seen.
const OLD: RawId = RawId::alone(1000);
const STORE_BYTES: u64 = 4 * 1024 * 1024 * 1024;

struct Node {
    connection: Connection,
    tally: Tally,
    parking: Parking,
    routes: LiveRoutes,
    token: CancellationToken,
    server: NatsServer,
    _views: Views,
    _folder: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

impl Node {
    async fn start() -> Self {
        let server = NatsServer::start().await;
        let options = Options { store_bytes: STORE_BYTES, ..Options::new(server.url()) };
        let connection = Connection::connect(options).await.unwrap();
        let folder = TempDir::new().unwrap();
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        let token = CancellationToken::new();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector)],
            log.clone(),
            folder.path(),
            relevo_projection::Options::default(),
            token.clone(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(log, views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        let keys = HashMap::from([(tenant("a"), IdKey::new([7; 32])), (tenant("b"), IdKey::new([8; 32]))]);
        let routes = LiveRoutes::from(Arc::new(routes()));
        let handler = Handler::new(ledger, routes.clone(), Arc::new(keys), || NOW);
        let worker = IntakeWorker::new(handler.clone(), connection.intake(), connection.parked());
        let store = TallyStore::open(&folder.path().join("tally"), &relevo_readstore::Options::default()).unwrap();
        let tally = Tally::new(Arc::new(store), handler.clone(), connection.intake(), worker.handled());
        let parking = Parking::new(handler, connection.parked(), tally.clone());
        tokio::spawn(worker.run(token.clone()));
        tokio::spawn(tally.clone().run(token.clone()));
        Self { connection, tally, parking, routes, token, server, _views: views, _folder: folder }
    }

    async fn post(&self, body: impl Into<Vec<u8>>) -> RawId {
        self.connection.intake().append(&input(body)).await.unwrap()
    }

    /// All at once, so that most of them travel together.
    async fn post_all(&self, bodies: Vec<String>) -> Vec<RawId> {
        let intake = self.connection.intake();
        let inputs: Vec<RawInput> = bodies.into_iter().map(input).collect();
        let ids = join_all(inputs.iter().map(|input| intake.append(input))).await;
        ids.into_iter().map(Result::unwrap).collect()
    }

    /// Waits until everything up to this raw item is counted; answers the counts of a, b and of what is unrouted.
    async fn counted(&self, raw: RawId) -> [Counters; 3] {
        eventually("everything is counted", async || {
            let status = self.tally.status().await.ok()?;
            (status.counted >= raw.sequence && status.backlog == 0).then_some(())
        })
        .await;
        let status = self.tally.status().await.unwrap();
        let of = |name: &str| {
            let found = status.channels.iter().find(|(channel, _)| channel.tenant == tenant(name));
            found.map(|(_, counters)| *counters).unwrap()
        };
        let counted = [of("a"), of("b"), status.unrouted[0].1];
        assert!(counted.iter().all(Counters::balanced), "{counted:?}");
        counted
    }

    /// One request to the server in its own protocol, past everything that Relevo would check.
    fn nats(&self, subject: &str, payload: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(self.server.url().trim_start_matches("nats://")).unwrap();
        let length = payload.len();
        write!(stream, "CONNECT {{\"verbose\":false}}\r\nSUB r 1\r\nPUB {subject} r {length}\r\n{payload}\r\n")
            .unwrap();
        answer(stream)
    }

    /// The same of a message that says it is a frame.
    fn frame(&self, subject: &str, count: &str, payload: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(self.server.url().trim_start_matches("nats://")).unwrap();
        let head = format!("NATS/1.0\r\nRelevo-Frame: {count}\r\n\r\n");
        let (of_head, all) = (head.len(), head.len() + payload.len());
        let hello = "CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB r 1\r\n";
        write!(stream, "{hello}HPUB {subject} r {of_head} {all}\r\n{head}{payload}\r\n").unwrap();
        answer(stream)
    }
}

/// What the server answers.
fn answer(stream: TcpStream) -> serde_json::Value {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("MSG r 1")), "no reply");
    serde_json::from_str(&lines.next().unwrap()).unwrap()
}

fn input(body: impl Into<Vec<u8>>) -> RawInput {
    RawInput {
        endpoint: app(),
        kind: InputKind::Meta,
        received_at: NOW,
        content_type: "application/json".to_owned(),
        notes: Notes::default(),
        body: body.into().into(),
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn app() -> EndpointId {
    EndpointId::new("app").unwrap()
}

fn channel(name: &str) -> ChannelRef {
    ChannelRef { tenant: tenant(name), channel: ChannelId::new("wa").unwrap() }
}

/// An app that serves two tenants; what names nobody is a's.
fn routes() -> Routes {
    let numbers = HashMap::from([("100".to_owned(), channel("a")), ("200".to_owned(), channel("b"))]);
    Routes { endpoints: [(app(), Endpoint::Meta(MetaApp { numbers, ..MetaApp::default() }))].into() }
}

fn owner(name: &'static str) -> impl Fn(&EndpointId, Option<&ChannelRef>) -> bool + Send + Sync {
    move |_app, channel| channel.map_or(name == "a", |channel| channel.tenant == tenant(name))
}

/// One POST with these messages, each to a number.
fn messages(all: &[(&str, &str)]) -> String {
    let change = |(number, id): &(&str, &str)| {
        let message = json!({ "id": id, "from": "5491155550101", "timestamp": "1799999990", "type": "text", "text": { "body": "hola" } });
        json!({ "field": "messages", "value": { "messaging_product": "whatsapp", "metadata": { "phone_number_id": number },
                "contacts": [{ "wa_id": "5491155550101", "profile": { "name": "Ana" } }], "messages": [message] } })
    };
    let changes: Vec<_> = all.iter().map(change).collect();
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "waba", "changes": changes }] }).to_string()
}

/// The same items as an older adapter would have parked them: as one update that nobody understands.
async fn park_as_one(node: &Node, id: RawId, body: &str, ordinal: u32) {
    let reason =
        ParkedReason { ordinal, reason: "malformed".to_owned(), detail: String::new(), at: NOW, channel: None };
    let item = ParkedItem {
        id,
        endpoint: app(),
        kind: Some(InputKind::Meta),
        received_at: NOW,
        content_type: String::new(),
        notes: Notes::default(),
        reasons: vec![reason],
        body: body.as_bytes().to_vec().into(),
        stub: false,
    };
    assert!(node.connection.parked().park(&item).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_takes_all_updates_of_the_caller_and_leaves_the_others_to_their_tenant() {
    let node = Node::start().await;
    // It was never handled here: what an older adapter parked as one is three updates of two tenants now.
    let body = messages(&[("100", "w1"), ("100", "w2"), ("200", "w3")]);
    park_as_one(&node, OLD, &body, 0).await;

    let retried = node.parking.retry(OLD, &owner("a")).await.unwrap();
    assert_eq!((retried.tried, retried.stored, retried.still_parked), (2, 2, 0));
    let left = node.parking.entry(OLD).await.unwrap().reasons;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].ordinal, left[0].channel.clone()), (2, Some((tenant("b"), ChannelId::new("wa").unwrap()))));

    let retried = node.parking.retry(OLD, &owner("b")).await.unwrap();
    assert_eq!((retried.tried, retried.stored, retried.still_parked), (1, 1, 0));
    assert!(matches!(node.parking.entry(OLD).await, Err(ParkingError::NotFound(OLD))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinal_that_is_gone_is_not_done_while_nothing_is_understood() {
    let node = Node::start().await;
    park_as_one(&node, OLD, "{", 7).await;
    let retried = node.parking.retry(OLD, &owner("a")).await.unwrap();
    assert_eq!(retried.stored, 0);
    assert!(retried.still_parked > 0);
    assert!(node.parking.entry(OLD).await.unwrap().reasons.iter().any(|reason| reason.ordinal == 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_discards_its_own_part_of_a_shared_item() {
    let node = Node::start().await;
    let mut body: serde_json::Value = serde_json::from_str(&messages(&[("100", "w1"), ("200", "w2")])).unwrap();
    for at in 0..2 {
        body["entry"][0]["changes"][at]["value"]["messages"][0] = json!("not an object");
    }
    let sequence = node.post(body.to_string()).await;
    let [a, b, _] = node.counted(sequence).await;
    assert_eq!((a.parked, b.parked), (1, 1));
    assert_eq!(node.parking.discard(sequence, &owner("b")).await.unwrap(), 1);
    assert!(matches!(node.parking.discard(sequence, &owner("b")).await, Err(ParkingError::NotFound(_))));
    assert_eq!(node.parking.entry(sequence).await.unwrap().reasons.len(), 1);
    assert_eq!(node.parking.discard(sequence, &owner("a")).await.unwrap(), 1);
    assert!(matches!(node.parking.entry(sequence).await, Err(ParkingError::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_read_is_parked_and_counted_and_stops_nothing() {
    let node = Node::start().await;
    node.nats("relevo.intake.app", "no headers");
    node.nats("relevo.intake.a.b", "no endpoint");
    let sequence = node.post(messages(&[("100", "w1")])).await;
    let [a, _, unrouted] = node.counted(sequence).await;
    assert_eq!((a.messages, unrouted.updates, unrouted.parked), (1, 1, 1));
    let parked = node.parking.get(RawId::alone(1)).await.unwrap();
    assert_eq!((parked.reasons[0].reason.as_str(), parked.body.as_ref()), ("unreadable", b"no headers".as_slice()));
    assert_eq!(node.parking.count().await.unwrap(), 1);
    let retried = node.parking.retry(RawId::alone(1), &owner("a")).await.unwrap();
    assert_eq!((retried.stored, retried.still_parked), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_parking_stops_nobody() {
    let node = Node::start().await;
    let mut config = node.nats("$JS.API.STREAM.INFO.RELEVO_PARKED", "")["config"].take();
    config["max_bytes"] = json!(600);
    let updated = node.nats("$JS.API.STREAM.UPDATE.RELEVO_PARKED", &config.to_string());
    assert_eq!(updated["config"]["max_bytes"], 600, "{updated}");
    for bad in 0..10 {
        node.post(vec![b'{'; 20_000 + bad]).await;
    }
    let sequence = node.post(messages(&[("200", "w1")])).await;
    let [_, b, unrouted] = node.counted(sequence).await;
    assert_eq!((b.messages, unrouted.parked), (1, 10));
    assert!(node.parking.count().await.unwrap() < 10, "there was room for everything");
    let first = node.parking.get(RawId::alone(1)).await.unwrap();
    assert!(first.stub);
    assert_eq!(first.body.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_one_message_are_counted_parked_shown_and_retried_each_by_itself() {
    let node = Node::start().await;
    // Four of each kind, so that the last ones travel together whatever becomes of the first.
    let good = |n| messages(&[("100", &format!("w{n}"))]);
    let bodies: Vec<String> = (0..4)
        .flat_map(|n| [good(n), good(n), format!("{{{n}"), messages(&[("200", &format!("b{n}"))]), format!("{{{n}")])
        .collect();
    let ids = node.post_all(bodies.clone()).await;
    assert!(ids.iter().any(|id| id.part > 0), "nothing travelled together: {ids:?}");
    let [a, b, unrouted] = node.counted(*ids.last().unwrap()).await;
    assert_eq!((a.messages, a.duplicates, b.messages), (4, 4, 4));
    // The same bytes twice are parked once, or counted twice where both were parked before either was counted.
    assert_eq!((unrouted.updates, unrouted.parked, unrouted.duplicates), (8, 4, 4));
    let status = node.tally.status().await.unwrap();
    assert_eq!(status.endpoints[0].received_posts, 20);

    let (id, body) = ids.iter().zip(&bodies).rfind(|(id, body)| id.part > 0 && body.len() == 2).unwrap();
    // The twin before it may be the one that is parked.
    let (id, body) = match node.parking.get(*id).await {
        Ok(_) => (*id, body),
        Err(_) => ids.iter().zip(&bodies).find(|(_, twin)| *twin == body).map(|(id, body)| (*id, body)).unwrap(),
    };
    let parked = node.parking.get(id).await.unwrap();
    assert_eq!((parked.id, parked.body.as_ref()), (id, body.as_bytes()));
    let retried = node.parking.retry(id, &owner("a")).await.unwrap();
    assert_eq!((retried.tried, retried.stored, retried.still_parked), (1, 0, 1));
    let before = node.parking.count().await.unwrap();
    assert_eq!(node.parking.discard(id, &owner("a")).await.unwrap(), 1);
    assert_eq!(node.parking.count().await.unwrap(), before - 1);
    assert_eq!(node.counted(id).await[2], unrouted, "what was given up stays counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_understood_later_moves_in_the_counts_and_leaves_the_others_alone() {
    let node = Node::start().await;
    let ids = node.post_all((0..12).map(|n| messages(&[("300", &format!("w{n}"))])).collect()).await;
    let id = *ids.iter().rfind(|id| id.part > 0).unwrap();
    assert_eq!(node.counted(*ids.last().unwrap()).await[2].parked, 12);
    let mut later = routes();
    let Some(Endpoint::Meta(app)) = later.endpoints.get_mut(&app()) else { panic!() };
    app.numbers.insert("300".to_owned(), channel("b"));
    node.routes.replace(later);
    let retried = node.parking.retry(id, &owner("a")).await.unwrap();
    assert_eq!((retried.tried, retried.stored, retried.still_parked), (1, 1, 0));
    assert!(matches!(node.parking.entry(id).await, Err(ParkingError::NotFound(gone)) if gone == id));
    let [_, b, unrouted] = node.counted(*ids.last().unwrap()).await;
    assert_eq!((b.messages, unrouted.parked), (1, 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_frame_is_parked_as_one_item_and_stops_nothing() {
    let node = Node::start().await;
    node.frame("relevo.intake.app", "2", "no parts");
    let id = node.post(messages(&[("100", "w1")])).await;
    let [a, _, unrouted] = node.counted(id).await;
    assert_eq!((a.messages, unrouted.updates, unrouted.parked), (1, 1, 1));
    let parked = node.parking.get(RawId::alone(1)).await.unwrap();
    assert_eq!((parked.reasons[0].reason.as_str(), parked.body.as_ref()), ("unreadable", b"no parts".as_slice()));
    let retried = node.parking.retry(RawId::alone(1), &owner("a")).await.unwrap();
    assert_eq!((retried.stored, retried.still_parked), (0, 1));
}
