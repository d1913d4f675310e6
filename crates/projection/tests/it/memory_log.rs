//! The runtime on the log's in-memory twin: real encoding, real hashes, and faults while views follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use relevo_domain::{CommitHash, EntityId, EntityKind, Position, Recorded, TenantId};
use relevo_eventlog::{Append, Log, MemoryLog, Outcome};
use relevo_projection::testing::{fold, history};
use relevo_projection::{Degraded, Divergence, Verification, ViewState};

use crate::log::{live, reached, run_on, state};
use crate::projectors::TOY;

/// Appends a history; hashes are the log's own, so the chain is made anew.
async fn append(log: &MemoryLog, commits: &[Recorded]) -> Vec<Recorded> {
    let mut heads = BTreeMap::<(TenantId, EntityId), (u64, CommitHash)>::new();
    let mut stored = Vec::new();
    for recorded in commits {
        let mut commit = recorded.commit.clone();
        let head = heads.entry((commit.tenant.clone(), commit.entity)).or_default();
        commit.previous_hash = head.1;
        let batch = vec![Append { commit, expected: head.0 }];
        let Outcome::Applied { stored: applied, .. } = log.append(batch).await.unwrap() else { panic!("not applied") };
        *head = (applied[0].sequence, applied[0].hash);
        stored.push(log.get(applied[0].sequence).await.unwrap().unwrap());
    }
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_follows_the_log_that_writers_append_to() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::new();
    let (views, view) = run_on(TOY, Arc::new(log.clone()), folder.path()).await;
    live(&view).await;
    let commits = append(&log, &history(1, 300)).await;
    reached(&view, Position::new(300)).await;
    assert_eq!(view.degraded().unwrap(), Degraded::default());
    let (_folded, expected) = fold(TOY, &commits);
    assert_eq!(view.digest().await.unwrap(), expected.digest().await.unwrap());
    assert!(matches!(views.verify("toy", |_| {}).await, Ok(Verification::Same { .. })));
    views.shutdown().await;

    // A restored backup ends before the checkpoint; grown past it again, it has other commits.
    let restored = log.truncated(100);
    let (views, view) = run_on(TOY, Arc::new(restored.clone()), folder.path()).await;
    let halted = state(&view, |state| *state != ViewState::Starting).await;
    let expected = Divergence::LogShorter { checkpoint: Position::new(300), log: Position::new(100) };
    assert_eq!(halted, ViewState::Diverged(expected));
    views.shutdown().await;
    // Workspaces and channels are the same in every history, so the backup has them already.
    let mut other = history(2, 400);
    other.retain(|recorded| !matches!(recorded.commit.entity.kind(), EntityKind::Workspace | EntityKind::Channel));
    assert!(append(&restored, &other).await.len() > 250);
    let (_views, view) = run_on(TOY, Arc::new(restored), folder.path()).await;
    let halted = state(&view, |state| *state != ViewState::Starting).await;
    assert!(matches!(halted, ViewState::Diverged(Divergence::OtherCommit { .. })), "{halted:?}");
}
