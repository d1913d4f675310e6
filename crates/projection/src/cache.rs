//! Rows that were read lately, in memory: what a view reads for one commit it mostly wants again for one of the next.
//!
//! The applier is the only writer of its store, so what it read and what it has written since is what the store holds. Only
//! what was read is kept; what is written and never read (a thread's messages, for one) would push it out.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use relevo_readstore::{Batch, Family, ReadStore, StoreError};

use crate::met::Met;

/// Bytes of keys and values that are kept of one store: the rows of some thousand conversations. Eight views have caches of their own.
const CACHE_BYTES_MAX: usize = 2 << 20;
/// The same while a view catches up: it meets all entities of weeks within seconds, and a row that is not here is looked for in
/// several files. Given back as soon as it has caught up.
const CATCHING_UP_BYTES_MAX: usize = 4 << 20;
/// Eighths of it that one generation of the rows may have, and one of `meta`: of that little is asked, see [`crate::chains`].
const ROWS_EIGHTHS: usize = 3;
const META_EIGHTHS: usize = 1;
/// What an entry costs beside its bytes, roughly.
const ENTRY_BYTES: usize = 96;

type Rows = HashMap<Vec<u8>, Option<Vec<u8>>, RandomState>;

/// The rows of one store that were read lately; an absent one is kept as absent.
#[derive(Debug)]
pub(crate) struct Cache {
    rows: RefCell<Generations>,
    meta: RefCell<Generations>,
    /// Every key that was ever put, if the store was empty when this began: most rows that a view asks for while it is built are not
    /// there yet, and the store would look into each of its files for them.
    put: RefCell<Option<Met>>,
}

/// What was wanted since the last change of generations, and what was wanted before it: of that, what is not wanted again is
/// forgotten with the next change.
#[derive(Debug, Default)]
struct Generations {
    young: Rows,
    old: Rows,
    young_bytes: usize,
    /// Of the young ones.
    bytes_max: usize,
}

impl Cache {
    /// Whether the next batch is one of a view that catches up.
    pub(crate) fn expect(&self, catching_up: bool) {
        let bytes_max = if catching_up { CATCHING_UP_BYTES_MAX } else { CACHE_BYTES_MAX };
        self.rows.borrow_mut().bound(bytes_max / 8 * ROWS_EIGHTHS);
        self.meta.borrow_mut().bound(bytes_max / 8 * META_EIGHTHS);
    }

    /// The store is empty, and about as many rows will be put into it: from now on it is known which keys it cannot have.
    pub(crate) fn begin(&self, rows: u64) {
        *self.put.borrow_mut() = Some(Met::with_room_for(rows));
    }

    /// The store is built: what is asked for now is mostly there.
    pub(crate) fn end(&self) {
        *self.put.borrow_mut() = None;
    }

    /// Whether no row was ever put there.
    fn never_put(&self, family: Family, key: &[u8]) -> bool {
        self.put.borrow().as_ref().is_some_and(|put| put.is_new(&(family, key)))
    }

    /// The row at a key, as it is in the store.
    pub(crate) fn get(&self, store: &ReadStore, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = None;
        self.look(store, family, key, &mut |row| found = Some(row.to_vec()))?;
        Ok(found)
    }

    /// Shows it, if there is one, without a copy.
    pub(crate) fn look(
        &self,
        store: &ReadStore,
        family: Family,
        key: &[u8],
        show: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let mut generations = self.family(family).borrow_mut();
        if let Some(row) = generations.young.get(key) {
            if let Some(row) = row {
                show(row);
            }
            return Ok(());
        }
        let (key, row) = match generations.old.remove_entry(key) {
            Some(kept) => kept,
            None if self.never_put(family, key) => (key.to_vec(), None),
            None => (key.to_vec(), store.get_in(family, key)?),
        };
        if let Some(row) = &row {
            show(row);
        }
        generations.keep(key, row);
        Ok(())
    }

    /// The store takes this batch.
    pub(crate) fn written(&self, batch: &Batch) {
        for family in [Family::Rows, Family::Meta] {
            let (mut generations, mut put) = (self.family(family).borrow_mut(), self.put.borrow_mut());
            for (key, value) in batch.changes(family) {
                generations.change(key, value);
                if let Some(put) = put.as_mut() {
                    put.meet(&(family, key));
                }
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

impl Default for Cache {
    fn default() -> Self {
        let cache = Self { rows: RefCell::default(), meta: RefCell::default(), put: RefCell::default() };
        cache.expect(false);
        cache
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
            replace(row, value);
        } else if let Some(row) = old.get_mut(key) {
            replace(row, value);
        }
    }
}

/// In the room that it has: most rows change often and stay about as large.
fn replace(row: &mut Option<Vec<u8>>, value: Option<&[u8]>) {
    match (row.as_mut(), value) {
        (Some(row), Some(value)) => {
            row.clear();
            row.extend_from_slice(value);
        }
        (_, value) => *row = value.map(<[u8]>::to_vec),
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
            assert!((kept.young.len() + kept.old.len()) * 1_000 <= CACHE_BYTES_MAX / 8 * 2 * ROWS_EIGHTHS);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_says_what_the_store_says(
            steps in prop::collection::vec((0..6u8, prop::option::of(0..9u8), any::<bool>()), 1..80),
            from_empty in any::<bool>(),
            built_after in 0..80_usize,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = ReadStore::open(folder.path(), &Options::default()).unwrap();
            let cache = Cache::default();
            if from_empty {
                cache.begin(0);
            }
            for (step, (key, value, write)) in steps.into_iter().enumerate() {
                if step == built_after {
                    cache.end();
                }
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
