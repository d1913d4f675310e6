//! What readers hold: a view's snapshot, its position, and what state it is in. Readers never write and never see the log.

use std::any::Any;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use relevo_domain::{EntityId, Position, TenantId};
use relevo_readstore::{Digest, Family, ReadStore, Snapshot, StoreError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};

use crate::checkpoint::Divergence;
use crate::companion::Frozen;
use crate::entity::{self, Degraded};
use crate::error::{StaleRead, ViewError};
use crate::wishes::Wishes;

/// Positions that a slow subscriber of [`View::changes`] may be behind; then it has lagged and takes a new snapshot.
const CHANGES_MAX: usize = 256;

/// One view, shared by everybody who reads it. Which folder is behind it changes when it is rebuilt.
#[derive(Debug)]
pub struct View {
    name: &'static str,
    serving: RwLock<Option<Serving>>,
    /// How many stores were served before the next one.
    epochs: AtomicU64,
    position: watch::Sender<Position>,
    state: watch::Sender<ViewState>,
    changes: broadcast::Sender<Position>,
    wishes: Wishes,
}

/// What readers get.
#[derive(Debug)]
struct Serving {
    store: ReadStore,
    /// As of the last batch. Made by the writer, so that rows and companion are always of one position.
    snapshot: ViewSnapshot,
}

/// A view between two batches.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) rows: Snapshot,
    pub(crate) companion: Option<Frozen>,
    pub(crate) position: Position,
    /// Some entity is parked. None is, as a rule, and then nobody need look which.
    pub(crate) some_parked: bool,
}

/// What a view is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewState {
    /// The folder is not open, or the log has not confirmed the checkpoint yet.
    Starting,
    /// Commits that were on the log before are applied. While a newer version is built beside an older one, `position` is how
    /// far the new one has come; readers have the older one meanwhile.
    CatchingUp { position: Position, target: Position },
    /// Every commit is applied as it comes.
    Live,
    /// The checkpoint belongs to another history than the log (`LOG_DIVERGED`). Stays so until it is rebuilt.
    Diverged(Divergence),
    /// The store or the projector failed, or Relevo is stopping. What was applied can be read; rebuild to go on.
    Stopped { error: String },
}

/// A view at one position: its rows and its companion. Dereferences to the rows.
#[derive(Clone, Debug)]
pub struct ViewSnapshot {
    moment: Moment,
    version: u32,
    epoch: u64,
}

/// A view's content at a position, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewDigest {
    pub digest: Digest,
    pub position: Position,
    pub version: u32,
}

// === impl View: for readers ===

impl View {
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Version of the rows that readers get; `None` while there are none. Lower than the projector's own version while that
    /// is being built.
    pub fn version(&self) -> Option<u32> {
        self.serving(|serving| serving.snapshot.version)
    }

    /// The view as of its last batch, with its position. Costs two reference counts; do not hold it for long.
    pub fn snapshot(&self) -> Result<ViewSnapshot, ViewError> {
        let view = self.name;
        let (state, snapshot) = (self.state(), self.serving(|serving| serving.snapshot.clone()));
        match (state, snapshot) {
            (ViewState::Diverged(divergence), _) => Err(ViewError::Diverged { view, divergence }),
            (_, Some(snapshot)) => Ok(snapshot),
            (ViewState::Stopped { error }, None) => Err(ViewError::Stopped { view, error }),
            (ViewState::Starting | ViewState::CatchingUp { .. } | ViewState::Live, None) => {
                Err(ViewError::Starting { view })
            }
        }
    }

    /// How far the rows that readers get have come.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Waits until readers see everything up to `wanted`; a view that lets commits gather ([`crate::Projector::linger`]) applies
    /// them at once then. Gives up at the deadline, and at once if the view has stopped.
    pub async fn reached(&self, wanted: Position, deadline: Instant) -> Result<(), StaleRead> {
        let _wish = (self.position() < wanted).then(|| self.wishes.wait_for(wanted.sequence()));
        let mut positions = self.position.subscribe();
        let mut states = self.state.subscribe();
        let there = positions.wait_for(|position| *position >= wanted);
        let halted = states.wait_for(|state| matches!(state, ViewState::Diverged(_) | ViewState::Stopped { .. }));
        let arrived = timeout_at(deadline, async {
            tokio::select! {
                // A position that is already there counts, whatever the state.
                biased;
                found = there => found.is_ok(),
                _ = halted => false,
            }
        });
        if arrived.await == Ok(true) { Ok(()) } else { Err(StaleRead { applied: self.position(), wanted }) }
    }

    pub fn state(&self) -> ViewState {
        self.state.borrow().clone()
    }

    /// Follows the state, for readiness and progress.
    pub fn states(&self) -> watch::Receiver<ViewState> {
        self.state.subscribe()
    }

    /// Positions as they become visible, from now on. A receiver that lags takes a snapshot and goes on from its position.
    pub fn changes(&self) -> broadcast::Receiver<Position> {
        self.changes.subscribe()
    }

    /// What the view left out: parked entities and commits that could not be decoded.
    pub fn degraded(&self) -> Result<Degraded, ViewError> {
        let snapshot = self.snapshot()?;
        entity::degraded(snapshot.rows()).map_err(|source| ViewError::Store { view: self.name, source })
    }

    /// SHA-256 over every key and value in key order, with the position of the same snapshot. Reads the whole view.
    pub async fn digest(&self) -> Result<ViewDigest, ViewError> {
        let (view, snapshot) = (self.name, self.snapshot()?);
        let reading = tokio::task::spawn_blocking(move || snapshot.digest());
        match reading.await {
            Ok(digest) => digest.map_err(|source| ViewError::Store { view, source }),
            Err(_stopped) => Err(ViewError::Stopped { view, error: "Relevo is stopping".to_owned() }),
        }
    }

    /// Bytes on disk, roughly.
    pub fn approximate_bytes(&self) -> u64 {
        let store = self.serving(|serving| serving.store.clone());
        store.and_then(|store| store.approximate_bytes().ok()).unwrap_or(0)
    }
}

// === impl View: for the runtime ===

impl View {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            serving: RwLock::new(None),
            epochs: AtomicU64::new(0),
            position: watch::Sender::new(Position::START),
            state: watch::Sender::new(ViewState::Starting),
            changes: broadcast::Sender::new(CHANGES_MAX),
            wishes: Wishes::default(),
        }
    }

    /// Readers get this store from here on, as it is at this moment. Answers with the one that they had.
    pub(crate) fn serve(&self, store: ReadStore, version: u32, moment: Moment) -> Option<ReadStore> {
        let position = moment.position;
        let epoch = self.epochs.fetch_add(1, Ordering::Relaxed);
        let serving = Serving { store, snapshot: ViewSnapshot { moment, version, epoch } };
        let old = self.serving.write().unwrap_or_else(PoisonError::into_inner).replace(serving);
        // After the rows: whoever waited for the position finds it there.
        self.announce(position);
        old.map(|old| old.store)
    }

    /// Readers see everything up to this moment of the store that they have.
    pub(crate) fn publish(&self, moment: Moment) {
        let position = moment.position;
        let old = {
            let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
            serving.as_mut().map(|serving| std::mem::replace(&mut serving.snapshot.moment, moment))
        };
        // Outside of the lock: letting go of a snapshot may take a moment.
        drop(old);
        self.announce(position);
    }

    fn announce(&self, position: Position) {
        if self.position.send_replace(position) != position {
            // Nobody may be listening.
            self.changes.send(position).ok();
        }
    }

    pub(crate) const fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    pub(crate) fn set_state(&self, state: ViewState) {
        let halted = matches!(state, ViewState::Diverged(_));
        self.state.send_if_modified(|current| {
            let changed = *current != state;
            *current = state;
            changed
        });
        if halted {
            // Positions of another history mean nothing here.
            self.position.send_replace(Position::START);
        }
    }

    /// Gives the store back, so that its folder can be opened again.
    pub(crate) fn close(&self) {
        self.set_state(ViewState::Stopped { error: "Relevo is stopping".to_owned() });
        drop(self.serving.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn serving<T>(&self, take: impl FnOnce(&Serving) -> T) -> Option<T> {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(take)
    }
}

// === impl ViewSnapshot ===

impl ViewSnapshot {
    /// Everything up to here is in the rows, and nothing after it.
    pub const fn position(&self) -> Position {
        self.moment.position
    }

    /// Version of the projector that wrote the rows. A reader whose layout changed since refuses an older one.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Which store of this process the rows are of. Another epoch may have other rows at the same position and version: the view
    /// was built anew. Whoever remembers what rows said compares it.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn rows(&self) -> &Snapshot {
        &self.moment.rows
    }

    /// The same for who must not wait for the disk; see [`Snapshot::in_memory`].
    #[must_use]
    pub fn in_memory(&self) -> Self {
        let moment = Moment { rows: self.moment.rows.in_memory(), ..self.moment.clone() };
        Self { moment, ..*self }
    }

    /// What the view keeps in memory, of the same position as the rows. `None` if the view keeps nothing of this type, and while
    /// an older version of it is served: no reader can do its work then, and the view is as good as starting.
    pub fn companion<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.moment.companion.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref)
    }

    /// Whether the view stopped following this entity: its rows are older than the log.
    pub fn parked(&self, tenant: &TenantId, entity: &EntityId) -> Result<bool, StoreError> {
        let looked = || self.rows().get_in(Family::Meta, &entity::parked_key(tenant, entity));
        Ok(self.moment.some_parked && looked()?.is_some())
    }

    pub fn digest(&self) -> Result<ViewDigest, StoreError> {
        let digest = self.rows().digest(Family::Rows)?;
        Ok(ViewDigest { digest, position: self.position(), version: self.version })
    }
}

impl Deref for ViewSnapshot {
    type Target = Snapshot;
    fn deref(&self) -> &Snapshot {
        &self.moment.rows
    }
}
