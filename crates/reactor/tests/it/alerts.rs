//! Alerts: as long after something began as the tenant wants, once, and not for what has changed since.

use std::time::Duration;

use relevo_command::TimerPolicy;
use relevo_domain::conversation::{Alert, CatchUp, Command};
use relevo_domain::{Actor, EntityId, Timestamp};
use relevo_testkit::{NatsServer, eventually};

use crate::world::{Node, conversation, now, pass, pause};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What a tenant wants that waits for nobody's convenience.
fn policy(unanswered: Option<Duration>, too_long: Option<Duration>) -> TimerPolicy {
    TimerPolicy { unanswered, too_long, ..TimerPolicy::default() }
}

/// When the bot of a conversation was paused.
async fn paused_at(node: &Node, conversation: EntityId) -> Timestamp {
    node.commits_of(conversation).await.last().unwrap().commit.occurred_at
}

#[tokio::test]
async fn staff_is_alerted_once_though_two_nodes_wait_and_both_times_are_on_the_log() {
    let server = NatsServer::start().await;
    let (one, other) = (Node::new(&server).await, Node::new(&server).await);
    let after = Duration::from_secs(2);
    let reactors = [one.reacts_as(policy(Some(after), None)), other.reacts_as(policy(Some(after), None))];
    let (ana, later) = (one.open(1).await, one.open(2).await);
    one.staff(ana, pause(None)).await;
    let since = paused_at(&one, ana).await;
    one.staff(later, pause(None)).await;

    let [(alert, told, recorded)] = &one.until_alerts(ana, 1).await[..] else { panic!("one alert") };
    assert_eq!((*alert, *told), (Alert::PausedUnanswered, since), "from the pause on: she wrote before it");
    assert_eq!((&recorded.commit.actor, recorded.commit.occurred_at), (&Actor::System, since + after));
    assert!(recorded.commit.recorded_at >= since + after, "never before its time");
    let late = recorded.commit.recorded_at.since(since + after);
    assert!(late < Duration::from_secs(1), "{late:?} late");

    // Both nodes have gone on: what was due before is over.
    other.until_alerts(later, 1).await;
    for reactor in reactors {
        reactor.stop().await;
    }
    assert_eq!((one.alerts(ana).await.len(), one.alerts(later).await.len()), (1, 1));
}

#[tokio::test]
async fn what_was_due_while_nobody_ran_is_raised_at_the_start_each_once_and_not_what_has_changed_since() {
    // More than are read at a time.
    const MANY: u32 = 300;
    let server = NatsServer::start().await;
    {
        let node = Node::new(&server).await;
        for number in 0..MANY {
            node.open(number).await;
            node.staff(conversation(number), pause(None)).await;
        }
        let resume = Command::ResumeBot { catch_up: CatchUp::default(), note: None, farewell: None };
        node.staff(conversation(7), resume).await;
        node.staff(conversation(8), Command::Resolve { reason: None, note: None }).await;
    }
    pass(HOUR);
    let (one, other) = (Node::new(&server).await, Node::new(&server).await);
    let reactors = [one.reacts(), other.reacts()];
    for number in (0..MANY).filter(|number| ![7, 8].contains(number)) {
        one.until_alerts(conversation(number), 1).await;
    }
    for reactor in reactors {
        reactor.stop().await;
    }
    for number in 0..MANY {
        let alerts = one.alerts(conversation(number)).await;
        assert_eq!(alerts.len(), usize::from(![7, 8].contains(&number)), "conversation {number}");
    }
}

#[tokio::test]
async fn who_writes_again_after_an_answer_waits_anew_and_a_long_pause_is_told_besides() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let reactor = node.reacts();
    let ana = node.open(1).await;
    node.staff(ana, pause(None)).await;
    let paused = paused_at(&node, ana).await;
    pass(11 * MINUTE);
    node.until_alerts(ana, 1).await;
    // She is answered from the phone, and comes back.
    node.echoes(ana).await;
    pass(HOUR);
    node.writes(ana).await;
    let wrote = paused_at(&node, ana).await;
    pass(11 * MINUTE);
    let alerts = node.until_alerts(ana, 2).await;
    assert_eq!((alerts[1].0, alerts[1].1), (Alert::PausedUnanswered, wrote));
    pass(23 * HOUR);
    let alerts = node.until_alerts(ana, 3).await;
    assert_eq!((alerts[2].0, alerts[2].1), (Alert::PausedTooLong, paused));
    assert_eq!(alerts[2].2.commit.occurred_at, paused + 24 * HOUR);
    reactor.stop().await;
}

#[tokio::test]
async fn a_tenant_that_wants_no_alerts_gets_none_and_gets_them_when_it_does() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (ana, later) = (node.open(1).await, node.open(2).await);
    node.staff(ana, pause(None)).await;
    pass(48 * HOUR);
    // What comes after says that the reactor has looked.
    node.staff(later, pause(Some(now() + MINUTE))).await;
    let reactor = node.reacts_as(policy(None, None));
    pass(2 * MINUTE);
    node.until_fired(later).await;
    reactor.stop().await;
    assert_eq!(node.alerts(ana).await.len(), 0);
    let reactor = node.reacts_as(policy(None, Some(HOUR)));
    let alerts = node.until_alerts(ana, 1).await;
    assert_eq!(alerts[0].0, Alert::PausedTooLong);
    reactor.stop().await;
}

#[tokio::test]
async fn a_pause_ends_on_time_though_thousands_of_alerts_are_due_before_it() {
    const MANY: u32 = 1_500;
    // More than are on their way at the same time.
    const IN_FLIGHT: usize = 32;
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let paused = (0..MANY).map(async |number| {
        node.open(number).await;
        node.staff(conversation(number), pause(None)).await;
    });
    futures::future::join_all(paused).await;
    let ana = node.open(MANY).await;
    pass(HOUR);
    let ends = now() + MINUTE;
    node.staff(ana, pause(Some(ends))).await;

    let reactor = node.reacts_as(policy(None, Some(HOUR)));
    let raised = async || {
        let last = node.log.identity().await.unwrap().last_sequence;
        (last > u64::from(MANY) * 2 + 2).then_some(())
    };
    eventually("the first alert is raised", raised).await;
    // While they are raised, its time comes.
    pass(MINUTE);
    let ended = node.until_fired(ana).await;
    let mut later = 0;
    for number in 0..MANY {
        let alerts = node.until_alerts(conversation(number), 1).await;
        later += usize::from(alerts[0].2.sequence > ended.sequence);
    }
    reactor.stop().await;
    assert!(later > IN_FLIGHT, "it waited until all of them were begun: {later} came behind it");
}
