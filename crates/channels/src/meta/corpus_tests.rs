//! Every Meta payload of the shared fixtures, against what `EXPECTED.tsv` says that a correct adapter sees.

use std::collections::BTreeSet;

use super::updates;
use crate::fact::{Class, Fact, NotUnderstoodReason, Update, What};
use crate::testing::{Expected, expected, fixture};

/// Samples whose message and contact name the business's own number as the customer: they count, and identify nobody.
const FROM_THE_BUSINESS_ALONE: [&str; 4] = [
    "meta/msg_document__bindambc.json",
    "meta/msg_flow_reply__netflie.json",
    "meta/msg_order__netflie.json",
    "meta/msg_text_no_profile__netflie.json",
];

fn type_of(fact: &Fact) -> String {
    match &fact.what {
        What::Message(message) | What::IdentityChanged { message, .. } => message.kind.as_str().to_owned(),
        What::Edit { by_business: false, .. } => "edit".to_owned(),
        What::Revoke { by_business: false, .. } => "revoke".to_owned(),
        What::Reaction { .. } => "reaction".to_owned(),
        What::Status(status) => format!("status:{}", status.status.as_str()),
        What::Echo(_) | What::Edit { .. } | What::Revoke { .. } => "field:smb_message_echoes".to_owned(),
        What::ProviderUpdate { field, .. } => format!("field:{field}"),
        What::Mail(_) => panic!("a mail in WhatsApp"),
    }
}

#[test]
fn meta_payloads() {
    let mut checked = 0;
    for case in expected("meta/") {
        let all = updates(&fixture(&case.file).unwrap());
        let facts: Vec<&Fact> = all.iter().map(|update| update.content.as_ref().unwrap()).collect();
        check(&case, &facts);
        checked += 1;
    }
    assert!(checked == 0 || checked > 100, "only {checked} payloads");
}

fn check(case: &Expected, facts: &[&Fact]) {
    let file = &case.file;
    let count = |class| facts.iter().filter(|fact| fact.class() == class).count();
    assert_eq!(count(Class::Message), case.messages, "{file}");
    assert_eq!(count(Class::Status), case.statuses, "{file}");
    assert_eq!(count(Class::Other), case.others, "{file}");

    // Guests beside messages (errors, calls) are counted above but not listed there.
    let only_others = case.messages + case.statuses == 0;
    let listed = facts.iter().filter(|fact| only_others || fact.class() != Class::Other);
    assert_eq!(listed.map(|fact| type_of(fact)).collect::<BTreeSet<_>>(), case.types, "{file}");

    let mut senders = BTreeSet::new();
    for fact in facts.iter().filter(|fact| fact.class() == Class::Message) {
        let names_somebody = fact.identifiers.iter().any(|identifier| identifier.kind.binds());
        assert_eq!(names_somebody, !FROM_THE_BUSINESS_ALONE.contains(&file.as_str()), "{file}");
        let (What::Message(message) | What::IdentityChanged { message, .. }) = &fact.what else { continue };
        let sender = message.sender_address.as_deref().unwrap();
        senders.insert(sender.to_owned());
        if let Some(quoted) = &case.quoted {
            assert_eq!(message.quoted_provider_id.as_ref(), Some(quoted), "{file}");
        }
    }
    // `-`: the message itself names nobody, its contact does. Edits, reactions and the like show no address.
    if !case.senders.contains("-") && !senders.is_empty() {
        assert!(senders.is_superset(&case.senders), "{file}: {senders:?}");
        assert!(case.senders_cut || senders == case.senders, "{file}: {senders:?}");
    }
}

#[test]
fn group_payloads() {
    for case in expected("meta-groups/") {
        let all = updates(&fixture(&case.file).unwrap());
        let is_not_yet = |update: &&Update| {
            let refused = update.content.as_ref().err();
            refused.is_some_and(|refused| {
                refused.reason == NotUnderstoodReason::NotYet && refused.class == Some(Class::Message)
            })
        };
        assert_eq!(all.iter().filter(is_not_yet).count(), case.messages, "{}", case.file);
        let facts: Vec<&Fact> = all.iter().filter_map(|update| update.content.as_ref().ok()).collect();
        assert_eq!(all.len() - facts.len(), case.messages, "{}", case.file);
        let types: BTreeSet<_> = facts.iter().map(|fact| type_of(fact)).collect();
        assert_eq!(facts.len(), case.statuses + case.others, "{}", case.file);
        assert!(types.is_subset(&case.types), "{}: {types:?}", case.file);
    }
}

#[test]
fn the_same_bytes_have_the_same_keys() {
    let keys = |file| {
        let all = updates(&fixture(file)?);
        Some(all.into_iter().map(|update| update.content.unwrap().key).collect::<Vec<_>>())
    };
    assert_eq!(keys("meta/dup_delivery_1.json"), keys("meta/dup_delivery_2_identical.json"));
    let Some(batch) = keys("meta/batch_100_texts.json") else { return };
    assert_eq!(batch.iter().collect::<BTreeSet<_>>().len(), 100);
}
