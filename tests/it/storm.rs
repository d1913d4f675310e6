//! The short form of `make soak`: twenty watchers of everything, three of whom do not read, while hundreds of things change.

use relevo_tests::Broker;
use relevo_tests::storm::{Plan, Storm, Until};

/// About ten seconds of a busy desk.
const CHANGES: u64 = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_watchers_show_in_the_end_what_the_lists_show() {
    let broker = Broker::start().await;
    let plan = Plan { watchers: 20, stalled: 3, seed: 1 };
    let storm = Storm::prepare(&broker, plan).await;
    Box::pin(storm.traffic.run(Until::Changes(CHANGES))).await;
    let report = storm.finish().await;
    assert_eq!(report.missed.count, 0, "{:#?}", report.missed.named);
    assert!(report.changes >= CHANGES, "{report:?}");
    assert_eq!(report.stalled_messages, 3, "who does not read has got one message: {report:?}");
    assert!(report.messages > report.stalled_messages + CHANGES, "{report:?}");
}
