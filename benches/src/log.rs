//! A log that is made up as it is read: it holds nothing, and ends where it is told to end.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted};
use tokio::sync::watch;

use crate::world::{CREATED_AT, World};

/// The log of a world. Clones are the same log.
#[derive(Clone, Debug)]
pub struct WorldLog {
    world: Arc<World>,
    last: watch::Sender<u64>,
}

impl WorldLog {
    /// Of which everything up to `last` has happened.
    pub fn new(world: Arc<World>, last: u64) -> Self {
        Self { world, last: watch::Sender::new(last) }
    }

    /// One more commit happens. Answers with its sequence.
    pub fn go_on(&self) -> u64 {
        self.last.send_modify(|last| *last += 1);
        self.last()
    }

    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }
}

#[async_trait]
impl Log for WorldLog {
    async fn append(&self, _batch: Vec<Append>) -> Result<Outcome, LogError> {
        Err(refused())
    }

    async fn tail(&self, _tenant: &TenantId, _entity: &EntityId, _after: u64) -> Result<Vec<Recorded>, LogError> {
        Err(refused())
    }

    async fn beginning(
        &self,
        _tenant: &TenantId,
        _entity: &EntityId,
        _limit: usize,
        _wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        Err(refused())
    }

    async fn last_of(&self, _tenant: &TenantId, _entity: &EntityId) -> Result<u64, LogError> {
        Err(refused())
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        Ok((1..=self.last()).contains(&sequence).then(|| self.world.commit(sequence)))
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let start = (Arc::clone(&self.world), self.last.subscribe(), from);
        let commits = stream::unfold(start, |(world, mut last, next)| async move {
            last.wait_for(|last| *last >= next).await.ok()?;
            Some((Ok(world.commit(next)), (world, last, next + 1)))
        });
        Ok(commits.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        Ok(Identity { created_at: CREATED_AT, last_sequence: self.last(), bytes: 0, max_bytes: u64::MAX })
    }
}

fn refused() -> LogError {
    LogError::Refused("the log of a benchmark is read only".to_owned())
}
