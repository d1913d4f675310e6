//! What can be asked for: for every value of every filter the conversations that have it.

use std::sync::Arc;

use super::bits::{self, Bits, WORDS, Words};
use super::table::{NEVER, Values};

/// The conversations of one filter's values, by the value's number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facet(Arc<Vec<Arc<Bits>>>);

/// Every filter's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facets {
    /// As stored: what is due stands under snoozed.
    pub(crate) statuses: Facet,
    pub(crate) media: Facet,
    pub(crate) priorities: Facet,
    pub(crate) channels: Facet,
    pub(crate) agents: Facet,
    pub(crate) teams: Facet,
    pub(crate) tags: Facet,
    pub(crate) paused: Arc<Bits>,
    pub(crate) unread: Arc<Bits>,
    /// What the business sent last failed, or nobody knows.
    pub(crate) problem: Arc<Bits>,
    /// Somebody waits for an answer.
    pub(crate) waiting: Arc<Bits>,
}

/// Which value of a facet a conversation has, and whether it has a flag.
type Number = fn(&Values) -> u32;
type Flag = fn(&Values) -> bool;

// === for the companion ===

impl Facets {
    /// Follows a conversation from what it was to what it is.
    pub(crate) fn moved(&mut self, ordinal: u32, before: Option<&Values>, after: &Values) {
        let one_each: [(&mut Facet, Number); 6] = [
            (&mut self.statuses, |values| values.status as u32),
            (&mut self.media, |values| values.medium as u32),
            (&mut self.priorities, |values| values.priority as u32),
            (&mut self.channels, |values| values.channel),
            (&mut self.agents, |values| values.agent),
            (&mut self.teams, |values| values.team),
        ];
        for (facet, value) in one_each {
            let (old, new) = (before.map(value), value(after));
            if old != Some(new) {
                if let Some(old) = old {
                    facet.set(old, ordinal, false);
                }
                facet.set(new, ordinal, true);
            }
        }
        let old = before.map(|before| before.tags.as_slice()).unwrap_or_default();
        for tag in old.iter().filter(|tag| !after.tags.contains(tag)) {
            self.tags.set(*tag, ordinal, false);
        }
        for tag in after.tags.iter().filter(|tag| !old.contains(tag)) {
            self.tags.set(*tag, ordinal, true);
        }
        let flags: [(&mut Arc<Bits>, Flag); 4] = [
            (&mut self.paused, |values| values.paused),
            (&mut self.unread, |values| values.unread),
            (&mut self.problem, |values| values.problem),
            (&mut self.waiting, |values| values.waiting_since != NEVER),
        ];
        for (bits, flag) in flags {
            let new = flag(after);
            if before.is_some_and(flag) != new {
                Arc::make_mut(bits).set(ordinal, new);
            }
        }
    }
}

impl Facet {
    fn set(&mut self, value: u32, ordinal: u32, member: bool) {
        let values = Arc::make_mut(&mut self.0);
        if values.len() <= value as usize {
            values.resize_with(value as usize + 1, Arc::default);
        }
        Arc::make_mut(&mut values[value as usize]).set(ordinal, member);
    }
}

// === for readers ===

impl Facet {
    /// The conversations with this value; `None` if none ever had it.
    pub(crate) fn of(&self, value: u32) -> Option<&Bits> {
        self.0.get(value as usize).map(Arc::as_ref)
    }

    /// Adds those that have any of these values, in one segment.
    pub(crate) fn add_to(&self, values: &[u32], segment: usize, out: &mut Words) {
        values.iter().filter_map(|value| self.of(*value)).for_each(|bits| bits.add_to(segment, out));
    }

    /// Leaves only those that have any of these values, in one segment.
    pub(crate) fn narrow(&self, values: &[u32], segment: usize, out: &mut Words) {
        // One value is read where it stands.
        if let [value] = values {
            match self.of(*value) {
                Some(bits) => bits.narrow(segment, out),
                None => out.fill(0),
            }
            return;
        }
        let mut any = [0; WORDS];
        self.add_to(values, segment, &mut any);
        bits::intersect(out, &any);
    }

    /// For the laws: as if it were a filter with one value.
    pub(crate) fn single(bits: &Arc<Bits>) -> Self {
        Self(Arc::new(vec![Arc::clone(bits)]))
    }

    /// For the laws: values and who has them, of those that anybody has.
    pub(crate) fn members(&self, conversations: u32) -> impl Iterator<Item = (u32, Vec<u32>)> {
        let members = move |bits: &Bits| {
            let mut mask = vec![0; bits::words_of(conversations)];
            bits.add_to_all(&mut mask);
            bits::members(&mask).collect::<Vec<u32>>()
        };
        let all = (0..).zip(self.0.iter()).map(move |(value, bits)| (value, members(bits)));
        all.filter(|(_, members)| !members.is_empty())
    }
}
