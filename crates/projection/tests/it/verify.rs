//! Verification says whether a view is what the log says, and which key is the first that is not.

use relevo_domain::Position;
use relevo_projection::testing::history;
use relevo_projection::{FirstDifference, Verification};
use relevo_readstore::{Batch, Direction, Family, KeyRange, Options, ReadStore};

use crate::log::{TestLog, live, run};
use crate::projectors::TOY;

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_view_is_the_same_at_its_position_and_stays_so_when_the_log_grows() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, 700));
    let log = TestLog::new(&commits[..600]);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let expected = view.digest().await.unwrap();
    let mut last = None;
    let verified = views
        .verify("toy", |progress| {
            // Grows while it is verified: what comes after the snapshot is not part of it.
            if last.replace(progress).is_none() {
                log.push(&commits[600..]);
            }
        })
        .await;
    assert_eq!(verified, Ok(Verification::Same { digest: expected.digest, position: Position::new(600) }));
    let last = last.unwrap();
    assert_eq!((last.applied, last.target), (Position::new(600), Position::new(600)));
    assert!(!folder.path().join("toy-v1.verify").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_difference_is_found_and_the_first_key_named() {
    let commits = history(1, 100);
    let log = TestLog::new(&commits);
    let cases = [FirstDifference::OnlyLive, FirstDifference::OnlyRebuilt, FirstDifference::Value];
    for planted in cases {
        let folder = tempfile::tempdir().unwrap();
        let (views, view) = run(TOY, &log, folder.path()).await;
        live(&view).await;
        let good = view.digest().await.unwrap().digest;
        views.shutdown().await;
        let store = ReadStore::open(folder.path().join("toy-v1"), &Options::default()).unwrap();
        let rows = store.scan(&KeyRange::all(), Direction::Forward, 100).unwrap();
        let (mut key, _) = rows[40].clone();
        let mut batch = Batch::new();
        match planted {
            FirstDifference::OnlyLive => {
                key.push(1);
                batch.put(Family::Rows, key.clone(), "");
            }
            FirstDifference::OnlyRebuilt => batch.delete(Family::Rows, key.clone()),
            FirstDifference::Value => batch.put(Family::Rows, key.clone(), "other"),
        }
        // A later difference, which is not the first.
        batch.put(Family::Rows, rows[60].0.clone(), "other");
        store.write(batch).unwrap();
        drop(store);

        let (views, view) = run(TOY, &log, folder.path()).await;
        live(&view).await;
        let verified = views.verify("toy", |_| {}).await.unwrap();
        let Verification::Different(difference) = verified else { panic!("{planted:?} was not found") };
        assert_eq!((&difference.first_key, difference.first), (&key, planted));
        assert_eq!(difference.rebuilt, good);
        assert_ne!(difference.live, good);
        assert_eq!(difference.first_key_hex().len(), key.len() * 2);
        assert_eq!(difference.position, Position::new(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_verifies_too() {
    let folder = tempfile::tempdir().unwrap();
    let (views, view) = run(TOY, &TestLog::new(&[]), folder.path()).await;
    live(&view).await;
    let verified = views.verify("toy", |_| {}).await.unwrap();
    assert!(matches!(verified, Verification::Same { position: Position::START, digest } if digest.keys == 0));
}
