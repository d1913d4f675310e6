//! Rows of threads: messages, what changed in a conversation, and what came about messages that we do not have.

use prost::{Enumeration, Message, Oneof};

use super::{OutgoingRow, TimesRow};

/// One entry of a thread.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ThreadRow {
    #[prost(sint64, tag = "1")]
    pub(crate) occurred_at: i64,
    #[prost(oneof = "Entry", tags = "2, 3, 4")]
    pub(crate) entry: Option<Entry>,
    /// Sequence of the commit that wrote this row last.
    #[prost(uint64, tag = "5")]
    pub(crate) changed: u64,
}

/// What an entry of a thread is.
#[derive(Clone, PartialEq, Oneof)]
pub enum Entry {
    /// A message or a private note.
    #[prost(message, tag = "2")]
    Message(MessageRow),
    /// A change of the conversation.
    #[prost(message, tag = "3")]
    Timeline(TimelineRow),
    /// Something about a message that we do not have.
    #[prost(message, tag = "4")]
    Loose(LooseRow),
}

/// A message or a private note. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Message)]
pub struct MessageRow {
    /// Sixteen bytes of a `MessageId`.
    #[prost(bytes = "vec", tag = "1")]
    pub message: Vec<u8>,
    /// The domain's or the provider's word.
    #[prost(string, tag = "2")]
    pub kind: String,
    #[prost(enumeration = "AuthorCode", tag = "3")]
    pub author: i32,
    /// Who wrote a note, as `Actor::to_word` writes it.
    #[prost(string, tag = "4")]
    pub by: String,
    /// Latest text; empty if there is none.
    #[prost(string, tag = "5")]
    pub text: String,
    #[prost(string, tag = "6")]
    pub sender_name: String,
    #[prost(string, tag = "7")]
    pub sender_address: String,
    /// Sixteen bytes of a `MessageId`; empty if it quotes nothing.
    #[prost(bytes = "vec", tag = "8")]
    pub reply_to: Vec<u8>,
    #[prost(sint64, optional, tag = "9")]
    pub provider_time: Option<i64>,
    #[prost(sint64, optional, tag = "10")]
    pub edited_at: Option<i64>,
    #[prost(sint64, optional, tag = "11")]
    pub revoked_at: Option<i64>,
    /// The latest of each author. One that was taken back has no emoji; readers do not get it.
    #[prost(message, repeated, tag = "12")]
    pub reactions: Vec<ReactionRow>,
    #[prost(message, repeated, tag = "13")]
    pub attachments: Vec<AttachmentRow>,
    /// The furthest status by rank; empty if none.
    #[prost(string, tag = "14")]
    pub delivery_status: String,
    /// Every report with its time, in the order of the log; of a word repeated without end, the first few.
    #[prost(message, repeated, tag = "15")]
    pub reports: Vec<ReportRow>,
    #[prost(message, optional, tag = "16")]
    pub flags: Option<FlagsRow>,
    #[prost(message, optional, tag = "17")]
    pub mail: Option<MailRow>,
    #[prost(string, tag = "18")]
    pub details_json: String,
    /// Present for what was sent with Relevo.
    #[prost(message, optional, tag = "19")]
    pub outgoing: Option<OutgoingRow>,
    /// When what a provider reported happened; absent before the first report.
    #[prost(message, optional, tag = "20")]
    pub times: Option<TimesRow>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum AuthorCode {
    Unspecified = 0,
    Customer = 1,
    PhoneApp = 2,
    Staff = 3,
    /// A bot, to the customer.
    Bot = 4,
    /// Relevo itself, to the customer.
    System = 5,
}

/// A reaction.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReactionRow {
    /// Whose it is, as `Actor::to_word` writes it.
    #[prost(string, tag = "1")]
    pub by: String,
    #[prost(string, tag = "2")]
    pub emoji: String,
    #[prost(sint64, tag = "3")]
    pub at: i64,
}

/// Metadata of an attachment.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AttachmentRow {
    #[prost(string, tag = "1")]
    pub mime_type: String,
    #[prost(uint64, optional, tag = "2")]
    pub size_bytes: Option<u64>,
    #[prost(string, tag = "3")]
    pub sha256: String,
    #[prost(bool, tag = "4")]
    pub voice: bool,
    #[prost(bool, tag = "5")]
    pub inline: bool,
    #[prost(string, tag = "6")]
    pub file_name: String,
    #[prost(string, tag = "7")]
    pub provider_id: String,
    #[prost(string, tag = "8")]
    pub url: String,
    /// Whether Relevo has the file.
    #[prost(enumeration = "AttachmentStateCode", tag = "9")]
    pub state: i32,
    /// Why it cannot be had; empty unless the state says so.
    #[prost(string, tag = "10")]
    pub unavailable: String,
}

/// Whether the file of an attachment can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum AttachmentStateCode {
    /// It has not been fetched yet.
    Pending = 0,
    /// Type, size and hash are those of the stored file.
    Stored = 1,
    /// It cannot be had.
    Unavailable = 2,
}

/// What a provider reported.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReportRow {
    #[prost(string, tag = "1")]
    pub status: String,
    #[prost(sint64, tag = "2")]
    pub at: i64,
    #[prost(string, tag = "3")]
    pub error_code: String,
    /// Of a failure: the provider's id of what failed. Each attempt at a message has one of its own. Personal data.
    #[prost(string, tag = "4")]
    pub failed_as: String,
}

/// What a message is, where it is not an ordinary one.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct FlagsRow {
    #[prost(bool, tag = "1")]
    pub automatic: bool,
    #[prost(bool, tag = "2")]
    pub bounce: bool,
    #[prost(bool, tag = "3")]
    pub delay: bool,
    #[prost(bool, tag = "4")]
    pub list: bool,
    #[prost(bool, tag = "5")]
    pub complaint: bool,
    #[prost(bool, tag = "6")]
    pub own_loop: bool,
    #[prost(bool, tag = "7")]
    pub message_id_reused: bool,
    #[prost(bool, tag = "8")]
    pub forwarded: bool,
    #[prost(bool, tag = "9")]
    pub frequently_forwarded: bool,
    #[prost(bool, tag = "10")]
    pub imported: bool,
    #[prost(bool, tag = "11")]
    pub unverified: bool,
}

/// What only a mail has. Its HTML stays on the log: a page of threads must stay small.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MailRow {
    #[prost(string, tag = "1")]
    pub subject: String,
    #[prost(string, repeated, tag = "2")]
    pub to: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub cc: Vec<String>,
    #[prost(string, tag = "4")]
    pub quoted: String,
    #[prost(bool, tag = "5")]
    pub has_html: bool,
    /// Ours, of a mail that was sent with Relevo.
    #[prost(string, tag = "6")]
    pub message_id: String,
}

/// What changed in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum TimelineKind {
    Unspecified = 0,
    EpisodeStarted = 1,
    BotPaused = 2,
    BotResumed = 3,
    Assigned = 4,
    Resolved = 5,
    Reopened = 6,
    MarkedPending = 7,
    Snoozed = 8,
    ReturnedToOpen = 9,
    TagAdded = 10,
    TagRemoved = 11,
    PrioritySet = 12,
    MarkedRead = 13,
    PauseChanged = 14,
    Escalated = 15,
    SituationDetected = 16,
    SuggestionClosed = 17,
    AlertRaised = 18,
}

/// A change of the conversation.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TimelineRow {
    #[prost(enumeration = "TimelineKind", tag = "1")]
    pub kind: i32,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "2")]
    pub by: String,
    /// 0 where the change has none.
    #[prost(uint32, tag = "3")]
    pub episode: u32,
    /// Of a pause: `PauseReason::as_str`.
    #[prost(string, tag = "4")]
    pub pause_reason: String,
    #[prost(bool, tag = "5")]
    pub automatic: bool,
    #[prost(string, tag = "6")]
    pub agent: String,
    #[prost(string, tag = "7")]
    pub team: String,
    /// Of an assignment: true if the agent took it, false if somebody decided it.
    #[prost(bool, tag = "8")]
    pub claimed: bool,
    /// Of a resolution.
    #[prost(string, tag = "9")]
    pub reason: String,
    #[prost(string, tag = "10")]
    pub note: String,
    /// Of an episode, a reopening, a return to open and a resumption: `customer_message`, `business_message`, `imported`, `staff`
    /// or `timer`.
    #[prost(string, tag = "11")]
    pub cause: String,
    /// Of a snooze or a pause that ends by itself.
    #[prost(sint64, optional, tag = "12")]
    pub until: Option<i64>,
    /// Of a snooze: `SnoozePreset::as_str`.
    #[prost(string, tag = "13")]
    pub preset: String,
    /// Sixteen bytes of a `TagId`; also of one that the workspace has deleted since.
    #[prost(bytes = "vec", tag = "14")]
    pub tag: Vec<u8>,
    /// `Priority::as_str`.
    #[prost(string, tag = "15")]
    pub priority: String,
    /// Of a read mark: version of the conversation up to which it was read.
    #[prost(uint64, tag = "16")]
    pub through: u64,
    /// Of a pause: only supervisors may end it.
    #[prost(bool, tag = "17")]
    pub locked: bool,
    /// Of what was detected. Its reason stands in `pause_reason`.
    #[prost(message, optional, tag = "18")]
    pub detected: Option<DetectedRow>,
    /// Of a suggestion: the version of the event that made it.
    #[prost(uint64, tag = "19")]
    pub suggestion: u64,
    /// Of a suggestion that was closed.
    #[prost(bool, tag = "20")]
    pub accepted: bool,
    /// Of an alert: `Alert::as_str`.
    #[prost(string, tag = "21")]
    pub alert: String,
    /// Of an alert: since when it had been so.
    #[prost(sint64, optional, tag = "22")]
    pub since: Option<i64>,
}

/// What a rule found.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DetectedRow {
    /// `Rule::as_str`.
    #[prost(string, tag = "1")]
    pub rule: String,
    /// Sixteen bytes each.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub messages: Vec<Vec<u8>>,
    #[prost(uint32, tag = "3")]
    pub count: u32,
    /// Personal data.
    #[prost(string, tag = "4")]
    pub phrase: String,
}

/// What an update about an unknown message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum LooseKind {
    Unspecified = 0,
    Edited = 1,
    Revoked = 2,
    Reaction = 3,
    Delivery = 4,
}

/// Something about a message that we do not have. `about` holds what it would change: new text and kind, `revoked_at`,
/// reactions, reports. It becomes part of the message if that comes.
#[derive(Clone, PartialEq, Message)]
pub struct LooseRow {
    #[prost(enumeration = "LooseKind", tag = "1")]
    pub kind: i32,
    #[prost(message, optional, tag = "2")]
    pub about: Option<MessageRow>,
}

/// Where a message stands in its thread, or what is there about it while it is unknown. The id that a provider's reports name
/// one of our messages by has a place of its own, which is the same.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PlaceRow {
    #[prost(message, optional, tag = "1")]
    pub(crate) known: Option<SpotRow>,
    /// At most one of each kind.
    #[prost(message, repeated, tag = "2")]
    pub(crate) loose: Vec<LooseSpotRow>,
    /// Of the id that a provider's reports name one of our messages by: sixteen bytes of the message's own.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) alias_of: Vec<u8>,
}

/// A place on the thread.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct SpotRow {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) ordinal: u32,
}

/// Where a loose update stands.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LooseSpotRow {
    #[prost(enumeration = "LooseKind", tag = "1")]
    pub(crate) kind: i32,
    #[prost(message, required, tag = "2")]
    pub(crate) spot: SpotRow,
}
