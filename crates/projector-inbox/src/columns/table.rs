//! What columns hold of each conversation, by its number: the values that lists are sorted by, and those that its bits stand for.

use std::sync::Arc;

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{EntityId, EntityKind};

use crate::reader::{Cursor, Sort, Status};

/// What stands where a conversation has no such time: later than all of them.
pub(crate) const NEVER: i64 = i64::MAX;
/// What stands behind the last conversation of a contact.
pub(crate) const NO_NEXT: u32 = u32::MAX;
/// Number of "no agent" and "no team"; names are numbered from 1.
pub(crate) const NOBODY: u32 = 0;
pub(crate) const MEDIA: [Medium; 3] = [Medium::WhatsApp, Medium::Sms, Medium::Email];

/// Conversations of a chunk, which is what a change copies: 32 KiB.
pub(crate) const SLOTS: usize = 512;
/// Chunks of a shelf: a change copies the list of them, too.
const CHUNKS: usize = 128;
/// Bits of a tag's number, beside the slot in one word.
const TAG_BITS: u32 = 23;
/// The highest number that a tag can have. Numbers are never used again, and no workspace makes so many tags.
pub(crate) const TAG_MAX: u32 = (1 << TAG_BITS) - 1;

/// What columns hold of one conversation. Names and tags are numbers of the tenant's dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) id: [u8; 16],
    pub(crate) contact: u32,
    pub(crate) last_activity: i64,
    /// [`NEVER`] if nobody waits.
    pub(crate) waiting_since: i64,
    /// [`NEVER`] unless it is snoozed until a time.
    pub(crate) snoozed_until: i64,
    pub(crate) status: Status,
    pub(crate) paused: bool,
    pub(crate) unread: bool,
    pub(crate) problem: bool,
    pub(crate) medium: Medium,
    pub(crate) priority: Priority,
    pub(crate) channel: u32,
    pub(crate) agent: u32,
    pub(crate) team: u32,
    /// Not above [`TAG_MAX`].
    pub(crate) tags: Vec<u32>,
}

/// All but the tags: one line of the processor's cache, so that looking at one conversation waits for memory once.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Row {
    pub(crate) id: [u8; 16],
    pub(crate) last_activity: i64,
    pub(crate) waiting_since: i64,
    pub(crate) snoozed_until: i64,
    /// Number of another conversation of the same contact; [`NO_NEXT`] behind the last one.
    pub(crate) next_of_contact: u32,
    pub(crate) contact: u32,
    pub(crate) channel: u32,
    pub(crate) agent: u32,
    pub(crate) team: u32,
    pub(crate) status: Status,
    pub(crate) medium: Medium,
    pub(crate) priority: Priority,
    /// Of [`PAUSED`], [`UNREAD`] and [`PROBLEM`].
    flags: u8,
}

const PAUSED: u8 = 1;
const UNREAD: u8 = 2;
const PROBLEM: u8 = 4;

/// Rows by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    shelves: Vec<Arc<Shelf>>,
    /// One more than the highest number.
    length: u32,
}

type Shelf = Vec<Arc<Chunk>>;

/// As long as the highest slot that was filled: a small tenant costs little.
#[derive(Clone, Debug, Default)]
struct Chunk {
    /// `None`: the rows of a view are read in the order of their ids, and this one has not come yet.
    rows: Vec<Option<Row>>,
    /// Slot and tag in one number, ascending.
    tags: Vec<u32>,
}

// === impl Table: for the companion ===

impl Table {
    /// Fills or refills a row; its place among the contact's conversations stays.
    pub(crate) fn set(&mut self, ordinal: u32, values: &Values) {
        self.length = self.length.max(ordinal + 1);
        let (chunk, slot) = self.chunk_mut(ordinal);
        if chunk.rows.len() <= slot {
            chunk.rows.resize(slot + 1, None);
        }
        let next_of_contact = chunk.rows[slot].map_or(NO_NEXT, |row| row.next_of_contact);
        chunk.rows[slot] = Some(Row::of(values, next_of_contact));
        let old = chunk.tags_at(slot);
        let mut tags: Vec<u32> = values.tags.iter().map(|tag| packed(slot, *tag)).collect();
        tags.sort_unstable();
        tags.dedup();
        chunk.tags.splice(old, tags);
    }

    /// Names the next conversation of the contact of one that is here.
    pub(crate) fn set_next(&mut self, ordinal: u32, next: u32) {
        let (chunk, slot) = self.chunk_mut(ordinal);
        if let Some(Some(row)) = chunk.rows.get_mut(slot) {
            row.next_of_contact = next;
        }
    }

    fn chunk_mut(&mut self, ordinal: u32) -> (&mut Chunk, usize) {
        let (shelf, chunk, slot) = place(ordinal);
        if self.shelves.len() <= shelf {
            self.shelves.resize_with(shelf + 1, Arc::default);
        }
        let shelf = Arc::make_mut(&mut self.shelves[shelf]);
        if shelf.len() <= chunk {
            shelf.resize_with(chunk + 1, Arc::default);
        }
        (Arc::make_mut(&mut shelf[chunk]), slot)
    }
}

impl Row {
    pub(crate) fn of(values: &Values, next_of_contact: u32) -> Self {
        let Values { id, contact, last_activity, waiting_since, snoozed_until, .. } = *values;
        let Values { status, paused, unread, problem, medium, priority, channel, agent, team, tags: _, .. } = *values;
        Self {
            id,
            last_activity,
            waiting_since,
            snoozed_until,
            next_of_contact,
            contact,
            channel,
            agent,
            team,
            status,
            medium,
            priority,
            flags: flag(paused, PAUSED) | flag(unread, UNREAD) | flag(problem, PROBLEM),
        }
    }
}

const fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

// === impl Table: for readers ===

impl Table {
    pub(crate) fn len(&self) -> u32 {
        self.length
    }

    #[inline]
    pub(crate) fn row(&self, ordinal: u32) -> Option<&Row> {
        let (shelf, chunk, slot) = place(ordinal);
        self.shelves.get(shelf)?.get(chunk)?.rows.get(slot)?.as_ref()
    }

    /// Whether a conversation has one of these tags.
    pub(crate) fn has_tag(&self, ordinal: u32, tags: &[u32]) -> bool {
        self.tags(ordinal).any(|tag| tags.contains(&tag))
    }

    pub(crate) fn tags(&self, ordinal: u32) -> impl Iterator<Item = u32> {
        let (shelf, chunk, slot) = place(ordinal);
        let chunk = self.shelves.get(shelf).and_then(|shelf| shelf.get(chunk));
        let tags = chunk.map(|chunk| &chunk.tags[chunk.tags_at(slot)]).unwrap_or_default();
        tags.iter().map(|packed| packed & TAG_MAX)
    }

    pub(crate) fn values(&self, ordinal: u32) -> Option<Values> {
        let row = self.row(ordinal)?;
        let Row { id, contact, last_activity, waiting_since, snoozed_until, .. } = *row;
        let Row { status, medium, priority, channel, agent, team, .. } = *row;
        Some(Values {
            id,
            contact,
            last_activity,
            waiting_since,
            snoozed_until,
            status,
            paused: row.paused(),
            unread: row.unread(),
            problem: row.problem(),
            medium,
            priority,
            channel,
            agent,
            team,
            tags: self.tags(ordinal).collect(),
        })
    }

    /// How many chunks two tables share in memory, and how many there are.
    #[cfg(test)]
    pub(crate) fn shared(&self, other: &Self) -> (usize, usize) {
        let (one, other) =
            (self.shelves.iter().flat_map(|shelf| shelf.iter()), other.shelves.iter().flat_map(|shelf| shelf.iter()));
        one.zip(other)
            .fold((0, 0), |(shared, all), (one, other)| (shared + usize::from(Arc::ptr_eq(one, other)), all + 1))
    }
}

impl Row {
    /// The place in a list with this sort.
    #[inline]
    pub(crate) fn place(&self, sort: Sort) -> Cursor {
        let (rank, recency) = self.key(sort);
        Cursor { rank, recency, conversation: EntityId::new(EntityKind::Conversation, self.id) }
    }

    /// Rank and recency in a list with this sort.
    #[inline]
    pub(crate) fn key(&self, sort: Sort) -> (i64, i64) {
        let rank = match sort {
            Sort::LastActivity => 0,
            Sort::Waiting => self.waiting_since,
            Sort::Priority => rank_of(self.priority),
        };
        (rank, !self.last_activity)
    }

    pub(crate) const fn paused(&self) -> bool {
        self.flags & PAUSED != 0
    }

    pub(crate) const fn unread(&self) -> bool {
        self.flags & UNREAD != 0
    }

    pub(crate) const fn problem(&self) -> bool {
        self.flags & PROBLEM != 0
    }

    /// What the status reads as at `now`.
    #[inline]
    pub(crate) fn reads_as(&self, now: i64) -> Status {
        if self.snoozed_until <= now { Status::Open } else { self.status }
    }
}

/// By priority, so that a lower number comes first.
pub(crate) const fn rank_of(priority: Priority) -> i64 {
    -(priority as i64)
}

impl Chunk {
    /// Where the tags of a slot stand.
    fn tags_at(&self, slot: usize) -> std::ops::Range<usize> {
        let from = self.tags.partition_point(|tag| *tag < packed(slot, 0));
        let count = self.tags[from..].partition_point(|tag| *tag <= packed(slot, TAG_MAX));
        from..from + count
    }
}

fn packed(slot: usize, tag: u32) -> u32 {
    // A chunk has 512 slots: nine bits.
    (slot as u32) << TAG_BITS | tag
}

#[inline]
const fn place(ordinal: u32) -> (usize, usize, usize) {
    let (chunk, slot) = (ordinal as usize / SLOTS, ordinal as usize % SLOTS);
    (chunk / CHUNKS, chunk % CHUNKS, slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_of_the_cache() {
        assert_eq!(size_of::<Option<Row>>(), 64);
    }
}
