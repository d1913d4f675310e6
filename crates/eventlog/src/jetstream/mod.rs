//! The events log on JetStream.

pub(crate) mod answer;
pub(crate) mod append;
pub(crate) mod follow;
mod fresh;

use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::message::StreamMessage;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use relevo_domain::{EntityId, Recorded, TenantId, Timestamp};
use tokio::sync::watch;

use crate::codec;
use crate::connection::{Connection, Options};
use crate::log::{Append, Identity, Log, LogError, Outcome, Wanted};
use crate::request::{Which, leader_get};
use crate::streams::StreamName;
use crate::subject;

/// How many commits a reader asks for at a time: enough to hide the round trip, few enough to hold in memory.
const READ_AHEAD_COMMITS: usize = 256;

/// The events stream of one server or cluster.
#[derive(Clone)]
pub struct JetStreamLog {
    connection: Connection,
    leadership: Arc<fresh::Leadership>,
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JetStreamLog").field(&self.connection).finish()
    }
}

impl JetStreamLog {
    /// Connects and creates or verifies the streams. Other handles come from [`Self::connection`].
    pub async fn connect(options: Options) -> Result<Self, LogError> {
        Connection::connect(options).await.map(Self::new)
    }

    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, leadership: Arc::default() }
    }

    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn get_one(&self, which: Which) -> Result<Option<StreamMessage>, LogError> {
        leader_get(&self.connection.shared.context, StreamName::Events.as_str(), &which).await
    }
}

#[async_trait]
impl Log for JetStreamLog {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        append::append(self, &batch).await
    }

    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError> {
        let subject = subject::entity(tenant, entity);
        let Some(last) = self.get_one(Which::Last(subject.clone())).await? else { return Ok(Vec::new()) };
        let mut tail = Vec::new();
        let mut from = after.saturating_add(1);
        while from < last.sequence {
            // Deletes are denied, so there is a next one until the last; none means that the stream was replaced.
            let Some(message) = self.get_one(Which::Next { subject: subject.clone(), from }).await? else { break };
            from = message.sequence + 1;
            tail.push(recorded(message.sequence, &message.subject, &message.payload)?);
        }
        if from == last.sequence {
            tail.push(recorded(last.sequence, &last.subject, &last.payload)?);
        }
        Ok(tail)
    }

    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        let subject = subject::entity(tenant, entity);
        let (mut commits, mut from) = (Vec::new(), 1);
        while commits.len() < limit {
            let Some(message) = self.get_one(Which::Next { subject: subject.clone(), from }).await? else { break };
            from = message.sequence + 1;
            let commit = recorded(message.sequence, &message.subject, &message.payload)?;
            if !wanted(&commit) {
                break;
            }
            commits.push(commit);
        }
        Ok(commits)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Result<Recorded, LogError>>, LogError> {
        let subject = subject::entity(tenant, entity);
        let (mut commits, mut from) = (Vec::new(), after.saturating_add(1));
        while commits.len() < limit {
            let Some(message) = self.get_one(Which::Next { subject: subject.clone(), from }).await? else { break };
            from = message.sequence + 1;
            commits.push(recorded(message.sequence, &message.subject, &message.payload));
        }
        Ok(commits)
    }

    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError> {
        self.leadership.last_of(&self.connection, subject::entity(tenant, entity)).await
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        if sequence == 0 {
            return Ok(None);
        }
        let message = self.leadership.at(&self.connection, sequence).await?;
        message.map(|message| recorded(message.sequence, &message.subject, &message.payload)).transpose()
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let follow = follow::Follow::new(self.connection.clone(), StreamName::Events, from, READ_AHEAD_COMMITS);
        let commits = stream::unfold(follow, |mut follow| async move {
            let (sequence, message) = follow.next().await;
            Some((recorded(sequence, &message.subject, &message.payload), follow))
        });
        Ok(commits.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let info = self.leadership.info(&self.connection).await?;
        let millis = info.created.unix_timestamp_nanos() / 1_000_000;
        Ok(Identity {
            created_at: Timestamp::from_millis(i64::try_from(millis).unwrap_or(0)),
            last_sequence: info.state.last_sequence,
            bytes: info.state.bytes,
            max_bytes: u64::try_from(info.config.max_bytes).unwrap_or(0),
        })
    }

    fn connections(&self) -> Option<watch::Receiver<u64>> {
        Some(self.connection.shared.epoch.clone())
    }
}

/// A stored message as a commit.
fn recorded(sequence: u64, subject: &str, stored: &[u8]) -> Result<Recorded, LogError> {
    let commit =
        codec::decode(stored).map_err(|error| LogError::Undecodable { sequence, reason: error.to_string() })?;
    if subject::entity(&commit.tenant, &commit.entity) != subject {
        return Err(LogError::Undecodable { sequence, reason: "stands on another entity's subject".to_owned() });
    }
    Ok(Recorded { sequence, hash: codec::hash(stored), commit })
}
