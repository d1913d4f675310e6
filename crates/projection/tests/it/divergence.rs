//! A view never mixes two histories: whatever way the log contradicts its checkpoint, it halts until it is rebuilt.

use std::time::{Duration, Instant};

use relevo_domain::{CommitId, ErrorCode, Position, Recorded, Timestamp};
use relevo_projection::testing::{HISTORY_STREAM_CREATED_AT, fold, history};
use relevo_projection::{Divergence, MaintenanceError, ViewError, ViewState};

use crate::log::{TestLog, live, run, state};
use crate::projectors::TOY;

async fn halted(before: &[Recorded], change: impl FnOnce(&TestLog)) -> Divergence {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(before);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    change(&log);

    let (views, view) = run(TOY, &log, folder.path()).await;
    let halted = state(&view, |state| *state != ViewState::Starting).await;
    let ViewState::Diverged(divergence) = halted else { panic!("went on: {halted:?}") };
    let error = view.snapshot().unwrap_err();
    assert_eq!(error, ViewError::Diverged { view: "toy", divergence });
    assert_eq!(error.code(), ErrorCode::LogDiverged);
    assert!(matches!(views.verify("toy", |_| {}).await, Err(MaintenanceError::View(ViewError::Diverged { .. }))));
    // The way out, and the only one.
    assert_eq!(views.rebuild("toy", |_| {}).await, Ok(log.last()));
    live(&view).await;
    views.shutdown().await;
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.position(), log.last());
    divergence
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recreated_stream_halts() {
    let commits = history(1, 60);
    let divergence = halted(&commits, |log| log.recreate(&commits)).await;
    let created_at = HISTORY_STREAM_CREATED_AT;
    let recreated = Timestamp::from_millis(created_at.as_millis() + 1);
    assert_eq!(divergence, Divergence::StreamRecreated { checkpoint: created_at, log: recreated });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_end_halts() {
    let commits = history(1, 60);
    let divergence = halted(&commits, |log| log.replace(&commits[..50])).await;
    assert_eq!(divergence, Divergence::LogShorter { checkpoint: Position::new(60), log: Position::new(50) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_a_moment_behind_is_no_other_history() {
    let commits = history(1, 60);
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&commits);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    log.is_late_once();
    let (_views, view) = run(TOY, &log, folder.path()).await;
    let went_on = state(&view, |state| *state != ViewState::Starting).await;
    assert!(!matches!(went_on, ViewState::Diverged(_)), "{went_on:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_commit_at_the_checkpoint_halts() {
    let commits = history(1, 60);
    let mut other = commits.clone();
    other[59].commit.id = CommitId::new([9; 16]);
    let divergence = halted(&commits, |log| log.replace(&other)).await;
    let (checkpoint, log) = (commits[59].commit.id, other[59].commit.id);
    assert_eq!(divergence, Divergence::OtherCommit { at: Position::new(60), checkpoint, log });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_at_the_checkpoint_halts() {
    let commits = history(1, 60);
    let mut other = commits.clone();
    other[59].hash = [9; 32];
    let divergence = halted(&commits, |log| log.replace(&other)).await;
    assert_eq!(divergence, Divergence::OtherContent { at: Position::new(60) });
    let divergence = halted(&commits, |log| log.spoil(60)).await;
    assert_eq!(divergence, Divergence::OtherContent { at: Position::new(60) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_grown_meanwhile_does_not_halt() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 90));
    let log = TestLog::new(&commits[..60]);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    log.push(&commits[60..]);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_replaced_under_a_running_view_halts_it() {
    let folder = tempfile::tempdir().unwrap();
    let commits = history(1, 60);
    let log = TestLog::new(&commits);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    log.recreate(&commits);
    // The paused clock jumps to the next check.
    let halted = state(&view, |state| *state != ViewState::Live).await;
    assert!(matches!(halted, ViewState::Diverged(Divergence::StreamRecreated { .. })), "{halted:?}");
    assert_eq!(view.position(), Position::START);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_another_one_behind_a_new_connection_halts_the_view_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let commits = history(1, 60);
    let log = TestLog::new(&commits);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let begun = Instant::now();
    log.replace(&commits[..50]);
    log.reconnect();
    let halted = state(&view, |state| *state != ViewState::Live).await;
    assert!(matches!(halted, ViewState::Diverged(Divergence::LogShorter { .. })), "{halted:?}");
    // Well before it would have been asked anyway.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
