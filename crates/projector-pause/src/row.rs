//! Rows of the pause view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; an empty name
//! means "none".

use prost::Message;
use relevo_projection::waiting::WaitingRow;

/// The bot in one conversation, and what access depends on.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CurrentRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) agent: String,
    #[prost(string, tag = "3")]
    pub(crate) team: String,
    /// Absent while the bot is active.
    #[prost(message, optional, tag = "4")]
    pub(crate) pause: Option<PauseRow>,
    #[prost(uint64, tag = "5")]
    pub(crate) version: u64,
    /// Since when the bot has been silent without a break, over pauses that replaced each other. Present while it is.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) silent_since: Option<i64>,
    #[prost(message, optional, tag = "7")]
    pub(crate) waiting: Option<WaitingRow>,
}

/// What a list must know of a pause to leave it out without reading its conversation.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ListedRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) agent: String,
    #[prost(string, tag = "3")]
    pub(crate) team: String,
    #[prost(bool, tag = "4")]
    pub(crate) automatic: bool,
    #[prost(sint64, tag = "5")]
    pub(crate) since: i64,
}

/// A pause.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PauseRow {
    /// `PauseReason::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(bool, tag = "2")]
    pub(crate) automatic: bool,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "3")]
    pub(crate) by: String,
    #[prost(sint64, tag = "4")]
    pub(crate) since: i64,
    /// Personal data.
    #[prost(string, tag = "5")]
    pub(crate) note: String,
    /// When it ends by itself.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) until: Option<i64>,
    /// Only supervisors may end it.
    #[prost(bool, tag = "7")]
    pub(crate) locked: bool,
}

/// A pause or a resumption.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HistoryRow {
    /// Absent: resumed.
    #[prost(message, optional, tag = "1")]
    pub(crate) paused: Option<PauseRow>,
    #[prost(message, optional, tag = "2")]
    pub(crate) resumed: Option<ResumedRow>,
    /// `paused` was there before: by whom and when its terms were changed to these.
    #[prost(bool, tag = "3")]
    pub(crate) changed: bool,
}

/// A resumption.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ResumedRow {
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "1")]
    pub(crate) by: String,
    #[prost(sint64, tag = "2")]
    pub(crate) at: i64,
    /// Personal data.
    #[prost(string, tag = "3")]
    pub(crate) note: String,
    /// Since when the bot had been silent.
    #[prost(sint64, tag = "4")]
    pub(crate) silent_since: i64,
}

/// How many conversations are paused.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct CountRow {
    #[prost(uint64, tag = "1")]
    pub(crate) paused: u64,
}
