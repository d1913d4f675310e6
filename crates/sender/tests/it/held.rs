//! More messages are held than one look examines.

use std::time::Duration;

use relevo_command::{Committed, Draft, Origin};
use relevo_domain::conversation::{Body, ConversationEvent, FailureClass, Medium};
use relevo_domain::{Actor, AgentId, CommandId, EntityId, EntityKind, Event, MessageId, Timestamp};
use relevo_projection::testing::story::outgoing;
use relevo_projection::testing::{Story, fold};
use relevo_sender::DeliveryProjector;
use relevo_sender::delivery::{self, Act, TURNS_EXAMINED_MAX};
use relevo_testkit::eventually_within;

use crate::world::{Answer, Node, World, account, channel, conversation, now, pass, template, tenant, text};

/// Conversations whose entities are written in one batch.
const BATCH: u32 = 100;

/// A conversation that the business begins with this.
fn begun(number: u32, body: Body) -> Vec<Event> {
    let contact = EntityId::new(EntityKind::Contact, [1; 16]);
    let opened = ConversationEvent::Opened { channel: channel("wa"), medium: Medium::WhatsApp, contact };
    let id = MessageId::new((u128::from(number) + 1).to_be_bytes());
    let queued =
        ConversationEvent::MessageQueued(Box::new(relevo_domain::conversation::Outgoing { body, ..outgoing(id, "") }));
    vec![Event::Conversation(opened), Event::Conversation(queued)]
}

/// Templates to so many people who have not written.
async fn templates(node: &Node, many: u32) {
    for first in (0..many).step_by(BATCH as usize) {
        let numbers = first + 1_000..(first + BATCH).min(many) + 1_000;
        let draft = |number| {
            let entity = conversation(number);
            let base = node.ledger.load(&tenant(), &entity).unwrap();
            Draft { entity, base, events: begun(number, template()) }
        };
        let origin = Origin {
            tenant: tenant(),
            command_id: CommandId::new(format!("templates-{first}")).unwrap(),
            actor: Actor::Staff(AgentId::new("laura").unwrap()),
            occurred_at: now(),
            recorded_at: now(),
            correlation: None,
            intake: None,
        };
        let stored = node.ledger.append(&origin, numbers.map(draft).collect()).await.unwrap();
        assert!(matches!(stored, Committed::Applied { .. }), "{stored:?}");
    }
}

#[tokio::test]
async fn an_answer_behind_thousands_of_held_templates_goes_within_moments() {
    let world = World::new(&["wa"]).await;
    let node = world.node().await;
    let asleep = node.open(1, "wa", Medium::WhatsApp).await;
    pass(Duration::from_hours(25));
    let awake = node.open(2, "wa", Medium::WhatsApp).await;
    world.door.answers("wa", [Answer::Fail(FailureClass::Quality, "131048")]);
    let refused = node.send_template(asleep).await;
    let _sender = node.sends(&world);
    node.until(asleep, refused, "SendFailed").await;
    // Nobody sees what is queued before all of it is.
    world.accounts.replace([]);
    templates(&node, u32::try_from(TURNS_EXAMINED_MAX).unwrap() + 50).await;
    let answer = node.send(awake).await;
    world.accounts.replace([account("wa", 1)]);

    eventually_within("the answer goes", Duration::from_secs(30), async || {
        let story = node.story_of(awake, answer).await;
        (story.last() == Some(&"MessageAccepted")).then_some(())
    })
    .await;
    assert_eq!(world.door.calls(), [refused, answer]);
}

#[test]
fn a_look_ends_after_so_many_turns_and_the_next_goes_on_behind_them() {
    let many = u32::try_from(TURNS_EXAMINED_MAX).unwrap() + 3;
    let mut story = Story::new();
    for number in 0..many {
        story.commit(conversation(number), Actor::System, begun(number, text("hola")));
    }
    let (_folder, view) = fold(DeliveryProjector, story.commits());
    let snapshot = view.snapshot().unwrap();
    let end = Timestamp::from_millis(i64::MAX);
    let look = |behind, limit, skip: &dyn Fn(EntityId) -> bool| {
        let of = (&tenant(), &channel("wa"), Act::HandOver);
        delivery::turns_behind(&*snapshot, of, behind, end, limit, skip).unwrap()
    };
    let last = conversation(many - 1);

    let first = look(None, 8, &|one| one != last);
    assert!(first.found.is_empty() && first.tired);
    assert_eq!(first.last.map(|turn| turn.conversation), Some(conversation(many - 4)));
    let second = look(first.last, 8, &|one| one != last);
    assert_eq!(second.found.iter().map(|turn| turn.conversation).collect::<Vec<_>>(), [last]);
    assert_eq!((second.last, second.tired), (None, false), "there is nothing behind it");

    let enough = look(None, 2, &|_| false);
    assert_eq!((enough.found.len(), enough.tired, enough.last), (2, false, enough.found.last().copied()));
    let exactly = look(first.last, 3, &|_| false);
    assert_eq!((exactly.found.len(), exactly.last), (3, None));
}
