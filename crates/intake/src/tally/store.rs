//! The tally's rows: counters, and the updates that are parked, in one RocksDB folder of their own.
//!
//! ```text
//! 01 endpoint                        posts received
//! 02 tenant 00 channel               counters of a channel
//! 03 endpoint                        counters of what named no configured channel
//! 04 sequence(8) ordinal(4) part     an update that is counted as parked
//! 05 sequence(8) part                how every update of such an item is counted
//! 06 sha256(32) ordinal(4)           the first raw item of these bytes whose update was parked: sequence(8) part
//! ```
//! `part` has four bytes, and none for part 0.
//! Counters and checkpoint are written in one batch.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use relevo_channels::Class;
use relevo_domain::{ChannelId, CommandId, EndpointId, IntakePointer, RawId, TenantId};
use relevo_readstore::{Batch, Direction, Family, KeyRange, OpenError, Options, ReadStore, StoreError};

use super::counters::{Became, Counters};
use super::fold::{Bucket, Content, Entry};
use super::keys;
use crate::routes::ChannelRef;

const CHECKPOINT: &[u8] = b"checkpoint";
/// The most parked updates that one message of the raw stream can have: 4 MiB hold fewer.
const PARKED_PER_MESSAGE_MAX: usize = 100_000;

/// Why the tally's folder cannot be used. Nothing is lost: delete the folder and it is counted again.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    #[error("tally folder cannot be opened")]
    Open(#[from] OpenError),
    #[error("tally folder failed")]
    Store(#[from] StoreError),
    #[error("tally row cannot be read: {0}")]
    BadRow(String),
}

/// The tally's rows.
pub struct TallyStore {
    rows: ReadStore,
    /// One writer at a time: counters are read, changed and written.
    writing: Mutex<()>,
}

/// An update that is counted as parked, and how to find it again.
#[derive(Clone, Debug)]
pub(crate) struct ParkedUpdate {
    pub pointer: IntakePointer,
    pub tenant: TenantId,
    pub channel: ChannelId,
    pub command: CommandId,
    pub class: Class,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CountersRow {
    #[prost(uint64, tag = "1")]
    updates: u64,
    #[prost(uint64, tag = "2")]
    messages: u64,
    #[prost(uint64, tag = "3")]
    statuses: u64,
    #[prost(uint64, tag = "4")]
    other_updates: u64,
    #[prost(uint64, tag = "5")]
    duplicates: u64,
    #[prost(uint64, tag = "6")]
    parked: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ParkedRow {
    #[prost(string, tag = "1")]
    tenant: String,
    #[prost(string, tag = "2")]
    channel: String,
    /// Of what named no channel, instead of the two above.
    #[prost(string, tag = "3")]
    endpoint: String,
    #[prost(string, tag = "4")]
    command: String,
    #[prost(uint32, tag = "5")]
    class: u32,
}

/// How an item is counted, so that all of it can be taken back.
#[derive(Clone, PartialEq, prost::Message)]
struct ItemRow {
    #[prost(message, repeated, tag = "1")]
    updates: Vec<CountedRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CountedRow {
    #[prost(uint32, tag = "1")]
    ordinal: u32,
    #[prost(uint32, tag = "2")]
    became: u32,
    /// Of a channel, else the endpoint.
    #[prost(string, tag = "3")]
    tenant: String,
    #[prost(string, tag = "4")]
    channel: String,
    #[prost(string, tag = "5")]
    endpoint: String,
}

/// A raw item that is to be counted.
#[derive(Clone, Debug)]
pub(crate) struct CountedItem {
    pub id: RawId,
    /// None of an item of which nothing can be counted.
    pub endpoint: Option<EndpointId>,
    /// Of an item with parked updates; the others need none.
    pub content: Content,
    pub entries: Vec<Entry>,
}

/// A page of parked updates.
#[derive(Debug)]
pub(crate) struct ParkedPage {
    pub updates: Vec<ParkedUpdate>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Vec<u8>>,
}

/// Counters that one write changes.
struct Change<'s> {
    store: &'s TallyStore,
    counters: BTreeMap<Vec<u8>, Counters>,
    /// What this change says of inputs that were parked first.
    firsts: BTreeMap<Vec<u8>, RawId>,
    batch: Batch,
}

impl TallyStore {
    pub fn open(path: &Path, options: &Options) -> Result<Self, TallyError> {
        Ok(Self { rows: ReadStore::open_or_begin(path, options)?, writing: Mutex::new(()) })
    }

    /// Sequence of the last message of the raw stream that is counted; 0 if none is.
    pub fn counted(&self) -> Result<u64, TallyError> {
        number(self.rows.get_in(Family::Meta, CHECKPOINT)?.as_deref())
    }

    pub fn posts(&self, endpoint: &EndpointId) -> Result<u64, TallyError> {
        number(self.rows.get(&keys::posts(endpoint))?.as_deref())
    }

    pub fn channel(&self, channel: &ChannelRef) -> Result<Counters, TallyError> {
        self.counters(&keys::channel(channel))
    }

    pub fn unrouted(&self, endpoint: &EndpointId) -> Result<Counters, TallyError> {
        self.counters(&keys::unrouted(endpoint))
    }

    /// Counts raw items and moves on, in one batch: all items of a message at once, in order. An item that is counted already changes
    /// nothing.
    ///
    /// What cannot be understood has no id by which its redelivery would be known, so its bytes stand in: a repeat of the very
    /// same input is a duplicate of the update that is parked already.
    pub(crate) fn add_all(&self, items: Vec<CountedItem>) -> Result<(), TallyError> {
        let _one = self.lock();
        let counted = self.counted()?;
        let (mut last, mut change) = (RawId { sequence: counted, part: u32::MAX }, Change::new(self));
        let mut posts: BTreeMap<EndpointId, u64> = BTreeMap::new();
        for CountedItem { id, endpoint, content, mut entries } in items {
            if id <= last {
                continue;
            }
            last = id;
            change.count(id, &content, &mut entries)?;
            if let Some(endpoint) = endpoint {
                *posts.entry(endpoint).or_default() += 1;
            }
        }
        if last.sequence == counted {
            return Ok(());
        }
        for (endpoint, more) in posts {
            let posts = self.posts(&endpoint)? + more;
            change.batch.put(Family::Rows, keys::posts(&endpoint), posts.to_be_bytes());
        }
        change.batch.put(Family::Meta, CHECKPOINT, last.sequence.to_be_bytes());
        change.write()
    }

    /// The raw item in which an update of these bytes was first parked.
    pub(crate) fn first_parked(&self, content: &Content, ordinal: u32) -> Result<Option<RawId>, TallyError> {
        let row = self.rows.get(&keys::first(content, ordinal))?;
        row.map(|row| keys::read_raw(&row)).transpose()
    }

    /// Counts a raw item of which something was parked anew, all of it: what was parked as one update may be many now, and what
    /// was counted before must not be counted twice.
    pub(crate) fn recount(&self, id: RawId, content: &Content, mut entries: Vec<Entry>) -> Result<(), TallyError> {
        let _one = self.lock();
        if id.sequence > self.counted()? {
            return Ok(());
        }
        let Some(item) = self.rows.get(&keys::item(id))? else { return Ok(()) };
        let item: ItemRow = decode(&item)?;
        let mut change = Change::new(self);
        for counted in &item.updates {
            change.counters_of(&counted.bucket()?)?.remove(became_of(counted.became)?);
        }
        let prefix = keys::parked_of_message(id.sequence);
        for (key, _) in self.parked_rows(KeyRange::prefix(prefix.as_slice()), PARKED_PER_MESSAGE_MAX)? {
            if keys::pointer(&key)?.raw() == id {
                change.batch.delete(Family::Rows, key);
            }
        }
        change.batch.delete(Family::Rows, keys::item(id));
        change.count(id, content, &mut entries)?;
        change.write()
    }

    /// Counts one parked update as what it became.
    pub(crate) fn unpark(&self, parked: &ParkedUpdate, became: Became) -> Result<(), TallyError> {
        let _one = self.lock();
        let pointer = parked.pointer;
        let key = keys::parked(pointer);
        if self.rows.get(&key)?.is_none() {
            return Ok(());
        }
        let channel = ChannelRef { tenant: parked.tenant.clone(), channel: parked.channel.clone() };
        let mut change = Change::new(self);
        let counters = change.counters_of(&keys::channel(&channel))?;
        counters.remove(Became::Parked);
        counters.add(became);
        change.batch.delete(Family::Rows, key);
        if let Some(item) = self.rows.get(&keys::item(pointer.raw()))? {
            let mut item: ItemRow = decode(&item)?;
            for counted in item.updates.iter_mut().filter(|counted| counted.ordinal == pointer.ordinal) {
                counted.became = became_word(became);
            }
            change.batch.put(Family::Rows, keys::item(pointer.raw()), prost::Message::encode_to_vec(&item));
        }
        change.write()
    }

    /// Parked updates that have a command id, oldest first, among the next `limit` rows after a key (empty: from the first).
    pub(crate) fn parked_with_command(&self, after: &[u8], limit: usize) -> Result<ParkedPage, TallyError> {
        let range = KeyRange::prefix([keys::PARKED]);
        let rows = self.parked_rows(if after.is_empty() { range } else { range.after(after) }, limit)?;
        let next = (rows.len() == limit).then(|| rows.last().map(|(key, _)| key.clone())).flatten();
        let mut updates = Vec::new();
        for (key, row) in rows {
            if row.command.is_empty() {
                continue;
            }
            let bad = |error: relevo_domain::NameError| TallyError::BadRow(error.to_string());
            updates.push(ParkedUpdate {
                pointer: keys::pointer(&key)?,
                tenant: TenantId::new(row.tenant).map_err(bad)?,
                channel: ChannelId::new(row.channel).map_err(bad)?,
                command: CommandId::new(row.command).map_err(bad)?,
                class: class_of(row.class)?,
            });
        }
        Ok(ParkedPage { updates, next })
    }

    fn parked_rows(&self, range: KeyRange, limit: usize) -> Result<Vec<(Vec<u8>, ParkedRow)>, TallyError> {
        let rows = self.rows.scan(&range, Direction::Forward, limit)?;
        rows.into_iter().map(|(key, row)| Ok((key, decode::<ParkedRow>(&row)?))).collect()
    }

    fn counters(&self, key: &[u8]) -> Result<Counters, TallyError> {
        let Some(row) = self.rows.get(key)? else { return Ok(Counters::default()) };
        let row: CountersRow = decode(&row)?;
        Ok(Counters {
            updates: row.updates,
            messages: row.messages,
            statuses: row.statuses,
            other_updates: row.other_updates,
            duplicates: row.duplicates,
            parked: row.parked,
        })
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'s> Change<'s> {
    fn new(store: &'s TallyStore) -> Self {
        Self { store, counters: BTreeMap::new(), firsts: BTreeMap::new(), batch: Batch::new() }
    }

    fn counters_of(&mut self, key: &[u8]) -> Result<&mut Counters, TallyError> {
        if !self.counters.contains_key(key) {
            self.counters.insert(key.to_vec(), self.store.counters(key)?);
        }
        self.counters.get_mut(key).ok_or_else(|| TallyError::BadRow("counters".to_owned()))
    }

    fn count(&mut self, id: RawId, content: &Content, entries: &mut [Entry]) -> Result<(), TallyError> {
        // What is stored as a whole is never counted anew.
        let may_change = entries.iter().any(|entry| entry.became == Became::Parked);
        for entry in entries.iter_mut().filter(|entry| entry.became == Became::Parked) {
            let key = keys::first(content, entry.ordinal);
            let first = match self.firsts.get(&key) {
                Some(first) => Some(*first),
                None => self.store.first_parked(content, entry.ordinal)?,
            };
            match first {
                Some(first) if first != id => entry.became = Became::Duplicate,
                Some(_) => {}
                None => {
                    self.batch.put(Family::Rows, key.clone(), keys::raw(id));
                    self.firsts.insert(key, id);
                }
            }
        }
        let mut item = ItemRow::default();
        for entry in entries.iter() {
            let bucket = match &entry.bucket {
                Bucket::Channel(channel) => keys::channel(channel),
                Bucket::Unrouted(endpoint) => keys::unrouted(endpoint),
            };
            self.counters_of(&bucket)?.add(entry.became);
            if !may_change {
                continue;
            }
            let row = parked_row(entry);
            item.updates.push(CountedRow {
                ordinal: entry.ordinal,
                became: became_word(entry.became),
                tenant: row.tenant.clone(),
                channel: row.channel.clone(),
                endpoint: row.endpoint.clone(),
            });
            if entry.became == Became::Parked {
                let key = keys::parked(id.update(entry.ordinal));
                self.batch.put(Family::Rows, key, prost::Message::encode_to_vec(&row));
            }
        }
        if may_change {
            self.batch.put(Family::Rows, keys::item(id), prost::Message::encode_to_vec(&item));
        }
        Ok(())
    }

    fn write(mut self) -> Result<(), TallyError> {
        for (key, counters) in self.counters {
            let row = CountersRow {
                updates: counters.updates,
                messages: counters.messages,
                statuses: counters.statuses,
                other_updates: counters.other_updates,
                duplicates: counters.duplicates,
                parked: counters.parked,
            };
            self.batch.put(Family::Rows, key, prost::Message::encode_to_vec(&row));
        }
        Ok(self.store.rows.write(self.batch)?)
    }
}

fn parked_row(entry: &Entry) -> ParkedRow {
    let mut row = ParkedRow::default();
    match &entry.bucket {
        Bucket::Channel(channel) => {
            row.tenant = channel.tenant.to_string();
            row.channel = channel.channel.to_string();
        }
        Bucket::Unrouted(endpoint) => row.endpoint = endpoint.to_string(),
    }
    if let Some((command, class)) = &entry.command {
        row.command = command.to_string();
        row.class = class_word(*class);
    }
    row
}

impl CountedRow {
    fn bucket(&self) -> Result<Vec<u8>, TallyError> {
        bucket_key(&self.tenant, &self.channel, &self.endpoint)
    }
}

fn bucket_key(tenant: &str, channel: &str, endpoint: &str) -> Result<Vec<u8>, TallyError> {
    let bad = |error: relevo_domain::NameError| TallyError::BadRow(error.to_string());
    if endpoint.is_empty() {
        let tenant = TenantId::new(tenant).map_err(bad)?;
        let channel = ChannelId::new(channel).map_err(bad)?;
        Ok(keys::channel(&ChannelRef { tenant, channel }))
    } else {
        Ok(keys::unrouted(&EndpointId::new(endpoint).map_err(bad)?))
    }
}

const fn class_word(class: Class) -> u32 {
    match class {
        Class::Message => 1,
        Class::Status => 2,
        Class::Other => 3,
    }
}

fn class_of(word: u32) -> Result<Class, TallyError> {
    [Class::Message, Class::Status, Class::Other]
        .into_iter()
        .find(|class| class_word(*class) == word)
        .ok_or_else(|| TallyError::BadRow("class".to_owned()))
}

const fn became_word(became: Became) -> u32 {
    match became {
        Became::Stored(class) => class_word(class),
        Became::Duplicate => 4,
        Became::Parked => 5,
    }
}

fn became_of(word: u32) -> Result<Became, TallyError> {
    match word {
        4 => Ok(Became::Duplicate),
        5 => Ok(Became::Parked),
        class => class_of(class).map(Became::Stored),
    }
}

fn number(bytes: Option<&[u8]>) -> Result<u64, TallyError> {
    let Some(bytes) = bytes else { return Ok(0) };
    bytes.try_into().map(u64::from_be_bytes).map_err(|_length| TallyError::BadRow("number".to_owned()))
}

fn decode<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, TallyError> {
    M::decode(bytes).map_err(|error| TallyError::BadRow(error.to_string()))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
