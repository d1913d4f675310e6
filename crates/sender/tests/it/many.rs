//! Many conversations, two senders: each message once, each conversation in order, whatever the log does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::Medium;
use relevo_domain::{EntityId, MessageId};
use relevo_eventlog::{Faults, MemoryLog};
use relevo_testkit::eventually_within;

use crate::world::{Node, World};

/// Long for a machine on which everybody builds.
const WITHIN: Duration = Duration::from_secs(25);

async fn queue(node: &Node, conversations: u32, each: usize) -> HashMap<EntityId, Vec<MessageId>> {
    let mut queued: HashMap<EntityId, Vec<MessageId>> = HashMap::new();
    for number in 0..conversations {
        let conversation = node.open(number, "wa", Medium::WhatsApp).await;
        for _ in 0..each {
            queued.entry(conversation).or_default().push(node.send(conversation).await);
        }
    }
    queued
}

/// Waits until everything is accepted; then each was handed over once, in its conversation's order.
async fn check(world: &World, node: &Node, queued: &HashMap<EntityId, Vec<MessageId>>) {
    let all: usize = queued.values().map(Vec::len).sum();
    eventually_within("everything is handed over", WITHIN, async || (world.door.calls().len() >= all).then_some(()))
        .await;
    for (conversation, messages) in queued {
        for message in messages {
            let story = node.until(*conversation, *message, "MessageAccepted").await;
            assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
        }
    }
    let calls = world.door.calls();
    assert_eq!(calls.len(), all);
    for messages in queued.values() {
        let order: Vec<&MessageId> = calls.iter().filter(|called| messages.contains(called)).collect();
        assert_eq!(order, messages.iter().collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_senders_hand_each_of_six_hundred_messages_over_once_and_in_order() {
    let world = World::new(&["wa"]).await;
    let (first, second) = (world.node().await, world.node().await);
    let queued = queue(&first, 200, 3).await;

    let _senders = (first.sends(&world), second.sends(&world));

    check(&world, &first, &queued).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_loses_answers_leads_to_no_second_call() {
    let world = World::new(&["wa"]).await;
    let log = Arc::new(MemoryLog::new());
    let (first, second) = (Node::over(log.clone()).await, Node::over(log.clone()).await);
    let queued = queue(&first, 20, 3).await;
    log.set_faults(Faults::STORM);

    let _senders = (first.sends(&world), second.sends(&world));

    check(&world, &first, &queued).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_pause_and_a_claim_one_comes_first_and_what_was_cancelled_is_never_called() {
    let world = World::new(&["wa"]).await;
    let (first, second) = (world.node().await, world.node().await);
    let mut queued = Vec::new();
    for number in 0..60 {
        let conversation = first.open(number, "wa", Medium::WhatsApp).await;
        queued.push((conversation, first.bot_sends(conversation).await));
    }
    let _senders = (first.sends(&world), second.sends(&world));

    // From the other end, so that the pauses meet the senders somewhere in the middle.
    let mut paused_before_its_call = 0;
    for (conversation, message) in queued.iter().rev() {
        first.pause_bot(*conversation).await;
        let cancelled = first.story_of(*conversation, *message).await.contains(&"SendCancelled");
        // The pause has answered: whatever was not claimed then is never handed over.
        assert!(!cancelled || world.door.calls_of(*message) == 0);
        paused_before_its_call += usize::from(cancelled);
    }

    for (conversation, message) in &queued {
        let story = eventually_within("it is cancelled or sent", WITHIN, async || {
            let story = first.story_of(*conversation, *message).await;
            matches!(story.last(), Some(&"SendCancelled" | &"MessageAccepted")).then_some(story)
        })
        .await;
        let called = world.door.calls_of(*message);
        assert_eq!(called, usize::from(!story.contains(&"SendCancelled")), "{story:?}");
    }
    assert_eq!(world.door.calls().len() + paused_before_its_call, queued.len());
    assert!(paused_before_its_call > 0, "no pause was ever first: this run proves nothing");
}
