//! One tenant's columns: its table, bits and orders, the numbers that names have in them, counters' cells, and who is linked to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relevo_domain::conversation::Priority;

use super::facets::{Facet, Facets};
use super::order::{By, Order};
use super::snoozed::Snoozed;
use super::table::{MEDIA, NEVER, NO_NEXT, NOBODY, Row, SLOTS, TAG_MAX, Table, Values};
use crate::reader::{LINKED_CONTACTS_MAX, Status};
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
    table: Table,
    facets: Facets,
    /// `None` until [`TenantColumns::settle`]: the rows of a whole view are sorted at once, and not one by one.
    orders: Option<Orders>,
    /// Number of one conversation of each contact, from which the table leads on to its others; in lists of as many as a chunk.
    first_of_contact: Arc<Vec<Arc<Vec<u32>>>>,
    names: Arc<Names>,
    counts: BTreeMap<Holder, Arc<Cells>>,
    /// By the first byte of the contact's id, so that a new link copies few.
    links: BTreeMap<u8, Arc<Links>>,
    snoozed: Snoozed,
}

#[derive(Clone, Debug)]
struct Orders {
    activity: Order,
    waiting: Order,
    snoozed: Order,
}

/// Numbers of names in bits. Grows with the names that were ever used, and never shrinks: a few bytes each.
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
        let before = self.table.values(row.ordinal);
        // A conversation's contact is for ever.
        if before.as_ref().is_some_and(|before| before.contact != values.contact) {
            return None;
        }
        self.snoozed.moved(row.ordinal, before.as_ref(), &values);
        self.facets.moved(row.ordinal, before.as_ref(), &values);
        self.place(row.ordinal, &values);
        if before.is_none() {
            self.table.set_next(row.ordinal, self.first_of_contact(values.contact));
            self.set_first_of_contact(values.contact, row.ordinal);
        }
        Some(())
    }

    /// Puts the values into the table, and the conversation to its place in the orders.
    fn place(&mut self, ordinal: u32, values: &Values) {
        let Some(Orders { activity, waiting, snoozed }) = &mut self.orders else {
            return self.table.set(ordinal, values);
        };
        let (before, after) = (self.table.row(ordinal).copied(), Row::of(values, NO_NEXT));
        let key = |by: By, row: &Row| by.key(row);
        let mut moved: Vec<&mut Order> = Vec::with_capacity(3);
        for order in [activity, waiting, snoozed] {
            if before.as_ref().and_then(|before| key(order.by(), before)) != key(order.by(), &after) {
                order.remove(&self.table, ordinal);
                moved.push(order);
            }
        }
        self.table.set(ordinal, values);
        for order in moved {
            order.insert(&self.table, ordinal);
        }
    }

    /// Makes the orders, if they are not there yet. Readers get no columns without them.
    pub(crate) fn settle(&mut self) {
        if self.orders.is_none() {
            let [activity, waiting, snoozed] =
                [By::Activity, By::Waiting, By::Snoozed].map(|by| Order::of(by, &self.table));
            self.orders = Some(Orders { activity, waiting, snoozed });
        }
    }

    pub(crate) const fn is_settled(&self) -> bool {
        self.orders.is_some()
    }

    fn first_of_contact(&self, contact: u32) -> u32 {
        let firsts = self.first_of_contact.get(contact as usize / SLOTS);
        firsts.and_then(|firsts| firsts.get(contact as usize % SLOTS)).copied().unwrap_or(NO_NEXT)
    }

    fn set_first_of_contact(&mut self, contact: u32, ordinal: u32) {
        let (shard, place) = (contact as usize / SLOTS, contact as usize % SLOTS);
        let firsts = Arc::make_mut(&mut self.first_of_contact);
        if firsts.len() <= shard {
            firsts.resize_with(shard + 1, Arc::default);
        }
        let firsts = Arc::make_mut(&mut firsts[shard]);
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
        let mut tags: Vec<u32> = row.tags.iter().map(tag).collect();
        tags.sort_unstable();
        tags.dedup();
        if tags.last().is_some_and(|last| *last > TAG_MAX) {
            return None;
        }
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

// === impl TenantColumns: for readers ===

impl TenantColumns {
    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) const fn facets(&self) -> &Facets {
        &self.facets
    }

    /// Everything, the latest message first.
    pub(crate) fn by_activity(&self) -> &Order {
        self.orders.as_ref().map_or(&NOTHING, |orders| &orders.activity)
    }

    /// Those for whom somebody waits, the longest first.
    pub(crate) fn by_waiting(&self) -> &Order {
        self.orders.as_ref().map_or(&NOTHING, |orders| &orders.waiting)
    }

    /// Snoozed ones whose time has come.
    pub(crate) fn due(&self, now: i64) -> Vec<u64> {
        self.orders.as_ref().map_or(&NOTHING, |orders| &orders.snoozed).until(&self.table, now)
    }

    /// Those that wait since `time` or longer.
    pub(crate) fn waiting_since(&self, time: i64) -> Vec<u64> {
        self.by_waiting().until(&self.table, time)
    }

    /// The first time after `time` since which somebody waits.
    pub(crate) fn next_waiting(&self, time: i64) -> Option<i64> {
        self.by_waiting().next_rank(&self.table, time)
    }

    pub(crate) fn snoozed(&self) -> &Snoozed {
        &self.snoozed
    }

    /// The conversations of these contacts.
    pub(crate) fn of_contacts(&self, contacts: &[u32]) -> impl Iterator<Item = u32> {
        contacts.iter().flat_map(move |contact| {
            let first = Some(self.first_of_contact(*contact));
            let known = |ordinal: &u32| *ordinal != NO_NEXT;
            std::iter::successors(first.filter(known), move |ordinal| {
                self.table.row(*ordinal).map(|row| row.next_of_contact).filter(known)
            })
        })
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
        let links = |contact: [u8; 16]| {
            let [shard, ..] = contact;
            let links = self.links.get(&shard).into_iter();
            links.flat_map(move |links| links.range((contact, [0; 16])..=(contact, [u8::MAX; 16])))
        };
        // A search asks for thousands of contacts, of which next to none has a link.
        if links(contact).next().is_none() {
            return found;
        }
        let mut open = vec![contact];
        while let Some(next) = open.pop() {
            for ((_, other), ordinal) in links(next) {
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
        self.table.len() == 0 && self.counts.is_empty() && self.links.is_empty()
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
        for values in (0..self.table.len()).filter_map(|ordinal| self.table.values(ordinal)) {
            let names = (channels.get(&values.channel), agents.get(&values.agent), teams.get(&values.team));
            let mut of_tags: Vec<_> = values.tags.iter().map(|tag| tags.get(tag)).collect();
            of_tags.sort();
            let plain = Values { channel: 0, agent: 0, team: 0, tags: Vec::new(), ..values };
            writeln!(text, "{plain:?} {names:?} {of_tags:?}").ok();
        }
        if let Some(Orders { activity, waiting, snoozed }) = &self.orders {
            for order in [activity, waiting, snoozed] {
                writeln!(text, "{:?}", order.ordinals().collect::<Vec<u32>>()).ok();
            }
        }
        text.extend(self.facet_lines(&channels, &agents, &teams, &tags));
        for contact in 0..(self.first_of_contact.len() * SLOTS) as u32 {
            // Who comes first among them depends on the order in which they came.
            let conversations: BTreeSet<u32> = self.of_contacts(&[contact]).collect();
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

    /// The members of every value, by name.
    fn facet_lines(
        &self,
        channels: &BTreeMap<u32, String>,
        agents: &BTreeMap<u32, String>,
        teams: &BTreeMap<u32, String>,
        tags: &BTreeMap<u32, &Vec<u8>>,
    ) -> BTreeSet<String> {
        let Facets { statuses, media, priorities, paused, unread, problem, waiting, .. } = &self.facets;
        let named = |kind: &'static str, facet: &Facet, name: &dyn Fn(u32) -> String| -> Vec<String> {
            let members = facet.members(self.table.len());
            members.map(|(value, members)| format!("{kind} {} {members:?}\n", name(value))).collect()
        };
        let number = |value: u32| value.to_string();
        let flags = [paused, unread, problem, waiting].map(Facet::single);
        let mut lines: BTreeSet<String> = BTreeSet::new();
        lines.extend(named("status", statuses, &number));
        lines.extend(named("medium", media, &number));
        lines.extend(named("priority", priorities, &number));
        lines.extend(named("channel", &self.facets.channels, &|value| format!("{:?}", channels.get(&value))));
        lines.extend(named("agent", &self.facets.agents, &|value| format!("{:?}", agents.get(&value))));
        lines.extend(named("team", &self.facets.teams, &|value| format!("{:?}", teams.get(&value))));
        lines.extend(named("tag", &self.facets.tags, &|value| format!("{:?}", tags.get(&value))));
        for (kind, flag) in ["paused", "unread", "problem", "waiting"].into_iter().zip(&flags) {
            lines.extend(named(kind, flag, &number));
        }
        lines
    }
}

/// What stands for an order that is not made yet.
static NOTHING: Order = Order::new(By::Activity);
