//! The positions that readers of a view wait for, so that a view which lets commits gather does not let them wait with its readers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Who waits, as positions: as many as there are requests that wait, which their servers bound.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// By position, how many wait for it.
    wanted: Mutex<BTreeMap<u64, u32>>,
    /// Somebody has begun to wait. The view's driver is the only one who listens.
    begun: Notify,
}

/// Somebody waits until this is dropped.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    wishes: &'a Wishes,
    sequence: u64,
}

impl Wishes {
    /// Somebody waits until readers see this commit.
    pub(crate) fn wait_for(&self, sequence: u64) -> Wish<'_> {
        *self.lock().entry(sequence).or_default() += 1;
        self.begun.notify_one();
        Wish { wishes: self, sequence }
    }

    /// The first commit that somebody waits for and that is not applied yet, if the next one to be applied is `next`.
    pub(crate) fn first(&self, next: u64) -> Option<u64> {
        self.lock().range(next..).next().map(|(sequence, _)| *sequence)
    }

    /// Ends when somebody begins to wait, and at once if somebody has since it was last asked.
    pub(crate) async fn begun(&self) {
        self.begun.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, u32>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        let mut wanted = self.wishes.lock();
        if let Some(count) = wanted.get_mut(&self.sequence) {
            *count -= 1;
            if *count == 0 {
                wanted.remove(&self.sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_not_applied_counts_until_nobody_waits_for_it() {
        let wishes = Wishes::default();
        let (late, one, two) = (wishes.wait_for(9), wishes.wait_for(5), wishes.wait_for(5));
        assert_eq!(
            (wishes.first(1), wishes.first(5), wishes.first(6), wishes.first(10)),
            (Some(5), Some(5), Some(9), None)
        );
        drop(one);
        assert_eq!(wishes.first(1), Some(5));
        drop((two, late));
        assert_eq!((wishes.first(1), wishes.lock().len()), (None, 0));
    }
}
