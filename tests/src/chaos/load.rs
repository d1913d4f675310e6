//! A busy day: customers of several kinds write, staff pauses, resumes, claims and answers, a bot of rules answers; and an account of
//! everything that was answered well.
//!
//! A post or a command that was not answered is repeated with the same id, as providers and clients do, until it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::Position;
use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Response, Status};

use super::promises::{Answered, Promise};
use crate::client::{Client, fresh_id};
use crate::delivery::desk::{Desk, text};
use crate::delivery::rig::{Rig, key};
use crate::eventually_within;
use crate::webhook::{meta_text, post, post_mail, post_meta, post_twilio, signed};

/// The tenant whose messages go to the stand-in for Meta.
pub const TENANT: &str = "tienda";
/// Customers who write at the same time: by Meta, by Twilio and by mail to the demo, and by Meta to the tenant.
pub const CUSTOMERS: u32 = 24;
/// Members of staff who work at the same time.
pub const STAFF: [&str; 2] = ["laura", "admin"];
/// One post in so many is delivered again, although it was answered.
const AGAIN_ONE_IN: u32 = 20;
/// The longest that a customer or a member of staff thinks, in milliseconds.
const THINKS_MAX_MS: u64 = 40;
/// How long anything may take until it is answered well, through any restart.
const ANSWERED_WITHIN: Duration = Duration::from_mins(3);
/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(20);
/// Changes of one member of staff until the list is read again.
const LOOKS_EVERY: u32 = 15;
/// What the bot of rules says to everything.
pub const RULES: &str = "fallback: { goto: hello }\nsteps:\n  hello: { text: \"Hola, ¿en qué le ayudo?\" }\n";

/// What was answered well, and when everybody rests.
#[derive(Default)]
pub struct Account {
    promises: Mutex<Vec<Promise>>,
    answered: Mutex<Vec<Answered>>,
    /// Posts that were answered 2xx, repeated ones included.
    pub posts: AtomicU64,
    /// Posts that were answered otherwise or not at all.
    pub refused: AtomicU64,
    over: AtomicBool,
}

/// Everybody at work.
pub struct Load {
    pub account: Arc<Account>,
    people: JoinSet<()>,
}

/// Where customers and staff go.
#[derive(Clone)]
struct Doors {
    http: String,
    seed: u64,
    /// Of the tenant's number.
    app_secret: String,
    number: String,
}

// === impl Account ===

impl Account {
    pub fn promises(&self) -> Vec<Promise> {
        lock(&self.promises).clone()
    }

    pub fn answered(&self) -> Vec<Answered> {
        lock(&self.answered).clone()
    }

    pub fn posts(&self) -> u64 {
        self.posts.load(Ordering::SeqCst)
    }

    /// A post of somebody else was answered 2xx.
    pub fn promise(&self, promise: Promise) {
        lock(&self.promises).push(promise);
        self.posts.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until so many more posts are answered.
    pub async fn more(&self, posts: u64) {
        let point = self.posts() + posts;
        let there = async || (self.posts() >= point).then_some(());
        eventually_within("the load goes on", ANSWERED_WITHIN, there).await;
    }

    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

// === impl Load ===

impl Load {
    pub fn start(rig: &Rig, seed: u64) -> Self {
        let account = Arc::new(Account::default());
        let options = rig.meta.options();
        let doors = Doors {
            http: rig.broker.http.clone(),
            seed,
            app_secret: options.app_secret.clone(),
            number: options.phone_number_id.clone(),
        };
        let mut people = JoinSet::new();
        for n in 0..CUSTOMERS {
            people.spawn(customer(Arc::clone(&account), doors.clone(), n));
        }
        for (n, who) in STAFF.into_iter().enumerate() {
            let desk = Desk::at(&rig.broker, who, &rig.ledger);
            let client = Client::new(&rig.broker.grpc, &key(who));
            people.spawn(staff(Arc::clone(&account), desk, client, seed ^ ((n as u64 + 1) << 48)));
        }
        Self { account, people }
    }

    /// Everybody finishes what is at hand and goes home.
    pub async fn rest(mut self) -> Arc<Account> {
        self.account.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.people.join_next().await {
            ended.unwrap();
        }
        self.account
    }
}

/// Writes one message after the other; each until it is answered 2xx.
async fn customer(account: Arc<Account>, doors: Doors, n: u32) {
    let mut random = StdRng::seed_from_u64(doors.seed ^ (u64::from(n) << 32));
    let mut place = 0;
    while !account.over() {
        place += 1;
        let text = format!("caos-{}-{n}-{place}", doors.seed);
        let until = Instant::now() + ANSWERED_WITHIN;
        while !matches!(doors.post(n, &text).await, 200 | 202) {
            assert!(Instant::now() < until, "a post is not answered");
            account.refused.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(THINKS_MAX_MS)).await;
        }
        let sender = n.to_string();
        account.promise(Promise { text: text.clone(), sender, place });
        if random.random_range(0..AGAIN_ONE_IN) == 0 && matches!(doors.post(n, &text).await, 200 | 202) {
            account.posts.fetch_add(1, Ordering::SeqCst);
        }
        sleep(Duration::from_millis(random.random_range(0..THINKS_MAX_MS))).await;
    }
}

impl Doors {
    async fn post(&self, n: u32, text: &str) -> u16 {
        match n % 4 {
            0 => {
                let from = format!("5491155560{n:03}");
                post_meta(&self.http, meta_text(&from, &format!("Cliente {n}"), &format!("wamid.{text}"), text)).await
            }
            1 => {
                let form = format!(
                    "MessageSid=SM{text}&From=whatsapp%3A%2B5491155570{n:03}&To=whatsapp%3A%2B15550783881\
                     &Body={text}&NumMedia=0&ProfileName=Cliente&WaId=5491155570{n:03}"
                );
                post_twilio(&self.http, form).await
            }
            2 => {
                let mail = format!(
                    "From: cliente{n}@example.com\r\nTo: hola@example.com\r\nSubject: Turno\r\n\
                     Message-ID: <{text}@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
                );
                post_mail(&self.http, mail).await
            }
            _ => {
                let from = format!("5491155580{n:03}");
                let body = meta_text(&from, &format!("Cliente {n}"), &format!("wamid.{text}"), text);
                let body = body.replace("106540352242922", &self.number).into_bytes();
                let signature = signed(&self.app_secret, &body);
                let headers = [("x-hub-signature-256", signature.as_str()), ("content-type", "application/json")];
                post(&format!("{}/webhooks/meta/{TENANT}", self.http), &headers, body).await
            }
        }
    }
}

/// Works on random conversations of the tenant.
async fn staff(account: Arc<Account>, desk: Desk, client: Client, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut rows, mut n) = (Vec::new(), 0);
    while !account.over() {
        if rows.is_empty() || n % LOOKS_EVERY == 0 {
            rows = conversations(&client).await.unwrap_or(rows);
        }
        n += 1;
        sleep(Duration::from_millis(random.random_range(0..THINKS_MAX_MS))).await;
        if rows.is_empty() {
            continue;
        }
        let id = rows[random.random_range(0..rows.len())].clone();
        change(&account, &desk, &client, &id, random.random_range(0..6)).await;
    }
}

async fn conversations(client: &Client) -> Option<Vec<String>> {
    let list = query::ListConversationsRequest { page_size: 200, ..Default::default() };
    let mut inbox = client.inbox();
    let listed = timeout(ATTEMPT_MAX, inbox.list_conversations(client.request(list))).await.ok()?.ok()?;
    Some(listed.into_inner().conversations.into_iter().map(|row| row.conversation_id).collect())
}

/// What a good answer says: its position, and whether it was so already.
type Good = (String, bool);

/// One change, asked for until there is an answer that will not be another one.
async fn change(account: &Account, desk: &Desk, client: &Client, id: &str, kind: u32) {
    let command_id = fresh_id();
    let until = Instant::now() + ANSWERED_WITHIN;
    let good = loop {
        match timeout(ATTEMPT_MAX, once(desk, client, id, &command_id, kind)).await {
            Ok(Ok(good)) => break good,
            Ok(Err(status)) if refused_for_good(&status) => return,
            // Asked again at once it would be asked a thousand times while the node is away.
            Ok(Err(_)) | Err(_) => sleep(Duration::from_millis(THINKS_MAX_MS)).await,
        }
        assert!(Instant::now() < until, "a command is not answered");
    };
    let (position, already_so) = good;
    let sequence = position.parse::<Position>().ok().map(Position::sequence).filter(|_| !already_so);
    let entity = format!("{TENANT}/{id}");
    lock(&account.answered).push(Answered { command: command_id, entity, sequence });
}

/// Whether another attempt would be answered alike.
fn refused_for_good(status: &Status) -> bool {
    Problem::from_status(status).is_some_and(|problem| !problem.code.retryable())
}

async fn once(desk: &Desk, client: &Client, id: &str, command_id: &str, kind: u32) -> Result<Good, Status> {
    let (command_id, conversation_id) = (command_id.to_owned(), id.to_owned());
    match kind {
        0 => {
            let reason = query::PauseReason::Complaint.into();
            let pause = command::PauseBotRequest { command_id, conversation_id, reason, ..Default::default() };
            let answer = client.commands().pause_bot(client.request(pause)).await.map(Response::into_inner)?;
            Ok((answer.position, answer.already_so))
        }
        1 => {
            let resume = command::ResumeBotRequest { command_id, conversation_id, ..Default::default() };
            let answer = client.commands().resume_bot(client.request(resume)).await.map(Response::into_inner)?;
            Ok((answer.position, answer.already_so))
        }
        2 => {
            let claim = command::ClaimRequest { command_id, conversation_id, ..Default::default() };
            let answer = client.commands().claim(client.request(claim)).await.map(Response::into_inner)?;
            Ok((answer.position, answer.already_so))
        }
        3 => {
            let unassign = command::UnassignRequest { command_id, conversation_id, ..Default::default() };
            let answer = client.commands().unassign(client.request(unassign)).await.map(Response::into_inner)?;
            Ok((answer.position, answer.already_so))
        }
        4 => {
            let text = "nota".to_owned();
            let note = command::AddNoteRequest { command_id, conversation_id, text, expected_version: None };
            let answer = client.commands().add_note(client.request(note)).await.map(Response::into_inner)?;
            Ok((answer.position, false))
        }
        _ => {
            let message = Some(text("Buenas tardes"));
            let send = command::SendMessageRequest { command_id, conversation_id, message, ..Default::default() };
            desk.command_at(send).await
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
