//! The metric topics: one JSON message a metric fact, for analytics consumers, as CloudEvents in binary mode.
//!
//! Every message is appended under compare-and-set on its subject's last sequence, several as one atomic batch, also those of
//! several topics, so that nodes that publish the same facts at once store each of them once. What a fact is, and which come next,
//! is the publisher's business.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM};
use bytes::Bytes;
use relevo_domain::{TenantId, Timestamp};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::gather::{self, Outgoing};
use crate::log::LogError;
use crate::request::{Which, leader_get};
use crate::resolve::Answer;
use crate::streams::StreamName;
use crate::subject;

/// The most messages of one append, of all its topics: a quarter of what the server takes in an atomic batch.
pub const TOPIC_BATCH_MAX: usize = 250;
/// How long the server may take for an append, as for one attempt of any other; a batch of the largest size is synced once.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);

/// The version of CloudEvents that every message names.
const SPEC_VERSION: &str = "1.0";
const CONTENT_TYPE: &str = "application/json";
const HEADER_SPEC_VERSION: &str = "ce-specversion";
const HEADER_ID: &str = "ce-id";
const HEADER_TYPE: &str = "ce-type";
const HEADER_SOURCE: &str = "ce-source";
const HEADER_SUBJECT: &str = "ce-subject";
const HEADER_TIME: &str = "ce-time";
const HEADER_SCHEMA: &str = "ce-dataschema";
const HEADER_CONTENT_TYPE: &str = "content-type";
/// Extension: the fact that this one takes the place of.
const HEADER_SUPERSEDES: &str = "ce-supersedes";
/// Extension: which history of events the fact was folded from.
const HEADER_LOG: &str = "ce-relevolog";

/// Where facts are published: a live topic, or a place that somebody chose for facts to be published again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    stream: StreamName,
    subject: String,
}

/// One fact on its way, as a CloudEvent. Every attribute is visible ASCII without `%` and quotes, so that nothing has to be escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    /// Names the fact for ever, `<metric>.v<version>.<sequence>.<ordinal>`: a consumer keeps one message an id.
    pub id: String,
    /// `relevo.metric.<metric>.v<version>`.
    pub kind: String,
    /// Whose fact it is.
    pub source: String,
    /// What it is about, for example a conversation's id.
    pub subject: Option<String>,
    /// When it happened, RFC 3339.
    pub time: String,
    /// Name of the JSON schema of `data`.
    pub schema: String,
    /// The id of the fact that this one takes the place of.
    pub supersedes: Option<String>,
    /// Which history of events it was folded from.
    pub log: String,
    /// JSON.
    pub data: Bytes,
}

/// The next facts of one topic, as a part of an append.
#[derive(Clone, Copy, Debug)]
pub struct TopicFacts<'f> {
    pub topic: &'f Topic,
    /// The topic's last sequence; 0: it has no message.
    pub expected: u64,
    /// One or more.
    pub facts: &'f [CloudEvent],
}

/// The last message of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastMessage {
    /// Its sequence on the stream, for the next append's condition.
    pub sequence: u64,
    /// [`CloudEvent::id`]; empty if somebody else wrote it.
    pub id: String,
    /// [`CloudEvent::log`]; empty if somebody else wrote it.
    pub log: String,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All of it is stored; its last message has this sequence.
    Stored(u64),
    /// Nothing of it is stored: a topic has moved on, or the server is busy with another batch.
    Conflict,
    /// The server did not answer. The topics' last messages tell whether it is stored: all of it, or nothing.
    Unknown,
}

/// Reads and writes the metric topics.
#[derive(Clone, Debug)]
pub struct MetricsLog {
    connection: Connection,
}

impl Topic {
    /// `relevo.metrics.<tenant>.<metric>` on `RELEVO_METRICS`.
    pub fn live(tenant: &TenantId, metric: &str) -> Result<Self, LogError> {
        Ok(Self { stream: StreamName::Metrics, subject: subject::metric(tenant, metric)? })
    }

    /// `relevo.republish.<tenant>.<name>` on `RELEVO_REPUBLISH`.
    pub fn republished(tenant: &TenantId, name: &str) -> Result<Self, LogError> {
        Ok(Self { stream: StreamName::Republish, subject: subject::republish(tenant, name)? })
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub const fn stream(&self) -> StreamName {
        self.stream
    }
}

impl MetricsLog {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The last message of a topic, from the stream's leader; `None` if it has none, or none any more.
    pub async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError> {
        let which = Which::Last(topic.subject.clone());
        let message = leader_get(&self.connection.shared.context, topic.stream.as_str(), &which).await?;
        Ok(message.map(|message| {
            let header = |name: &str| message.headers.get(name).map(ToString::to_string).unwrap_or_default();
            LastMessage { sequence: message.sequence, id: header(HEADER_ID), log: header(HEADER_LOG) }
        }))
    }

    /// Appends 1 to [`TOPIC_BATCH_MAX`] facts, all or nothing, if the topic's last sequence is still `expected` (0: it has no
    /// message). A failure other than `Unavailable` is final for these facts.
    pub async fn append(&self, topic: &Topic, expected: u64, facts: &[CloudEvent]) -> Result<Appended, LogError> {
        self.append_all(&[TopicFacts { topic, expected, facts }]).await
    }

    /// The same for several topics of one stream, each named once: all of it is stored, in this order and one behind the other, or
    /// nothing. Of all topics together there are 1 to [`TOPIC_BATCH_MAX`] facts.
    pub async fn append_all(&self, topics: &[TopicFacts<'_>]) -> Result<Appended, LogError> {
        let messages = messages(topics)?;
        // A disconnected client would keep the messages and send them after the outcome was named.
        if !self.connection.connected() {
            return Err(LogError::Unavailable("not connected".to_owned()));
        }
        let messages: Vec<&Outgoing> = messages.iter().collect();
        match gather::send(&self.connection, &messages, Instant::now() + APPEND_TIMEOUT).await {
            Answer::Stored(sequence) => Ok(Appended::Stored(sequence)),
            Answer::Conflict | Answer::Busy => Ok(Appended::Conflict),
            // Duplicates cannot be answered: no message carries an id of NATS's.
            Answer::Lost | Answer::Duplicate(_) | Answer::BatchDuplicate => Ok(Appended::Unknown),
            Answer::Away => Err(LogError::Unavailable("the stream of the topics is away".to_owned())),
            Answer::Refused(error) => Err(error),
        }
    }

    /// When a topic's stream was made: another time is another stream, of which nothing that was known is true.
    pub async fn created_at(&self, topic: &Topic) -> Result<Timestamp, LogError> {
        let stream = self.connection.shared.context.get_stream(topic.stream.as_str()).await;
        let stream = stream.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let millis = stream.cached_info().created.unix_timestamp_nanos() / 1_000_000;
        Ok(Timestamp::from_millis(i64::try_from(millis).unwrap_or(0)))
    }
}

/// The messages of an append. Of a topic's messages in a batch only the first carries the condition.
fn messages(topics: &[TopicFacts<'_>]) -> Result<Vec<Outgoing>, LogError> {
    let count: usize = topics.iter().map(|part| part.facts.len()).sum();
    if count > TOPIC_BATCH_MAX || topics.is_empty() || topics.iter().any(|part| part.facts.is_empty()) {
        return Err(LogError::Refused(format!("an append has 1 to {TOPIC_BATCH_MAX} facts, not {count}")));
    }
    let mut messages = Vec::with_capacity(count);
    for TopicFacts { topic, expected, facts } in topics {
        for (at, fact) in facts.iter().enumerate() {
            let mut headers = headers(topic, fact)?;
            if at == 0 {
                headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
            }
            messages.push(Outgoing { subject: topic.subject.clone(), headers, payload: fact.data.clone() });
        }
    }
    Ok(messages)
}

fn headers(topic: &Topic, fact: &CloudEvent) -> Result<HeaderMap, LogError> {
    let mut headers = HeaderMap::new();
    let attributes = [
        (HEADER_SPEC_VERSION, Some(SPEC_VERSION)),
        (HEADER_ID, Some(fact.id.as_str())),
        (HEADER_TYPE, Some(fact.kind.as_str())),
        (HEADER_SOURCE, Some(fact.source.as_str())),
        (HEADER_SUBJECT, fact.subject.as_deref()),
        (HEADER_TIME, Some(fact.time.as_str())),
        (HEADER_SCHEMA, Some(fact.schema.as_str())),
        (HEADER_SUPERSEDES, fact.supersedes.as_deref()),
        (HEADER_LOG, Some(fact.log.as_str())),
        (HEADER_CONTENT_TYPE, Some(CONTENT_TYPE)),
    ];
    for (name, value) in attributes.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        // What would have to be percent-encoded never gets this far: names and ids are plain.
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%')) {
            return Err(LogError::Refused(format!("attribute {name} of a fact is not plain")));
        }
        headers.insert(name, value);
    }
    headers.insert(NATS_EXPECTED_STREAM, topic.stream.as_str());
    Ok(headers)
}
