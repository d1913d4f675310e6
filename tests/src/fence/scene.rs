//! Who and what there is in the model: names, ids, and commands as their callers ask for them.

use std::sync::LazyLock;
use std::time::Duration;

use relevo_domain::access::Role;
use relevo_domain::conversation::{
    Author, Body, Command, Content, ContentPersonal, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, Envelope,
    FailureClass, Medium, Message, MessageFlags, MessageKind, Outgoing, OutgoingPersonal, PauseReason, PauseTerms,
    PauseWish, Place, Recipient, Send, SendFailure, TurnRef,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, AgentId, ChannelId, CommandId, EntityId, EntityKind, MessageId, TenantId, Timestamp};

/// When every world begins.
pub const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// What a call may take: its time-out at the door, and the sender's grace.
pub const CALL_MAX: Duration = Duration::from_secs(32);

/// The person of each conversation. The third one is not open at the beginning; who opens it is the first one's other self.
pub const CONVERSATIONS: [u8; 3] = [0, 1, 2];

static TENANT: LazyLock<TenantId> = LazyLock::new(|| TenantId::new("tienda").unwrap());
static CHANNEL: LazyLock<ChannelId> = LazyLock::new(|| ChannelId::new("wa").unwrap());

pub fn tenant() -> TenantId {
    TENANT.clone()
}

pub const fn conversation(n: u8) -> EntityId {
    EntityId::new(EntityKind::Conversation, [n + 1; 16])
}

/// The contact of a conversation.
pub const fn contact(n: u8) -> EntityId {
    // The third conversation is a second one of the first contact.
    EntityId::new(EntityKind::Contact, [n % 2 + 1; 16])
}

pub const fn message(n: u8) -> MessageId {
    MessageId::new([n; 16])
}

pub fn command_id(what: &str, n: usize) -> CommandId {
    CommandId::new(format!("{what}-{n}")).unwrap()
}

pub fn place(n: u8, contact_paused: bool) -> Place {
    Place { channel: CHANNEL.clone(), medium: Medium::WhatsApp, contact: contact(n), contact_paused }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Customer,
    Staff,
    Bot,
    Provider,
    Relevo,
}

pub fn envelope(who: Who, now: Timestamp) -> Envelope {
    let name = |name: &str| AgentId::new(name).unwrap();
    let (actor, role) = match who {
        Who::Customer => (Actor::Customer, None),
        Who::Staff => (Actor::Staff(name("laura")), Some(Role::Supervisor)),
        Who::Bot => (Actor::Bot(name("asistente")), Some(Role::Bot)),
        Who::Provider => (Actor::Provider, None),
        Who::Relevo => (Actor::System, None),
    };
    Envelope { actor, role, now, new_message: message(255) }
}

pub fn inbound(n: u8, contact_paused: bool, id: MessageId) -> Command {
    let content = Content { kind: MessageKind::Text, attachments: vec![], personal: ContentPersonal::default() };
    let message = Message {
        id,
        author: Author::Customer,
        content,
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    };
    Command::ReceiveMessage { place: place(n, contact_paused), message: Box::new(message), detection: None }
}

/// A text to the customer. `place`: where it opens a conversation.
pub fn text(author: Author, id: MessageId, place: Option<Place>) -> Command {
    said(author, id, place, None)
}

/// A bot's text in its turn.
pub fn text_in(author: Author, id: MessageId, turn: Option<TurnRef>) -> Command {
    said(author, id, None, turn)
}

fn said(author: Author, id: MessageId, place: Option<Place>, turn: Option<TurnRef>) -> Command {
    let outgoing = Outgoing {
        id,
        author,
        automatic: author != Author::Staff,
        reply_to: None,
        body: Body::Text { text: "hola".to_owned(), preview_url: false },
        personal: OutgoingPersonal {
            to: Recipient { kind: IdentifierKind::WaId, value: "5491155550101".to_owned() },
            author_name: None,
            reply_to_provider_id: None,
        },
    };
    Command::SendMessage(Box::new(Send {
        outgoing,
        place,
        last_seen_version: None,
        force: true,
        pauses_bot: true,
        pause: None,
        turn,
        channel_paused: false,
        detection: None,
    }))
}

pub fn pause() -> Command {
    Command::PauseBot(PauseWish { reason: PauseReason::Complaint, note: None, terms: PauseTerms::default() })
}

pub const fn resume() -> Command {
    Command::ResumeBot { catch_up: relevo_domain::conversation::CatchUp::Know, note: None, farewell: None }
}

/// The provider says that the customer has it.
pub fn delivered(id: MessageId, now: Timestamp) -> Command {
    let report = DeliveryReport {
        message: id,
        status: DeliveryStatus::Delivered,
        reported_at: now,
        error_code: None,
        personal: DeliveryReportPersonal::default(),
    };
    Command::RecordDeliveryReport { report, alias: id }
}

/// The provider's own trouble: tried again.
pub fn trouble() -> SendFailure {
    SendFailure { class: FailureClass::Transient, code: None, detail: None }
}
