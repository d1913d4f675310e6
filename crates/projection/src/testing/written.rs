//! What a view writes, batch by batch, for who compares its speed with that of the store alone.

use std::path::Path;
use std::sync::Arc;

use relevo_domain::Recorded;
use relevo_readstore::Batch;

use super::{laws, must};
use crate::applier::{Applier, Item};
use crate::chains::Chains;
use crate::feed::BATCH_COMMITS_MAX;
use crate::projector::Projector;

/// A view that is built as a rebuild builds it, and tells what it writes.
pub struct Writer(Applier, Chains);

impl Writer {
    /// A view at position zero, in a folder of its own.
    pub fn new(projector: Arc<dyn Projector>, folder: &Path) -> Self {
        Self(laws::open(&folder.join(projector.name()), projector), Chains::default())
    }

    /// Applies commits in batches as large as those of a rebuild, and tells each batch just before it is written.
    pub fn apply(&mut self, commits: &[Recorded], tell: &mut dyn FnMut(&Batch)) {
        for commits in commits.chunks(BATCH_COMMITS_MAX) {
            let items: Vec<Item> =
                commits.iter().map(|commit| Item::Commit(Arc::new(commit.clone()), self.1.link(commit))).collect();
            must(self.0.apply_telling(&items, tell), "apply");
        }
    }
}
