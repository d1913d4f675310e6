//! People whom somebody merged by hand: intake takes either for both.

use relevo_command::{Asked, ContactRequest, Contacts};
use relevo_domain::contact::Command;
use relevo_domain::{AgentId, Caller, CommandId, Role, Scope};

use super::*;

/// Whichever of the two is named first: a person's new conversation opens paused where somebody they were merged with is paused.
#[tokio::test]
async fn a_new_conversation_of_somebody_merged_with_a_paused_contact_starts_paused() {
    const OTHER: &str = "5491155550202";
    for (swapped, settled) in [(false, false), (true, false), (false, true), (true, true)] {
        let node = Node::start().await;
        node.take(1, "app", echo()).await;
        let first = on_number("101", text("w1", Some(OTHER), None));
        node.take(2, "app", meta::updates(first.to_string().as_bytes())).await;
        let entities = node.commits().await.into_iter().map(|recorded| recorded.commit.entity);
        let contacts: Vec<EntityId> = entities.filter(|entity| entity.kind() == EntityKind::Contact).collect();
        let [paused, other] = contacts.as_slice() else { panic!("{contacts:?}") };
        let (contact, other) = if swapped { (*other, *paused) } else { (*paused, *other) };
        let name = AgentId::new("carla").unwrap();
        let caller = Caller { tenant: tenant(), role: Role::Supervisor, name, scope: Scope::Tenant };
        let asked = Asked { caller, command_id: CommandId::new("m").unwrap(), expected_version: None, now: NOW };
        let request = ContactRequest { asked, contact, command: Command::Merge { other } };
        Contacts::new(Arc::clone(&node.ledger)).execute(&request).await.unwrap();
        if settled {
            node.ledger.settle().await.unwrap();
        }
        node.whatsapp(3, text("w2", Some(OTHER), None)).await;
        let opened = node.commits().await.pop().unwrap();
        let names: Vec<_> = opened.commit.events.iter().map(Event::name).collect();
        assert!(names.contains(&"ConversationOpened") && names.contains(&"BotPaused"), "{swapped}: {names:?}");
    }
}
