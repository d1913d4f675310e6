//! Building a view anew beside the live one, and switching when it has caught up. Readers notice nothing.

use std::sync::Arc;

use relevo_domain::Position;
use relevo_readstore::ReadStore;
use tokio::sync::oneshot;

use crate::applier::Applier;
use crate::build::{Builder, Clock, Progress};
use crate::driver::Adoption;
use crate::error::MaintenanceError;
use crate::feed::BATCH_COMMITS_MAX;
use crate::folder::FolderError;
use crate::runtime::{Entry, Views};

/// How often a rebuild runs after the log's end before it hands over: each round is shorter than the one before, unless the
/// log grows faster than it is read.
const ROUNDS_MAX: u32 = 8;

impl Views {
    /// Builds the view from the log's first commit in a new folder, catches up, switches, and deletes the old folder when its
    /// last reader leaves. This is also the way out of `LOG_DIVERGED` and of a damaged folder. Dropping the future gives up;
    /// the live view is then as before.
    pub async fn rebuild(
        &self,
        name: &str,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Position, MaintenanceError> {
        let entry = self.entry(name)?;
        let _alone = entry.maintenance.try_lock().map_err(|_held| MaintenanceError::Busy(entry.view.name()))?;
        entry.ready()?;
        tokio::select! {
            () = self.shared.token.cancelled() => Err(MaintenanceError::Cancelled),
            rebuilt = self.rebuild_beside(entry, &mut progress) => rebuilt,
        }
    }

    async fn rebuild_beside(
        &self,
        entry: &Entry,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Position, MaintenanceError> {
        let layout = entry.layout.clone();
        let slot = blocking(move || layout.next()).await?.map_err(MaintenanceError::from)?;
        let (path, options) = (entry.layout.path(slot), self.shared.options.store.clone());
        let store = blocking(move || ReadStore::open(path, &options)).await?.map_err(MaintenanceError::Open)?;
        // Until it is switched to, nobody needs it: whatever ends this future deletes the folder.
        store.remove_when_closed(true);
        let log = &self.shared.log;
        let mut identity = log.identity().await.map_err(MaintenanceError::Log)?;
        // The folder is empty, so this reads nothing.
        let mut applier = Applier::resume(Arc::clone(&entry.projector), store, identity.created_at)?;
        let builder = Builder {
            hub: Arc::clone(&self.shared.hub),
            token: self.shared.token.clone(),
            clock: Clock::start(Position::START),
        };
        for _round in 0..ROUNDS_MAX {
            applier = builder.catch_up(applier, Position::new(identity.last_sequence), progress).await?;
            identity = log.identity().await.map_err(MaintenanceError::Log)?;
            let behind = identity.last_sequence.saturating_sub(applier.position().sequence());
            if behind <= BATCH_COMMITS_MAX as u64 {
                break;
            }
        }
        let (done, switched) = oneshot::channel();
        let adoption = Adoption { applier, slot, done };
        entry.adoptions.send(adoption).await.map_err(|_stopped| MaintenanceError::Cancelled)?;
        let position = switched.await.map_err(|_stopped| MaintenanceError::Cancelled)?;
        tracing::info!(view = entry.view.name(), %position, "view rebuilt");
        Ok(position)
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, MaintenanceError> {
    tokio::task::spawn_blocking(work).await.map_err(|_stopped| MaintenanceError::Cancelled)
}

impl From<FolderError> for MaintenanceError {
    fn from(error: FolderError) -> Self {
        Self::Folder { path: error.path, reason: error.reason }
    }
}
