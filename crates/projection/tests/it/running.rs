//! Following the log: positions, waits, changes, restarts and the way a view ends.

use std::sync::Arc;

use relevo_domain::Position;
use relevo_projection::testing::{fold, history};
use relevo_projection::{ApplyError, Options, Runtime, StaleRead, StartError, ViewState};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::log::{TestLog, live, reached, run, state};
use crate::projectors::{TOY, With, failing_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_catches_up_follows_and_is_the_fold_of_the_log() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 1_500));
    let log = TestLog::new(&commits[..1_200]);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.position(), log.last());
    let mut changes = view.changes();
    log.push(&commits[1_200..1_201]);
    reached(&view, log.last()).await;
    assert_eq!(changes.recv().await, Ok(Position::new(1_201)));
    log.push(&commits[1_201..]);
    reached(&view, log.last()).await;
    let digest = view.digest().await.unwrap();
    assert_eq!(digest.position, Position::new(1_500));
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(digest, expected.digest().await.unwrap());
    let status = &views.status()[0];
    assert_eq!((status.serving, status.position, &status.state), (Some(1), log.last(), &ViewState::Live));
    assert_eq!(status.degraded, relevo_projection::Degraded::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_from_the_checkpoint_at_any_point() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(2, 400));
    let log = TestLog::new(&[]);
    for end in [1, 2, 50, 51, 399, 400] {
        log.push(&commits[log.last().sequence() as usize..end]);
        let (views, view) = run(TOY, &log, folder.path()).await;
        reached(&view, log.last()).await;
        drop(view);
        views.shutdown().await;
    }
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
}

/// What a kill or a power cut leaves: the folder as it is on disk, its write-ahead log cut at some byte.
fn torn_copy(folder: &std::path::Path, cut: usize, of: usize) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("toy-v1")).unwrap();
    let mut logs = 0;
    for file in std::fs::read_dir(folder.join("toy-v1")).unwrap().map(Result::unwrap) {
        let mut bytes = std::fs::read(file.path()).unwrap();
        if file.path().extension().is_some_and(|ending| ending == "log") {
            bytes.truncate(bytes.len() * cut / of);
            logs += 1;
        }
        std::fs::write(copy.path().join("toy-v1").join(file.file_name()), bytes).unwrap();
    }
    assert_eq!(logs, 1, "the history is too long for one write-ahead log");
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_write_is_torn_the_view_is_a_whole_prefix_and_goes_on() {
    const CUTS: usize = 16;
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(4, 300));
    let log = TestLog::new(&[]);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    for commit in &commits {
        log.push(std::slice::from_ref(commit));
        // One batch a commit, so that there are many borders to cut at and beside.
        reached(&view, log.last()).await;
    }
    let (_folded, whole) = fold(TOY, &commits);
    let mut prefixes = std::collections::BTreeSet::new();
    for cut in 0..=CUTS {
        let copy = torn_copy(folder.path(), cut, CUTS);
        // A log that gives nothing more shows what was left.
        let silent = TestLog::new(&commits);
        silent.hold_after(0);
        let (views, torn) = run(TOY, &silent, copy.path()).await;
        state(&torn, |state| *state != ViewState::Starting).await;
        let left = torn.digest().await.unwrap();
        let (_folded, prefix) = fold(TOY, &commits[..left.position.sequence() as usize]);
        assert_eq!(left.digest, prefix.digest().await.unwrap().digest, "cut {cut} of {CUTS}");
        prefixes.insert(left.position);
        silent.release();
        live(&torn).await;
        assert_eq!(torn.digest().await.unwrap(), whole.digest().await.unwrap());
        views.shutdown().await;
    }
    assert!(prefixes.len() > CUTS / 2, "{prefixes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_at_its_deadline_and_says_how_far_the_view_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&history(1, 10));
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let wanted = Position::new(11);
    let stale = view.reached(wanted, Instant::now()).await;
    assert_eq!(stale, Err(StaleRead { applied: Position::new(10), wanted }));
    assert_eq!(view.reached(Position::new(10), Instant::now()).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_its_position_are_of_one_moment() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(3, 1_000));
    let log = TestLog::new(&commits[..1]);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let mut checked = 0;
    for end in (2..=1_000).step_by(37) {
        log.push(&commits[log.last().sequence() as usize..end]);
        // Taken while commits are applied.
        let taken = view.snapshot().unwrap().digest().unwrap();
        let (_folded, expected) = fold(TOY, &commits[..taken.position.sequence() as usize]);
        assert_eq!(taken, expected.digest().await.unwrap());
        checked += 1;
    }
    assert!(checked > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_stops_the_view_and_what_was_applied_can_be_read() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 60));
    let log = TestLog::new(&commits[..40]);
    let error = ApplyError::Store("disk is gone".to_owned());
    let (_views, view) = run(failing_at(41, error), &log, folder.path()).await;
    live(&view).await;
    log.push(&commits[40..]);
    let stopped = state(&view, |state| matches!(state, ViewState::Stopped { .. })).await;
    assert!(
        matches!(&stopped, ViewState::Stopped { error } if error.contains("p1-41") && error.contains("disk is gone"))
    );
    assert_eq!(view.snapshot().unwrap().position(), Position::new(40));
    // Nobody waits for what cannot come.
    let far = Instant::now() + std::time::Duration::from_hours(1);
    assert!(view.reached(Position::new(41), far).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_projector_stops_its_view_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&history(1, 60));
    let panicking = With("panicking", |_: &mut dyn relevo_projection::Rows, commit: &relevo_domain::Recorded| {
        assert_ne!(commit.sequence, 30, "a defect");
        Ok(())
    });
    let token = CancellationToken::new();
    let projectors: Vec<Arc<dyn relevo_projection::Projector>> = vec![Arc::new(TOY), Arc::new(panicking)];
    let views =
        Runtime::start(projectors, Arc::new(log.clone()), folder.path(), Options::default(), token).await.unwrap();
    state(&views.get("panicking").unwrap(), |state| matches!(state, ViewState::Stopped { .. })).await;
    live(&views.get("toy").unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_folder_is_built_again_from_the_log() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 60));
    let log = TestLog::new(&commits);
    let (_folded, expected) = fold(TOY, &commits);
    let expected = expected.digest().await.unwrap();
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    // Twice: what was built again is the view from then on.
    for rubbish in ["rubbish", ""] {
        std::fs::write(folder.path().join("toy-v1/CURRENT"), rubbish).unwrap();
        let (views, view) = run(TOY, &log, folder.path()).await;
        live(&view).await;
        assert_eq!((view.version(), view.position()), (Some(1), Position::new(60)));
        assert_eq!(view.digest().await.unwrap(), expected);
        views.shutdown().await;
    }
}

#[tokio::test]
async fn projectors_that_cannot_share_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let start = |projectors| {
        let log = Arc::new(TestLog::new(&[]));
        Runtime::start(projectors, log, folder.path(), Options::default(), CancellationToken::new())
    };
    let twice = start(vec![Arc::new(TOY), Arc::new(TOY)]).await.err();
    assert_eq!(twice, Some(StartError::DuplicateName { name: "toy" }));
    let hostile = With("../up", |_: &mut dyn relevo_projection::Rows, _: &relevo_domain::Recorded| Ok(()));
    assert_eq!(start(vec![Arc::new(hostile)]).await.err(), Some(StartError::Name { name: "../up" }));
}
