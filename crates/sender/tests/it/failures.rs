//! What follows of each class of failure, for the message and for its channel.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, FailureClass, Medium};
use relevo_providers::{Health, Part};
use relevo_testkit::{eventually, eventually_within};

use crate::forgetful::FORGOTTEN;
use crate::world::{Answer, World, account, channel, pass, tenant};

#[tokio::test]
async fn each_class_of_failure_ends_as_it_should() {
    let names: Vec<String> = FailureClass::ALL.iter().map(|class| class.as_str().replace('_', "-")).collect();
    let channels: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::new(&channels).await;
    let node = world.node().await;
    let mut sent = Vec::new();
    for (number, (class, name)) in (1..).zip(FailureClass::ALL.into_iter().zip(&channels)) {
        let conversation = node.open(number, name, Medium::WhatsApp).await;
        world.door.answers(name, [Answer::Fail(class, "1")]);
        sent.push((class, conversation, node.send(conversation).await));
    }
    let _sender = node.sends(&world);

    for (class, conversation, message) in &sent {
        if *class == FailureClass::Auth {
            // Tried again when somebody has changed the account.
            node.until(*conversation, *message, "SendFailed").await;
            let mended = channels.iter().map(|name| account(name, if *name == "auth" { 2 } else { 1 }));
            world.accounts.replace(mended);
        }
        let last = if class.waits() { "MessageAccepted" } else { "SendFailed" };
        let story = node.until(*conversation, *message, last).await;
        let expected: &[&str] = if class.waits() {
            &["MessageQueued", "SendStarted", "SendFailed", "SendStarted", "MessageAccepted"]
        } else {
            &["MessageQueued", "SendStarted", "SendFailed"]
        };
        assert_eq!(story, expected, "{class:?}");
        assert_eq!(world.door.calls_of(*message), if class.waits() { 2 } else { 1 }, "{class:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_prepared_is_never_handed_over() {
    let world = World::new(&["file", "auth", "busy"]).await;
    let node = world.node().await;
    world.door.refuses_to_prepare("file", FailureClass::File, "131053");
    world.door.refuses_to_prepare("auth", FailureClass::Auth, "190");
    world.door.refuses_to_prepare("busy", FailureClass::Transient, "2");
    let file = node.open(1, "file", Medium::WhatsApp).await;
    let auth = node.open(2, "auth", Medium::WhatsApp).await;
    let busy = node.open(3, "busy", Medium::WhatsApp).await;
    let (gone, held, later) = (node.send(file).await, node.send(auth).await, node.send(busy).await);
    let _sender = node.sends(&world);

    // The first is final, the last is prepared again after a second.
    assert_eq!(node.until(file, gone, "SendFailed").await, ["MessageQueued", "SendFailed"]);
    let story = node.until(busy, later, "MessageAccepted").await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "MessageAccepted"]);
    assert_eq!(world.door.calls(), [later]);

    // Of the channel that is stopped nothing stands on the log, and people are told.
    assert_eq!(node.story_of(auth, held).await, ["MessageQueued"]);
    let health = world.board.of(&(tenant(), channel("auth"))).remove(&Part::Sending);
    assert!(matches!(health, Some(Health::Broken { class: FailureClass::Auth, .. })), "{health:?}");
}

#[tokio::test]
async fn a_channel_that_is_too_fast_waits_as_a_whole() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let first = node.open(1, "wa", Medium::WhatsApp).await;
    let second = node.open(2, "wa", Medium::WhatsApp).await;
    let wait = Duration::from_secs(2);
    world.door.answers("wa", [Answer::FailLater(FailureClass::Throttled, "130429", wait)]);
    let a = node.send(first).await;
    let _sender = node.sends(&world);
    node.until(first, a, "SendFailed").await;
    let refused = std::time::Instant::now();

    let b = node.send(second).await;

    node.until(second, b, "MessageAccepted").await;
    node.until(first, a, "MessageAccepted").await;
    assert!(refused.elapsed() >= Duration::from_millis(1_500), "{:?}", refused.elapsed());
}

#[tokio::test]
async fn the_pair_limit_holds_up_its_own_conversation_alone() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let first = node.open(1, "wa", Medium::WhatsApp).await;
    let second = node.open(2, "wa", Medium::WhatsApp).await;
    let long = Duration::from_mins(10);
    world.door.answers("wa", [Answer::FailLater(FailureClass::PairLimit, "131056", long)]);
    let a = node.send(first).await;
    let _sender = node.sends(&world);
    node.until(first, a, "SendFailed").await;

    let b = node.send(second).await;

    node.until(second, b, "MessageAccepted").await;
    assert_eq!(world.door.calls(), [a, b]);
    pass(long);
    node.until(first, a, "MessageAccepted").await;
}

#[tokio::test]
async fn a_number_of_bad_quality_still_answers_but_does_not_speak_first() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let asleep = node.open(1, "wa", Medium::WhatsApp).await;
    let cold = node.open(2, "wa", Medium::WhatsApp).await;
    pass(Duration::from_hours(25));
    let awake = node.open(3, "wa", Medium::WhatsApp).await;
    world.door.answers("wa", [Answer::Fail(FailureClass::Quality, "131048")]);
    let refused = node.send_template(asleep).await;
    let _sender = node.sends(&world);
    node.until(asleep, refused, "SendFailed").await;

    let first = node.send_template(cold).await;
    let answer = node.send(awake).await;
    let template = node.send_template(awake).await;

    node.until(awake, answer, "MessageAccepted").await;
    node.until(awake, template, "MessageAccepted").await;
    assert_eq!(node.story_of(cold, first).await, ["MessageQueued"]);
    assert_eq!(world.door.calls(), [refused, answer, template]);
}

#[tokio::test]
async fn an_unknown_outcome_is_told_and_the_next_message_goes_on() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    world.door.answers("wa", [Answer::Unknown]);
    let (lost, next) = (node.send(conversation).await, node.send(conversation).await);
    let _sender = node.sends(&world);

    node.until(conversation, next, "MessageAccepted").await;

    let story = node.story_of(conversation, lost).await;
    assert_eq!(story, ["MessageQueued", "SendStarted", "SendOutcomeUnknown"]);
    assert_eq!(world.door.calls(), [lost, next]);
}

#[tokio::test]
async fn a_call_that_never_ends_is_unknown() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    world.door.answers("wa", [Answer::Silence]);
    let message = node.send(conversation).await;
    let _sender = node.sends(&world);

    eventually_within("the call is given up", Duration::from_secs(20), async || {
        let last = node.last_event(conversation, message).await;
        matches!(last, ConversationEvent::SendOutcomeUnknown { attempt: 1, .. }).then_some(())
    })
    .await;
    eventually("nothing else happens", async || (world.door.calls() == [message]).then_some(())).await;
}

#[tokio::test]
async fn templates_that_are_held_do_not_take_the_place_of_answers() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let mut cold = Vec::new();
    for number in 1..=41 {
        cold.push(node.open(number, "wa", Medium::WhatsApp).await);
    }
    pass(Duration::from_hours(25));
    let awake = node.open(50, "wa", Medium::WhatsApp).await;
    let wait = Duration::from_secs(5);
    let answers =
        [Answer::Fail(FailureClass::Quality, "131048"), Answer::FailLater(FailureClass::Throttled, "130429", wait)];
    world.door.answers("wa", answers);
    let asleep = cold.remove(0);
    let refused = node.send_template(asleep).await;
    let _sender = node.sends(&world);
    node.until(asleep, refused, "SendFailed").await;
    // The channel is held back, and one message at a time is enough for it. Nobody sees what is queued before all of it is.
    let answer = node.send(awake).await;
    node.until(awake, answer, "SendFailed").await;
    world.accounts.replace([]);
    for conversation in &cold {
        node.send_template(*conversation).await;
    }
    world.accounts.replace([account("wa", 1)]);

    eventually_within("the answer goes", Duration::from_secs(20), async || {
        let story = node.story_of(awake, answer).await;
        (story.last() == Some(&"MessageAccepted")).then_some(())
    })
    .await;
    assert_eq!(world.door.calls(), [refused, answer, answer]);
}

#[tokio::test]
async fn an_account_that_changes_while_a_message_is_prepared_is_not_used_any_more() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(1, "wa", Medium::WhatsApp).await;
    world.door.let_prepare(false);
    let message = node.send(conversation).await;
    let _sender = node.sends(&world);
    eventually("it is being prepared", async || (world.door.prepared() == 1).then_some(())).await;

    world.accounts.replace([account("wa", 2)]);
    world.door.let_prepare(true);

    node.until(conversation, message, "MessageAccepted").await;
    assert_eq!(world.door.revisions(), [2]);
}

#[tokio::test]
async fn what_waits_where_the_view_does_not_look_is_told_and_given_up_in_the_end() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let conversation = node.open(FORGOTTEN, "wa", Medium::WhatsApp).await;
    let first = node.send(conversation).await;
    let fine = node.open(1, "wa", Medium::WhatsApp).await;
    let shown = node.send(fine).await;
    let sender = node.sends(&world);
    let told = async || {
        let health = world.board.of(&(tenant(), channel("wa"))).remove(&Part::Sending);
        let is_told = matches!(&health, Some(Health::Broken { code: Some(code), .. }) if code == "conversation-parked");
        is_told.then_some(())
    };
    eventually_within("operators see it", Duration::from_secs(30), told).await;
    node.until(fine, shown, "MessageAccepted").await;
    let second = node.send(fine).await;
    node.until(fine, second, "MessageAccepted").await;
    assert!(told().await.is_some(), "what else is sent does not make it good");
    assert_eq!(node.story_of(conversation, first).await, ["MessageQueued"]);

    sender.stop().await;
    pass(Duration::from_hours(25));
    let _sender = node.sends(&world);
    eventually_within("it is given up", Duration::from_secs(30), async || {
        let last = node.last_event(conversation, first).await;
        matches!(last, ConversationEvent::SendFailed { retry_at: None, .. }).then_some(())
    })
    .await;
    assert_eq!(world.door.calls(), [shown, second]);
}
