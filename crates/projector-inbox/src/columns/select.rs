//! The best few of everything that matches, and how many match: what a page is made of.

use std::collections::BinaryHeap;

use super::chunk::{Chunk, NEVER};
use super::mask::Mask;
use super::order::Order;
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
    let (mut candidates, mut lanes) = (Vec::new(), Vec::new());
    let mut consider = |chunk: &'c Chunk, only: Option<Mask>| {
        selection.work.chunks += 1;
        let mask = plan.of_chunk(chunk) & only.unwrap_or(Mask::ALL);
        if mask.is_empty() {
            return;
        }
        selection.total += mask.count();
        for mut lane in lanes_of(chunk, mask, sort) {
            // The lowest key that one of its matches can have: where nothing comes in question, nothing is looked at.
            if let Some(first) = lane.begin(after) {
                candidates.push((first, lanes.len()));
                lanes.push(lane);
            }
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
        best.look_through(&lanes[place], &mut selection.work);
    }
    selection.places = best.heap.into_sorted_vec();
    selection
}

/// Matches of one chunk that one of its orders brings in the order of the list.
struct Lane<'c> {
    chunk: &'c Chunk,
    mask: Mask,
    sort: Sort,
    /// By waiting, those for whom nobody waits: they all come last, by their activity, and that order finds them.
    behind: bool,
    /// From where on its matches are looked for.
    place: usize,
}

/// The matches of a chunk. By waiting there may be two lanes: the order by waiting says nothing of those for whom nobody waits,
/// who may be all that a list shows (resolved ones, for example).
fn lanes_of(chunk: &Chunk, mask: Mask, sort: Sort) -> impl Iterator<Item = Lane<'_>> {
    let parts = match sort {
        Sort::Waiting => {
            let waiting = mask & chunk.waiting_since(NEVER - 1);
            [(waiting, false), (mask & !waiting, true)]
        }
        Sort::LastActivity | Sort::Priority => [(mask, false), (Mask::EMPTY, true)],
    };
    let filled = parts.into_iter().filter(|(mask, _)| !mask.is_empty());
    filled.map(move |(mask, behind)| Lane { chunk, mask, sort, behind, place: 0 })
}

impl Lane<'_> {
    /// The order that is followed.
    const fn by(&self) -> Sort {
        if self.behind { Sort::LastActivity } else { self.sort }
    }

    /// The key of a slot as the list has it.
    #[inline]
    fn key(&self, slot: usize) -> (i64, i64) {
        let (rank, recency) = self.chunk.keys(self.by()).of(slot);
        (if self.behind { NEVER } else { rank }, recency)
    }

    /// Goes to the first match that may stand at the cursor or behind it, and answers a key that none of them is below.
    fn begin(&mut self, after: Option<Cursor>) -> Option<(i64, i64)> {
        let order = self.chunk.order(self.by());
        let from = after.map_or(0, |after| order.place_of((after.rank, after.recency), |slot| self.key(slot)));
        let (place, slot) = order.next_block(&self.mask, from)?;
        self.place = place;
        Some(self.key(slot))
    }
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

    /// Follows the chunk's order until nothing better can come, over the blocks that have matches.
    fn look_through(&mut self, lane: &Lane<'_>, work: &mut Work) {
        let order = lane.chunk.order(lane.by());
        let mut next = lane.place;
        while let Some((place, first)) = order.next_block(&lane.mask, next) {
            if self.excludes(lane.key(first)) {
                return;
            }
            for slot in order.rest_of_block(place).filter(|slot| lane.mask.has(*slot)) {
                work.slots += 1;
                if self.excludes(lane.key(slot)) {
                    return;
                }
                self.offer(lane.chunk.place(self.sort, slot));
            }
            next = Order::behind_block(place);
        }
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
