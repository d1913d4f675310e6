//! What the events of a made-up history are made of: names, texts, messages, reports. Nothing here appends a commit.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::conversation::event::{DeliveryReport, DeliveryReportPersonal, DeliveryStatus, NotePersonal};
use relevo_domain::conversation::message::{
    Attachment, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{AgentId, ChannelId, EntityId, EntityKind, MessageId, TeamId, Timestamp};

use super::Writer;
use crate::testing::must;

const AGENTS: [&str; 4] = ["laura", "martin", "sofia", "ana"];
const TEAMS: [&str; 2] = ["ventas", "soporte"];
const NAMES: [&str; 5] = ["María García", "José Núñez", "Ana", "王芳", "O'Brien, \"Pat\""];
const TEXTS: [&str; 6] =
    ["Hola, ¿tienen turno?", "Pero solo quiero por la tarde", "", "no funciona 😡", "ORDER 4711\nplease", "gracias"];

/// What most reports say.
const USUAL: [DeliveryStatus; 4] =
    [DeliveryStatus::Accepted, DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Read];

impl Writer {
    pub(super) fn agent(&mut self) -> AgentId {
        must(AgentId::new(AGENTS[self.random.random_range(0..AGENTS.len())]), "name an agent")
    }

    pub(super) fn team(&mut self) -> TeamId {
        must(TeamId::new(TEAMS[self.random.random_range(0..TEAMS.len())]), "name a team")
    }

    /// When a provider says that something happened: mostly now, sometimes long ago, never in the order of the log.
    fn said_at(&mut self) -> Timestamp {
        let late = if self.random.random_bool(0.1) { self.random.random_range(0..7_200_000) } else { 0 };
        Timestamp::from_millis(self.now - late)
    }

    pub(super) fn entity(&mut self, kind: EntityKind) -> EntityId {
        EntityId::new(kind, self.random.random())
    }

    pub(super) fn provider_id(&mut self) -> String {
        format!("wamid.{:032x}", self.random.random::<u128>())
    }

    pub(super) fn name(&mut self) -> NamePersonal {
        let name = NAMES[self.random.random_range(0..NAMES.len())];
        NamePersonal { name: self.random.random_bool(0.8).then(|| name.to_owned()) }
    }

    pub(super) fn remark(&mut self) -> NotePersonal {
        let text = TEXTS[self.random.random_range(0..TEXTS.len())];
        NotePersonal { text: self.random.random_bool(0.6).then(|| text.to_owned()) }
    }

    pub(super) fn identifier(&mut self, kind: IdentifierKind, channel: &ChannelId) -> ContactEvent {
        let value = format!("549{:010}", self.random.random_range(0..10_000_000_000u64));
        ContactEvent::IdentifierLearned { kind, channel: channel.clone(), personal: IdentifierPersonal { value } }
    }

    pub(super) fn some_message(&mut self, talk: usize) -> MessageId {
        // Providers also speak of messages that we never saw.
        if self.random.random_bool(0.1) {
            return MessageId::new(self.random.random());
        }
        self.talks[talk].messages.choose(&mut self.random).copied().unwrap_or(MessageId::new([1; 16]))
    }

    pub(super) fn message(&mut self, author: Author, reply_to: Option<MessageId>) -> Message {
        let flags = MessageFlags {
            automatic: self.random.random_bool(0.05),
            forwarded: self.random.random_bool(0.05),
            ..MessageFlags::default()
        };
        Message {
            id: MessageId::new(self.random.random()),
            author,
            content: self.content(),
            provider_time: self.random.random_bool(0.9).then(|| self.said_at()),
            reply_to: reply_to.filter(|_| self.random.random_bool(0.2)),
            flags,
        }
    }

    pub(super) fn content(&mut self) -> Content {
        let known = MessageKind::KNOWN.len();
        let kind = match self.random.random_range(0..3 * known) {
            index if index < known => MessageKind::KNOWN[index].clone(),
            index if index == known => MessageKind::Other("hologram".to_owned()),
            _ => MessageKind::Text,
        };
        let text = TEXTS[self.random.random_range(0..TEXTS.len())].to_owned();
        let attachments = match kind {
            MessageKind::Image => vec![Attachment { mime_type: "image/jpeg".to_owned(), ..Attachment::default() }],
            _ => Vec::new(),
        };
        let subject = TEXTS[self.random.random_range(0..TEXTS.len())].to_owned();
        let mail = (kind == MessageKind::Email).then(|| MailPersonal { subject, ..MailPersonal::default() });
        let provider_id = self.provider_id();
        let personal = ContentPersonal { provider_id, text: Some(text), mail, ..ContentPersonal::default() };
        Content { kind, attachments, personal }
    }

    pub(super) fn report(&mut self, message: MessageId) -> DeliveryReport {
        let known = DeliveryStatus::KNOWN.len();
        let status = match self.random.random_range(0..=3 * known) {
            index if index < known => DeliveryStatus::KNOWN[index].clone(),
            index if index == known => DeliveryStatus::Other("teleported".to_owned()),
            index => USUAL[index % USUAL.len()].clone(),
        };
        let error_code = (status == DeliveryStatus::Failed).then(|| "131047".to_owned());
        let provider_id = self.provider_id();
        let personal = DeliveryReportPersonal { provider_id, ..DeliveryReportPersonal::default() };
        DeliveryReport { message, status, reported_at: self.said_at(), error_code, personal }
    }
}
