//! The rows as a projector sees them: the store, over it the batch that is not written yet, over that its own call.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use relevo_readstore::{Batch, Direction, Entry, Family, KeyRange, ReadStore, StoreError};

use crate::cache::Cache;
use crate::projector::{ApplyError, Rows};

/// Changes by key; `None` deletes. In no order: they are put in order once, when they are written.
type Changes = HashMap<Vec<u8>, Option<Vec<u8>>, RandomState>;

/// Rows that a commit changes in most views, and rows that room is made for at most.
pub(crate) const ROWS_A_COMMIT: usize = 4;
const ROOM_MAX: usize = 4_096;

/// Rows with pending changes, and pending changes of `meta` beside them.
pub(crate) struct Overlay<'a> {
    store: &'a ReadStore,
    cache: &'a Cache,
    /// Of the calls that have succeeded.
    pending: Changes,
    /// Of the call that is running.
    call: Changes,
    meta: Changes,
    bytes: usize,
    /// A projector may hide a failing read behind another error; what counts is here.
    failed: OnceCell<StoreError>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(store: &'a ReadStore, cache: &'a Cache) -> Self {
        let (pending, call, meta) = Default::default();
        Self { store, cache, pending, call, meta, bytes: 0, failed: OnceCell::new() }
    }

    /// Makes room for the changes of so many commits, so that it does not grow step by step.
    pub(crate) fn expect(&mut self, commits: usize) {
        self.pending.reserve(commits.saturating_mul(ROWS_A_COMMIT).min(ROOM_MAX));
    }

    /// Runs one call; its changes are kept if it succeeds and dropped if it does not.
    pub(crate) fn attempt(
        &mut self,
        call: impl FnOnce(&mut dyn Rows) -> Result<(), ApplyError>,
    ) -> Result<(), ApplyError> {
        let outcome = call(self);
        if let Some(error) = self.failed.get() {
            self.call.clear();
            return Err(ApplyError::Store(error.to_string()));
        }
        if outcome.is_err() {
            self.call.clear();
            return outcome;
        }
        // Emptied and not replaced: the next call needs as much room.
        for (key, value) in self.call.drain() {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.pending.insert(key, value);
        }
        Ok(())
    }

    pub(crate) fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.meta.get(key) {
            Some(pending) => Ok(pending.clone()),
            None => self.cache.get(self.store, Family::Meta, key),
        }
    }

    pub(crate) fn put_meta(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.meta.insert(key, Some(value));
    }

    /// Bytes that were written into it, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn into_batch(self) -> Batch {
        // One more for the checkpoint.
        let mut batch = Batch::with_capacity(self.pending.len() + self.meta.len() + 1);
        for (family, changes) in [(Family::Rows, self.pending), (Family::Meta, self.meta)] {
            let mut changes: Vec<_> = changes.into_iter().collect();
            changes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            for (key, value) in changes {
                match value {
                    Some(value) => batch.put(family, key, value),
                    None => batch.delete(family, key),
                }
            }
        }
        batch
    }

    fn failed(&self, error: StoreError) -> ApplyError {
        let text = error.to_string();
        // Only the first failure is kept; a second one says nothing new.
        self.failed.set(error).ok();
        ApplyError::Store(text)
    }
}

impl Rows for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ApplyError> {
        match self.call.get(key).or_else(|| self.pending.get(key)) {
            Some(pending) => Ok(pending.clone()),
            None => self.cache.get(self.store, Family::Rows, key).map_err(|error| self.failed(error)),
        }
    }

    fn look(&self, key: &[u8], show: &mut dyn FnMut(&[u8])) -> Result<(), ApplyError> {
        match self.call.get(key).or_else(|| self.pending.get(key)) {
            Some(pending) => {
                if let Some(row) = pending {
                    show(row);
                }
                Ok(())
            }
            None => self.cache.look(self.store, Family::Rows, key, show).map_err(|error| self.failed(error)),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.call.insert(key, Some(value));
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.call.insert(key, None);
    }

    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, ApplyError> {
        let range = KeyRange::prefix(prefix);
        let changed = self.pending.iter().chain(&self.call).filter(|(key, _)| key.starts_with(prefix));
        let changes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            changed.map(|(key, value)| (key.clone(), value.clone())).collect();
        // Each pending delete may hide one stored row; so many more are read, and the first `limit` of the merge are right.
        let hidden = changes.values().filter(|value| value.is_none()).count();
        let stored = self
            .store
            .scan(&range, Direction::Forward, limit.saturating_add(hidden))
            .map_err(|error| self.failed(error))?;
        let mut merged: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            stored.into_iter().map(|(key, value)| (key, Some(value))).collect();
        merged.extend(changes);
        let present = merged.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)));
        Ok(present.take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relevo_readstore::Options;

    use super::*;

    /// One thing that a projector or the runtime does. Keys are two letters of three, so that everything collides.
    #[derive(Clone, Debug)]
    enum Step {
        Put(String, u8),
        Delete(String),
        /// The call ends well, or not.
        End(bool),
        /// The batch is written and another one begins.
        Write,
    }

    fn a_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => ("[abc]{1,2}", any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
            4 => "[abc]{1,2}".prop_map(Step::Delete),
            3 => any::<bool>().prop_map(Step::End),
            1 => Just(Step::Write),
        ]
    }

    type Model = BTreeMap<Vec<u8>, Vec<u8>>;

    fn expect_same(rows: &dyn Rows, model: &Model) {
        for key in ["a", "ab", "cc"] {
            assert_eq!(rows.get(key.as_bytes()).unwrap(), model.get(key.as_bytes()).cloned());
            let mut shown = None;
            rows.look(key.as_bytes(), &mut |row| shown = Some(row.to_vec())).unwrap();
            assert_eq!(shown.as_ref(), model.get(key.as_bytes()));
        }
        for prefix in ["", "a", "b", "ca"] {
            for limit in [0, 1, 2, 3, 100] {
                let with_prefix = model.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes()));
                let expected: Vec<Entry> =
                    with_prefix.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect();
                assert_eq!(rows.scan(prefix.as_bytes(), limit).unwrap(), expected, "{prefix} {limit}");
            }
        }
    }

    fn call(rows: &mut dyn Rows, steps: &[Step], model: &mut Model) {
        for step in steps {
            match step {
                Step::Put(key, value) => {
                    rows.put(key.clone().into_bytes(), vec![*value]);
                    model.insert(key.clone().into_bytes(), vec![*value]);
                }
                Step::Delete(key) => {
                    rows.delete(key.clone().into_bytes());
                    model.remove(key.as_bytes());
                }
                Step::End(_) | Step::Write => {}
            }
            expect_same(rows, model);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn rows_read_as_if_every_change_were_written(steps in prop::collection::vec(a_step(), 1..60)) {
            let folder = tempfile::tempdir().unwrap();
            let store = ReadStore::open(folder.path(), &Options::default()).unwrap();
            let mut model = Model::new();
            let cache = Cache::default();
            let mut overlay = Overlay::new(&store, &cache);
            for steps in steps.split_inclusive(|step| matches!(step, Step::End(_) | Step::Write)) {
                let good = !matches!(steps.last(), Some(Step::End(false)));
                let mut after = model.clone();
                let outcome = overlay.attempt(|rows| {
                    call(rows, steps, &mut after);
                    if good { Ok(()) } else { Err(ApplyError::BadRow(String::new())) }
                });
                prop_assert_eq!(outcome.is_ok(), good);
                if good {
                    model = after;
                }
                expect_same(&overlay, &model);
                if let Some(Step::Write) = steps.last() {
                    let batch = overlay.into_batch();
                    cache.written(&batch);
                    store.write(batch).unwrap();
                    overlay = Overlay::new(&store, &cache);
                    expect_same(&overlay, &model);
                }
            }
        }
    }
}
