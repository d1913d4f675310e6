//! Limits of a search, and the words that texts become.

use prost::Message as _;
use relevo_domain::identity::IdentifierKind;
use relevo_projection::{FoldedRows, Rows};

use super::*;
use crate::row::IdentifierRow;

fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

fn id_of(ordinal: u32) -> EntityId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&ordinal.to_be_bytes());
    EntityId::new(EntityKind::Contact, id)
}

/// Contacts with these names, numbered in this order.
fn contacts(names: impl Iterator<Item = String>) -> FoldedRows {
    let mut rows = FoldedRows::new();
    for (ordinal, name) in (0..).zip(names) {
        let row = ContactRow { name, ordinal, version: 1, ..ContactRow::default() };
        for term in terms(&row) {
            rows.put(keys::term(&tenant(), &term, ordinal), id_of(ordinal).bytes().to_vec());
        }
        rows.put(keys::contact(&tenant(), id_of(ordinal)), row.encode_to_vec());
    }
    rows
}

fn hits(rows: &FoldedRows, text: &str) -> Hits {
    search(rows, &tenant(), Person { columns: &TenantColumns::default(), access: &Access::All }, &Words::of(text))
        .unwrap()
}

fn found(hits: &Hits, count: u32) -> Vec<u32> {
    hits.numbers().iter().copied().filter(|ordinal| *ordinal < count).collect()
}

#[test]
fn a_word_that_finds_too_many_is_cut_and_says_so_and_a_rare_one_beside_it_finds_all() {
    let many = u32::try_from(POSTINGS_MAX).unwrap() + 100;
    // The rare one is the oldest, whom a cut search for the frequent word does not reach.
    let rows =
        contacts((0..many).map(|number| if number == 0 { "Maria Zubiri".to_owned() } else { "Maria".to_owned() }));
    let cut = hits(&rows, "maria");
    assert!(cut.truncated() && !cut.numbers().contains(&0));
    assert_eq!(found(&cut, many).len(), POSTINGS_MAX);
    let rare = hits(&rows, "maria zub");
    assert_eq!((found(&rare, many), rare.truncated()), (vec![0], false));
    assert_eq!(found(&hits(&rows, "maria gomez"), many), Vec::<u32>::new());
}

#[test]
fn the_contacts_that_are_looked_at_one_by_one_are_bounded() {
    let many = u32::try_from(POSTINGS_MAX).unwrap() + 1_000;
    // The oldest thousand have both words, but are beyond what is read of the first.
    let rows =
        contacts((0..many).map(|number| if number < 1_000 { "Maria Gomez".to_owned() } else { "Maria".to_owned() }));
    let both = hits(&rows, "maria gomez");
    assert_eq!((found(&both, many).len(), both.truncated()), (CHECKED_MAX, true));
    let exact = hits(&rows, "gomez");
    assert_eq!((found(&exact, many).len(), exact.truncated()), (1_000, false));
}

#[test]
fn terms_are_bounded_whatever_a_contact_is_called() {
    let identifiers = (0..64).map(|number| IdentifierRow {
        kind: IdentifierKind::Phone.as_str().to_owned(),
        channel: "wa-main".to_owned(),
        value: format!("549{number:02}{}", "7".repeat(4_000)),
    });
    let name = "a.b-c'd@e ".repeat(5_000);
    let row = ContactRow { name, identifiers: identifiers.collect(), ..ContactRow::default() };
    let terms = terms(&row);
    assert!(terms.len() <= 16 * 8 + 64 * 32, "{}", terms.len());
    assert!(terms.iter().all(|term| term.chars().count() <= 64 && term.chars().all(char::is_alphanumeric)));
}

#[test]
fn words_of_digits_next_to_each_other_are_one_number() {
    let words = |text: &str| Words::of(text).as_slice().to_vec();
    assert_eq!(words("Ana +54 9 (11) 5555-1234"), ["ana", "5491155551234"]);
    assert_eq!(words("11 5555 ana 22"), ["115555", "ana", "22"]);
    assert_eq!(words("00"), ["0"]);
    assert!(words("¿? - ()").is_empty());
    assert_eq!(words(&"ana ".repeat(100)).len(), 8);
}
