//! What a view keeps in memory: always of its rows' position, made again at every open, and never wrong after a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use relevo_domain::{Position, Recorded};
use relevo_projection::testing::{fold, history, laws};
use relevo_projection::{ApplyError, Companion, Degraded, Frozen, Projector, Rows, ViewSnapshot, ViewState};
use relevo_readstore::{Direction, KeyRange};

use crate::log::{TestLog, live, reached, run, state};
use crate::projectors::{COUNTS, NAMES, TOY, Toy};

type Mirrored = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keeps a copy of two of the toy's tables.
#[derive(Default)]
struct Mirror {
    rows: Mirrored,
    /// Fails when this many changes were shown to it; 0: never.
    fails_at: u64,
    shown: u64,
}

impl Companion for Mirror {
    fn prefixes(&self) -> Vec<Vec<u8>> {
        // The second one is covered by the first, and comes before it.
        vec![vec![NAMES, b'd'], vec![NAMES], vec![COUNTS]]
    }

    fn changed(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ApplyError> {
        assert!(matches!(key[0], NAMES | COUNTS), "not asked for");
        self.shown += 1;
        if self.shown == self.fails_at {
            return Err(ApplyError::BadRow("a defect".to_owned()));
        }
        match value {
            Some(value) => self.rows.insert(key.to_vec(), value.to_vec()),
            None => self.rows.remove(key),
        };
        Ok(())
    }

    fn freeze(&self) -> Frozen {
        Arc::new(self.rows.clone())
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{:?}", self.rows).into_bytes()
    }
}

/// The toy with a mirror of its rows.
struct Mirroring {
    toy: Toy,
    fails_at: u64,
}

const MIRRORING: Mirroring = Mirroring { toy: TOY, fails_at: 0 };

impl Projector for Mirroring {
    fn name(&self) -> &'static str {
        self.toy.name()
    }

    fn version(&self) -> u32 {
        self.toy.version()
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        self.toy.apply(rows, commit)
    }

    fn companion(&self) -> Option<Box<dyn Companion>> {
        Some(Box::new(Mirror { fails_at: self.fails_at, ..Mirror::default() }))
    }
}

/// Asserts that rows and companion are of one position; answers how many rows there are.
fn expect_pair(snapshot: &ViewSnapshot) -> usize {
    let mirror: &Mirrored = snapshot.companion().unwrap();
    let mut rows = Mirrored::new();
    for prefix in [COUNTS, NAMES] {
        rows.extend(snapshot.scan(&KeyRange::prefix([prefix]), Direction::Forward, usize::MAX).unwrap());
    }
    assert!(*mirror == rows, "companion and rows differ at {}", snapshot.position());
    assert!(snapshot.companion::<String>().is_none(), "a companion of another type");
    rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_a_companion_beside_rows_of_another_position() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 1_500));
    let log = TestLog::new(&commits[..1]);
    let (_views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (view, done) = (Arc::clone(&view), Arc::clone(&done));
            std::thread::spawn(move || {
                let mut positions = std::collections::BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    // Nothing that was waited for is missing in what is read after it.
                    let at_least = view.position();
                    let snapshot = view.snapshot().unwrap();
                    assert!(snapshot.position() >= at_least);
                    expect_pair(&snapshot);
                    positions.insert(snapshot.position());
                }
                positions.len()
            })
        })
        .collect();
    for end in (2..=1_500).step_by(2) {
        log.push(&commits[log.last().sequence() as usize..end]);
        reached(&view, log.last()).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 20);
    }
    assert!(expect_pair(&view.snapshot().unwrap()) > 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_and_a_rebuild_make_it_again() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(2, 900));
    let log = TestLog::new(&commits[..300]);
    let (views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    drop(view);
    let (views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    let restarted = view.snapshot().unwrap();
    assert!(expect_pair(&restarted) > 20);
    log.push(&commits[300..600]);
    reached(&view, log.last()).await;
    expect_pair(&view.snapshot().unwrap());
    views
        .rebuild("toy", |_| {
            expect_pair(&view.snapshot().unwrap());
        })
        .await
        .unwrap();
    expect_pair(&view.snapshot().unwrap());
    assert_eq!(view.degraded().unwrap(), Degraded::default());
    log.push(&commits[600..]);
    reached(&view, log.last()).await;
    assert_eq!(view.degraded().unwrap(), Degraded::default());
    let rebuilt = view.snapshot().unwrap();
    expect_pair(&rebuilt);
    let (_folded, expected) = fold(MIRRORING, &commits);
    assert_eq!(rebuilt.companion::<Mirrored>(), expected.snapshot().unwrap().companion::<Mirrored>());
    // Who took it earlier still has what was then.
    assert_eq!(restarted.position(), Position::new(300));
    expect_pair(&restarted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_companion_stops_the_view_and_readers_keep_what_was_right() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 200));
    let log = TestLog::new(&commits[..100]);
    let (views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    drop(view);

    // Its rows at open are fewer than that, the next commits bring more.
    let shown = expect_pair(&fold(MIRRORING, &commits[..100]).1.snapshot().unwrap()) as u64;
    let (views, view) = run(Mirroring { toy: TOY, fails_at: shown + 5 }, &log, folder.path()).await;
    live(&view).await;
    log.push(&commits[100..]);
    let stopped = state(&view, |state| matches!(state, ViewState::Stopped { .. })).await;
    assert!(matches!(&stopped, ViewState::Stopped { error } if error.contains("a defect")), "{stopped:?}");
    let left = view.snapshot().unwrap();
    assert_eq!(left.position(), Position::new(100));
    expect_pair(&left);
    drop(left);
    views.shutdown().await;
    drop(view);

    // A repaired program goes on.
    let (views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.position(), Position::new(200));
    expect_pair(&view.snapshot().unwrap());
    views.shutdown().await;
    drop(view);

    // One that cannot be opened on these rows is begun again, as if they were damaged, and fails again: what readers get is never rows
    // without their companion.
    let (_views, view) = run(Mirroring { toy: TOY, fails_at: 3 }, &log, folder.path()).await;
    state(&view, |state| matches!(state, ViewState::Stopped { .. })).await;
    if let Ok(shown) = view.snapshot() {
        assert!(shown.position() < Position::new(200));
        expect_pair(&shown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_served_without_one_until_the_new_version_has_caught_up() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 400));
    let log = TestLog::new(&commits);
    let (views, view) = run(MIRRORING, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    drop(view);
    log.hold_after(200);
    let (_views, view) = run(Mirroring { toy: Toy { version: 2 }, fails_at: 0 }, &log, folder.path()).await;
    state(&view, |state| matches!(state, ViewState::CatchingUp { position, .. } if position.sequence() > 0)).await;
    let older = view.snapshot().unwrap();
    assert_eq!((older.version(), older.companion::<Mirrored>()), (1, None));
    log.release();
    live(&view).await;
    let newer = view.snapshot().unwrap();
    assert_eq!(newer.version(), 2);
    expect_pair(&newer);
}

#[test]
fn the_laws_hold_for_an_honest_companion() {
    laws(|| MIRRORING, &history(5, 250));
}

/// Broken: remembers how it got there, so that a restart makes another one.
struct Remembering(Mirror);

impl Companion for Remembering {
    fn prefixes(&self) -> Vec<Vec<u8>> {
        self.0.prefixes()
    }

    fn changed(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ApplyError> {
        self.0.changed(key, value)
    }

    fn freeze(&self) -> Frozen {
        self.0.freeze()
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.0.shown.to_be_bytes().to_vec()
    }
}

struct WithRemembering;

impl Projector for WithRemembering {
    fn name(&self) -> &'static str {
        "remembering"
    }

    fn version(&self) -> u32 {
        1
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        TOY.apply(rows, commit)
    }

    fn companion(&self) -> Option<Box<dyn Companion>> {
        Some(Box::new(Remembering(Mirror::default())))
    }
}

#[test]
#[should_panic(expected = "law broken: rebuild = incremental (seed 0): companion differs")]
fn a_companion_that_remembers_how_it_came_about_is_caught() {
    laws(|| WithRemembering, &history(5, 120));
}

/// Asks twice for the same rows and counts what it is shown.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl Companion for Counting {
    fn prefixes(&self) -> Vec<Vec<u8>> {
        vec![vec![NAMES, b'd'], vec![NAMES], vec![NAMES]]
    }

    fn changed(&mut self, _key: &[u8], _value: Option<&[u8]>) -> Result<(), ApplyError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn freeze(&self) -> Frozen {
        Arc::new(())
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }
}

impl Projector for Counting {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        TOY.apply(rows, commit)
    }

    fn companion(&self) -> Option<Box<dyn Companion>> {
        Some(Box::new(self.clone()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_shown_once_at_open_however_often_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&history(3, 100));
    let shown_at_open = |folder: &Path| {
        let (folder, log, counting) = (folder.to_owned(), log.clone(), Counting::default());
        async move {
            let (views, view) = run(counting.clone(), &log, &folder).await;
            live(&view).await;
            let rows = view.snapshot().unwrap().scan(&KeyRange::prefix([NAMES]), Direction::Forward, usize::MAX);
            drop(view);
            views.shutdown().await;
            (counting.0.load(Ordering::Relaxed), rows.unwrap().len() as u64)
        }
    };
    shown_at_open(folder.path()).await;
    let (shown, rows) = shown_at_open(folder.path()).await;
    assert!(rows > 10);
    assert_eq!(shown, rows);
}
