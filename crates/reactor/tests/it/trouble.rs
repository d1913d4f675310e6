//! Trouble: a log that is away, and a timer that can never come to pass.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::{Actor, AgentId};
use relevo_testkit::{NatsServer, eventually};

use crate::world::{Node, conversation, now, pass, pause, tenant};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn what_is_due_while_the_log_is_away_comes_to_pass_once_when_it_is_back() {
    let mut server = NatsServer::sync_always().await;
    let node = Node::new(&server).await;
    let all = [node.open(1).await, node.open(2).await, node.open(3).await];
    for conversation in all {
        node.staff(conversation, pause(Some(now() + MINUTE))).await;
    }
    let view = node.views.get(relevo_reactor::timers::NAME).unwrap();
    eventually("the view has them", async || {
        let pending = relevo_reactor::timers::pending_of(&*view.snapshot().ok()?, &tenant(), all[2]).ok()?;
        (!pending.is_empty()).then_some(())
    })
    .await;
    server.kill9();
    let reactor = node.reacts();
    pass(2 * MINUTE);
    server.restart().await;
    for conversation in all {
        eventually("it comes to pass", async || {
            let tail = node.log.tail(&tenant(), &conversation, 0).await.ok()?;
            tail.last().is_some_and(|last| last.commit.actor == Actor::System).then_some(())
        })
        .await;
    }
    reactor.stop().await;
    for conversation in all {
        assert_eq!(node.fired(conversation).await.len(), 1);
    }
}

#[tokio::test]
async fn a_timer_that_can_never_come_to_pass_holds_up_no_other() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    // Pauses of conversations that were never opened: more than come to pass at the same time, and due before all others.
    for number in 100..140 {
        let terms = PauseTerms { until: Some(now() - MINUTE), locked: false };
        let (reason, personal) = (PauseReason::Complaint, NotePersonal::default());
        let event = ConversationEvent::BotPaused { reason, automatic: false, terms, personal };
        let laura = Actor::Staff(AgentId::new("laura").unwrap());
        assert!(node.append(conversation(number), laura, vec![event]).await);
    }
    let (first, second) = (node.open(1).await, node.open(2).await);
    let reactor = node.reacts();
    for ana in [first, second] {
        let until = now() + Duration::from_millis(500);
        node.staff(ana, pause(Some(until))).await;
        let late = node.until_fired(ana).await.commit.recorded_at.since(until);
        assert!(late < Duration::from_secs(1), "{late:?} late");
    }
    reactor.stop().await;
    assert_eq!(node.fired(conversation(100)).await, []);
}
