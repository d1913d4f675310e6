//! Where a command was applied: found by one look while it is fresh, and on every entity once it is not.

use relevo_domain::contact::{ContactEvent, NamePersonal};
use relevo_domain::{Actor, ChannelId, CommandId, EntityId, EntityKind, Event, Recorded, TenantId};
use relevo_projection::testing::{Story, fold};
use relevo_projection::{ApplyError, Projector, Rows, View};

use super::row::CommandRow;
use super::{Applied, DecisionProjector, DecisionReader, keys};

fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

fn id(name: &str) -> CommandId {
    CommandId::new(name).unwrap()
}

fn contact(number: u8) -> EntityId {
    EntityId::new(EntityKind::Contact, [number; 16])
}

/// One commit of each command on its contact, in this order.
fn commits(applied: &[(&str, u8)]) -> Vec<Recorded> {
    let mut story = Story::new();
    for (_, number) in applied {
        let personal = NamePersonal { name: Some("María".to_owned()) };
        let created = ContactEvent::Created { channel: ChannelId::new("wa").unwrap(), personal };
        story.commit(contact(*number), Actor::Customer, vec![Event::Contact(created)]);
    }
    let mut commits = story.commits().to_vec();
    for (recorded, (command, _)) in commits.iter_mut().zip(applied) {
        recorded.commit.command_id = id(command);
    }
    commits
}

fn all(view: &View, command: &str) -> Vec<Applied> {
    let snapshot = view.snapshot().unwrap();
    DecisionReader::new(&snapshot).commands(&tenant(), &id(command)).unwrap()
}

fn on(view: &View, command: &str, entity: u8) -> Option<Applied> {
    let snapshot = view.snapshot().unwrap();
    DecisionReader::new(&snapshot).command(&tenant(), &id(command), &contact(entity)).unwrap()
}

fn places(applied: &[Applied]) -> Vec<(EntityId, u64, u64)> {
    applied.iter().map(|applied| (applied.entity, applied.sequence, applied.version)).collect()
}

#[test]
fn a_fresh_command_is_known_nowhere_whatever_its_neighbours_did() {
    // Given commands whose ids stand on both sides of its own, on one entity and on several.
    let (_folder, view) = fold(DecisionProjector, &commits(&[("in-1", 1), ("in-11", 1), ("in-11", 2), ("in", 3)]));
    // When a command is looked for that nobody has sent.
    for fresh in ["in-2", "in-111", "i", "in-"] {
        // Then it is fresh, everywhere.
        assert_eq!(all(&view, fresh), vec![], "{fresh}");
        assert_eq!(on(&view, fresh, 1), None, "{fresh}");
    }
}

#[test]
fn a_command_is_known_where_it_was_applied_and_only_there() {
    let (_folder, view) = fold(DecisionProjector, &commits(&[("other", 2), ("one", 2)]));
    assert_eq!(places(&all(&view, "one")), [(contact(2), 2, 2)]);
    assert_eq!(on(&view, "one", 2), all(&view, "one").pop());
    assert_eq!(on(&view, "one", 1), None);
}

#[test]
fn a_command_on_many_entities_is_known_on_each_the_first_one_first() {
    // Given a command on as many entities as a merge has, the first of them in the middle of their ids.
    let numbers: Vec<u8> = std::iter::once(77).chain((0..128).filter(|number| *number != 77)).collect();
    let applied: Vec<_> = numbers.iter().map(|number| ("merge", *number)).chain([("merged", 7)]).collect();
    let (_folder, view) = fold(DecisionProjector, &commits(&applied));
    // When it is looked for.
    let found = all(&view, "merge");
    // Then every entity is there once, with its own commit, whether all are asked for or one.
    assert_eq!(found.len(), numbers.len());
    assert_eq!(found[0].entity, contact(77));
    for (number, sequence) in numbers.iter().zip(1..) {
        let one = on(&view, "merge", *number).unwrap();
        assert_eq!((one.entity, one.sequence), (contact(*number), sequence));
        assert!(found.contains(&one));
    }
}

#[test]
fn the_last_commit_of_a_command_on_an_entity_is_the_one_that_is_known() {
    // Given a command that wrote twice, to its first entity and to a further one.
    let (_folder, view) = fold(DecisionProjector, &commits(&[("c", 5), ("c", 1), ("c", 5), ("c", 1)]));
    // Then it is known once for either, by the later commit.
    assert_eq!(places(&all(&view, "c")), [(contact(5), 3, 2), (contact(1), 4, 2)]);
    assert_eq!(places(&[on(&view, "c", 5).unwrap(), on(&view, "c", 1).unwrap()]), places(&all(&view, "c")));
}

/// Writes where commands were applied as the version before did: each under its entity, and none of them first.
struct Before;

impl Projector for Before {
    fn name(&self) -> &'static str {
        DecisionProjector::NAME
    }

    fn version(&self) -> u32 {
        5
    }

    fn apply(&self, rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
        let commit = &recorded.commit;
        let key = keys::further(keys::commands(&commit.tenant, &commit.command_id), &commit.entity);
        let row = CommandRow { sequence: recorded.sequence, version: commit.last_version(), ..CommandRow::default() };
        rows.put(key, prost::Message::encode_to_vec(&row));
        Ok(())
    }
}

#[test]
fn while_the_version_before_is_served_what_it_knows_is_known() {
    let (_folder, view) = fold(Before, &commits(&[("one", 1), ("two", 2), ("two", 1)]));
    assert_eq!(places(&all(&view, "one")), [(contact(1), 1, 1)]);
    assert_eq!(places(&all(&view, "two")), [(contact(1), 3, 2), (contact(2), 2, 1)]);
    assert_eq!(on(&view, "two", 2).map(|applied| applied.sequence), Some(2));
    assert_eq!((all(&view, "three"), on(&view, "one", 2)), (vec![], None));
}
