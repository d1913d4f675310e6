//! A chunk's slots in the order of one sort, so that a page finds its next few without looking at the rest.

/// Slots, ascending by key; of equals the lower slot first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order(Vec<u16>);

impl Order {
    /// Takes a slot out; its key is still what it was when it was put in.
    pub(crate) fn remove(&mut self, slot: usize, key: impl Fn(usize) -> (i64, i64)) {
        let place = self.place(slot, &key);
        if self.0.get(place).is_some_and(|found| usize::from(*found) == slot) {
            self.0.remove(place);
        }
    }

    /// Puts a slot in that is not here.
    pub(crate) fn insert(&mut self, slot: usize, key: impl Fn(usize) -> (i64, i64)) {
        let place = self.place(slot, &key);
        // A chunk has 1,024 slots.
        self.0.insert(place, slot as u16);
    }

    /// The slots whose key is not below this one, and those whose key is.
    #[inline]
    pub(crate) fn split(&self, first: (i64, i64), key: impl Fn(usize) -> (i64, i64)) -> (&[u16], &[u16]) {
        let (below, rest) = self.0.split_at(self.0.partition_point(|slot| key(usize::from(*slot)) < first));
        (rest, below)
    }

    fn place(&self, slot: usize, key: &impl Fn(usize) -> (i64, i64)) -> usize {
        let wanted = (key(slot), slot);
        self.0.partition_point(|found| (key(usize::from(*found)), usize::from(*found)) < wanted)
    }
}
