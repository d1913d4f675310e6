//! The body of Meta's webhook.

use std::collections::BTreeSet;

use relevo_channels::{Fact, Identifier, MessageFact, Update, What, file_name, meta};
use serde_json::Value;

use crate::weight;

/// Bytes of output that a byte of input may come to. An element of three bytes (`{},`) becomes an update with a hash of 64.
const GROWTH_MAX: usize = 64;
/// What is copied for each update at most, in bytes: a number, three ids and a name of the person, a field's name.
const UPDATE_BYTES_MAX: usize = 5 * 160 + 200 * 4;
/// What every output may have beside, in bytes.
const BESIDE: usize = 4_096;

pub fn run(data: &[u8]) {
    let updates = meta::updates(data);
    assert_eq!(updates, meta::updates(data), "the same bytes say the same");
    assert!(updates.len() <= data.len() + 1, "{} updates of {} bytes", updates.len(), data.len());
    let weight = weight::of(&updates);
    let limit = GROWTH_MAX * data.len() + UPDATE_BYTES_MAX * updates.len() + BESIDE;
    assert!(weight <= limit, "{weight} bytes of {}, {} updates", data.len(), updates.len());
    updates.iter().for_each(check);
    written_again(data, &updates);
}

/// JSON that is written anew, without its blanks and in another order, says the same.
fn written_again(data: &[u8], updates: &[Update]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let again = value.to_string();
    // Not every number with a point reads back to the last digit.
    if serde_json::from_str::<Value>(&again).is_ok_and(|read| read == value) {
        assert_eq!(updates, meta::updates(again.as_bytes()));
    }
}

fn check(update: &Update) {
    match &update.content {
        Err(refused) => {
            let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_');
            assert!(refused.at.chars().all(harmless), "a place holds no value: {:?}", refused.at);
        }
        Ok(fact) => check_fact(fact),
    }
}

fn check_fact(fact: &Fact) {
    check_identifiers(&fact.identifiers);
    assert!(!fact.key.provider_id.contains('\0'));
    match &fact.what {
        What::Message(message) | What::Echo(message) => check_message(message),
        What::Edit { message, original_provider_id, by_business: _ } => {
            assert!(!original_provider_id.is_empty());
            check_message(message);
        }
        What::IdentityChanged { message, previous, current } => {
            check_message(message);
            check_identifiers(previous);
            check_identifiers(current);
        }
        What::ProviderUpdate { field: _, json } => {
            assert!(serde_json::from_str::<Value>(json).is_ok(), "no JSON: {json}");
        }
        What::Status(status) => {
            assert_eq!(status.provider_id, fact.key.provider_id);
            check_details(status.details_json.as_deref());
        }
        What::Revoke { original_provider_id, by_business: _ } => assert!(!original_provider_id.is_empty()),
        What::Reaction { message_provider_id, emoji: _ } => assert!(!message_provider_id.is_empty()),
        What::Mail(_) => panic!("WhatsApp has no mails"),
    }
}

fn check_identifiers(identifiers: &[Identifier]) {
    let distinct: BTreeSet<_> = identifiers.iter().collect();
    assert_eq!(distinct.len(), identifiers.len(), "each identifier once");
    for Identifier { value, kind: _ } in identifiers {
        assert!(!value.trim().is_empty() && !value.contains('\0'), "{value:?}");
    }
}

fn check_message(message: &MessageFact) {
    assert!(!message.provider_id.trim().is_empty());
    assert_ne!(message.text.as_deref(), Some(""));
    check_details(message.details_json.as_deref());
    for attachment in &message.attachments {
        if let Some(hash) = &attachment.sha256 {
            assert!(hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{hash}");
        }
        if let Some(name) = &attachment.personal.file_name {
            assert_eq!(file_name::safe(name).as_ref(), Some(name), "the name of a file is safe");
        }
    }
}

fn check_details(details: Option<&str>) {
    let Some(details) = details else { return };
    let read: Value = serde_json::from_str(details).unwrap_or_else(|error| panic!("{error}: {details}"));
    assert!(read.as_object().is_some_and(|members| !members.is_empty()), "{details}");
}
