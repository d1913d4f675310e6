//! Kills the broker and its nats-server at seeded points of a burst of signed posts, restarts at once, and counts.
//!
//! A post that was not answered 200 is sent again with the same provider id, as providers do. After every kill the clients
//! rest, intake settles, and the public equation must be exact. At the end every message that was ever answered 200 must
//! stand in a thread exactly once. Ends with one line:
//! `crash: P posts answered 200, K kills, 0 lost, 0 doubled`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a harness for the terminal")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_proto::query::v1 as query;
use relevo_tests::broker::nats_servers_of;
use relevo_tests::webhook::{meta_text, post_mail, post_meta, post_twilio};
use relevo_tests::{Broker, Client, eventually_within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

const KILLS: u32 = 24;
const CLIENTS: u32 = 16;
/// Posts between two kills, at least and at most.
const BURST: std::ops::Range<u64> = 30..150;
/// Posts that may be answered beyond the point of a kill, so that what must settle after it is bounded.
const BEYOND_POINT: u64 = 400;
/// How often the store is looked at for a second server.
const WATCH_EVERY: Duration = Duration::from_millis(2);
const STEP_WITHIN: Duration = Duration::from_mins(2);

/// What the clients and the killer share.
struct Burst {
    broker: AsyncMutex<Broker>,
    addresses: Mutex<String>,
    answered: AtomicU64,
    allowed: AtomicU64,
    next: AtomicU64,
    /// Texts of messages that were answered 200.
    promised: Mutex<Vec<String>>,
    resting: Semaphore,
    over: Arc<AtomicBool>,
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::task::LocalSet::new().run_until(run()).await;
}

async fn run() {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("crash: seed {seed}, {KILLS} kills, {CLIENTS} clients");
    let broker = Broker::start().await;
    let data = broker.data();
    refused_without_credential(&data).await;
    let burst = Arc::new(Burst {
        addresses: Mutex::new(broker.http.clone()),
        broker: AsyncMutex::new(broker),
        answered: AtomicU64::new(0),
        allowed: AtomicU64::new(0),
        next: AtomicU64::new(0),
        promised: Mutex::new(Vec::new()),
        resting: Semaphore::new(CLIENTS as usize),
        over: Arc::new(AtomicBool::new(false)),
        seed,
    });
    let watcher = std::thread::spawn({
        let (over, data) = (burst.over.clone(), data.clone());
        move || most_servers(&over, &data)
    });
    let clients: Vec<_> = (0..CLIENTS).map(|n| tokio::task::spawn_local(client(burst.clone(), n))).collect();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 1..=KILLS {
        one_kill(&burst, round, &mut random).await;
    }
    burst.over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let most = watcher.join().unwrap();
    assert!(most <= 1, "{most} nats-servers were seen on one store");
    finish(&burst).await;
}

/// Waits for the burst to reach a seeded point, kills, restarts, and checks the equation.
async fn one_kill(burst: &Arc<Burst>, round: u32, random: &mut StdRng) {
    let point = burst.answered.load(Ordering::SeqCst) + random.random_range(BURST);
    burst.allowed.store(point + BEYOND_POINT, Ordering::SeqCst);
    let there = async || (burst.answered.load(Ordering::SeqCst) >= point).then_some(());
    eventually_within(&format!("the burst reaches kill {round}"), STEP_WITHIN, there).await;
    let victim = random.random_range(0..3);
    let mut broker = burst.broker.lock().await;
    let servers = broker.nats_servers();
    let what = match victim {
        0 => "broker",
        1 => "nats-server",
        _ => "both",
    };
    if victim != 0 {
        for server in &servers {
            kill(Pid::from_raw(i32::try_from(*server).unwrap()), Signal::SIGKILL).ok();
        }
    }
    if victim != 1 {
        broker.kill9();
        broker.restart().await;
    }
    broker.ready().await;
    let admin = broker.client("admin");
    drop(broker);
    // Everybody finishes the post at hand, which may take as long as the restart of nats-server.
    let rest = burst.resting.acquire_many(CLIENTS).await.unwrap();
    let answered = burst.answered.load(Ordering::SeqCst);
    let status = admin.settled(answered).await;
    status.assert_balanced();
    let total = status.total();
    let promised = burst.promised.lock().unwrap().len() as u64;
    assert_eq!(total.messages, promised, "kill {round}: messages that were stored against messages that were promised");
    assert_eq!(total.parked, 0, "kill {round}: {total:?}");
    assert_eq!(nats_servers_of(&burst.broker.lock().await.data()).len(), 1, "kill {round}");
    println!(
        "kill {round:>2} of {what:<11} at {point:>5}: {} posts, updates {} = messages {} + duplicates {}",
        status.posts(),
        total.updates,
        total.messages,
        total.duplicates
    );
    drop(rest);
}

/// Posts messages one after the other; each until it is answered 200.
async fn client(burst: Arc<Burst>, n: u32) {
    let mut random = StdRng::seed_from_u64(burst.seed ^ (u64::from(n) << 32));
    while !burst.over.load(Ordering::SeqCst) {
        eventually_within("the next burst", STEP_WITHIN, async || {
            let allowed = burst.answered.load(Ordering::SeqCst) < burst.allowed.load(Ordering::SeqCst);
            (allowed || burst.over.load(Ordering::SeqCst)).then_some(())
        })
        .await;
        let _permit = burst.resting.acquire().await.unwrap();
        let id = burst.next.fetch_add(1, Ordering::SeqCst);
        let text = format!("crash-{}-{id}", burst.seed);
        let customer = random.random_range(0..40u32);
        let kind = random.random_range(0..10u32);
        let answered = eventually_within("a post is answered 200", STEP_WITHIN, async || {
            let status = post_one(&burst, kind, customer, &text).await;
            (status == 200 || status == 202).then_some(())
        });
        answered.await;
        burst.promised.lock().unwrap().push(text.clone());
        burst.answered.fetch_add(1, Ordering::SeqCst);
        // One in twenty is delivered again, although it was answered.
        if random.random_range(0..20) == 0 && matches!(post_one(&burst, kind, customer, &text).await, 200 | 202) {
            burst.answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Seven in ten by Meta, one by Twilio, two by mail.
async fn post_one(burst: &Burst, kind: u32, customer: u32, text: &str) -> u16 {
    let http = burst.addresses.lock().unwrap().clone();
    match kind {
        0..7 => {
            let from = format!("5491155560{customer:03}");
            post_meta(&http, meta_text(&from, &format!("Cliente {customer}"), &format!("wamid.{text}"), text)).await
        }
        7 => {
            let form = format!(
                "MessageSid=SM{text}&From=whatsapp%3A%2B5491155570{customer:03}&To=whatsapp%3A%2B15550783881\
                 &Body={text}&NumMedia=0&ProfileName=Cliente&WaId=5491155570{customer:03}"
            );
            post_twilio(&http, form).await
        }
        _ => {
            let mail = format!(
                "From: cliente{customer}@example.com\r\nTo: hola@example.com\r\nSubject: Turno\r\n\
                 Message-ID: <{text}@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            );
            post_mail(&http, mail).await
        }
    }
}

/// Reads every thread and counts each promised text.
async fn finish(burst: &Burst) {
    let mut broker = burst.broker.lock().await;
    let admin = broker.client("admin");
    let answered = burst.answered.load(Ordering::SeqCst);
    admin.settled(answered).await.assert_balanced();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for conversation in every_conversation(&admin).await {
        for text in every_text(&admin, &conversation).await {
            *found.entry(text).or_default() += 1;
        }
    }
    let promised = burst.promised.lock().unwrap().clone();
    let lost = promised.iter().filter(|text| !found.contains_key(*text)).count();
    let doubled = found.values().filter(|count| **count > 1).count();
    broker.stop();
    println!("crash: {answered} posts answered 200, {KILLS} kills, {lost} lost, {doubled} doubled");
    assert_eq!((lost, doubled), (0, 0));
}

async fn every_conversation(client: &Client) -> Vec<String> {
    let statuses = vec![query::ConversationStatus::Open.into(), query::ConversationStatus::Resolved.into()];
    let filter = query::ConversationFilter { statuses, ..Default::default() };
    let mut request = query::ListConversationsRequest { filter: Some(filter), page_size: 200, ..Default::default() };
    let mut ids = Vec::new();
    loop {
        let page = client.inbox().list_conversations(client.request(request.clone())).await.unwrap().into_inner();
        ids.extend(page.conversations.into_iter().map(|row| row.conversation_id));
        if page.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = page.next_page_token;
    }
}

async fn every_text(client: &Client, conversation: &str) -> Vec<String> {
    let mut request =
        query::ListMessagesRequest { conversation_id: conversation.to_owned(), page_size: 200, ..Default::default() };
    let mut texts = Vec::new();
    loop {
        let page = client.inbox().list_messages(client.request(request.clone())).await.unwrap().into_inner();
        texts.extend(page.entries.into_iter().filter_map(|entry| match entry.entry? {
            query::thread_entry::Entry::Message(message) => Some(message.text.trim().to_owned()),
            _ => None,
        }));
        if page.next_page_token.is_empty() {
            return texts;
        }
        request.page_token = page.next_page_token;
    }
}

/// The most nats-servers that were seen on the store at one moment.
fn most_servers(over: &AtomicBool, data: &Path) -> usize {
    let mut most = 0;
    while !over.load(Ordering::SeqCst) {
        most = most.max(nats_servers_of(data).len());
        std::thread::park_timeout(WATCH_EVERY);
    }
    most
}

/// A local client without the credential must not get in.
async fn refused_without_credential(data: &Path) {
    let port: u16 = std::fs::read_to_string(data.join("nats/port")).unwrap().trim().parse().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the server closes the connection");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("Authorization Violation") && !answer.contains("PONG"), "{answer}");
    println!("crash: an unauthenticated local client is refused");
}
