//! One change and two hundred watchers: from the moment when the log has it until each of them does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use relevo_proto::query::v1 as api;
use relevo_proto::query::v1::inbox_service_client::InboxServiceClient;
use relevo_proto::query::v1::watch_inbox_response::Event;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::echo;
use crate::measure::{Line, Times};
use crate::server::{Bench, Who};
use crate::world::World;

const LIMIT: Duration = Duration::from_millis(20);
pub const WATCHERS: usize = 200;
/// Browsers share no connection; a gateway in front of them does.
const CONNECTIONS: usize = 20;
/// Between two changes: longer than any of them takes.
const REST: Duration = Duration::from_millis(200);
/// A watcher that has heard nothing by then has missed it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a watcher has heard: the conversation that changed, and when.
type Heard = (String, Instant);

/// Changes that `WatchInbox` tells, and messages of the same size that the echo streams.
pub async fn fan_out(bench: &Bench, world: &Arc<World>, changes: u64) -> Vec<Line> {
    let (sender, mut heard) = mpsc::channel(2 * WATCHERS);
    let mut watchers = open(bench, &sender).await;
    let (mut each, mut last, mut bytes) = (Times::default(), Times::default(), 0);
    for change in 0..=changes {
        tokio::time::sleep(REST).await;
        let wanted = world.changed_at(bench.log.last() + 1).to_string();
        let started = Instant::now();
        bench.log.go_on();
        let mut slowest = Duration::ZERO;
        for _ in 0..WATCHERS {
            let (conversation, at, size) = timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
            assert_eq!(conversation, wanted, "another conversation changed");
            bytes = size;
            slowest = slowest.max(at.duration_since(started));
            if change > 0 {
                each.add(at.duration_since(started));
            }
        }
        if change > 0 {
            last.add(slowest);
        }
    }
    watchers.abort_all();
    let (echo_each, echo_last) = echoed(bench, bytes, changes).await;
    vec![
        Line {
            what: format!("watch: one change, each of {WATCHERS} watchers"),
            ours: each,
            echo: echo_each,
            limit: Some(LIMIT),
        },
        Line {
            what: "watch: one change, the last of them".to_owned(),
            ours: last,
            echo: echo_last,
            limit: Some(LIMIT),
        },
    ]
}

/// Opens the watches; half of them are an agent's. They have got their snapshots when this returns.
async fn open(bench: &Bench, sender: &mpsc::Sender<(String, Instant, usize)>) -> JoinSet<()> {
    let mut watchers = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let client = InboxServiceClient::new(bench.connect().await);
        for _ in 0..WATCHERS / CONNECTIONS {
            let (mut client, sender) = (client.clone(), sender.clone());
            let who = Who::ALL[connection % Who::ALL.len()];
            let mut stream = client.watch_inbox(who.ask(api::WatchInboxRequest::default())).await.unwrap().into_inner();
            let first = stream.message().await.unwrap().unwrap();
            assert!(matches!(first.event, Some(Event::Snapshot(_))), "a watch begins with a snapshot");
            watchers.spawn(async move {
                while let Ok(Some(message)) = stream.message().await {
                    let at = Instant::now();
                    let size = message.encoded_len();
                    if let Some(Event::Delta(delta)) = message.event {
                        for row in delta.upserts {
                            // The other end has gone when the benchmark is over.
                            sender.send((row.conversation_id, at, size)).await.ok();
                        }
                    }
                }
            });
        }
    }
    watchers
}

async fn echoed(bench: &Bench, bytes: usize, changes: u64) -> (Times, Times) {
    let (sender, mut heard) = mpsc::channel::<Heard>(2 * WATCHERS);
    let mut watchers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = bench.connect_echo().await;
        for _ in 0..WATCHERS / CONNECTIONS {
            let (mut client, sender) = (client.clone(), sender.clone());
            let mut stream = echo::watch(&mut client).await;
            watchers.spawn(async move {
                while let Ok(Some(_)) = stream.message().await {
                    sender.send((String::new(), Instant::now())).await.ok();
                }
            });
        }
    }
    let message = Bytes::from(vec![b'x'; bytes]);
    let (mut each, mut last) = (Times::default(), Times::default());
    for _ in 0..changes {
        tokio::time::sleep(REST).await;
        let started = Instant::now();
        bench.echo.tell(message.clone());
        let mut slowest = Duration::ZERO;
        for _ in 0..WATCHERS {
            let (_, at) = timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
            slowest = slowest.max(at.duration_since(started));
            each.add(at.duration_since(started));
        }
        last.add(slowest);
    }
    watchers.abort_all();
    (each, last)
}
