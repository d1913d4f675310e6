//! Works bulks off: any node may, one at a time does. Each conversation's command is derived from the bulk, so that what a node did
//! before it died is found done by the one that goes on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::bulk::{self, BULK_CHUNK_MAX, Command, Decision, OneResult};
use relevo_domain::{Actor, Clock, EntityId, Event, TenantId};
use relevo_eventlog::Blobs;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::one::Ones;
use super::{bulk_of, hex, job_of, read_list};
use crate::execute::ExecuteError;
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};
use crate::send::Keys;

/// How often it is looked for bulks that nobody works on.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bulks that one node works on at the same time: one person's million does not hold up another's ten.
const BULKS_AT_ONCE_MAX: usize = 4;
/// Unfinished bulks that one look reads; those beyond come when others are finished.
const UNFINISHED_READ_MAX: usize = 256;
/// Conversations that are worked on at the same time, of all bulks together: they share the log's batches, and a single command of a
/// person waits behind so many at most.
const AT_ONCE_MAX: usize = 32;
/// For how long a node has a bulk without saying so again; it does with every progress.
const LEASE: Duration = Duration::from_secs(10);
/// How often results are recorded at least: what a progress line can show.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// How long a bulk is let alone that could not go on, at first and at most: the log was away, or its list. Others go on meanwhile.
const HELD: Duration = Duration::from_secs(1);
const HELD_MAX: Duration = Duration::from_mins(1);
/// Tries of one record of the worker's own.
const ATTEMPTS_MAX: usize = 8;

/// What a worker works with.
pub struct BulkWorkerParts {
    pub ledger: Arc<Ledger>,
    pub keys: Keys,
    pub blobs: Blobs,
    pub clock: Clock,
}

/// Works bulks off.
pub struct BulkWorker {
    shared: Arc<Shared>,
    tasks: JoinSet<bool>,
    flying: HashMap<Id, (TenantId, EntityId)>,
    /// Those that could not go on: when they are tried again, and how often they were.
    held: HashMap<(TenantId, EntityId), (Instant, u32)>,
}

struct Shared {
    parts: BulkWorkerParts,
    /// Of this process alone.
    worker: String,
    room: Semaphore,
    token: CancellationToken,
}

/// How a node's turn at a bulk ended early.
enum Stopped {
    /// Another node has it, it is finished, or this one is to end.
    Quietly,
    Failed(ExecuteError),
}

impl<E: Into<ExecuteError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl BulkWorker {
    pub fn new(parts: BulkWorkerParts, token: CancellationToken) -> Self {
        let worker = uuid::Uuid::now_v7().simple().to_string();
        let shared = Shared { parts, worker, room: Semaphore::new(AT_ONCE_MAX), token };
        Self { shared: Arc::new(shared), tasks: JoinSet::new(), flying: HashMap::new(), held: HashMap::new() }
    }

    /// Works until it is told to end. Who drops the future instead loses nothing.
    pub async fn run(mut self) {
        let token = self.shared.token.clone();
        while !token.is_cancelled() {
            self.begin();
            tokio::select! {
                () = token.cancelled() => {}
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = sleep(LOOK_EVERY) => {}
            }
        }
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn begin(&mut self) {
        if self.flying.len() >= BULKS_AT_ONCE_MAX {
            return;
        }
        let unfinished = match self.shared.parts.ledger.read(|reader| reader.unfinished_bulks(UNFINISHED_READ_MAX)) {
            Ok(unfinished) => unfinished,
            // A store that is starting or behind: the next look asks again.
            Err(error) => return tracing::debug!(%error, "bulks cannot be looked for"),
        };
        let busy: HashSet<_> = self.flying.values().cloned().collect();
        for (tenant, bulk) in unfinished.into_iter().filter(|of| !busy.contains(of)) {
            if self.flying.len() >= BULKS_AT_ONCE_MAX {
                return;
            }
            let rests = self.held.get(&(tenant.clone(), bulk)).is_some_and(|(until, _)| Instant::now() < *until);
            if rests || !self.shared.is_free(&tenant, &bulk) {
                continue;
            }
            let (shared, of) = (Arc::clone(&self.shared), tenant.clone());
            let task = self.tasks.spawn(async move { shared.turn(&of, bulk).await });
            self.flying.insert(task.id(), (tenant, bulk));
        }
    }

    fn ended(&mut self, ended: Result<(Id, bool), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(of) = self.flying.remove(&task) else { return };
        if matches!(ended, Ok((_, true))) {
            self.held.remove(&of);
        } else {
            let times = self.held.get(&of).map_or(0, |(_, times)| *times);
            let pause = HELD.saturating_mul(1 << times.min(6)).min(HELD_MAX);
            self.held.insert(of, (Instant::now() + pause, times.saturating_add(1)));
        }
        if let Err(error) = ended {
            tracing::error!(panicked = error.is_panic(), "a bulk's turn ended unexpectedly");
        }
    }
}

impl Shared {
    /// Whether this node may try: nobody has it, as far as is known here.
    fn is_free(&self, tenant: &TenantId, bulk: &EntityId) -> bool {
        let now = (self.parts.clock)();
        let Ok(Some(job)) = self.parts.ledger.load(tenant, bulk).map(|base| job_of(&base)) else { return false };
        !job.finished && job.lease.is_none_or(|lease| lease.worker == self.worker || lease.until <= now)
    }

    /// One turn: as long as this node can go on. False if it should rest before it is tried again.
    async fn turn(&self, tenant: &TenantId, bulk: EntityId) -> bool {
        match self.work(tenant, bulk).await {
            Ok(()) => tracing::info!(%tenant, %bulk, "a bulk is finished"),
            Err(Stopped::Quietly) => {}
            Err(Stopped::Failed(error)) => {
                tracing::warn!(%tenant, %bulk, %error, "a bulk cannot go on, and is tried again");
                return false;
            }
        }
        true
    }

    async fn work(&self, tenant: &TenantId, bulk: EntityId) -> Result<(), Stopped> {
        let key = self.key(tenant)?;
        // Who cannot read the list does not take the bulk: another node may.
        let list = job_of(&self.parts.ledger.load(tenant, &bulk)?).ok_or(Stopped::Quietly)?.list;
        let list = self.parts.blobs.get(tenant, &hex(list)).await.map_err(LedgerError::Log)?;
        let take = |now| Command::Take { worker: self.worker.clone(), now, until: now + LEASE };
        self.record(tenant, bulk, key, "take", &take).await?;
        let job = job_of(&self.parts.ledger.load(tenant, &bulk)?).ok_or(Stopped::Quietly)?;
        let list = list.and_then(|bytes| read_list(&bytes, job.total));
        let list = list.ok_or_else(|| LedgerError::Store("the list of a bulk is not there".to_owned()))?;
        let (mut from, caller) = (job.done, job.by.caller(tenant));
        let rest: Vec<EntityId> = list.into_iter().skip(from as usize).collect();
        let ledger = Arc::clone(&self.parts.ledger);
        let ones = Ones { ledger, key: key.clone(), clock: self.parts.clock, bulk, job, caller };
        let total = ones.job.total;
        let mut stream = futures::stream::iter(rest).map(|id| self.one(&ones, id)).buffered(AT_ONCE_MAX);
        while from < total {
            let (results, failed) = chunk(&mut stream, &self.token).await;
            let many = results.len() as u32;
            if many > 0 {
                let progress = |now| Command::Progress {
                    worker: self.worker.clone(),
                    from,
                    results: results.clone(),
                    until: now + LEASE,
                };
                self.record(tenant, bulk, key, &format!("progress-{from}"), &progress).await?;
                from += many;
            }
            if let Some(error) = failed {
                return Err(Stopped::Failed(error));
            }
            if self.token.is_cancelled() {
                return Err(Stopped::Quietly);
            }
        }
        Ok(())
    }

    async fn one(&self, ones: &Ones, conversation: EntityId) -> Result<OneResult, ExecuteError> {
        let _room = self.room.acquire().await.map_err(|_closed| ExecuteError::Unknown)?;
        ones.one(conversation).await
    }

    /// Puts the worker's own command on the log. Who finds the bulk finished or in other hands stops.
    async fn record(
        &self,
        tenant: &TenantId,
        bulk: EntityId,
        key: &IdKey,
        what: &str,
        command: &(dyn Fn(relevo_domain::Timestamp) -> Command + Sync),
    ) -> Result<(), Stopped> {
        for _attempt in 0..ATTEMPTS_MAX {
            let now = (self.parts.clock)();
            let base = self.parts.ledger.load(tenant, &bulk)?;
            // The worker's name and the version make it this turn's alone.
            let turn = format!("{}-{what}-{}", self.worker, base.version);
            let id = key.command_of_bulk_worker(&bulk, &turn);
            let events = match bulk::decide(&bulk_of(&base), &command(now)) {
                Ok(Decision::Append(events)) => events,
                Ok(Decision::AlreadySo) | Err(_) => {
                    if self.parts.ledger.confirm(tenant, &bulk, &base).await? {
                        return Err(Stopped::Quietly);
                    }
                    continue;
                }
            };
            let events = events.into_iter().map(Event::Bulk).collect();
            let origin = Origin {
                tenant: tenant.clone(),
                command_id: id,
                actor: Actor::System,
                occurred_at: now,
                recorded_at: now,
                correlation: Some(bulk.to_string()),
                intake: None,
            };
            match self.parts.ledger.append(&origin, vec![Draft { entity: bulk, base, events }]).await? {
                Committed::Applied { fresh: true, .. } => return Ok(()),
                // An earlier try of this turn; what it left is read from the leader.
                Committed::Applied { fresh: false, .. } => {
                    let known = self.parts.ledger.load(tenant, &bulk)?;
                    self.parts.ledger.confirm(tenant, &bulk, &known).await?;
                    return Ok(());
                }
                Committed::Conflict => {}
                Committed::Unknown => return Err(Stopped::Failed(ExecuteError::Unknown)),
            }
        }
        Err(Stopped::Failed(ExecuteError::Contention))
    }

    fn key(&self, tenant: &TenantId) -> Result<&IdKey, LedgerError> {
        self.parts.keys.get(tenant).ok_or_else(|| LedgerError::Store(format!("no id key for tenant {tenant}")))
    }
}

/// The next results, in the order of the list: as many as fit into a commit, or as came in time. With what ended it early.
async fn chunk<S>(stream: &mut S, token: &CancellationToken) -> (Vec<OneResult>, Option<ExecuteError>)
where
    S: futures::Stream<Item = Result<OneResult, ExecuteError>> + Unpin,
{
    let (mut results, deadline) = (Vec::new(), Instant::now() + PROGRESS_EVERY);
    while results.len() < BULK_CHUNK_MAX && !token.is_cancelled() {
        match timeout_at(deadline, stream.next()).await {
            Ok(Some(Ok(result))) => results.push(result),
            Ok(Some(Err(error))) => return (results, Some(error)),
            Ok(None) | Err(_) => break,
        }
    }
    (results, None)
}
