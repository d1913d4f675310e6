//! The best few of everything that matches, and how many match: what a page is made of.

use std::collections::BinaryHeap;

use super::chunk::{Borders, Chunk, NEVER};
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
    let (mut candidates, mut lanes) = (Vec::new(), Vec::new());
    let mut consider = |chunk: &'c Chunk, only: Option<Mask>| {
        selection.work.chunks += 1;
        let mask = plan.of_chunk(chunk) & only.unwrap_or(Mask::ALL);
        if mask.is_empty() {
            return;
        }
        selection.total += mask.count();
        for lane in lanes_of(chunk, mask, sort) {
            // Equal keys are told apart by id, which borders do not know.
            if let Some((first, last)) = lane.borders()
                && after.is_none_or(|after| last >= (after.rank, after.recency))
            {
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
    filled.map(move |(mask, behind)| Lane { chunk, mask, sort, behind })
}

impl Lane<'_> {
    /// The order that is followed.
    const fn by(&self) -> Sort {
        if self.behind { Sort::LastActivity } else { self.sort }
    }

    /// A key of that order as the list has it.
    const fn in_list(&self, (rank, recency): (i64, i64)) -> (i64, i64) {
        (if self.behind { NEVER } else { rank }, recency)
    }

    fn borders(&self) -> Option<Borders> {
        let (first, last) = self.chunk.borders(self.by())?;
        let (first, last) = (self.in_list(first), self.in_list(last));
        Some((first, if self.ends_at(last) { (NEVER - 1, i64::MAX) } else { last }))
    }

    /// Whether the order goes on, from this key, with those that the other lane brings.
    fn ends_at(&self, (rank, _): (i64, i64)) -> bool {
        self.sort == Sort::Waiting && !self.behind && rank == NEVER
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

    /// Follows the chunk's order from the cursor on until nothing better can come. Where what matches is rare, or far behind in
    /// the order, it gives up after as many steps as there are matches, and looks at those instead.
    fn look_through(&mut self, lane: &Lane<'_>, work: &mut Work) {
        let Lane { chunk, mask, .. } = *lane;
        let keys = chunk.keys(lane.by());
        let key_of = |slot| lane.in_list(keys.of(slot));
        let first = self.after.map_or((i64::MIN, i64::MIN), |after| (after.rank, after.recency));
        let matches = mask.count() as usize;
        let mut seen = None;
        if matches > FEW {
            let (rest, _before) = chunk.order(lane.by()).split(first, key_of);
            for slot in rest.iter().take(matches).map(|slot| usize::from(*slot)) {
                work.slots += 1;
                let key = key_of(slot);
                if lane.ends_at(key) || self.excludes(key) {
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
            let key = key_of(slot);
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
