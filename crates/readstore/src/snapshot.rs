//! A snapshot that owns its store: readers keep it, clone it and send it to other threads; writers are not held up.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use rocksdb::{DBPinnableSlice, ReadOptions};
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
pub struct Snapshot(Arc<Held>);

impl Snapshot {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self(Arc::new(Held::new(inner, |inner| inner.db.snapshot())))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_in(Family::Rows, key)
    }

    pub fn get_in(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let inner = self.0.borrow_owner();
        let found = self.0.borrow_dependent().get_cf(inner.family(family)?, key);
        inner.noticing(found.map_err(StoreError::from_rocksdb))
    }

    /// The rows with these keys, in their order; `None` for one that is absent. Costs less than asking for one after the other.
    pub fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let inner = self.0.borrow_owner();
        let mut options = ReadOptions::default();
        options.set_snapshot(self.0.borrow_dependent());
        let found = inner.db.batched_multi_get_cf_opt(inner.family(Family::Rows)?, keys, false, &options);
        let copied = |row: Option<DBPinnableSlice<'_>>| row.map(|row| row.to_vec());
        inner.noticing(found.into_iter().map(|row| row.map(copied).map_err(StoreError::from_rocksdb)).collect())
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
        let inner = self.0.borrow_owner();
        let rows = self.0.borrow_dependent().raw_iterator_cf_opt(inner.family(family)?, range.read_options());
        inner.noticing(collect(rows, range, direction, limit))
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
        let inner = self.0.borrow_owner();
        let rows = self.0.borrow_dependent().raw_iterator_cf_opt(inner.family(family)?, range.read_options());
        inner.noticing(walk(rows, range, direction, visit))
    }

    /// SHA-256 over every key and value of a family, in key order.
    pub fn digest(&self, family: Family) -> Result<Digest, StoreError> {
        digest_of(self, family)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.0.borrow_owner().path()).finish()
    }
}
