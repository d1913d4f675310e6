//! Parked items: raw input, or updates of it, that could not be understood or routed, until somebody retries or discards it.
//!
//! An item is named by its intake sequence and holds a copy of the bytes, so that it outlives the raw stream. Its reasons say
//! which updates are parked and why.

use std::fmt;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::message::StreamMessage;
use bytes::Bytes;
use prost::Message as _;
use relevo_domain::{EndpointId, Timestamp};

use crate::connection::Connection;
use crate::intake::InputKind;
use crate::log::LogError;
use crate::object::{self, INLINE_BYTES_MAX};
use crate::request::{Which, leader_get, publish};
use crate::streams::StreamName;
use crate::subject::{self, PARKED_PREFIX};

/// The most items in one page of a list: each is read with its body.
pub const PARKED_PAGE_MAX: usize = 200;

/// Why one update of an item is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedReason {
    /// The update's place in its item; 0 if the item as a whole cannot be understood.
    pub ordinal: u32,
    /// A word of a closed vocabulary, nothing personal, for example `unknown_channel`.
    pub reason: String,
    /// Where in the input, for example a JSON pointer; never a value. May be empty.
    pub detail: String,
    pub at: Timestamp,
}

/// One parked item.
#[derive(Clone, PartialEq, Eq)]
pub struct ParkedItem {
    /// Sequence of the raw item on the intake stream; the item's id.
    pub sequence: u64,
    pub endpoint: EndpointId,
    pub kind: InputKind,
    pub received_at: Timestamp,
    pub content_type: String,
    pub reasons: Vec<ParkedReason>,
    pub body: Bytes,
}

impl fmt::Debug for ParkedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is personal.
        f.debug_struct("ParkedItem")
            .field("sequence", &self.sequence)
            .field("endpoint", &self.endpoint)
            .field("reasons", &self.reasons)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A parked item in a list, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEntry {
    /// Where the next page begins: pass the last one's as `after`.
    pub cursor: u64,
    pub sequence: u64,
    pub endpoint: EndpointId,
    pub kind: InputKind,
    pub received_at: Timestamp,
    pub content_type: String,
    pub reasons: Vec<ParkedReason>,
    pub body_bytes: u64,
}

/// The stream of parked items.
#[derive(Clone, Debug)]
pub struct ParkedLog {
    connection: Connection,
}

/// An item as it is stored. Fields are only ever added.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(sint64, tag = "2")]
    received_at_ms: i64,
    #[prost(string, tag = "3")]
    content_type: String,
    #[prost(message, repeated, tag = "4")]
    reasons: Vec<StoredReason>,
    /// Empty if the body is in the object store.
    #[prost(bytes = "bytes", tag = "5")]
    body: Bytes,
    /// Lower-case hex; set if the body is in the object store, under the item's id and this.
    #[prost(string, tag = "6")]
    body_sha256: String,
    #[prost(uint64, tag = "7")]
    body_bytes: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredReason {
    #[prost(uint32, tag = "1")]
    ordinal: u32,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(sint64, tag = "3")]
    at_ms: i64,
    #[prost(string, tag = "4")]
    detail: String,
}

impl ParkedLog {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Parks an item. An item of that id that is there already stays as it is; true if this call parked it.
    pub async fn park(&self, item: &ParkedItem) -> Result<bool, LogError> {
        if self.find(item.sequence).await?.is_some() {
            return Ok(false);
        }
        match self.store(item, 0).await {
            Ok(()) => Ok(true),
            // Parked meanwhile, perhaps by an earlier attempt of this very call.
            Err(LogError::Refused(_)) if self.find(item.sequence).await?.is_some() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Puts an item in the place of the one with its id, for example with fewer reasons; parks it if there is none. The body
    /// stays the same.
    pub async fn replace(&self, item: &ParkedItem) -> Result<(), LogError> {
        let before = self.find(item.sequence).await?.map_or(0, |message| message.sequence);
        self.store(item, before).await
    }

    /// Removes an item; false if it was not there.
    pub async fn remove(&self, id: u64) -> Result<bool, LogError> {
        let Some(message) = self.find(id).await? else { return Ok(false) };
        let unavailable = |error: String| LogError::Unavailable(error);
        let context = &self.connection.shared.context;
        let stream = context
            .get_stream_no_info(StreamName::Parked.as_str())
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let sha256 = decode(&message)?.1.body_sha256;
        stream.delete_message(message.sequence).await.map_err(|error| unavailable(error.to_string()))?;
        if !sha256.is_empty() {
            object::delete(&self.connection, StreamName::ParkedObjects, &object_name(id, &sha256)).await?;
        }
        Ok(true)
    }

    pub async fn get(&self, id: u64) -> Result<Option<ParkedItem>, LogError> {
        let Some(message) = self.find(id).await? else { return Ok(None) };
        let (entry, stored) = decode(&message)?;
        let body = if stored.body_sha256.is_empty() {
            stored.body
        } else {
            let name = object_name(id, &stored.body_sha256);
            let body = object::get(&self.connection, StreamName::ParkedObjects, &name, &stored.body_sha256).await?;
            body.ok_or_else(|| undecodable(id, "its large body is gone"))?
        };
        let ParkedEntry { sequence, endpoint, kind, received_at, content_type, reasons, .. } = entry;
        Ok(Some(ParkedItem { sequence, endpoint, kind, received_at, content_type, reasons, body }))
    }

    /// The items after a cursor (0: from the first), in the order in which they were last changed.
    pub async fn list(&self, limit: usize, after: u64) -> Result<Vec<ParkedEntry>, LogError> {
        let mut entries = Vec::new();
        let mut from = after.saturating_add(1);
        while entries.len() < limit.min(PARKED_PAGE_MAX) {
            let Some(message) = self.read(Which::Next { subject: format!("{PARKED_PREFIX}>"), from }).await? else {
                break;
            };
            from = message.sequence + 1;
            entries.push(decode(&message)?.0);
        }
        Ok(entries)
    }

    /// How many items are parked.
    pub async fn count(&self) -> Result<u64, LogError> {
        let stream = self.connection.shared.context.get_stream(StreamName::Parked.as_str()).await;
        stream
            .map(|stream| stream.cached_info().state.messages)
            .map_err(|error| LogError::Unavailable(error.to_string()))
    }

    async fn find(&self, id: u64) -> Result<Option<StreamMessage>, LogError> {
        self.read(Which::Last(format!("{PARKED_PREFIX}*.{id}"))).await
    }

    async fn read(&self, which: Which) -> Result<Option<StreamMessage>, LogError> {
        leader_get(&self.connection.shared.context, StreamName::Parked.as_str(), &which).await
    }

    async fn store(&self, item: &ParkedItem, before: u64) -> Result<(), LogError> {
        let mut stored = Stored {
            kind: item.kind.as_str().to_owned(),
            received_at_ms: item.received_at.as_millis(),
            content_type: item.content_type.clone(),
            reasons: item.reasons.iter().map(encode_reason).collect(),
            body: item.body.clone(),
            body_sha256: String::new(),
            body_bytes: item.body.len() as u64,
        };
        if item.body.len() > INLINE_BYTES_MAX {
            stored.body_sha256 = object::digest(&item.body);
            stored.body = Bytes::new();
            let name = object_name(item.sequence, &stored.body_sha256);
            object::put(&self.connection, StreamName::ParkedObjects, &name, &item.body).await?;
        }
        let payload = Bytes::from(stored.encode_to_vec());
        let subject = subject::parked(&item.endpoint, item.sequence);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, before.to_string().as_str());
        let id = format!("{:032x}", rand::random::<u128>());
        publish(&self.connection, StreamName::Parked, &subject, &id, headers, payload).await.map(drop)
    }
}

fn object_name(id: u64, sha256: &str) -> String {
    format!("{id}-{sha256}")
}

fn encode_reason(reason: &ParkedReason) -> StoredReason {
    StoredReason {
        ordinal: reason.ordinal,
        reason: reason.reason.clone(),
        at_ms: reason.at.as_millis(),
        detail: reason.detail.clone(),
    }
}

fn undecodable(sequence: u64, reason: &str) -> LogError {
    LogError::Undecodable { sequence, reason: reason.to_owned() }
}

fn decode(message: &StreamMessage) -> Result<(ParkedEntry, Stored), LogError> {
    let foreign = |reason: &str| undecodable(message.sequence, reason);
    let (endpoint, sequence) =
        subject::parked_item(&message.subject).ok_or_else(|| foreign("subject names no parked item"))?;
    let stored = Stored::decode(message.payload.as_ref()).map_err(|_malformed| foreign("not a parked item"))?;
    let entry = ParkedEntry {
        cursor: message.sequence,
        sequence,
        endpoint,
        kind: InputKind::parse(&stored.kind).ok_or_else(|| foreign("no known kind"))?,
        received_at: Timestamp::from_millis(stored.received_at_ms),
        content_type: stored.content_type.clone(),
        reasons: stored
            .reasons
            .iter()
            .map(|reason| ParkedReason {
                ordinal: reason.ordinal,
                reason: reason.reason.clone(),
                detail: reason.detail.clone(),
                at: Timestamp::from_millis(reason.at_ms),
            })
            .collect(),
        body_bytes: stored.body_bytes,
    };
    Ok((entry, stored))
}
