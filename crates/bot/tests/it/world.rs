//! Nodes that serve bots over one log, with real views and a real listener, and bots that connect to them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use jiff::tz::TimeZone;
use relevo_bot::{Bots, BotsParts, Options, TurnsProjector, turns};
use relevo_command::decision::EntityState;
use relevo_command::grpc::{Commands, Staff};
use relevo_command::send::{ChannelFacts, PolicyProblem, StoredFacts, StoredFilesError};
use relevo_command::{Committed, DecisionProjector, Draft, IdKey, Ledger, Origin, SendPolicy, SendPorts, StoredFiles};
use relevo_domain::conversation::{
    self, Author, CatchUp, Command, Content, ContentPersonal, ConversationEvent, Decision, Envelope, Medium, Message,
    MessageFlags, MessageKind, Outgoing, PauseReason, PauseTerms, PauseWish, Place,
};
use relevo_domain::{
    Actor, AgentId, Caller, ChannelId, CommandId, EntityId, EntityKind, Event, MessageId, Role, Scope, TeamId,
    TenantId, Timestamp, ValidUntil,
};
use relevo_eventlog::{Connection, Log, Options as LogOptions};
use relevo_projection::{Runtime, Views};
use relevo_projector_inbox::InboxProjector;
use relevo_proto::bot::v1::bot_service_client::BotServiceClient;
use relevo_query::{Directory, NoHistory, Ports, Query, QueryViews};
use relevo_testkit::NatsServer;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn talk(number: u32) -> EntityId {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EntityId::new(EntityKind::Conversation, bytes)
}

pub(crate) fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub(crate) fn bot() -> Caller {
    Caller { tenant: tenant(), role: Role::Bot, name: AgentId::new("helper").unwrap(), scope: Scope::Tenant }
}

pub(crate) fn pause() -> Command {
    let terms = PauseTerms::default();
    Command::PauseBot(PauseWish { reason: PauseReason::Complaint, note: None, terms })
}

pub(crate) fn resume(catch_up: CatchUp) -> Command {
    Command::ResumeBot { catch_up, note: None, farewell: None }
}

struct Nobody;

impl Staff for Nobody {
    fn agent_name(&self, _tenant: &TenantId, _agent: &AgentId) -> Option<String> {
        None
    }

    fn team_name(&self, _tenant: &TenantId, _team: &TeamId) -> Option<String> {
        None
    }

    fn time_zone(&self, _tenant: &TenantId) -> TimeZone {
        TimeZone::UTC
    }

    fn agent_role(&self, _tenant: &TenantId, _agent: &AgentId) -> Option<Role> {
        None
    }
}

struct Policy;

impl SendPolicy for Policy {
    fn channel(&self, _tenant: &TenantId, _channel: &ChannelId) -> Option<ChannelFacts> {
        Some(ChannelFacts { medium: Medium::WhatsApp, address: None, plus_addressing: false })
    }

    fn check(&self, _tenant: &TenantId, _channel: &ChannelId, _outgoing: &Outgoing) -> Result<(), PolicyProblem> {
        Ok(())
    }

    fn pauses_bot(&self, _tenant: &TenantId) -> bool {
        true
    }

    fn language(&self, _tenant: &TenantId) -> String {
        "es".to_owned()
    }

    fn business_name(&self, _tenant: &TenantId) -> Option<String> {
        None
    }

    fn signature(&self, _tenant: &TenantId, _agent: &AgentId) -> Option<String> {
        None
    }

    fn sanitise(&self, html: &str) -> String {
        html.to_owned()
    }
}

struct NoFiles;

#[async_trait]
impl StoredFiles for NoFiles {
    async fn look(&self, _tenant: &TenantId, _sha256: &str) -> Result<Option<StoredFacts>, StoredFilesError> {
        Ok(None)
    }
}

/// One node: its own views over the log, and its own listener.
pub(crate) struct Node {
    pub(crate) bots: Bots,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ending: CancellationToken,
    url: String,
    _views: Views,
    _folder: TempDir,
}

/// Stands for the credential: `<role>@<tenant>` in the metadata of a call; `+1` behind it is good for a second.
#[expect(clippy::unnecessary_wraps, reason = "the shape of an interceptor")]
fn signed_in(mut request: Request<()>) -> Result<Request<()>, Status> {
    let said = request.metadata().get("caller").and_then(|value| value.to_str().ok()).unwrap_or("bot@demo").to_owned();
    let (said, soon) = said.strip_suffix("+1").map_or((said.as_str(), false), |said| (said, true));
    let (role, of) = said.split_once('@').unwrap();
    let caller = Caller { tenant: TenantId::new(of).unwrap(), role: Role::parse(role).unwrap(), ..bot() };
    request.extensions_mut().insert(caller);
    if soon {
        request.extensions_mut().insert(ValidUntil(now() + Duration::from_secs(1)));
    }
    Ok(request)
}

impl Node {
    pub(crate) async fn new(server: &NatsServer) -> Self {
        Self::with(server, Options::default()).await
    }

    pub(crate) async fn with(server: &NatsServer, options: Options) -> Self {
        let connection = Connection::connect(LogOptions::new(server.url())).await.unwrap();
        let log: Arc<dyn Log> = Arc::new(connection.events());
        let folder = TempDir::new().unwrap();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector), Arc::new(InboxProjector), Arc::new(TurnsProjector)],
            Arc::clone(&log),
            folder.path(),
            relevo_projection::Options::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(Arc::clone(&log), views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        let of = |name: &str| TenantId::new(name).unwrap();
        let keys = HashMap::from([(of("demo"), IdKey::new([3; 32])), (of("other"), IdKey::new([4; 32]))]);
        let ports = SendPorts { keys: Arc::new(keys), policy: Arc::new(Policy), files: Arc::new(NoFiles) };
        let commands = Commands::new(Arc::clone(&ledger), Arc::new(Nobody), now).turns(ports);
        let inbox = views.get(relevo_projector_inbox::NAME).unwrap();
        // Turns are told from the inbox alone.
        let [assignment, pause, metrics, threads] = [(); 4].map(|()| Arc::clone(&inbox));
        let ending = CancellationToken::new();
        let ports = Ports { now, history: Arc::new(NoHistory), ending: ending.clone() };
        let query = Query::new(QueryViews { inbox, assignment, pause, metrics }, Directory::default(), [1; 32], ports);
        let view = views.get(turns::NAME).unwrap();
        let node = fresh();
        let parts =
            BotsParts { commands, view, inbox: threads, query, clock: now, options, node, ending: ending.clone() };
        let bots = Bots::new(parts);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = InterceptedService::new(bots.server(), signed_in);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener)));
        Self { bots, ledger, log, ending, url, _views: views, _folder: folder }
    }

    pub(crate) async fn client(&self) -> BotServiceClient<Channel> {
        BotServiceClient::connect(self.url.clone()).await.unwrap()
    }

    /// A connection that takes no more than so many bytes that nobody has read.
    pub(crate) async fn narrow(&self, bytes: u32) -> BotServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(self.url.clone()).unwrap();
        let endpoint = endpoint.initial_stream_window_size(bytes).initial_connection_window_size(bytes);
        BotServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// A customer writes. Answers the version of the conversation.
    pub(crate) async fn customer(&self, number: u32, text: &str) -> EntityId {
        let entity = talk(number);
        let mut contact = [9; 16];
        contact[..4].copy_from_slice(&number.to_be_bytes());
        let place = Place {
            channel: ChannelId::new("wa").unwrap(),
            medium: Medium::WhatsApp,
            contact: EntityId::new(EntityKind::Contact, contact),
            contact_paused: false,
        };
        let personal = ContentPersonal {
            sender_address: Some(format!("54911555{number:05}")),
            text: Some(text.to_owned()),
            ..ContentPersonal::default()
        };
        let message = Message {
            id: MessageId::new(*uuid::Uuid::new_v4().as_bytes()),
            author: Author::Customer,
            content: Content { kind: MessageKind::Text, attachments: Vec::new(), personal },
            provider_time: None,
            reply_to: None,
            flags: MessageFlags::default(),
        };
        let command = Command::ReceiveMessage { place, message: Box::new(message), detection: None };
        self.command(entity, Actor::Customer, command).await;
        entity
    }

    /// A command of staff.
    pub(crate) async fn staff(&self, entity: EntityId, command: Command) {
        self.command(entity, Actor::Staff(AgentId::new("laura").unwrap()), command).await;
    }

    /// A sender takes a message.
    pub(crate) async fn claim(&self, entity: EntityId, message: MessageId) {
        let until = now() + Duration::from_secs(30);
        self.command(entity, Actor::System, Command::ClaimSend { message, claim: "sender".to_owned(), until }).await;
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
            let events = events.into_iter().map(Event::Conversation).collect();
            let command_id = CommandId::new(fresh()).unwrap();
            let (occurred_at, recorded_at) = (now(), now());
            let origin = Origin {
                tenant: tenant(),
                command_id,
                actor: actor.clone(),
                occurred_at,
                recorded_at,
                correlation: None,
                intake: None,
            };
            let committed = self.ledger.append(&origin, vec![Draft { entity, base, events }]).await.unwrap();
            if matches!(committed, Committed::Applied { .. }) {
                return;
            }
        }
        panic!("the conversation never stood still");
    }

    /// Everything that happened in a conversation, by the log.
    pub(crate) async fn events(&self, entity: EntityId) -> Vec<ConversationEvent> {
        let commits = self.log.tail(&tenant(), &entity, 0).await.unwrap();
        let of = |event| if let Event::Conversation(event) = event { Some(event) } else { None };
        commits.into_iter().flat_map(|recorded| recorded.commit.events).filter_map(of).collect()
    }

    /// What bots have said to the customer, by the log.
    pub(crate) async fn said(&self, entity: EntityId) -> Vec<String> {
        let said = |event| match event {
            ConversationEvent::MessageQueued(outgoing) if outgoing.author == Author::Bot => {
                Some(outgoing.body.text().unwrap_or_default().to_owned())
            }
            _ => None,
        };
        self.events(entity).await.into_iter().filter_map(said).collect()
    }

    /// How many of a conversation's events are called so.
    pub(crate) async fn count(&self, entity: EntityId, name: &str) -> usize {
        self.events(entity).await.iter().filter(|event| event.name() == name).count()
    }
}
