//! Measures the log's server and the log's appends on one machine, next to each other: for whoever changes how appends travel.
//!
//! Starts a nats-server of its own that syncs each message to disk. Says nothing about whole messages through a broker: that is
//! the benches' business.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for people, run by hand")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap, Request};
use bytes::Bytes;
use futures::future::BoxFuture;
use relevo_domain::conversation::event::{ConversationEvent, NotePersonal};
use relevo_domain::{
    Actor, AgentId, CommandId, Commit, CommitId, EndpointId, EntityId, EntityKind, Event, IntakePointer, MessageId,
    TenantId, Timestamp,
};
use relevo_eventlog::{
    Append, Connection, InputKind, IntakeLog, JetStreamLog, Log as _, Notes, Options, Outcome, RawInput,
};
use relevo_testkit::NatsServer;

const RUN: Duration = Duration::from_secs(2);
const PAYLOAD_BYTES: usize = 700;

#[tokio::main]
async fn main() {
    let server = NatsServer::sync_always().await;
    let options = Options { store_bytes: 4 * 1024 * 1024 * 1024, ..Options::new(server.url()) };
    let connection = Connection::connect(options).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let limits = std::env::args().any(|argument| argument == "limits");
    for callers in [1, 8, 16, 32, 64, 256] {
        run(&server, "raw single", callers, |caller| raw_singles(client.clone(), callers, caller)).await;
        run(&server, "events", callers, |_| events(connection.events(), Actor::Customer)).await;
        run(&server, "intake", callers, |_| intake(connection.intake())).await;
    }
    urgent(&connection).await;
    if limits {
        raw(&server, &client).await;
    }
}

fn cpu_ms(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

/// Lets so many callers call one after the other each, and says how often they were served.
async fn run<F, C>(server: &NatsServer, what: &str, callers: u32, make: impl Fn(u32) -> C)
where
    C: FnMut(u64) -> F + Send + 'static,
    F: Future<Output = u64> + Send,
{
    let count = Arc::new(AtomicU64::new(0));
    let (before, own) = (cpu_ms(server.pid().unwrap()), cpu_ms(std::process::id()));
    let end = Instant::now() + RUN;
    let tasks = (0..callers).map(|caller| {
        let (mut call, count) = (make(caller), Arc::clone(&count));
        tokio::spawn(async move {
            let mut last = 0;
            while Instant::now() < end {
                last = call(last).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    futures::future::join_all(tasks).await.into_iter().for_each(Result::unwrap);
    say(&format!("{what}, {callers} callers"), count.load(Ordering::Relaxed), RUN, server, before, own);
}

fn raw_singles(client: Client, callers: u32, caller: u32) -> impl FnMut(u64) -> BoxFuture<'static, u64> + Send {
    let run: u32 = rand::random();
    move |n| {
        let client = client.clone();
        Box::pin(async move {
            let request = Request::new().payload(Bytes::from(vec![7; PAYLOAD_BYTES])).headers(headers());
            let subject = format!("relevo.events.00.t.r{run}-{callers}-{caller}-{n}");
            let reply = client.send_request(subject, request).await.unwrap();
            assert!(reply.payload.starts_with(b"{\"stream"));
            n + 1
        })
    }
}

fn commit(entity: EntityId, actor: Actor) -> Commit {
    let note = ConversationEvent::NoteAdded {
        message: MessageId::new([1; 16]),
        personal: NotePersonal { text: Some("x".repeat(PAYLOAD_BYTES - 200)) },
    };
    Commit {
        id: CommitId::new(rand::random()),
        tenant: TenantId::new("t").unwrap(),
        entity,
        first_version: 1,
        command_id: CommandId::new(format!("{:032x}", rand::random::<u128>())).unwrap(),
        occurred_at: Timestamp::from_millis(1_000),
        recorded_at: Timestamp::from_millis(2_000),
        actor,
        causation: None,
        correlation: None,
        previous_hash: [0; 32],
        intake: Some(IntakePointer { sequence: 1, part: 0, ordinal: 0 }),
        events: vec![Event::Conversation(note)],
    }
}

/// A caller that adds to a conversation of its own.
fn events(log: JetStreamLog, actor: Actor) -> impl FnMut(u64) -> BoxFuture<'static, u64> + Send {
    let entity = EntityId::new(EntityKind::Conversation, rand::random());
    move |last| {
        let log = log.clone();
        let append = Append { commit: commit(entity, actor.clone()), expected: last };
        Box::pin(async move {
            match log.append(vec![append]).await.unwrap() {
                Outcome::Applied { stored, .. } => stored[0].sequence,
                other @ (Outcome::NotApplied { .. } | Outcome::Unknown) => unreachable!("{other:?}"),
            }
        })
    }
}

fn intake(log: IntakeLog) -> impl FnMut(u64) -> BoxFuture<'static, u64> + Send {
    move |_| {
        let log = log.clone();
        let input = RawInput {
            endpoint: EndpointId::new("meta-1").unwrap(),
            kind: InputKind::Meta,
            received_at: Timestamp::from_millis(1),
            content_type: "application/json".to_owned(),
            notes: Notes::default(),
            body: Bytes::from(vec![7; PAYLOAD_BYTES]),
        };
        Box::pin(async move { log.append(&input).await.unwrap().sequence })
    }
}

/// How long a person waits while 256 callers flood the log.
async fn urgent(connection: &Connection) {
    let end = Instant::now() + RUN * 2;
    let flood: Vec<_> = (0..256)
        .map(|_| {
            let mut call = events(connection.events(), Actor::Customer);
            tokio::spawn(async move {
                let mut last = 0;
                while Instant::now() < end {
                    last = call(last).await;
                }
            })
        })
        .collect();
    let mut call = events(connection.events(), Actor::Staff(AgentId::new("laura").unwrap()));
    let (mut last, mut took) = (0, Vec::new());
    while Instant::now() < end {
        let started = Instant::now();
        last = call(last).await;
        took.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    futures::future::join_all(flood).await;
    took.sort_unstable();
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("urgent while 256 flood: p50 {p50:.2?}, p99 {p99:.2?} of {}", took.len());
}

async fn raw(server: &NatsServer, client: &Client) {
    for size in [2, 8, 16, 32, 64, 128, 256, 512] {
        for pipelined in [false, true] {
            let (before, own) = (cpu_ms(server.pid().unwrap()), cpu_ms(std::process::id()));
            let start = Instant::now();
            let mut batches = 0u64;
            while start.elapsed() < RUN {
                batch(client, size, pipelined).await;
                batches += 1;
            }
            let name = format!(
                "raw batch of {size}, pipelined {pipelined}, {:.2} ms each",
                start.elapsed().as_secs_f64() * 1e3 / batches as f64
            );
            say(&name, batches * size, start.elapsed(), server, before, own);
        }
    }
    for size in [1, 8, 32, 128, 256] {
        let (before, own) = (cpu_ms(server.pid().unwrap()), cpu_ms(std::process::id()));
        let start = Instant::now();
        let mut frames = 0u64;
        while start.elapsed() < RUN {
            let request = Request::new().payload(Bytes::from(vec![7; PAYLOAD_BYTES * size])).headers(headers());
            client.send_request("relevo.intake.framed", request).await.unwrap();
            frames += 1;
        }
        let name = format!("raw frame of {size}, {:.2} ms each", start.elapsed().as_secs_f64() * 1e3 / frames as f64);
        say(&name, frames * size as u64, start.elapsed(), server, before, own);
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("{:032x}", rand::random::<u128>()).as_str());
    headers
}

async fn batch(client: &Client, size: u64, pipelined: bool) {
    let id = format!("{:016x}", rand::random::<u64>());
    let message = |at: u64| {
        let mut headers = headers();
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", at.to_string().as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        if at == size {
            headers.insert("Nats-Batch-Commit", "1");
        }
        (format!("relevo.events.00.t.b{id}-{at}"), headers, Bytes::from(vec![7; PAYLOAD_BYTES]))
    };
    let (subject, headers, payload) = message(1);
    let first = client.send_request(subject, Request::new().payload(payload).headers(headers));
    let rest = async {
        for at in 2..size {
            let (subject, headers, payload) = message(at);
            client.publish_with_headers(subject, headers, payload).await.unwrap();
        }
        let (subject, headers, payload) = message(size);
        client.send_request(subject, Request::new().payload(payload).headers(headers)).await.unwrap()
    };
    let reply = if pipelined {
        let (first, reply) = futures::future::join(first, rest).await;
        assert!(first.unwrap().payload.is_empty());
        reply
    } else {
        assert!(first.await.unwrap().payload.is_empty());
        rest.await
    };
    assert!(reply.payload.starts_with(b"{\"stream"), "{reply:?}");
}

fn say(name: &str, count: u64, elapsed: Duration, server: &NatsServer, before: u64, own: u64) {
    let per = |ms: u64| ms as f64 * 1e3 / count as f64;
    let rate = count as f64 / elapsed.as_secs_f64();
    let server = per(cpu_ms(server.pid().unwrap()) - before);
    println!(
        "{name}: {rate:.0}/s, CPU a message: server {server:.0} µs, client {:.0} µs",
        per(cpu_ms(std::process::id()) - own)
    );
}
