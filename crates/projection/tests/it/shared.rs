//! One reading of the log for all views: each commit is fetched once, and a view that is slow holds up nobody.

use std::sync::{Arc, Condvar, Mutex};

use relevo_domain::Recorded;
use relevo_projection::testing::{fold, history};
use relevo_projection::{ApplyError, Options, Projector, Rows, Runtime, Views};
use relevo_readstore::Key;
use tokio_util::sync::CancellationToken;

use crate::log::{TestLog, live, reached};
use crate::projectors::{COUNTS, With};

/// More than a process keeps of the log in memory and a view has in hand.
const LONG: usize = 6_500;

/// One small row a commit.
fn noting(name: &'static str, held: Held) -> impl Projector + Clone {
    With(name, move |rows: &mut dyn Rows, commit: &Recorded| {
        held.pass(commit.sequence);
        rows.put(Key::new(COUNTS).u64(commit.sequence).finish(), vec![1]);
        Ok::<(), ApplyError>(())
    })
}

/// Where a view is held up: at this sequence, until it is released.
#[derive(Clone, Default)]
struct Held(Arc<(Mutex<Option<u64>>, Condvar)>);

impl Held {
    fn at(sequence: u64) -> Self {
        Self(Arc::new((Mutex::new(Some(sequence)), Condvar::new())))
    }

    fn pass(&self, sequence: u64) {
        let held = self.0.0.lock().unwrap();
        let _passed = self.0.1.wait_while(held, |at| *at == Some(sequence)).unwrap();
    }

    fn release(&self) {
        *self.0.0.lock().unwrap() = None;
        self.0.1.notify_all();
    }
}

async fn start(projectors: Vec<Arc<dyn Projector>>, log: &TestLog, folder: &std::path::Path) -> Views {
    let log = Arc::new(log.clone());
    Runtime::start(projectors, log, folder, Options::default(), CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_once_for_all_views_and_so_after_a_restart() {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(1, LONG));
    let log = TestLog::new(&[]);
    let names = ["one", "two", "three"];
    for (starts, end) in [(1, 3_000), (2, LONG)] {
        log.push(&commits[log.last().sequence() as usize..end]);
        let projectors = names.map(|name| Arc::new(noting(name, Held::default())) as Arc<dyn Projector>);
        let views = start(projectors.into(), &log, folder.path()).await;
        for name in names {
            reached(&views.get(name).unwrap(), log.last()).await;
        }
        assert_eq!(*log.readings().borrow(), (1, starts));
        views.shutdown().await;
        log.readings().wait_for(|(now, _)| *now == 0).await.unwrap();
    }
}

/// Whether the log has everything when the views start, or grows under them.
async fn holding_up_nobody(grown: usize) {
    let (folder, commits) = (tempfile::tempdir().unwrap(), history(2, LONG + 10));
    let log = TestLog::new(&commits[..grown]);
    let held = Held::at(50);
    let projectors: Vec<Arc<dyn Projector>> =
        vec![Arc::new(noting("slow", held.clone())), Arc::new(noting("quick", Held::default()))];
    let views = start(projectors, &log, folder.path()).await;
    let (slow, quick) = (views.get("slow").unwrap(), views.get("quick").unwrap());
    if grown < 50 {
        live(&slow).await;
        live(&quick).await;
    }
    log.push(&commits[grown..LONG]);
    reached(&quick, log.last()).await;
    assert!(slow.position().sequence() < 50);
    // It fell behind, follows by itself until it has caught up, and is with the other one again.
    held.release();
    reached(&slow, log.last()).await;
    live(&slow).await;
    log.push(&commits[LONG..]);
    reached(&slow, log.last()).await;
    log.readings().wait_for(|(now, _)| *now == 1).await.unwrap();
    // On a busy machine it may fall behind once more before it is near enough.
    let (now, began) = *log.readings().borrow();
    assert!(now == 1 && (2..=4).contains(&began), "{began} readings were begun");
    let (_folded, expected) = fold(noting("slow", Held::default()), &commits);
    assert_eq!(slow.digest().await.unwrap(), expected.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_view_holds_up_nobody_while_commits_come() {
    holding_up_nobody(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_view_holds_up_nobody_for_long_while_the_past_is_read() {
    holding_up_nobody(LONG).await;
}
