//! The events log in memory: the twin that tests run on, with seeded faults.
//!
//! It stores the same bytes as JetStream, keeps the same rules, and answers an append through the same resolution. Nothing is
//! kept when the last handle is dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::{EntityId, Recorded, TenantId, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::codec;
use crate::jetstream::append::message_id;
use crate::log::{Append, Identity, Log, LogError, Outcome, Stored, Wanted};
use crate::resolve::{self, Answer, Attempt};
use crate::subject;

/// The largest commit, in bytes, unless a test says otherwise: what JetStream accepts with Relevo's settings.
const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024 - 64 * 1024;
/// How long an append tries; long against the back-off, short against a test.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often, in percent of all attempts, something goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Stored, but the answer is lost.
    pub lost_ack: u8,
    /// Lost before it is stored.
    pub lost_message: u8,
    /// Answered by nobody, and stored later.
    pub late: u8,
    /// Refused because another append seems to be in flight.
    pub busy: u8,
    /// A repeated message id is answered as a duplicate before the condition is checked, as a replicated stream does.
    pub duplicate_first: u8,
    /// The most times that an attempt gives way to other tasks.
    pub yields_max: u8,
}

impl Faults {
    /// A log on which everything goes wrong, often.
    pub const STORM: Self =
        Self { lost_ack: 15, lost_message: 15, late: 10, busy: 15, duplicate_first: 50, yields_max: 3 };
}

/// A log in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    last: watch::Sender<u64>,
}

struct State {
    commits: Vec<Recorded>,
    bytes: usize,
    /// Sequence of each entity's last commit, by subject.
    entities: HashMap<String, u64>,
    /// Sequence by message id.
    ids: HashMap<String, u64>,
    /// Attempts that are still on their way.
    late: Vec<Vec<Append>>,
    faults: Faults,
    random: StdRng,
    bytes_max: usize,
    commit_bytes_max: usize,
    created_at: Timestamp,
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").field("last_sequence", &*self.shared.last.borrow()).finish_non_exhaustive()
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// A log on which nothing goes wrong.
    pub fn new() -> Self {
        Self::with_faults(0, Faults::default())
    }

    /// A log on which what goes wrong is decided by `seed`.
    pub fn with_faults(seed: u64, faults: Faults) -> Self {
        let state = State {
            commits: Vec::new(),
            bytes: 0,
            entities: HashMap::new(),
            ids: HashMap::new(),
            late: Vec::new(),
            faults,
            random: StdRng::seed_from_u64(seed),
            bytes_max: usize::MAX,
            commit_bytes_max: COMMIT_BYTES_MAX,
            created_at: Timestamp::from_millis(i64::try_from(seed).unwrap_or(i64::MAX)),
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), last: watch::Sender::new(0) }) }
    }

    /// From now on other faults.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// From now on the log is full at so many bytes.
    pub fn set_bytes_max(&self, bytes: usize) {
        self.state().bytes_max = bytes;
    }

    /// A copy of the first `count` commits as another log with the same creation time: a restored backup.
    pub fn truncated(&self, count: usize) -> Self {
        let restored = Self::new();
        {
            let state = self.state();
            let mut copy = restored.state();
            copy.created_at = state.created_at;
            for recorded in state.commits.iter().take(count) {
                copy.store(&[Append { commit: recorded.commit.clone(), expected: 0 }]);
            }
            restored.shared.last.send_replace(copy.commits.len() as u64);
        }
        restored
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a test while the lock was held leaves whole commits behind; going on is as good as anything.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hits(&mut self, percent: u8) -> bool {
        percent > 0 && self.random.random_range(0..100) < percent
    }

    /// Stores all commits or none, as a server would.
    fn offer(&mut self, batch: &[Append], duplicates_first: bool) -> Answer {
        let known = batch.iter().find_map(|append| self.ids.get(&message_id(&append.commit)).copied());
        let duplicate =
            known.map(|sequence| if batch.len() == 1 { Answer::Duplicate(sequence) } else { Answer::BatchDuplicate });
        let conflict = resolve::members(batch).iter().any(|member| {
            let subject = subject::entity(&member.tenant, &member.entity);
            self.entities.get(&subject).copied().unwrap_or(0) != member.expected
        });
        match duplicate {
            Some(duplicate) if duplicates_first || !conflict => return duplicate,
            Some(_) | None => {}
        }
        if conflict {
            return Answer::Conflict;
        }
        let bytes: usize = batch.iter().map(|append| codec::encode(&append.commit).len()).sum();
        if self.bytes + bytes > self.bytes_max {
            return Answer::Refused(LogError::Full);
        }
        self.store(batch);
        Answer::Stored(self.commits.len() as u64)
    }

    fn store(&mut self, batch: &[Append]) {
        for Append { commit, .. } in batch {
            let bytes = codec::encode(commit);
            let sequence = self.commits.len() as u64 + 1;
            self.bytes += bytes.len();
            self.entities.insert(subject::entity(&commit.tenant, &commit.entity), sequence);
            self.ids.insert(message_id(commit), sequence);
            self.commits.push(Recorded { sequence, hash: codec::hash(&bytes), commit: commit.clone() });
        }
    }

    /// Lets what was late arrive, in an order of its own.
    fn deliver_late(&mut self) {
        while !self.late.is_empty() && self.random.random_bool(0.5) {
            let at = self.random.random_range(0..self.late.len());
            let batch = self.late.swap_remove(at);
            // Nobody waits for this answer any more.
            drop(self.offer(&batch, false));
        }
    }

    fn attempt(&mut self, batch: &[Append]) -> Answer {
        self.deliver_late();
        let faults = self.faults;
        if self.hits(faults.lost_message) {
            return Answer::Lost;
        }
        if self.hits(faults.late) {
            self.late.push(batch.to_vec());
            return Answer::Lost;
        }
        if self.hits(faults.busy) {
            return Answer::Busy;
        }
        let duplicates_first = self.hits(faults.duplicate_first);
        let answer = self.offer(batch, duplicates_first);
        if self.hits(faults.lost_ack) { Answer::Lost } else { answer }
    }
}

/// An append on its way to a log in memory.
struct Offer<'a> {
    log: &'a MemoryLog,
    batch: &'a [Append],
}

#[async_trait]
impl Attempt for Offer<'_> {
    async fn send(&self, _deadline: Instant) -> Answer {
        let yields = {
            let mut state = self.log.state();
            let max = state.faults.yields_max;
            state.random.random_range(0..=max)
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        let (answer, last) = {
            let mut state = self.log.state();
            let answer = state.attempt(self.batch);
            (answer, state.commits.len() as u64)
        };
        self.log.shared.last.send_if_modified(|known| {
            let grew = last > *known;
            *known = last.max(*known);
            grew
        });
        answer
    }

    fn stored(&self, last: u64) -> Vec<Stored> {
        let first = last + 1 - self.batch.len() as u64;
        let hashes = self.batch.iter().map(|append| codec::hash(&codec::encode(&append.commit)));
        hashes.zip(first..).map(|(hash, sequence)| Stored { sequence, hash }).collect()
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        resolve::check(&batch)?;
        let limit = self.state().commit_bytes_max;
        for append in &batch {
            let size = codec::encode(&append.commit).len();
            if size > limit {
                return Err(LogError::TooLarge { size, limit });
            }
        }
        resolve::drive(self, &batch, &Offer { log: self, batch: &batch }, PATIENCE).await
    }

    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError> {
        let state = self.state();
        let from = usize::try_from(after).unwrap_or(usize::MAX).min(state.commits.len());
        let of_entity = |recorded: &&Recorded| recorded.commit.entity == *entity && recorded.commit.tenant == *tenant;
        Ok(state.commits[from..].iter().filter(of_entity).cloned().collect())
    }

    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        let state = self.state();
        let of_entity = |recorded: &&Recorded| recorded.commit.entity == *entity && recorded.commit.tenant == *tenant;
        let commits = state.commits.iter().filter(of_entity).take_while(|commit| wanted(commit));
        Ok(commits.take(limit).cloned().collect())
    }

    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError> {
        Ok(self.state().entities.get(&subject::entity(tenant, entity)).copied().unwrap_or(0))
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        let at = usize::try_from(sequence).ok().and_then(|sequence| sequence.checked_sub(1));
        Ok(at.and_then(|at| self.state().commits.get(at).cloned()))
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let reader = (self.clone(), self.shared.last.subscribe(), from.max(1));
        let commits = stream::unfold(reader, |(log, mut last, next)| async move {
            // Ends with the last handle, which this reader holds itself: never.
            last.wait_for(|last| *last >= next).await.ok()?;
            let recorded = log.get(next).await.transpose()?;
            Some((recorded, (log, last, next + 1)))
        });
        Ok(commits.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let state = self.state();
        Ok(Identity {
            created_at: state.created_at,
            last_sequence: state.commits.len() as u64,
            bytes: state.bytes as u64,
            max_bytes: state.bytes_max as u64,
        })
    }
}
