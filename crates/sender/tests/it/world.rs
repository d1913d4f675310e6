//! A business whose nodes send over one log, a clock that a test can set forward, and a provider that does what it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use relevo_command::decision::EntityState;
use relevo_command::{Committed, DecisionProjector, Draft, IdKey, Ledger, Origin};
use relevo_domain::conversation::{
    self, Author, Body, Command, ConversationEvent, Decision, DeliveryReport, DeliveryReportPersonal, DeliveryStatus,
    Envelope, FailureClass, Medium, Outgoing, OutgoingPersonal, Place, Recipient, Rejection, Send as SendWish,
    SendFailure,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{
    Actor, AgentId, ChannelId, CommandId, EntityId, EntityKind, Event, MessageId, Recorded, Role, TenantId, Timestamp,
};
use relevo_eventlog::{Connection, Log, Options as LogOptions};
use relevo_projection::{Options, Runtime, Views};
use relevo_providers::{
    Account, AccountKind, Accounts, Deadline, Door, HealthBoard, Job, MetaAccount, Outcome, Prepared, Secret,
};
use relevo_sender::{Sender, SenderParts, delivery};
use relevo_testkit::{NatsServer, eventually};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::forgetful::Forgetful;
pub(crate) use crate::words::{received, template, text};

static AHEAD: AtomicI64 = AtomicI64::new(0);
static NAMES: AtomicUsize = AtomicUsize::new(0);
/// The door's time-out: a test that lets a call hang waits this long.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(5);

/// The clock of every node: that of the machine, and what the test has set it forward by. Each test is a process of its own.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap() + AHEAD.load(Ordering::SeqCst))
}

pub(crate) fn pass(time: Duration) {
    AHEAD.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

pub(crate) fn conversation(number: u32) -> EntityId {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EntityId::new(EntityKind::Conversation, bytes)
}

pub(crate) fn key() -> IdKey {
    IdKey::new([3; 32])
}

pub(crate) fn account(name: &str, revision: u64) -> Account {
    Account {
        tenant: tenant(),
        channel: channel(name),
        revision,
        kind: AccountKind::Meta(MetaAccount {
            base_url: "http://127.0.0.1:9/v25.0".to_owned(),
            phone_number_id: "1".to_owned(),
            waba_id: None,
            access_token: Secret::new("secret"),
            messages_per_second: 2_000,
            media_hosts: Vec::new(),
        }),
    }
}

// === the provider ===

/// What a call comes to.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Accept,
    Fail(FailureClass, &'static str),
    FailLater(FailureClass, &'static str, Duration),
    Unknown,
    /// Takes the message, and never says so.
    Silence,
    /// Takes the message, and says so when the test opens the gate.
    Gate,
}

/// A provider as the sender sees it.
pub(crate) struct TestDoor {
    /// By channel; whatever is not told is accepted.
    answers: Mutex<HashMap<ChannelId, VecDeque<Answer>>>,
    refusals: Mutex<HashMap<ChannelId, VecDeque<(FailureClass, &'static str)>>>,
    calls: Mutex<Vec<MessageId>>,
    revisions: Mutex<Vec<u64>>,
    deadlines: Mutex<Vec<Timestamp>>,
    prepared: AtomicUsize,
    prepare_gate: watch::Sender<bool>,
    gate: watch::Sender<bool>,
}

impl TestDoor {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::default(),
            refusals: Mutex::default(),
            calls: Mutex::default(),
            revisions: Mutex::default(),
            deadlines: Mutex::default(),
            prepared: AtomicUsize::new(0),
            prepare_gate: watch::Sender::new(true),
            gate: watch::Sender::new(false),
        })
    }

    /// The next call through this channel comes to this.
    pub(crate) fn answers(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().entry(channel(name)).or_default().extend(answers);
    }

    /// The next message of this channel cannot be prepared.
    pub(crate) fn refuses_to_prepare(&self, name: &str, class: FailureClass, code: &'static str) {
        self.refusals.lock().unwrap().entry(channel(name)).or_default().push_back((class, code));
    }

    /// Messages that were handed over, in order.
    pub(crate) fn calls(&self) -> Vec<MessageId> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn calls_of(&self, message: MessageId) -> usize {
        self.calls().iter().filter(|called| **called == message).count()
    }

    /// With which account each was handed over.
    pub(crate) fn revisions(&self) -> Vec<u64> {
        self.revisions.lock().unwrap().clone()
    }

    /// Until when each had to be begun.
    pub(crate) fn deadlines(&self) -> Vec<Timestamp> {
        self.deadlines.lock().unwrap().clone()
    }

    pub(crate) fn prepared(&self) -> usize {
        self.prepared.load(Ordering::SeqCst)
    }

    /// Nothing is prepared until this is called again.
    pub(crate) fn let_prepare(&self, open: bool) {
        self.prepare_gate.send_replace(open);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }
}

#[async_trait]
impl Door for TestDoor {
    async fn prepare(&self, job: Job<'_>) -> Result<Prepared, (SendFailure, Option<Duration>)> {
        self.prepared.fetch_add(1, Ordering::SeqCst);
        self.prepare_gate.subscribe().wait_for(|open| *open).await.unwrap();
        let refusal = self.refusals.lock().unwrap().get_mut(&job.account.channel).and_then(VecDeque::pop_front);
        match refusal {
            Some((class, code)) => Err((failure(class, code), None)),
            None => Ok(Prepared::Meta(job.outgoing.id.to_string())),
        }
    }

    async fn hand_over(&self, account: &Account, prepared: Prepared, by: Deadline) -> Outcome {
        let Prepared::Meta(message) = prepared else { panic!("not what was prepared") };
        self.calls.lock().unwrap().push(message.parse().unwrap());
        self.revisions.lock().unwrap().push(account.revision);
        self.deadlines.lock().unwrap().push(by.time());
        let answer = self.answers.lock().unwrap().get_mut(&account.channel).and_then(VecDeque::pop_front);
        match answer.unwrap_or(Answer::Accept) {
            Answer::Accept => {}
            Answer::Fail(class, code) => return Outcome::Failed { failure: failure(class, code), retry_after: None },
            Answer::FailLater(class, code, after) => {
                return Outcome::Failed { failure: failure(class, code), retry_after: Some(after) };
            }
            Answer::Unknown => return Outcome::Unknown { detail: "connection closed".to_owned() },
            Answer::Silence => std::future::pending().await,
            Answer::Gate => {
                self.gate.subscribe().wait_for(|open| *open).await.unwrap();
            }
        }
        Outcome::Accepted { provider_id: format!("wamid.{message}") }
    }

    fn call_limit(&self) -> Duration {
        CALL_LIMIT
    }
}

pub(crate) fn failure(class: FailureClass, code: &str) -> SendFailure {
    SendFailure { class, code: Some(code.to_owned()), detail: None }
}

// === the business ===

/// Nodes over one log and one provider.
pub(crate) struct World {
    pub(crate) server: NatsServer,
    pub(crate) door: Arc<TestDoor>,
    pub(crate) accounts: Accounts,
    pub(crate) board: HealthBoard,
}

/// One node: its own views over the log.
pub(crate) struct Node {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) views: Views,
    _folder: TempDir,
}

/// A sender at work.
pub(crate) struct Running {
    task: JoinHandle<()>,
    token: CancellationToken,
}

impl World {
    /// A business with these channels, none of them sending yet.
    pub(crate) async fn new(channels: &[&str]) -> Self {
        let accounts = Accounts::new(channels.iter().map(|name| account(name, 1)));
        let board = HealthBoard::default();
        Self { server: NatsServer::start().await, door: TestDoor::new(), accounts, board }
    }

    pub(crate) async fn node(&self) -> Node {
        let connection = Connection::connect(LogOptions::new(self.server.url())).await.unwrap();
        Node::over(Arc::new(connection.events())).await
    }
}

impl Node {
    pub(crate) async fn over(log: Arc<dyn Log>) -> Self {
        let folder = TempDir::new().unwrap();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector), Arc::new(Forgetful)],
            Arc::clone(&log),
            folder.path(),
            Options::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(Arc::clone(&log), views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        Self { ledger, log, views, _folder: folder }
    }

    pub(crate) fn sends(&self, world: &World) -> Running {
        self.sends_with(Arc::clone(&world.door), world.accounts.clone(), world.board.clone())
    }

    pub(crate) fn sends_with(&self, door: Arc<TestDoor>, accounts: Accounts, board: HealthBoard) -> Running {
        let token = CancellationToken::new();
        let sender = Sender::new(SenderParts {
            ledger: Arc::clone(&self.ledger),
            view: self.views.get(delivery::NAME).unwrap(),
            log: Arc::clone(&self.log),
            accounts,
            door,
            board,
            keys: Arc::new([(tenant(), key())].into()),
            clock: now,
        });
        Running { task: tokio::spawn(sender.run(token.clone())), token }
    }

    /// A conversation on this channel whose customer has just written.
    pub(crate) async fn open(&self, number: u32, on: &str, medium: Medium) -> EntityId {
        let place = Place {
            channel: channel(on),
            medium,
            contact: EntityId::new(EntityKind::Contact, [1; 16]),
            contact_paused: false,
        };
        let entity = conversation(number);
        let command = Command::ReceiveMessage { place, message: Box::new(received()), detection: None };
        self.command(entity, Actor::Customer, command).await.unwrap();
        entity
    }

    /// The customer writes once more.
    pub(crate) async fn customer_writes(&self, entity: EntityId, on: &str) {
        let contact = EntityId::new(EntityKind::Contact, [1; 16]);
        let place = Place { channel: channel(on), medium: Medium::WhatsApp, contact, contact_paused: false };
        let command = Command::ReceiveMessage { place, message: Box::new(received()), detection: None };
        self.command(entity, Actor::Customer, command).await.unwrap();
    }

    /// Staff answers.
    pub(crate) async fn send(&self, entity: EntityId) -> MessageId {
        self.queue(entity, Author::Staff, text("hola")).await
    }

    /// The bot answers.
    pub(crate) async fn bot_sends(&self, entity: EntityId) -> MessageId {
        self.queue(entity, Author::Bot, text("hola, soy un bot")).await
    }

    /// Staff sends a template.
    pub(crate) async fn send_template(&self, entity: EntityId) -> MessageId {
        self.queue(entity, Author::Staff, template()).await
    }

    async fn queue(&self, entity: EntityId, author: Author, body: Body) -> MessageId {
        let id = MessageId::new(*uuid::Uuid::new_v4().as_bytes());
        let to = Recipient { kind: IdentifierKind::WaId, value: "5491155550101".to_owned() };
        let personal = OutgoingPersonal { to, author_name: None, reply_to_provider_id: None };
        let outgoing = Outgoing { id, author, automatic: false, reply_to: None, body, personal };
        let wish = SendWish {
            outgoing,
            place: None,
            last_seen_version: None,
            force: false,
            pauses_bot: false,
            pause: None,
            turn: None,
            channel_paused: false,
            detection: None,
        };
        let name = AgentId::new("laura").unwrap();
        let actor = if author == Author::Bot { Actor::Bot(name) } else { Actor::Staff(name) };
        self.command(entity, actor, Command::SendMessage(Box::new(wish))).await.unwrap();
        id
    }

    pub(crate) async fn pause_bot(&self, entity: EntityId) {
        let laura = Actor::Staff(AgentId::new("laura").unwrap());
        let (reason, terms) = (conversation::PauseReason::Other, conversation::PauseTerms::default());
        let pause = conversation::PauseWish { reason, note: None, terms };
        self.command(entity, laura, Command::PauseBot(pause)).await.unwrap();
    }

    /// A provider's report that names our message.
    pub(crate) async fn reported(&self, entity: EntityId, message: MessageId, on: &str, status: DeliveryStatus) {
        let provider_id = format!("wamid.{message}");
        let alias = key().message(&channel(on), &provider_id);
        let personal = DeliveryReportPersonal { provider_id, ..DeliveryReportPersonal::default() };
        let report = DeliveryReport { message, status, reported_at: now(), error_code: None, personal };
        let command = Command::RecordDeliveryReport { report, alias };
        self.command(entity, Actor::Provider, command).await.unwrap();
    }

    /// One command to a conversation, as whoever it is would give it.
    pub(crate) async fn command(&self, entity: EntityId, actor: Actor, command: Command) -> Result<(), Rejection> {
        let role = match actor {
            Actor::Staff(_) => Some(Role::Supervisor),
            Actor::Bot(_) => Some(Role::Bot),
            Actor::Customer | Actor::PhoneApp | Actor::Provider | Actor::System => None,
        };
        let envelope = Envelope { actor: actor.clone(), role, now: now(), new_message: MessageId::new([0; 16]) };
        for _ in 0..100 {
            let base = self.ledger.load(&tenant(), &entity).unwrap();
            let EntityState::Conversation(state) = &base.state else { panic!("not a conversation") };
            let events = match conversation::decide(state, &envelope, &command) {
                Ok(Decision::Append(events)) => events.into_iter().map(Event::Conversation).collect(),
                Ok(Decision::AlreadySo) => return Ok(()),
                Err(rejection) => return Err(rejection),
            };
            if self.append(actor.clone(), Draft { entity, base, events }).await {
                return Ok(());
            }
        }
        panic!("the conversation never stood still");
    }

    /// An event of a channel itself.
    pub(crate) async fn channel_says(&self, on: &str, event: relevo_domain::channel::ChannelEvent) {
        let entity = key().channel(&channel(on));
        let base = self.ledger.load(&tenant(), &entity).unwrap();
        assert!(self.append(Actor::System, Draft { entity, base, events: vec![Event::Channel(event)] }).await);
    }

    async fn append(&self, actor: Actor, draft: Draft) -> bool {
        let name = NAMES.fetch_add(1, Ordering::SeqCst);
        let (occurred_at, recorded_at) = (now(), now());
        let command_id = CommandId::new(format!("test-{name}-{}", uuid::Uuid::new_v4())).unwrap();
        let origin =
            Origin { tenant: tenant(), command_id, actor, occurred_at, recorded_at, correlation: None, intake: None };
        for _ in 0..100 {
            match self.ledger.append(&origin, vec![draft.clone()]).await {
                Ok(Committed::Applied { .. }) => return true,
                Ok(Committed::Conflict) => return false,
                Ok(Committed::Unknown) | Err(_) => {}
            }
        }
        panic!("the log never answered");
    }

    // === what came of it ===

    pub(crate) async fn commits_of(&self, entity: EntityId) -> Vec<Recorded> {
        self.log.tail(&tenant(), &entity, 0).await.unwrap()
    }

    /// What happened to one message, in words.
    pub(crate) async fn story_of(&self, entity: EntityId, message: MessageId) -> Vec<&'static str> {
        let commits = self.commits_of(entity).await;
        let events = commits.into_iter().flat_map(|recorded| recorded.commit.events);
        let of_message = |event: &Event| match event {
            Event::Conversation(event) => is_about(event, message).then(|| event.name()),
            _ => None,
        };
        events.filter_map(|event| of_message(&event)).collect()
    }

    /// The events about one message of which this is the last.
    pub(crate) async fn until(&self, entity: EntityId, message: MessageId, last: &str) -> Vec<&'static str> {
        let what = format!("{last} of {message}");
        eventually(&what, async || {
            let story = self.story_of(entity, message).await;
            (story.last() == Some(&last)).then_some(story)
        })
        .await
    }

    /// The time of each claim of a message.
    pub(crate) async fn claims_of(&self, entity: EntityId, of: MessageId) -> Vec<Timestamp> {
        let events = self.commits_of(entity).await.into_iter().flat_map(|recorded| recorded.commit.events);
        let times = events.filter_map(|event| match event {
            Event::Conversation(ConversationEvent::SendStarted { message, until, .. }) if message == of => Some(until),
            _ => None,
        });
        times.collect()
    }

    /// The last event about a message.
    pub(crate) async fn last_event(&self, entity: EntityId, message: MessageId) -> ConversationEvent {
        let commits = self.commits_of(entity).await;
        let events = commits.into_iter().flat_map(|recorded| recorded.commit.events);
        let mut about = events.filter_map(|event| match event {
            Event::Conversation(event) if is_about(&event, message) => Some(event),
            _ => None,
        });
        about.next_back().unwrap()
    }
}

impl Running {
    /// The process is gone: nothing is concluded.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// An orderly end.
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }

    pub(crate) fn told_to_stop(&self) {
        self.token.cancel();
    }

    pub(crate) async fn ended(self) {
        self.task.await.unwrap();
    }
}

fn is_about(event: &ConversationEvent, id: MessageId) -> bool {
    match event {
        ConversationEvent::MessageQueued(outgoing) => outgoing.id == id,
        ConversationEvent::SendStarted { message, .. }
        | ConversationEvent::MessageAccepted { message, .. }
        | ConversationEvent::SendFailed { message, .. }
        | ConversationEvent::SendOutcomeUnknown { message, .. }
        | ConversationEvent::SendCancelled { message, .. } => *message == id,
        ConversationEvent::DeliveryReported(report) => report.message == id,
        _ => false,
    }
}
