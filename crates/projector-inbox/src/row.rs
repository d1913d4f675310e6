//! Rows of the inbox view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; names, words
//! and actors are the domain's texts; an empty text means "none".

use prost::{Enumeration, Message, Oneof};
use relevo_projection::{ApplyError, Rows};

/// What a list shows of a conversation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConversationRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) contact: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) channel: String,
    #[prost(string, tag = "3")]
    pub(crate) medium: String,
    /// The status's byte in LIST keys.
    #[prost(uint32, tag = "4")]
    pub(crate) status: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) episode: u32,
    #[prost(message, optional, tag = "6")]
    pub(crate) pause: Option<PauseRow>,
    #[prost(string, tag = "7")]
    pub(crate) agent: String,
    #[prost(string, tag = "8")]
    pub(crate) team: String,
    /// Identifier that the customer last wrote from.
    #[prost(string, tag = "9")]
    pub(crate) address: String,
    #[prost(message, optional, tag = "10")]
    pub(crate) preview: Option<PreviewRow>,
    #[prost(sint64, tag = "11")]
    pub(crate) last_activity: i64,
    /// Time of the customer's last message that opens a window.
    #[prost(sint64, optional, tag = "12")]
    pub(crate) last_customer_at: Option<i64>,
    #[prost(message, optional, tag = "13")]
    pub(crate) unanswered: Option<UnansweredRow>,
    #[prost(uint64, tag = "14")]
    pub(crate) version: u64,
    #[prost(uint64, tag = "15")]
    pub(crate) sequence: u64,
}

/// A pause that stands.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PauseRow {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(bool, tag = "2")]
    pub(crate) automatic: bool,
    #[prost(string, tag = "3")]
    pub(crate) by: String,
    #[prost(sint64, tag = "4")]
    pub(crate) since: i64,
    #[prost(string, tag = "5")]
    pub(crate) note: String,
}

/// The message that a list shows a line of: the latest by time, of equals the later on the log.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PreviewRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) message: Vec<u8>,
    #[prost(sint64, tag = "2")]
    pub(crate) at: i64,
    #[prost(string, tag = "3")]
    pub(crate) kind: String,
    #[prost(string, tag = "4")]
    pub(crate) text: String,
}

/// The customer's messages that the business has not answered, by time.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct UnansweredRow {
    /// Ascending; the oldest ones.
    #[prost(sint64, repeated, tag = "1")]
    pub(crate) times: Vec<i64>,
    /// The later ones, when there are too many to keep each time. Ascending; no two overlap, none begins before `times` ends.
    #[prost(message, repeated, tag = "5")]
    pub(crate) more: Vec<SpanRow>,
    /// Time of the business's last message: what the customer wrote before it was answered, even if it comes to us later.
    #[prost(sint64, optional, tag = "4")]
    pub(crate) answered_at: Option<i64>,
}

/// Messages that are near each other in time, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct SpanRow {
    #[prost(sint64, tag = "1")]
    pub(crate) from: i64,
    #[prost(sint64, tag = "2")]
    pub(crate) until: i64,
    #[prost(uint64, tag = "3")]
    pub(crate) count: u64,
}

/// One entry of a thread.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ThreadRow {
    #[prost(sint64, tag = "1")]
    pub(crate) occurred_at: i64,
    #[prost(oneof = "Entry", tags = "2, 3, 4")]
    pub(crate) entry: Option<Entry>,
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
    /// Every report, in the order of the log; at most `REPORTS_MAX`.
    #[prost(message, repeated, tag = "15")]
    pub reports: Vec<ReportRow>,
    #[prost(message, optional, tag = "16")]
    pub flags: Option<FlagsRow>,
    #[prost(message, optional, tag = "17")]
    pub mail: Option<MailRow>,
    #[prost(string, tag = "18")]
    pub details_json: String,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum AuthorCode {
    Unspecified = 0,
    Customer = 1,
    PhoneApp = 2,
    Staff = 3,
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

/// Where a message stands in its thread, or what is there about it while it is unknown.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PlaceRow {
    #[prost(message, optional, tag = "1")]
    pub(crate) known: Option<SpotRow>,
    /// At most one of each kind.
    #[prost(message, repeated, tag = "2")]
    pub(crate) loose: Vec<LooseSpotRow>,
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

/// A contact.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ContactRow {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// At most `IDENTIFIERS_MAX`, in the order in which they were learnt.
    #[prost(message, repeated, tag = "2")]
    pub(crate) identifiers: Vec<IdentifierRow>,
    #[prost(uint64, tag = "3")]
    pub(crate) version: u64,
}

/// One name that a provider has for a person.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct IdentifierRow {
    /// `IdentifierKind::as_str`.
    #[prost(string, tag = "1")]
    pub kind: String,
    #[prost(string, tag = "2")]
    pub channel: String,
    #[prost(string, tag = "3")]
    pub value: String,
}

/// How two contacts became one person.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LinkRow {
    #[prost(sint64, tag = "1")]
    pub(crate) since: i64,
}

/// A stored value as its row; the error names the table, never the content.
pub(crate) fn decode<T: Message + Default>(table: &str, bytes: &[u8]) -> Result<T, String> {
    T::decode(bytes).map_err(|error| format!("{table}: {error}"))
}

/// The row at a key while commits are applied.
pub(crate) fn load<T: Message + Default>(rows: &dyn Rows, table: &str, key: &[u8]) -> Result<Option<T>, ApplyError> {
    let stored = rows.get(key)?;
    stored.map(|bytes| decode(table, &bytes).map_err(ApplyError::BadRow)).transpose()
}

pub(crate) fn store(rows: &mut dyn Rows, key: Vec<u8>, row: &impl Message) {
    rows.put(key, row.encode_to_vec());
}
