//! A log that shows a node nothing new until somebody asks where it stands: a node that lags, and then catches up.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted};
use tokio::sync::watch;

const EVERYTHING: u64 = u64::MAX;

pub(crate) struct Held {
    log: Arc<dyn Log>,
    shown: watch::Sender<u64>,
}

impl Held {
    /// Shows everything, for now.
    pub(crate) fn over(log: Arc<dyn Log>) -> Arc<Self> {
        Arc::new(Self { log, shown: watch::Sender::new(EVERYTHING) })
    }

    /// From now on nothing behind this sequence is shown.
    pub(crate) fn holds_at(&self, sequence: u64) {
        self.shown.send_replace(sequence);
    }
}

#[async_trait]
impl Log for Held {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        self.log.append(batch).await
    }

    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError> {
        self.log.tail(tenant, entity, after).await
    }

    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        self.log.beginning(tenant, entity, limit, wanted).await
    }

    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError> {
        self.log.last_of(tenant, entity).await
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.log.get(sequence).await
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let shown = self.shown.subscribe();
        let stream = self.log.read(from).await?.then(move |read| {
            let mut shown = shown.clone();
            async move {
                if let Ok(recorded) = &read {
                    // A log that is gone holds nothing back.
                    drop(shown.wait_for(|shown| recorded.sequence <= *shown).await);
                }
                read
            }
        });
        Ok(stream.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let identity = self.log.identity().await?;
        self.shown.send_replace(EVERYTHING);
        Ok(identity)
    }
}
