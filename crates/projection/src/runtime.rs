//! All views of a process: starting them, finding them, and ending them.

use std::path::PathBuf;
use std::sync::Arc;

use relevo_domain::Position;
use relevo_eventlog::Log;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::driver::{Adoption, Driver};
use crate::entity::Degraded;
use crate::error::{MaintenanceError, StartError};
use crate::folder::Layout;
use crate::hub::Hub;
use crate::projector::Projector;
use crate::view::{View, ViewState};

/// Rebuilt folders that wait for their driver: there is one rebuild a view at a time.
const ADOPTIONS_MAX: usize = 1;

/// How views are run. Clones share the block cache of their stores.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub store: relevo_readstore::Options,
}

/// Starts views.
#[derive(Clone, Copy, Debug)]
pub struct Runtime;

/// The running views. Clones are the same views.
#[derive(Clone)]
pub struct Views {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) entries: Vec<Entry>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) options: Options,
    pub(crate) token: CancellationToken,
    drivers: TaskTracker,
}

/// One view and what its maintenance needs.
pub(crate) struct Entry {
    pub(crate) view: Arc<View>,
    pub(crate) projector: Arc<dyn Projector>,
    pub(crate) layout: Layout,
    pub(crate) adoptions: mpsc::Sender<Adoption>,
    /// One rebuild or verification a view at a time.
    pub(crate) maintenance: Mutex<()>,
}

/// A view in a list of views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewStatus {
    pub name: &'static str,
    /// The projector's version.
    pub version: u32,
    /// The version that readers get; absent while there is nothing to read.
    pub serving: Option<u32>,
    pub state: ViewState,
    pub position: Position,
    pub degraded: Degraded,
    pub bytes: u64,
}

impl Runtime {
    /// Starts one view a projector; each opens its folder and follows the log by itself. A view that cannot is told by its
    /// state; the others run.
    pub async fn start(
        projectors: Vec<Arc<dyn Projector>>,
        log: Arc<dyn Log>,
        views_dir: impl Into<PathBuf>,
        options: Options,
        token: CancellationToken,
    ) -> Result<Views, StartError> {
        let views_dir = views_dir.into();
        for (index, projector) in projectors.iter().enumerate() {
            let name = projector.name();
            if projectors[..index].iter().any(|other| other.name() == name) {
                return Err(StartError::DuplicateName { name });
            }
            // The same rule as for every name that becomes part of a path or a subject.
            relevo_domain::ChannelId::new(name).map_err(|_refused| StartError::Name { name })?;
        }
        tokio::fs::create_dir_all(&views_dir)
            .await
            .map_err(|error| StartError::Folder { path: views_dir.clone(), reason: error.to_string() })?;
        let drivers = TaskTracker::new();
        let hub = Hub::new(Arc::clone(&log), token.clone());
        // All of them before the first begins, so that it knows whom to wait for.
        let openings: Vec<_> = projectors.iter().map(|_| hub.opening()).collect();
        let entries = projectors.into_iter().zip(openings).map(|(projector, opening)| {
            let layout = Layout::new(&views_dir, projector.name(), projector.version());
            let view = Arc::new(View::new(projector.name()));
            let (sender, adoptions) = mpsc::channel(ADOPTIONS_MAX);
            let driver = Driver {
                view: Arc::clone(&view),
                projector: Arc::clone(&projector),
                log: Arc::clone(&log),
                hub: Arc::clone(&hub),
                opening: Some(opening),
                layout: layout.clone(),
                store: options.store.clone(),
                adoptions,
                token: token.clone(),
            };
            drivers.spawn(driver.run());
            Entry { view, projector, layout, adoptions: sender, maintenance: Mutex::new(()) }
        });
        let entries = entries.collect();
        drivers.close();
        Ok(Views { shared: Arc::new(Shared { entries, log, hub, options, token, drivers }) })
    }
}

impl Views {
    pub fn get(&self, name: &str) -> Option<Arc<View>> {
        self.all().find(|view| view.name() == name)
    }

    /// Every view, in the order of the projectors.
    pub fn all(&self) -> impl Iterator<Item = Arc<View>> + '_ {
        self.shared.entries.iter().map(|entry| Arc::clone(&entry.view))
    }

    pub fn status(&self) -> Vec<ViewStatus> {
        self.shared.entries.iter().map(Entry::status).collect()
    }

    /// Ends following and gives the folders back. A folder that a reader still has a snapshot of stays open until it is gone.
    pub async fn shutdown(&self) {
        self.shared.token.cancel();
        self.shared.drivers.wait().await;
        for entry in &self.shared.entries {
            // A rebuild or verification notices the cancellation and lets go.
            let _finished = entry.maintenance.lock().await;
            entry.view.close();
        }
    }

    pub(crate) fn entry(&self, name: &str) -> Result<&Entry, MaintenanceError> {
        let found = self.shared.entries.iter().find(|entry| entry.view.name() == name);
        found.ok_or_else(|| MaintenanceError::UnknownView(name.to_owned()))
    }
}

impl Entry {
    fn status(&self) -> ViewStatus {
        ViewStatus {
            name: self.view.name(),
            version: self.projector.version(),
            serving: self.view.version(),
            state: self.view.state(),
            position: self.view.position(),
            degraded: self.view.degraded().unwrap_or_default(),
            bytes: self.view.approximate_bytes(),
        }
    }

    /// Whether the projector's own version is still on its way; then there is nothing to rebuild or to verify yet.
    pub(crate) fn ready(&self) -> Result<(), MaintenanceError> {
        let own = self.view.version() == Some(self.projector.version());
        match self.view.state() {
            ViewState::Starting => Err(MaintenanceError::NotReady(self.view.name())),
            ViewState::CatchingUp { .. } if !own => Err(MaintenanceError::NotReady(self.view.name())),
            ViewState::CatchingUp { .. } | ViewState::Live | ViewState::Diverged(_) | ViewState::Stopped { .. } => {
                Ok(())
            }
        }
    }
}
