//! Publishing an append under compare-and-set: one message, or several as an atomic batch. What an unclear answer means is
//! decided in `resolve`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_trait::async_trait;
use bytes::Bytes;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::event::ConversationEvent;
use relevo_domain::{Actor, Commit, CommitHash, Event};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::JetStreamLog;
use crate::codec;
use crate::gather::{self, Outgoing, Ticket};
use crate::log::{Append, LogError, Outcome, Stored};
use crate::resolve::{self, Answer, Attempt};
use crate::streams::StreamName;
use crate::subject;

/// Room that is left in the server's largest message for headers, in bytes.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The event types of a commit, each once, in order of first appearance.
pub(crate) const HEADER_TYPES: &str = "Relevo-Types";
/// Version of the entity after the commit.
pub(crate) const HEADER_VERSION: &str = "Relevo-Version";

pub(super) async fn append(log: &JetStreamLog, batch: &[Append]) -> Result<Outcome, LogError> {
    resolve::check(batch)?;
    let (messages, hashes) = prepare(log, batch)?;
    let publish = Publish { log, messages, hashes, urgent: urgent(batch), gathered: AtomicBool::new(false) };
    resolve::drive(log, batch, &publish, log.connection.shared.options.append_deadline).await
}

/// Whether somebody waits for the append, or the fence hangs on it: it never stands in a queue behind what customers write.
fn urgent(batch: &[Append]) -> bool {
    batch.iter().any(|Append { commit, .. }| {
        matches!(commit.actor, Actor::Staff(_)) || commit.intake.is_none() && commit.events.iter().any(fences)
    })
}

/// A pause, the end of one, or a claim.
const fn fences(event: &Event) -> bool {
    matches!(
        event,
        Event::Conversation(
            ConversationEvent::BotPaused { .. }
                | ConversationEvent::PauseChanged { .. }
                | ConversationEvent::BotResumed { .. }
                | ConversationEvent::SendStarted { .. }
        ) | Event::Channel(ChannelEvent::ChannelPaused | ChannelEvent::ChannelResumed)
    )
}

/// An append as it is published.
struct Publish<'a> {
    log: &'a JetStreamLog,
    messages: Arc<[Outgoing]>,
    hashes: Vec<CommitHash>,
    urgent: bool,
    /// The first attempt may travel with others; whatever comes after it goes by itself.
    gathered: AtomicBool,
}

#[async_trait]
impl Attempt for Publish<'_> {
    async fn send(&self, deadline: Instant) -> Answer {
        let connection = &self.log.connection;
        // A disconnected client would keep the message and send it after the outcome was named.
        if !connection.connected() {
            return Answer::Away;
        }
        let first = !self.gathered.swap(true, Ordering::Relaxed);
        let _pass = if first {
            match gather::enter(connection, &self.messages, self.urgent, deadline).await {
                Ticket::Together(answer) => return answer,
                Ticket::Alone(pass) => Some(pass),
            }
        } else {
            None
        };
        let messages: Vec<&Outgoing> = self.messages.iter().collect();
        let answer = gather::send(connection, &messages, deadline).await;
        if let Answer::Stored(last) = answer {
            gather::stored(connection, &self.messages, last);
        }
        answer
    }

    fn stored(&self, last: u64) -> Vec<Stored> {
        // The commits of a batch stand next to each other, in order.
        let first = last + 1 - self.hashes.len() as u64;
        self.hashes.iter().zip(first..).map(|(hash, sequence)| Stored { sequence, hash: *hash }).collect()
    }
}

/// The messages, and the hash of each.
fn prepare(log: &JetStreamLog, batch: &[Append]) -> Result<(Arc<[Outgoing]>, Vec<CommitHash>), LogError> {
    let limit = log.connection.shared.client.server_info().max_payload.saturating_sub(HEADER_BYTES_MAX);
    let members = resolve::members(batch);
    let mut conditions: Vec<Option<u64>> = members.iter().map(|member| Some(member.expected)).collect();
    let mut hashes = Vec::with_capacity(batch.len());
    let messages = batch
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
            hashes.push(codec::hash(&payload));
            let subject = subject::entity(&commit.tenant, &commit.entity);
            Ok(Outgoing { subject, headers: headers(commit, condition), payload })
        })
        .collect::<Result<_, LogError>>()?;
    Ok((messages, hashes))
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
