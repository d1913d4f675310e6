//! Who is found by which words.

use relevo_domain::contact::event::{CustomerPersonal, IdentifierPersonal, NamePersonal};
use relevo_domain::contact::{ContactEvent, MergeCause};
use relevo_domain::conversation::Medium;
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, Caller, ChannelId, EntityId, EntityKind, Event};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, contact_id, staff, supervisor};
use relevo_projector_inbox::{Filter, Sort, place};

use crate::support::{Folded, NOON, demo, numbers, with};

fn tell(story: &mut Story, number: u8, event: ContactEvent) {
    story.commit(contact_id(number), Actor::Customer, vec![Event::Contact(event)]);
}

fn learned(kind: IdentifierKind, value: &str) -> ContactEvent {
    let personal = IdentifierPersonal { value: value.to_owned() };
    ContactEvent::IdentifierLearned { kind, channel: ChannelId::new("wa-main").unwrap(), personal }
}

fn customer(id: &str, name: &str) -> ContactEvent {
    ContactEvent::CustomerLinked { personal: CustomerPersonal { id: id.to_owned(), name: Some(name.to_owned()) } }
}

/// 1 María José Núñez, +54 9 11 5555-1234; 2 O'Brien-Peña with a mail address; 3 a Mexican; 4 a customer.
fn people() -> Story {
    let mut story = Story::new();
    for (number, name) in [(1, "María José NÚÑEZ"), (2, "Zoë O'Brien-Peña"), (3, "李 小龍"), (4, "Sin nombre")]
    {
        story.open(number, "wa-main", Medium::WhatsApp, name);
    }
    tell(&mut story, 1, learned(IdentifierKind::Phone, "whatsapp:+54 9 11 5555-1234"));
    tell(&mut story, 2, learned(IdentifierKind::Email, "Ana.Perez@Clinica-Sol.com.ar"));
    tell(&mut story, 3, learned(IdentifierKind::WaId, "5215512345678"));
    tell(&mut story, 3, learned(IdentifierKind::Bsuid, "AR.13491208655302741918"));
    tell(&mut story, 4, customer("DNI 30.111.222", "Peluquería Güemes S.A."));
    story
}

fn found(folded: &Folded, search: &str) -> Vec<u8> {
    let caller = supervisor("demo");
    let filter = Filter { search: Some(search.to_owned()), ..Filter::default() };
    let page = folded.list(&with(&caller, filter.clone()));
    assert_eq!(page.total, page.rows.len() as u64, "{search}");
    assert!(!page.search_truncated);
    let mut numbers = numbers(&page);
    numbers.sort_unstable();
    for number in 1..=4u8 {
        let id = EntityId::new(EntityKind::Conversation, [number; 16]);
        let placed = place(&folded.snapshot, &demo(), &filter, Sort::LastActivity, &caller, NOON, id).unwrap();
        assert_eq!(placed.is_some(), numbers.contains(&number), "list and place agree on {number} for {search}");
    }
    numbers
}

#[test]
fn names_are_found_by_the_beginning_of_each_word_whatever_case_accents_and_order() {
    let folded = Folded::of(&people());
    for search in ["maria", "MARÍA", "josé nuñ", "nunez maria", "mar jos nun", "  María   José  ", "ma\u{301}ria"]
    {
        assert_eq!(found(&folded, search), [1], "{search}");
    }
    for search in ["o'brien", "obrien", "brien", "Peña", "O'Brien-Pena", "zoe pena", "ZOË"] {
        assert_eq!(found(&folded, search), [2], "{search}");
    }
    assert_eq!(found(&folded, "小"), [3]);
    for search in ["aria", "maria pena", "núñez x", "¡!", "-", "@"] {
        assert!(found(&folded, search).is_empty(), "{search}");
    }
    assert_eq!(found(&folded, "   "), [1, 2, 3, 4], "blank filters nothing");
}

#[test]
fn a_number_is_found_in_any_spelling() {
    let folded = Folded::of(&people());
    for search in [
        "+54 9 11 5555-1234",
        "5491155551234",
        "0054 9 11 5555 1234",
        "+54 11 5555 1234",
        "(011) 15-5555-1234",
        "011 15 5555",
        "15 5555 1234",
        "15-5555",
        "11 5555-1234",
        "5555-1234",
        "55551234",
        "+54 9 11 5555-1234 maria",
    ] {
        assert_eq!(found(&folded, search), [1], "{search}");
    }
    for search in ["+52 1 55 1234 5678", "+52 55 1234 5678", "55 1234 5678", "1234 5678"] {
        assert_eq!(found(&folded, search), [3], "{search}");
    }
    assert_eq!(found(&folded, "AR.1349120"), [3]);
    assert!(found(&folded, "5555-1235").is_empty());
}

#[test]
fn mail_addresses_and_customer_records_find_their_contact() {
    let folded = Folded::of(&people());
    for search in
        ["ana.perez@clinica-sol.com.ar", "ANA.PEREZ@clin", "ana perez", "perez", "@clinica-sol", "clinica", "sol.com"]
    {
        assert_eq!(found(&folded, search), [2], "{search}");
    }
    for search in ["peluqueria guemes", "GÜE", "30111222", "30.111", "dni", "s.a."] {
        assert_eq!(found(&folded, search), [4], "{search}");
    }
}

#[test]
fn a_changed_name_and_an_undone_link_find_nobody_any_more() {
    let mut story = people();
    tell(&mut story, 1, ContactEvent::Renamed { personal: NamePersonal { name: Some("Mariana".to_owned()) } });
    tell(&mut story, 4, ContactEvent::CustomerUnlinked);
    let folded = Folded::of(&story);
    assert_eq!(found(&folded, "mariana"), [1]);
    for search in ["nunez", "jose", "guemes", "30111222"] {
        assert!(found(&folded, search).is_empty(), "{search}");
    }
}

#[test]
fn who_is_the_same_person_is_found_by_the_words_of_both_until_they_are_told_apart() {
    let mut story = people();
    tell(&mut story, 1, ContactEvent::Merged { other: contact_id(2), cause: MergeCause::Manual });
    let folded = Folded::of(&story);
    assert_eq!(found(&folded, "maria"), [1, 2]);
    assert_eq!(found(&folded, "maria obrien"), [1, 2], "each word may be of another contact");
    story.commit(contact_id(2), staff("sofia"), vec![Event::Contact(ContactEvent::Unmerged { other: contact_id(1) })]);
    let folded = Folded::of(&story);
    assert_eq!(found(&folded, "maria"), [1]);
    assert!(found(&folded, "maria obrien").is_empty());
}

#[test]
fn words_of_a_contact_that_the_caller_does_not_see_find_nobody() {
    let mut story = Story::new();
    story.open(1, "wa-main", Medium::WhatsApp, "Ana Pérez");
    story.open(2, "mail", Medium::Email, "Señora P.");
    story.open(3, "wa-main", Medium::WhatsApp, "Ana en el trabajo");
    tell(&mut story, 2, learned(IdentifierKind::Phone, "+54 9 11 4444-9876"));
    tell(&mut story, 1, ContactEvent::Merged { other: contact_id(2), cause: MergeCause::Manual });
    tell(&mut story, 2, ContactEvent::Merged { other: contact_id(3), cause: MergeCause::Manual });
    let folded = Folded::of(&story);
    let laura = agent("demo", "laura", &["wa-main"], &[]);
    let found = |caller: &Caller, search: &str| {
        let filter = Filter { search: Some(search.to_owned()), ..Filter::default() };
        let mut numbers = numbers(&folded.list(&with(caller, filter.clone())));
        numbers.sort_unstable();
        for number in 1..=3_u8 {
            let id = EntityId::new(EntityKind::Conversation, [number; 16]);
            let placed = place(&folded.snapshot, &demo(), &filter, Sort::LastActivity, caller, NOON, id).unwrap();
            assert_eq!(placed.is_some(), numbers.contains(&number), "list and place agree on {number} for {search}");
        }
        numbers
    };
    for search in ["4444-9876", "senora", "ana senora", "perez 4444-9876"] {
        assert_eq!(found(&supervisor("demo"), search), [1, 2, 3], "{search}");
        assert!(found(&laura, search).is_empty(), "{search}");
    }
    assert_eq!(found(&laura, "perez trabajo"), [1, 3], "both are hers to see");
}
