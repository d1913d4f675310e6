//! The sender of a node: follows the delivery view and keeps one task a channel at work.
//!
//! Any number of nodes may run one. They do not know of each other: the claim decides who hands a message over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use relevo_command::{IdKey, Ledger, Sends};
use relevo_domain::{ChannelId, Clock, EntityId, TenantId, Timestamp};
use relevo_eventlog::Log;
use relevo_projection::row::ReadError;
use relevo_projection::{View, ViewSnapshot, ViewState};
use relevo_providers::{AccountKey, Accounts, Door, HealthBoard};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::delivery;
use crate::lane::Lane;
use crate::metrics::{Kind, Metrics};
use crate::parked;

/// How long changes of the view are gathered, so that a storm of commits is few looks: less than anybody notices.
const GATHER: Duration = Duration::from_millis(5);
/// The view is looked at this often when nothing says that it has changed: its state may have.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What a sender works with.
pub struct SenderParts {
    pub ledger: Arc<Ledger>,
    /// The view [`delivery`](crate::delivery).
    pub view: Arc<View>,
    pub log: Arc<dyn Log>,
    pub accounts: Accounts,
    pub door: Arc<dyn Door>,
    pub board: HealthBoard,
    /// Each tenant's id key. Of a tenant without one nothing is sent.
    pub keys: Arc<HashMap<TenantId, IdKey>>,
    pub clock: Clock,
}

/// Hands queued messages to their providers.
pub struct Sender {
    shared: Arc<Shared>,
}

/// What all channels of a node share.
pub(crate) struct Shared {
    pub(crate) sends: Sends,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) view: Arc<View>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) accounts: Accounts,
    pub(crate) door: Arc<dyn Door>,
    pub(crate) board: HealthBoard,
    pub(crate) metrics: Metrics,
    /// Channels with conversations in which something waits that the view does not show.
    parked: Mutex<BTreeSet<AccountKey>>,
    keys: Arc<HashMap<TenantId, IdKey>>,
    clock: Clock,
}

/// The task of one channel, as the sender holds it.
struct Running {
    task: Id,
    wake: watch::Sender<u64>,
    /// What the channel looked like when its task was last woken.
    seen: Seen,
}

/// What wakes a channel's task when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    changed: u64,
    switched: u64,
}

impl Sender {
    pub fn new(parts: SenderParts) -> Self {
        Self::with_metrics(parts, Metrics::default())
    }

    /// A sender that counts what it does.
    pub fn with_metrics(parts: SenderParts, metrics: Metrics) -> Self {
        let SenderParts { ledger, view, log, accounts, door, board, keys, clock } = parts;
        let sends = Sends::new(Arc::clone(&ledger), Arc::clone(&keys));
        let parked = Mutex::default();
        Self {
            shared: Arc::new(Shared { sends, ledger, view, log, accounts, door, board, metrics, parked, keys, clock }),
        }
    }

    /// Sends until it is told to end. Then it waits for the calls that have begun, no longer than they can take, and for their
    /// outcomes to be stored. Who drops the future instead leaves claims behind, whose outcomes will be called unknown.
    pub async fn run(self, token: CancellationToken) {
        let mut lanes: HashMap<AccountKey, Running> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut changes = self.shared.view.changes();
        let mut accounts = self.shared.accounts.watch();
        let (shared, ending) = (Arc::clone(&self.shared), token.clone());
        tasks.spawn(async move { parked::watch(&shared, &ending).await });
        while !token.is_cancelled() {
            if let Err(error) = self.wake(&mut lanes, &mut tasks, &token) {
                tracing::error!(%error, "delivery view cannot be read");
            }
            tokio::select! {
                () = token.cancelled() => {}
                // A change, a lag and an end are all the same here: the view is looked at again.
                _ = timeout(IDLE_MAX, changes.recv()) => {
                    sleep(GATHER).await;
                    changes = changes.resubscribe();
                }
                Ok(()) = accounts.changed() => {}
                Some(ended) = tasks.join_next_with_id() => {
                    let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                    lanes.retain(|_, running| running.task != task);
                }
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Wakes the channels that have changed; gives a task to those that have none.
    fn wake(
        &self,
        lanes: &mut HashMap<AccountKey, Running>,
        tasks: &mut JoinSet<()>,
        token: &CancellationToken,
    ) -> Result<(), ReadError> {
        let Some(snapshot) = self.shared.current() else { return Ok(()) };
        let mut figures: BTreeMap<Kind, (u64, u64)> = Kind::ALL.into_iter().map(|kind| (kind, (0, 0))).collect();
        for lane in delivery::lanes(&*snapshot)? {
            let account = self.shared.accounts.find(&lane.tenant, &lane.channel);
            let figure = figures.entry(Kind::of(account.as_deref().map(|account| &account.kind))).or_default();
            *figure = (figure.0 + lane.waiting, figure.1 + lane.unknown);
            let Some(entity) = self.shared.channel_entity(&lane.tenant, &lane.channel) else { continue };
            let switched = delivery::channel_state(&*snapshot, &lane.tenant, entity)?.switched;
            let seen = Seen { changed: lane.changed, switched };
            let key = (lane.tenant, lane.channel);
            match lanes.get_mut(&key) {
                Some(running) if running.seen != seen => {
                    running.seen = seen;
                    running.wake.send_modify(|count| *count += 1);
                }
                None if lane.waiting > 0 => {
                    let (wake, woken) = watch::channel(0);
                    let lane = Lane::new(Arc::clone(&self.shared), key.clone(), woken, token.clone());
                    let task = tasks.spawn(lane.run()).id();
                    lanes.insert(key, Running { task, wake, seen });
                }
                Some(_) | None => {}
            }
        }
        for (kind, (waiting, unknown)) in figures {
            self.shared.metrics.show_waiting(kind, waiting, unknown);
        }
        Ok(())
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// The view as it is now, if it shows what the log says: one that is still being built shows messages that were sent long ago.
    pub(crate) fn current(&self) -> Option<ViewSnapshot> {
        if self.view.state() != ViewState::Live {
            return None;
        }
        self.view.snapshot().ok().filter(|snapshot| snapshot.version() == delivery::VERSION)
    }

    pub(crate) fn note_parked(&self, channels: BTreeSet<AccountKey>) {
        *self.parked.lock().unwrap_or_else(PoisonError::into_inner) = channels;
    }

    /// Whether something of this channel waits that the view does not show: then it does not do well, whatever else it sends.
    pub(crate) fn has_parked(&self, account: &AccountKey) -> bool {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).contains(account)
    }

    pub(crate) fn channel_entity(&self, tenant: &TenantId, channel: &ChannelId) -> Option<EntityId> {
        self.keys.get(tenant).map(|key| key.channel(channel))
    }

    /// Whether somebody stopped the channel.
    pub(crate) fn paused(
        &self,
        snapshot: &ViewSnapshot,
        tenant: &TenantId,
        channel: &ChannelId,
    ) -> Result<bool, ReadError> {
        match self.channel_entity(tenant, channel) {
            Some(entity) => Ok(delivery::channel_state(snapshot, tenant, entity)?.paused),
            None => Ok(true),
        }
    }

    /// Position of the last pause or resumption of a channel, as far as this node knows.
    pub(crate) fn switched(&self, tenant: &TenantId, channel: &ChannelId) -> u64 {
        let look = || {
            let snapshot = self.view.snapshot().ok()?;
            let entity = self.channel_entity(tenant, channel)?;
            delivery::channel_state(&*snapshot, tenant, entity).ok()
        };
        look().map_or(0, |state| state.switched)
    }
}
