//! A view that lets commits gather: for as long as it may, unless somebody waits for what it has not applied.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::{Position, Recorded};
use relevo_projection::testing::{fold, history};
use relevo_projection::{ApplyError, Options, Projector, Rows, Runtime, StaleRead, View, ViewState, Views};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::log::{TestLog, live, reached};
use crate::projectors::{TOY, With};

/// The toy, which applies nothing for an hour that nobody waits for.
struct Patient;

impl Projector for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn version(&self) -> u32 {
        1
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        TOY.apply(rows, commit)
    }

    fn linger(&self) -> Duration {
        Duration::from_hours(1)
    }
}

struct World {
    log: TestLog,
    commits: Vec<Recorded>,
    views: Views,
    patient: Arc<View>,
    /// Applies every commit as it comes.
    eager: Arc<View>,
    _folder: tempfile::TempDir,
}

impl World {
    /// Both views have seen so many of the commits.
    async fn with(past: usize) -> Self {
        let (folder, commits) = (tempfile::tempdir().unwrap(), history(9, 1_000));
        let log = TestLog::new(&commits[..past]);
        let eager = With("eager", |rows: &mut dyn Rows, commit: &Recorded| TOY.apply(rows, commit));
        let projectors: Vec<Arc<dyn Projector>> = vec![Arc::new(Patient), Arc::new(eager)];
        let (shared, token) = (Arc::new(log.clone()), CancellationToken::new());
        let views = Runtime::start(projectors, shared, folder.path(), Options::default(), token).await.unwrap();
        let [patient, eager] = ["patient", "eager"].map(|name| views.get(name).unwrap());
        // A view that catches up does not linger.
        live(&patient).await;
        assert_eq!(patient.position(), log.last());
        Self { log, commits, views, patient, eager, _folder: folder }
    }

    /// More commits come, and have been applied where nothing gathers.
    async fn come(&self, count: usize) {
        let from = self.log.last().sequence() as usize;
        self.log.push(&self.commits[from..from + count]);
        reached(&self.eager, self.log.last()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_gathers_and_who_waits_is_answered() {
    let world = World::with(400).await;
    for _ in 0..5 {
        world.come(1).await;
    }
    assert_eq!((world.patient.position(), world.patient.state()), (Position::new(400), ViewState::Live));
    let mut changes = world.patient.changes();
    reached(&world.patient, Position::new(402)).await;
    assert_eq!(changes.recv().await, Ok(Position::new(405)), "in one batch");
    let (_folded, expected) = fold(TOY, &world.commits[..405]);
    assert_eq!(world.patient.digest().await.unwrap(), expected.digest().await.unwrap());
    // Nobody waits any more.
    world.come(1).await;
    assert_eq!(world.patient.position(), Position::new(405));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_what_has_yet_to_come_gets_it_when_it_comes_and_not_before() {
    let world = World::with(100).await;
    let waiting = tokio::spawn({
        let patient = Arc::clone(&world.patient);
        async move { reached(&patient, Position::new(103)).await }
    });
    world.come(2).await;
    assert_eq!(world.patient.position(), Position::new(100), "what somebody waits for is not there");
    world.come(1).await;
    waiting.await.unwrap();
    assert_eq!(world.patient.position(), Position::new(103));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_given_up_hurries_nobody() {
    let world = World::with(100).await;
    let wanted = Position::new(101);
    let stale = world.patient.reached(wanted, Instant::now()).await;
    assert_eq!(stale, Err(StaleRead { applied: Position::new(100), wanted }));
    world.come(1).await;
    assert_eq!(world.patient.position(), Position::new(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gathers_is_bounded_though_nobody_waits() {
    let world = World::with(100).await;
    let mut changes = world.patient.changes();
    world.come(900).await;
    let mut position = world.patient.position();
    while position < Position::new(800) {
        position = changes.recv().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_over_though_nobody_waits() {
    let world = World::with(100).await;
    world.come(5).await;
    let position = world.views.rebuild("patient", |_progress| {}).await.unwrap();
    assert_eq!((position, world.patient.position()), (Position::new(105), Position::new(105)));
}
