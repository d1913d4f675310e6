//! What was read from the disk and is kept: blocks of files and single rows, for all stores together.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rocksdb::Cache;

/// Cache of blocks read from disk, shared by all stores that are opened with the same [`BlockCache`]. Enough to keep the
/// index and the first pages of every view of a small installation in memory.
pub(crate) const BLOCK_CACHE_BYTES: usize = 32 << 20;
/// The same for each of these bytes while a store catches up: a row that is not there yet is asked of the filters of all its files, and
/// those of a million conversations do not fit otherwise.
const CATCHING_UP_BLOCKS: usize = 3;
/// Cache of single rows, shared like the cache of blocks. A page of a list reads rows that lie anywhere: of each it would keep a
/// block of 4 KiB, of which it needs a few hundred bytes. This one holds the rows of a thousand pages.
pub(crate) const ROW_CACHE_BYTES: usize = 16 << 20;

/// A cache of blocks; its clones are the same cache.
#[derive(Clone)]
pub struct BlockCache(Arc<Blocks>);

struct Blocks {
    cache: Cache,
    bytes: usize,
    /// How many stores are in haste.
    hasty: Mutex<usize>,
}

/// A cache of rows, in the order of their last use; its clones are the same cache.
#[derive(Clone)]
pub struct RowCache(pub(crate) Cache);

/// Makes the cache larger until it is dropped.
pub(crate) struct Haste(BlockCache);

impl BlockCache {
    pub fn new(bytes: usize) -> Self {
        // Of unknown charge an entry; unlike the other kind it has no lock that all stores' reads stand in line for.
        let cache = Cache::new_hyper_clock_cache(bytes, 0);
        Self(Arc::new(Blocks { cache, bytes, hasty: Mutex::default() }))
    }

    /// Bytes that it takes now. What is too much after a haste goes with the next block that is read.
    pub fn bytes(&self) -> usize {
        self.0.cache.get_usage()
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    pub(crate) fn haste(&self) -> Haste {
        self.count(|hasty| hasty + 1);
        Haste(self.clone())
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut hasty = self.0.hasty.lock().unwrap_or_else(PoisonError::into_inner);
        *hasty = change(*hasty);
        let bytes = if *hasty == 0 { self.0.bytes } else { self.0.bytes.saturating_mul(CATCHING_UP_BLOCKS) };
        self.0.cache.clone().set_capacity(bytes);
    }
}

impl Drop for Haste {
    fn drop(&mut self) {
        self.0.count(|hasty| hasty - 1);
    }
}

impl RowCache {
    pub fn new(bytes: usize) -> Self {
        Self(Cache::new_lru_cache(bytes))
    }
}

impl fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockCache")
    }
}

impl fmt::Debug for RowCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowCache")
    }
}
