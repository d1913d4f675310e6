//! A message that the business sends: what it says, to whom, and what its way to the provider can come to.
//!
//! What it says is typed, because a provider is told it again; the limits of providers stand in `channels`.

use std::time::Duration;

use crate::conversation::message::{Author, MessageKind};
use crate::id::MessageId;
use crate::identity::IdentifierKind;
use crate::time::Timestamp;

/// A message as it was queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub id: MessageId,
    /// Staff, bot or system.
    pub author: Author,
    /// Nobody asked for it in person: never answered by a machine, marked as automatic where the channel can.
    pub automatic: bool,
    /// The message that it quotes.
    pub reply_to: Option<MessageId>,
    pub body: Body,
    pub personal: OutgoingPersonal,
}

/// Who writes to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingPersonal {
    pub to: Recipient,
    /// Name of the member of staff, as colleagues see it.
    pub author_name: Option<String>,
    /// The provider's id of the quoted message, where the provider can quote.
    pub reply_to_provider_id: Option<String>,
}

/// The identifier that a message goes to, exactly as the provider wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient {
    pub kind: IdentifierKind,
    pub value: String,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Text {
        text: String,
        preview_url: bool,
    },
    /// A picture, a recording, a film, a file or a sticker, with a caption where the kind has one.
    Media {
        kind: MediaKind,
        file: StoredFile,
        caption: Option<String>,
    },
    Location(Location),
    Contacts(Vec<ContactCard>),
    /// A reaction to a message; no emoji takes it back.
    Reaction {
        target: MessageId,
        target_provider_id: String,
        emoji: Option<String>,
    },
    /// At most three buttons under a text.
    Buttons {
        frame: Frame,
        buttons: Vec<Choice>,
    },
    /// A list that opens with `button`.
    List {
        frame: Frame,
        button: String,
        sections: Vec<Section>,
    },
    Template(Box<TemplateUse>),
    Mail(Box<OutgoingMail>),
}

/// What a medium is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    Image,
    Audio,
    Video,
    Document,
    Sticker,
}

impl MediaKind {
    pub const ALL: [Self; 5] = [Self::Image, Self::Audio, Self::Video, Self::Document, Self::Sticker];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// A file that Relevo has stored, by the hash of its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredFile {
    /// Lower-case hex.
    pub sha256: String,
    /// MIME type, lower case, as found out from the content where that is possible.
    pub mime_type: String,
    pub size_bytes: u64,
    /// Personal: without path parts and control characters.
    pub file_name: Option<String>,
}

/// A place, in ten-millionths of a degree (about a centimetre).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub latitude_e7: i32,
    pub longitude_e7: i32,
    pub name: Option<String>,
    pub address: Option<String>,
}

/// A person's card.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ContactCard {
    pub name: String,
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub organisation: Option<String>,
}

/// The text around buttons or a list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    pub header: Option<String>,
    pub text: String,
    pub footer: Option<String>,
}

/// Something that can be chosen. The id comes back with the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub id: String,
    pub title: String,
    /// Rows of lists alone.
    pub description: Option<String>,
}

/// A group of rows in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub rows: Vec<Choice>,
}

/// A template with its variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUse {
    pub name: String,
    /// Exactly as the provider spells it.
    pub language: String,
    /// The provider's id of the template, where it is sent by id (Twilio's ContentSid).
    pub provider_id: Option<String>,
    pub values: Vec<TemplateValue>,
    /// For a header that is a medium.
    pub header_file: Option<StoredFile>,
    /// The whole message as the customer will read it.
    pub preview: String,
}

/// One variable of a template with what stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateValue {
    pub part: crate::template::Part,
    /// `1`, `2`… or the name of the variable.
    pub variable: String,
    pub value: String,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OutgoingMail {
    pub subject: String,
    pub text: String,
    /// The HTML part, if it has one. Sanitised before it was queued.
    pub html: Option<String>,
    /// SHA-256 of the HTML as it was asked for, lower-case hex: how a repeated command is recognised.
    pub html_sha256: Option<String>,
    pub cc: Vec<String>,
    /// Ours, without angle brackets; chosen when it was queued, the same at every attempt.
    pub message_id: String,
    pub in_reply_to: Option<String>,
    /// Oldest first.
    pub references: Vec<String>,
    /// Where answers go, if not to the channel's address: the address with the conversation's token.
    pub reply_to: Option<String>,
    pub files: Vec<StoredFile>,
}

impl Body {
    /// The kind that lists and threads show.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text { .. } => MessageKind::Text,
            Self::Media { kind, .. } => match kind {
                MediaKind::Image => MessageKind::Image,
                MediaKind::Audio => MessageKind::Audio,
                MediaKind::Video => MessageKind::Video,
                MediaKind::Document => MessageKind::Document,
                MediaKind::Sticker => MessageKind::Sticker,
            },
            Self::Location(_) => MessageKind::Location,
            Self::Contacts(_) => MessageKind::Contacts,
            Self::Reaction { .. } => MessageKind::Reaction,
            Self::Buttons { .. } | Self::List { .. } => MessageKind::Interactive,
            Self::Template(_) => MessageKind::Template,
            Self::Mail(_) => MessageKind::Email,
        }
    }

    /// What people read of it, if it has words.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Media { caption, .. } => caption.as_deref(),
            Self::Location(place) => place.name.as_deref().or(place.address.as_deref()),
            Self::Contacts(cards) => cards.first().map(|card| card.name.as_str()),
            Self::Reaction { emoji, .. } => emoji.as_deref(),
            Self::Buttons { frame, .. } | Self::List { frame, .. } => Some(&frame.text),
            Self::Template(template) => Some(&template.preview),
            Self::Mail(mail) => Some(&mail.text),
        }
    }

    /// Every file that it carries, in order.
    pub fn files(&self) -> &[StoredFile] {
        match self {
            Self::Media { file, .. } => std::slice::from_ref(file),
            Self::Template(template) => template.header_file.as_slice(),
            Self::Mail(mail) => &mail.files,
            Self::Text { .. }
            | Self::Location(_)
            | Self::Contacts(_)
            | Self::Reaction { .. }
            | Self::Buttons { .. }
            | Self::List { .. } => &[],
        }
    }

    /// Whether it may be sent when the customer has not written for a day.
    pub const fn needs_no_window(&self) -> bool {
        matches!(self, Self::Template(_) | Self::Mail(_))
    }
}

/// Why an attempt did not lead to the provider taking the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure {
    pub class: FailureClass,
    /// The provider's code, for example `131047`, `63016`, `5.1.1`; absent if it gave none.
    pub code: Option<String>,
    /// Personal, because a provider's words may name the recipient: what it said, for the operator.
    pub detail: Option<String>,
}

/// What kind of failure it is: what Relevo does about it, and what a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// The credential is wrong or has expired: the channel stops sending until it is mended; the message waits.
    Auth,
    /// Too much for the channel at once: the whole channel slows down; the message waits.
    Throttled,
    /// Too much for this recipient at once: this conversation waits.
    PairLimit,
    /// The provider holds the number's quality against it: nothing is sent by business initiative until somebody looks.
    Quality,
    /// The account is restricted or violates a policy. Final.
    Integrity,
    /// The provider's own trouble: tried again.
    Transient,
    /// The customer's last message is more than a day old. Final: a template would do.
    Window,
    /// The recipient cannot be reached. Final.
    Recipient,
    /// The message is not acceptable as it is. Final.
    Content,
    /// The template is missing, paused, or filled in wrongly. Final.
    Template,
    /// The account needs somebody's attention (payment, registration, display name). Final.
    Account,
    /// A file could not be handed over (too big, wrong type, gone). Final.
    File,
    /// It waited or was tried for too long. Final.
    Expired,
    /// An answer that Relevo does not know. Final.
    Unknown,
}

impl FailureClass {
    pub const ALL: [Self; 14] = [
        Self::Auth,
        Self::Throttled,
        Self::PairLimit,
        Self::Quality,
        Self::Integrity,
        Self::Transient,
        Self::Window,
        Self::Recipient,
        Self::Content,
        Self::Template,
        Self::Account,
        Self::File,
        Self::Expired,
        Self::Unknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Throttled => "throttled",
            Self::PairLimit => "pair_limit",
            Self::Quality => "quality",
            Self::Integrity => "integrity",
            Self::Transient => "transient",
            Self::Window => "window",
            Self::Recipient => "recipient",
            Self::Content => "content",
            Self::Template => "template",
            Self::Account => "account",
            Self::File => "file",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// Whether the message goes back to the queue: everything else is for a person.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Auth | Self::Throttled | Self::PairLimit | Self::Transient)
    }
}

/// Why a queued message will not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelCause {
    /// The bot was paused before its message was handed to the provider.
    BotPaused,
    /// Staff took it back.
    Staff,
}

/// What became of fetching a medium that a customer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    Stored(StoredFile),
    /// It cannot be had: `gone`, `too_big`, `infected`, `refused`, `not_the_type`.
    Unavailable {
        reason: String,
    },
}

/// How long after the time of its claim a provider's call is over for certain: the longest call (30 s), and what the clocks of two
/// nodes may differ by (30 s). No sender lets a call go on for longer, and from then on its outcome may be called unknown.
pub const CALL_OVER_AFTER: Duration = Duration::from_mins(1);

/// How long after the time of its claim a signal's call is over for certain: the longest call (3 s), and what the clocks of two
/// nodes may differ by (2 s, less than for a message: what a wrong clock hides here is a "typing").
pub const SIGNAL_OVER_AFTER: Duration = Duration::from_secs(5);

/// A message on its way, as the rules remember it until the provider has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub id: MessageId,
    pub author: Author,
    pub queued_at: Timestamp,
    /// How often it was handed to the provider.
    pub attempts: u32,
    pub stage: Stage,
}

/// Where a message stands that the provider has not (knowingly) taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for its turn, and until then if there is a time.
    Queued { not_before: Option<Timestamp> },
    /// A sender is handing it over, and must have begun by `until`.
    Claimed { claim: String, until: Timestamp },
    /// Nobody knows whether the provider has it. A report may tell; else a person decides.
    Unknown { since: Timestamp },
}

impl Pending {
    /// Whether the provider may have it: it was claimed, and nobody has said since that it did not get there.
    pub const fn handed_over(&self) -> bool {
        matches!(self.stage, Stage::Claimed { .. } | Stage::Unknown { .. })
    }

    /// Whether a sender may be handing it over at this moment. Of unknown outcome is only what no sender calls with any more.
    pub fn on_the_wire(&self, now: Timestamp) -> bool {
        matches!(self.stage, Stage::Claimed { until, .. } if now < until + CALL_OVER_AFTER)
    }
}
