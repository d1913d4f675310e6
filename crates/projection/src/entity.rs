//! What the runtime keeps about entities in a view's `meta` family: gapless versions, and what is parked.
//!
//! ```text
//! 01                              checkpoint
//! 02 tenant(text) kind(1) id(16)  version and hash of the entity's last commit that was applied
//! 03 tenant(text) kind(1) id(16)  why and since when the entity is parked
//! 04 sequence(8)                  a commit that could not be decoded
//! ```

use prost::Message;
use relevo_domain::{CommitHash, EntityId, EntityKind, Position, Recorded, TenantId};
use relevo_readstore::{Direction, Family, Key, KeyError, KeyRange, KeyReader, Snapshot, StoreError};

use crate::checkpoint::Checkpoint;

const CHECKPOINT: u8 = 1;
const ENTITY: u8 = 2;
const PARKED: u8 = 3;
const UNDECODABLE: u8 = 4;

/// Entries of each list in [`Degraded`]; the counts beside them are complete.
pub(crate) const DEGRADED_ENTRIES_MAX: usize = 1_000;
/// Bytes of a stored reason: enough for a sentence, so that a hostile one cannot fill the store.
const REASON_BYTES_MAX: usize = 500;

/// What a view does not show though it is on the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Degraded {
    pub parked_entities: u64,
    pub skipped_commits: u64,
    pub undecodable_commits: u64,
    /// The first [`DEGRADED_ENTRIES_MAX`] of each.
    pub parked: Vec<Parked>,
    pub undecodable: Vec<Undecodable>,
}

/// An entity that the view does not follow any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub tenant: TenantId,
    pub entity: EntityId,
    /// The commit that could not be applied.
    pub since: Position,
    pub reason: String,
    /// Commits of the entity that are not in the rows, that one included.
    pub skipped: u64,
    /// The last of them.
    pub last: Position,
}

/// A commit of an unknown entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    pub at: Position,
    pub reason: String,
}

/// The last commit of an entity that was applied, as a row.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EntityRow {
    #[prost(uint64, tag = "1")]
    pub(crate) version: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) hash: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ParkedRow {
    #[prost(uint64, tag = "1")]
    since: u64,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(uint64, tag = "3")]
    skipped: u64,
    #[prost(uint64, tag = "4")]
    last: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UndecodableRow {
    #[prost(string, tag = "1")]
    reason: String,
}

pub(crate) fn checkpoint_key() -> Vec<u8> {
    Key::new(CHECKPOINT).finish()
}

/// Where in [`Family::Meta`] the [`EntityRow`] of an entity stands.
pub fn entity_key(tenant: &TenantId, entity: &EntityId) -> Vec<u8> {
    of_entity(ENTITY, tenant, entity)
}

pub(crate) fn parked_key(tenant: &TenantId, entity: &EntityId) -> Vec<u8> {
    of_entity(PARKED, tenant, entity)
}

pub(crate) fn undecodable_key(sequence: u64) -> Vec<u8> {
    Key::new(UNDECODABLE).u64(sequence).finish()
}

/// Whether a commit follows the entity's last one (`None`: it has none) without a hole; if not, why not. Who folds commits without
/// the runtime leaves out by this rule what a view leaves out.
pub fn follows(last: Option<&EntityRow>, commit: &Recorded) -> Result<(), String> {
    const NO_COMMIT: CommitHash = [0; 32];
    let commit = &commit.commit;
    let version = last.map_or(0, |last| last.version);
    if commit.events.is_empty() {
        return Err("commit has no events".to_owned());
    }
    if commit.first_version != version + 1 {
        return Err(format!("commit begins at version {}, the entity is at {version}", commit.first_version));
    }
    let hash = last.map_or(NO_COMMIT.as_slice(), |last| &last.hash);
    if commit.previous_hash != hash {
        return Err(format!("commit at version {} names another predecessor", commit.first_version));
    }
    Ok(())
}

/// Everything that a view left out, as of a snapshot.
pub(crate) fn degraded(snapshot: &Snapshot) -> Result<Degraded, StoreError> {
    let counts = Checkpoint::load_at(snapshot)?.map(|checkpoint| checkpoint.counts).unwrap_or_default();
    let table = |table: u8| {
        let range = KeyRange::prefix([table]);
        snapshot.scan_in(Family::Meta, &range, Direction::Forward, DEGRADED_ENTRIES_MAX)
    };
    let (parked, undecodable) = (table(PARKED)?, table(UNDECODABLE)?);
    Ok(Degraded {
        parked_entities: counts.parked,
        skipped_commits: counts.skipped,
        undecodable_commits: counts.undecodable,
        parked: parked.iter().map(|(key, value)| parked_entry(key, value)).collect::<Result<_, _>>()?,
        undecodable: undecodable.iter().map(|(key, value)| undecodable_entry(key, value)).collect::<Result<_, _>>()?,
    })
}

// === impl EntityRow, ParkedRow, UndecodableRow ===

impl EntityRow {
    /// The row once this commit is applied.
    pub fn after(commit: &Recorded) -> Self {
        Self { version: commit.commit.last_version(), hash: commit.hash.to_vec() }
    }
}

impl ParkedRow {
    pub(crate) fn new(sequence: u64, reason: &str) -> Self {
        Self { since: sequence, reason: shortened(reason), skipped: 1, last: sequence }
    }

    pub(crate) fn skip(&mut self, sequence: u64) {
        self.skipped += 1;
        self.last = sequence;
    }
}

impl UndecodableRow {
    pub(crate) fn new(reason: &str) -> Self {
        Self { reason: shortened(reason) }
    }
}

/// Reads a row of `meta`; the store is damaged if it is not one.
pub(crate) fn decode<M: Message + Default>(stored: &[u8]) -> Result<M, StoreError> {
    M::decode(stored).map_err(|_invalid| StoreError::Corrupted("row of meta is not readable".to_owned()))
}

fn of_entity(table: u8, tenant: &TenantId, entity: &EntityId) -> Vec<u8> {
    Key::new(table).text(tenant.as_str()).u8(kind_byte(entity.kind())).bytes(entity.bytes()).finish()
}

/// Stored, so never changed.
const fn kind_byte(kind: EntityKind) -> u8 {
    match kind {
        EntityKind::Conversation => 1,
        EntityKind::Contact => 2,
        EntityKind::Identity => 3,
        EntityKind::Channel => 4,
        EntityKind::Workspace => 5,
        EntityKind::Bulk => 6,
    }
}

fn parked_entry(key: &[u8], value: &[u8]) -> Result<Parked, StoreError> {
    let damaged = || StoreError::Corrupted("key of meta is not readable".to_owned());
    let read = || -> Result<(String, u8, [u8; 16]), KeyError> {
        let mut read = KeyReader::new(PARKED, key)?;
        Ok((read.text()?, read.u8()?, read.bytes()?))
    };
    let (tenant, kind, bytes) = read().map_err(|_layout| damaged())?;
    let kind = EntityKind::ALL.into_iter().find(|known| kind_byte(*known) == kind).ok_or_else(damaged)?;
    let row: ParkedRow = decode(value)?;
    Ok(Parked {
        tenant: TenantId::new(tenant).map_err(|_name| damaged())?,
        entity: EntityId::new(kind, bytes),
        since: Position::new(row.since),
        reason: row.reason,
        skipped: row.skipped,
        last: Position::new(row.last),
    })
}

fn undecodable_entry(key: &[u8], value: &[u8]) -> Result<Undecodable, StoreError> {
    let damaged = |_layout| StoreError::Corrupted("key of meta is not readable".to_owned());
    let sequence = KeyReader::new(UNDECODABLE, key).and_then(|mut read| read.u64()).map_err(damaged)?;
    let row: UndecodableRow = decode(value)?;
    Ok(Undecodable { at: Position::new(sequence), reason: row.reason })
}

fn shortened(reason: &str) -> String {
    reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned()
}
