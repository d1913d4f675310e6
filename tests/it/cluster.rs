//! Three nats-servers and two brokers: one leader killed, one cut off, all restarted. All of it is `make chaos`.

use relevo_tests::cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_loses_its_leader_and_a_peer_and_is_restarted_and_nothing_is_lost_or_doubled() {
    let report = cluster::run(1, true).await;
    // Where namespaces cannot be made a server stands still instead of being cut off.
    assert_eq!((report.kills, report.partitions + report.stops, report.restarts), (1, 1, 3), "{report}");
    assert_eq!((report.lost, report.doubled), (0, 0), "{report}");
    assert!(report.histories > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_has_lost_its_peers_tells_nothing_old_and_is_left() {
    // Where namespaces cannot be made it has said so.
    cluster::stale::an_old_leader_confirms_nothing().await;
}
