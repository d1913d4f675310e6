//! What was read from the disk and is kept: blocks of files and single rows, for all stores together.

use std::fmt;

use rocksdb::Cache;

/// Cache of blocks read from disk, shared by all stores that are opened with the same [`BlockCache`]. Enough to keep the
/// index and the first pages of every view of a small installation in memory.
pub(crate) const BLOCK_CACHE_BYTES: usize = 32 << 20;
/// Cache of single rows, shared like the cache of blocks. A page of a list reads rows that lie anywhere: of each it would keep a
/// block of 4 KiB, of which it needs a few hundred bytes. This one holds the rows of a thousand pages.
pub(crate) const ROW_CACHE_BYTES: usize = 16 << 20;

/// A cache of blocks; its clones are the same cache.
#[derive(Clone)]
pub struct BlockCache(pub(crate) Cache);

/// A cache of rows, in the order of their last use; its clones are the same cache.
#[derive(Clone)]
pub struct RowCache(pub(crate) Cache);

impl BlockCache {
    pub fn new(bytes: usize) -> Self {
        // Of unknown charge an entry; unlike the other kind it has no lock that all stores' reads stand in line for.
        Self(Cache::new_hyper_clock_cache(bytes, 0))
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
