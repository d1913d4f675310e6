//! Timers that come to pass: at their time, once, however many nodes there are and whoever was down.

use std::time::Duration;

use relevo_domain::conversation::Command;
use relevo_domain::{Actor, Recorded, Timestamp};
use relevo_testkit::NatsServer;

use crate::world::{Node, change_pause, now, pass, pause, set_back, snooze};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// It came to pass by itself within the second after its time, and says both times.
fn on_time(fired: &Recorded, scheduled: Timestamp) {
    let commit = &fired.commit;
    assert_eq!((commit.actor.clone(), commit.occurred_at), (Actor::System, scheduled));
    assert!(commit.recorded_at >= scheduled, "never before its time");
    let late = commit.recorded_at.since(scheduled);
    assert!(late < Duration::from_secs(1), "{late:?} late");
}

#[tokio::test]
async fn a_pause_of_two_seconds_ends_by_itself_once_though_two_nodes_wait_for_it() {
    let server = NatsServer::start().await;
    let (one, other) = (Node::new(&server).await, Node::new(&server).await);
    let reactors = [one.reacts(), other.reacts()];
    let (ana, later) = (one.open(1).await, one.open(2).await);
    let until = now() + Duration::from_secs(2);
    one.staff(ana, pause(Some(until))).await;
    one.staff(later, pause(Some(until + Duration::from_millis(600)))).await;

    on_time(&one.until_fired(ana).await, until);

    // Both nodes have gone on: what was due before is over.
    other.until_fired(later).await;
    for reactor in reactors {
        reactor.stop().await;
    }
    assert_eq!(one.fired(ana).await.len(), 1);
    assert_eq!(other.fired(later).await.len(), 1);
}

#[tokio::test]
async fn a_snoozed_conversation_wakes_and_its_pause_goes_on() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let reactor = node.reacts();
    let ana = node.open(1).await;
    let until = now() + Duration::from_secs(1);
    node.staff(ana, pause(Some(until + HOUR))).await;
    node.staff(ana, snooze(until)).await;

    on_time(&node.until_fired(ana).await, until);

    pass(HOUR + MINUTE);
    node.until_count(ana, 2).await;
    reactor.stop().await;
}

#[tokio::test]
async fn what_was_due_while_nobody_ran_comes_to_pass_at_the_start_each_once() {
    // More than are read at a time.
    const MANY: u32 = 300;
    let server = NatsServer::start().await;
    {
        let node = Node::new(&server).await;
        for number in 0..MANY {
            let conversation = node.open(number).await;
            node.staff(conversation, pause(Some(now() + MINUTE))).await;
        }
    }
    pass(HOUR);
    let (one, other) = (Node::new(&server).await, Node::new(&server).await);
    let reactors = [one.reacts(), other.reacts()];
    for number in 0..MANY {
        let fired = one.until_fired(crate::world::conversation(number)).await;
        let late = fired.commit.recorded_at.since(fired.commit.occurred_at);
        assert!(late + 2 * MINUTE > HOUR, "both times are on the log: {late:?}");
    }
    for reactor in reactors {
        reactor.stop().await;
    }
    for number in 0..MANY {
        assert_eq!(one.fired(crate::world::conversation(number)).await.len(), 1);
    }
}

#[tokio::test]
async fn a_pause_that_is_changed_ends_at_its_new_time_or_not_at_all() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (moved, kept, by_hand, last) = (node.open(1).await, node.open(2).await, node.open(3).await, node.open(4).await);
    let until = now() + MINUTE;
    for conversation in [moved, kept, by_hand] {
        node.staff(conversation, pause(Some(until))).await;
    }
    node.staff(moved, change_pause(Some(until + 2 * MINUTE))).await;
    node.staff(kept, change_pause(None)).await;
    node.staff(
        by_hand,
        Command::ResumeBot { catch_up: relevo_domain::conversation::CatchUp::Know, note: None, farewell: None },
    )
    .await;
    node.staff(last, pause(Some(until + MINUTE))).await;
    let reactor = node.reacts();

    pass(2 * MINUTE);
    node.until_fired(last).await;
    for conversation in [moved, kept, by_hand] {
        assert_eq!(node.fired(conversation).await, [], "its time had passed before that of the last");
    }

    pass(MINUTE);
    assert_eq!(node.until_fired(moved).await.commit.occurred_at, until + 2 * MINUTE);
    reactor.stop().await;
    assert_eq!(node.fired(kept).await, []);
    assert_eq!(node.fired(by_hand).await, []);
}

#[tokio::test]
async fn a_clock_that_is_set_is_followed_and_nothing_comes_before_its_time() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let reactor = node.reacts();
    let (early, late) = (node.open(1).await, node.open(2).await);
    let (soon, hour) = (now() + 10 * MINUTE, now() + HOUR);
    node.staff(early, pause(Some(soon))).await;
    node.staff(late, pause(Some(hour))).await;

    pass(30 * MINUTE);
    node.until_fired(early).await;
    assert_eq!(node.fired(late).await, []);

    // The same minutes come again: nothing is repeated, and the later one waits for all of them.
    set_back(30 * MINUTE);
    let again = node.open(3).await;
    node.staff(again, pause(Some(soon + MINUTE))).await;
    pass(30 * MINUTE);
    node.until_fired(again).await;
    assert_eq!(node.fired(late).await, []);

    pass(30 * MINUTE + MINUTE);
    assert!(node.until_fired(late).await.commit.recorded_at >= hour);
    reactor.stop().await;
    assert_eq!(node.fired(early).await.len(), 1);
}

#[tokio::test]
async fn the_same_time_set_again_after_it_has_passed_is_a_time_of_its_own() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let reactor = node.reacts();
    let ana = node.open(1).await;
    let until = now() + 10 * MINUTE;
    node.staff(ana, pause(Some(until))).await;
    pass(20 * MINUTE);
    node.until_fired(ana).await;
    // A node whose clock is behind takes the pause for one that ends in the future.
    set_back(20 * MINUTE);
    node.staff(ana, pause(Some(until))).await;
    pass(20 * MINUTE);
    node.until_count(ana, 2).await;
    reactor.stop().await;
}
