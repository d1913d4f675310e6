//! A log that takes nothing for a while, or takes something without saying so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted};

pub(crate) struct Away {
    log: Arc<dyn Log>,
    refuses: AtomicBool,
    forgets: AtomicBool,
    refused: AtomicUsize,
}

impl Away {
    pub(crate) fn from(log: Arc<dyn Log>) -> Arc<Self> {
        let (refuses, forgets) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { log, refuses, forgets, refused: AtomicUsize::new(0) })
    }

    pub(crate) fn refuse_appends(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// The next append is stored, and answered as if the log were away.
    pub(crate) fn forget_an_answer(&self) {
        self.forgets.store(true, Ordering::SeqCst);
    }

    /// Appends that were answered as if the log were away.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Log for Away {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        let refuses = self.refuses.load(Ordering::SeqCst);
        let forgets = self.forgets.swap(false, Ordering::SeqCst);
        if !refuses {
            let outcome = self.log.append(batch).await?;
            if !forgets {
                return Ok(outcome);
            }
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        Err(LogError::Unavailable("on purpose".to_owned()))
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
        self.log.read(from).await
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        self.log.identity().await
    }
}
