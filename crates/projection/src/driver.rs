//! One view's life: open the folder, confirm the checkpoint, follow the log, and take over what a rebuild has built.
//!
//! Everything that changes what readers get happens in this one task, so nothing here needs a lock or an order of locks.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::Position;
use relevo_eventlog::{Identity, Log};
use relevo_readstore::{OpenError, ReadStore};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use crate::applier::Applier;
use crate::build::apply_off_thread;
use crate::checkpoint::{CheckError, Checkpoint, Divergence, check};
use crate::feed::{Backoff, Feed};
use crate::folder::{FolderError, Layout, Plan, Slot, remove};
use crate::hub::{Hub, Opening, Sharing};
use crate::projector::Projector;
use crate::view::{Moment, View, ViewState};

/// How often a view that follows the log asks whether it is still the same log. One small request; a log that was replaced
/// under a running program is noticed within this time.
const RECHECK_EVERY: Duration = Duration::from_secs(30);
/// The same when the log could not be asked: it has only just come back.
const RECHECK_AGAIN: Duration = Duration::from_secs(1);
/// First and longest wait before a folder that does not work is replaced: each attempt reads the log from its beginning.
const MEND_FIRST: Duration = Duration::from_secs(1);
const MEND_LONGEST: Duration = Duration::from_mins(1);

pub(crate) struct Driver {
    pub(crate) view: Arc<View>,
    pub(crate) projector: Arc<dyn Projector>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) hub: Arc<Hub>,
    /// Until its folder is open; the first reading of the log waits for it for a moment.
    pub(crate) opening: Option<Opening>,
    pub(crate) layout: Layout,
    pub(crate) store: relevo_readstore::Options,
    pub(crate) adoptions: mpsc::Receiver<Adoption>,
    pub(crate) token: CancellationToken,
}

/// A rebuilt folder that has caught up, to be served from now on.
pub(crate) struct Adoption {
    pub(crate) applier: Applier,
    pub(crate) slot: Slot,
    pub(crate) done: oneshot::Sender<Position>,
}

/// A folder that is being written.
struct Following {
    applier: Applier,
    slot: Slot,
    /// Log's end when it began: the view is live from there on.
    target: Position,
    /// Present until readers get this folder.
    switch: Option<Switch>,
}

/// When readers get a folder, and who wants to know.
struct Switch {
    at: Position,
    done: Option<oneshot::Sender<Position>>,
}

/// What a folder is found to be.
enum Found {
    Whole(Box<Applier>),
    Damaged(String),
}

/// Why following ended.
enum End {
    Adopt(Box<Adoption>),
    Diverged(Divergence),
    Stopped(String),
    /// The folder or its disk does not work; another one may.
    Broken(String),
    Cancelled,
}

impl Driver {
    pub(crate) async fn run(mut self) {
        let mut ended = match self.open().await {
            Ok(following) => self.follow(following).await,
            Err(end) => end,
        };
        drop(self.opening.take());
        let (mut pause, mut broken) = (MEND_FIRST, Instant::now());
        loop {
            ended = match ended {
                End::Adopt(adoption) => {
                    let following = self.adopt(*adoption);
                    self.follow(following).await
                }
                End::Diverged(divergence) => {
                    let view = self.view.name();
                    tracing::error!(view, code = "LOG_DIVERGED", %divergence, "view halted until it is rebuilt");
                    self.hub.distrust();
                    self.view.set_state(ViewState::Diverged(divergence));
                    self.wait().await
                }
                End::Stopped(error) => {
                    tracing::error!(view = self.view.name(), error, "view stopped");
                    self.view.set_state(ViewState::Stopped { error });
                    self.wait().await
                }
                End::Broken(error) => {
                    tracing::error!(
                        view = self.view.name(),
                        error,
                        "view's folder does not work, it is built again from the log"
                    );
                    self.view.set_state(ViewState::Stopped { error });
                    pause =
                        if broken.elapsed() > MEND_LONGEST * 2 { MEND_FIRST } else { (pause * 2).min(MEND_LONGEST) };
                    broken = Instant::now();
                    self.mend(pause).await
                }
                End::Cancelled => return,
            };
        }
    }

    // --- opening

    async fn open(&mut self) -> Result<Following, End> {
        let token = self.token.clone();
        tokio::select! {
            () = token.cancelled() => Err(End::Cancelled),
            opened = self.open_plan() => opened,
        }
    }

    async fn open_plan(&self) -> Result<Following, End> {
        let layout = self.layout.clone();
        let plan = blocking(move || {
            let plan = layout.plan()?;
            layout.clean(plan)?;
            Ok::<_, FolderError>(plan)
        });
        let plan = plan
            .await?
            .map_err(|error| End::Stopped(format!("folder `{}`: {}", error.path.display(), error.reason)))?;
        let identity = self.identity().await;
        match plan {
            Plan::Continue(slot) => {
                let (applier, target, begun) = self.resume_or_begin(slot, identity).await?;
                let switch = begun.then_some(Switch { at: Position::START, done: None });
                if !begun {
                    self.view.serve(applier.store().clone(), slot.version, applier.moment());
                }
                Ok(Following { applier, slot, target, switch })
            }
            Plan::Upgrade { serving, building } => {
                self.serve_older(serving).await?;
                let (applier, target, _begun) = self.resume_or_begin(building, identity).await?;
                let view = self.view.name();
                tracing::info!(view, from = serving.version, to = building.version, %target, "new version is being built");
                Ok(Following { applier, slot: building, target, switch: Some(Switch { at: target, done: None }) })
            }
            Plan::Begin(slot) => {
                let (applier, target, _begun) = self.resume_or_begin(slot, identity).await?;
                Ok(Following { applier, slot, target, switch: Some(Switch { at: Position::START, done: None }) })
            }
        }
    }

    /// Opens a folder and has the log confirm its checkpoint. Answers with the log's end, and whether the folder was begun
    /// again: the log has every fact, so a folder that is damaged is deleted and not mended.
    async fn resume_or_begin(&self, slot: Slot, identity: Identity) -> Result<(Applier, Position, bool), End> {
        let (applier, begun) = match self.look(slot, identity).await? {
            Found::Whole(applier) => (*applier, false),
            Found::Damaged(reason) => {
                tracing::warn!(
                    view = self.view.name(),
                    reason,
                    "folder is damaged, the view is built again from the log"
                );
                let path = self.layout.path(slot);
                blocking(move || remove(&path)).await?.map_err(|error| End::Stopped(error.reason))?;
                match self.look(slot, identity).await? {
                    Found::Whole(applier) => (*applier, true),
                    Found::Damaged(reason) => return Err(End::Stopped(reason)),
                }
            }
        };
        let target = self.confirm(applier.checkpoint()).await?;
        Ok((applier, target, begun))
    }

    /// Opens a folder and reads what must be read of it.
    async fn look(&self, slot: Slot, identity: Identity) -> Result<Found, End> {
        let store = match self.open_store(slot).await? {
            Ok(store) => store,
            Err(OpenError::Corrupted { reason, .. }) => return Ok(Found::Damaged(reason)),
            Err(error @ (OpenError::InUse { .. } | OpenError::Unusable { .. })) => {
                return Err(End::Stopped(error.to_string()));
            }
        };
        let projector = Arc::clone(&self.projector);
        match blocking(move || Applier::resume(projector, store, identity.created_at)).await? {
            Ok(applier) => Ok(Found::Whole(Box::new(applier))),
            Err(failure) if failure.is_damage() => Ok(Found::Damaged(failure.to_string())),
            Err(failure) => Err(End::Stopped(failure.to_string())),
        }
    }

    /// Readers keep what the version before has, as it is: its projector is not in this program any more.
    async fn serve_older(&self, slot: Slot) -> Result<(), End> {
        let opened = self.open_store(slot).await?.map_err(|error| error.to_string());
        let loaded = opened.and_then(|store| match Checkpoint::load(&store) {
            Ok(checkpoint) => Ok((store, checkpoint)),
            Err(error) => Err(error.to_string()),
        });
        match loaded {
            Ok((store, checkpoint)) => {
                if let Some(checkpoint) = checkpoint {
                    self.confirm(&checkpoint).await?;
                }
                let position = checkpoint.map_or(Position::START, |checkpoint| checkpoint.position());
                let some_parked = checkpoint.is_some_and(|checkpoint| checkpoint.counts.parked > 0);
                // Only that version's program knew how to make a companion of its rows.
                let moment = Moment { rows: store.snapshot(), companion: None, position, some_parked };
                self.view.serve(store, slot.version, moment);
            }
            // It is about to be replaced anyway.
            Err(error) => tracing::warn!(view = self.view.name(), error, "older version cannot be served meanwhile"),
        }
        Ok(())
    }

    async fn open_store(&self, slot: Slot) -> Result<Result<ReadStore, OpenError>, End> {
        let (path, options) = (self.layout.path(slot), self.store.clone());
        blocking(move || ReadStore::open(path, &options)).await
    }

    /// Asks until the log answers; the caller bounds it by the program's life.
    async fn identity(&self) -> Identity {
        let mut backoff = Backoff::new();
        loop {
            match self.log.identity().await {
                Ok(identity) => return identity,
                Err(error) => tracing::warn!(view = self.view.name(), %error, "log does not answer, trying again"),
            }
            backoff.wait().await;
        }
    }

    async fn confirm(&self, checkpoint: &Checkpoint) -> Result<Position, End> {
        let mut backoff = Backoff::new();
        loop {
            match check(checkpoint, self.log.as_ref()).await {
                Ok(identity) => return Ok(Position::new(identity.last_sequence)),
                Err(CheckError::Diverged(divergence)) => return Err(End::Diverged(divergence)),
                Err(CheckError::Log(error)) => {
                    tracing::warn!(view = self.view.name(), %error, "log does not answer, trying again");
                }
            }
            backoff.wait().await;
        }
    }

    // --- following

    async fn follow(&mut self, mut following: Following) -> End {
        let token = self.token.clone();
        let mut feed =
            Feed::after(following.applier.position(), following.target, &self.hub, Sharing::Shared, token.clone())
                .lingering(self.projector.linger(), Arc::clone(&self.view));
        drop(self.opening.take());
        following.applier.aim(following.target);
        let mut recheck = interval_at(Instant::now() + RECHECK_EVERY, RECHECK_EVERY);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connections = self.log.connections();
        loop {
            if let Err(end) = self.show(&mut following).await {
                return end;
            }
            let batch = tokio::select! {
                () = token.cancelled() => return End::Cancelled,
                Some(adoption) = self.adoptions.recv() => return End::Adopt(Box::new(adoption)),
                () = another(&mut connections) => {
                    recheck.reset_immediately();
                    continue;
                }
                _ = recheck.tick() => {
                    if following.applier.store().damaged() {
                        return End::Broken("a part of the folder is not what was written".to_owned());
                    }
                    match check(following.applier.checkpoint(), self.log.as_ref()).await {
                        Ok(_) => {}
                        Err(CheckError::Diverged(divergence)) => return End::Diverged(divergence),
                        Err(CheckError::Log(_away)) => recheck.reset_after(RECHECK_AGAIN),
                    }
                    continue;
                }
                batch = feed.batch() => batch,
            };
            if batch.is_empty() {
                return End::Cancelled;
            }
            let Following { applier, slot, target, switch } = following;
            following = match apply_off_thread(applier, batch).await {
                Ok(applier) => Following { applier, slot, target, switch },
                Err(failure) if failure.is_the_folders() => return End::Broken(failure.to_string()),
                Err(failure) => return End::Stopped(failure.to_string()),
            };
        }
    }

    /// A folder that does not work is replaced by another one, made from the log; as often as it takes, for a disk that is full has
    /// room one day. What was applied before can be read meanwhile.
    async fn mend(&mut self, pause: Duration) -> End {
        let token = self.token.clone();
        tokio::select! {
            () = token.cancelled() => return End::Cancelled,
            Some(adoption) = self.adoptions.recv() => return End::Adopt(Box::new(adoption)),
            () = sleep(pause) => {}
        }
        let begun = tokio::select! {
            () = token.cancelled() => Err(End::Cancelled),
            begun = self.begin_beside() => begun,
        };
        match begun {
            Ok(following) => self.follow(following).await,
            Err(End::Stopped(error)) => End::Broken(error),
            Err(end) => end,
        }
    }

    async fn begin_beside(&self) -> Result<Following, End> {
        let layout = self.layout.clone();
        let slot = blocking(move || layout.next()).await?.map_err(|error| End::Stopped(error.reason))?;
        let identity = self.identity().await;
        match self.resume_or_begin(slot, identity).await {
            Ok((applier, target, _begun)) => {
                // As with a rebuild: until it is switched to, nobody needs it.
                applier.store().remove_when_closed(true);
                let at = self.view.position();
                let switch = Some(Switch { at, done: None });
                Ok(Following { applier, slot, target: target.max(at), switch })
            }
            Err(end) => {
                let path = self.layout.path(slot);
                if let Err(error) = blocking(move || remove(&path)).await? {
                    tracing::warn!(path = %error.path.display(), reason = error.reason, "folder cannot be deleted");
                }
                Err(end)
            }
        }
    }

    /// Lets readers see how far the view is, and gives them this folder once it is time.
    async fn show(&self, following: &mut Following) -> Result<(), End> {
        let position = following.applier.position();
        match following.switch.take() {
            Some(switch) if position >= switch.at => {
                let (store, moment) = (following.applier.store().clone(), following.applier.moment());
                self.switch(following.slot, store, moment, switch).await?;
            }
            Some(switch) => following.switch = Some(switch),
            None if position == self.view.position() => {}
            None => self.view.publish(following.applier.moment()),
        }
        let target = following.target;
        self.view.set_state(if position >= target {
            ViewState::Live
        } else {
            ViewState::CatchingUp { position, target }
        });
        Ok(())
    }

    async fn switch(&self, slot: Slot, store: ReadStore, moment: Moment, switch: Switch) -> Result<(), End> {
        let (layout, position) = (self.layout.clone(), moment.position);
        let switched = blocking({
            let store = store.clone();
            // Flushed before it is pointed at: after a power cut the pointer must not name an empty folder.
            move || {
                store.flush().map_err(|error| error.to_string())?;
                layout.switch_to(slot).map_err(|error| error.reason)
            }
        });
        switched.await?.map_err(End::Stopped)?;
        store.remove_when_closed(false);
        if let Some(old) = self.view.serve(store, slot.version, moment) {
            old.remove_when_closed(true);
        }
        if let Some(done) = switch.done {
            // Who asked for it may have gone.
            done.send(position).ok();
        }
        Ok(())
    }

    /// A rebuilt folder is served as soon as it is not behind the one before.
    fn adopt(&self, adoption: Adoption) -> Following {
        let Adoption { applier, slot, done } = adoption;
        let at = self.view.position();
        Following { target: applier.position().max(at), applier, slot, switch: Some(Switch { at, done: Some(done) }) }
    }

    /// A halted view waits to be rebuilt.
    async fn wait(&mut self) -> End {
        let token = self.token.clone();
        tokio::select! {
            () = token.cancelled() => End::Cancelled,
            Some(adoption) = self.adoptions.recv() => End::Adopt(Box::new(adoption)),
        }
    }
}

/// Waits for another connection to the log's server.
async fn another(connections: &mut Option<watch::Receiver<u64>>) {
    if let Some(connections) = connections
        && connections.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Runs file work where blocking is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, End> {
    tokio::task::spawn_blocking(work).await.map_err(|stopped| End::Stopped(stopped.to_string()))
}
