//! The metrics stream: one JSON message a metric fact, for analytics consumers.

use async_nats::HeaderMap;
use bytes::Bytes;
use relevo_domain::TenantId;

use crate::connection::Connection;
use crate::log::LogError;
use crate::request::publish;
use crate::streams::StreamName;
use crate::subject;

/// Writes metric facts. At least once: the id keeps a repetition within two minutes from being stored twice.
#[derive(Clone, Debug)]
pub struct MetricsLog {
    connection: Connection,
}

impl MetricsLog {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Publishes one fact and answers with its sequence. `id` names the fact, for example by its commit and metric.
    pub async fn publish(&self, tenant: &TenantId, metric: &str, id: &str, json: Bytes) -> Result<u64, LogError> {
        let subject = subject::metric(tenant, metric)?;
        let id = format!("{tenant}.{metric}.{id}");
        publish(&self.connection, StreamName::Metrics, &subject, &id, HeaderMap::new(), json).await
    }
}
