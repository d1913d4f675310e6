//! The best few of everything that matches, and how many match: what a page is made of.

use std::collections::BinaryHeap;

use relevo_domain::EntityId;
use relevo_domain::conversation::Priority;

use super::bits::{self, WORDS};
use super::order::{Order, Target};
use super::plan::Plan;
use super::table::{NEVER, rank_of};
use super::tenant::TenantColumns;
use crate::reader::{Cursor, Sort};
use crate::search::Hits;

/// To decide for one conversation by its row costs as much as combining the bits of so many.
const ROW_WORTH: u64 = 1_024;

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
    /// Segments whose bits were combined.
    pub(crate) segments: u64,
    /// Conversations that were looked at one by one.
    pub(crate) slots: u64,
}

/// The first `limit` places behind `after` of the list.
pub(crate) fn select(
    columns: &TenantColumns,
    plan: &Plan,
    hits: Option<&Hits>,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
) -> Selection {
    let mut page = Page { columns, sort, after, limit, selection: Selection::default() };
    match hits {
        Some(hits) => page.of_hits(plan, hits),
        None => page.of_all(plan),
    }
    page.selection
}

/// Every conversation of the list, in no order.
pub(crate) fn members(columns: &TenantColumns, plan: &Plan, hits: Option<&Hits>) -> Vec<EntityId> {
    let id = |ordinal| columns.table().row(ordinal).map(|row| row.place(Sort::LastActivity).conversation);
    if let Some(hits) = hits {
        let found = columns.of_contacts(hits.numbers()).filter(|ordinal| plan.matches(columns, *ordinal));
        return found.filter_map(id).collect();
    }
    let nothing = Selection::default();
    let mut all = Page { columns, sort: Sort::LastActivity, after: None, limit: 0, selection: nothing };
    bits::members(&all.matches(plan)).filter_map(id).collect()
}

/// A page on its way.
struct Page<'c> {
    columns: &'c TenantColumns,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
    selection: Selection,
}

impl Page<'_> {
    /// A search: what it found is looked at one by one, or looked up in the bits of everything that matches, if it is much.
    fn of_hits(&mut self, plan: &Plan, hits: &Hits) {
        // All of them before anything is decided: so many rows come from memory side by side, and not one after the other.
        let mut found: Vec<u32> = self.columns.of_contacts(hits.numbers()).collect();
        self.selection.work.slots += found.len() as u64;
        if found.len() as u64 * ROW_WORTH > u64::from(self.columns.table().len()) {
            let mask = self.matches(plan);
            found.retain(|ordinal| bits::holds(&mask, *ordinal));
        } else {
            found.retain(|ordinal| plan.matches(self.columns, *ordinal));
        }
        self.selection.total = found.len() as u64;
        self.gather(found.into_iter());
    }

    /// No search: the bits of everything are combined, and the matches are looked for in the order of the list.
    fn of_all(&mut self, plan: &Plan) {
        let mask = self.matches(plan);
        self.selection.total = bits::count(&mask);
        if self.selection.total == 0 {
            return;
        }
        let activity = self.columns.by_activity();
        if self.few(self.selection.total, activity.len()) {
            self.selection.work.slots += self.selection.total;
            return self.gather(bits::members(&mask));
        }
        // Parts of the list that follow each other: in each either the order says where a match stands, or its rank is one.
        match self.sort {
            Sort::LastActivity => self.of_rank(0, &mask),
            Sort::Waiting => {
                let mut waiting = mask.clone();
                narrow(&mut waiting, |segment, words| self.columns.facets().waiting.narrow(segment, words));
                self.of_waiting(&waiting);
                let mut others = mask;
                others.iter_mut().zip(&waiting).for_each(|(word, waiting)| *word &= !waiting);
                self.of_rank(NEVER, &others);
            }
            Sort::Priority => {
                for priority in Priority::ALL.into_iter().rev() {
                    if self.is_behind(rank_of(priority)) {
                        continue;
                    }
                    let mut part = mask.clone();
                    let values = [priority as u32];
                    narrow(&mut part, |segment, words| {
                        self.columns.facets().priorities.narrow(&values, segment, words);
                    });
                    self.of_rank(rank_of(priority), &part);
                }
            }
        }
    }

    fn matches(&mut self, plan: &Plan) -> Vec<u64> {
        let mut mask = vec![0; bits::words_of(self.columns.table().len())];
        let times = plan.times(self.columns);
        for (segment, words) in mask.as_chunks_mut::<WORDS>().0.iter_mut().enumerate() {
            words.fill(u64::MAX);
            plan.narrow(self.columns, &times, segment, words);
            self.selection.work.segments += 1;
        }
        mask
    }

    /// The cursor stands behind everything of this rank, or the page is full.
    fn is_behind(&self, rank: i64) -> bool {
        self.selection.places.len() >= self.limit || self.after.is_some_and(|after| after.rank > rank)
    }

    /// The part of the list whose rank is this one, which is by activity.
    fn of_rank(&mut self, rank: i64, mask: &[u64]) {
        if self.is_behind(rank) {
            return;
        }
        let after = self.after.filter(|after| after.rank == rank);
        let after = after.map(|after| Target { key: (0, after.recency), id: *after.conversation.bytes() });
        self.part(self.columns.by_activity(), mask, after.as_ref());
    }

    /// The part of those for whom somebody waits.
    fn of_waiting(&mut self, mask: &[u64]) {
        if self.is_behind(NEVER - 1) {
            return;
        }
        let target = |after: Cursor| Target { key: (after.rank, after.recency), id: *after.conversation.bytes() };
        self.part(self.columns.by_waiting(), mask, self.after.map(target).as_ref());
    }

    fn part(&mut self, order: &Order, mask: &[u64], after: Option<&Target>) {
        let matches = bits::count(mask);
        if matches == 0 {
            return;
        }
        if self.few(matches, order.len()) {
            self.selection.work.slots += matches;
            return self.gather(bits::members(mask));
        }
        let (table, sort, limit) = (self.columns.table(), self.sort, self.limit);
        let places = &mut self.selection.places;
        let looked = order.follow(table, after, mask, |ordinal| {
            places.extend(table.row(ordinal).map(|row| row.place(sort)));
            places.len() < limit
        });
        self.selection.work.slots += looked;
    }

    /// Whether looking at every match costs less than following an order of so many until a page is full: a match is found in
    /// memory anew each time, what an order passes over is not, so that it may pass over eight of them in that time.
    fn few(&self, matches: u64, of: u64) -> bool {
        let expected = (self.limit as u64).saturating_mul(of) / matches.max(1);
        matches <= expected / 8
    }

    /// The best of these, behind what is there already.
    fn gather(&mut self, ordinals: impl Iterator<Item = u32>) {
        let limit = self.limit.saturating_sub(self.selection.places.len());
        let mut best: BinaryHeap<Cursor> = BinaryHeap::with_capacity(limit + 1);
        for row in ordinals.filter_map(|ordinal| self.columns.table().row(ordinal)) {
            let key = row.key(self.sort);
            let worst = best.peek().filter(|_| best.len() >= limit);
            let out = worst.is_some_and(|worst| (worst.rank, worst.recency) < key)
                || self.after.is_some_and(|after| key < (after.rank, after.recency));
            // Equal keys are told apart by id.
            if out || self.after.is_some_and(|after| row.place(self.sort) <= after) {
                continue;
            }
            best.push(row.place(self.sort));
            if best.len() > limit {
                best.pop();
            }
        }
        self.selection.places.extend(best.into_sorted_vec());
    }
}

/// Leaves of a mask what `by` leaves of each segment.
fn narrow(mask: &mut [u64], by: impl Fn(usize, &mut bits::Words)) {
    for (segment, words) in mask.as_chunks_mut::<WORDS>().0.iter_mut().enumerate() {
        by(segment, words);
    }
}
