//! How many media a node has in its hands: one of every channel, whatever the others do, and some more that all channels share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Media beyond one a channel that a node has in its hands at a time, each of which may be of 100 MiB.
const SHARED_MAX: usize = 16;

/// What the channels of a node share.
#[derive(Clone, Debug)]
pub(super) struct SharedPermits(Arc<Semaphore>);

/// The permits of a channel: so many providers as there are may be slow, and nobody else waits for them.
#[derive(Clone, Debug)]
pub(super) struct Permits {
    own: Arc<Semaphore>,
    shared: SharedPermits,
}

impl Default for SharedPermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SHARED_MAX)))
    }
}

impl SharedPermits {
    pub(super) fn of_channel(&self) -> Permits {
        Permits { own: Arc::new(Semaphore::new(1)), shared: self.clone() }
    }
}

impl Permits {
    /// Waits for the channel's own or a shared one. `None` never happens: they are not closed.
    pub(super) async fn take(self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            own = self.own.acquire_owned() => own.ok(),
            shared = self.shared.0.acquire_owned() => shared.ok(),
        }
    }
}
