//! Messages on WhatsApp through the real binary: every type, every order of statuses, failures, the window, a kill. The whole table is
//! `make delivery`.

use std::sync::Arc;

use relevo_tests::delivery::{Rig, Wanted, failures, kills, statuses, types, window};

async fn rig() -> Arc<Rig> {
    Arc::new(Rig::start(Wanted::default()).await)
}

#[tokio::test]
async fn every_type_goes_through_meta_arrives_fails_and_is_unknown() {
    let rig = rig().await;
    types::cases(&rig).only("meta ").all_right().await;
    assert_eq!((rig.doubles(), rig.lost().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn every_type_goes_through_twilio_arrives_fails_and_is_unknown() {
    let rig = rig().await;
    types::cases(&rig).only("twilio ").all_right().await;
    assert_eq!((rig.doubles(), rig.lost().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn the_order_of_statuses_does_not_matter() {
    statuses::cases(&rig().await).all_right().await;
}

#[tokio::test]
async fn a_refusal_or_a_report_fails_the_message_with_its_code() {
    let rig = rig().await;
    failures::cases(&rig).only("takes and reports").all_right().await;
    failures::cases(&rig).only(": failed, ").without("131000").all_right().await;
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_unknown_and_never_sent_again() {
    failures::cases(&rig().await).only("unknown").without("never answers").without("without an end").all_right().await;
}

#[tokio::test]
async fn a_provider_that_is_busy_is_waited_for() {
    failures::cases(&rig().await).only("131056 once").all_right().await;
}

#[tokio::test]
async fn the_window_is_a_day_to_the_second() {
    window::cases(&rig().await).all_right().await;
}

#[tokio::test]
async fn a_broker_that_dies_between_the_provider_and_the_record_sends_nothing_twice() {
    let local = tokio::task::LocalSet::new();
    local.run_until(kills::killed_while_held(1, false)).await.unwrap();
}

#[tokio::test]
async fn two_nodes_send_each_message_once() {
    let local = tokio::task::LocalSet::new();
    local.run_until(kills::two_nodes(false)).await.unwrap();
}
