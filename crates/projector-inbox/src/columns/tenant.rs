//! One tenant's columns: chunks, the numbers that names have in them, counters' cells, and who is linked to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relevo_domain::conversation::{Medium, Priority};

use super::chunk::{Chunk, NEVER, NO_NEXT, NOBODY, Values};
use super::mask::{Mask, SLOTS};
use super::snoozed::Snoozed;
use crate::reader::{LINKED_CONTACTS_MAX, Sort, Status};
use crate::row::{CountRow, FacetsRow};

/// 0 all, 1 unassigned, 2 an agent's: as in COUNT keys.
type Holder = (u8, String);
/// Counts by channel and team.
pub(crate) type Cells = BTreeMap<(String, String), CountRow>;
/// A contact and one that is linked to it, to the latter's number.
type Links = BTreeMap<([u8; 16], [u8; 16]), u32>;

/// Cloned for readers after every batch: whatever grows with the tenant is behind an `Arc`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TenantColumns {
    chunks: Vec<Arc<Chunk>>,
    /// Number of one conversation of each contact, from which the chunks lead on to its others.
    first_of_contact: Vec<Arc<Vec<u32>>>,
    names: Arc<Names>,
    counts: BTreeMap<Holder, Arc<Cells>>,
    /// By the first byte of the contact's id, so that a new link copies few.
    links: BTreeMap<u8, Arc<Links>>,
    snoozed: Snoozed,
}

/// Numbers of names in masks. Grows with the names that were ever used, and never shrinks: a few bytes each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    channels: Numbers<String>,
    agents: Numbers<String>,
    teams: Numbers<String>,
    tags: Numbers<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Numbers<T>(BTreeMap<T, u32>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Numbers<T> {
    fn get<Q: Ord + ?Sized>(&self, name: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
    {
        self.0.get(name).copied()
    }

    /// [`NOBODY`] stays free.
    fn add(&mut self, name: T) -> u32 {
        let next = self.0.len() as u32 + 1;
        *self.0.entry(name).or_insert(next)
    }
}

// === impl TenantColumns: for the companion ===

impl TenantColumns {
    /// Follows a conversation's row. `None` if it is not what the projector writes.
    pub(crate) fn conversation(&mut self, id: [u8; 16], row: &FacetsRow) -> Option<()> {
        let values = self.values_of(id, row)?;
        let (chunk, slot) = (row.ordinal as usize / SLOTS, row.ordinal as usize % SLOTS);
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, Arc::default);
        }
        let next = self.first_of_contact(values.contact);
        let chunk = Arc::make_mut(&mut self.chunks[chunk]);
        let known = chunk.contact(slot);
        self.snoozed.moved(row.ordinal, chunk.values(slot).as_ref(), &values);
        chunk.set(slot, &values);
        if let Some(contact) = known {
            // A conversation's contact is for ever.
            return (contact == values.contact).then_some(());
        }
        chunk.set_next(slot, next);
        self.set_first_of_contact(values.contact, row.ordinal);
        Some(())
    }

    fn first_of_contact(&self, contact: u32) -> u32 {
        let firsts = self.first_of_contact.get(contact as usize / SLOTS);
        firsts.and_then(|firsts| firsts.get(contact as usize % SLOTS)).copied().unwrap_or(NO_NEXT)
    }

    fn set_first_of_contact(&mut self, contact: u32, ordinal: u32) {
        let (shard, place) = (contact as usize / SLOTS, contact as usize % SLOTS);
        if self.first_of_contact.len() <= shard {
            self.first_of_contact.resize_with(shard + 1, Arc::default);
        }
        let firsts = Arc::make_mut(&mut self.first_of_contact[shard]);
        if firsts.len() <= place {
            firsts.resize(place + 1, NO_NEXT);
        }
        firsts[place] = ordinal;
    }

    pub(crate) fn link(&mut self, contact: [u8; 16], other: [u8; 16], other_ordinal: Option<u32>) {
        let [shard, ..] = contact;
        let links = Arc::make_mut(self.links.entry(shard).or_default());
        match other_ordinal {
            Some(ordinal) => links.insert((contact, other), ordinal),
            None => links.remove(&(contact, other)),
        };
        if links.is_empty() {
            self.links.remove(&shard);
        }
    }

    pub(crate) fn count(&mut self, holder: Holder, channel: String, team: String, count: Option<CountRow>) {
        let cells = Arc::make_mut(self.counts.entry(holder.clone()).or_default());
        match count {
            Some(count) => cells.insert((channel, team), count),
            None => cells.remove(&(channel, team)),
        };
        if cells.is_empty() {
            self.counts.remove(&holder);
        }
    }

    fn values_of(&mut self, id: [u8; 16], row: &FacetsRow) -> Option<Values> {
        let channel = self.number(|names| &names.channels, |names| &mut names.channels, &row.channel);
        let mut or_nobody = |read, write, name: &String| match name.as_str() {
            "" => NOBODY,
            _ => self.number(read, write, name),
        };
        let agent = or_nobody(|names| &names.agents, |names| &mut names.agents, &row.agent);
        let team = or_nobody(|names| &names.teams, |names| &mut names.teams, &row.team);
        let tag = |tag| self.number(|names| &names.tags, |names| &mut names.tags, tag);
        let tags = row.tags.iter().map(tag).collect();
        Some(Values {
            id,
            contact: row.contact_ordinal,
            last_activity: row.last_activity,
            waiting_since: row.waiting_since.unwrap_or(NEVER),
            snoozed_until: row.snoozed_until.unwrap_or(NEVER),
            status: Status::from_number(row.status)?,
            paused: row.pause.is_some(),
            unread: row.unread > 0,
            problem: row.problem,
            medium: MEDIA.into_iter().find(|medium| medium.as_str() == row.medium)?,
            priority: Priority::ALL.into_iter().find(|priority| *priority as u32 == row.priority)?,
            channel,
            agent,
            team,
            tags,
        })
    }

    fn number<T: Ord + Clone>(
        &mut self,
        read: fn(&Names) -> &Numbers<T>,
        write: fn(&mut Names) -> &mut Numbers<T>,
        name: &T,
    ) -> u32 {
        // Most names are known, and then nothing is copied.
        match read(&self.names).get(name) {
            Some(number) => number,
            None => write(Arc::make_mut(&mut self.names)).add(name.clone()),
        }
    }
}

const MEDIA: [Medium; 3] = [Medium::WhatsApp, Medium::Sms, Medium::Email];

// === impl TenantColumns: for readers ===

impl TenantColumns {
    pub(crate) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    pub(crate) fn snoozed(&self) -> &Snoozed {
        &self.snoozed
    }

    /// The chunk of a conversation with this number, and its slot there.
    pub(crate) fn chunk_of(&self, ordinal: u32) -> Option<(&Chunk, usize)> {
        let chunk = self.chunks.get(ordinal as usize / SLOTS)?;
        Some((chunk, ordinal as usize % SLOTS))
    }

    /// The conversations of these contacts, by chunk.
    pub(crate) fn of_contacts(&self, contacts: &[u32]) -> BTreeMap<usize, Mask> {
        let mut found: BTreeMap<usize, Mask> = BTreeMap::new();
        for contact in contacts {
            let mut next = self.first_of_contact(*contact);
            while next != NO_NEXT {
                let (chunk, slot) = (next as usize / SLOTS, next as usize % SLOTS);
                found.entry(chunk).or_default().set(slot, true);
                next = self.chunks.get(chunk).map_or(NO_NEXT, |chunk| chunk.next_of_contact(slot));
            }
        }
        found
    }

    pub(crate) fn channel(&self, name: &str) -> Option<u32> {
        self.names.channels.get(name)
    }

    pub(crate) fn agent(&self, name: &str) -> Option<u32> {
        self.names.agents.get(name)
    }

    pub(crate) fn team(&self, name: &str) -> Option<u32> {
        self.names.teams.get(name)
    }

    pub(crate) fn tag(&self, id: &[u8]) -> Option<u32> {
        self.names.tags.get(id)
    }

    /// Cells of one holder: 0 all, 1 unassigned, 2 an agent's.
    pub(crate) fn cells(&self, holder: (u8, &str)) -> Option<&Cells> {
        self.counts.get(&(holder.0, holder.1.to_owned())).map(Arc::as_ref)
    }

    /// Whoever is linked to the contact, directly or through others: id and number. At most [`LINKED_CONTACTS_MAX`].
    pub(crate) fn linked(&self, contact: [u8; 16]) -> Vec<([u8; 16], u32)> {
        let mut found: Vec<([u8; 16], u32)> = Vec::new();
        let mut open = vec![contact];
        while let Some(next) = open.pop() {
            let [shard, ..] = next;
            let Some(links) = self.links.get(&shard) else { continue };
            for ((_, other), ordinal) in links.range((next, [0; 16])..=(next, [u8::MAX; 16])) {
                let known = *other == contact || found.iter().any(|(id, _)| id == other);
                if !known && found.len() < LINKED_CONTACTS_MAX {
                    found.push((*other, *ordinal));
                    open.push(*other);
                }
            }
        }
        found
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.counts.is_empty() && self.links.is_empty()
    }

    /// See `Companion::fingerprint`: names in the place of their numbers, which depend on the order in which they came.
    pub(crate) fn fingerprint(&self) -> String {
        use std::fmt::Write as _;

        let named = |numbers: &Numbers<String>| -> BTreeMap<u32, String> {
            numbers.0.iter().map(|(name, number)| (*number, name.clone())).collect()
        };
        let (channels, agents, teams) =
            (named(&self.names.channels), named(&self.names.agents), named(&self.names.teams));
        let tags: BTreeMap<u32, &Vec<u8>> = self.names.tags.0.iter().map(|(tag, number)| (*number, tag)).collect();
        let mut text = String::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let orders = [Sort::LastActivity, Sort::Waiting, Sort::Priority].map(|sort| chunk.order(sort));
            let borders = (chunk.next_due(i64::MIN), chunk.next_waiting(i64::MIN));
            writeln!(text, "chunk {index} {orders:?} {borders:?}").ok();
            for values in (0..SLOTS).filter_map(|slot| chunk.values(slot)) {
                let names = (channels.get(&values.channel), agents.get(&values.agent), teams.get(&values.team));
                let mut of_tags: Vec<_> = values.tags.iter().map(|tag| tags.get(tag)).collect();
                of_tags.sort();
                let plain = Values { channel: 0, agent: 0, team: 0, tags: Vec::new(), ..values };
                writeln!(text, "{plain:?} {names:?} {of_tags:?}").ok();
            }
        }
        for contact in 0..self.first_of_contact.len() * SLOTS {
            let conversations = self.of_contacts(&[contact as u32]);
            if !conversations.is_empty() {
                writeln!(text, "contact {contact} {conversations:?}").ok();
            }
        }
        let snoozed = self.snoozed.entries().map(|(holder, (channel, team), entries)| {
            let holder = holder.map(|holder| agents.get(&holder));
            format!("snoozed {holder:?} {:?} {:?} {entries}\n", channels.get(&channel), teams.get(&team))
        });
        // By name: numbers depend on the order in which names came.
        let snoozed: BTreeSet<String> = snoozed.collect();
        text.extend(snoozed);
        writeln!(text, "{:?} {:?}", self.counts, self.links).ok();
        text
    }
}
