//! Reads the log for all views of a process: what is near each other shares one reading, so that a commit is fetched and decoded once.
//!
//! A view that is far from the others (it is rebuilt, or was away) has a reading of its own, and moves to the others' as soon as
//! it has come near. A view that is slow holds nobody up: while the log's past is read the others wait for it for a moment, as they
//! share its processors anyway; when the past is behind them they do not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::Recorded;
use relevo_eventlog::{Log, LogError};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::applier::Item;
use crate::chains::Chains;
use crate::feed::Backoff;
use crate::ring::{Put, Ring, Taken};

/// Commits that are put into a ring together if they are there: a lock and a wake a hundred commits, and at most half a
/// millisecond of decoding before the first of them is seen.
const CHUNK_COMMITS_MAX: usize = 64;
/// How long a member that takes nothing holds the others up while the past is read. Longer than a store's write may stall.
const HOLD_UP_MAX: Duration = Duration::from_secs(1);
/// How long the first reading of a process waits for the other views to open their folders, so that they read together.
const GATHERING_MAX: Duration = Duration::from_millis(250);

/// All readings of one log.
pub(crate) struct Hub {
    log: Arc<dyn Log>,
    token: CancellationToken,
    /// Those that can be shared.
    readings: Mutex<Vec<Arc<Reading>>>,
    members: AtomicU64,
    /// Views whose folders are not open yet.
    opening: watch::Sender<usize>,
}

/// One pass through the log, and who shares it.
pub(crate) struct Reading {
    ring: Mutex<Ring>,
    /// What is read next; moves whenever something was put into the ring.
    arrived: watch::Sender<u64>,
    /// A member has taken something.
    taken: Notify,
    /// Up to here it is the past.
    target: u64,
    ended: CancellationToken,
}

/// A place in a reading. Dropping it gives it up.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    reading: Arc<Reading>,
    arrived: watch::Receiver<u64>,
    member: u64,
    next: u64,
    sharing: Sharing,
}

/// Whether a view takes what others have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    Shared,
    /// For who builds a view anew or proves one: from what the log says now, not from what it said to others.
    Alone,
}

/// A view that has not opened its folder; dropping it says that nobody need wait for it.
pub(crate) struct Opening(Arc<Hub>);

impl Hub {
    pub(crate) fn new(log: Arc<dyn Log>, token: CancellationToken) -> Arc<Self> {
        let (readings, members, opening) = Default::default();
        Arc::new(Self { log, token, readings, members, opening: watch::Sender::new(opening) })
    }

    pub(crate) fn opening(self: &Arc<Self>) -> Opening {
        self.opening.send_modify(|opening| *opening += 1);
        Opening(Arc::clone(self))
    }

    /// A place from which everything from `next` on is seen. What stands before `target` is the past.
    pub(crate) fn join(self: &Arc<Self>, next: u64, target: u64, sharing: Sharing) -> Seat {
        let member = self.members.fetch_add(1, Ordering::Relaxed);
        let mut readings = self.lock();
        let found = match sharing {
            Sharing::Shared => Self::best(&readings, next),
            Sharing::Alone => None,
        };
        let reading = found.unwrap_or_else(|| {
            let reading = Arc::new(Reading {
                ring: Mutex::new(Ring::new(next)),
                arrived: watch::Sender::new(next),
                taken: Notify::new(),
                target,
                ended: self.token.child_token(),
            });
            // Before it begins: what it reads is kept for its members alone.
            reading.lock().join(member, next);
            if sharing == Sharing::Shared {
                readings.push(Arc::clone(&reading));
            }
            tokio::spawn(read(Arc::clone(self), Arc::clone(&reading)));
            reading
        });
        reading.lock().join(member, next);
        let arrived = reading.arrived.subscribe();
        Seat { hub: Arc::clone(self), reading, arrived, member, next, sharing }
    }

    /// A view has found that the log is another one: what was read of it until now is nobody's any more who begins now.
    pub(crate) fn distrust(&self) {
        // Who shares them keeps them, until it finds out by itself.
        self.lock().clear();
    }

    /// The furthest reading that has what stands at `next`.
    fn best(readings: &[Arc<Reading>], next: u64) -> Option<Arc<Reading>> {
        let mut best: Option<(u64, &Arc<Reading>)> = None;
        for reading in readings {
            let mut ring = reading.lock();
            if (ring.near(next) || ring.begin_at(next)) && best.is_none_or(|(furthest, _)| ring.next() > furthest) {
                best = Some((ring.next(), reading));
            }
        }
        best.map(|(_, reading)| Arc::clone(reading))
    }

    fn leave(&self, reading: &Arc<Reading>, member: u64) {
        // Under the lock of all, so that nobody joins what ends.
        let mut readings = self.lock();
        if reading.lock().leave(member) {
            reading.ended.cancel();
            readings.retain(|other| !Arc::ptr_eq(other, reading));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many passes through the log there are.
    #[cfg(test)]
    pub(crate) fn readings(&self) -> usize {
        self.lock().len()
    }
}

impl Seat {
    /// What is there, at most so many; `None` if there is nothing yet.
    pub(crate) fn take(&mut self, max: usize) -> Option<Vec<Item>> {
        self.arrived.borrow_and_update();
        self.move_on();
        let mut taken = self.reading.lock().take(self.member, max);
        if matches!(taken, Taken::Behind) {
            self.change(self.next);
            taken = self.reading.lock().take(self.member, max);
        }
        let Taken::Items(items) = taken else { return None };
        self.reading.taken.notify_one();
        self.next = items.last().map_or(self.next, |last| last.sequence() + 1);
        Some(items)
    }

    /// Waits until something has arrived since the last look.
    pub(crate) async fn arrival(&mut self) {
        if self.arrived.changed().await.is_err() {
            // Cannot be: the reading is ours as well. Nothing will come.
            std::future::pending::<()>().await;
        }
    }

    /// How many commits are there. What arrives from here on ends the next [`Seat::arrival`].
    pub(crate) fn waiting(&mut self) -> usize {
        self.arrived.borrow_and_update();
        self.reading.lock().waiting(self.member)
    }

    /// The first commit that was not taken yet.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// What is read next: everything before it has arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.reading.lock().next()
    }

    /// Changes to a reading that is further, if what is wanted next is there.
    fn move_on(&mut self) {
        let better = {
            let readings = self.hub.lock();
            let mine = readings.iter().any(|reading| Arc::ptr_eq(reading, &self.reading));
            if readings.len() < 2 || !mine {
                return;
            }
            Hub::best(&readings, self.next)
        };
        if better.is_some_and(|better| !Arc::ptr_eq(&better, &self.reading)) {
            self.change(0);
        }
    }

    fn change(&mut self, target: u64) {
        let hub = Arc::clone(&self.hub);
        *self = hub.join(self.next, target, self.sharing);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(&self.reading, self.member);
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.opening.send_modify(|opening| *opening -= 1);
    }
}

impl Reading {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what was read into the ring, once there is room.
    async fn put(&self, mut items: VecDeque<Item>) {
        loop {
            let (put, next) = {
                let mut ring = self.lock();
                (ring.put(&mut items), ring.next())
            };
            self.arrived.send_replace(next);
            match put {
                Put::Done => return,
                Put::Full if next > self.target && self.lock().let_go() => {}
                Put::Full => {
                    if timeout(HOLD_UP_MAX, self.taken.notified()).await.is_err() {
                        self.lock().let_go();
                    }
                }
            }
        }
    }
}

/// Ends with the last member: for as long as the process runs, a log that is away may come back.
async fn read(hub: Arc<Hub>, reading: Arc<Reading>) {
    let mut opening = hub.opening.subscribe();
    tokio::select! {
        () = reading.ended.cancelled() => {}
        () = async {
            // Nobody may be left to open; then there is nobody to wait for either.
            timeout(GATHERING_MAX, opening.wait_for(|opening| *opening == 0)).await.ok();
            follow(hub.log.as_ref(), &reading).await;
        } => {}
    }
}

async fn follow(log: &dyn Log, reading: &Reading) {
    let mut backoff = Backoff::new();
    // Also when it is begun again: it goes on where it was.
    let mut chains = Chains::from(reading.lock().begin());
    loop {
        let next = reading.lock().begin();
        let error = match log.read(next).await {
            Err(error) => error,
            Ok(commits) => {
                let mut chunks = commits.ready_chunks(CHUNK_COMMITS_MAX);
                loop {
                    let Some(chunk) = chunks.next().await else {
                        break LogError::Unavailable("the log ended the reading".to_owned());
                    };
                    let (items, failed) = items(chunk, &mut chains);
                    if reading.lock().next() > reading.target {
                        chains.is_there();
                    }
                    if !items.is_empty() {
                        backoff.reset();
                        reading.put(items).await;
                    }
                    if let Some(error) = failed {
                        break error;
                    }
                    tokio::task::consume_budget().await;
                }
            }
        };
        tracing::warn!(next = reading.lock().next(), %error, "log cannot be read, trying again");
        backoff.wait().await;
    }
}

/// What was read up to a failure, and the failure.
fn items(chunk: Vec<Result<Recorded, LogError>>, chains: &mut Chains) -> (VecDeque<Item>, Option<LogError>) {
    let mut items = VecDeque::with_capacity(chunk.len());
    for read in chunk {
        items.push_back(match read {
            Ok(commit) => {
                let link = chains.link(&commit);
                Item::Commit(Arc::new(commit), link)
            }
            Err(LogError::Undecodable { sequence, reason }) => Item::Undecodable { sequence, reason: reason.into() },
            Err(error) => return (items, Some(error)),
        });
    }
    (items, None)
}

#[cfg(test)]
mod tests {
    use relevo_eventlog::MemoryLog;

    use super::*;

    fn hub() -> Arc<Hub> {
        Hub::new(Arc::new(MemoryLog::new()), CancellationToken::new())
    }

    #[tokio::test]
    async fn who_is_near_shares_and_the_last_one_ends_it() {
        let hub = hub();
        let (one, two) = (hub.join(1, 0, Sharing::Shared), hub.join(1, 0, Sharing::Shared));
        let far = hub.join(100_000, 0, Sharing::Shared);
        let alone = hub.join(1, 0, Sharing::Alone);
        assert_eq!(hub.readings(), 2);
        let ended = far.reading.ended.clone();
        drop(far);
        assert!(ended.is_cancelled());
        let ended = one.reading.ended.clone();
        drop((one, alone));
        assert_eq!((hub.readings(), ended.is_cancelled()), (1, false));
        drop(two);
        assert_eq!((hub.readings(), ended.is_cancelled()), (0, true));
    }

    #[tokio::test]
    async fn what_was_read_of_another_log_is_shared_with_nobody_new() {
        let hub = hub();
        let mut unknowing = hub.join(1, 0, Sharing::Shared);
        hub.distrust();
        let fresh = hub.join(1, 0, Sharing::Shared);
        assert!(!Arc::ptr_eq(&unknowing.reading, &fresh.reading));
        assert!(unknowing.take(1).is_none());
        assert!(!Arc::ptr_eq(&unknowing.reading, &fresh.reading), "it keeps what it has until it finds out");
    }
}
