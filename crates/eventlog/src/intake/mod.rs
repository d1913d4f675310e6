//! The raw input: what a provider sent to one endpoint, byte for byte, with the time of its receipt.
//!
//! Written by webhooks before they answer, read by intake. Nothing here understands a byte of it. What arrives at an endpoint
//! together is one message of several parts ([`frame`], [`lanes`]); an item is named by its message and its part. Large bodies
//! stand in the object store, and the message holds the pointer: name and SHA-256. What stands on the stream and cannot be read (its large
//! body is gone, no webhook of ours wrote it) is an item too, so that whoever works through the stream decides about it.

mod content_type;
mod frame;
pub(crate) mod lanes;
mod notes;
pub mod worker;

use std::fmt;

use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use relevo_domain::{EndpointId, RawId, Timestamp};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::jetstream::follow::Follow;
use crate::log::LogError;
use crate::object::{self, INLINE_BYTES_MAX};
use crate::request::{PUBLISH_DEADLINE, Which, leader_get};
use crate::streams::StreamName;
use crate::subject;

pub use crate::object::BODY_BYTES_MAX;
pub use notes::{Notes, QUERY_BYTES_MAX};

/// How many messages of the raw stream a reader asks for at a time; each may have 4 MiB.
const READ_AHEAD_ITEMS: usize = 16;

const HEADER_KIND: &str = "Relevo-Kind";
const HEADER_RECEIVED_AT: &str = "Relevo-Received-At";
const HEADER_CONTENT_TYPE: &str = "Relevo-Content-Type";
const HEADER_OBJECT: &str = "Relevo-Object";
const HEADER_SHA256: &str = "Relevo-Sha256";

/// What kind of endpoint the input came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputKind {
    Meta,
    Twilio,
    Email,
}

impl InputKind {
    pub const ALL: [Self; 3] = [Self::Meta, Self::Twilio, Self::Email];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Twilio => "twilio",
            Self::Email => "email",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One thing that a provider sent.
#[derive(Clone, PartialEq, Eq)]
pub struct RawInput {
    pub endpoint: EndpointId,
    pub kind: InputKind,
    pub received_at: Timestamp,
    /// As declared by the sender; on the stream reduced to the type with `charset` and `boundary`. Empty if it declared none.
    pub content_type: String,
    /// What whoever took it says about it.
    pub notes: Notes,
    pub body: Bytes,
}

impl fmt::Debug for RawInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is personal.
        f.debug_struct("RawInput")
            .field("endpoint", &self.endpoint)
            .field("kind", &self.kind)
            .field("received_at", &self.received_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A raw input and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInput {
    pub id: RawId,
    pub input: RawInput,
}

/// What stands on the raw stream and cannot be read, now or later.
#[derive(Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub id: RawId,
    /// Absent if the subject names none.
    pub endpoint: Option<EndpointId>,
    pub kind: Option<InputKind>,
    pub received_at: Option<Timestamp>,
    pub content_type: String,
    /// The message as it is; empty where only a pointer was.
    pub payload: Bytes,
    /// Why; nothing personal.
    pub reason: &'static str,
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload may be personal.
        f.debug_struct("Unreadable")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// One item of the raw stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawItem {
    Input(StoredInput),
    Unreadable(Unreadable),
}

impl RawItem {
    pub const fn id(&self) -> RawId {
        match self {
            Self::Input(stored) => stored.id,
            Self::Unreadable(unreadable) => unreadable.id,
        }
    }

    /// Of the message that holds it.
    pub const fn sequence(&self) -> u64 {
        self.id().sequence
    }

    /// The input, if it can be read.
    pub fn input(self) -> Option<StoredInput> {
        match self {
            Self::Input(stored) => Some(stored),
            Self::Unreadable(_) => None,
        }
    }
}

/// The raw stream.
#[derive(Clone, Debug)]
pub struct IntakeLog {
    connection: Connection,
}

impl IntakeLog {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Stores an input and answers with its name, once the server has it. After `Unavailable` it may be stored too. Inputs of one
    /// endpoint that are on their way at the same time are stored in the order in which they came, up to 128 KiB each.
    pub async fn append(&self, input: &RawInput) -> Result<RawId, LogError> {
        let part = frame::Part::of(input);
        if input.body.len() <= INLINE_BYTES_MAX {
            return lanes::append(&self.connection, &input.endpoint, part).await;
        }
        let sha256 = object::digest(&input.body);
        let name = object::unique_name(&sha256);
        object::put(&self.connection, StreamName::Objects, &name, &input.body).await?;
        let mut headers = part.headers();
        headers.insert(HEADER_OBJECT, name.as_str());
        headers.insert(HEADER_SHA256, sha256.as_str());
        let deadline = Instant::now() + PUBLISH_DEADLINE;
        lanes::publish(&self.connection, &input.endpoint, headers, Bytes::new(), deadline).await.map(RawId::alone)
    }

    /// Every message from `from` (inclusive) in order, then new ones as they come, for ever; of each its items, at least one. An error
    /// is a message that cannot be read now; those after it follow.
    pub fn messages(&self, from: u64) -> BoxStream<'static, Result<Vec<RawItem>, LogError>> {
        let follow = Follow::new(self.connection.clone(), StreamName::Intake, from, READ_AHEAD_ITEMS);
        let messages = stream::unfold((follow, self.clone()), |(mut follow, log)| async move {
            let (sequence, message) = follow.next().await;
            let items = log.items(sequence, &message.subject, message.headers.as_ref(), &message.payload).await;
            Some((items, (follow, log)))
        });
        messages.boxed()
    }

    /// Every item of [`Self::messages`], one by one.
    pub fn read(&self, from: u64) -> BoxStream<'static, Result<RawItem, LogError>> {
        let items = self.messages(from).flat_map(|message| {
            let (items, error) = message.map_or_else(|error| (Vec::new(), Some(Err(error))), |items| (items, None));
            stream::iter(items.into_iter().map(Ok).chain(error))
        });
        items.boxed()
    }

    /// The input of this name, if it is still kept and can be read.
    pub async fn get(&self, id: RawId) -> Result<Option<StoredInput>, LogError> {
        let context = &self.connection.shared.context;
        let Some(message) = leader_get(context, StreamName::Intake.as_str(), &Which::At(id.sequence.max(1))).await?
        else {
            return Ok(None);
        };
        let items = self.items(message.sequence, &message.subject, Some(&message.headers), &message.payload).await?;
        Ok(items.into_iter().find(|item| item.id() == id).and_then(RawItem::input))
    }

    /// Sequence of the last input; 0 if there was none.
    pub async fn last_sequence(&self) -> Result<u64, LogError> {
        let stream = self.connection.shared.context.get_stream(StreamName::Intake.as_str()).await;
        stream
            .map(|stream| stream.cached_info().state.last_sequence)
            .map_err(|error| LogError::Unavailable(error.to_string()))
    }

    /// Takes part in working through the raw stream; only one worker of all nodes gets items at a time.
    pub async fn worker(&self, options: worker::WorkerOptions) -> Result<worker::Worker, LogError> {
        worker::Worker::start(self.clone(), options).await
    }

    /// How far the workers have come.
    pub async fn progress(&self) -> Result<worker::Progress, LogError> {
        worker::progress(&self.connection).await
    }

    /// Every item up to this sequence was worked through.
    pub async fn ack_floor(&self) -> Result<u64, LogError> {
        self.progress().await.map(|progress| progress.ack_floor)
    }

    /// What a message says: its items, at least one. An error is about now; what will never change is [`RawItem::Unreadable`].
    async fn items(
        &self,
        sequence: u64,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &Bytes,
    ) -> Result<Vec<RawItem>, LogError> {
        match headers.and_then(|headers| headers.get(frame::HEADER_FRAME)) {
            Some(count) => Ok(frame::items(sequence, subject::intake_endpoint(subject), count.as_str(), payload)),
            None => Ok(vec![self.item(sequence, subject, headers, payload).await?]),
        }
    }

    /// What a message says that is no frame.
    async fn item(
        &self,
        sequence: u64,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &Bytes,
    ) -> Result<RawItem, LogError> {
        let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(HeaderValue::as_str);
        let endpoint = subject::intake_endpoint(subject);
        let kind = header(HEADER_KIND).and_then(InputKind::parse);
        let received_at = header(HEADER_RECEIVED_AT).and_then(|ms| ms.parse().ok()).map(Timestamp::from_millis);
        let content_type = content_type::reduced(header(HEADER_CONTENT_TYPE).unwrap_or_default());
        let unreadable = |reason| {
            RawItem::Unreadable(Unreadable {
                id: RawId::alone(sequence),
                endpoint: endpoint.clone(),
                kind,
                received_at,
                content_type: content_type.clone(),
                payload: payload.clone(),
                reason,
            })
        };
        let Some(endpoint) = endpoint.clone() else { return Ok(unreadable("subject names no endpoint")) };
        let Some(kind) = kind else { return Ok(unreadable("no known kind")) };
        let Some(received_at) = received_at else { return Ok(unreadable("no time of receipt")) };
        let body = match header(HEADER_OBJECT) {
            None => payload.clone(),
            Some(name) => {
                let sha256 = header(HEADER_SHA256).unwrap_or_default();
                match object::get(&self.connection, StreamName::Objects, name, sha256, sequence).await {
                    Ok(Some(body)) => body,
                    Ok(None) => return Ok(unreadable("its large body is gone")),
                    Err(LogError::Undecodable { .. }) => return Ok(unreadable("its large body is damaged")),
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(RawItem::Input(StoredInput {
            id: RawId::alone(sequence),
            input: RawInput { endpoint, kind, received_at, content_type, notes: Notes::read(headers), body },
        }))
    }
}
