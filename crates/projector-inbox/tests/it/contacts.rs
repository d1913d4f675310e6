//! What is known of a contact, and how a name reaches the lists.

use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::contact::{ContactEvent, MergeCause};
use relevo_domain::conversation::Medium;
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, ChannelId, EntityId, Event};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{contact_id, supervisor};
use relevo_projector_inbox::{Contact, contact};

use crate::support::{Folded, demo};

fn of_contact(story: &mut Story, number: u8, event: ContactEvent) {
    story.commit(contact_id(number), Actor::Customer, vec![Event::Contact(event)]);
}

fn renamed(name: Option<&str>) -> ContactEvent {
    ContactEvent::Renamed { personal: NamePersonal { name: name.map(str::to_owned) } }
}

fn learned(value: &str) -> ContactEvent {
    let channel = ChannelId::new("wa-main").unwrap();
    let personal = IdentifierPersonal { value: value.to_owned() };
    ContactEvent::IdentifierLearned { kind: IdentifierKind::Bsuid, channel, personal }
}

fn shown(story: &Story, number: u8) -> Contact {
    let folded = Folded::of(story);
    contact(&folded.snapshot, &demo(), contact_id(number), &supervisor("demo")).unwrap().expect("the contact exists")
}

#[test]
fn a_new_name_shows_in_every_conversation_and_no_name_takes_none_away() {
    let mut story = Story::new();
    let first = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let second = story.open_again(2, contact_id(1), "mail", Medium::Email);
    of_contact(&mut story, 1, renamed(Some("Ana Pérez")));
    of_contact(&mut story, 1, renamed(None));
    let folded = Folded::of(&story);
    for id in [first, second] {
        assert_eq!(folded.conversation(id).contact_name, "Ana Pérez");
    }
}

#[test]
fn a_conversation_may_come_before_its_contact() {
    let mut story = Story::new();
    let id = story.open_again(1, contact_id(1), "wa-main", Medium::WhatsApp);
    assert_eq!(Folded::of(&story).conversation(id).contact_name, "");
    let channel = ChannelId::new("wa-main").unwrap();
    let personal = NamePersonal { name: Some("Ana".to_owned()) };
    of_contact(&mut story, 1, ContactEvent::Created { channel, personal });
    assert_eq!(Folded::of(&story).conversation(id).contact_name, "Ana");
    assert_eq!(shown(&story, 1).conversations, [id]);
}

#[test]
fn identifiers_are_kept_once_and_not_without_end() {
    let mut story = Story::new();
    story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    of_contact(&mut story, 1, learned("AR.1"));
    of_contact(&mut story, 1, learned("AR.1"));
    assert_eq!(shown(&story, 1).identifiers.len(), 2, "the phone and one more");
    for number in 2..=200 {
        of_contact(&mut story, 1, learned(&format!("AR.{number}")));
    }
    let identifiers = shown(&story, 1).identifiers;
    assert_eq!((identifiers.len(), identifiers.last().unwrap().value.as_str()), (64, "AR.200"));
}

#[test]
fn merged_contacts_name_each_other_also_through_a_third_and_before_they_are_met() {
    let mut story = Story::new();
    let conversation = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.open(2, "wa-main", Medium::WhatsApp, "Ana P.");
    for (from, to) in [(1, 2), (2, 3), (3, 1), (1, 1), (2, 1)] {
        of_contact(&mut story, from, ContactEvent::Merged { other: contact_id(to), cause: MergeCause::SameUpdate });
    }
    for number in 1..=3u8 {
        let linked: Vec<_> = shown(&story, number).linked.into_iter().map(|link| (link.contact, link.name)).collect();
        let names = ["Ana", "Ana P.", ""];
        let wanted: Vec<(EntityId, String)> = (1..=3u8)
            .filter(|other| *other != number)
            .map(|other| (contact_id(other), names[usize::from(other) - 1].to_owned()))
            .collect();
        assert_eq!(linked, wanted);
    }
    assert_eq!(shown(&story, 1).conversations, [conversation], "a merge moves no conversation");
}
