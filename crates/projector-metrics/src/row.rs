//! Rows of the metrics view: protobuf messages whose fields are only ever added. Nothing in them is personal.

use prost::Message;
use relevo_projection::{ApplyError, Rows};

/// What happened in one quarter of an hour on one channel.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct BucketRow {
    #[prost(uint64, tag = "1")]
    pub(crate) messages_in: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) messages_out: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) conversations_opened: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) episodes_started: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) resolved: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) reopened: u64,
    /// In the order of their first report.
    #[prost(message, repeated, tag = "7")]
    pub(crate) statuses: Vec<StatusRow>,
    /// In the order of their first pause.
    #[prost(message, repeated, tag = "8")]
    pub(crate) pauses: Vec<PauseRow>,
    #[prost(message, optional, tag = "9")]
    pub(crate) first_response: Option<SketchRow>,
}

/// Reports of one status.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StatusRow {
    /// `DeliveryStatus::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) status: String,
    #[prost(uint64, tag = "2")]
    pub(crate) count: u64,
}

/// Pauses for one reason.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PauseRow {
    /// `PauseReason::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "2")]
    pub(crate) manual: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) automatic: u64,
}

/// A distribution; see `sketch`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SketchRow {
    #[prost(uint64, tag = "1")]
    pub(crate) n: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) sum: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) min: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) max: u64,
    /// Ascending; `counts` has as many entries.
    #[prost(uint32, repeated, tag = "5")]
    pub(crate) buckets: Vec<u32>,
    #[prost(uint64, repeated, tag = "6")]
    pub(crate) counts: Vec<u64>,
}

/// A conversation, as far as figures of its current episode depend on it.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct EpisodeRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(uint32, tag = "2")]
    pub(crate) episode: u32,
    /// Time of the episode's first message of a person, in milliseconds.
    #[prost(sint64, optional, tag = "3")]
    pub(crate) first_customer_at: Option<i64>,
    #[prost(bool, tag = "4")]
    pub(crate) responded: bool,
    #[prost(uint64, tag = "5")]
    pub(crate) version: u64,
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
