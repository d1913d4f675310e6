//! Nodes over one log, and a clock that a test can set.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use relevo_command::decision::EntityState;
use relevo_command::{Committed, DecisionProjector, Draft, IdKey, Ledger, Origin, TimerPolicy};
use relevo_domain::conversation::{
    self, Alert, Author, Command, Content, ContentPersonal, ConversationEvent, Decision, Envelope, Medium, Message,
    MessageFlags, MessageKind, PauseReason, PauseTerms, PauseWish, Place,
};
use relevo_domain::{
    Actor, AgentId, ChannelId, CommandId, EntityId, EntityKind, Event, MessageId, Recorded, Role, TenantId, Timestamp,
};
use relevo_eventlog::{Connection, Log, Options as LogOptions};
use relevo_projection::{Options, Runtime, Views};
use relevo_reactor::{Reactor, ReactorParts, TimersProjector, timers};
use relevo_testkit::{NatsServer, eventually};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The clock of every node: that of the machine, and what the test has set it forward by. Each test is a process of its own.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap() + AHEAD.load(Ordering::SeqCst))
}

/// Somebody sets the clock forward.
pub(crate) fn pass(time: Duration) {
    AHEAD.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
}

/// Somebody sets the clock back.
pub(crate) fn set_back(time: Duration) {
    AHEAD.fetch_sub(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn conversation(number: u32) -> EntityId {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EntityId::new(EntityKind::Conversation, bytes)
}

/// One node: its own views over the log.
pub(crate) struct Node {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) views: Views,
    _folder: TempDir,
}

/// A reactor at work.
pub(crate) struct Running {
    task: JoinHandle<()>,
    token: CancellationToken,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }
}

/// A pause until then.
pub(crate) fn pause(until: Option<Timestamp>) -> Command {
    let terms = PauseTerms { until, locked: false };
    Command::PauseBot(PauseWish { reason: PauseReason::Complaint, note: None, terms })
}

pub(crate) fn change_pause(until: Option<Timestamp>) -> Command {
    Command::ChangePause { terms: PauseTerms { until, locked: false }, note: None }
}

pub(crate) fn snooze(until: Timestamp) -> Command {
    Command::Snooze { until: Some(until), preset: None, note: None }
}

fn place() -> Place {
    Place {
        channel: ChannelId::new("wa").unwrap(),
        medium: Medium::WhatsApp,
        contact: EntityId::new(EntityKind::Contact, [1; 16]),
        contact_paused: false,
    }
}

fn message(author: Author) -> Box<Message> {
    let sender_address = Some("5491155550101".to_owned()).filter(|_| author == Author::Customer);
    Box::new(Message {
        id: MessageId::new(*uuid::Uuid::new_v4().as_bytes()),
        author,
        content: Content {
            kind: MessageKind::Text,
            attachments: Vec::new(),
            personal: ContentPersonal { sender_address, ..ContentPersonal::default() },
        },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    })
}

impl Node {
    pub(crate) async fn new(server: &NatsServer) -> Self {
        let connection = Connection::connect(LogOptions::new(server.url())).await.unwrap();
        let log: Arc<dyn Log> = Arc::new(connection.events());
        let folder = TempDir::new().unwrap();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector), Arc::new(TimersProjector)],
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

    /// A reactor of this node.
    pub(crate) fn reacts(&self) -> Running {
        self.reacts_as(TimerPolicy::default())
    }

    /// A reactor of this node, for tenants that want this.
    pub(crate) fn reacts_as(&self, policy: TimerPolicy) -> Running {
        let token = CancellationToken::new();
        let reactor = Reactor::new(ReactorParts {
            ledger: Arc::clone(&self.ledger),
            view: self.views.get(timers::NAME).unwrap(),
            keys: Arc::new(HashMap::from([(tenant(), IdKey::new([3; 32]))])),
            policies: Arc::new(move |_tenant| policy),
            clock: now,
        });
        Running { task: tokio::spawn(reactor.run(token.clone())), token }
    }

    /// A conversation whose customer has just written.
    pub(crate) async fn open(&self, number: u32) -> EntityId {
        let entity = conversation(number);
        self.writes(entity).await;
        entity
    }

    /// The customer of a conversation writes.
    pub(crate) async fn writes(&self, entity: EntityId) {
        let (place, message) = (place(), message(Author::Customer));
        self.command(entity, Actor::Customer, Command::ReceiveMessage { place, message, detection: None }).await;
    }

    /// The business writes to them from the phone.
    pub(crate) async fn echoes(&self, entity: EntityId) {
        let (place, message) = (place(), message(Author::PhoneApp));
        self.command(entity, Actor::PhoneApp, Command::RecordEcho { place, message }).await;
    }

    /// A command of staff.
    pub(crate) async fn staff(&self, entity: EntityId, command: Command) {
        self.command(entity, Actor::Staff(AgentId::new("laura").unwrap()), command).await;
    }

    async fn command(&self, entity: EntityId, actor: Actor, command: Command) {
        let role = matches!(actor, Actor::Staff(_)).then_some(Role::Supervisor);
        let envelope = Envelope { actor: actor.clone(), role, now: now(), new_message: MessageId::new([0; 16]) };
        for _ in 0..100 {
            let base = self.ledger.load(&tenant(), &entity).unwrap();
            let EntityState::Conversation(state) = &base.state else { panic!("not a conversation") };
            let Decision::Append(events) = conversation::decide(state, &envelope, &command).unwrap() else {
                panic!("already so: {command:?}")
            };
            if self.append(entity, actor.clone(), events).await {
                return;
            }
        }
        panic!("the conversation never stood still");
    }

    /// Events of a conversation, whatever the rules say. False if it had moved on.
    pub(crate) async fn append(&self, entity: EntityId, actor: Actor, events: Vec<ConversationEvent>) -> bool {
        let base = self.ledger.load(&tenant(), &entity).unwrap();
        let events = events.into_iter().map(Event::Conversation).collect();
        let command_id = CommandId::new(format!("test-{}", uuid::Uuid::new_v4())).unwrap();
        let (occurred_at, recorded_at) = (now(), now());
        let origin =
            Origin { tenant: tenant(), command_id, actor, occurred_at, recorded_at, correlation: None, intake: None };
        let committed = self.ledger.append(&origin, vec![Draft { entity, base, events }]).await.unwrap();
        matches!(committed, Committed::Applied { .. })
    }

    pub(crate) async fn commits_of(&self, entity: EntityId) -> Vec<Recorded> {
        self.log.tail(&tenant(), &entity, 0).await.unwrap()
    }

    /// The commits with which timers of a conversation came to pass.
    pub(crate) async fn fired(&self, entity: EntityId) -> Vec<Recorded> {
        let by_timer = |event: &Event| match event {
            Event::Conversation(event) => matches!(
                event,
                ConversationEvent::BotResumed { cause: conversation::ResumeCause::Timer, .. }
                    | ConversationEvent::ReturnedToOpen { cause: conversation::OpenCause::Timer }
            ),
            _ => false,
        };
        let commits = self.commits_of(entity).await;
        commits.into_iter().filter(|recorded| recorded.commit.events.iter().any(by_timer)).collect()
    }

    /// Waits for the first of them.
    pub(crate) async fn until_fired(&self, entity: EntityId) -> Recorded {
        eventually("a timer comes to pass", async || self.fired(entity).await.first().cloned()).await
    }

    /// Waits until so many timers of a conversation have come to pass.
    pub(crate) async fn until_count(&self, entity: EntityId, many: usize) {
        let enough = async || (self.fired(entity).await.len() == many).then_some(());
        eventually("timers come to pass", enough).await;
    }

    /// The alerts that were raised in a conversation, with their commits.
    pub(crate) async fn alerts(&self, entity: EntityId) -> Vec<(Alert, Timestamp, Recorded)> {
        let mut alerts = Vec::new();
        for recorded in self.commits_of(entity).await {
            for event in &recorded.commit.events {
                if let Event::Conversation(ConversationEvent::AlertRaised { alert, since }) = event {
                    alerts.push((*alert, *since, recorded.clone()));
                }
            }
        }
        alerts
    }

    /// Waits until so many alerts were raised in a conversation.
    pub(crate) async fn until_alerts(&self, entity: EntityId, many: usize) -> Vec<(Alert, Timestamp, Recorded)> {
        let enough = async || Some(self.alerts(entity).await).filter(|alerts| alerts.len() >= many);
        eventually("alerts are raised", enough).await
    }
}
