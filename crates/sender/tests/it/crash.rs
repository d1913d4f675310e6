//! What dies at the worst moment: between the call and the record, with the sender or with the log.

use std::time::Duration;

use relevo_domain::conversation::{DeliveryStatus, Medium};
use relevo_testkit::eventually;

use crate::away::Away;
use crate::world::{Answer, CALL_LIMIT, Node, World, now, pass};

/// The claim's time, the call's time-out with its grace, and the margin, almost over.
const ALMOST: Duration = Duration::from_secs(10 + 5 + 2 + 30 - 2);
/// And over, with the former.
const REST: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_sender_that_dies_after_the_call_leaves_an_unknown_outcome_that_a_report_resolves() {
    let world = World::new(&["wa"]).await;
    let (first, second) = (world.node().await, world.node().await);
    let conversation = first.open(1, "wa", Medium::WhatsApp).await;
    let message = first.send(conversation).await;
    world.door.answers("wa", [Answer::Silence]);
    let sender = first.sends(&world);
    eventually("the message is handed over", async || (world.door.calls() == [message]).then_some(())).await;
    sender.kill().await;

    // The other node does not touch it before every clock is sure.
    let _sender = second.sends(&world);
    let witness = second.open(2, "wa", Medium::WhatsApp).await;
    pass(ALMOST);
    let shown = second.send(witness).await;
    second.until(witness, shown, "MessageAccepted").await;
    assert_eq!(second.story_of(conversation, message).await, ["MessageQueued", "SendStarted"]);
    pass(REST);
    second.until(conversation, message, "SendOutcomeUnknown").await;

    second.reported(conversation, message, "wa", DeliveryStatus::Sent).await;

    let story = second.story_of(conversation, message).await;
    assert!(story.contains(&"MessageAccepted"), "{story:?}");
    assert_eq!(world.door.calls_of(message), 1);
    // And whatever comes after it goes on.
    let next = second.send(conversation).await;
    second.until(conversation, next, "MessageAccepted").await;
    assert_eq!(world.door.calls_of(message), 1);
}

#[tokio::test]
async fn a_report_that_is_quicker_than_the_doubt_is_enough() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let message = node.send(conversation).await;
    world.door.answers("wa", [Answer::Silence]);
    let sender = node.sends(&world);
    eventually("the message is handed over", async || (world.door.calls() == [message]).then_some(())).await;
    sender.kill().await;

    node.reported(conversation, message, "wa", DeliveryStatus::Delivered).await;
    pass(ALMOST + REST);
    let _sender = node.sends(&world);
    let next = node.send(conversation).await;

    node.until(conversation, next, "MessageAccepted").await;
    let story = node.story_of(conversation, message).await;
    assert!(!story.contains(&"SendOutcomeUnknown"), "{story:?}");
    assert_eq!(world.door.calls(), [message, next]);
}

#[tokio::test]
async fn a_log_that_is_away_after_the_call_is_told_when_it_is_back() {
    let mut world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let message = node.send(conversation).await;
    world.door.answers("wa", [Answer::Gate]);
    let _sender = node.sends(&world);
    eventually("the message is handed over", async || (world.door.calls() == [message]).then_some(())).await;

    world.server.kill9();
    world.door.open_gate();
    world.server.restart().await;

    let story = node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    assert_eq!(world.door.calls(), [message]);
}

#[tokio::test]
async fn a_log_that_is_away_while_a_claim_is_asked_for_costs_no_attempt() {
    let world = World::new(&["wa"]).await;
    let away = Away::from(world.node().await.log);
    let node = Node::over(away.clone()).await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let message = node.send(conversation).await;
    away.refuse_appends(true);
    let _sender = node.sends(&world);
    eventually("the claim is asked for", async || (away.refused() > 0).then_some(())).await;
    pass(Duration::from_mins(2));
    let back = now();

    away.refuse_appends(false);

    let story = node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    let [until] = node.claims_of(conversation, message).await.try_into().unwrap();
    assert!(until > back, "its time is one of now");
    assert_eq!(world.door.calls(), [message]);
}

#[tokio::test]
async fn a_claim_that_was_stored_without_an_answer_is_used_with_the_time_that_is_stored() {
    let world = World::new(&["wa"]).await;
    let away = Away::from(world.node().await.log);
    let node = Node::over(away.clone()).await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let message = node.send(conversation).await;
    away.forget_an_answer();
    let _sender = node.sends(&world);

    let story = node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    assert_eq!(away.refused(), 1, "its answer was lost");
    assert_eq!(world.door.deadlines(), node.claims_of(conversation, message).await);
}

#[tokio::test]
async fn a_sender_that_stops_while_a_call_hangs_does_not_wait_for_ever() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let message = node.send(conversation).await;
    world.door.answers("wa", [Answer::Silence]);
    let sender = node.sends(&world);
    eventually("the message is handed over", async || (world.door.calls() == [message]).then_some(())).await;
    let began = std::time::Instant::now();

    sender.stop().await;

    assert!(began.elapsed() < CALL_LIMIT * 3, "{:?}", began.elapsed());
    assert_eq!(node.story_of(conversation, message).await.last(), Some(&"SendOutcomeUnknown"));
}
