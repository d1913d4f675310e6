//! One message at a time: handed over once, in order, and never after a pause.

use std::time::Duration;

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::{ConversationEvent, FailureClass, Medium};
use relevo_providers::{Health, Part};
use relevo_testkit::eventually;

use crate::world::{Answer, World, channel, key, pass, tenant};

#[tokio::test]
async fn a_queued_message_is_handed_over_and_known_by_what_its_reports_will_name() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let _sender = node.sends(&world);
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;

    let message = node.send(conversation).await;

    let story = node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    let accepted = node.last_event(conversation, message).await;
    let ConversationEvent::MessageAccepted { attempt, alias, personal, .. } = accepted else { panic!("{accepted:?}") };
    assert_eq!((attempt, alias), (1, key().message(&channel("wa"), &personal.provider_id)));
    assert_eq!(world.door.calls(), [message]);
    let health =
        eventually("the board is told", async || world.board.of(&(tenant(), channel("wa"))).remove(&Part::Sending));
    assert!(matches!(health.await, Health::Good { .. }));
}

#[tokio::test]
async fn messages_of_a_conversation_go_one_after_the_other() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let mut queued = Vec::new();
    for _ in 0..5 {
        queued.push(node.send(conversation).await);
    }
    // The second is refused for good, the third for a moment: the others wait for it, and for nothing else.
    let moment = Answer::FailLater(FailureClass::Transient, "2", Duration::ZERO);
    world.door.answers("wa", [Answer::Accept, Answer::Fail(FailureClass::Content, "131009"), moment]);

    let _sender = node.sends(&world);

    node.until(conversation, queued[4], "MessageAccepted").await;
    let again = queued[2];
    assert_eq!(world.door.calls(), [&queued[..2], &[again], &queued[2..]].concat());
    assert_eq!(node.story_of(conversation, queued[1]).await, ["MessageQueued", "SendStarted", "SendFailed"]);
}

#[tokio::test]
async fn a_pause_between_preparing_and_the_claim_means_no_call() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    world.door.let_prepare(false);
    let _sender = node.sends(&world);
    let message = node.bot_sends(conversation).await;
    eventually("the message is being prepared", async || (world.door.prepared() == 1).then_some(())).await;

    node.pause_bot(conversation).await;
    world.door.let_prepare(true);

    // Another conversation's message shows that the sender went on.
    let other = node.open(2, "wa", Medium::WhatsApp).await;
    let second = node.send(other).await;
    node.until(other, second, "MessageAccepted").await;
    assert_eq!(node.story_of(conversation, message).await, ["MessageQueued", "SendCancelled"]);
    assert_eq!(world.door.calls(), [second]);
}

#[tokio::test]
async fn a_paused_channel_hands_nothing_over_until_it_is_resumed() {
    let world = World::new(&["wa", "wa-2"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    node.channel_says("wa", ChannelEvent::ChannelPaused).await;
    let message = node.send(conversation).await;
    let _sender = node.sends(&world);
    let other = node.open(2, "wa-2", Medium::WhatsApp).await;
    let second = node.send(other).await;
    node.until(other, second, "MessageAccepted").await;
    assert_eq!(node.story_of(conversation, message).await, ["MessageQueued"]);

    node.channel_says("wa", ChannelEvent::ChannelResumed).await;

    node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(world.door.calls(), [second, message]);
}

#[tokio::test]
async fn a_slow_channel_and_a_broken_one_hold_up_no_other() {
    let world = World::new(&["slow", "broken", "fast"]).await;
    let node = world.node().await;
    world.door.answers("slow", (0..20).map(|_| Answer::Silence));
    world.door.answers("broken", (0..20).map(|_| Answer::Fail(FailureClass::Auth, "190")));
    for number in 0..20 {
        let slow = node.open(100 + number, "slow", Medium::WhatsApp).await;
        node.send(slow).await;
        let broken = node.open(200 + number, "broken", Medium::WhatsApp).await;
        node.send(broken).await;
    }
    let _sender = node.sends(&world);
    let broken = || world.board.of(&(tenant(), channel("broken"))).remove(&Part::Sending);
    eventually("the slow channel is full and the broken one stopped", async || {
        (world.door.calls().len() >= 9 && broken().is_some()).then_some(())
    })
    .await;

    let fast = node.open(1, "fast", Medium::WhatsApp).await;
    let message = node.send(fast).await;

    node.until(fast, message, "MessageAccepted").await;
    assert!(matches!(broken(), Some(Health::Broken { class: FailureClass::Auth, .. })), "{:?}", broken());
}

#[tokio::test]
async fn what_waited_too_long_is_given_up_with_the_reason() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let free = node.open(1, "wa", Medium::WhatsApp).await;
    let other = node.open(2, "wa", Medium::WhatsApp).await;
    node.channel_says("wa", ChannelEvent::ChannelPaused).await;
    pass(Duration::from_hours(23));
    let in_window = node.send(free).await;
    let template = node.send_template(other).await;
    let _sender = node.sends(&world);

    pass(Duration::from_hours(1));
    node.until(free, in_window, "SendFailed").await;
    assert_eq!(node.story_of(other, template).await, ["MessageQueued"]);
    pass(Duration::from_hours(23));
    node.until(other, template, "SendFailed").await;

    for (conversation, message, expected) in
        [(free, in_window, FailureClass::Window), (other, template, FailureClass::Expired)]
    {
        let event = node.last_event(conversation, message).await;
        let ConversationEvent::SendFailed { failure, retry_at, .. } = event else { panic!("{event:?}") };
        assert_eq!((failure.class, retry_at), (expected, None));
    }
    assert_eq!(world.door.calls(), []);
}

#[tokio::test]
async fn a_customer_who_writes_again_keeps_the_window_open() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    node.channel_says("wa", ChannelEvent::ChannelPaused).await;
    pass(Duration::from_hours(23));
    let message = node.send(conversation).await;
    node.customer_writes(conversation, "wa").await;
    let _sender = node.sends(&world);
    pass(Duration::from_hours(2));

    node.channel_says("wa", ChannelEvent::ChannelResumed).await;

    node.until(conversation, message, "MessageAccepted").await;
}

#[tokio::test]
async fn a_sender_that_is_told_to_stop_finishes_its_call_and_begins_no_other() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    let first = node.send(conversation).await;
    let second = node.send(conversation).await;
    world.door.answers("wa", [Answer::Gate]);
    let sender = node.sends(&world);
    eventually("the first is handed over", async || (world.door.calls() == [first]).then_some(())).await;

    sender.told_to_stop();
    world.door.open_gate();
    sender.ended().await;

    assert_eq!(node.story_of(conversation, first).await, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    assert_eq!(node.story_of(conversation, second).await, ["MessageQueued"]);
    assert_eq!(world.door.calls(), [first]);
}
