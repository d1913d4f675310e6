//! Rows of the assignment view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; an empty
//! name means "none".

use prost::Message;
use relevo_projection::{ApplyError, Rows};

/// Whose a conversation is.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CurrentRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(bool, tag = "2")]
    pub(crate) resolved: bool,
    /// Absent until the first assignment.
    #[prost(message, optional, tag = "3")]
    pub(crate) assignment: Option<AssignmentRow>,
    #[prost(uint64, tag = "4")]
    pub(crate) version: u64,
}

/// An assignment.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AssignmentRow {
    #[prost(string, tag = "1")]
    pub(crate) agent: String,
    #[prost(string, tag = "2")]
    pub(crate) team: String,
    #[prost(sint64, tag = "3")]
    pub(crate) at: i64,
    /// The agent took it; else somebody decided it.
    #[prost(bool, tag = "4")]
    pub(crate) claimed: bool,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "5")]
    pub(crate) by: String,
}

/// How many open conversations.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LoadRow {
    #[prost(uint64, tag = "1")]
    pub(crate) open: u64,
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
