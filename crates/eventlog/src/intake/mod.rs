//! The raw input: what a provider sent to one endpoint, byte for byte, with the time of its receipt.
//!
//! Written by webhooks before they answer, read by intake. Nothing here understands a byte of it. Large bodies stand in the
//! object store under their SHA-256, and the message holds the pointer.

pub mod worker;

use std::fmt;
use std::time::Duration;

use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use relevo_domain::{EndpointId, Timestamp};

use crate::connection::Connection;
use crate::jetstream::follow::Follow;
use crate::log::LogError;
use crate::object::{self, INLINE_BYTES_MAX};
use crate::request::{Which, leader_get, publish};
use crate::streams::StreamName;
use crate::subject;

pub use crate::object::BODY_BYTES_MAX;

/// How many raw items a reader asks for at a time; each may have 4 MiB.
const READ_AHEAD_ITEMS: usize = 16;
/// The longest content type that is kept, in characters; longer ones are cut.
const CONTENT_TYPE_CHARS_MAX: usize = 256;
/// A large body that was stored this recently is not stored again: it outlives everything that points to it.
const OBJECT_REUSE: Duration = Duration::from_hours(24);

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
    /// As declared by the sender, reduced to visible ASCII and blanks; empty if it declared none.
    pub content_type: String,
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
    pub sequence: u64,
    pub input: RawInput,
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

    /// Stores an input and answers with its sequence, once the server has it. After `Unavailable` it may be stored too.
    pub async fn append(&self, input: &RawInput) -> Result<u64, LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_KIND, input.kind.as_str());
        headers.insert(HEADER_RECEIVED_AT, input.received_at.as_millis().to_string().as_str());
        headers.insert(HEADER_CONTENT_TYPE, header_text(&input.content_type).as_str());
        let payload = if input.body.len() > INLINE_BYTES_MAX {
            let sha256 = object::digest(&input.body);
            let period = input.received_at.as_millis().div_euclid(OBJECT_REUSE.as_millis().try_into().unwrap_or(1));
            let name = format!("{sha256}-{period}");
            object::put(&self.connection, StreamName::Objects, &name, &input.body).await?;
            headers.insert(HEADER_OBJECT, name.as_str());
            headers.insert(HEADER_SHA256, sha256.as_str());
            Bytes::new()
        } else {
            input.body.clone()
        };
        // Random: two equal inputs are two inputs. It keeps the attempts of this call together.
        let id = format!("{:032x}", rand::random::<u128>());
        let subject = subject::intake(&input.endpoint);
        publish(&self.connection, StreamName::Intake, &subject, &id, headers, payload).await
    }

    /// Every input from `from` (inclusive) in order, then new ones as they come, for ever. An error is an item that cannot be
    /// read; the items after it follow.
    pub fn read(&self, from: u64) -> BoxStream<'static, Result<StoredInput, LogError>> {
        let follow = Follow::new(self.connection.clone(), StreamName::Intake, from, READ_AHEAD_ITEMS);
        let items = stream::unfold((follow, self.clone()), |(mut follow, log)| async move {
            let (sequence, message) = follow.next().await;
            let item = log.stored(sequence, &message.subject, message.headers.as_ref(), &message.payload).await;
            Some((item, (follow, log)))
        });
        items.boxed()
    }

    /// The input at a sequence, if it is still kept.
    pub async fn get(&self, sequence: u64) -> Result<Option<StoredInput>, LogError> {
        let context = &self.connection.shared.context;
        let Some(message) = leader_get(context, StreamName::Intake.as_str(), &Which::At(sequence.max(1))).await? else {
            return Ok(None);
        };
        self.stored(message.sequence, &message.subject, Some(&message.headers), &message.payload).await.map(Some)
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

    async fn stored(
        &self,
        sequence: u64,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &Bytes,
    ) -> Result<StoredInput, LogError> {
        let foreign = |reason: &str| LogError::Undecodable { sequence, reason: reason.to_owned() };
        let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(HeaderValue::as_str);
        let endpoint = subject::intake_endpoint(subject).ok_or_else(|| foreign("subject names no endpoint"))?;
        let kind = header(HEADER_KIND).and_then(InputKind::parse).ok_or_else(|| foreign("no known kind"))?;
        let received_at = header(HEADER_RECEIVED_AT)
            .and_then(|millis| millis.parse().ok())
            .map(Timestamp::from_millis)
            .ok_or_else(|| foreign("no time of receipt"))?;
        let body = match header(HEADER_OBJECT) {
            None => payload.clone(),
            Some(name) => {
                let sha256 = header(HEADER_SHA256).unwrap_or_default();
                object::get(&self.connection, StreamName::Objects, name, sha256)
                    .await?
                    .ok_or_else(|| foreign("its large body is gone"))?
            }
        };
        let content_type = header(HEADER_CONTENT_TYPE).unwrap_or_default().to_owned();
        Ok(StoredInput { sequence, input: RawInput { endpoint, kind, received_at, content_type, body } })
    }
}

/// A header's value must not break the line it stands on.
pub(crate) fn header_text(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(CONTENT_TYPE_CHARS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}
