//! Everything that is neither message nor status: calls, errors, templates, account, group and history fields, and
//! whatever Meta invents. Kept as it came, one update for each element of an array, one for a value without arrays.

use relevo_domain::conversation::Medium;
use serde_json::Value;

use super::identity::{Person, identifiers};
use super::json::{canonical, digest, member, short, timestamp, within};
use super::{Context, parked};
use crate::fact::{Class, Fact, Key, NotUnderstood, NotUnderstoodReason, Update, What};

/// Members of a value that describe it and are no updates themselves.
const FRAME: [&str; 3] = ["messaging_product", "metadata", "contacts"];

/// Longest id of a message that an error is told apart by, in bytes: it is hashed once for every error beside it.
const ID_BYTES_MAX: usize = 512;

/// Members that name an element for ever, best first.
const IDS: [&str; 6] = ["id", "wacid", "request_id", "join_request_id", "signup_id", "message_template_id"];

/// A field that has no meaning of its own here.
pub(super) fn field(context: &Context<'_>, at: &str, updates: &mut Vec<Update>) {
    let first = updates.len();
    let has_number = context.value.get("metadata").is_some();
    if has_number {
        rest(context, &[], first, at, updates);
    } else {
        // Account-level values have no arrays of updates: arrays in them (buttons, partners) are details.
        push(context, Ok(whole(context)), updates);
    }
}

/// The arrays of a value other than those that were read already. A value that gave nothing at all, but says
/// something, is one update as a whole.
pub(super) fn rest(context: &Context<'_>, read: &[&str], first: usize, at: &str, updates: &mut Vec<Update>) {
    let Some(members) = context.value.as_object() else {
        if !context.value.is_null() {
            let refused = parked(NotUnderstoodReason::WrongType, at.to_owned(), Some(Class::Other));
            push(context, Err(refused), updates);
        }
        return;
    };
    let mut says_something = false;
    for (name, member) in members {
        if FRAME.contains(&name.as_str()) || read.contains(&name.as_str()) {
            continue;
        }
        let label = label(context.field, name);
        match member {
            Value::Array(elements) => {
                for one in elements {
                    push(context, Ok(element(&label, one, context)), updates);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => says_something = true,
        }
    }
    if says_something && updates.len() == first {
        push(context, Ok(whole(context)), updates);
    }
}

/// Under which field an array's elements are kept: a field's own, unless the array is a guest in `messages`.
fn label(field: &str, array: &str) -> String {
    let is_guest = field == "messages" || (array == "errors" && field == "smb_message_echoes");
    if is_guest { array.to_owned() } else { field.to_owned() }
}

fn push(context: &Context<'_>, content: Result<Fact, NotUnderstood>, updates: &mut Vec<Update>) {
    updates.push(Update { target: context.target.clone(), content });
}

fn whole(context: &Context<'_>) -> Fact {
    element(context.field, context.value, context)
}

/// One update, kept as it came.
pub(super) fn element(field: &str, element: &Value, context: &Context<'_>) -> Fact {
    let json = canonical(element);
    let entry_id = short(context.entry, "id").unwrap_or_default();
    let entry_time = short(context.entry, "time").unwrap_or_default();
    // An error names nothing; those beside different messages are different errors.
    let beside = if field == "errors" { first_id(context.value) } else { String::new() };
    let person = customer(field, element);
    let contact = person.as_ref().and_then(|person| context.contacts.find(person));
    Fact {
        key: Key {
            kind: "update",
            provider_id: IDS.iter().find_map(|name| member(element, name)).unwrap_or_default(),
            discriminator: digest(&[&json, field, &entry_id, &entry_time, &beside]),
        },
        medium: Medium::WhatsApp,
        provider_time: timestamp(element, "timestamp").or_else(|| timestamp(context.entry, "time")),
        identifiers: person.as_ref().map(|person| identifiers(person, contact)).unwrap_or_default(),
        name: contact.and_then(|contact| contact.name.clone()),
        what: What::ProviderUpdate { field: field.to_owned(), json },
    }
}

fn first_id(value: &Value) -> String {
    let first = value.pointer("/messages/0").or_else(|| value.pointer("/statuses/0"));
    first.and_then(|element| within(element, "id", ID_BYTES_MAX)).unwrap_or_default()
}

/// The customer of an element that is about one.
fn customer(field: &str, element: &Value) -> Option<Person> {
    match field {
        "user_preferences" => Some(Person::of(element, "wa_id", "user_id", "parent_user_id")),
        "calls" if element.get("recipient_id").is_some() || element.get("recipient_user_id").is_some() => {
            Some(Person::of(element, "recipient_id", "recipient_user_id", "recipient_parent_user_id"))
        }
        "calls" if member(element, "direction").is_some_and(|word| word == "BUSINESS_INITIATED") => {
            Some(Person::of(element, "to", "to_user_id", "to_parent_user_id"))
        }
        "calls" => Some(Person::of(element, "from", "from_user_id", "from_parent_user_id")),
        _ => None,
    }
}
