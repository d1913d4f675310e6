//! Rows to be read, wherever they are: in a view, or folded in memory from a few commits for a read of the past.
//!
//! Readers that take a [`RowSource`] answer both with the same functions. Nothing here knows a log: who folds brings the commits.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};

use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_readstore::{Direction, Entry, KeyRange, Snapshot, StoreError};

use crate::entity::{EntityRow, follows};
use crate::projector::{ApplyError, Projector, Rows};
use crate::view::ViewSnapshot;

/// What a walk shows every row to, key and value; breaking ends it.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Rows of one moment. Two reads of one source never see different moments.
pub trait RowSource {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows with these keys, in their order; `None` for one that is absent.
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// At most `limit` rows of `range`, the first ones in this direction.
    fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Shows the rows of `range` one by one until `visit` breaks.
    fn visit(&self, range: &KeyRange, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError>;
}

/// Rows in memory: what a projector makes of a few commits. As large as what those commits hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoldedRows(BTreeMap<Vec<u8>, Vec<u8>>);

/// What the projector makes of these commits and nothing else, for reads of the past: all commits of a conversation, and of
/// whatever its rows show beside it, up to a position, in the order of the log. Each entity's commits must be gapless from its
/// first one; a hole, and a commit that the projector refuses, are `BadRow`.
pub fn fold_commits(projector: &dyn Projector, commits: &[Recorded]) -> Result<FoldedRows, ApplyError> {
    let mut rows = FoldedRows::default();
    let mut heads: HashMap<(&TenantId, &EntityId), EntityRow> = HashMap::new();
    for recorded in commits {
        let entity = (&recorded.commit.tenant, &recorded.commit.entity);
        follows(heads.get(&entity), recorded).map_err(ApplyError::BadRow)?;
        projector.apply(&mut rows, recorded)?;
        heads.insert(entity, EntityRow::after(recorded));
    }
    Ok(rows)
}

// === impl FoldedRows ===

impl FoldedRows {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn range(&self, range: &KeyRange) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &Vec<u8>)> {
        // A map refuses a range that ends before it begins; a store's is empty.
        let end = range.end.as_ref().map(|end| end.max(&range.start));
        let bounds = (Bound::Included(&range.start), end.map_or(Bound::Unbounded, Bound::Excluded));
        self.0.range::<Vec<u8>, _>(bounds)
    }
}

impl RowSource for FoldedRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let copy = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let rows = self.range(range);
        Ok(match direction {
            Direction::Forward => rows.take(limit).map(copy).collect(),
            Direction::Reverse => rows.rev().take(limit).map(copy).collect(),
        })
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut rows = self.range(range);
        let mut next = || match direction {
            Direction::Forward => rows.next(),
            Direction::Reverse => rows.next_back(),
        };
        while let Some((key, value)) = next() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Rows for FoldedRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ApplyError> {
        Ok(self.0.get(key).cloned())
    }

    fn look(&self, key: &[u8], show: &mut dyn FnMut(&[u8])) -> Result<(), ApplyError> {
        if let Some(row) = self.0.get(key) {
            show(row);
        }
        Ok(())
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.0.remove(&key);
    }

    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, ApplyError> {
        let range = KeyRange::prefix(prefix);
        Ok(self.range(&range).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

// === impl RowSource for what a view gives ===

impl RowSource for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Self::get(self, key)
    }

    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Self::get_many(self, keys)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Self::scan(self, range, direction, limit)
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError> {
        self.for_each(range, direction, visit)
    }
}

impl RowSource for ViewSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows().get(key)
    }

    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows().get_many(keys)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.rows().scan(range, direction, limit)
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError> {
        self.rows().for_each(range, direction, visit)
    }
}
