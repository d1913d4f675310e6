//! A small business: its log, nodes that decide over it, its people, and conversations that customers have begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use relevo_command::grpc::{Commands, Staff};
use relevo_command::{Committed, DecisionProjector, Draft, Ledger, Origin};
use relevo_domain::contact::{ContactEvent, NamePersonal};
use relevo_domain::conversation::{
    Author, Content, ContentPersonal, ConversationEvent, EpisodeCause, Medium, Message, MessageFlags, MessageKind,
};
use relevo_domain::{
    Actor, AgentId, Caller, ChannelId, CommandId, EntityId, EntityKind, Event, MessageId, Position, Recorded, Role,
    Scope, TeamId, TenantId, Timestamp,
};
use relevo_eventlog::{Log, MemoryLog};
use relevo_projection::{Options, Runtime, Views};
use relevo_proto::Problem;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Friday, 2027-01-15 08:00 UTC: 05:00 in Buenos Aires.
const START: i64 = 1_800_000_000_000;
static NOW: AtomicI64 = AtomicI64::new(START);

/// The clock of every node. It stands still unless a test moves it; each test is a process of its own.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::SeqCst))
}

/// The time of a claim that is asked for now.
pub(crate) fn in_time() -> Timestamp {
    now() + std::time::Duration::from_secs(10)
}

pub(crate) fn pass(millis: i64) {
    NOW.fetch_add(millis, Ordering::SeqCst);
}

pub(crate) struct People;

impl Staff for People {
    fn agent_name(&self, _tenant: &TenantId, agent: &AgentId) -> Option<String> {
        matches!(agent.as_str(), "laura" | "martin" | "carla").then(|| agent.to_string().to_uppercase())
    }

    fn team_name(&self, _tenant: &TenantId, team: &TeamId) -> Option<String> {
        (team.as_str() == "ventas").then(|| "Ventas".to_owned())
    }

    fn time_zone(&self, _tenant: &TenantId) -> TimeZone {
        TimeZone::get("America/Argentina/Buenos_Aires").unwrap()
    }

    fn agent_role(&self, _tenant: &TenantId, agent: &AgentId) -> Option<Role> {
        match agent.as_str() {
            "laura" | "martin" => Some(Role::Agent),
            "carla" => Some(Role::Supervisor),
            _ => None,
        }
    }
}

/// One node: its own decision store over a log that it may share.
pub(crate) struct Node {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) commands: Commands,
    _views: Views,
    _folder: TempDir,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::over(Arc::new(MemoryLog::new())).await
    }

    pub(crate) async fn over(log: Arc<MemoryLog>) -> Self {
        let shared: Arc<dyn Log> = log.clone();
        Self::through(log, shared).await
    }

    /// A node that sees the log through `shared`.
    pub(crate) async fn through(log: Arc<MemoryLog>, shared: Arc<dyn Log>) -> Self {
        let folder = TempDir::new().unwrap();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector)],
            shared.clone(),
            folder.path(),
            Options::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(shared, views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        let commands = Commands::new(Arc::clone(&ledger), Arc::new(People), now);
        Self { ledger, log, commands, _views: views, _folder: folder }
    }

    /// Appends events as intake does.
    pub(crate) async fn happens(&self, tenant: &str, entity: EntityId, events: Vec<Event>) {
        let tenant = TenantId::new(tenant).unwrap();
        let origin = Origin {
            tenant: tenant.clone(),
            command_id: CommandId::new(format!("in_{:032x}", rand::random::<u128>())).unwrap(),
            actor: Actor::Customer,
            occurred_at: now(),
            recorded_at: now(),
            correlation: None,
            intake: None,
        };
        let base = self.ledger.load(&tenant, &entity).unwrap();
        let committed = self.ledger.append(&origin, vec![Draft { entity, base, events }]).await.unwrap();
        assert!(matches!(committed, Committed::Applied { fresh: true, .. }));
    }

    /// A contact of the tenant `demo`.
    pub(crate) async fn contact(&self, n: u8) -> EntityId {
        let contact = EntityId::new(EntityKind::Contact, [n; 16]);
        let personal = NamePersonal { name: Some("María".to_owned()) };
        let created = ContactEvent::Created { channel: channel("wa"), personal };
        self.happens("demo", contact, vec![Event::Contact(created)]).await;
        contact
    }

    /// A conversation of that contact, with one message: version 3.
    pub(crate) async fn conversation(&self, n: u8, contact: EntityId, on: &str) -> EntityId {
        self.conversation_of("demo", n, contact, on).await
    }

    pub(crate) async fn conversation_of(&self, tenant: &str, n: u8, contact: EntityId, on: &str) -> EntityId {
        let conversation = EntityId::new(EntityKind::Conversation, [n; 16]);
        self.opens(tenant, conversation, contact, on).await;
        conversation
    }

    pub(crate) async fn opens(&self, tenant: &str, conversation: EntityId, contact: EntityId, on: &str) {
        let events = [
            ConversationEvent::Opened { channel: channel(on), medium: Medium::WhatsApp, contact },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
            wrote(),
        ];
        self.happens(tenant, conversation, events.map(Event::Conversation).into()).await;
    }

    pub(crate) async fn customer_writes(&self, conversation: EntityId) {
        self.happens("demo", conversation, vec![Event::Conversation(wrote())]).await;
    }

    pub(crate) async fn commits(&self) -> Vec<Recorded> {
        let mut commits = Vec::new();
        for sequence in 1..=self.log.identity().await.unwrap().last_sequence {
            commits.push(self.log.get(sequence).await.unwrap().unwrap());
        }
        commits
    }

    pub(crate) async fn commit_at(&self, position: &str) -> Recorded {
        let position: Position = position.parse().unwrap();
        self.log.get(position.sequence()).await.unwrap().unwrap()
    }

    /// Names of all events of this kind of entity, in the order of the log.
    pub(crate) async fn events_of(&self, entity: EntityId) -> Vec<&'static str> {
        let commits = self.commits().await;
        let of_entity = commits.iter().filter(|recorded| recorded.commit.entity == entity);
        of_entity.flat_map(|recorded| recorded.commit.events.iter().map(Event::name)).collect()
    }
}

pub(crate) fn wrote() -> ConversationEvent {
    ConversationEvent::MessageReceived(Box::new(Message {
        id: MessageId::new(rand::random()),
        author: Author::Customer,
        content: Content { kind: MessageKind::Text, attachments: vec![], personal: ContentPersonal::default() },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    }))
}

pub(crate) fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).unwrap()
}

/// Whoever calls.
pub(crate) fn caller(tenant: &str, role: Role, name: &str) -> Caller {
    let (tenant, name) = (TenantId::new(tenant).unwrap(), AgentId::new(name).unwrap());
    Caller { tenant, role, name, scope: Scope::Tenant }
}

pub(crate) fn laura() -> Caller {
    caller("demo", Role::Agent, "laura")
}

pub(crate) fn carla() -> Caller {
    caller("demo", Role::Supervisor, "carla")
}

/// An agent who works on one channel only.
pub(crate) fn only_on(on: &str) -> Caller {
    let scope = Scope::Granted { channels: [channel(on)].into(), teams: [].into() };
    Caller { scope, ..caller("demo", Role::Agent, "martin") }
}

/// A request as it looks behind the authentication.
pub(crate) fn by<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request.metadata_mut().insert("accept-language", "en".parse().unwrap());
    request
}

/// The problem that a call was refused with.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Problem {
    Problem::from_status(&answer.unwrap_err()).unwrap()
}

#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> &'static str {
    refused(answer).code.as_str()
}

pub(crate) fn fresh() -> String {
    format!("test-{:032x}", rand::random::<u128>())
}
