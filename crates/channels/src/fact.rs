//! Facts: what an update says, in the domain's terms, before anybody knows which conversation it belongs to.

use relevo_domain::conversation::{Attachment, DeliveryStatus, Medium, MessageFlags, MessageKind};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{MessageId, Timestamp};

/// One update of an input: one message, one status, or one other thing that the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub target: Target,
    pub content: Result<Fact, NotUnderstood>,
}

/// What the update names as its receiver; intake finds the channel from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The endpoint is the channel (Twilio, mail).
    Endpoint,
    /// A WhatsApp number, by Meta's `phone_number_id`.
    Number { phone_number_id: String },
    /// A WhatsApp Business account, for updates that name no number id; some show the number itself.
    Account { waba_id: String, display_phone_number: Option<String> },
    /// The input names nothing (malformed JSON, no entry id).
    Nowhere,
}

/// How an update is counted. Every update is of exactly one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Something that a customer wrote: text, media, reaction, edit, deletion, mail…
    Message,
    /// A delivery status of a message that the business sent.
    Status,
    /// Everything else.
    Other,
}

/// What identifies an update for ever: redeliveries have the same key on the same channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What the id names: `message`, `status`, `update`, `mail`. Ids of different kinds never collide.
    pub kind: &'static str,
    /// The provider's own id; for mails the Message-ID, or empty.
    pub provider_id: String,
    /// What tells updates with one provider id apart: status, recipient and error code; a mail's content hash.
    pub discriminator: String,
}

/// One understood update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub key: Key,
    pub medium: Medium,
    /// The provider's time, unclamped. Absent where it gives none.
    pub provider_time: Option<Timestamp>,
    /// Every identifier of the *customer* that the update carries: who wrote, or to whom a status belongs. May be empty.
    pub identifiers: Vec<Identifier>,
    /// The customer's name as this update shows it.
    pub name: Option<String>,
    pub what: What,
}

/// One name that a provider has for a person, normalised only in what never changes its meaning (letter case of addresses).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    pub kind: IdentifierKind,
    pub value: String,
}

/// What the update says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The customer wrote.
    Message(Box<MessageFact>),
    /// The owner wrote from the phone app.
    Echo(Box<MessageFact>),
    /// The author edited a message. `by_business`: an echo of an edit on the phone.
    Edit {
        original_provider_id: String,
        message: Box<MessageFact>,
        by_business: bool,
    },
    /// The author deleted a message.
    Revoke {
        original_provider_id: String,
        by_business: bool,
    },
    /// A reaction; no emoji takes it back.
    Reaction {
        message_provider_id: String,
        emoji: Option<String>,
    },
    Status(StatusFact),
    /// The provider says that the customer's identifiers changed; the message itself is shown in the thread.
    IdentityChanged {
        message: Box<MessageFact>,
        previous: Vec<Identifier>,
        current: Vec<Identifier>,
    },
    Mail(Box<MailFact>),
    /// Anything else: kept as it came.
    ProviderUpdate {
        field: String,
        json: String,
    },
}

/// A message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFact {
    pub provider_id: String,
    pub kind: MessageKind,
    pub text: Option<String>,
    /// The identifier that the author wrote from, exactly as received.
    pub sender_address: Option<String>,
    /// Provider id of the quoted message.
    pub quoted_provider_id: Option<String>,
    pub attachments: Vec<Attachment>,
    /// What the kind carries beyond text, as JSON text.
    pub details_json: Option<String>,
    pub flags: MessageFlags,
}

/// A delivery status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFact {
    pub provider_id: String,
    /// Our own id of the message, where the provider carried it back.
    pub ours: Option<MessageId>,
    pub status: DeliveryStatus,
    pub error_code: Option<String>,
    /// To whom, as the provider wrote it.
    pub recipient: Option<String>,
    pub details_json: Option<String>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MailFact {
    /// Without angle brackets; absent if the mail has none.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    /// Oldest first, at most the last 50.
    pub references: Vec<String>,
    pub subject: String,
    /// The first From address, lower case; absent if there is none that could be read.
    pub from: Option<String>,
    pub from_name: Option<String>,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    /// Addresses of ours that it was handed to on its way (`Delivered-To`, `X-Original-To`), which forwarding keeps.
    pub delivered_to: Vec<String>,
    /// The visible text, without the quoted part.
    pub text: Option<String>,
    /// The quoted part, whole.
    pub quoted: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
    pub flags: MessageFlags,
    /// SHA-256 over From, Date, Subject and body, lower-case hex: tells two mails with one Message-ID apart.
    pub content_hash: String,
    /// For bounces: what the report says, as JSON text (recipient, action, status, original Message-ID).
    pub report_json: Option<String>,
    /// What a machine reports about a mail of ours; absent if this is no report, or says nothing that can be used.
    pub report: Option<MailReport>,
    /// The whole mail had this many bytes, of which only the beginning was taken in.
    pub truncated_from: Option<u64>,
}

/// What became of a mail that somebody sent, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReport {
    /// The Message-ID of the mail that it is about, without angle brackets.
    pub original_message_id: String,
    /// `Failed` and `Warning` (a delay) from delivery reports, `Read` from receipts, `complaint` from feedback.
    pub status: DeliveryStatus,
    /// The enhanced status code, for example `5.1.1`.
    pub code: Option<String>,
    /// Personal: who it is about.
    pub recipient: Option<String>,
    /// What became of each recipient, the worst first; never empty. The fields above are the first's.
    pub recipients: Vec<MailRecipient>,
}

/// What became of a mail on the way to one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecipient {
    pub status: DeliveryStatus,
    pub code: Option<String>,
    /// Personal: the address that the report is about, and the one that the mail was sent to, where they are told. They differ
    /// if the first passes mails on.
    pub address: Option<String>,
    pub original_address: Option<String>,
}

impl MailRecipient {
    /// Whether this is about that address.
    pub fn is(&self, address: &str) -> bool {
        let named = [&self.address, &self.original_address];
        named.into_iter().flatten().any(|named| named.eq_ignore_ascii_case(address))
    }

    /// The address to show.
    pub fn shown(&self) -> Option<&String> {
        self.address.as_ref().or(self.original_address.as_ref())
    }
}

/// An update that could not become a fact. Its bytes are parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    pub reason: NotUnderstoodReason,
    /// Where in the input: a JSON pointer, a form field. Never a value (values are personal).
    pub at: String,
    /// What class it would have been, if that much is clear.
    pub class: Option<Class>,
}

/// Why an update is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotUnderstoodReason {
    /// Not JSON, not a form, not a mail.
    Malformed,
    /// A value of a type that cannot be used where it stands.
    WrongType,
    /// No provider id: a redelivery could not be told from a new message.
    MissingId,
    /// Nobody is named as the sender.
    MissingSender,
    /// Understood in a later version (group messages, gateways).
    NotYet,
}

impl NotUnderstoodReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::MissingId => "missing_id",
            Self::MissingSender => "missing_sender",
            Self::NotYet => "not_yet",
        }
    }
}

impl Fact {
    /// How this fact is counted.
    pub const fn class(&self) -> Class {
        match &self.what {
            What::Message(_) | What::Reaction { .. } | What::IdentityChanged { .. } | What::Mail(_) => Class::Message,
            What::Edit { by_business, .. } | What::Revoke { by_business, .. } => {
                if *by_business {
                    Class::Other
                } else {
                    Class::Message
                }
            }
            What::Status(_) => Class::Status,
            What::Echo(_) | What::ProviderUpdate { .. } => Class::Other,
        }
    }
}
