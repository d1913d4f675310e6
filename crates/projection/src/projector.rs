//! What a projector is: a pure function of (rows, commit).

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_readstore::Entry;

use crate::companion::Companion;

/// A view's writer. Reads no clock, no log and no other view, and has no side effects.
pub trait Projector: Send + Sync + 'static {
    /// Name of the view: its folder, its row in `relevo view status`.
    fn name(&self) -> &'static str;

    /// Raised whenever bytes or meaning of the rows change; the runtime then builds the new version beside the old one.
    fn version(&self) -> u32;

    /// Applies one commit. An error parks the commit's entity (the view shows it as degraded); the rest moves on.
    /// Whatever was written to `rows` by a failing call is discarded.
    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError>;

    /// An empty companion, if the view's readers need one. Each folder of the view gets one of its own.
    fn companion(&self) -> Option<Box<dyn Companion>> {
        None
    }

    /// How long a commit may wait for others, so that they are applied and written together, while nobody waits for a position of
    /// the view and the view is not behind. A batch costs as much as some dozen commits: what nobody looks at every moment is
    /// cheaper late. None by default: every commit is applied as it comes.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }
}

/// The rows of one view while commits are applied: reads see what was written before, in this batch too.
pub trait Rows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ApplyError>;
    /// Shows the row at a key, if there is one, for who needs no copy of its own. `show` reads no rows.
    fn look(&self, key: &[u8], show: &mut dyn FnMut(&[u8])) -> Result<(), ApplyError> {
        if let Some(row) = self.get(key)? {
            show(&row);
        }
        Ok(())
    }
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>);
    fn delete(&mut self, key: Vec<u8>);
    /// All rows whose key begins with `prefix`, in key order, at most `limit`. Looks at every change of the batch: for what is rare.
    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, ApplyError>;
}

/// Why a commit could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A stored row is not what its writer writes; the commit's entity is parked.
    #[error("row cannot be read: {0}")]
    BadRow(String),
    /// The store failed; the runtime stops the view and says so.
    #[error("store failed: {0}")]
    Store(String),
}
