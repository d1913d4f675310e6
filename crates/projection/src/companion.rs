//! What a view keeps in memory beside its rows, for reads that rows alone cannot serve fast enough.
//!
//! A companion is made of rows alone and is never stored: it is filled at open and follows every batch. The applier owns it;
//! readers get a frozen one together with the rows of the same position. What it keeps is its crate's business.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

use relevo_readstore::{Batch, Direction, Family, KeyRange, ReadStore};

use crate::projector::ApplyError;

/// A companion as readers get it: immutable, and of one position.
pub type Frozen = Arc<dyn Any + Send + Sync>;

/// What a view keeps in memory beside its rows. A pure function of the rows under its prefixes.
///
/// An error of any call stops the view (`ViewState::Stopped`): readers keep what they had, and never see a companion that does
/// not belong to its rows. It is called by one thread at a time: at open and for many rows where blocking is allowed, for those of a
/// few commits where other tasks run, so that it never waits for anything.
pub trait Companion: Send + 'static {
    /// Which rows it wants to see, by the beginning of their keys. Asked once, before any row is shown. The rows under them are
    /// shown once each at open, in the order of the keys within a prefix; prefixes may come in any order.
    fn prefixes(&self) -> Vec<Vec<u8>>;

    /// A row is written (`Some`) or deleted (`None`). Within one batch each key comes at most once, in the order of the keys.
    /// A delete of a row that never was, and a write of what is there already, are possible.
    fn changed(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ApplyError>;

    /// What readers get until the next batch. Called after every batch: cheap, so large parts are shared and copied on write.
    fn freeze(&self) -> Frozen;

    /// Everything that readers can learn from it, as bytes that are the same for the same rows, whatever order they came in.
    /// For the laws alone: may be slow.
    fn fingerprint(&self) -> Vec<u8>;
}

/// A companion and the rows that it follows.
pub(crate) struct Following {
    companion: Box<dyn Companion>,
    /// None of them begins with another one.
    prefixes: Vec<Vec<u8>>,
}

impl Following {
    /// Shows the companion every stored row that it wants.
    pub(crate) fn open(mut companion: Box<dyn Companion>, store: &ReadStore) -> Result<Self, ApplyError> {
        let prefixes = disjoint(companion.prefixes());
        let snapshot = store.snapshot();
        for prefix in &prefixes {
            let mut outcome = Ok(());
            let walked = snapshot.for_each(&KeyRange::prefix(prefix.as_slice()), Direction::Forward, |key, value| {
                outcome = companion.changed(key, Some(value));
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            walked.map_err(|error| ApplyError::Store(error.to_string()))?;
            outcome?;
        }
        Ok(Self { companion, prefixes })
    }

    /// Shows the companion what a batch does to its rows.
    pub(crate) fn show(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        for (key, value) in batch.changes(Family::Rows) {
            if self.prefixes.iter().any(|prefix| key.starts_with(prefix)) {
                self.companion.changed(key, value)?;
            }
        }
        Ok(())
    }

    pub(crate) fn freeze(&self) -> Frozen {
        self.companion.freeze()
    }

    #[cfg(any(test, feature = "test-util"))]
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        self.companion.fingerprint()
    }
}

/// The prefixes without those that another one covers: otherwise their rows would be shown twice at open.
fn disjoint(mut prefixes: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // In key order a prefix stands before everything that it covers.
    prefixes.sort();
    prefixes.dedup_by(|later, earlier| later.starts_with(earlier));
    prefixes
}
