//! Who sees which pauses. An assignment changes it, so the view follows assignments.

use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Medium, PauseReason};
use relevo_domain::{EntityId, EntityKind, TeamId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projector_pause::{counts, history, pause, paused};

use crate::support::{Folded, bot_paused, demo};

fn to_team(team: &str) -> ConversationEvent {
    ConversationEvent::Assigned { agent: None, team: Some(TeamId::new(team).unwrap()), how: AssignmentHow::Manual }
}

/// In both tenants, all paused: 1 nobody's, 2 ventas' since before the pause, 3 soporte's since after it, 4 on another channel.
fn twins() -> Story {
    let mut story = Story::new();
    for tenant in ["demo", "demo-b"] {
        for number in 1..=4u8 {
            let channel = if number == 4 { "wa-second" } else { "wa-main" };
            let id = story.tenant(tenant).open(number, channel, Medium::WhatsApp, "Ana");
            let pause = bot_paused(PauseReason::Complaint, false, Some(tenant));
            let events = match number {
                2 => vec![to_team("ventas"), pause],
                3 => vec![pause, to_team("soporte")],
                _ => vec![pause],
            };
            story.tell(id, staff("sofia"), events);
        }
    }
    story
}

#[test]
fn two_tenants_with_the_same_contents_see_nothing_of_each_other() {
    let folded = Folded::of(&twins());
    for tenant in ["demo", "demo-b"] {
        let caller = supervisor(tenant);
        let page = folded.page(&folded.query(None, &caller));
        assert_eq!(page.rows.len(), 4);
        assert!(page.rows.iter().all(|row| row.pause.note.as_deref() == Some(tenant)));
        assert_eq!(folded.counts(&caller), ["complaint=4+0"]);
    }
    let (stranger, id) = (supervisor("demo-b"), EntityId::new(EntityKind::Conversation, [1; 16]));
    let query = folded.query(None, &stranger);
    assert!(paused(&folded.snapshot, &demo(), &query).unwrap().rows.is_empty());
    assert_eq!(pause(&folded.snapshot, &demo(), id, &stranger).unwrap(), None);
    assert_eq!(history(&folded.snapshot, &demo(), id, &stranger, None, 10).unwrap(), None);
    assert!(counts(&folded.snapshot, &demo(), &stranger).unwrap().is_empty());
}

#[test]
fn an_agent_sees_and_counts_only_what_is_granted() {
    let folded = Folded::of(&twins());
    let laura = agent("demo", "laura", &["wa-main"], &["ventas"]);
    assert_eq!((folded.numbers(None, &laura), folded.counts(&laura)), (vec![1, 2], vec!["complaint=2+0".to_owned()]));
    let martin = agent("demo", "martin", &[], &["soporte"]);
    assert_eq!(
        (folded.numbers(None, &martin), folded.counts(&martin)),
        (vec![1, 3, 4], vec!["complaint=3+0".to_owned()])
    );
    for (number, seen) in [(1, true), (2, true), (3, false), (4, false)] {
        let id = EntityId::new(EntityKind::Conversation, [number; 16]);
        assert_eq!(pause(&folded.snapshot, &demo(), id, &laura).unwrap().is_some(), seen, "{number}");
        let history = history(&folded.snapshot, &demo(), id, &laura, None, 10).unwrap();
        assert_eq!(history.is_some(), seen, "{number}");
    }
}
