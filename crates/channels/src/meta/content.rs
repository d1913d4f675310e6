//! What a message contains: its kind, text, attachments, and the rest as details. Used for messages, edits and echoes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use relevo_domain::conversation::{Attachment, AttachmentPersonal, MessageFlags, MessageKind};
use serde_json::{Map, Value};

use super::json::{is_true, member, object_text, text};
use super::parked;
use crate::fact::{Class, MessageFact, NotUnderstood, NotUnderstoodReason};
use crate::file_name;

/// Longest type name kept, in characters: the provider's are short, and it is shown.
const MAX_TYPE: usize = 64;

/// Members that are facts of their own, and so are not repeated in the details.
const ENVELOPE: [&str; 11] = [
    "id",
    "from",
    "from_user_id",
    "from_parent_user_id",
    "to",
    "to_user_id",
    "to_parent_user_id",
    "timestamp",
    "type",
    "group_id",
    "recipient_type",
];
const CONTEXT_TAKEN: [&str; 4] = ["from", "id", "forwarded", "frequently_forwarded"];
const MEDIA_TAKEN: [&str; 8] = ["id", "mime_type", "sha256", "caption", "filename", "voice", "url", "file_size"];

/// Payload names to guess a missing `type` from.
const PAYLOADS: [&str; 16] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "button",
    "reaction",
    "order",
    "system",
    "edit",
    "revoke",
    "unsupported",
];

/// The message's type in the provider's word.
pub(super) fn type_of(message: &Value) -> String {
    let guessed = || PAYLOADS.iter().find(|name| message.get(**name).is_some_and(|payload| !payload.is_null()));
    let word = member(message, "type").or_else(|| guessed().map(|name| (*name).to_owned()));
    word.map_or_else(|| "unknown".to_owned(), |word| word.trim().chars().take(MAX_TYPE).collect())
}

/// Reads what the message contains. `at` is its place in the input.
pub(super) fn content(
    message: &Value,
    provider_id: String,
    sender_address: Option<String>,
    at: &str,
    class: Class,
) -> Result<MessageFact, NotUnderstood> {
    let word = type_of(message);
    let kind = kind_of(&word);
    let payload = message.get(&word).unwrap_or(&Value::Null);
    check(&kind, &word, payload, at, class)?;
    let context = message.get("context").unwrap_or(&Value::Null);
    let flags = MessageFlags {
        forwarded: is_true(context, "forwarded") || is_true(context, "frequently_forwarded"),
        frequently_forwarded: is_true(context, "frequently_forwarded"),
        ..MessageFlags::default()
    };
    Ok(MessageFact {
        provider_id,
        text: text_of(&kind, payload),
        sender_address,
        quoted_provider_id: member(context, "id"),
        attachments: attachment(&kind, payload).into_iter().collect(),
        details_json: details(message, &kind, &word),
        flags,
        kind,
    })
}

fn kind_of(word: &str) -> MessageKind {
    match MessageKind::parse(word) {
        // Words of ours that mean nothing in WhatsApp.
        MessageKind::Email | MessageKind::Note => MessageKind::Other(word.to_owned()),
        MessageKind::Other(word) if word == "ephemeral" => MessageKind::Unsupported,
        kind => kind,
    }
}

/// A payload may be absent (then `errors` tells why), but not of a type that cannot be read.
fn check(kind: &MessageKind, word: &str, payload: &Value, at: &str, class: Class) -> Result<(), NotUnderstood> {
    let wrong = |at: String| Err(parked(NotUnderstoodReason::WrongType, at, Some(class)));
    if payload.is_null() || matches!(kind, MessageKind::Other(_) | MessageKind::Unsupported) {
        return Ok(());
    }
    if !(payload.is_object() || (*kind == MessageKind::Contacts && payload.is_array())) {
        return wrong(format!("{at}/{word}"));
    }
    let body = payload.get("body").filter(|body| *kind == MessageKind::Text && !body.is_null());
    if body.is_some_and(|body| text(body).is_none()) {
        return wrong(format!("{at}/text/body"));
    }
    Ok(())
}

/// The words that the author wrote or chose. Blanks are kept: a message of three spaces is what was sent.
fn text_of(kind: &MessageKind, payload: &Value) -> Option<String> {
    let at = |pointer: &str| payload.pointer(pointer).and_then(text).filter(|text| !text.is_empty());
    match kind {
        MessageKind::Text | MessageKind::System => at("/body"),
        MessageKind::Image | MessageKind::Video | MessageKind::Document | MessageKind::Audio => at("/caption"),
        MessageKind::Interactive => {
            ["/button_reply/title", "/list_reply/title", "/nfm_reply/body"].into_iter().find_map(at)
        }
        MessageKind::Button | MessageKind::Order => at("/text"),
        MessageKind::Sticker
        | MessageKind::Location
        | MessageKind::Contacts
        | MessageKind::Unsupported
        | MessageKind::RequestWelcome
        | MessageKind::Email
        | MessageKind::Note
        | MessageKind::Template
        | MessageKind::Reaction
        | MessageKind::Other(_) => None,
    }
}

const fn is_media(kind: &MessageKind) -> bool {
    matches!(
        kind,
        MessageKind::Image | MessageKind::Video | MessageKind::Audio | MessageKind::Document | MessageKind::Sticker
    )
}

fn attachment(kind: &MessageKind, payload: &Value) -> Option<Attachment> {
    if !is_media(kind) || !payload.is_object() {
        return None;
    }
    Some(Attachment {
        mime_type: member(payload, "mime_type").unwrap_or_default().trim().to_lowercase(),
        size_bytes: member(payload, "file_size").and_then(|size| size.trim().parse().ok()),
        sha256: member(payload, "sha256").and_then(|hash| sha256_hex(hash.trim())),
        voice: is_true(payload, "voice"),
        inline: false,
        provider_id: member(payload, "id"),
        personal: AttachmentPersonal {
            file_name: member(payload, "filename").and_then(|name| file_name::safe(&name)),
            // Meta's addresses live for five minutes; the id above is what a download starts from.
            url: None,
            content_id: None,
        },
    })
}

/// Webhooks give base64, the media API hex; what is neither is not a hash.
fn sha256_hex(hash: &str) -> Option<String> {
    let bytes = match hash.len() {
        64 => hex::decode(hash).ok(),
        43 => STANDARD_NO_PAD.decode(hash).ok(),
        _ => STANDARD.decode(hash).ok(),
    };
    bytes.filter(|bytes| bytes.len() == 32).map(hex::encode)
}

/// Whatever the message carries beyond the facts above, unknown members included.
fn details(message: &Value, kind: &MessageKind, word: &str) -> Option<String> {
    let mut rest = Map::new();
    for (name, value) in message.as_object()? {
        if ENVELOPE.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let taken: &[&str] = match name.as_str() {
            "context" => &CONTEXT_TAKEN,
            name if name != word => &[],
            _ if is_media(kind) => &MEDIA_TAKEN,
            _ if matches!(kind, MessageKind::Text | MessageKind::System) => &["body"],
            _ => &[],
        };
        if let Some(left) = without(value, taken) {
            rest.insert(name.clone(), left);
        }
    }
    object_text(rest)
}

/// The value without the scalar members that were taken from it; `None` if nothing is left.
fn without(value: &Value, taken: &[&str]) -> Option<Value> {
    let Some(members) = value.as_object().filter(|_| !taken.is_empty()) else {
        return Some(value.clone());
    };
    let is_taken =
        |name: &String, value: &Value| taken.contains(&name.as_str()) && !value.is_object() && !value.is_array();
    let left: Map<_, _> = members
        .iter()
        .filter(|(name, value)| !is_taken(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!left.is_empty()).then_some(Value::Object(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(message: &Value) -> Result<MessageFact, NotUnderstood> {
        content(message, "id".to_owned(), None, "/m", Class::Message)
    }

    #[test]
    fn a_hostile_file_name_becomes_harmless() {
        let fact = read(
            &json!({"type": "document", "document": {"id": 5, "filename": "../../x\u{0}.pdf", "file_size": "12"}}),
        );
        let attachment = fact.unwrap().attachments.remove(0);
        assert_eq!(attachment.personal.file_name.as_deref(), Some("x.pdf"));
        assert_eq!((attachment.provider_id.as_deref(), attachment.size_bytes), (Some("5"), Some(12)));
    }

    #[test]
    fn hashes_in_both_spellings() {
        let hex = "4a5227634806293b0995459bc310b5f85003f0511b...";
        assert_eq!(sha256_hex(hex), None);
        let base64 = "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=";
        let expected = sha256_hex(base64).unwrap();
        assert_eq!(sha256_hex(&expected.to_uppercase()), Some(expected.clone()));
        assert_eq!(sha256_hex(base64.trim_end_matches('=')), Some(expected));
        assert_eq!(sha256_hex("4654+8g="), None);
    }

    #[test]
    fn nul_is_taken_out_and_blanks_are_kept() {
        let fact = read(&json!({"type": "text", "text": {"body": " a\u{0}b "}})).unwrap();
        assert_eq!(fact.text.as_deref(), Some(" ab "));
        assert_eq!(read(&json!({"type": "text", "text": {"body": "\u{0}"}})).unwrap().text, None);
    }

    #[test]
    fn a_payload_of_a_wrong_type_is_named_by_its_place() {
        for (message, at) in [
            (json!({"type": "text", "text": "hola"}), "/m/text"),
            (json!({"type": "text", "text": {"body": ["hola"]}}), "/m/text/body"),
            (json!({"type": "image", "image": 5}), "/m/image"),
        ] {
            let refused = read(&message).unwrap_err();
            assert_eq!((refused.reason, refused.at.as_str()), (NotUnderstoodReason::WrongType, at));
        }
        assert_eq!(read(&json!({"type": "text", "text": {"body": 5}})).unwrap().text.as_deref(), Some("5"));
    }

    #[test]
    fn a_missing_type_is_guessed_from_the_payload() {
        assert_eq!(read(&json!({"location": {"latitude": 1}})).unwrap().kind, MessageKind::Location);
        assert_eq!(read(&json!({})).unwrap().kind, MessageKind::Other("unknown".to_owned()));
        assert_eq!(read(&json!({"type": "note"})).unwrap().kind, MessageKind::Other("note".to_owned()));
    }

    #[test]
    fn details_keep_what_no_field_of_ours_holds() {
        let fact = read(&json!({
            "id": "x", "from": "y", "timestamp": "1", "type": "image", "new_thing": [1],
            "image": {"id": "m", "caption": "c", "alt": "a"}, "context": {"from": "z", "id": "q", "referred_product": {"p": 1}},
            "referral": {"ctwa_clid": "k"}, "errors": [{"code": 131_052}],
        }))
        .unwrap();
        let expected = r#"{"context":{"referred_product":{"p":1}},"errors":[{"code":131052}],"image":{"alt":"a"},"new_thing":[1],"referral":{"ctwa_clid":"k"}}"#;
        assert_eq!(fact.details_json.as_deref(), Some(expected));
        assert_eq!(read(&json!({"type": "text", "text": {"body": "b"}})).unwrap().details_json, None);
    }
}
