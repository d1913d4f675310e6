//! A bot that does not want to be silent, against two real nodes on one log: it floods every conversation on both, while staff pause
//! and resume at random instants on either. What reaches the provider after a pause's answer must be what the answer lists.
//!
//! The same run with a sender that looks first and calls then ([`Hands::Careless`]) must find leaks: it shows that they would be found.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use relevo_testkit::fakes::{Behaviour, MetaOptions, Reports};
use relevo_testkit::{NatsServer, eventually_within};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Status;

use crate::Broker;
use crate::client::{Client, fresh_id};
use crate::delivery::desk::text;
use crate::delivery::rig::{META, key};
use crate::delivery::{Desk, Rig, Wanted};

/// Between two messages of a bot that is heard, and before one that was refused tries again.
const FLOOD_EVERY: Duration = Duration::from_millis(15);
/// The longest that a bot may speak, and that it is silent: long enough for a message to be at any point of its way.
const SPEAKS_MAX_MS: u64 = 40;
const SILENT_MAX_MS: u64 = 25;
/// Longer than a claim lasts.
const STALL: Duration = Duration::from_secs(12);
/// Every so many rounds two pauses are asked for at once, and the provider refuses a message so that it is tried again.
const TWICE_EVERY: u64 = 4;
const REFUSED_EVERY: u64 = 25;
/// In every so many conversations the bot shows that it writes, too, before every so many messages.
const TYPES_IN: usize = 2;
const TYPES_EVERY: usize = 2;
/// How long the first mark may take to get there.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// Meta's code for too many messages to one person: tried again after a second.
const PAIR_LIMIT: &str = "131056";
/// After the last round everything that was queued gets this long to go where it must not.
const AFTERMATH: Duration = Duration::from_secs(3);

/// Who hands the bot's messages to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// Relevo: a claim stands before each call.
    Relevo,
    /// The bot itself, as with a broker that checks first and acts later: it asks a node whether it is paused, and calls.
    Careless,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub conversations: usize,
    /// Pauses whose answers are checked, all conversations together.
    pub rounds: usize,
    /// No round begins after this.
    pub within: Duration,
    /// One node stands still for longer than a claim lasts.
    pub stalls: bool,
    pub hands: Hands,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rounds: usize,
    pub leaks: Vec<String>,
    /// Messages of bots that the provider took.
    pub taken: usize,
    /// Messages that an answer listed as on their way.
    pub listed: usize,
    /// Of these, those that the provider took after the answer: the ones that a list without them would have hidden.
    pub listed_and_taken: usize,
    /// Attempts of bots that were told to be silent.
    pub refused: usize,
    /// Answers that said "already so".
    pub already_so: usize,
    /// How often the provider was told that a bot writes.
    pub typed: usize,
    /// Answers that said that it may still be told so.
    pub signals: usize,
    pub doubles: Vec<String>,
}

/// Everything that the parts of a run share.
struct Run {
    rig: Rig,
    other: Broker,
    plan: Plan,
    begun: Instant,
    rounds: AtomicUsize,
    refused: AtomicUsize,
    over: AtomicBool,
    provider: Mutex<Provider>,
    tally: Mutex<Tally>,
}

/// What the provider has taken so far.
#[derive(Default)]
struct Provider {
    read: usize,
    /// The place of each message in the order in which they were taken.
    place: HashMap<String, usize>,
    /// By recipient, with the time at which the provider had read the request.
    order: HashMap<String, Vec<(Instant, String)>>,
}

/// One conversation that is fought over.
struct Ring {
    to: String,
    /// What the provider calls the customer's message: what a bot's mark is about.
    wrote: Option<String>,
    conversation: String,
    /// Messages of the bot that are known to be queued.
    queued: Mutex<Vec<String>>,
}

/// A pause's answer, and what it promises.
struct Answer {
    /// When the answer was there.
    at: Instant,
    listed: Vec<String>,
    /// How many marks the provider had then, and whether the answer tells of one on its way.
    marks: usize,
    signal: bool,
    /// Known to be queued before the pause was asked for, and neither taken nor listed: they must never go.
    dead: Vec<String>,
}

/// Runs the plan. Panics if a part cannot be started.
pub async fn run(plan: Plan) -> Tally {
    let nats = NatsServer::start().await;
    let rig = Rig::start(Wanted { nats: Some(nats.url()), ..Wanted::default() }).await;
    let other = Broker::start_with(rig.other_node(&nats.url())).await;
    rig.meta.set_reports(Reports::None);
    let mut rings = Vec::new();
    for n in 0..plan.conversations {
        let (to, conversation) = rig.customer(META).await.unwrap();
        // Reports are a writer more; on all of them they would be most of the work.
        rig.meta.set_reports_for(&to, if n % 4 == 0 { Reports::InOrder } else { Reports::None });
        let wrote = rig.last_message_of(&to).filter(|_| n % TYPES_IN == 1);
        rings.push(Arc::new(Ring { to, wrote, conversation, queued: Mutex::default() }));
    }
    // Marks do get there: one node's bot shows that it writes while nobody objects. The other node's does in the fight.
    let desk = Desk::at(&rig.broker, "asistente", &rig.ledger);
    for ring in rings.iter().filter(|ring| ring.wrote.is_some()) {
        desk.show_typing(&ring.conversation).await.unwrap();
    }
    let seen = async || (!rig.meta.marks().is_empty()).then_some(());
    eventually_within("a bot is seen to write", SEEN_WITHIN, seen).await;
    let run = Arc::new(Run {
        rig,
        other,
        plan,
        begun: Instant::now(),
        rounds: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        provider: Mutex::default(),
        tally: Mutex::default(),
    });
    let mut bots = JoinSet::new();
    let mut staff = JoinSet::new();
    for (n, ring) in rings.iter().enumerate() {
        for node in 0..2 {
            match plan.hands {
                Hands::Relevo => bots.spawn(floods(Arc::clone(&run), Arc::clone(ring), node)),
                Hands::Careless => bots.spawn(looks_then_calls(Arc::clone(&run), Arc::clone(ring), node)),
            };
        }
        staff.spawn(pauses(Arc::clone(&run), Arc::clone(ring), plan.seed.wrapping_add(n as u64)));
    }
    if plan.stalls {
        run.stalls().await;
    }
    while let Some(ended) = staff.join_next().await {
        ended.unwrap();
    }
    run.over.store(true, Ordering::SeqCst);
    while let Some(ended) = bots.join_next().await {
        ended.unwrap();
    }
    run.tallied()
}

/// The bot of one conversation on one node: it never listens.
async fn floods(run: Arc<Run>, ring: Arc<Ring>, node: usize) {
    let (desk, mut turn) = (run.desk(node), 0);
    while !run.over.load(Ordering::SeqCst) {
        turn += 1;
        if ring.wrote.is_some() && turn % TYPES_EVERY == 0 {
            // It is told that it may not, or that the customer is shown it anyway: all the same to this bot.
            desk.show_typing(&ring.conversation).await.ok();
        }
        match desk.try_send(&ring.conversation, text("hola")).await {
            Ok(sent) => lock(&ring.queued).push(sent.message),
            // Too many that wait, another writer each time: a bot that floods is told so, too.
            Err(status) => {
                let silenced = code(&status) == Some(ErrorCode::BotPaused);
                run.refused.fetch_add(usize::from(silenced), Ordering::SeqCst);
            }
        }
        sleep(FLOOD_EVERY).await;
    }
}

/// The broken variant: nothing is between its look and its call.
async fn looks_then_calls(run: Arc<Run>, ring: Arc<Ring>, node: usize) {
    let (client, http) = (run.desk(node).client, reqwest::Client::new());
    let MetaOptions { phone_number_id, access_token, .. } = run.rig.meta.options();
    let url = format!("{}/{phone_number_id}/messages", run.rig.meta.base_url());
    while !run.over.load(Ordering::SeqCst) {
        let get = query::GetConversationRequest { conversation_id: ring.conversation.clone(), ..Default::default() };
        let Ok(seen) = client.inbox().get_conversation(client.request(get)).await else { continue };
        if seen.into_inner().conversation.is_none_or(|seen| seen.bot() != query::BotState::Active) {
            run.refused.fetch_add(1, Ordering::SeqCst);
            sleep(FLOOD_EVERY).await;
            continue;
        }
        let message = json!({
            "messaging_product": "whatsapp", "to": ring.to, "type": "text", "text": { "body": "hola" },
            "biz_opaque_callback_data": fresh_id(),
        });
        http.post(&url).bearer_auth(access_token).json(&message).send().await.ok();
    }
}

/// The staff of one conversation: pauses it, looks what happens, resumes it.
async fn pauses(run: Arc<Run>, ring: Arc<Ring>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut dead = HashSet::new();
    let staff = [run.staff(0), run.staff(1)];
    while run.goes_on() {
        sleep(Duration::from_millis(random.random_range(0..=SPEAKS_MAX_MS))).await;
        if random.random_range(0..REFUSED_EVERY) == 0 {
            run.rig.meta.script(&ring.to, [Behaviour::Refuse(PAIR_LIMIT.to_owned())]);
        }
        let first = random.random_range(0..2);
        let answers = if random.random_range(0..TWICE_EVERY) == 0 {
            let (one, two) = tokio::join!(run.pause(&ring, &staff[first]), run.pause(&ring, &staff[1 - first]));
            vec![one, two]
        } else {
            vec![run.pause(&ring, &staff[first]).await]
        };
        sleep(Duration::from_millis(random.random_range(0..=SILENT_MAX_MS))).await;
        run.check(&ring, &answers, &mut dead);
        resume(&staff[random.random_range(0..2)], &ring).await;
    }
    // The last pause stays: nothing may go any more, whatever still waits.
    let answers = [run.pause(&ring, &staff[0]).await];
    sleep(AFTERMATH).await;
    run.check(&ring, &answers, &mut dead);
}

async fn resume(staff: &Client, ring: &Ring) {
    let resume = command::ResumeBotRequest {
        command_id: fresh_id(),
        conversation_id: ring.conversation.clone(),
        ..Default::default()
    };
    loop {
        match staff.commands().resume_bot(staff.request(resume.clone())).await {
            Ok(_) => return,
            // The same id again, as a client does.
            Err(status) => assert!(code(&status).is_some_and(ErrorCode::retryable), "resume: {status:?}"),
        }
    }
}

// === impl Run ===

impl Run {
    fn broker(&self, node: usize) -> &Broker {
        if node == 0 { &self.rig.broker } else { &self.other }
    }

    fn desk(&self, node: usize) -> Desk {
        Desk::at(self.broker(node), "asistente", &self.rig.ledger)
    }

    fn staff(&self, node: usize) -> Client {
        Client::new(&self.broker(node).grpc, &key("laura"))
    }

    fn goes_on(&self) -> bool {
        self.rounds.load(Ordering::SeqCst) < self.plan.rounds && self.begun.elapsed() < self.plan.within
    }

    /// The other node stands still, with whatever it was about to do, and goes on.
    async fn stalls(&self) {
        while self.rounds.load(Ordering::SeqCst) < self.plan.rounds / 4 && self.goes_on() {
            sleep(FLOOD_EVERY).await;
        }
        let other = Pid::from_raw(i32::try_from(self.other.pid()).unwrap());
        kill(other, Signal::SIGSTOP).unwrap();
        sleep(STALL).await;
        kill(other, Signal::SIGCONT).unwrap();
    }

    async fn pause(&self, ring: &Ring, staff: &Client) -> Answer {
        let queued = lock(&ring.queued).clone();
        let pause = command::PauseBotRequest {
            command_id: fresh_id(),
            conversation_id: ring.conversation.clone(),
            reason: query::PauseReason::Complaint.into(),
            ..Default::default()
        };
        let answer = loop {
            match staff.commands().pause_bot(staff.request(pause.clone())).await {
                Ok(answer) => break answer.into_inner(),
                Err(status) => assert!(code(&status).is_some_and(ErrorCode::retryable), "pause: {status:?}"),
            }
        };
        // Before anything is waited for: what is behind this moment is behind the answer.
        let at = Instant::now();
        let mut provider = lock(&self.provider);
        provider.reads(&self.rig);
        let listed = answer.already_claimed;
        let gone = |message: &String| provider.place.contains_key(message) || listed.contains(message);
        let dead = queued.into_iter().filter(|message| !gone(message)).collect();
        let marks = self.rig.meta.marks().len();
        let mut tally = lock(&self.tally);
        tally.listed += listed.len();
        tally.already_so += usize::from(answer.already_so);
        let signal = answer.signal_until.is_some();
        tally.signals += usize::from(signal);
        if listed.len() > 1 {
            tally.leaks.push(format!("{} messages listed", listed.len()));
        }
        self.rounds.fetch_add(1, Ordering::SeqCst);
        Answer { at, listed, marks, signal, dead }
    }

    /// What the provider has taken since the answers, of this conversation.
    fn check(&self, ring: &Ring, answers: &[Answer], dead: &mut HashSet<String>) {
        let mut provider = lock(&self.provider);
        provider.reads(&self.rig);
        let mut tally = lock(&self.tally);
        let order = provider.order.get(&ring.to).map(Vec::as_slice).unwrap_or_default();
        for (at, message) in order {
            for answer in answers.iter().filter(|answer| answer.at < *at) {
                if answer.listed.contains(message) {
                    tally.listed_and_taken += 1;
                } else {
                    tally.leaks.push(format!("{message} was taken after the answer to a pause"));
                }
            }
        }
        for answer in answers.iter().filter(|answer| !answer.signal) {
            let about = |mark: &Value| mark["message_id"].as_str() == ring.wrote.as_deref();
            if ring.wrote.is_some() && self.rig.meta.marks_from(answer.marks).iter().any(about) {
                tally.leaks.push(format!("{} saw the bot write after the answer to a pause", ring.conversation));
            }
        }
        dead.extend(answers.iter().flat_map(|answer| answer.dead.iter().cloned()));
        let risen: Vec<String> = dead.iter().filter(|message| provider.place.contains_key(*message)).cloned().collect();
        for message in risen {
            tally.leaks.push(format!("{message} was cancelled by a pause and taken afterwards"));
            dead.remove(&message);
        }
    }

    fn tallied(&self) -> Tally {
        let mut tally = lock(&self.tally).clone();
        tally.rounds = self.rounds.load(Ordering::SeqCst);
        tally.refused = self.refused.load(Ordering::SeqCst);
        tally.doubles = self.rig.meta.repeated();
        tally.typed = self.rig.meta.marks().len();
        let mut provider = lock(&self.provider);
        provider.reads(&self.rig);
        tally.taken = provider.read;
        tally
    }
}

// === impl Provider ===

impl Provider {
    /// Reads on to what was taken last.
    fn reads(&mut self, rig: &Rig) {
        for taken in rig.meta.accepted_from(self.read) {
            let message = taken.callback.unwrap_or_default();
            self.place.insert(message.clone(), self.read);
            self.order.entry(taken.to).or_default().push((taken.at, message));
            self.read += 1;
        }
    }
}

fn code(status: &Status) -> Option<ErrorCode> {
    Problem::from_status(status).map(|problem| problem.code)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
