//! How much of all files may be in memory at a time. Whoever finds no room waits a moment and is then sent away.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// In mebibytes: a few of the largest files, or hundreds of pictures.
const MEMORY_MIB: u32 = 512;
/// How long a request waits for room.
const WAIT_MAX: Duration = Duration::from_secs(10);
const MIB: u64 = 1024 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MEMORY_MIB as usize)))
    }
}

/// Room that is taken; given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
}

impl Memory {
    /// Room for so many bytes; `None` if there is none.
    pub(super) async fn take(&self, bytes: u64) -> Option<Room> {
        let pieces = u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX).clamp(1, MEMORY_MIB);
        let permit = timeout(WAIT_MAX, Arc::clone(&self.0).acquire_many_owned(pieces)).await.ok()?.ok()?;
        Some(Room { _permit: permit })
    }
}
