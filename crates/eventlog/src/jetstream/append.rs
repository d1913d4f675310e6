//! Publishing an append under compare-and-set: one message, or several as an atomic batch. What an unclear answer means is
//! decided in `resolve`.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM,
    NATS_MESSAGE_ID,
};
use async_trait::async_trait;
use bytes::Bytes;
use relevo_domain::{Commit, CommitHash};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::JetStreamLog;
use super::answer;
use crate::codec;
use crate::log::{Append, LogError, Outcome, Stored};
use crate::request::{Reply, ask};
use crate::resolve::{self, Answer, Attempt};
use crate::streams::StreamName;
use crate::subject;

/// How long one attempt waits for its answer; the append's deadline covers several.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// The last attempt gets at least this long, so that it can be answered at all.
const ATTEMPT_TIMEOUT_MIN: Duration = Duration::from_millis(50);
/// Room that is left in the server's largest message for headers, in bytes.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The event types of a commit, each once, in order of first appearance.
pub(crate) const HEADER_TYPES: &str = "Relevo-Types";
/// Version of the entity after the commit.
pub(crate) const HEADER_VERSION: &str = "Relevo-Version";

/// A commit as it is sent.
struct Prepared {
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
    hash: CommitHash,
}

pub(super) async fn append(log: &JetStreamLog, batch: &[Append]) -> Result<Outcome, LogError> {
    resolve::check(batch)?;
    let prepared = prepare(log, batch)?;
    let patience = log.connection.shared.options.append_deadline;
    resolve::drive(log, batch, &Publish { log, prepared }, patience).await
}

/// An append as it is published.
struct Publish<'a> {
    log: &'a JetStreamLog,
    prepared: Vec<Prepared>,
}

#[async_trait]
impl Attempt for Publish<'_> {
    async fn send(&self, deadline: Instant) -> Answer {
        // A disconnected client would keep the message and send it after the outcome was named.
        if !self.log.connection.connected() {
            return Answer::Away;
        }
        match self.prepared.as_slice() {
            [single] => request(self.log, single, single.headers.clone(), deadline).await,
            several => send_batch(self.log, several, deadline).await,
        }
    }

    fn stored(&self, last: u64) -> Vec<Stored> {
        // The commits of a batch stand next to each other, in order.
        let first = last + 1 - self.prepared.len() as u64;
        self.prepared.iter().zip(first..).map(|(commit, sequence)| Stored { sequence, hash: commit.hash }).collect()
    }
}

fn prepare(log: &JetStreamLog, batch: &[Append]) -> Result<Vec<Prepared>, LogError> {
    let limit = log.connection.shared.client.server_info().max_payload.saturating_sub(HEADER_BYTES_MAX);
    let members = resolve::members(batch);
    let mut conditions: Vec<Option<u64>> = members.iter().map(|member| Some(member.expected)).collect();
    batch
        .iter()
        .map(|Append { commit, .. }| {
            let payload = Bytes::from(codec::encode(commit));
            if payload.len() > limit {
                return Err(LogError::TooLarge { size: payload.len(), limit });
            }
            let condition = members
                .iter()
                .position(|member| member.tenant == commit.tenant && member.entity == commit.entity)
                .and_then(|at| conditions[at].take());
            Ok(Prepared {
                subject: subject::entity(&commit.tenant, &commit.entity),
                headers: headers(commit, condition),
                hash: codec::hash(&payload),
                payload,
            })
        })
        .collect()
}

fn headers(commit: &Commit, condition: Option<u64>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, message_id(commit).as_str());
    headers.insert(NATS_EXPECTED_STREAM, StreamName::Events.as_str());
    if let Some(expected) = condition {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
    }
    let mut types: Vec<&str> = Vec::new();
    for event in &commit.events {
        if !types.contains(&event.name()) {
            types.push(event.name());
        }
    }
    headers.insert(HEADER_TYPES, types.join(",").as_str());
    headers.insert(HEADER_VERSION, commit.last_version().to_string().as_str());
    headers
}

/// The duplicate table is the stream's, so the id names tenant and entity too: one client's command id may come twice.
pub(crate) fn message_id(commit: &Commit) -> String {
    let mut hash = Sha256::new();
    for part in [commit.tenant.as_str(), &commit.entity.to_string(), commit.command_id.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

async fn request(log: &JetStreamLog, commit: &Prepared, headers: HeaderMap, deadline: Instant) -> Answer {
    let reply = ask_once(log, commit, headers, deadline).await;
    answer::read(reply, commit.payload.len())
}

async fn ask_once(log: &JetStreamLog, commit: &Prepared, headers: HeaderMap, deadline: Instant) -> Reply {
    let left = deadline.saturating_duration_since(Instant::now());
    let patience = left.clamp(ATTEMPT_TIMEOUT_MIN, ATTEMPT_TIMEOUT);
    ask(&log.connection, &commit.subject, headers, commit.payload.clone(), patience).await
}

/// An atomic batch: nothing is stored before the server has taken its last message.
async fn send_batch(log: &JetStreamLog, prepared: &[Prepared], deadline: Instant) -> Answer {
    let id = format!("{:032x}", rand::random::<u128>());
    let last = prepared.len() - 1;
    for (at, commit) in prepared.iter().enumerate() {
        let mut headers = commit.headers.clone();
        headers.insert(NATS_BATCH_ID, id.as_str());
        headers.insert(NATS_BATCH_SEQUENCE, (at + 1).to_string().as_str());
        if at == last {
            headers.insert(NATS_BATCH_COMMIT, async_nats::header::NATS_BATCH_COMMIT_FINAL);
            return request(log, commit, headers, deadline).await;
        }
        let opened = if at == 0 {
            // The first is asked, to learn early that batches are refused; an empty reply is a yes.
            match ask_once(log, commit, headers, deadline).await {
                Some(Ok(reply)) if reply.payload.is_empty() && reply.status.is_none() => Ok(()),
                reply => Err(answer::read(reply, commit.payload.len())),
            }
        } else {
            let client = &log.connection.shared.client;
            let sent = client.publish_with_headers(commit.subject.clone(), headers, commit.payload.clone()).await;
            sent.map_err(|_closed| Answer::Away)
        };
        match opened {
            Ok(()) => {}
            // Without its last message a batch is never stored, whatever became of this one.
            Err(Answer::Lost) => return Answer::Busy,
            Err(other) => return other,
        }
    }
    Answer::Busy
}
