//! A business that sends: its log on a real server, its channels and what they take, its stored files, its keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use relevo_command::grpc::Commands;
use relevo_command::send::{
    ChannelFacts, PolicyProblem, SendPolicy, SendPorts, StoredFacts, StoredFiles, StoredFilesError,
};
use relevo_command::{Committed, DecisionProjector, Draft, IdKey, Ledger, Origin, Sends, TemplateRecords};
use relevo_domain::contact::{ContactEvent, IdentifierPersonal, NamePersonal};
use relevo_domain::conversation::{Body, ConversationEvent, EpisodeCause, MailPersonal, Medium, Message, Outgoing};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::template::{Header, Template, TemplateStatus};
use relevo_domain::{Actor, AgentId, ChannelId, CommandId, EntityId, EntityKind, Event, MessageId, Position, TenantId};
use relevo_eventlog::{JetStreamLog, Log, Options};
use relevo_projection::{Runtime, Views};
use relevo_proto::command::v1 as proto;
use relevo_testkit::NatsServer;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::held::Held;
use crate::house::{People, channel, fresh, now, wrote};

const STORE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// What the WhatsApp channel takes of a text.
pub(crate) const TEXT_MAX: usize = 100;

/// A channel for WhatsApp and one for mail, of the tenant `demo`.
#[derive(Default)]
struct Policy {
    lets_the_bot_speak: AtomicBool,
    plus_addressing: AtomicBool,
    cleaned: AtomicUsize,
}

impl SendPolicy for Policy {
    fn channel(&self, tenant: &TenantId, channel: &ChannelId) -> Option<ChannelFacts> {
        match (tenant.as_str(), channel.as_str()) {
            ("demo", "wa") => Some(ChannelFacts { medium: Medium::WhatsApp, address: None, plus_addressing: false }),
            ("demo", "mail") => {
                let address = Some("soporte@ferreteria.example".to_owned());
                let plus_addressing = self.plus_addressing.load(Ordering::SeqCst);
                Some(ChannelFacts { medium: Medium::Email, address, plus_addressing })
            }
            _ => None,
        }
    }

    fn check(&self, _tenant: &TenantId, _channel: &ChannelId, outgoing: &Outgoing) -> Result<(), PolicyProblem> {
        let limit_bytes = 1_000;
        if let Some(file) = outgoing.body.files().iter().find(|file| file.size_bytes > limit_bytes) {
            return Err(PolicyProblem::AttachmentTooBig { limit_bytes, size_bytes: file.size_bytes });
        }
        match &outgoing.body {
            Body::Text { text, .. } if text.chars().count() > TEXT_MAX => {
                Err(PolicyProblem::Invalid { field: "text", limit: TEXT_MAX })
            }
            Body::Contacts(_) => Err(PolicyProblem::CannotSend { what: "contacts".to_owned() }),
            _ => Ok(()),
        }
    }

    fn pauses_bot(&self, _tenant: &TenantId) -> bool {
        !self.lets_the_bot_speak.load(Ordering::SeqCst)
    }

    fn language(&self, _tenant: &TenantId) -> String {
        "es".to_owned()
    }

    fn business_name(&self, _tenant: &TenantId) -> Option<String> {
        None
    }

    fn signature(&self, _tenant: &TenantId, agent: &AgentId) -> Option<String> {
        (agent.as_str() == "laura").then(|| "Laura <Ventas>".to_owned())
    }

    fn sanitise(&self, html: &str) -> String {
        self.cleaned.fetch_add(1, Ordering::SeqCst);
        html.replace("<script>", "")
    }
}

/// One picture and one that is too big.
#[derive(Default)]
pub(crate) struct Files(AtomicUsize);

impl Files {
    /// How often somebody asked for a file.
    pub(crate) fn looked_up(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn hash(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

#[async_trait]
impl StoredFiles for Files {
    async fn look(&self, _tenant: &TenantId, sha256: &str) -> Result<Option<StoredFacts>, StoredFilesError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let facts =
            |size_bytes, mime: Option<&str>| Some(StoredFacts { size_bytes, mime_type: mime.map(str::to_owned) });
        Ok(match sha256 {
            known if known == hash(1) => facts(10, Some("image/png")),
            known if known == hash(2) => facts(10_000, Some("video/mp4")),
            known if known == hash(3) => facts(10, None),
            _ => None,
        })
    }
}

/// One node of the business.
pub(crate) struct Business {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) commands: Commands,
    pub(crate) ports: SendPorts,
    pub(crate) sends: Sends,
    pub(crate) templates: TemplateRecords,
    pub(crate) files: Arc<Files>,
    policy: Arc<Policy>,
    log: Arc<dyn Log>,
    server: Arc<NatsServer>,
    _views: Views,
    _folder: TempDir,
}

impl Business {
    pub(crate) async fn start() -> Self {
        Self::on(Arc::new(NatsServer::start().await)).await
    }

    /// A second node over the same log.
    pub(crate) async fn another(&self) -> Self {
        Self::on(Arc::clone(&self.server)).await
    }

    /// One that lags when it is told to.
    pub(crate) async fn another_that_lags(&self) -> (Self, Arc<Held>) {
        let server = Arc::clone(&self.server);
        let held = Held::over(Self::log(&server).await);
        (Self::over(server, held.clone()).await, held)
    }

    async fn on(server: Arc<NatsServer>) -> Self {
        let log = Self::log(&server).await;
        Self::over(server, log).await
    }

    async fn log(server: &NatsServer) -> Arc<dyn Log> {
        let options = Options { store_bytes: STORE_BYTES, ..Options::new(server.url()) };
        Arc::new(JetStreamLog::connect(options).await.unwrap())
    }

    async fn over(server: Arc<NatsServer>, log: Arc<dyn Log>) -> Self {
        let folder = TempDir::new().unwrap();
        let views = Runtime::start(
            vec![Arc::new(DecisionProjector)],
            Arc::clone(&log),
            folder.path(),
            relevo_projection::Options::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        let ledger = Arc::new(Ledger::new(Arc::clone(&log), views.get(DecisionProjector::NAME).unwrap()));
        ledger.catch_up().await.unwrap();
        let commands = Commands::new(Arc::clone(&ledger), Arc::new(People), now);
        let keys = Arc::new(HashMap::from([(tenant(), key())]));
        let policy = Arc::new(Policy::default());
        let files = Arc::new(Files::default());
        let ports = SendPorts { keys: Arc::clone(&keys), policy: policy.clone(), files: files.clone() };
        let commands = commands.with_ports(ports.clone());
        let sends = Sends::new(Arc::clone(&ledger), Arc::clone(&keys));
        let templates = TemplateRecords::new(Arc::clone(&ledger), keys);
        Self { ledger, commands, ports, sends, templates, files, policy, log, server, _views: views, _folder: folder }
    }

    /// How often HTML was cleaned.
    pub(crate) fn cleaned(&self) -> usize {
        self.policy.cleaned.load(Ordering::SeqCst)
    }

    /// The mail channel's server delivers what goes to its address with a `+`.
    pub(crate) fn has_plus_addressing(&self) {
        self.policy.plus_addressing.store(true, Ordering::SeqCst);
    }

    /// From now on staff's messages do not pause the bot.
    pub(crate) fn lets_the_bot_speak(&self) {
        self.policy.lets_the_bot_speak.store(true, Ordering::SeqCst);
    }

    /// Appends events as intake does.
    pub(crate) async fn happens(&self, entity: EntityId, events: Vec<Event>) {
        let origin = Origin {
            tenant: tenant(),
            command_id: CommandId::new(format!("in_{:032x}", rand::random::<u128>())).unwrap(),
            actor: Actor::Customer,
            occurred_at: now(),
            recorded_at: now(),
            correlation: None,
            intake: None,
        };
        let base = self.ledger.load(&tenant(), &entity).unwrap();
        let committed = self.ledger.append(&origin, vec![Draft { entity, base, events }]).await.unwrap();
        assert!(matches!(committed, Committed::Applied { fresh: true, .. }));
    }

    /// María, with her number on the WhatsApp channel.
    pub(crate) async fn maria(&self) -> EntityId {
        let contact = key().contact(IdentifierKind::WaId, NUMBER);
        let personal = NamePersonal { name: Some("María".to_owned()) };
        let number = IdentifierPersonal { value: NUMBER.to_owned() };
        let events = vec![
            Event::Contact(ContactEvent::Created { channel: channel("wa"), personal }),
            Event::Contact(ContactEvent::IdentifierLearned {
                kind: IdentifierKind::WaId,
                channel: channel("wa"),
                personal: number,
            }),
        ];
        self.happens(contact, events).await;
        contact
    }

    /// María has written on WhatsApp, as intake stores it.
    pub(crate) async fn conversation(&self) -> EntityId {
        let contact = self.maria().await;
        let wa = channel("wa");
        let id = key().conversation(&wa, IdentifierKind::WaId, NUMBER);
        let kind = IdentifierKind::WaId;
        let bound = IdentityEvent::Bound { kind, channel: wa.clone(), contact, conversation: Some(id) };
        self.happens(key().identity(&wa, kind, NUMBER), vec![Event::Identity(bound)]).await;
        let events = [
            ConversationEvent::Opened { channel: wa, medium: Medium::WhatsApp, contact },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
            said(1, NUMBER),
        ];
        self.happens(id, events.map(Event::Conversation).into()).await;
        id
    }

    /// Somebody has written a mail.
    pub(crate) async fn mail(&self, n: u8, from: &str, mail: MailPersonal) -> EntityId {
        let contact = EntityId::new(EntityKind::Contact, [n; 16]);
        let created = ContactEvent::Created { channel: channel("mail"), personal: NamePersonal::default() };
        self.happens(contact, vec![Event::Contact(created)]).await;
        let id = EntityId::new(EntityKind::Conversation, [n; 16]);
        let events = [
            ConversationEvent::Opened { channel: channel("mail"), medium: Medium::Email, contact },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
            mailed(n, from, mail),
        ];
        self.happens(id, events.map(Event::Conversation).into()).await;
        id
    }

    pub(crate) async fn with_templates(&self) {
        let template = |name: &str, language: &str, status, body: &str| Template {
            name: name.to_owned(),
            language: language.to_owned(),
            provider_id: None,
            status,
            category: "utility".to_owned(),
            header: None,
            body: body.to_owned(),
            footer: None,
            buttons: vec![],
            reason: None,
        };
        let all = vec![
            template("aviso", "es_AR", TemplateStatus::Approved, "Hola {{1}}, llegó su pedido."),
            template("aviso", "en", TemplateStatus::Approved, "Hello {{1}}, your order is here."),
            template("promo", "es", TemplateStatus::Paused, "¡Ofertas!"),
            Template {
                header: Some(Header::Location),
                ..template("mapa", "es", TemplateStatus::Approved, "Hola {{1}}, estamos aquí.")
            },
        ];
        assert_eq!(self.templates.synchronise(&tenant(), &channel("wa"), all, now()).await.unwrap(), 4);
    }

    /// The message that a command queued.
    pub(crate) async fn queued_at(&self, position: &str) -> Outgoing {
        let position: Position = position.parse().unwrap();
        let recorded = self.log.get(position.sequence()).await.unwrap().unwrap();
        let queued = recorded.commit.events.into_iter().find_map(|event| match event {
            Event::Conversation(ConversationEvent::MessageQueued(outgoing)) => Some(*outgoing),
            _ => None,
        });
        queued.unwrap()
    }

    /// Names of the events of an entity, in order.
    pub(crate) async fn events_of(&self, entity: EntityId) -> Vec<&'static str> {
        let whole = self.log.tail(&tenant(), &entity, 0).await.unwrap();
        whole.iter().flat_map(|recorded| recorded.commit.events.iter().map(Event::name)).collect()
    }

    pub(crate) async fn last_sequence(&self) -> u64 {
        self.log.identity().await.unwrap().last_sequence
    }
}

/// María's number, as WhatsApp has it.
pub(crate) const NUMBER: &str = "5491155550101";

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn key() -> IdKey {
    IdKey::new([7; 32])
}

pub(crate) fn message_id(n: u8) -> MessageId {
    MessageId::new([n; 16])
}

fn customers(n: u8, from: &str) -> Message {
    let ConversationEvent::MessageReceived(mut message) = wrote() else { unreachable!() };
    message.id = message_id(n);
    message.content.personal.provider_id = format!("wamid.{n}");
    message.content.personal.sender_address = Some(from.to_owned());
    *message
}

/// A message of a customer with this id.
pub(crate) fn said(n: u8, from: &str) -> ConversationEvent {
    ConversationEvent::MessageReceived(Box::new(customers(n, from)))
}

pub(crate) fn mailed(n: u8, from: &str, mail: MailPersonal) -> ConversationEvent {
    let mut message = customers(n, from);
    message.content.personal.mail = Some(mail);
    ConversationEvent::MessageReceived(Box::new(message))
}

pub(crate) fn message(body: proto::outgoing_message::Body) -> proto::OutgoingMessage {
    proto::OutgoingMessage { body: Some(body), ..Default::default() }
}

pub(crate) fn words(text: &str) -> proto::outgoing_message::Body {
    proto::outgoing_message::Body::Text(proto::OutgoingText { text: text.to_owned(), preview_url: false })
}

pub(crate) fn template(name: &str, value: &str) -> proto::outgoing_message::Body {
    let value =
        proto::OutgoingTemplateValue { variable: "1".to_owned(), value: value.to_owned(), ..Default::default() };
    let values = vec![value];
    proto::outgoing_message::Body::Template(proto::OutgoingTemplate {
        name: name.to_owned(),
        values,
        ..Default::default()
    })
}

pub(crate) fn send(to: EntityId, body: proto::outgoing_message::Body) -> proto::SendMessageRequest {
    proto::SendMessageRequest {
        command_id: fresh(),
        conversation_id: to.to_string(),
        message: Some(message(body)),
        ..Default::default()
    }
}
