//! A new version is built beside the old one; readers have the old rows until the new ones have caught up.

use relevo_domain::Position;
use relevo_projection::testing::{fold, history};
use relevo_projection::{MaintenanceError, ViewState};

use crate::log::{TestLog, live, run, state};
use crate::projectors::{TOY, Toy};

const SECOND: Toy = Toy { version: 2 };

#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_is_served_until_the_new_one_has_caught_up() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 300));
    let log = TestLog::new(&commits[..200]);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let old = view.digest().await.unwrap();
    views.shutdown().await;

    log.push(&commits[200..]);
    log.hold_after(250);
    let (views, view) = run(SECOND, &log, folder.path()).await;
    let (position, target) = (Position::new(250), Position::new(300));
    state(&view, |state| *state == ViewState::CatchingUp { position, target }).await;
    assert_eq!(view.digest().await.unwrap(), old);
    assert_eq!((view.version(), view.position()), (Some(1), Position::new(200)));
    assert_eq!((views.status()[0].version, views.status()[0].serving), (2, Some(1)));
    assert_eq!(views.rebuild("toy", |_| {}).await, Err(MaintenanceError::NotReady("toy")));
    assert_eq!(views.verify("toy", |_| {}).await, Err(MaintenanceError::NotReady("toy")));
    // Killed here, it goes on where it was.
    views.shutdown().await;

    let (views, view) = run(SECOND, &log, folder.path()).await;
    state(&view, |state| *state == ViewState::CatchingUp { position, target }).await;
    assert_eq!(view.digest().await.unwrap(), old);
    log.release();
    live(&view).await;
    assert_eq!((view.version(), view.position()), (Some(2), Position::new(300)));
    let (_folded, expected) = fold(SECOND, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
    assert!(!folder.path().join("toy-v1").exists());
    views.shutdown().await;
    let (_views, view) = run(SECOND, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_old_version_what_there_is_of_the_new_one_is_served() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 300));
    let log = TestLog::new(&commits);
    log.hold_after(250);
    let (_views, view) = run(SECOND, &log, folder.path()).await;
    let (position, target) = (Position::new(250), Position::new(300));
    state(&view, |state| *state == ViewState::CatchingUp { position, target }).await;
    assert_eq!((view.version(), view.position()), (Some(2), position));
    log.release();
    live(&view).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_program_builds_its_own_rows_again() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 100));
    let log = TestLog::new(&commits);
    let (views, view) = run(SECOND, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_unfinished_build_is_begun_again() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 100));
    let log = TestLog::new(&commits);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    log.hold_after(50);
    let (views, view) = run(SECOND, &log, folder.path()).await;
    state(&view, |state| matches!(state, ViewState::CatchingUp { position, .. } if position.sequence() == 50)).await;
    views.shutdown().await;
    std::fs::write(folder.path().join("toy-v2/CURRENT"), "rubbish").unwrap();
    log.release();
    let (_views, view) = run(SECOND, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.version(), Some(2));
}
