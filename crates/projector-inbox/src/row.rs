//! Rows of the inbox view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; names, words
//! and actors are the domain's texts; an empty text means "none".

mod contact;
mod outgoing;
mod thread;
mod workspace;

use prost::Message;
use relevo_projection::answers::AnswersRow;

pub use contact::IdentifierRow;
pub(crate) use contact::{ContactRow, CustomerRow, LinkRow, TagRow};
pub use outgoing::{CancelCode, FailureRow, OutgoingRow, REPORTED, SendState, StageCode, TimesRow};
pub use thread::{
    AttachmentRow, AttachmentStateCode, AuthorCode, DetectedRow, Entry, FlagsRow, LooseKind, LooseRow, MailRow,
    MessageRow, ReactionRow, ReportRow, TimelineKind, TimelineRow,
};
pub(crate) use thread::{LooseSpotRow, PlaceRow, SpotRow, ThreadRow};
pub(crate) use workspace::{ButtonRow, ChannelRow, HeaderRow, QuickReplyRow, TemplateRow};

/// What a list shows of a conversation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConversationRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) contact: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) channel: String,
    #[prost(string, tag = "3")]
    pub(crate) medium: String,
    /// 1 open, 2 pending, 3 snoozed, 4 resolved.
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
    /// Of the last commit of the conversation; where it stands in CHANGED.
    #[prost(uint64, tag = "15")]
    pub(crate) sequence: u64,
    /// The tenant's conversations are numbered from 0 in the order in which they were opened.
    #[prost(uint32, tag = "16")]
    pub(crate) ordinal: u32,
    /// Number of its contact; see [`ContactRow::ordinal`].
    #[prost(uint32, tag = "17")]
    pub(crate) contact_ordinal: u32,
    /// Of a snooze that ends by itself.
    #[prost(sint64, optional, tag = "18")]
    pub(crate) snoozed_until: Option<i64>,
    /// 0 none, 1 low, 2 normal, 3 high, 4 urgent.
    #[prost(uint32, tag = "19")]
    pub(crate) priority: u32,
    /// Sixteen bytes each, ascending; also those that the workspace has deleted since.
    #[prost(bytes = "vec", repeated, tag = "20")]
    pub(crate) tags: Vec<Vec<u8>>,
    /// What `unanswered` says; here so that columns need not look into it.
    #[prost(sint64, optional, tag = "21")]
    pub(crate) waiting_since: Option<i64>,
    /// What `unread_runs` says; here so that columns need not look into it.
    #[prost(uint64, tag = "22")]
    pub(crate) unread: u64,
    #[prost(message, repeated, tag = "23")]
    pub(crate) unread_runs: Vec<RunRow>,
    /// Version up to which staff has read.
    #[prost(uint64, tag = "24")]
    pub(crate) read_through: u64,
    /// What the business sent last with Relevo; absent before the first.
    #[prost(message, optional, tag = "25")]
    pub(crate) last_sent: Option<LastSentRow>,
    /// What `last_sent` says: it failed, or nobody knows. Here so that columns need not look into it.
    #[prost(bool, tag = "26")]
    pub(crate) problem: bool,
}

/// The message that the business sent last.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct LastSentRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) message: Vec<u8>,
    #[prost(enumeration = "SendState", tag = "2")]
    pub(crate) state: i32,
}

/// The part of a [`ConversationRow`] that columns hold, read without the rest.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FacetsRow {
    #[prost(string, tag = "2")]
    pub(crate) channel: String,
    #[prost(string, tag = "3")]
    pub(crate) medium: String,
    #[prost(uint32, tag = "4")]
    pub(crate) status: u32,
    /// Present while the bot is paused.
    #[prost(message, optional, tag = "6")]
    pub(crate) pause: Option<PresentRow>,
    #[prost(string, tag = "7")]
    pub(crate) agent: String,
    #[prost(string, tag = "8")]
    pub(crate) team: String,
    #[prost(sint64, tag = "11")]
    pub(crate) last_activity: i64,
    #[prost(uint32, tag = "16")]
    pub(crate) ordinal: u32,
    #[prost(uint32, tag = "17")]
    pub(crate) contact_ordinal: u32,
    #[prost(sint64, optional, tag = "18")]
    pub(crate) snoozed_until: Option<i64>,
    #[prost(uint32, tag = "19")]
    pub(crate) priority: u32,
    #[prost(bytes = "vec", repeated, tag = "20")]
    pub(crate) tags: Vec<Vec<u8>>,
    #[prost(sint64, optional, tag = "21")]
    pub(crate) waiting_since: Option<i64>,
    #[prost(uint64, tag = "22")]
    pub(crate) unread: u64,
    #[prost(bool, tag = "26")]
    pub(crate) problem: bool,
}

/// A message of which only the presence matters.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct PresentRow {}

/// Unread messages of the customer: `count` of them with versions from `first` to `last`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct RunRow {
    #[prost(uint64, tag = "1")]
    pub(crate) first: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) last: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) count: u64,
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
    /// When it ends by itself.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) until: Option<i64>,
    /// Only supervisors may end it.
    #[prost(bool, tag = "7")]
    pub(crate) locked: bool,
    /// The last since it began.
    #[prost(message, optional, tag = "8")]
    pub(crate) escalation: Option<EscalationRow>,
    /// The last of each kind since it began, in the order of the log.
    #[prost(message, repeated, tag = "10")]
    pub(crate) alerts: Vec<AlertRow>,
}

/// Staff was alerted.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AlertRow {
    /// `Alert::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) alert: String,
    /// Since when it had been so.
    #[prost(sint64, tag = "2")]
    pub(crate) since: i64,
    #[prost(sint64, tag = "3")]
    pub(crate) at: i64,
    /// Of its commit.
    #[prost(uint64, tag = "4")]
    pub(crate) sequence: u64,
}

/// Somebody was asked to take over.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct EscalationRow {
    #[prost(string, tag = "1")]
    pub(crate) to: String,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "2")]
    pub(crate) by: String,
    #[prost(sint64, tag = "3")]
    pub(crate) at: i64,
    /// `PauseReason::as_str`.
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
    /// Of its commit.
    #[prost(uint64, tag = "5")]
    pub(crate) sequence: u64,
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
    /// How it stands, if it was sent with Relevo.
    #[prost(enumeration = "SendState", tag = "5")]
    pub(crate) state: i32,
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
    /// Answers that the provider has not (knowingly) taken yet.
    #[prost(message, optional, tag = "6")]
    pub(crate) answers: Option<AnswersRow>,
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

/// What is counted once a tenant.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct NumbersRow {
    /// The next conversation's number.
    #[prost(uint32, tag = "1")]
    pub(crate) conversations: u32,
    /// The next contact's number.
    #[prost(uint32, tag = "2")]
    pub(crate) contacts: u32,
    /// Where the workspace stands in CHANGED; 0 if nowhere.
    #[prost(uint64, tag = "3")]
    pub(crate) workspace_changed: u64,
}

/// How many conversations of one holder, channel and team there are. `unread`, `paused` and `problems` count open and pending
/// ones.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct CountRow {
    #[prost(uint64, tag = "1")]
    pub(crate) open: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) pending: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) snoozed: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) resolved: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) unread: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) paused: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) problems: u64,
}
