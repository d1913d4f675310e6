//! The best few of everything that matches, and how many match: what a page is made of.

use std::collections::BinaryHeap;

use super::chunk::Chunk;
use super::mask::Mask;
use super::plan::Plan;
use super::tenant::TenantColumns;
use crate::reader::{Cursor, Sort};
use crate::search::Hits;

/// What a list found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Selection {
    /// In the order of the list.
    pub(crate) places: Vec<Cursor>,
    /// Of the whole list, also what stands before the cursor.
    pub(crate) total: u64,
    /// What it cost.
    pub(crate) work: Work,
}

/// Work of one selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// Chunks whose masks were combined.
    pub(crate) chunks: u64,
    /// Conversations that were looked at one by one.
    pub(crate) slots: u64,
}

/// The first `limit` places behind `after` of the list. Every chunk is counted; only those that can hold one of them are sorted.
pub(crate) fn select<'c>(
    columns: &'c TenantColumns,
    plan: &Plan,
    hits: Option<&Hits>,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
) -> Selection {
    let mut selection = Selection::default();
    // Apart from the masks, which are large to sort.
    let (mut candidates, mut masks) = (Vec::new(), Vec::new());
    let mut consider = |chunk: &'c Chunk, only: Option<Mask>| {
        selection.work.chunks += 1;
        let mask = plan.of_chunk(chunk) & only.unwrap_or(Mask::ALL);
        if mask.is_empty() {
            return;
        }
        selection.total += mask.count();
        // Equal keys are told apart by id, which borders do not know.
        if let Some((first, last)) = chunk.borders(sort)
            && after.is_none_or(|after| last >= (after.rank, after.recency))
        {
            candidates.push((first, masks.len()));
            masks.push((mask, chunk));
        }
    };
    match hits {
        None => columns.chunks().iter().for_each(|chunk| consider(chunk, None)),
        Some(hits) => {
            for (index, mask) in columns.of_contacts(hits.numbers()) {
                columns.chunks().get(index).into_iter().for_each(|chunk| consider(chunk, Some(mask)));
            }
        }
    }
    candidates.sort_unstable();
    let mut best = Best { sort, after, limit, heap: BinaryHeap::with_capacity(limit + 1) };
    for (first, place) in candidates {
        if best.excludes(first) {
            break;
        }
        let (mask, chunk) = &masks[place];
        best.look_through(chunk, *mask, &mut selection.work);
    }
    selection.places = best.heap.into_sorted_vec();
    selection
}

/// The best places so far, the last of them on top.
struct Best {
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
    heap: BinaryHeap<Cursor>,
}

impl Best {
    /// Whether nothing with this key or a later one can come among them.
    #[inline]
    fn excludes(&self, key: (i64, i64)) -> bool {
        self.heap.len() >= self.limit && self.heap.peek().is_none_or(|worst| (worst.rank, worst.recency) < key)
    }

    /// Follows the chunk's order from the cursor on until nothing better can come. Where what matches is rare, or far behind in
    /// the order, it gives up after as many steps as there are matches, and looks at those instead.
    fn look_through(&mut self, chunk: &Chunk, mask: Mask, work: &mut Work) {
        let keys = chunk.keys(self.sort);
        let first = self.after.map_or((i64::MIN, i64::MIN), |after| (after.rank, after.recency));
        let matches = mask.count() as usize;
        let mut seen = None;
        if matches > FEW {
            let (rest, _before) = chunk.order(self.sort).split(first, |slot| keys.of(slot));
            for slot in rest.iter().take(matches).map(|slot| usize::from(*slot)) {
                work.slots += 1;
                let key = keys.of(slot);
                if self.excludes(key) {
                    return;
                }
                if mask.has(slot) {
                    self.offer(chunk.place(self.sort, slot));
                }
                seen = Some((key, slot));
            }
            if rest.len() <= matches {
                return;
            }
        }
        mask.for_each(|slot| {
            work.slots += 1;
            let key = keys.of(slot);
            if key >= first && Some((key, slot)) > seen && !self.excludes(key) {
                self.offer(chunk.place(self.sort, slot));
            }
        });
    }

    fn offer(&mut self, place: Cursor) {
        // Equal keys are told apart by id.
        if self.after.is_some_and(|after| place <= after) {
            return;
        }
        self.heap.push(place);
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }
}

/// So few matches of a chunk are looked at without its order.
const FEW: usize = 32;
