//! Ranges of keys and the one loop that walks them; used by stores and snapshots alike.

use std::ops::ControlFlow;

use rocksdb::{DBAccess, DBRawIteratorWithThreadMode, ReadOptions};

use crate::error::StoreError;
use crate::key::prefix_end;

/// A row: key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What is shown every row of a walk, key and value; breaking ends it.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest key up.
    Forward,
    /// From the highest key down.
    Reverse,
}

/// The keys from `start` (inclusive) to `end` (exclusive; `None` is past the last key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    pub start: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    pub const fn all() -> Self {
        Self { start: Vec::new(), end: None }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        let end = prefix_end(&start);
        Self { start, end }
    }

    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: start.into(), end: Some(end.into()) }
    }

    /// The part of this range whose keys come after `key`: where a forward page goes on.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        // The next possible key is the same one with a zero byte behind it.
        let mut next = key.to_vec();
        next.push(0);
        self.start = self.start.max(next);
        self
    }

    /// The part of this range whose keys come before `key`: where a reverse page goes on.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.end = Some(match self.end {
            Some(end) => end.min(key.to_vec()),
            None => key.to_vec(),
        });
        self
    }

    fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    pub(crate) fn read_options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if !self.start.is_empty() {
            options.set_iterate_lower_bound(self.start.clone());
        }
        if let Some(end) = &self.end {
            options.set_iterate_upper_bound(end.clone());
        }
        options
    }
}

/// Shows every row of `range` to `visit` until it breaks. `rows` must have been made with the range's own options.
pub(crate) fn walk<D: DBAccess>(
    mut rows: DBRawIteratorWithThreadMode<'_, D>,
    range: &KeyRange,
    direction: Direction,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    if range.is_empty() {
        return Ok(());
    }
    match direction {
        Direction::Forward => rows.seek_to_first(),
        Direction::Reverse => rows.seek_to_last(),
    }
    while let Some((key, value)) = rows.item() {
        if visit(key, value).is_break() {
            return Ok(());
        }
        match direction {
            Direction::Forward => rows.next(),
            Direction::Reverse => rows.prev(),
        }
    }
    // A failing read ends the loop like the last row does; only the status tells them apart.
    rows.status().map_err(StoreError::from_rocksdb)
}

/// Collects at most `limit` rows of a walk.
pub(crate) fn collect<D: DBAccess>(
    rows: DBRawIteratorWithThreadMode<'_, D>,
    range: &KeyRange,
    direction: Direction,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    walk(rows, range, direction, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}
