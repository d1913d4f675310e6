//! A bot that does not want to be silent, against two real nodes on one log: it floods every conversation on both, while staff pause
//! and resume at random instants on either. What reaches the provider after a pause's answer must be what the answer lists.

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
use relevo_testkit::NatsServer;
use relevo_testkit::fakes::{Behaviour, Reports};
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
/// Meta's code for too many messages to one person: tried again after a second.
const PAIR_LIMIT: &str = "131056";
/// After the last round everything that was queued gets this long to go where it must not.
const AFTERMATH: Duration = Duration::from_secs(3);

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
    /// By recipient.
    order: HashMap<String, Vec<(usize, String)>>,
}

/// One conversation that is fought over.
struct Ring {
    to: String,
    conversation: String,
    /// Messages of the bot that are known to be queued.
    queued: Mutex<Vec<String>>,
}

/// A pause's answer, and what it promises.
struct Answer {
    /// How much the provider had taken when the answer was there.
    taken: usize,
    listed: Vec<String>,
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
        rings.push(Arc::new(Ring { to, conversation, queued: Mutex::default() }));
    }
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
            bots.spawn(floods(Arc::clone(&run), Arc::clone(ring), node));
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
    let desk = run.desk(node);
    while !run.over.load(Ordering::SeqCst) {
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
            reason: relevo_proto::query::v1::PauseReason::Complaint.into(),
            ..Default::default()
        };
        let answer = loop {
            match staff.commands().pause_bot(staff.request(pause.clone())).await {
                Ok(answer) => break answer.into_inner(),
                Err(status) => assert!(code(&status).is_some_and(ErrorCode::retryable), "pause: {status:?}"),
            }
        };
        let mut provider = lock(&self.provider);
        provider.reads(&self.rig);
        let listed = answer.already_claimed;
        let gone = |message: &String| provider.place.contains_key(message) || listed.contains(message);
        let dead = queued.into_iter().filter(|message| !gone(message)).collect();
        let taken = provider.read;
        let mut tally = lock(&self.tally);
        tally.listed += listed.len();
        tally.already_so += usize::from(answer.already_so);
        if listed.len() > 1 {
            tally.leaks.push(format!("{} messages listed", listed.len()));
        }
        self.rounds.fetch_add(1, Ordering::SeqCst);
        Answer { taken, listed, dead }
    }

    /// What the provider has taken since the answers, of this conversation.
    fn check(&self, ring: &Ring, answers: &[Answer], dead: &mut HashSet<String>) {
        let mut provider = lock(&self.provider);
        provider.reads(&self.rig);
        let mut tally = lock(&self.tally);
        let first = answers.iter().map(|answer| answer.taken).min().unwrap_or_default();
        let order = provider.order.get(&ring.to).map(Vec::as_slice).unwrap_or_default();
        for (place, message) in order.iter().rev().take_while(|(place, _)| *place >= first) {
            for answer in answers.iter().filter(|answer| answer.taken <= *place) {
                if answer.listed.contains(message) {
                    tally.listed_and_taken += 1;
                } else {
                    tally.leaks.push(format!("{message} was taken after the answer to a pause"));
                }
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
            self.order.entry(taken.to).or_default().push((self.read, message));
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
