//! Parked items: raw input, or updates of it, that could not be understood or routed, until somebody retries or discards it.
//!
//! An item is named as on the intake stream and holds a copy of the bytes, so that it outlives the raw stream. Its reasons say
//! which updates are parked, why, and whose they are. Where there is no room for the bytes, a stub is parked: it points to the
//! raw stream, and its bytes are there for as long as that keeps them, no longer.

use std::fmt;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::message::StreamMessage;
use bytes::Bytes;
use prost::Message as _;
use relevo_domain::{ChannelId, EndpointId, RawId, TenantId, Timestamp};

use crate::connection::Connection;
use crate::intake::{InputKind, IntakeLog, Notes};
use crate::log::LogError;
use crate::object;
use crate::request::{Which, leader_get, publish};
use crate::streams::StreamName;
use crate::subject::{self, PARKED_PREFIX};

/// The most items in one page of a list.
pub const PARKED_PAGE_MAX: usize = 200;
/// Bodies above this many bytes are in the object store, so that a list need not read them.
const INLINE_BYTES_MAX: usize = 32 * 1024;
/// The most reasons that a stub keeps. A retry looks at every update of the item anyway.
const STUB_REASONS_MAX: usize = 1_000;

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
    /// The channel that the update named when it was parked, if that was configured.
    pub channel: Option<(TenantId, ChannelId)>,
}

/// One parked item.
#[derive(Clone, PartialEq, Eq)]
pub struct ParkedItem {
    /// The raw item on the intake stream.
    pub id: RawId,
    pub endpoint: EndpointId,
    /// Absent if the raw item did not say.
    pub kind: Option<InputKind>,
    pub received_at: Timestamp,
    pub content_type: String,
    /// What the raw item said beside its bytes.
    pub notes: Notes,
    pub reasons: Vec<ParkedReason>,
    pub body: Bytes,
    /// There was no room for a copy of the bytes: `body` is what the raw stream still has, or empty.
    pub stub: bool,
}

impl fmt::Debug for ParkedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is personal.
        f.debug_struct("ParkedItem")
            .field("id", &self.id)
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
    pub id: RawId,
    pub endpoint: EndpointId,
    /// Absent if the raw item did not say.
    pub kind: Option<InputKind>,
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
    /// Lower-case hex; set if the body is in the object store.
    #[prost(string, tag = "6")]
    body_sha256: String,
    #[prost(uint64, tag = "7")]
    body_bytes: u64,
    /// The body is on the raw stream alone.
    #[prost(bool, tag = "8")]
    stub: bool,
    /// Name of the body in the object store.
    #[prost(string, tag = "9")]
    object: String,
    #[prost(string, tag = "10")]
    query: String,
    #[prost(bool, tag = "11")]
    imported: bool,
    #[prost(uint64, optional, tag = "12")]
    truncated_from: Option<u64>,
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
    /// Empty if the update named no configured channel.
    #[prost(string, tag = "5")]
    tenant: String,
    #[prost(string, tag = "6")]
    channel: String,
}

impl ParkedLog {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Parks an item. An item of that id that is there already stays as it is; true if this call parked it. If there is no room
    /// for its bytes, a stub of it is parked; `Full` means that there was no room for that either.
    pub async fn park(&self, item: &ParkedItem) -> Result<bool, LogError> {
        if self.find(item.id).await?.is_some() {
            return Ok(false);
        }
        let parked = match self.store_new(item).await {
            Err(LogError::Full | LogError::TooLarge { .. }) => {
                tracing::error!(raw = %item.id, "no room for a copy of a parked item; a stub is parked");
                self.store(item, stub(item), 0).await
            }
            parked => parked,
        };
        match parked {
            Ok(()) => Ok(true),
            // Parked meanwhile, perhaps by an earlier attempt of this very call.
            Err(LogError::Refused(_)) if self.find(item.id).await?.is_some() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Gives an item other reasons, and what else it says of itself; parks it if it is not there. The body stays where it is.
    pub async fn replace(&self, item: &ParkedItem) -> Result<(), LogError> {
        let Some(message) = self.find(item.id).await? else { return self.store_new(item).await };
        let (_, before) = decode(&message)?;
        let stored = Stored {
            body: before.body,
            body_sha256: before.body_sha256,
            body_bytes: before.body_bytes,
            stub: before.stub,
            object: before.object,
            ..encode(item)
        };
        self.store(item, stored, message.sequence).await
    }

    /// Removes an item; false if it was not there.
    pub async fn remove(&self, id: RawId) -> Result<bool, LogError> {
        let Some(message) = self.find(id).await? else { return Ok(false) };
        let unavailable = |error: String| LogError::Unavailable(error);
        let context = &self.connection.shared.context;
        let stream = context
            .get_stream_no_info(StreamName::Parked.as_str())
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let object = decode(&message)?.1.object;
        stream.delete_message(message.sequence).await.map_err(|error| unavailable(error.to_string()))?;
        if !object.is_empty() {
            object::delete(&self.connection, StreamName::ParkedObjects, &object).await?;
        }
        Ok(true)
    }

    /// An item without its body.
    pub async fn entry(&self, id: RawId) -> Result<Option<ParkedEntry>, LogError> {
        self.find(id).await?.map(|message| decode(&message).map(|(entry, _)| entry)).transpose()
    }

    pub async fn get(&self, id: RawId) -> Result<Option<ParkedItem>, LogError> {
        let Some(message) = self.find(id).await? else { return Ok(None) };
        let (entry, stored) = decode(&message)?;
        let copy = if stored.object.is_empty() {
            (!stored.stub).then_some(stored.body)
        } else {
            let (bucket, sha256) = (StreamName::ParkedObjects, &stored.body_sha256);
            object::get(&self.connection, bucket, &stored.object, sha256, id.sequence).await?
        };
        let body = match copy {
            Some(body) => Some(body),
            None => IntakeLog::new(self.connection.clone()).get(id).await?.map(|raw| raw.input.body),
        };
        let stub = stored.stub || body.is_none();
        let ParkedEntry { id, endpoint, kind, received_at, content_type, reasons, .. } = entry;
        let body = body.unwrap_or_default();
        let notes = Notes { query: stored.query, imported: stored.imported, truncated_from: stored.truncated_from };
        Ok(Some(ParkedItem { id, endpoint, kind, received_at, content_type, notes, reasons, body, stub }))
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

    async fn find(&self, id: RawId) -> Result<Option<StreamMessage>, LogError> {
        self.read(Which::Last(format!("{PARKED_PREFIX}*.{id}"))).await
    }

    async fn read(&self, which: Which) -> Result<Option<StreamMessage>, LogError> {
        leader_get(&self.connection.shared.context, StreamName::Parked.as_str(), &which).await
    }

    async fn store_new(&self, item: &ParkedItem) -> Result<(), LogError> {
        if item.stub {
            return self.store(item, stub(item), 0).await;
        }
        let mut stored = encode(item);
        if item.body.len() <= INLINE_BYTES_MAX {
            stored.body = item.body.clone();
            return self.store(item, stored, 0).await;
        }
        let sha256 = object::digest(&item.body);
        let name = object::unique_name(&sha256);
        object::put(&self.connection, StreamName::ParkedObjects, &name, &item.body).await?;
        (stored.body_sha256, stored.object) = (sha256, name.clone());
        let parked = self.store(item, stored, 0).await;
        // After `Unavailable` the item may be stored and need its body.
        if matches!(parked, Err(LogError::Full | LogError::TooLarge { .. } | LogError::Refused(_)))
            && let Err(error) = object::delete(&self.connection, StreamName::ParkedObjects, &name).await
        {
            tracing::warn!(raw = %item.id, %error, "a large body that nothing points to stays");
        }
        parked
    }

    async fn store(&self, item: &ParkedItem, stored: Stored, before: u64) -> Result<(), LogError> {
        let payload = Bytes::from(stored.encode_to_vec());
        let subject = subject::parked(&item.endpoint, item.id);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, before.to_string().as_str());
        let id = format!("{:032x}", rand::random::<u128>());
        publish(&self.connection, StreamName::Parked, &subject, &id, headers, payload).await.map(drop)
    }
}

/// An item without its body.
fn encode(item: &ParkedItem) -> Stored {
    Stored {
        kind: item.kind.map(InputKind::as_str).unwrap_or_default().to_owned(),
        received_at_ms: item.received_at.as_millis(),
        content_type: item.content_type.clone(),
        reasons: item.reasons.iter().map(encode_reason).collect(),
        body: Bytes::new(),
        body_sha256: String::new(),
        body_bytes: item.body.len() as u64,
        stub: false,
        object: String::new(),
        query: item.notes.query.clone(),
        imported: item.notes.imported,
        truncated_from: item.notes.truncated_from,
    }
}

fn stub(item: &ParkedItem) -> Stored {
    let mut stored = Stored { stub: true, ..encode(item) };
    stored.reasons.truncate(STUB_REASONS_MAX);
    stored
}

fn encode_reason(reason: &ParkedReason) -> StoredReason {
    let (tenant, channel) =
        reason.channel.as_ref().map(|(tenant, channel)| (tenant.to_string(), channel.to_string())).unzip();
    StoredReason {
        ordinal: reason.ordinal,
        reason: reason.reason.clone(),
        at_ms: reason.at.as_millis(),
        detail: reason.detail.clone(),
        tenant: tenant.unwrap_or_default(),
        channel: channel.unwrap_or_default(),
    }
}

fn decode_reason(stored: &StoredReason) -> ParkedReason {
    let tenant = TenantId::new(stored.tenant.clone()).ok();
    ParkedReason {
        ordinal: stored.ordinal,
        reason: stored.reason.clone(),
        detail: stored.detail.clone(),
        at: Timestamp::from_millis(stored.at_ms),
        channel: tenant.zip(ChannelId::new(stored.channel.clone()).ok()),
    }
}

fn undecodable(sequence: u64, reason: &str) -> LogError {
    LogError::Undecodable { sequence, reason: reason.to_owned() }
}

fn decode(message: &StreamMessage) -> Result<(ParkedEntry, Stored), LogError> {
    let foreign = |reason: &str| undecodable(message.sequence, reason);
    let (endpoint, id) =
        subject::parked_item(&message.subject).ok_or_else(|| foreign("subject names no parked item"))?;
    let stored = Stored::decode(message.payload.as_ref()).map_err(|_malformed| foreign("not a parked item"))?;
    let entry = ParkedEntry {
        cursor: message.sequence,
        id,
        endpoint,
        kind: InputKind::parse(&stored.kind),
        received_at: Timestamp::from_millis(stored.received_at_ms),
        content_type: stored.content_type.clone(),
        reasons: stored.reasons.iter().map(decode_reason).collect(),
        body_bytes: stored.body_bytes,
    };
    Ok((entry, stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was first written to a stream, with every field. The bytes here never change: parked items are read until somebody
    /// decides about them.
    const FIRST: &str = "0a046d6574611080b083c598681a106170706c69636174696f6e2f6a736f6e22330803120f756e6b6e6f776e5f6368616e6e656c18e8b783c5986822082f656e7472792f302a0464656d6f320777612d6d61696e2a027b7d32026162380240014a036f2d31520d6d6573736167653d6d73675f31580160808ece1c";

    #[test]
    fn an_item_reads_as_it_was_first_written() {
        let bytes = hex::decode(FIRST).unwrap();
        let stored = Stored::decode(bytes.as_slice()).unwrap();
        let channel = (TenantId::new("demo").unwrap(), ChannelId::new("wa-main").unwrap());
        let reason = ParkedReason {
            ordinal: 3,
            reason: "unknown_channel".to_owned(),
            detail: "/entry/0".to_owned(),
            at: Timestamp::from_millis(1_790_000_000_500),
            channel: Some(channel),
        };
        assert_eq!(
            (InputKind::parse(&stored.kind), stored.content_type.as_str()),
            (Some(InputKind::Meta), "application/json")
        );
        assert_eq!((stored.received_at_ms, stored.body_bytes), (1_790_000_000_000, 2));
        assert_eq!(stored.reasons.iter().map(decode_reason).collect::<Vec<_>>(), [reason]);
        assert_eq!(
            (stored.body.as_ref(), stored.body_sha256.as_str(), stored.object.as_str()),
            (&b"{}"[..], "ab", "o-1")
        );
        assert!(stored.stub && stored.imported);
        assert_eq!((stored.query.as_str(), stored.truncated_from), ("message=msg_1", Some(60_000_000)));
        assert_eq!(stored.encode_to_vec(), bytes, "it is written differently now");
    }
}
