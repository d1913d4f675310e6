//! Rows that were read lately, in memory: what a view reads for one commit it mostly wants again for one of the next.
//!
//! The applier is the only writer of its store, so what it read and what it has written since is what the store holds. Only
//! what was read is kept; what is written and never read (a thread's messages, for one) would push it out.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use relevo_readstore::{Batch, Family, ReadStore, StoreError};

/// Bytes of keys and values that are kept of one store, a quarter each for either family's two generations: the rows of some
/// thousand conversations. Eight views have caches of their own.
const CACHE_BYTES_MAX: usize = 2 << 20;
/// The same while a view catches up, and the size of a batch by which that is known: it meets all entities of weeks within seconds,
/// and a row that is not here is looked for in several files. Given back with the first smaller batch.
const CATCHING_UP_BYTES_MAX: usize = 12 << 20;
const CATCHING_UP_COMMITS: usize = 512;
/// What an entry costs beside its bytes, roughly.
const ENTRY_BYTES: usize = 96;

type Rows = HashMap<Vec<u8>, Option<Vec<u8>>, RandomState>;

/// The rows of one store that were read lately; an absent one is kept as absent.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    rows: RefCell<Generations>,
    meta: RefCell<Generations>,
}

/// What was wanted since the last change of generations, and what was wanted before it: of that, what is not wanted again is
/// forgotten with the next change.
#[derive(Debug)]
struct Generations {
    young: Rows,
    old: Rows,
    young_bytes: usize,
    /// Of the young ones.
    bytes_max: usize,
}

impl Cache {
    /// So many commits come in the next batch.
    pub(crate) fn expect(&self, commits: usize) {
        let bytes_max = if commits < CATCHING_UP_COMMITS { CACHE_BYTES_MAX } else { CATCHING_UP_BYTES_MAX };
        for family in [&self.rows, &self.meta] {
            family.borrow_mut().bound(bytes_max / 4);
        }
    }

    /// The row at a key, as it is in the store.
    pub(crate) fn get(&self, store: &ReadStore, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut generations = self.family(family).borrow_mut();
        if let Some(row) = generations.young.get(key) {
            return Ok(row.clone());
        }
        let row = match generations.old.remove(key) {
            Some(row) => row,
            None => store.get_in(family, key)?,
        };
        generations.keep(key.to_vec(), row.clone());
        Ok(row)
    }

    /// The store takes this batch.
    pub(crate) fn written(&self, batch: &Batch) {
        for family in [Family::Rows, Family::Meta] {
            let mut generations = self.family(family).borrow_mut();
            for (key, value) in batch.changes(family) {
                generations.change(key, value);
            }
        }
    }

    fn family(&self, family: Family) -> &RefCell<Generations> {
        match family {
            Family::Rows => &self.rows,
            Family::Meta => &self.meta,
        }
    }
}

impl Default for Generations {
    fn default() -> Self {
        Self { young: Rows::default(), old: Rows::default(), young_bytes: 0, bytes_max: CACHE_BYTES_MAX / 4 }
    }
}

impl Generations {
    fn bound(&mut self, bytes_max: usize) {
        if bytes_max < self.bytes_max {
            // What was kept is more than may be kept now, and of days long gone.
            *self = Self::default();
        }
        self.bytes_max = bytes_max;
    }

    fn keep(&mut self, key: Vec<u8>, row: Option<Vec<u8>>) {
        self.young_bytes += ENTRY_BYTES + key.len() + row.as_ref().map_or(0, Vec::len);
        self.young.insert(key, row);
        if self.young_bytes > self.bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }

    fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Self { young, old, young_bytes, bytes_max: _ } = self;
        if let Some(row) = young.get_mut(key) {
            let bytes = |row: Option<&[u8]>| row.map_or(0, <[u8]>::len);
            *young_bytes += bytes(value).saturating_sub(bytes(row.as_deref()));
            *row = value.map(<[u8]>::to_vec);
        } else if let Some(row) = old.get_mut(key) {
            *row = value.map(<[u8]>::to_vec);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relevo_readstore::Options;

    use super::*;

    #[test]
    fn it_is_bounded_and_right_after_every_change_of_generations() {
        let folder = tempfile::tempdir().unwrap();
        let store = ReadStore::open(folder.path(), &Options::default()).unwrap();
        let cache = Cache::default();
        let value = |round: u8| vec![round; 1_000];
        for round in 0..3 {
            let mut batch = Batch::new();
            for key in 0..2_000_u32 {
                batch.put(Family::Rows, key.to_be_bytes(), value(round));
            }
            cache.written(&batch);
            store.write(batch).unwrap();
            for key in 0..2_000_u32 {
                assert_eq!(cache.get(&store, Family::Rows, &key.to_be_bytes()).unwrap(), Some(value(round)));
            }
            let kept = cache.rows.borrow();
            assert!((kept.young.len() + kept.old.len()) * 1_000 <= CACHE_BYTES_MAX / 2);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_says_what_the_store_says(steps in prop::collection::vec((0..6u8, prop::option::of(0..9u8), any::<bool>()), 1..80)) {
            let folder = tempfile::tempdir().unwrap();
            let store = ReadStore::open(folder.path(), &Options::default()).unwrap();
            let cache = Cache::default();
            for (key, value, write) in steps {
                if write {
                    let mut batch = Batch::new();
                    match value {
                        Some(value) => batch.put(Family::Meta, [key], [value]),
                        None => batch.delete(Family::Meta, [key]),
                    }
                    cache.written(&batch);
                    store.write(batch).unwrap();
                }
                prop_assert_eq!(cache.get(&store, Family::Meta, &[key]).unwrap(), store.get_in(Family::Meta, &[key]).unwrap());
                prop_assert_eq!(cache.get(&store, Family::Rows, &[key]).unwrap(), None);
            }
        }
    }
}
