//! The memory that mails on their way may take: every account has a little of its own, and a share of what all have together, so
//! that no server that is slow, and no folder that is full, keeps the mailboxes of others waiting.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all accounts of this node have together, in KiB.
const SHARED_KIB: u32 = 256 * 1024;
/// What one account may have of it, in KiB: the largest mail that is brought in, twice.
const SHARE_KIB: u32 = SHARED_KIB / 2;
/// What an account has for itself, in KiB: as much as ordinary mails take that are fetched together.
pub(crate) const OWN_KIB: u32 = 2 * 1024;

/// The memory of this node.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Semaphore>);

/// The memory of an account.
#[derive(Debug)]
pub(crate) struct AccountMemory {
    own: Arc<Semaphore>,
    share: Arc<Semaphore>,
    shared: Memory,
}

/// What was taken; given back when dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Room {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Default for Memory {
    fn default() -> Self {
        Self(room_for(SHARED_KIB))
    }
}

impl Memory {
    pub(crate) fn of_account(&self) -> AccountMemory {
        AccountMemory { own: room_for(OWN_KIB), share: room_for(SHARE_KIB), shared: self.clone() }
    }
}

impl AccountMemory {
    /// Waits for so many KiB; at most an account's share, whatever is asked for. `None` never happens: it is not closed.
    pub(crate) async fn take(&self, kib: u32) -> Option<Room> {
        let shared = async {
            let kib = kib.min(SHARE_KIB);
            // In this order: who waits for its own share keeps nothing of the others'.
            let share = Arc::clone(&self.share).acquire_many_owned(kib).await.ok()?;
            let shared = Arc::clone(&self.shared.0).acquire_many_owned(kib).await.ok()?;
            Some(Room { _permits: vec![share, shared] })
        };
        if kib > OWN_KIB {
            return shared.await;
        }
        tokio::select! {
            biased;
            own = Arc::clone(&self.own).acquire_many_owned(kib) => Some(Room { _permits: vec![own.ok()?] }),
            room = shared => room,
        }
    }
}

fn room_for(kib: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(kib).unwrap_or(Semaphore::MAX_PERMITS)))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::MAIL_BYTES_MAX;

    #[test]
    fn who_holds_much_keeps_nobodys_ordinary_mails_and_not_all_of_the_large_ones() {
        let memory = Memory::default();
        let (slow, other, third) = (memory.of_account(), memory.of_account(), memory.of_account());
        let at_once = |account: &AccountMemory, kib| account.take(kib).now_or_never().flatten();
        let largest = MAIL_BYTES_MAX * 2 / 1024 + 1;
        let held = at_once(&slow, largest).expect("the largest mail fits");
        assert!(at_once(&slow, largest).is_none(), "an account has its share and no more");
        let also_held = at_once(&other, largest).expect("somebody else's largest mail fits");
        assert!(at_once(&third, largest).is_none());
        // What is ordinary waits for nobody; not even for the large mail of the same account.
        let ordinary: Vec<_> = [&slow, &other, &third].map(|account| at_once(account, OWN_KIB)).into_iter().collect();
        assert!(ordinary.iter().all(Option::is_some));
        drop(held);
        assert!(at_once(&third, largest).is_some(), "what was held is given back");
        assert!(at_once(&third, u32::MAX).is_some(), "nothing is asked for that never is there");
        drop(also_held);
    }
}
