//! Who sees what: tenants, channels, teams.

use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Medium};
use relevo_domain::{AgentId, Caller, EntityId, EntityKind, Position, Role, TeamId, TenantId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, contact_id, staff, supervisor};
use relevo_projector_inbox::{
    Changes, Counters, Filter, Sort, Tab, changed_since, contact, conversation, counters, place, tags, thread,
};

use crate::support::{Folded, NOON, demo, everything, numbers, with};

/// The same contents in two tenants.
fn twins() -> Story {
    let mut story = Story::new();
    for tenant in ["demo", "demo-b"] {
        for number in 1..=3 {
            let id = story.tenant(tenant).open(number, "wa-main", Medium::WhatsApp, tenant);
            story.customer(id, tenant);
            let laura = Some(AgentId::new("laura").unwrap());
            story.tell(
                id,
                staff("laura"),
                [ConversationEvent::Assigned { agent: laura, team: None, how: AssignmentHow::Claim }],
            );
        }
    }
    story
}

#[test]
fn two_tenants_with_the_same_contents_see_nothing_of_each_other() {
    let folded = Folded::of(&twins());
    for name in ["demo", "demo-b"] {
        let (tenant, caller) = (TenantId::new(name).unwrap(), supervisor(name));
        for tab in [Tab::All, Tab::Mine(AgentId::new("laura").unwrap())] {
            let page = folded.list(&with(&caller, Filter { tab, ..Filter::default() }));
            assert_eq!(numbers(&page), [1, 2, 3]);
            assert!(page.rows.iter().all(|row| row.preview == name && row.contact_name == name));
        }
        let found = contact(&folded.snapshot, &tenant, contact_id(1), &caller).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.conversations.len()), (name, 1));
        // Opened, message and assignment: nothing of the other's.
        let id = EntityId::new(EntityKind::Conversation, [1; 16]);
        assert_eq!(thread(&folded.snapshot, &tenant, id, &caller, None, 200).unwrap().unwrap().entries.len(), 3);
    }
}

#[test]
fn a_caller_of_another_tenant_gets_nothing_even_when_asking_for_it() {
    let folded = Folded::of(&twins());
    let stranger = supervisor("demo-b");
    let id = EntityId::new(EntityKind::Conversation, [1; 16]);
    let page = everything(&stranger).of(&folded.snapshot, &demo());
    assert!(page.rows.is_empty() && page.total == 0);
    assert_eq!(counters(&folded.snapshot, &demo(), &stranger, NOON).unwrap(), Counters::default());
    let found = place(&folded.snapshot, &demo(), &Filter::default(), Sort::Waiting, &stranger, NOON, id).unwrap();
    assert_eq!(found, None);
    assert_eq!(conversation(&folded.snapshot, &demo(), id, &stranger, NOON).unwrap(), None);
    assert_eq!(thread(&folded.snapshot, &demo(), id, &stranger, None, 10).unwrap(), None);
    assert_eq!(contact(&folded.snapshot, &demo(), contact_id(1), &stranger).unwrap(), None);
}

/// 1 nobody's, 2 of team ventas, 3 of team soporte, 4 Laura's through soporte, 5 Martín's, 6 on another channel.
fn teams() -> Story {
    let mut story = Story::new();
    for number in 1..=6u8 {
        let channel = if number == 6 { "wa-second" } else { "wa-main" };
        let id = story.open(number, channel, Medium::WhatsApp, "Ana");
        story.customer(id, "hola");
        let (agent, team) = match number {
            2 => (None, Some("ventas")),
            3 => (None, Some("soporte")),
            4 => (Some("laura"), Some("soporte")),
            5 => (Some("martin"), None),
            _ => continue,
        };
        let agent = agent.map(|name| AgentId::new(name).unwrap());
        let team = team.map(|name| TeamId::new(name).unwrap());
        story.tell(id, staff("sofia"), [ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual }]);
    }
    story
}

fn sees(folded: &Folded, caller: &Caller) -> Vec<u8> {
    numbers(&folded.list(&everything(caller)))
}

#[test]
fn an_agent_sees_what_is_granted_and_what_is_their_own() {
    let folded = Folded::of(&teams());
    let laura = agent("demo", "laura", &["wa-main"], &["ventas"]);
    assert_eq!(sees(&folded, &supervisor("demo")), [1, 2, 3, 4, 5, 6]);
    assert_eq!(sees(&folded, &laura), [1, 2, 4, 5], "her own, nobody's, her team's, a colleague's without a team");
    let second = agent("demo", "ana", &["wa-second"], &[]);
    assert_eq!(sees(&folded, &second), [6]);
    // By id as by list.
    for number in 1..=6u8 {
        let id = EntityId::new(EntityKind::Conversation, [number; 16]);
        let listed = [1, 2, 4, 5].contains(&number);
        assert_eq!(conversation(&folded.snapshot, &demo(), id, &laura, NOON).unwrap().is_some(), listed, "{number}");
        assert_eq!(thread(&folded.snapshot, &demo(), id, &laura, None, 1).unwrap().is_some(), listed, "{number}");
        assert_eq!(
            contact(&folded.snapshot, &demo(), contact_id(number), &laura).unwrap().is_some(),
            listed,
            "{number}"
        );
    }
}

#[test]
fn an_id_of_another_kind_is_no_conversation() {
    let folded = Folded::of(&teams());
    for kind in [EntityKind::Contact, EntityKind::Identity, EntityKind::Channel] {
        let id = EntityId::new(kind, [1; 16]);
        assert_eq!(conversation(&folded.snapshot, &demo(), id, &supervisor("demo"), NOON).unwrap(), None);
    }
}

#[test]
fn counters_and_places_and_searches_obey_access() {
    let folded = Folded::of(&teams());
    let laura = agent("demo", "laura", &["wa-main"], &["ventas"]);
    let counted = counters(&folded.snapshot, &demo(), &laura, NOON).unwrap();
    assert_eq!((counted.mine.open, counted.unassigned.open, counted.all.open), (1, 2, 4));
    let all = counters(&folded.snapshot, &demo(), &supervisor("demo"), NOON).unwrap();
    assert_eq!((all.mine.open, all.unassigned.open, all.all.open, all.all.unread), (0, 4, 6, 6));
    let service = Caller { role: Role::Service, ..supervisor("demo") };
    assert_eq!(counters(&folded.snapshot, &demo(), &service, NOON).unwrap(), Counters::default());
    assert!(sees(&folded, &service).is_empty());
    let search = Filter { search: Some("ana".to_owned()), ..Filter::default() };
    assert_eq!(numbers(&folded.list(&with(&laura, search.clone()))), [1, 2, 4, 5]);
    for number in 1..=6u8 {
        let id = EntityId::new(EntityKind::Conversation, [number; 16]);
        let placed = place(&folded.snapshot, &demo(), &search, Sort::Priority, &laura, NOON, id).unwrap();
        assert_eq!(placed.is_some(), [1, 2, 4, 5].contains(&number), "{number}");
    }
}

#[test]
fn a_tenant_of_which_nothing_is_known_is_empty_and_no_error() {
    let folded = Folded::of(&teams());
    let (tenant, caller) = (TenantId::new("nobody").unwrap(), supervisor("nobody"));
    assert!(everything(&caller).of(&folded.snapshot, &tenant).rows.is_empty());
    assert_eq!(counters(&folded.snapshot, &tenant, &caller, NOON).unwrap(), Counters::default());
    let changes = changed_since(&folded.snapshot, &tenant, Position::START, 10).unwrap();
    assert_eq!(changes, Changes { conversations: Vec::new(), complete: true });
    assert_eq!(tags(&folded.snapshot, &tenant).unwrap(), []);
}
