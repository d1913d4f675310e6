//! What every projector's tests use: histories to apply, the laws that every projector obeys, and a folded view to read.
//!
//! A projector crate calls `laws(|| MyProjector, &history(1, 500))` and is done with everything that concerns rebuilding,
//! batches, crashes and redelivery. Nothing here knows a log or a server. Failures panic and name law, seed and first key.

mod history;
mod laws;
mod live;
pub mod story;
mod written;

use std::fmt::Debug;
use std::sync::Arc;

use relevo_domain::{Recorded, Timestamp};
use tempfile::TempDir;

use crate::applier::Item;
use crate::chains::{Chains, Link};
use crate::projector::Projector;
use crate::view::{View, ViewState};

pub use history::{HISTORY_STREAM_CREATED_AT, history, long_history};
#[cfg(test)]
pub(crate) use laws::open;
pub use laws::{Effort, broken_laws, laws};
pub use live::LiveView;
pub use story::Story;
pub use written::Writer;

/// A view that has applied these commits, for a reader's tests. Keep the folder for as long as the view.
pub fn fold<P: Projector>(projector: P, commits: &[Recorded]) -> (TempDir, Arc<View>) {
    let (name, version) = (projector.name(), projector.version());
    let folder = must(TempDir::new(), "make a folder");
    let mut applier = laws::open(&folder.path().join(name), Arc::new(projector));
    must(applier.apply(&items(commits)), "apply");
    let view = View::new(name);
    view.serve(applier.store().clone(), version, applier.moment());
    view.set_state(ViewState::Live);
    (folder, Arc::new(view))
}

pub(crate) fn items(commits: &[Recorded]) -> Vec<Item> {
    commits.iter().map(|commit| Item::Commit(Arc::new(commit.clone()), Link::Unknown)).collect()
}

/// The same as a reading of the log from its first commit on gives them.
fn linked(commits: &[Recorded]) -> Vec<Item> {
    let mut chains = Chains::default();
    commits.iter().map(|commit| Item::Commit(Arc::new(commit.clone()), chains.link(commit))).collect()
}

/// Test support has nobody to hand an error to.
#[track_caller]
fn must<T, E: Debug>(outcome: Result<T, E>, what: &str) -> T {
    outcome.unwrap_or_else(|error| panic!("could not {what}: {error:?}"))
}

/// When the stream of every made-up history was created: 2026-01-01T00:00:00Z.
const CREATED_AT: Timestamp = Timestamp::from_seconds(1_767_225_600);
