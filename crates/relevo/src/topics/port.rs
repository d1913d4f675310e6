//! What the publisher needs of the log that holds the topics; a test puts a faulty one in its place.

use async_trait::async_trait;
use relevo_domain::Timestamp;
use relevo_eventlog::{Appended, CloudEvent, LastMessage, LogError, MetricsLog, Topic};

/// The topics, as [`MetricsLog`] offers them.
#[async_trait]
pub(crate) trait TopicLog: Send + Sync + 'static {
    /// The last message of a topic, from the leader.
    async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError>;

    /// Appends facts, all or nothing, if the topic's last sequence is `expected`.
    async fn append(&self, topic: &Topic, expected: u64, facts: &[CloudEvent]) -> Result<Appended, LogError>;

    /// When the topic's stream was made.
    async fn created_at(&self, topic: &Topic) -> Result<Timestamp, LogError>;
}

#[async_trait]
impl TopicLog for MetricsLog {
    async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError> {
        Self::last(self, topic).await
    }

    async fn append(&self, topic: &Topic, expected: u64, facts: &[CloudEvent]) -> Result<Appended, LogError> {
        Self::append(self, topic, expected, facts).await
    }

    async fn created_at(&self, topic: &Topic) -> Result<Timestamp, LogError> {
        Self::created_at(self, topic).await
    }
}
