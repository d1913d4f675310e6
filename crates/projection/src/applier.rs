//! One view's writer: commits in, rows and checkpoint out, in one batch. Knows no log, no threads and no time.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use prost::Message;
use relevo_domain::{EntityId, Position, Recorded, TenantId, Timestamp};
use relevo_readstore::{Batch, Pace, ReadStore, StoreError};

use crate::cache::Cache;
use crate::chains::Link;
use crate::checkpoint::Checkpoint;
use crate::companion::Following;
use crate::entity::{self, EntityRow, ParkedRow, UndecodableRow};
use crate::projector::{ApplyError, Projector};
use crate::rows::{Overlay, ROWS_A_COMMIT};
use crate::view::Moment;

/// Bytes that are collected before they are written, whatever the batch: bounds the memory of a batch of large commits.
const WRITE_BYTES_MAX: usize = 8 << 20;

/// Commits of a batch by which a view is known to be behind that was not before.
const CATCHING_UP_COMMITS: usize = 512;
/// How far behind its target a view is that is written as one that catches up: what fills a store's usual write buffers some times
/// over. To change them costs a small file, so that who was away for a minute does without.
pub(crate) const FAR_COMMITS: u64 = 16_384;

/// What the log gave for one sequence. All views share it.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Commit(Arc<Recorded>, Link),
    Undecodable { sequence: u64, reason: Arc<str> },
}

/// A store, its projector, and how far it has come.
pub(crate) struct Applier {
    projector: Arc<dyn Projector>,
    store: ReadStore,
    cache: Cache,
    checkpoint: Checkpoint,
    /// As of the checkpoint, like the rows.
    companion: Option<Following>,
    /// The log's past ends here.
    target: u64,
    pace: Pace,
}

/// Why a batch could not be applied. What was written before it stays; nothing of the rest is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApplyFailure {
    #[error("commit at {at} could not be applied: {reason}")]
    Projector { at: Position, reason: String },
    #[error("projector failed after {after}: {reason}")]
    Panicked { after: Position, reason: String },
    #[error("what is kept in memory beside the rows failed after {after}: {reason}")]
    Companion { after: Position, reason: String },
    #[error("store failed: {0}")]
    Store(#[from] StoreError),
}

impl ApplyFailure {
    /// Whether the folder is to blame, so that an empty one would do better. A projector that cannot apply a commit and a disk
    /// that does not work would fail on an empty one, too.
    pub(crate) const fn is_damage(&self) -> bool {
        match self {
            Self::Store(StoreError::Corrupted(_)) | Self::Companion { .. } => true,
            Self::Store(StoreError::Failed(_)) | Self::Projector { .. } | Self::Panicked { .. } => false,
        }
    }
}

impl ApplyFailure {
    /// Whether another folder may do better once the disk works: not what the projector is to blame for.
    pub(crate) const fn is_the_folders(&self) -> bool {
        match self {
            Self::Store(StoreError::Corrupted(_) | StoreError::Failed(_)) | Self::Companion { .. } => true,
            Self::Projector { .. } | Self::Panicked { .. } => false,
        }
    }
}

impl Item {
    pub(crate) fn sequence(&self) -> u64 {
        match self {
            Self::Commit(commit, _) => commit.sequence,
            Self::Undecodable { sequence, .. } => *sequence,
        }
    }
}

impl Applier {
    /// Goes on where the store ends; a fresh store begins before the first commit of the log that was created then. Reads all
    /// rows that the view's companion wants, so it is called where blocking is allowed.
    pub(crate) fn resume(
        projector: Arc<dyn Projector>,
        store: ReadStore,
        stream_created_at: Timestamp,
    ) -> Result<Self, ApplyFailure> {
        let mut applier = Self::rows_only(projector, store, stream_created_at)?;
        if let Some(empty) = applier.projector.companion() {
            let opened = Following::open(empty, &applier.store);
            applier.companion = Some(opened.map_err(|error| applier.companion_failed(&error))?);
        }
        Ok(applier)
    }

    /// The same for a folder that will have no readers: without a companion.
    pub(crate) fn rows_only(
        projector: Arc<dyn Projector>,
        store: ReadStore,
        stream_created_at: Timestamp,
    ) -> Result<Self, ApplyFailure> {
        let checkpoint = Checkpoint::load(&store)?.unwrap_or_else(|| Checkpoint::start(stream_created_at));
        let (cache, companion, target, pace) = (Cache::default(), None, 0, Pace::Following);
        Ok(Self { projector, store, cache, checkpoint, companion, target, pace })
    }

    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub(crate) fn position(&self) -> Position {
        self.checkpoint.position()
    }

    pub(crate) fn store(&self) -> &ReadStore {
        &self.store
    }

    /// What readers may see now: rows, companion and position of one moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            rows: self.store.snapshot(),
            companion: self.companion.as_ref().map(Following::freeze),
            position: self.position(),
            some_parked: self.checkpoint.counts.parked > 0,
        }
    }

    /// The companion's content in comparable form.
    #[cfg(any(test, feature = "test-util"))]
    pub(crate) fn fingerprint(&self) -> Option<Vec<u8>> {
        self.companion.as_ref().map(Following::fingerprint)
    }

    /// Applies items in order and writes them with the checkpoint. What was applied before is skipped. After a failure this
    /// applier is of no use any more, since its companion may be ahead of the rows; the store is whole and can be resumed.
    pub(crate) fn apply(&mut self, items: &[Item]) -> Result<(), ApplyFailure> {
        self.apply_telling(items, &mut |_batch| {})
    }

    /// The same, telling each batch just before it is written.
    pub(crate) fn apply_telling(&mut self, items: &[Item], tell: &mut dyn FnMut(&Batch)) -> Result<(), ApplyFailure> {
        self.hurry(items.len());
        let mut rest = items;
        while !rest.is_empty() {
            let (mut batch, checkpoint, taken) = {
                let mut staged = Staged::new(self);
                let taken = staged.take(rest)?;
                let checkpoint = staged.checkpoint;
                (staged.into_batch(), checkpoint, taken)
            };
            if checkpoint != self.checkpoint {
                checkpoint.save(&mut batch);
                // Before the write: a batch that the companion refuses is not in the rows either, so that the next start finds
                // a view that can be read.
                if let Some(companion) = &mut self.companion {
                    companion.show(&batch).map_err(|error| self.companion_failed(&error))?;
                }
                tell(&batch);
                self.cache.written(&batch);
                self.store.write(batch)?;
                self.checkpoint = checkpoint;
            }
            rest = &rest[taken..];
        }
        self.settle();
        Ok(())
    }

    /// The log's past ends there: it is to be brought there as fast as it can.
    pub(crate) const fn aim(&mut self, target: Position) {
        self.target = target.sequence();
    }

    /// Whether everything of the log's past is applied.
    pub(crate) const fn is_there(&self) -> bool {
        self.checkpoint.sequence >= self.target
    }

    /// Takes more memory while there is much to do: a row that is in it is looked for in no file.
    fn hurry(&mut self, commits: usize) {
        let behind = self.target.saturating_sub(self.checkpoint.sequence);
        if self.pace == Pace::Following && behind >= FAR_COMMITS {
            if self.checkpoint.sequence == 0 {
                self.cache.begin(behind.saturating_mul(ROWS_A_COMMIT as u64));
            }
            self.go(Pace::CatchingUp);
        }
        self.cache.expect(self.pace == Pace::CatchingUp || commits >= CATCHING_UP_COMMITS);
    }

    /// Gives it back.
    fn settle(&mut self) {
        if self.pace == Pace::CatchingUp && self.is_there() {
            self.go(Pace::Following);
            self.cache.expect(false);
            self.cache.end();
        }
    }

    fn go(&mut self, pace: Pace) {
        self.pace = pace;
        if let Err(error) = self.store.set_pace(pace) {
            // It is as right as before, and slower or larger.
            tracing::debug!(view = self.projector.name(), %error, ?pace, "store keeps its write buffers");
        }
    }

    fn companion_failed(&self, error: &ApplyError) -> ApplyFailure {
        ApplyFailure::Companion { after: self.position(), reason: error.to_string() }
    }

    /// Does everything that `apply` does, except to write: what a kill just before the write leaves behind.
    #[cfg(any(test, feature = "test-util"))]
    pub(crate) fn apply_and_lose(&self, items: &[Item]) -> Result<(), ApplyFailure> {
        Staged::new(self).take(items).map(|_taken| ())
    }
}

/// A batch that is being put together.
struct Staged<'a> {
    projector: &'a dyn Projector,
    rows: Overlay<'a>,
    /// The last commit of each entity that was applied by it. Their rows are written once, at its end.
    heads: HashMap<(&'a TenantId, EntityId), &'a Recorded, RandomState>,
    checkpoint: Checkpoint,
}

impl<'a> Staged<'a> {
    fn new(applier: &'a Applier) -> Self {
        let (rows, heads) = (Overlay::new(&applier.store, &applier.cache), HashMap::default());
        Self { projector: applier.projector.as_ref(), rows, heads, checkpoint: applier.checkpoint }
    }

    fn into_batch(mut self) -> Batch {
        for ((tenant, entity), last) in self.heads {
            self.rows.put_meta(entity::entity_key(tenant, &entity), EntityRow::after(last).encode_to_vec());
        }
        self.rows.into_batch()
    }

    /// Takes items until the batch is large enough; answers how many.
    fn take(&mut self, items: &'a [Item]) -> Result<usize, ApplyFailure> {
        self.rows.expect(items.len());
        for (index, item) in items.iter().enumerate() {
            if item.sequence() <= self.checkpoint.sequence {
                continue;
            }
            match item {
                Item::Commit(commit, link) => {
                    self.commit(commit, *link)?;
                    self.checkpoint.advance(commit);
                }
                Item::Undecodable { sequence, reason } => self.undecodable(*sequence, reason),
            }
            if self.rows.bytes() >= WRITE_BYTES_MAX {
                return Ok(index + 1);
            }
        }
        Ok(items.len())
    }

    fn commit(&mut self, recorded: &'a Recorded, link: Link) -> Result<(), ApplyFailure> {
        let (tenant, entity) = (&recorded.commit.tenant, &recorded.commit.entity);
        if self.checkpoint.counts.parked > 0 {
            let key = entity::parked_key(tenant, entity);
            if let Some(stored) = self.rows.meta(&key)? {
                let mut parked: ParkedRow = entity::decode(&stored)?;
                parked.skip(recorded.sequence);
                self.rows.put_meta(key, parked.encode_to_vec());
                self.checkpoint.counts.skipped += 1;
                return Ok(());
            }
        }
        if link == Link::Unknown
            && let Err(reason) = entity::follows(self.last(tenant, entity)?.as_ref(), recorded)
        {
            self.park(recorded, &reason);
            return Ok(());
        }
        let projector = self.projector;
        match self.rows.attempt(|rows| projector.apply(rows, recorded)) {
            Ok(()) => {
                self.heads.insert((tenant, *entity), recorded);
            }
            Err(ApplyError::BadRow(reason)) => self.park(recorded, &reason),
            Err(ApplyError::Store(reason)) => {
                return Err(ApplyFailure::Projector { at: recorded.position(), reason });
            }
        }
        Ok(())
    }

    /// The last commit of an entity that was applied.
    fn last(&self, tenant: &TenantId, entity: &EntityId) -> Result<Option<EntityRow>, StoreError> {
        if let Some(head) = self.heads.get(&(tenant, *entity)) {
            return Ok(Some(EntityRow::after(head)));
        }
        self.rows.meta(&entity::entity_key(tenant, entity))?.map(|stored| entity::decode(&stored)).transpose()
    }

    fn park(&mut self, recorded: &Recorded, reason: &str) {
        let (view, sequence) = (self.projector.name(), recorded.sequence);
        let (tenant, entity) = (&recorded.commit.tenant, &recorded.commit.entity);
        tracing::error!(view, sequence, %tenant, %entity, reason, "entity parked: view does not follow it any more");
        let parked = ParkedRow::new(sequence, reason);
        self.rows.put_meta(entity::parked_key(tenant, entity), parked.encode_to_vec());
        self.checkpoint.counts.parked += 1;
        self.checkpoint.counts.skipped += 1;
    }

    fn undecodable(&mut self, sequence: u64, reason: &str) {
        tracing::error!(view = self.projector.name(), sequence, reason, "commit cannot be decoded: view is without it");
        let row = UndecodableRow::new(reason);
        self.rows.put_meta(entity::undecodable_key(sequence), row.encode_to_vec());
        self.checkpoint.counts.undecodable += 1;
        self.checkpoint.sequence = sequence;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Counts;
    use crate::projector::Rows;
    use crate::testing::{history, items, open};

    /// The latest commit of each entity.
    struct Latest;

    impl Projector for Latest {
        fn name(&self) -> &'static str {
            "latest"
        }

        fn version(&self) -> u32 {
            1
        }

        fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
            rows.put(commit.commit.entity.to_string().into_bytes(), commit.sequence.to_be_bytes().to_vec());
            Ok(())
        }
    }

    #[test]
    fn who_is_far_behind_catches_up_with_more_memory_and_gives_it_back() {
        let (folder, items) = (tempfile::tempdir().unwrap(), items(&history(3, 300)));
        let mut applier = open(folder.path(), Arc::new(Latest));
        assert!(applier.is_there());
        applier.aim(Position::new(FAR_COMMITS - 1));
        applier.apply(&items[..100]).unwrap();
        assert_eq!((applier.pace, applier.is_there()), (Pace::Following, false));
        applier.aim(Position::new(FAR_COMMITS + 100));
        applier.apply(&items[100..200]).unwrap();
        assert_eq!(applier.pace, Pace::CatchingUp);
        applier.aim(Position::new(300));
        applier.apply(&items[200..]).unwrap();
        assert_eq!((applier.pace, applier.is_there()), (Pace::Following, true));
    }
    /// How many commits each entity has had; every fifth one begins anew, without a row. Its rows are so large that the cache holds ten.
    struct Count;

    const COUNT_BYTES: usize = 150_000;

    impl Projector for Count {
        fn name(&self) -> &'static str {
            "count"
        }

        fn version(&self) -> u32 {
            1
        }

        fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
            let key = commit.commit.entity.to_string().into_bytes();
            let count = rows.get(&key)?.map_or(0, |row| row[0]) + 1;
            match count {
                5 => rows.delete(key),
                _ => rows.put(key, vec![count; COUNT_BYTES]),
            }
            Ok(())
        }
    }

    #[test]
    fn who_knows_what_was_never_put_builds_the_same_rows() {
        let (folder, items) = (tempfile::tempdir().unwrap(), items(&history(3, 400)));
        let [slow, fast] = ["slow", "fast"].map(|name| {
            let mut applier = open(&folder.path().join(name), Arc::new(Count));
            if name == "fast" {
                applier.aim(Position::new(FAR_COMMITS + 1));
            }
            for some in items.chunks(7) {
                applier.apply(some).unwrap();
            }
            applier
        });
        assert_eq!((slow.pace, fast.pace), (Pace::Following, Pace::CatchingUp));
        assert_eq!((slow.checkpoint.counts, fast.checkpoint.counts), (Counts::default(), Counts::default()));
        assert_eq!(slow.store.digest().unwrap(), fast.store.digest().unwrap());
        // Who begins in the middle does not know it.
        drop(fast);
        let mut later = open(&folder.path().join("fast"), Arc::new(Count));
        later.aim(Position::new(3 * FAR_COMMITS));
        later.apply(&items).unwrap();
        assert_eq!(slow.store.digest().unwrap(), later.store.digest().unwrap());
    }
}
