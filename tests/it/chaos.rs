//! The short forms of what `make chaos` does to a broker.

use std::time::Duration;

use relevo_tests::chaos::{away, clocks, disk, kills, slow, torn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_broker_and_log_are_killed() {
    let report = kills::run(kills::Plan { kills: 4, seed: 1, ends: false }).await;
    report.assert_none();
    assert!(report.kills >= 4, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_views_are_built_again() {
    torn::views(1, 3).await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_not_the_one_halts_every_view() {
    torn::log(1, &[torn::Tear::OlderCopy, torn::Tear::CutBlock]).await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_swapped_under_a_running_broker_is_noticed_before_a_command_is_taken() {
    torn::log_under_a_running_broker().await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_webhooks_and_lets_people_pause() {
    disk::run().await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_jump_or_differ_lose_and_double_nothing() {
    clocks::run().await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_log_is_away_everybody_is_told_and_then_all_goes_on() {
    away::run(away::Plan { seed: 1, away: Duration::from_secs(5) }).await.assert_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_slows_nobody() {
    let storming = slow::Storming { watchers: 12, stalled: 3, changes: 250, seed: 1 };
    slow::run(storming).await.assert_none();
}
