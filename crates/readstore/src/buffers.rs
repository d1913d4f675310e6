//! What is written and not on the disk yet: how much of it, in one store and in all of them together.

use rocksdb::{FlushOptions, WriteBufferManager};

use crate::error::StoreError;
use crate::store::{Family, ReadStore};

/// Write buffers of all stores that are opened with the same [`WriteBuffers`], together; beyond it they are flushed early, so that they
/// are above it for moments. Above what a dozen stores have that follow their log, so that it bounds those alone that catch up at the same time, and half of what eight of
/// these would take if all were full at once.
pub(crate) const WRITE_BUFFERS_BYTES: usize = 80 << 20;
/// Write buffers of a store that catches up, for each of its usual ones: a fourth as many files, of which reads look into several, and a
/// fourth as many times that these are merged into what is there.
const CATCHING_UP_BUFFERS: usize = 4;

/// A bound on write buffers; its clones are the same bound.
#[derive(Clone)]
pub struct WriteBuffers(pub(crate) WriteBufferManager);

/// How a store is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A little at a time, for as long as the process runs.
    Following,
    /// As much as there is, for minutes: memory is spent on it meanwhile.
    CatchingUp,
}

// === impl WriteBuffers ===

impl WriteBuffers {
    pub fn new(bytes: usize) -> Self {
        // Nobody waits for the bound: what is beyond it is flushed, and a store waits for its own buffers only.
        Self(WriteBufferManager::new_write_buffer_manager(bytes, false))
    }

    /// Bytes that they take now.
    pub fn bytes(&self) -> usize {
        self.0.get_usage()
    }
}

impl std::fmt::Debug for WriteBuffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WriteBuffers")
    }
}

// === impl ReadStore ===

impl ReadStore {
    /// Makes the write buffers larger or smaller; a store is opened as one that follows. What is in larger
    /// ones goes to the disk in the background. Writes a small file, so it is called where blocking is allowed.
    pub fn set_pace(&self, pace: Pace) -> Result<(), StoreError> {
        for family in Family::ALL {
            let usual = self.inner.write_buffer_bytes(family);
            let bytes = match pace {
                Pace::Following => usual,
                Pace::CatchingUp => usual.saturating_mul(CATCHING_UP_BUFFERS),
            };
            let (handle, bytes) = (self.inner.family(family)?, bytes.to_string());
            let options = [("write_buffer_size", bytes.as_str())];
            self.inner.db.set_options_cf(handle, &options).map_err(StoreError::from_rocksdb)?;
        }
        if pace == Pace::Following {
            // They shrink with the next write only, and there may be none for hours.
            let mut how = FlushOptions::default();
            how.set_wait(false);
            for family in Family::ALL {
                let flushed = self.inner.db.flush_cf_opt(self.inner.family(family)?, &how);
                flushed.map_err(StoreError::from_rocksdb)?;
            }
        }
        Ok(())
    }
}
