//! WhatsApp Cloud API: the body of one webhook `POST` becomes updates.
//!
//! The envelope is `entry[] → changes[] → {field, value}`, and a value holds arrays of messages, statuses, calls and so on.
//! Everything is read element by element from plain JSON, so that a wrong type costs one update. What has no meaning
//! here yet (new fields, new arrays) is kept as a [`What::ProviderUpdate`]. Signatures are checked before: `signature`.

mod content;
mod identity;
mod json;
mod message;
mod other;
mod status;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::identity::Contacts;
use self::json::short;
#[cfg(doc)]
use crate::fact::What;
use crate::fact::{Class, Fact, NotUnderstood, NotUnderstoodReason, Target, Update};

/// The only `object` that is WhatsApp's; one app may also get pages' and other products' webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// Everything that the body says, in its order. Empty if there is nothing for WhatsApp in it.
pub fn updates(body: &[u8]) -> Vec<Update> {
    let Some(Value::Object(root)) = json::parse(body) else {
        return vec![nowhere(NotUnderstoodReason::Malformed, String::new())];
    };
    let object = root.get("object").filter(|object| !object.is_null());
    if object.is_some_and(|object| object != OBJECT) {
        return Vec::new();
    }
    let mut updates = Vec::new();
    match root.get("entry") {
        Some(Value::Array(entries)) => {
            for (at, entry) in entries.iter().enumerate() {
                read_entry(entry, &format!("/entry/{at}"), &mut updates);
            }
        }
        Some(Value::Null) => {}
        None if object.is_some() || root.is_empty() => {}
        None => updates.push(nowhere(NotUnderstoodReason::Malformed, String::new())),
        Some(_) => updates.push(nowhere(NotUnderstoodReason::WrongType, "/entry".to_owned())),
    }
    updates
}

/// An update of which nothing is known but where it stands.
fn nowhere(reason: NotUnderstoodReason, at: String) -> Update {
    Update { target: Target::Nowhere, content: Err(parked(reason, at, None)) }
}

fn parked(reason: NotUnderstoodReason, at: String, class: Option<Class>) -> NotUnderstood {
    NotUnderstood { reason, at, class }
}

fn read_entry(entry: &Value, at: &str, updates: &mut Vec<Update>) {
    let wrong = |at: String| {
        let content = Err(parked(NotUnderstoodReason::WrongType, at, None));
        Update { target: target(entry, &Value::Null), content }
    };
    match entry.get("changes") {
        Some(Value::Array(changes)) => {
            for (number, change) in changes.iter().enumerate() {
                let at = format!("{at}/changes/{number}");
                if change.is_object() {
                    read_change(entry, change, &at, updates);
                } else {
                    updates.push(wrong(at));
                }
            }
        }
        Some(Value::Null) => {}
        Some(_) => updates.push(wrong(format!("{at}/changes"))),
        // An entry that says nothing is empty; one that says it elsewhere is not understood.
        None if entry.as_object().is_some_and(|members| members.keys().all(|key| key == "id" || key == "time")) => {}
        None => updates.push(wrong(at.to_owned())),
    }
}

/// Whom an entry's value names as the receiver.
fn target(entry: &Value, value: &Value) -> Target {
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    if let Some(phone_number_id) = short(metadata, "phone_number_id") {
        return Target::Number { phone_number_id };
    }
    let Some(waba_id) = short(entry, "id") else {
        return Target::Nowhere;
    };
    let shown = [(metadata, "display_phone_number"), (value, "display_phone_number"), (value, "phone_number")];
    let display_phone_number = shown.into_iter().find_map(|(holder, name)| short(holder, name));
    Target::Account { waba_id, display_phone_number }
}

/// What reading one element of a value may need beyond the element.
struct Context<'a> {
    field: &'a str,
    entry: &'a Value,
    value: &'a Value,
    target: Target,
    contacts: Contacts,
}

impl Context<'_> {
    /// Reads each element of an array of the value. Absent, null and empty arrays are nothing.
    fn each(
        &self,
        array: &str,
        class: Class,
        at: &str,
        updates: &mut Vec<Update>,
        read: impl Fn(&Value, &str) -> Result<Fact, NotUnderstood>,
    ) {
        let wrong = |at: String| Err(parked(NotUnderstoodReason::WrongType, at, Some(class)));
        let mut push = |content| updates.push(Update { target: self.target.clone(), content });
        match self.value.get(array) {
            Some(Value::Array(elements)) => {
                for (number, element) in elements.iter().enumerate() {
                    let at = format!("{at}/{array}/{number}");
                    push(if element.is_object() { read(element, &at) } else { wrong(at) });
                }
            }
            Some(Value::Null) | None => {}
            Some(_) => push(wrong(format!("{at}/{array}"))),
        }
    }
}

fn read_change(entry: &Value, change: &Value, at: &str, updates: &mut Vec<Update>) {
    let value = change.get("value").unwrap_or(&Value::Null);
    let is_messages = value.get("messages").is_some() || value.get("statuses").is_some();
    let field =
        short(change, "field").unwrap_or_else(|| if is_messages { "messages".to_owned() } else { String::new() });
    let context = Context { field: &field, entry, value, target: target(entry, value), contacts: Contacts::of(value) };
    let at = format!("{at}/value");
    match field.as_str() {
        "messages" => read_messages(&context, &at, updates),
        "smb_message_echoes" => {
            let first = updates.len();
            context.each("message_echoes", Class::Other, &at, updates, |echo, at| message::echo(echo, at, &context));
            other::rest(&context, &["message_echoes"], first, &at, updates);
        }
        _ => other::field(&context, &at, updates),
    }
}

fn read_messages(context: &Context<'_>, at: &str, updates: &mut Vec<Update>) {
    if !context.value.is_object() && !context.value.is_null() {
        let content = Err(parked(NotUnderstoodReason::WrongType, at.to_owned(), None));
        updates.push(Update { target: context.target.clone(), content });
        return;
    }
    let first = updates.len();
    context.each("messages", Class::Message, at, updates, |element, at| message::inbound(element, at, context));
    context.each("statuses", Class::Status, at, updates, |element, at| status::status(element, at, context));
    other::rest(context, &["messages", "statuses"], first, at, updates);
}
