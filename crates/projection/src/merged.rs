//! Several stretches of an index as one list: in the order of what stands behind each stretch's prefix.

use std::collections::VecDeque;

use relevo_readstore::{Direction, Entry, KeyRange, StoreError};

use crate::source::RowSource;

/// Entries read at once from one stretch.
const CHUNK: usize = 128;

/// Walks stretches side by side.
#[expect(missing_debug_implementations, reason = "rows hold personal data")]
pub struct Merged<'a> {
    source: &'a dyn RowSource,
    stretches: Vec<Stretch>,
}

/// One prefix.
struct Stretch {
    prefix: Vec<u8>,
    rest: KeyRange,
    read: VecDeque<Entry>,
    exhausted: bool,
}

/// One entry of a merged list.
#[expect(missing_debug_implementations, reason = "rows hold personal data")]
pub struct Found {
    /// Which stretch it is of, in the order in which they were given.
    pub stretch: usize,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    prefix: usize,
}

impl Found {
    /// What stands behind the prefix: its place in the merged list.
    pub fn place(&self) -> Vec<u8> {
        self.key.get(self.prefix..).unwrap_or_default().to_vec()
    }
}

impl<'a> Merged<'a> {
    /// The entries with these prefixes whose place is behind `after`.
    pub fn new(source: &'a dyn RowSource, prefixes: impl IntoIterator<Item = Vec<u8>>, after: Option<&[u8]>) -> Self {
        let stretches = prefixes.into_iter().map(|prefix| {
            let mut rest = KeyRange::prefix(prefix.clone());
            if let Some(after) = after {
                rest = rest.after(&[&prefix, after].concat());
            }
            Stretch { prefix, rest, read: VecDeque::new(), exhausted: false }
        });
        Self { source, stretches: stretches.collect() }
    }

    /// The entry that comes first of those that are left.
    #[expect(clippy::should_implement_trait, reason = "a store can fail")]
    pub fn next(&mut self) -> Result<Option<Found>, StoreError> {
        for stretch in &mut self.stretches {
            stretch.fill(self.source)?;
        }
        let places = self.stretches.iter().enumerate();
        let first = places.filter_map(|(index, stretch)| Some((stretch.place()?, index))).min();
        let Some((_, index)) = first else { return Ok(None) };
        let Some(stretch) = self.stretches.get_mut(index) else { return Ok(None) };
        let prefix = stretch.prefix.len();
        let found = stretch.read.pop_front();
        Ok(found.map(|(key, value)| Found { stretch: index, key, value, prefix }))
    }
}

impl Stretch {
    fn fill(&mut self, source: &dyn RowSource) -> Result<(), StoreError> {
        if self.exhausted || !self.read.is_empty() {
            return Ok(());
        }
        let entries = source.scan(&self.rest, Direction::Forward, CHUNK)?;
        self.exhausted = entries.len() < CHUNK;
        if let Some((last, _)) = entries.last() {
            self.rest = self.rest.clone().after(last);
        }
        self.read = entries.into();
        Ok(())
    }

    fn place(&self) -> Option<&[u8]> {
        self.read.front().and_then(|(key, _)| key.get(self.prefix.len()..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projector::Rows as _;
    use crate::source::FoldedRows;

    #[test]
    fn stretches_are_read_as_one_list_from_any_place_on() {
        let mut rows = FoldedRows::new();
        // More than a chunk in each stretch, and every third place in both.
        for place in 0..400_u16 {
            let place_bytes = place.to_be_bytes();
            for (prefix, wanted) in [(b"aaa".as_slice(), place % 3 != 1), (b"b", place % 3 != 2)] {
                if wanted {
                    rows.put([prefix, &place_bytes].concat(), Vec::new());
                }
            }
        }
        rows.put(b"c".to_vec(), Vec::new());
        let listed = |after: Option<&[u8]>| {
            let mut merged = Merged::new(&rows, [b"aaa".to_vec(), b"b".to_vec()], after);
            let mut places = Vec::new();
            while let Some(found) = merged.next().unwrap() {
                let place = found.place();
                places.push((u16::from_be_bytes([place[0], place[1]]), found.stretch));
            }
            places
        };
        let expected: Vec<_> = (0..400_u16)
            .flat_map(|place| [(place, 0), (place, 1)])
            .filter(|(place, stretch)| if *stretch == 0 { place % 3 != 1 } else { place % 3 != 2 })
            .collect();
        assert_eq!(listed(None), expected);
        let behind: Vec<_> = expected.iter().copied().filter(|(place, _)| *place > 200).collect();
        assert_eq!(listed(Some(&200_u16.to_be_bytes())), behind);
    }
}
