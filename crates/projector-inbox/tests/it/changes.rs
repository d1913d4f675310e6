//! What is told to have changed since a position.

use std::collections::BTreeSet;

use relevo_domain::contact::event::NamePersonal;
use relevo_domain::contact::{ContactEvent, MergeCause};
use relevo_domain::conversation::{ConversationEvent, Medium, Priority};
use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, EntityId, EntityKind, Event, Position, TagId, TenantId};
use relevo_projection::testing::story::{contact_id, staff, supervisor};
use relevo_projection::testing::{Story, fold, history};
use relevo_projector_inbox::{InboxProjector, changed_since, conversation, thread_changed_since, touched_since};

use crate::support::{Folded, NOON, demo};

/// Numbers of what changed after this commit, in order, and whether that is all.
fn changed(folded: &Folded, after: u64, limit: usize) -> (Vec<u8>, bool) {
    let changes = changed_since(&folded.snapshot, &demo(), Position::new(after), limit).unwrap();
    (changes.conversations.iter().map(|id| id.bytes()[0]).collect(), changes.complete)
}

fn urgent() -> ConversationEvent {
    ConversationEvent::PrioritySet { priority: Priority::Urgent }
}

#[test]
fn each_conversation_is_told_once_at_its_last_change() {
    let mut story = Story::new();
    let ids = [1, 2, 3].map(|number| story.open(number, "wa-main", Medium::WhatsApp, "Ana"));
    let start = story.commits().len() as u64;
    for id in [ids[0], ids[1], ids[0]] {
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    assert_eq!(changed(&folded, start, 10), (vec![2, 1], true));
    assert_eq!(changed(&folded, start + 2, 10), (vec![1], true));
    assert_eq!(changed(&folded, start + 3, 10), (vec![], true));
    assert_eq!(changed(&folded, u64::MAX, 10), (vec![], true), "a position of the future has no changes");
    assert_eq!(changed(&folded, start, 1), (vec![2], false), "there is more");
}

#[test]
fn a_contacts_change_tells_its_conversations_and_those_of_the_same_person() {
    let mut story = Story::new();
    story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.open_again(2, contact_id(1), "mail", Medium::Email);
    story.open(3, "wa-main", Medium::WhatsApp, "Ana P.");
    story.open(4, "wa-main", Medium::WhatsApp, "José");
    let start = story.commits().len() as u64;
    let tell = |story: &mut Story, event: ContactEvent| {
        story.commit(contact_id(1), Actor::Customer, vec![Event::Contact(event)]);
    };
    tell(&mut story, ContactEvent::Renamed { personal: NamePersonal { name: Some("Anita".to_owned()) } });
    assert_eq!(changed(&Folded::of(&story), start, 10), (vec![2, 1], true), "the newest first");
    tell(&mut story, ContactEvent::Merged { other: contact_id(3), cause: MergeCause::Manual });
    assert_eq!(changed(&Folded::of(&story), start + 1, 10), (vec![2, 1, 3], true));
    tell(&mut story, ContactEvent::Unmerged { other: contact_id(3) });
    let (mut told, complete) = changed(&Folded::of(&story), start + 2, 10);
    told.sort_unstable();
    assert_eq!((told, complete), (vec![1, 2, 3], true), "both are found by other words now");
}

#[test]
fn a_change_of_the_workspaces_tags_asks_for_a_new_list() {
    let mut story = Story::new();
    story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let start = story.commits().len() as u64;
    let tag = WorkspaceEvent::TagCreated {
        tag: TagId::new([1; 16]),
        name: TagName::new("Urgente").unwrap(),
        colour: Colour([255, 0, 0]),
    };
    story.commit(EntityId::new(EntityKind::Workspace, [1; 16]), staff("sofia"), vec![Event::Workspace(tag)]);
    let folded = Folded::of(&story);
    assert_eq!(changed(&folded, start, 10), (vec![], false));
    assert_eq!(changed(&folded, start + 1, 10), (vec![], true));
}

#[test]
fn whoever_follows_the_changes_from_any_position_misses_nothing() {
    let commits = history(21, 600);
    let caller = supervisor("demo");
    let tenant = TenantId::new("demo").unwrap();
    let of = |commits: &[relevo_domain::Recorded]| {
        let (folder, view) = fold(InboxProjector, commits);
        (folder, view.snapshot().unwrap())
    };
    let (_whole_folder, whole) = of(&commits);
    let ids: BTreeSet<EntityId> = commits
        .iter()
        .filter(|recorded| recorded.commit.tenant == tenant)
        .map(|recorded| recorded.commit.entity)
        .filter(|entity| entity.kind() == EntityKind::Conversation)
        .collect();
    for cut in [0, 100, 350, 550, 599, 600] {
        let (_folder, before) = of(&commits[..cut]);
        let after = Position::new(commits.get(cut.wrapping_sub(1)).map_or(0, |recorded| recorded.sequence));
        let changes = changed_since(&whole, &tenant, after, 10_000).unwrap();
        let told: BTreeSet<EntityId> = changes.conversations.iter().copied().collect();
        assert_eq!(told.len(), changes.conversations.len(), "each once");
        for id in &ids {
            let shown = |view| conversation(view, &tenant, *id, &caller, NOON).unwrap();
            let tags_changed = !changes.complete;
            assert!(shown(&before) == shown(&whole) || told.contains(id) || tags_changed, "{id} after {after}");
        }
    }
}

#[test]
fn a_thread_tells_entries_that_changed_after_they_were_written() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let first = story.customer(id, "uno");
    story.customer(id, "dos");
    let position = story.commits().len() as u64;
    story.tell(id, Actor::Customer, [ConversationEvent::MessageRevoked { message: first }]);
    story.tell(id, staff("laura"), [urgent()]);
    let folded = Folded::of(&story);
    let since = |after, window| {
        thread_changed_since(&folded.snapshot, &demo(), id, &supervisor("demo"), after, window).unwrap().unwrap()
    };
    let tail = since(position, 50);
    assert_eq!((tail.window.len(), tail.entries.len()), (4, 2), "the revoked message and the priority");
    assert!(tail.window.is_sorted() && tail.entries.is_sorted_by_key(|entry| entry.place));
    assert_eq!(tail.entries.first().map(|entry| entry.place), tail.window.get(1).copied());
    let short = since(position, 2);
    assert_eq!((short.window.len(), short.entries.len()), (2, 1), "the revoked message is out of the window");
    assert_eq!(since(0, 50).entries.len(), 4);
}

#[test]
fn one_conversation_is_touched_by_what_it_shows_and_by_nothing_else() {
    let mut story = Story::new();
    let ids = [1, 2, 3].map(|number| story.open(number, "wa-main", Medium::WhatsApp, "Ana"));
    let event = |event| vec![Event::Contact(event)];
    let merged = ContactEvent::Merged { other: contact_id(2), cause: MergeCause::Manual };
    story.commit(contact_id(1), staff("sofia"), event(merged));
    let people = [contact_id(1), contact_id(2)];
    let mut touched = |tell: &mut dyn FnMut(&mut Story)| {
        let before = Position::new(story.commits().len() as u64);
        tell(&mut story);
        touched_since(&Folded::of(&story).snapshot, &demo(), before, ids[0], &people).unwrap()
    };
    let named = |name: &str| event(ContactEvent::Renamed { personal: NamePersonal { name: Some(name.to_owned()) } });
    assert!(touched(&mut |story| {
        story.customer(ids[0], "hola");
    }));
    assert!(touched(&mut |story| {
        story.commit(contact_id(1), Actor::Customer, named("Ana P."));
    }));
    assert!(touched(&mut |story| {
        story.commit(contact_id(2), Actor::Customer, named("Ana Q."));
    }));
    assert!(touched(&mut |story| {
        story.open_again(4, contact_id(2), "mail", Medium::Email);
    }));
    let other = || ContactEvent::Merged { other: contact_id(1), cause: MergeCause::Manual };
    assert!(!touched(&mut |_| {}));
    assert!(!touched(&mut |story| {
        story.customer(ids[2], "hola");
    }));
    assert!(!touched(&mut |story| {
        story.commit(contact_id(3), Actor::Customer, named("Otra"));
    }));
    assert!(!touched(&mut |story| {
        story.tenant("demo-b").open(1, "wa-main", Medium::WhatsApp, "Ana");
    }));
    assert!(touched(&mut |story| {
        story.tenant("demo").commit(contact_id(3), staff("sofia"), event(other()));
    }));
    assert!(
        touched(&mut |story| (0..101).for_each(|n| {
            story.open(10 + n, "mail", Medium::Email, "Luz");
        })),
        "too many"
    );
}
