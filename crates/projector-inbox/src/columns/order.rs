//! A chunk's slots in the order of one sort, so that a page finds its next few without looking at the rest.
//!
//! The order is cut into blocks, each with the mask of its slots: what matches is looked for block by block, and where nothing
//! matches nothing is looked at.

use super::mask::{Mask, SLOTS};

/// Places of a block: few enough that going through one costs little, enough that there are few blocks.
const BLOCK: usize = 64;
const BLOCKS: usize = SLOTS / BLOCK;

/// Slots, ascending by key; of equals the lower slot first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    slots: Vec<u16>,
    /// The slots of each block.
    blocks: [Mask; BLOCKS],
}

impl Order {
    /// Takes a slot out; its key is still what it was when it was put in.
    pub(crate) fn remove(&mut self, slot: usize, key: impl Fn(usize) -> (i64, i64)) {
        let place = self.place(slot, &key);
        if self.slots.get(place).is_none_or(|found| usize::from(*found) != slot) {
            return;
        }
        self.slots.remove(place);
        self.blocks[place / BLOCK].set(slot, false);
        // Each later block has given its first slot to the one before it.
        for block in place / BLOCK..BLOCKS - 1 {
            let Some(moved) = self.slots.get((block + 1) * BLOCK - 1).copied() else { break };
            self.moved(moved, block + 1, block);
        }
    }

    /// Puts a slot in that is not here.
    pub(crate) fn insert(&mut self, slot: usize, key: impl Fn(usize) -> (i64, i64)) {
        let place = self.place(slot, &key);
        // A chunk has 1,024 slots.
        self.slots.insert(place, slot as u16);
        self.blocks[place / BLOCK].set(slot, true);
        // Each block that is full has given its last slot to the next one.
        for block in place / BLOCK..BLOCKS - 1 {
            let Some(moved) = self.slots.get((block + 1) * BLOCK).copied() else { break };
            self.moved(moved, block, block + 1);
        }
    }

    fn moved(&mut self, slot: u16, from: usize, to: usize) {
        self.blocks[from].set(usize::from(slot), false);
        self.blocks[to].set(usize::from(slot), true);
    }

    /// The place of the first slot whose key is not below this one.
    #[inline]
    pub(crate) fn place_of(&self, first: (i64, i64), key: impl Fn(usize) -> (i64, i64)) -> usize {
        self.slots.partition_point(|slot| key(usize::from(*slot)) < first)
    }

    /// From where on, at or behind `place`, members of the mask can stand, and the slot there. Nothing of the mask stands
    /// between; `None` if nothing follows. The slot itself need not be a member.
    #[inline]
    pub(crate) fn next_block(&self, mask: &Mask, place: usize) -> Option<(usize, usize)> {
        let block = (place / BLOCK..BLOCKS).find(|block| mask.meets(&self.blocks[*block]))?;
        let place = place.max(block * BLOCK);
        self.slots.get(place).map(|slot| (place, usize::from(*slot)))
    }

    /// The slots from `place` to the end of its block, in order.
    #[inline]
    pub(crate) fn rest_of_block(&self, place: usize) -> impl Iterator<Item = usize> {
        let end = ((place / BLOCK + 1) * BLOCK).min(self.slots.len());
        self.slots.get(place..end).unwrap_or_default().iter().map(|slot| usize::from(*slot))
    }

    /// The place behind the block of this one.
    #[inline]
    pub(crate) const fn behind_block(place: usize) -> usize {
        (place / BLOCK + 1) * BLOCK
    }

    fn place(&self, slot: usize, key: &impl Fn(usize) -> (i64, i64)) -> usize {
        let wanted = (key(slot), slot);
        self.slots.partition_point(|found| (key(usize::from(*found)), usize::from(*found)) < wanted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_hold_what_stands_in_them(changes in proptest::collection::vec((0usize..SLOTS, 0i64..50), 1..400)) {
            let mut keys = vec![None; SLOTS];
            let mut order = Order::default();
            for (slot, value) in changes {
                if let Some(before) = keys[slot] {
                    let now = keys.clone();
                    order.remove(slot, |slot| (now[slot].unwrap_or(before), 0));
                }
                // Every tenth change only takes out.
                keys[slot] = (value % 10 != 0).then_some(value);
                if keys[slot].is_some() {
                    let now = keys.clone();
                    order.insert(slot, |slot| (now[slot].unwrap_or_default(), 0));
                }
            }
            let mut expected: Vec<(i64, usize)> =
                keys.iter().enumerate().filter_map(|(slot, key)| key.map(|key| (key, slot))).collect();
            expected.sort_unstable();
            let slots: Vec<usize> = order.slots.iter().map(|slot| usize::from(*slot)).collect();
            prop_assert_eq!(&slots, &expected.iter().map(|(_, slot)| *slot).collect::<Vec<_>>());
            for (index, block) in order.blocks.iter().enumerate() {
                let mut mask = Mask::EMPTY;
                slots.iter().skip(index * BLOCK).take(BLOCK).for_each(|slot| mask.set(*slot, true));
                prop_assert_eq!(block, &mask);
            }
        }
    }
}
