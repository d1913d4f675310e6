//! A store: opening its folder, reading, writing, and its digest.

use std::fmt;
use std::fs::DirBuilder;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
};
use sha2::{Digest as _, Sha256};

use crate::batch::Batch;
use crate::buffers::{WRITE_BUFFERS_BYTES, WriteBuffers};
use crate::caches::{BLOCK_CACHE_BYTES, BlockCache, ROW_CACHE_BYTES, RowCache};
use crate::error::{OpenError, StoreError};
use crate::range::{Direction, Entry, KeyRange, collect};
use crate::snapshot::Snapshot;

/// Rows that were written and not yet sorted onto disk, per family; two of them can exist at a time. Half a dozen stores fill
/// theirs for minutes before the first write to disk: larger ones look like a leak, and speed up catching up alone, see
/// [`crate::Pace`].
pub(crate) const WRITE_BUFFER_BYTES: usize = 4 << 20;
/// The meta family is small: a few bytes an entity.
const META_WRITE_BUFFER_BYTES: usize = 1 << 20;
/// Open files of one store. A dozen stores stay far below the usual limit of 1,024 a process.
pub(crate) const OPEN_FILES_MAX: i32 = 64;
/// Parts of the table of open files, as a power of two: one. It is in 64 parts otherwise, so that each has room for a single file, and
/// two that fall into the same part close each other: a third of the time of catching up then went into opening files anew.
const OPEN_FILES_PARTS_BITS: i32 = 0;
/// Write-ahead log of one store, before families are flushed so that it can be cut.
const WAL_BYTES_MAX: u64 = 64 << 20;
/// `RocksDB`'s own diary files that are kept a store.
const DIARY_FILES_MAX: usize = 2;
/// Bits a key in the filters that save reads of absent keys: about 1 % false positives.
const FILTER_BITS_PER_KEY: f64 = 10.0;

/// The same for rows that are still in memory, as a share of their write buffer.
const MEMTABLE_FILTER_SHARE: f64 = 0.02;

/// What one put or delete takes in a write beside key and value, at most: kind, family and two lengths.
const OPERATION_BYTES: usize = 12;

/// A piece of a file's index or filter.
const METADATA_BLOCK_BYTES: usize = 4 << 10;

/// The two families of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What a view shows.
    Rows,
    /// How far it has come, and what the runtime keeps about entities.
    Meta,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::Rows, Self::Meta];

    const fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Meta => "meta",
        }
    }

    /// `of_rows` is what the rows have.
    const fn write_buffer_bytes(self, of_rows: usize) -> usize {
        match self {
            Self::Rows => of_rows,
            Self::Meta => META_WRITE_BUFFER_BYTES,
        }
    }
}

/// How a store is opened. Clones share the caches.
#[derive(Clone, Debug)]
pub struct Options {
    pub block_cache: BlockCache,
    pub row_cache: RowCache,
    pub write_buffer_bytes: usize,
    /// Of all stores together.
    pub write_buffers: WriteBuffers,
    pub open_files_max: i32,
}

/// SHA-256 over length-prefixed keys and values in key order, and how many keys it covers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    pub sha256: [u8; 32],
    pub keys: u64,
}

/// An open store. Clones are the same store; its folder is closed when the last clone and the last snapshot are gone.
#[derive(Clone)]
pub struct ReadStore {
    pub(crate) inner: Arc<Inner>,
}

/// The database and, dropped after it, what happens to its folder.
pub(crate) struct Inner {
    pub(crate) db: DB,
    /// Somebody read a block that is not what was written.
    damaged: AtomicBool,
    /// Of its rows, while it follows.
    write_buffer_bytes: usize,
    folder: Folder,
}

struct Folder {
    path: PathBuf,
    remove: AtomicBool,
}

// === impl ReadStore ===

impl ReadStore {
    /// Opens the folder, making it if it is absent. A folder can be open once at a time.
    pub fn open(path: impl Into<PathBuf>, options: &Options) -> Result<Self, OpenError> {
        let path = path.into();
        // A view holds what customers wrote: it is the owner's alone, wherever it stands.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| OpenError::Unusable { path: path.clone(), reason: error.to_string() })?;
        let existed = path.join("CURRENT").exists();
        let families = Family::ALL.map(|family| ColumnFamilyDescriptor::new(family.name(), options.family(family)));
        let db = DB::open_cf_descriptors(&options.database(), &path, families)
            .map_err(|error| OpenError::from_rocksdb(path.clone(), existed, error))?;
        let folder = Folder { path, remove: AtomicBool::new(false) };
        let (damaged, write_buffer_bytes) = (AtomicBool::new(false), options.write_buffer_bytes);
        Ok(Self { inner: Arc::new(Inner { db, damaged, write_buffer_bytes, folder }) })
    }

    /// The same for what can be counted again from the log: a folder that is damaged is deleted and begun again.
    pub fn open_or_begin(path: impl Into<PathBuf>, options: &Options) -> Result<Self, OpenError> {
        match Self::open(path, options) {
            Err(OpenError::Corrupted { path, reason }) => {
                tracing::warn!(path = %path.display(), reason, "store is damaged and begun again from the log");
                std::fs::remove_dir_all(&path)
                    .map_err(|error| OpenError::Unusable { path: path.clone(), reason: error.to_string() })?;
                Self::open(path, options)
            }
            opened => opened,
        }
    }

    /// Whether anybody has read a part of the store, through it or a snapshot of it, that is not what was written.
    pub fn damaged(&self) -> bool {
        self.inner.damaged.load(Ordering::Acquire)
    }

    pub fn path(&self) -> &Path {
        self.inner.path()
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_in(Family::Rows, key)
    }

    pub fn get_in(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.inner.db.get_cf(self.inner.family(family)?, key);
        self.inner.noticing(found.map_err(StoreError::from_rocksdb))
    }

    /// Writes everything in the batch, or nothing. Survives the end of the process, not a power cut: then the store is an
    /// older, whole state.
    pub fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let bytes = batch.bytes() + batch.len() * OPERATION_BYTES;
        let mut writes = rocksdb::WriteBatch::with_capacity_bytes(bytes);
        // Looked up by name, so once.
        let (rows, meta) = (self.inner.family(Family::Rows)?, self.inner.family(Family::Meta)?);
        for operation in batch.operations {
            let family = match operation.family {
                Family::Rows => rows,
                Family::Meta => meta,
            };
            match operation.value {
                Some(value) => writes.put_cf(family, operation.key, value),
                None => writes.delete_cf(family, operation.key),
            }
        }
        let mut how = rocksdb::WriteOptions::default();
        how.set_sync(false);
        self.inner.db.write_opt(writes, &how).map_err(StoreError::from_rocksdb)
    }

    /// At most `limit` rows of `range`.
    pub fn scan(&self, range: &KeyRange, direction: Direction, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.scan_in(Family::Rows, range, direction, limit)
    }

    pub fn scan_in(
        &self,
        family: Family,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let rows = self.inner.db.raw_iterator_cf_opt(self.inner.family(family)?, range.read_options());
        self.inner.noticing(collect(rows, range, direction, limit))
    }

    /// The store as it is now, for as long as the snapshot is held.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(Arc::clone(&self.inner))
    }

    /// SHA-256 over every key and value of `rows` in key order, at one moment.
    pub fn digest(&self) -> Result<Digest, StoreError> {
        self.snapshot().digest(Family::Rows)
    }

    /// Bytes on disk and in write buffers, roughly.
    pub fn approximate_bytes(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for family in Family::ALL {
            for property in ["rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables"] {
                let family = self.inner.family(family)?;
                let found = self.inner.db.property_int_value_cf(family, property).map_err(StoreError::from_rocksdb)?;
                bytes += found.unwrap_or(0);
            }
        }
        Ok(bytes)
    }

    /// Puts everything that was written onto the disk, as before a backup.
    pub fn flush(&self) -> Result<(), StoreError> {
        for family in Family::ALL {
            self.inner.db.flush_cf(self.inner.family(family)?).map_err(StoreError::from_rocksdb)?;
        }
        Ok(())
    }

    /// Whether the folder is deleted once nobody has it open any more, for stores that another one has replaced.
    pub fn remove_when_closed(&self, remove: bool) {
        self.inner.folder.remove.store(remove, Ordering::Release);
    }
}

impl fmt::Debug for ReadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadStore").field("path", &self.inner.folder.path).finish_non_exhaustive()
    }
}

// === impl Inner, Folder ===

impl Inner {
    /// Remembers damage that a reader has come upon.
    pub(crate) fn noticing<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(read, Err(StoreError::Corrupted(_))) {
            self.damaged.store(true, Ordering::Release);
        }
        read
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder.path
    }

    pub(crate) const fn write_buffer_bytes(&self, family: Family) -> usize {
        family.write_buffer_bytes(self.write_buffer_bytes)
    }

    pub(crate) fn family(&self, family: Family) -> Result<&ColumnFamily, StoreError> {
        self.db
            .cf_handle(family.name())
            .ok_or_else(|| StoreError::Corrupted(format!("family `{}` is missing", family.name())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.remove.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "replaced store could not be deleted");
        }
    }
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            block_cache: BlockCache::new(BLOCK_CACHE_BYTES),
            row_cache: RowCache::new(ROW_CACHE_BYTES),
            write_buffer_bytes: WRITE_BUFFER_BYTES,
            write_buffers: WriteBuffers::new(WRITE_BUFFERS_BYTES),
            open_files_max: OPEN_FILES_MAX,
        }
    }
}

impl Options {
    fn database(&self) -> rocksdb::Options {
        let mut options = rocksdb::Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_paranoid_checks(true);
        // What follows a torn record in the write-ahead log is dropped: the store is then an older prefix, never a mixture.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_max_total_wal_size(WAL_BYTES_MAX);
        options.set_max_open_files(self.open_files_max);
        options.set_table_cache_num_shard_bits(OPEN_FILES_PARTS_BITS);
        options.set_row_cache(&self.row_cache.0);
        options.set_write_buffer_manager(&self.write_buffers.0);
        options.set_keep_log_file_num(DIARY_FILES_MAX);
        options.set_log_level(rocksdb::LogLevel::Warn);
        options.set_stats_dump_period_sec(0);
        options
    }

    fn family(&self, family: Family) -> rocksdb::Options {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&self.block_cache.0);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        blocks.set_bloom_filter(FILTER_BITS_PER_KEY, false);
        // Index and filter in small pieces that the cache holds one by one. In one piece a file, as they are otherwise, they are
        // megabytes in a view of a million conversations, do not fit together, and are read again for almost every key.
        blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        blocks.set_partition_filters(true);
        blocks.set_metadata_block_size(METADATA_BLOCK_BYTES);
        blocks.set_pin_top_level_index_and_filter(true);
        let mut options = rocksdb::Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_write_buffer_size(family.write_buffer_bytes(self.write_buffer_bytes));
        options.set_max_write_buffer_number(2);
        // A view asks for many rows that are not there yet: a filter over what is in memory answers that without a search.
        options.set_memtable_whole_key_filtering(true);
        options.set_memtable_prefix_bloom_ratio(MEMTABLE_FILTER_SHARE);
        options.set_compression_type(DBCompressionType::Lz4);
        options
    }
}

// === impl Digest ===

impl Digest {
    /// Lower-case hex, as people compare it.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        self.sha256.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a `String` cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} keys)", self.hex(), self.keys)
    }
}

pub(crate) fn digest_of(snapshot: &Snapshot, family: Family) -> Result<Digest, StoreError> {
    let mut hasher = Sha256::new();
    let mut keys = 0;
    snapshot.for_each_in(family, &KeyRange::all(), Direction::Forward, &mut |key, value| {
        for part in [key, value] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        keys += 1;
        ControlFlow::Continue(())
    })?;
    Ok(Digest { sha256: hasher.finalize().into(), keys })
}
