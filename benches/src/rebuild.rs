//! How fast all views are built from a long log, next to the store alone writing the same batches.
//!
//! The log is in memory, as the bytes that a server would give, so that a rebuild decodes and checks what it would decode and check
//! from a server, and nothing else is measured. *Raw* is: the batches that the views wrote (same keys, same values, same
//! number of batches, same settings of the store), read from a file between the times that are counted, written by as many threads as
//! there are cores.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use relevo_command::DecisionProjector;
use relevo_domain::{CommitHash, EntityId, Position, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted, codec};
use relevo_projection::testing::{HISTORY_STREAM_CREATED_AT, Writer, long_history};
use relevo_projection::{Options, Projector, Runtime, ViewState};
use relevo_projector_assignment::AssignmentProjector;
use relevo_projector_inbox::InboxProjector;
use relevo_projector_metrics::MetricsProjector;
use relevo_projector_pause::PauseProjector;
use relevo_readstore::{Batch, Family, ReadStore};
use tokio_util::sync::CancellationToken;

/// Commits that the store alone gets at a time: so many are read from the file before they are timed.
const RAW_CHUNK: usize = 10_240;

/// What a view's batches are marked by in the file: the end of a batch, and of a chunk.
const END_OF_BATCH: u8 = 0xFE;
const END_OF_CHUNK: u8 = 0xFF;
/// Length of a value that stands for a delete.
const DELETED: u32 = u32::MAX;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuilt {
    pub commits: usize,
    pub views: usize,
    /// Commits a second through all views, from an empty folder until every view is live.
    pub commits_per_s: f64,
    /// The same commits' batches through the store alone.
    pub raw_per_s: f64,
    /// The first divided by the second.
    pub ratio: f64,
    /// CPU seconds of the process while the views were built, and while the store alone wrote.
    pub cpu_s: f64,
    pub raw_cpu_s: f64,
    /// Keys written and deleted, and bytes of keys and values, by all views.
    pub keys: u64,
    pub bytes: u64,
    pub batches: u64,
}

/// Every view of a broker.
pub fn projectors() -> Vec<Arc<dyn Projector>> {
    vec![
        Arc::new(DecisionProjector),
        Arc::new(InboxProjector),
        Arc::new(AssignmentProjector),
        Arc::new(PauseProjector),
        Arc::new(MetricsProjector),
        Arc::new(relevo_sender::DeliveryProjector),
        Arc::new(relevo_reactor::TimersProjector),
        Arc::new(relevo_bot::TurnsProjector),
    ]
}

/// Builds all views over a made-up history, and has the store alone write the same. `folder` must be empty, on the disk that is
/// to be measured, with room for twice the views and once what they write.
pub async fn run(folder: &Path, commits: usize, seed: u64) -> Rebuilt {
    let log = BytesLog::new(&long_history(seed, commits));
    let (built, cpu) = build(&folder.join("views"), &log).await;
    let (log, folder) = (log.clone(), folder.to_owned());
    let raw = tokio::task::spawn_blocking(move || {
        let written = spool(&folder, &log);
        let (raw, cpu) = raw(&folder);
        (written, raw, cpu)
    });
    let (written, raw, raw_cpu) = raw.await.unwrap();
    let per_s = |seconds: Duration| commits as f64 / seconds.as_secs_f64();
    Rebuilt {
        commits,
        views: projectors().len(),
        commits_per_s: per_s(built),
        raw_per_s: per_s(raw),
        ratio: raw.as_secs_f64() / built.as_secs_f64(),
        cpu_s: cpu,
        raw_cpu_s: raw_cpu,
        keys: written.keys,
        bytes: written.bytes,
        batches: written.batches,
    }
}

/// All views from nothing to the log's end, as at a first start.
pub async fn build(folder: &Path, log: &BytesLog) -> (Duration, f64) {
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let token = CancellationToken::new();
    let views = Runtime::start(projectors(), Arc::new(log.clone()), folder, Options::default(), token).await.unwrap();
    for view in views.all() {
        let far = tokio::time::Instant::now() + Duration::from_hours(1);
        view.reached(Position::new(log.len()), far).await.unwrap();
        view.states().wait_for(|state| *state == ViewState::Live).await.unwrap();
    }
    let taken = (started.elapsed(), cpu_seconds() - cpu);
    for view in views.all() {
        assert_eq!(view.degraded().unwrap(), relevo_projection::Degraded::default(), "{}", view.name());
    }
    views.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
    taken
}

// --- the log

/// A log that is read only, of stored bytes. Clones are the same log.
#[derive(Clone, Debug)]
pub struct BytesLog(Arc<Vec<Bytes>>);

impl BytesLog {
    /// A history as a server would store it: hashes are those of the stored bytes.
    pub fn new(history: &[Recorded]) -> Self {
        let mut heads = BTreeMap::<(TenantId, EntityId), CommitHash>::new();
        let stored = history.iter().map(|recorded| {
            let mut commit = recorded.commit.clone();
            let head = heads.entry((commit.tenant.clone(), commit.entity)).or_default();
            commit.previous_hash = *head;
            let stored = codec::encode(&commit);
            *head = codec::hash(&stored);
            Bytes::from(stored)
        });
        Self(Arc::new(stored.collect()))
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The commit at a sequence from 1 on.
    pub fn commit(&self, sequence: u64) -> Option<Recorded> {
        let stored = self.0.get(usize::try_from(sequence.checked_sub(1)?).ok()?)?;
        Some(Recorded { sequence, hash: codec::hash(stored), commit: codec::decode(stored).unwrap() })
    }
}

#[async_trait]
impl Log for BytesLog {
    async fn append(&self, _batch: Vec<Append>) -> Result<Outcome, LogError> {
        Err(refused())
    }

    async fn tail(&self, _tenant: &TenantId, _entity: &EntityId, _after: u64) -> Result<Vec<Recorded>, LogError> {
        Err(refused())
    }

    async fn beginning(
        &self,
        _tenant: &TenantId,
        _entity: &EntityId,
        _limit: usize,
        _wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        Err(refused())
    }

    async fn last_of(&self, _tenant: &TenantId, _entity: &EntityId) -> Result<u64, LogError> {
        Err(refused())
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        Ok(self.commit(sequence))
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let log = self.clone();
        let commits = stream::iter((from..=self.len()).filter_map(move |sequence| log.commit(sequence).map(Ok)));
        Ok(commits.chain(stream::pending()).boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let created_at = HISTORY_STREAM_CREATED_AT;
        Ok(Identity { created_at, last_sequence: self.len(), bytes: 0, max_bytes: u64::MAX })
    }
}

fn refused() -> LogError {
    LogError::Refused("the log of a benchmark is read only".to_owned())
}

// --- the store alone

#[derive(Default)]
struct Written {
    keys: u64,
    bytes: u64,
    batches: u64,
}

/// Writes what every view writes into a file a view.
fn spool(folder: &Path, log: &BytesLog) -> Written {
    let mut written = Written::default();
    for projector in projectors() {
        let mut file = BufWriter::new(File::create(folder.join(projector.name())).unwrap());
        let mut writer = Writer::new(Arc::clone(&projector), &folder.join("spooled"));
        let mut from = 1;
        while from <= log.len() {
            let to = (from + RAW_CHUNK as u64).min(log.len() + 1);
            let commits: Vec<Recorded> = (from..to).filter_map(|sequence| log.commit(sequence)).collect();
            writer.apply(&commits, &mut |batch| {
                written.batches += 1;
                written.keys += batch.len() as u64;
                written.bytes += batch.bytes() as u64;
                put_batch(&mut file, batch).unwrap();
            });
            file.write_all(&[END_OF_CHUNK]).unwrap();
            from = to;
        }
        file.flush().unwrap();
        drop(writer);
        std::fs::remove_dir_all(folder.join("spooled")).unwrap();
    }
    written
}

fn put_batch(file: &mut impl Write, batch: &Batch) -> io::Result<()> {
    for (family, mark) in [(Family::Rows, 0), (Family::Meta, 1)] {
        for (key, value) in batch.changes(family) {
            file.write_all(&[mark])?;
            file.write_all(&(key.len() as u32).to_le_bytes())?;
            file.write_all(&value.map_or(DELETED, |value| value.len() as u32).to_le_bytes())?;
            file.write_all(key)?;
            file.write_all(value.unwrap_or_default())?;
        }
    }
    file.write_all(&[END_OF_BATCH])
}

/// The batches of the next chunk; none at the end of the file.
fn next_chunk(file: &mut impl Read) -> Vec<Batch> {
    let (mut batches, mut batch) = (Vec::new(), Batch::new());
    let mut mark = [0];
    while file.read(&mut mark).unwrap() == 1 {
        let family = match mark[0] {
            END_OF_CHUNK => break,
            END_OF_BATCH => {
                batches.push(std::mem::take(&mut batch));
                continue;
            }
            0 => Family::Rows,
            _ => Family::Meta,
        };
        let mut lengths = [0; 8];
        file.read_exact(&mut lengths).unwrap();
        let [key, value] = [0, 4].map(|at| u32::from_le_bytes(lengths[at..at + 4].try_into().unwrap()));
        let mut bytes = vec![0; key as usize];
        file.read_exact(&mut bytes).unwrap();
        if value == DELETED {
            batch.delete(family, bytes);
            continue;
        }
        let mut stored = vec![0; value as usize];
        file.read_exact(&mut stored).unwrap();
        batch.put(family, bytes, stored);
    }
    batches
}

/// Writes the files' batches into fresh stores; answers how long the writing took, and its CPU.
fn raw(folder: &Path) -> (Duration, f64) {
    let options = Options::default().store;
    let open = |projector: Arc<dyn Projector>| {
        let file = BufReader::new(File::open(folder.join(projector.name())).unwrap());
        (ReadStore::open(folder.join("raw").join(projector.name()), &options).unwrap(), file)
    };
    let mut views: Vec<_> = projectors().into_iter().map(open).collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (mut taken, mut cpu) = (Duration::ZERO, 0.0);
    loop {
        let work: Vec<_> = views.iter_mut().map(|(store, file)| (store.clone(), next_chunk(file))).collect();
        if work.iter().all(|(_, batches)| batches.is_empty()) {
            break;
        }
        let work = Mutex::new(work);
        let (cpu_before, started) = (cpu_seconds(), Instant::now());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((store, batches)) = { work.lock().unwrap().pop() } {
                        for batch in batches {
                            store.write(batch).unwrap();
                        }
                    }
                });
            }
        });
        taken += started.elapsed();
        cpu += cpu_seconds() - cpu_before;
    }
    drop(views);
    std::fs::remove_dir_all(folder.join("raw")).unwrap();
    (taken, cpu)
}

/// CPU time of this process so far; 0 where the system does not tell.
pub fn cpu_seconds() -> f64 {
    /// Ticks of `/proc` a second, the same on every Linux that we run on.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold blanks; user and system time are the 12th and 13th word behind it.
    let words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    words.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / TICKS
}
