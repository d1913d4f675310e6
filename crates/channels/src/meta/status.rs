//! One element of `statuses`: how far a message of the business has come.

use relevo_domain::conversation::{DeliveryStatus, Medium};
use serde_json::{Map, Value};

use super::identity::{Person, identifiers};
use super::json::{member, object_text, timestamp};
use super::{Context, other, parked};
use crate::fact::{Class, Fact, Key, NotUnderstood, NotUnderstoodReason, StatusFact, What};

/// Members that are facts of their own, and so are not repeated in the details.
const TAKEN: [&str; 4] = ["id", "status", "timestamp", "recipient_id"];

pub(super) fn status(status: &Value, at: &str, context: &Context<'_>) -> Result<Fact, NotUnderstood> {
    if member(status, "type").is_some_and(|kind| kind == "call") {
        return Ok(other::element("calls", status, context));
    }
    let refuse = |reason, name| Err(parked(reason, format!("{at}/{name}"), Some(Class::Status)));
    let Some(id) = member(status, "id") else {
        return refuse(NotUnderstoodReason::MissingId, "id");
    };
    let Some(word) = member(status, "status") else {
        return refuse(NotUnderstoodReason::WrongType, "status");
    };
    let recipient = Person::of(status, "recipient_id", "recipient_user_id", "recipient_parent_user_id");
    // Meta's pages spell it in both ways.
    let participant = ["recipient_participant_id", "participant_recipient_id", "recipient_participant_user_id"];
    let participant = participant.into_iter().find_map(|name| member(status, name));
    let in_group = participant.is_some() || member(status, "recipient_type").is_some_and(|kind| kind == "group");
    let error_code = status.pointer("/errors/0").and_then(|error| member(error, "code"));
    let contact = context.contacts.find(&recipient).filter(|_| !in_group);
    let to = recipient.address().unwrap_or_default();
    let code = error_code.as_deref().unwrap_or_default();
    let discriminator = format!("{word}|{to}|{}|{code}", participant.as_deref().unwrap_or_default());
    Ok(Fact {
        key: Key { kind: "status", provider_id: id.clone(), discriminator },
        medium: Medium::WhatsApp,
        provider_time: timestamp(status, "timestamp"),
        // A group is no customer, and a status of a group must not land in a member's own conversation.
        identifiers: if in_group { Vec::new() } else { identifiers(&recipient, contact) },
        name: contact.and_then(|contact| contact.name.clone()),
        what: What::Status(StatusFact {
            provider_id: id,
            // Whatever else an application puts there is its own business and stays in the details.
            ours: member(status, "biz_opaque_callback_data").and_then(|data| data.trim().parse().ok()),
            status: DeliveryStatus::parse(word.trim()),
            error_code,
            recipient: participant.or_else(|| recipient.address().map(str::to_owned)),
            details_json: details(status),
        }),
    })
}

fn details(status: &Value) -> Option<String> {
    let members = status.as_object()?.iter();
    let rest = members.filter(|(name, value)| !TAKEN.contains(&name.as_str()) && !value.is_null());
    object_text(rest.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}
