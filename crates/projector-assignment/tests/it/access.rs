//! Who sees whose assignments.

use relevo_domain::conversation::{AssignmentHow, Medium};
use relevo_domain::{EntityId, EntityKind};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projector_assignment::{Filter, Queue, assignment, assignments, history, loads, queue};

use crate::support::{Folded, assigned, demo};

/// In both tenants: 1 Laura's through soporte, 2 Martín's, 3 of team ventas, 4 of team soporte on another channel.
fn twins() -> Story {
    let mut story = Story::new();
    for tenant in ["demo", "demo-b"] {
        for number in 1..=4u8 {
            let channel = if number == 4 { "wa-second" } else { "wa-main" };
            let id = story.tenant(tenant).open(number, channel, Medium::WhatsApp, "Ana");
            let (agent, team) = match number {
                1 => (Some("laura"), Some("soporte")),
                2 => (Some("martin"), None),
                3 => (None, Some("ventas")),
                _ => (None, Some("soporte")),
            };
            story.tell(id, staff("sofia"), [assigned(agent, team, AssignmentHow::Manual)]);
        }
    }
    story
}

#[test]
fn two_tenants_with_the_same_contents_see_nothing_of_each_other() {
    let folded = Folded::of(&twins());
    for tenant in ["demo", "demo-b"] {
        let caller = supervisor(tenant);
        assert_eq!(folded.numbers(Filter::Everybody, &caller), [1, 2, 3, 4]);
        assert_eq!(folded.loads(&caller), ["laura=1", "martin=1", "soporte=2", "ventas=1"]);
        assert_eq!(folded.queued(Queue::All, &caller), [3, 4]);
        assert_eq!(folded.lengths(&caller), ["soporte=1", "ventas=1"]);
    }
    let (stranger, id) = (supervisor("demo-b"), EntityId::new(EntityKind::Conversation, [1; 16]));
    let (query, line) = (folded.query(Filter::Everybody, &stranger), folded.queue_query(Queue::All, &stranger));
    assert!(assignments(&folded.snapshot, &demo(), &query).unwrap().rows.is_empty());
    assert!(queue(&folded.snapshot, &demo(), &line).unwrap().rows.is_empty());
    assert_eq!(assignment(&folded.snapshot, &demo(), id, &stranger, folded.now).unwrap(), None);
    assert_eq!(history(&folded.snapshot, &demo(), id, &stranger, None, 10).unwrap(), None);
    let foreign = loads(&folded.snapshot, &demo(), &stranger, folded.now).unwrap();
    assert!(foreign.agents.is_empty() && foreign.teams.is_empty() && foreign.queues.is_empty());
}

#[test]
fn an_agent_sees_and_counts_only_what_is_granted() {
    let folded = Folded::of(&twins());
    let laura = agent("demo", "laura", &["wa-main"], &["ventas"]);
    assert_eq!(
        folded.numbers(Filter::Everybody, &laura),
        [1, 2, 3],
        "her own, a colleague's without a team, her team's"
    );
    assert_eq!(folded.loads(&laura), ["laura=1", "martin=1", "soporte=1", "ventas=1"]);
    assert_eq!((folded.queued(Queue::All, &laura), folded.lengths(&laura)), (vec![3], vec!["ventas=1".to_owned()]));
    let martin = agent("demo", "martin", &["wa-main"], &[]);
    assert_eq!(folded.numbers(Filter::Everybody, &martin), [2]);
    assert_eq!(folded.loads(&martin), ["martin=1"]);
    let id = EntityId::new(EntityKind::Conversation, [1; 16]);
    assert!(folded.queued(Queue::All, &martin).is_empty() && folded.lengths(&martin).is_empty());
    assert_eq!(assignment(&folded.snapshot, &demo(), id, &martin, folded.now).unwrap(), None);
    assert_eq!(history(&folded.snapshot, &demo(), id, &martin, None, 10).unwrap(), None);
}
