//! Asking the server: bounded back-off, and reads and publishes that try again until a deadline.

use std::time::Duration;

use async_nats::header::{NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::jetstream::Context;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use async_nats::{HeaderMap, Message, Request, RequestError};
use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::gather::{self, Outgoing};
use crate::log::LogError;
use crate::resolve::Answer;
use crate::streams::StreamName;

/// How long a read from the leader tries before the log counts as unavailable.
pub(crate) const READ_DEADLINE: Duration = Duration::from_secs(5);
const BACKOFF_FIRST: Duration = Duration::from_millis(4);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// Pauses that double, with jitter, up to half a second.
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: BACKOFF_FIRST }
    }

    pub(crate) async fn pause(&mut self) {
        let jittered = self.next.mul_f64(rand::rng().random_range(0.5..1.0));
        self.next = (self.next * 2).min(BACKOFF_MAX);
        tokio::time::sleep(jittered).await;
    }

    pub(crate) const fn reset(&mut self) {
        self.next = BACKOFF_FIRST;
    }
}

/// Which message of a stream to read.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    At(u64),
    /// The first on the subject at or after the sequence.
    Next {
        subject: String,
        from: u64,
    },
    Last(String),
}

/// Reads one message from the stream's leader (`STREAM.MSG.GET`, never Direct Get, which may be stale).
pub(crate) async fn leader_get(
    context: &Context,
    stream: &str,
    which: &Which,
) -> Result<Option<StreamMessage>, LogError> {
    leader_get_until(context, stream, which, Instant::now() + READ_DEADLINE).await
}

pub(crate) async fn leader_get_until(
    context: &Context,
    stream: &str,
    which: &Which,
    deadline: Instant,
) -> Result<Option<StreamMessage>, LogError> {
    let stream: Stream<()> =
        context.get_stream_no_info(stream).await.map_err(|error| LogError::Refused(error.to_string()))?;
    let mut backoff = Backoff::new();
    loop {
        let ask = match which {
            Which::At(sequence) => stream.raw_message_builder().sequence(*sequence),
            Which::Next { subject, from } => stream.raw_message_builder().sequence(*from).next_by_subject(subject),
            Which::Last(subject) => stream.raw_message_builder().last_by_subject(subject),
        };
        let error = match tokio::time::timeout_at(deadline, ask.send()).await {
            Ok(Ok(message)) => return Ok(Some(message)),
            Ok(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(None),
            Ok(Err(error)) if error.kind() == RawMessageErrorKind::InvalidSubject => {
                return Err(LogError::Refused("a subject of the log is malformed".to_owned()));
            }
            Ok(Err(error)) => LogError::Unavailable(error.to_string()),
            Err(_elapsed) => LogError::Unavailable("no answer in time".to_owned()),
        };
        if Instant::now() >= deadline {
            return Err(error);
        }
        tokio::select! {
            () = backoff.pause() => {}
            () = tokio::time::sleep_until(deadline) => return Err(error),
        }
    }
}

/// How long a publish without a condition tries.
pub(crate) const PUBLISH_DEADLINE: Duration = Duration::from_secs(5);

/// Publishes one message without a condition and answers with its sequence.
///
/// Repeated attempts carry the same id, so that the message is stored once. An error other than `Unavailable` means that it
/// is not stored; after `Unavailable` it may be.
pub(crate) async fn publish(
    connection: &Connection,
    stream: StreamName,
    subject: &str,
    id: &str,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<u64, LogError> {
    publish_until(connection, stream, subject, id, headers, payload, Instant::now() + PUBLISH_DEADLINE).await
}

/// As [`publish`], until a deadline.
pub(crate) async fn publish_until(
    connection: &Connection,
    stream: StreamName,
    subject: &str,
    id: &str,
    mut headers: HeaderMap,
    payload: Bytes,
    deadline: Instant,
) -> Result<u64, LogError> {
    headers.insert(NATS_MESSAGE_ID, id);
    headers.insert(NATS_EXPECTED_STREAM, stream.as_str());
    let message = Outgoing { subject: subject.to_owned(), headers, payload };
    let mut backoff = Backoff::new();
    loop {
        let answer =
            if connection.connected() { gather::send(connection, &[&message], deadline).await } else { Answer::Away };
        match answer {
            Answer::Stored(sequence) | Answer::Duplicate(sequence) => return Ok(sequence),
            Answer::Refused(error) => return Err(error),
            // Only sent with a condition or in a batch.
            Answer::Conflict | Answer::BatchDuplicate => {
                return Err(LogError::Refused("the item has changed meanwhile".to_owned()));
            }
            Answer::Busy | Answer::Away | Answer::Lost => {}
        }
        if Instant::now() >= deadline {
            return Err(LogError::Unavailable(format!("stream {} did not answer in time", stream.as_str())));
        }
        backoff.pause().await;
    }
}

/// The server's reply; `None` if the connection was made anew while it was awaited, so that it will never come.
pub(crate) type Reply = Option<Result<Message, RequestError>>;

/// Sends one request and waits for its reply, no longer than the connection that it was sent on lives.
pub(crate) async fn ask(
    connection: &Connection,
    subject: &str,
    headers: HeaderMap,
    payload: Bytes,
    patience: Duration,
) -> Reply {
    let mut epoch = connection.shared.epoch.clone();
    let started = *epoch.borrow_and_update();
    // No headers at all differ from empty ones on the wire: an acknowledgement has none.
    let request = Request::new().payload(payload).timeout(Some(patience));
    let request = if headers.is_empty() { request } else { request.headers(headers) };
    tokio::select! {
        biased;
        reply = connection.shared.client.send_request(subject.to_owned(), request) => Some(reply),
        // `started == 0`: the first connect is still to be announced; it is the one that the request is sent on.
        Ok(_) = epoch.wait_for(|now| *now != started && started != 0) => None,
    }
}
