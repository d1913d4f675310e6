//! 1,024 conversations of one tenant: their sort values, and a mask for each value of each filter.

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{EntityId, EntityKind};

use super::mask::{Mask, SLOTS};
use super::order::Order;
use super::times::Times;
use crate::reader::{Cursor, Sort, Status};

/// What stands in a column where a conversation has no such time: later than all of them.
pub(crate) const NEVER: i64 = i64::MAX;
/// What stands behind the last conversation of a contact.
pub(crate) const NO_NEXT: u32 = u32::MAX;
/// Number of "no agent" and "no team"; names are numbered from 1.
pub(crate) const NOBODY: u32 = 0;

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
    pub(crate) tags: Vec<u32>,
}

/// The masks of one filter's values. A value that no conversation has is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facet {
    /// Ascending; apart from the masks, so that looking for one touches little memory.
    values: Vec<u32>,
    masks: Vec<Mask>,
}

/// A chunk. Columns are as long as the highest slot that was filled: a small tenant costs little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    ids: Vec<[u8; 16]>,
    contacts: Vec<u32>,
    last_activity: Vec<i64>,
    waiting_since: Vec<i64>,
    snoozed_until: Vec<i64>,
    priority: Vec<u8>,
    /// Number of another conversation of the same contact; [`NO_NEXT`] behind the last one.
    next_of_contact: Vec<u32>,
    /// By [`SORTS`].
    orders: [Order; 3],
    /// Slots that are filled.
    present: Mask,
    /// As stored, by [`Status::ALL`]: what is due stands under snoozed.
    statuses: [Mask; 4],
    pub(crate) paused: Mask,
    pub(crate) unread: Mask,
    /// What the business sent last failed, or nobody knows.
    pub(crate) problem: Mask,
    /// Of those who wait, since when.
    waiting: Times,
    /// Of those that are snoozed until a time, until when.
    snoozed: Times,
    media: [Mask; 3],
    priorities: [Mask; 5],
    pub(crate) channels: Facet,
    pub(crate) agents: Facet,
    pub(crate) teams: Facet,
    pub(crate) tags: Facet,
}

impl Facet {
    pub(crate) fn of(&self, value: u32) -> Mask {
        self.values.binary_search(&value).map_or(Mask::EMPTY, |place| self.masks[place])
    }

    pub(crate) fn any_of(&self, values: &[u32]) -> Mask {
        values.iter().fold(Mask::EMPTY, |mask, value| mask | self.of(*value))
    }

    fn clear(&mut self, slot: usize) {
        self.masks.iter_mut().for_each(|mask| mask.set(slot, false));
        // One slot empties at most one mask of a filter with one value, so this mostly finds nothing.
        while let Some(place) = self.masks.iter().position(Mask::is_empty) {
            self.masks.remove(place);
            self.values.remove(place);
        }
    }

    fn set(&mut self, value: u32, slot: usize) {
        let place = match self.values.binary_search(&value) {
            Ok(place) => place,
            Err(place) => {
                self.values.insert(place, value);
                self.masks.insert(place, Mask::EMPTY);
                place
            }
        };
        self.masks[place].set(slot, true);
    }

    /// The values that a slot has.
    fn values(&self, slot: usize) -> impl Iterator<Item = u32> {
        self.values.iter().zip(&self.masks).filter(move |(_, mask)| mask.has(slot)).map(|(value, _)| *value)
    }
}

// === impl Chunk: for the companion ===

impl Chunk {
    /// Fills or refills a slot, below [`SLOTS`].
    pub(crate) fn set(&mut self, slot: usize, values: &Values) {
        debug_assert!(slot < SLOTS, "a chunk has {SLOTS} slots");
        self.grow(slot + 1);
        let known = self.present.has(slot);
        let mut orders = std::mem::take(&mut self.orders);
        if known {
            for (sort, order) in SORTS.into_iter().zip(&mut orders) {
                order.remove(slot, |slot| self.keys(sort).of(slot));
            }
            for facet in [&mut self.channels, &mut self.agents, &mut self.teams, &mut self.tags] {
                facet.clear(slot);
            }
        }
        self.present.set(slot, true);
        self.ids[slot] = values.id;
        self.channels.set(values.channel, slot);
        self.agents.set(values.agent, slot);
        self.teams.set(values.team, slot);
        values.tags.iter().for_each(|tag| self.tags.set(*tag, slot));
        for (status, mask) in Status::ALL.into_iter().zip(&mut self.statuses) {
            mask.set(slot, status == values.status);
        }
        for (medium, mask) in MEDIA.into_iter().zip(&mut self.media) {
            mask.set(slot, medium == values.medium);
        }
        for (priority, mask) in Priority::ALL.into_iter().zip(&mut self.priorities) {
            mask.set(slot, priority == values.priority);
        }
        self.paused.set(slot, values.paused);
        self.unread.set(slot, values.unread);
        self.problem.set(slot, values.problem);
        self.contacts[slot] = values.contact;
        self.last_activity[slot] = values.last_activity;
        self.priority[slot] = values.priority as u8;
        put(&mut self.waiting_since, slot, values.waiting_since, &mut self.waiting);
        put(&mut self.snoozed_until, slot, values.snoozed_until, &mut self.snoozed);
        for (sort, order) in SORTS.into_iter().zip(&mut orders) {
            order.insert(slot, |slot| self.keys(sort).of(slot));
        }
        self.orders = orders;
    }

    /// Names the next conversation of the slot's contact.
    pub(crate) fn set_next(&mut self, slot: usize, next: u32) {
        self.next_of_contact[slot] = next;
    }

    fn grow(&mut self, length: usize) {
        if self.ids.len() < length {
            self.ids.resize(length, [0; 16]);
            self.contacts.resize(length, u32::MAX);
            self.last_activity.resize(length, NEVER);
            self.waiting_since.resize(length, NEVER);
            self.snoozed_until.resize(length, NEVER);
            self.priority.resize(length, u8::MAX);
            self.next_of_contact.resize(length, NO_NEXT);
        }
    }

    /// What stands in a slot; `None` if nothing does.
    pub(crate) fn values(&self, slot: usize) -> Option<Values> {
        if slot >= SLOTS || !self.present.has(slot) {
            return None;
        }
        let of = |masks: &[Mask]| masks.iter().position(|mask| mask.has(slot));
        Some(Values {
            id: self.ids[slot],
            contact: self.contacts[slot],
            last_activity: self.last_activity[slot],
            waiting_since: self.waiting_since[slot],
            snoozed_until: self.snoozed_until[slot],
            status: Status::ALL[of(&self.statuses)?],
            paused: self.paused.has(slot),
            unread: self.unread.has(slot),
            problem: self.problem.has(slot),
            medium: MEDIA[of(&self.media)?],
            priority: Priority::ALL[of(&self.priorities)?],
            channel: self.channels.values(slot).next()?,
            agent: self.agents.values(slot).next()?,
            team: self.teams.values(slot).next()?,
            tags: self.tags.values(slot).collect(),
        })
    }
}

/// Sets a time, also in its order. [`NEVER`] is no time.
fn put(column: &mut [i64], slot: usize, time: i64, order: &mut Times) {
    let old = std::mem::replace(&mut column[slot], time);
    if old == time {
        return;
    }
    if old != NEVER {
        order.remove(slot, old);
    }
    if time != NEVER {
        order.insert(slot, time);
    }
}

// === impl Chunk: for readers ===

const SORTS: [Sort; 3] = [Sort::LastActivity, Sort::Waiting, Sort::Priority];
const MEDIA: [Medium; 3] = [Medium::WhatsApp, Medium::Sms, Medium::Email];

impl Chunk {
    /// Those whose status reads as one of these at `now`.
    pub(crate) fn with_status(&self, wanted: &[Status], now: i64) -> Mask {
        let [open, pending, snoozed, resolved] = &self.statuses;
        let wants = Status::ALL.map(|status| wanted.contains(&status));
        let [wants_open, _, wants_snoozed, _] = wants;
        let mut mask = Mask::EMPTY;
        for (wants, stored) in wants.into_iter().zip([open, pending, snoozed, resolved]) {
            if wants {
                mask |= *stored;
            }
        }
        if wants_open != wants_snoozed {
            let due = self.due(now);
            mask = if wants_open { mask | due } else { mask & !due };
        }
        mask
    }

    /// Snoozed ones whose time has come.
    pub(crate) fn due(&self, now: i64) -> Mask {
        self.snoozed.until(now)
    }

    /// The first time after `now` at which a snooze ends.
    pub(crate) fn next_due(&self, now: i64) -> Option<i64> {
        self.snoozed.next(now)
    }

    /// The first time after `time` since which somebody waits.
    pub(crate) fn next_waiting(&self, time: i64) -> Option<i64> {
        self.waiting.next(time)
    }

    /// Those that wait since `time` or longer.
    pub(crate) fn waiting_since(&self, time: i64) -> Mask {
        self.waiting.until(time)
    }

    pub(crate) fn with_medium(&self, wanted: &[Medium]) -> Mask {
        let masks = MEDIA.into_iter().zip(self.media).filter(|(medium, _)| wanted.contains(medium));
        masks.fold(Mask::EMPTY, |all, (_, mask)| all | mask)
    }

    pub(crate) fn with_priority(&self, wanted: &[Priority]) -> Mask {
        let masks = Priority::ALL.into_iter().zip(self.priorities).filter(|(priority, _)| wanted.contains(priority));
        masks.fold(Mask::EMPTY, |all, (_, mask)| all | mask)
    }

    /// The conversation's contact; `None` if the slot is not filled.
    pub(crate) fn contact(&self, slot: usize) -> Option<u32> {
        self.present.has(slot).then(|| self.contacts[slot])
    }

    /// Another conversation of the slot's contact, or [`NO_NEXT`].
    pub(crate) fn next_of_contact(&self, slot: usize) -> u32 {
        self.next_of_contact.get(slot).copied().unwrap_or(NO_NEXT)
    }

    /// What places in a list are made of, but for the ids.
    pub(crate) fn keys(&self, sort: Sort) -> Keys<'_> {
        Keys { sort, last_activity: &self.last_activity, waiting_since: &self.waiting_since, priority: &self.priority }
    }

    /// The slots in the order of this sort.
    pub(crate) fn order(&self, sort: Sort) -> &Order {
        let [last_activity, waiting, priority] = &self.orders;
        match sort {
            Sort::LastActivity => last_activity,
            Sort::Waiting => waiting,
            Sort::Priority => priority,
        }
    }

    pub(crate) fn place(&self, sort: Sort, slot: usize) -> Cursor {
        let (rank, recency) = self.keys(sort).of(slot);
        let conversation = EntityId::new(EntityKind::Conversation, self.ids[slot]);
        Cursor { rank, recency, conversation }
    }
}

/// The columns that a list is sorted by.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    sort: Sort,
    last_activity: &'a [i64],
    waiting_since: &'a [i64],
    priority: &'a [u8],
}

impl Keys<'_> {
    /// Rank and recency of a slot that is filled.
    #[inline]
    pub(crate) fn of(&self, slot: usize) -> (i64, i64) {
        let rank = match self.sort {
            Sort::LastActivity => 0,
            Sort::Waiting => self.waiting_since[slot],
            Sort::Priority => -i64::from(self.priority[slot]),
        };
        (rank, !self.last_activity[slot])
    }
}
