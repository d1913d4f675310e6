//! Rows of the pause view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; an empty name
//! means "none".

use prost::Message;
use relevo_projection::{ApplyError, Rows};

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
}

/// A pause or a resumption.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HistoryRow {
    /// Absent: resumed.
    #[prost(message, optional, tag = "1")]
    pub(crate) paused: Option<PauseRow>,
    #[prost(message, optional, tag = "2")]
    pub(crate) resumed: Option<ResumedRow>,
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
}

/// How many conversations are paused.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct CountRow {
    #[prost(uint64, tag = "1")]
    pub(crate) paused: u64,
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
