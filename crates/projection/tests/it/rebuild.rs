//! Rebuilding beside the live view: readers and followers notice nothing, and no way of dying leaves it without a folder.

use std::sync::{Arc, Mutex};

use relevo_domain::{ErrorCode, Position};
use relevo_projection::testing::{fold, history};
use relevo_projection::{MaintenanceError, Progress};
use relevo_readstore::{Batch, Family, Options, ReadStore};

use crate::log::{TestLog, live, reached, run};
use crate::projectors::TOY;

fn folders(views: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(views.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_served_and_commits_are_followed_while_a_view_is_rebuilt() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 3_000));
    let log = TestLog::new(&commits[..2_500]);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let before = view.snapshot().unwrap();

    let seen = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let rebuilding = tokio::spawn({
        let (views, seen, log, view) = (views.clone(), Arc::clone(&seen), log.clone(), Arc::clone(&view));
        let rest = commits[2_500..].to_vec();
        async move {
            let mut pushed = false;
            views
                .rebuild("toy", |progress| {
                    if !std::mem::replace(&mut pushed, true) {
                        log.push(&rest);
                    }
                    assert!(view.snapshot().unwrap().position() >= Position::new(2_500));
                    seen.lock().unwrap().push(progress);
                })
                .await
        }
    });
    // The live view goes on meanwhile.
    reached(&view, Position::new(3_000)).await;
    let position = rebuilding.await.unwrap().unwrap();
    assert!(position <= Position::new(3_000));
    reached(&view, Position::new(3_000)).await;
    live(&view).await;
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());

    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    assert_eq!((first.applied, first.commits_per_second, first.left), (Position::START, 0.0, None));
    assert!(
        last.applied == last.target && last.commits_per_second > 0.0 && last.left == Some(std::time::Duration::ZERO)
    );
    assert!(seen.is_sorted_by_key(|progress| progress.applied));

    // The old folder lives as long as its last reader.
    assert_eq!(before.position(), Position::new(2_500));
    assert_eq!(folders(&folder), ["toy-v1", "toy-v1.2", "toy.live"]);
    drop(before);
    assert_eq!(folders(&folder), ["toy-v1.2", "toy.live"]);
    views.shutdown().await;
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_repairs_what_somebody_changed() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 100));
    let log = TestLog::new(&commits);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let good = view.digest().await.unwrap();
    views.shutdown().await;
    let store = ReadStore::open(folder.path().join("toy-v1"), &Options::default()).unwrap();
    let mut batch = Batch::new();
    batch.put(Family::Rows, "planted", "1");
    store.write(batch).unwrap();
    drop(store);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_ne!(view.digest().await.unwrap(), good);
    views.rebuild("toy", |_| {}).await.unwrap();
    assert_eq!(view.digest().await.unwrap(), good);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_given_up_leaves_the_live_view_and_no_folder() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 100));
    let log = TestLog::new(&commits);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    // The rebuild cannot end: the log holds its second half back.
    log.hold_after(50);
    let (half, mut halfway) = tokio::sync::watch::channel(Position::START);
    let rebuilding = tokio::spawn({
        let views = views.clone();
        async move { views.rebuild("toy", |progress| half.send_modify(|at| *at = progress.applied)).await }
    });
    halfway.wait_for(|at| *at == Position::new(50)).await.unwrap();
    assert_eq!(views.rebuild("toy", |_| {}).await, Err(MaintenanceError::Busy("toy")));
    assert_eq!(folders(&folder), ["toy-v1", "toy-v1.2", "toy.live"]);
    rebuilding.abort();
    assert!(rebuilding.await.unwrap_err().is_cancelled());
    log.release();
    assert_eq!(folders(&folder), ["toy-v1", "toy.live"]);
    assert_eq!(view.position(), Position::new(100));
    assert!(views.rebuild("toy", |_| {}).await.is_ok());
    let unknown = views.rebuild("nothing", |_| {}).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::ViewNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&history(1, 100));
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    log.hold_after(50);
    let (half, mut halfway) = tokio::sync::watch::channel(Position::START);
    let rebuilding = tokio::spawn({
        let views = views.clone();
        async move { views.rebuild("toy", |progress| half.send_modify(|at| *at = progress.applied)).await }
    });
    halfway.wait_for(|at| *at == Position::new(50)).await.unwrap();
    views.shutdown().await;
    assert_eq!(rebuilding.await.unwrap(), Err(MaintenanceError::Cancelled));
    assert_eq!(folders(&folder), ["toy-v1", "toy.live"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_during_a_rebuild_leaves_is_deleted_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = TestLog::new(&history(1, 60));
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    views.shutdown().await;
    for left in ["toy-v1.2", "toy-v1.verify", "toy-v9"] {
        drop(ReadStore::open(folder.path().join(left), &Options::default()).unwrap());
    }
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(folders(&folder), ["toy-v1", "toy.live"]);
}
