//! A snapshot that owns its store: readers keep it, clone it and send it to other threads; writers are not held up.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{DBPinnableSlice, ReadOptions, ReadTier};
use self_cell::self_cell;

use crate::error::StoreError;
use crate::range::{Direction, Entry, KeyRange, Visit, collect, walk};
use crate::store::{Digest, Family, Inner, digest_of};

type DbSnapshot<'a> = rocksdb::Snapshot<'a>;

self_cell!(
    struct Held {
        owner: Arc<Inner>,
        #[covariant]
        dependent: DbSnapshot,
    }
);

/// A store as it was at one moment. Keeps the store open and its old rows on disk, so do not hold it for long.
#[derive(Clone)]
pub struct Snapshot {
    held: Arc<Held>,
    /// Present if it reads memory alone: whether a read of it or of its clones has failed.
    missed: Option<Arc<AtomicBool>>,
}

impl Snapshot {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { held: Arc::new(Held::new(inner, |inner| inner.db.snapshot())), missed: None }
    }

    /// The same moment for who must not wait for the disk: a read of what is not in memory fails, and [`Self::missed`] says so. Then
    /// everything is to be read again from the snapshot that this was made of.
    #[must_use]
    pub fn in_memory(&self) -> Self {
        Self { held: Arc::clone(&self.held), missed: Some(Arc::default()) }
    }

    /// Whether a read has failed because it needed the disk (or for another reason); always `false` for one that may wait.
    pub fn missed(&self) -> bool {
        self.missed.as_ref().is_some_and(|missed| missed.load(Ordering::Relaxed))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_in(Family::Rows, key)
    }

    pub fn get_in(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let inner = self.inner();
        let found =
            self.held.borrow_dependent().get_cf_opt(inner.family(family)?, key, self.reaching(ReadOptions::default()));
        self.noticing(found.map_err(StoreError::from_rocksdb))
    }

    /// The rows with these keys, in their order; `None` for one that is absent. Costs less than asking for one after the other.
    pub fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if self.missed.is_some() {
            // Many at once are read from the disk, whatever the options say.
            return keys.iter().map(|key| self.get(key)).collect();
        }
        let inner = self.inner();
        let mut options = ReadOptions::default();
        options.set_snapshot(self.held.borrow_dependent());
        let found = inner.db.batched_multi_get_cf_opt(inner.family(Family::Rows)?, keys, false, &options);
        let copied = |row: Option<DBPinnableSlice<'_>>| row.map(|row| row.to_vec());
        self.noticing(found.into_iter().map(|row| row.map(copied).map_err(StoreError::from_rocksdb)).collect())
    }

    /// At most `limit` rows of `range`.
    pub fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.scan_in(Family::Rows, range, direction, limit)
    }

    pub fn scan_in(
        &self,
        family: Family,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let options = self.reaching(range.read_options());
        let rows = self.held.borrow_dependent().raw_iterator_cf_opt(self.inner().family(family)?, options);
        self.noticing(collect(rows, range, direction, limit))
    }

    /// Shows rows one by one until `visit` breaks, for scans that filter or count.
    pub fn for_each(
        &self,
        range: &KeyRange,
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.for_each_in(Family::Rows, range, direction, &mut visit)
    }

    pub(crate) fn for_each_in(
        &self,
        family: Family,
        range: &KeyRange,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let options = self.reaching(range.read_options());
        let rows = self.held.borrow_dependent().raw_iterator_cf_opt(self.inner().family(family)?, options);
        self.noticing(walk(rows, range, direction, visit))
    }

    /// SHA-256 over every key and value of a family, in key order.
    pub fn digest(&self, family: Family) -> Result<Digest, StoreError> {
        digest_of(self, family)
    }

    fn inner(&self) -> &Inner {
        self.held.borrow_owner()
    }

    /// How far a read goes for its rows.
    fn reaching(&self, mut options: ReadOptions) -> ReadOptions {
        if self.missed.is_some() {
            options.set_read_tier(ReadTier::BlockCache);
        }
        options
    }

    fn noticing<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Some(missed), Err(_)) = (&self.missed, &read) {
            missed.store(true, Ordering::Relaxed);
        }
        self.inner().noticing(read)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.inner().path()).finish()
    }
}
