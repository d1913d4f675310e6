//! What the publisher needs of the log that holds the topics; a test puts a faulty one in its place.

use async_trait::async_trait;
use relevo_domain::Timestamp;
use relevo_eventlog::{Appended, LastMessage, LogError, MetricsLog, Topic, TopicFacts};

/// The topics, as [`MetricsLog`] offers them.
#[async_trait]
pub(crate) trait TopicLog: Send + Sync + 'static {
    /// The last message of a topic, from the leader.
    async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError>;

    /// Appends the facts of these topics, all or nothing, one behind the other, if each topic's last sequence is what it is
    /// expected to be.
    async fn append(&self, topics: &[TopicFacts<'_>]) -> Result<Appended, LogError>;

    /// When the topic's stream was made.
    async fn created_at(&self, topic: &Topic) -> Result<Timestamp, LogError>;
}

#[async_trait]
impl TopicLog for MetricsLog {
    async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError> {
        Self::last(self, topic).await
    }

    async fn append(&self, topics: &[TopicFacts<'_>]) -> Result<Appended, LogError> {
        Self::append_all(self, topics).await
    }

    async fn created_at(&self, topic: &Topic) -> Result<Timestamp, LogError> {
        Self::created_at(self, topic).await
    }
}
