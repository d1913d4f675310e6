//! What goes on while servers fall: customers write to both brokers, staff answers them, a bot talks, and is paused and resumed.
//!
//! Everything that was promised is written down, so that it can be counted from the log and at the provider afterwards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use relevo_testkit::fakes::MetaOptions;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Client;
use crate::client::fresh_id;
use crate::delivery::Desk;
use crate::delivery::desk::text;
use crate::delivery::rig::now;
use crate::webhook::signed;

/// Customers who write, as a window of as many numbers that moves on: new conversations are opened all the time.
const CUSTOMERS: u64 = 40;
const WRITERS: u64 = 2;
/// The longest pause between two messages of a writer, in milliseconds.
const WRITES_EVERY_MAX_MS: u64 = 300;
/// How long one POST may take: longer than the broker waits for the log.
const POST_WITHIN: Duration = Duration::from_secs(15);
/// Before a POST that was not taken is sent again, with its id, as providers do.
const AGAIN_AFTER: Duration = Duration::from_millis(150);
/// How long a POST is sent again and again: longer than any fault lasts.
const TAKEN_WITHIN: Duration = Duration::from_mins(2);
const COMMAND_WITHIN: Duration = Duration::from_secs(8);
/// Between two messages of staff, and of the bot, in one conversation.
const TALKS_EVERY: Duration = Duration::from_millis(400);
/// The longest that the bot may speak, and that it is silent, in milliseconds.
const SPEAKS_MAX_MS: u64 = 400;
const SILENT_MAX_MS: u64 = 300;

/// What the bot says, and nobody else does.
pub const BY_BOT: &str = "soy el asistente";

/// One broker, as those who talk to it know it.
#[derive(Clone)]
pub struct Node {
    pub http: String,
    pub staff: Client,
    pub bot: Desk,
    pub desk: Desk,
}

/// A conversation in which everybody talks at once.
#[derive(Clone, Debug)]
pub struct Talk {
    pub to: String,
    pub conversation: String,
}

/// A pause's answer.
#[derive(Clone, Debug)]
pub struct Silence {
    pub to: String,
    /// When the answer was there.
    pub from: Instant,
    /// Before the bot was asked to go on. Absent while nobody has.
    pub until: Option<Instant>,
    /// What the answer said is on its way.
    pub listed: Vec<String>,
}

/// What goes on, and what was promised.
pub struct Load {
    nodes: Vec<Node>,
    meta: MetaOptions,
    http: reqwest::Client,
    over: AtomicBool,
    next: AtomicU64,
    seed: u64,
    /// Texts of the messages whose POST was answered 2xx.
    promised: Mutex<Vec<String>>,
    /// POSTs that were not taken at first.
    refused: AtomicU64,
    /// Messages of staff that the log has, and their conversation.
    by_staff: Mutex<Vec<(String, String)>>,
    silences: Mutex<Vec<Silence>>,
}

impl Load {
    pub fn new(nodes: Vec<Node>, meta: MetaOptions, seed: u64) -> Arc<Self> {
        let http = reqwest::Client::builder().timeout(POST_WITHIN).build().unwrap();
        Arc::new(Self {
            nodes,
            meta,
            http,
            over: AtomicBool::new(false),
            next: AtomicU64::new(0),
            seed,
            promised: Mutex::default(),
            refused: AtomicU64::new(0),
            by_staff: Mutex::default(),
            silences: Mutex::default(),
        })
    }

    /// Lets everybody begin.
    pub fn begin(self: &Arc<Self>, talks: &[Talk]) -> JoinSet<()> {
        let mut going = JoinSet::new();
        for writer in 0..WRITERS {
            let load = Arc::clone(self);
            going.spawn(async move { load.writes(writer).await });
        }
        for (n, talk) in talks.iter().enumerate() {
            for node in 0..self.nodes.len() {
                let (load, talk) = (Arc::clone(self), talk.clone());
                going.spawn(async move { load.chatters(node, &talk).await });
            }
            let (load, talk) = (Arc::clone(self), talk.clone());
            going.spawn(async move { load.silences(n as u64, &talk).await });
        }
        going
    }

    /// Everybody finishes what they are at.
    pub async fn end(&self, mut going: JoinSet<()>) {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = going.join_next().await {
            ended.unwrap();
        }
    }

    pub fn promised(&self) -> Vec<String> {
        lock(&self.promised).clone()
    }

    pub fn by_staff(&self) -> Vec<(String, String)> {
        lock(&self.by_staff).clone()
    }

    pub fn silenced(&self) -> Vec<Silence> {
        lock(&self.silences).clone()
    }

    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// Customers write, one message after the other, now here, now there; each until it was taken.
    async fn writes(&self, writer: u64) {
        let mut random = StdRng::seed_from_u64(self.seed ^ (writer << 32));
        while !self.over.load(Ordering::SeqCst) {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            let body = format!("cluster-{}-{n}", self.seed);
            let from = format!("549117{:07}", n / 10 + random.random_range(0..CUSTOMERS));
            let end = Instant::now() + TAKEN_WITHIN;
            let mut node = random.random_range(0..self.nodes.len());
            while !self.post(node, &from, &body).await {
                self.refused.fetch_add(1, Ordering::SeqCst);
                assert!(Instant::now() < end, "a message was not taken within {TAKEN_WITHIN:?}");
                sleep(AGAIN_AFTER).await;
                node = (node + 1) % self.nodes.len();
            }
            lock(&self.promised).push(body);
            sleep(Duration::from_millis(random.random_range(0..=WRITES_EVERY_MAX_MS))).await;
        }
    }

    /// Whether a message was taken.
    async fn post(&self, node: usize, from: &str, text: &str) -> bool {
        let message = json!({
            "from": from, "id": format!("wamid.{text}"), "timestamp": now().to_string(), "type": "text",
            "text": { "body": text },
        });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": self.meta.waba_id, "changes": [{
            "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": {
                    "display_phone_number": self.meta.display_phone_number, "phone_number_id": self.meta.phone_number_id,
                },
                "contacts": [{ "profile": { "name": "Cliente" }, "wa_id": from }],
                "messages": [message],
            },
        }] }] })
        .to_string();
        let asked = self
            .http
            .post(format!("{}/webhooks/meta/tienda", self.nodes[node].http))
            .header("x-hub-signature-256", signed(&self.meta.app_secret, body.as_bytes()))
            .header("content-type", "application/json")
            .body(body);
        asked.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Bot and staff write to one customer through one broker, in turn, and do not listen.
    async fn chatters(&self, node: usize, talk: &Talk) {
        let node = &self.nodes[node];
        while !self.over.load(Ordering::SeqCst) {
            // Told that it may not, or not told anything: all the same to this bot.
            timeout(COMMAND_WITHIN, node.bot.try_send(&talk.conversation, text(BY_BOT))).await.ok();
            sleep(TALKS_EVERY).await;
            if let Ok(Ok(sent)) = timeout(COMMAND_WITHIN, node.desk.try_send(&talk.conversation, text("hola"))).await {
                lock(&self.by_staff).push((sent.conversation, sent.message));
            }
            sleep(TALKS_EVERY).await;
        }
    }

    /// Staff pauses the bot of one conversation and lets it go on, now here, now there.
    async fn silences(&self, n: u64, talk: &Talk) {
        let mut random = StdRng::seed_from_u64(self.seed ^ ((n + 1) << 48));
        while !self.over.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(random.random_range(0..=SPEAKS_MAX_MS))).await;
            let Some(listed) = self.pause(talk, random.random_range(0..self.nodes.len())).await else { continue };
            let silence = Silence { to: talk.to.clone(), from: Instant::now(), until: None, listed };
            sleep(Duration::from_millis(random.random_range(0..=SILENT_MAX_MS))).await;
            let until = Instant::now();
            lock(&self.silences).push(Silence { until: Some(until), ..silence });
            self.resume(talk, random.random_range(0..self.nodes.len())).await;
        }
        // The last pause stays: nothing may go any more, whatever still waits.
        if let Some(listed) = self.pause(talk, 0).await {
            lock(&self.silences).push(Silence { to: talk.to.clone(), from: Instant::now(), until: None, listed });
        }
    }

    /// What the answer lists. Repeated with its id until there is one, now here, now there.
    async fn pause(&self, talk: &Talk, first: usize) -> Option<Vec<String>> {
        let pause = command::PauseBotRequest {
            command_id: fresh_id(),
            conversation_id: talk.conversation.clone(),
            reason: query::PauseReason::Complaint.into(),
            ..Default::default()
        };
        let end = Instant::now() + TAKEN_WITHIN;
        let mut node = first;
        while Instant::now() < end {
            let staff = &self.nodes[node].staff;
            let mut commands = staff.commands();
            let answer = timeout(COMMAND_WITHIN, commands.pause_bot(staff.request(pause.clone()))).await;
            if let Ok(Ok(answer)) = answer {
                return Some(answer.into_inner().already_claimed);
            }
            sleep(AGAIN_AFTER).await;
            node = (node + 1) % self.nodes.len();
        }
        None
    }

    async fn resume(&self, talk: &Talk, first: usize) {
        let resume = command::ResumeBotRequest {
            command_id: fresh_id(),
            conversation_id: talk.conversation.clone(),
            ..Default::default()
        };
        let end = Instant::now() + TAKEN_WITHIN;
        let mut node = first;
        while Instant::now() < end {
            let staff = &self.nodes[node].staff;
            let mut commands = staff.commands();
            let answer = timeout(COMMAND_WITHIN, commands.resume_bot(staff.request(resume.clone()))).await;
            if matches!(answer, Ok(Ok(_))) {
                return;
            }
            sleep(AGAIN_AFTER).await;
            node = (node + 1) % self.nodes.len();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
