//! A view that a test moves: it applies what it is told when it is told, and readers see it as they would see the runtime do it.

use std::sync::Arc;

use relevo_domain::Recorded;
use tempfile::TempDir;

use super::laws::open;
use super::{items, must};
use crate::applier::Applier;
use crate::projector::Projector;
use crate::view::{View, ViewState};

/// A view under a test's hand. Keeps its folder.
pub struct LiveView {
    applier: Applier,
    view: Arc<View>,
    version: u32,
    _folder: TempDir,
}

impl LiveView {
    /// A view at position zero, live.
    pub fn new<P: Projector>(projector: P) -> Self {
        let (name, version) = (projector.name(), projector.version());
        let folder = must(TempDir::new(), "make a folder");
        let applier = open(&folder.path().join(name), Arc::new(projector));
        let view = Arc::new(View::new(name));
        view.serve(applier.store().clone(), version, applier.moment());
        view.set_state(ViewState::Live);
        Self { applier, view, version, _folder: folder }
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    /// Applies commits as one batch, and shows them to the readers.
    pub fn apply(&mut self, commits: &[Recorded]) {
        must(self.applier.apply(&items(commits)), "apply");
        self.view.publish(self.applier.moment());
    }

    /// Serves the same rows as another store of the same version: what a finished rebuild of that version does.
    pub fn rebuild(&mut self) {
        self.view.serve(self.applier.store().clone(), self.version, self.applier.moment());
    }

    /// Serves the same rows as if a newer version of the projector had written them: what a finished rebuild does.
    pub fn switch(&mut self) {
        self.version += 1;
        self.view.serve(self.applier.store().clone(), self.version, self.applier.moment());
    }

    /// The view says that it is in this state.
    pub fn enter(&self, state: ViewState) {
        self.view.set_state(state);
    }

    /// The view cannot go on.
    pub fn stop(&self, error: &str) {
        self.view.set_state(ViewState::Stopped { error: error.to_owned() });
    }
}
