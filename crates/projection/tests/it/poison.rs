//! One bad commit parks its entity, visibly; everything else moves on.

use relevo_domain::{Position, Recorded};
use relevo_projection::testing::{fold, history};
use relevo_projection::{ApplyError, Degraded, View, ViewState};

use crate::log::{TestLog, live, run};
use crate::projectors::{TOY, failing_at};

/// A commit in the middle whose entity has at least two before and two after it.
fn busy(commits: &[Recorded]) -> usize {
    let same = |a: &Recorded, b: &Recorded| a.commit.tenant == b.commit.tenant && a.commit.entity == b.commit.entity;
    (commits.len() / 3..commits.len())
        .find(|&at| {
            let of = |part: &[Recorded]| part.iter().filter(|other| same(other, &commits[at])).count();
            of(&commits[..at]) >= 2 && of(&commits[at + 1..]) >= 2
        })
        .unwrap()
}

/// The same commits without the entity of the one at `at`, from there on.
fn without(commits: &[Recorded], at: usize) -> (Vec<Recorded>, u64) {
    let (tenant, entity) = (&commits[at].commit.tenant, commits[at].commit.entity);
    let gone = |commit: &Recorded| {
        commit.sequence > at as u64 && commit.commit.tenant == *tenant && commit.commit.entity == entity
    };
    let rest: Vec<_> = commits.iter().filter(|commit| !gone(commit)).cloned().collect();
    let skipped = (commits.len() - rest.len()) as u64;
    (rest, skipped)
}

async fn expect_parked(view: &View, commits: &[Recorded], at: usize, reason: &str) -> Degraded {
    let (rest, skipped) = without(commits, at);
    let degraded = view.degraded().unwrap();
    assert_eq!((degraded.parked_entities, degraded.skipped_commits), (1, skipped), "{degraded:?}");
    let parked = &degraded.parked[0];
    assert_eq!((&parked.tenant, parked.entity), (&commits[at].commit.tenant, commits[at].commit.entity));
    assert_eq!((parked.since, parked.skipped), (commits[at].position(), skipped));
    assert!(parked.last > parked.since && parked.reason.contains(reason), "{parked:?}");
    let (_folded, expected) = fold(TOY, &rest);
    assert_eq!(view.digest().await.unwrap().digest, expected.digest().await.unwrap().digest);
    degraded
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_applied_parks_its_entity_for_good() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(5, 200));
    let at = busy(&commits);
    let log = TestLog::new(&commits);
    let projector = failing_at(commits[at].sequence, ApplyError::BadRow("row of format 9".to_owned()));
    let (views, view) = run(projector.clone(), &log, folder.path()).await;
    live(&view).await;
    let degraded = expect_parked(&view, &commits, at, "row of format 9").await;
    views.shutdown().await;
    // It is remembered, and rebuilding gives the same.
    let (views, view) = run(projector, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.degraded().unwrap(), degraded);
    views.rebuild("toy", |_| {}).await.unwrap();
    assert_eq!(view.degraded().unwrap(), degraded);
    assert_eq!(view.position(), Position::new(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_an_entity_and_a_broken_chain_park_it() {
    type Damage = fn(&mut Recorded);
    let commits = history(6, 200);
    let at = busy(&commits);
    let cases: [(&str, Damage); 4] = [
        ("the entity is at", |commit| commit.commit.first_version += 1),
        ("the entity is at", |commit| commit.commit.first_version -= 1),
        ("another predecessor", |commit| commit.commit.previous_hash = [9; 32]),
        ("no events", |commit| commit.commit.events.clear()),
    ];
    for (reason, damage) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut damaged = commits.clone();
        damage(&mut damaged[at]);
        let (_views, view) = run(TOY, &TestLog::new(&damaged), folder.path()).await;
        live(&view).await;
        expect_parked(&view, &commits, at, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_decoded_is_recorded_and_parks_its_entity_at_the_next_commit() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(5, 200));
    let at = busy(&commits);
    let log = TestLog::new(&commits);
    log.spoil(commits[at].sequence);
    let (views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    let degraded = view.degraded().unwrap();
    assert_eq!(degraded.undecodable_commits, 1);
    assert_eq!(degraded.undecodable[0].at, commits[at].position());
    assert!(degraded.undecodable[0].reason.contains("unknown event"));
    let (rest, skipped) = without(&commits, at);
    assert_eq!((degraded.parked_entities, degraded.skipped_commits), (1, skipped - 1));
    let (_folded, expected) = fold(TOY, &rest);
    assert_eq!(view.digest().await.unwrap().digest, expected.digest().await.unwrap().digest);
    views.shutdown().await;
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.degraded().unwrap(), degraded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_with_an_undecodable_commit_is_caught_up_with_and_gone_on_from() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(5, 61));
    let log = TestLog::new(&commits[..60]);
    log.spoil(60);
    for round in 0..2 {
        let (views, view) = run(TOY, &log, folder.path()).await;
        live(&view).await;
        assert_eq!(view.position(), Position::new(60), "round {round}");
        assert_eq!(view.state(), ViewState::Live);
        views.shutdown().await;
    }
    log.push(&commits[60..]);
    let (_views, view) = run(TOY, &log, folder.path()).await;
    live(&view).await;
    assert_eq!(view.position(), Position::new(61));
    assert_eq!(view.degraded().unwrap().undecodable_commits, 1);
}
