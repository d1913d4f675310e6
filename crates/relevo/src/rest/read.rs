//! A request's message from its JSON body, its query parameters and its path, by the JSON mapping of protocol buffers.
//!
//! Field names are taken in lowerCamelCase and as in the proto; 64-bit integers as numbers or decimal strings, enums by name or
//! number, times as RFC 3339, durations as `90s`, bytes as base64. `null` is absent. Everything that is wrong is named, at once.
//! What a value means is the services' business.

use std::collections::{HashMap, HashSet};

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::{Map, Value as Json};

use super::scalar;
use super::wrong::Wrongs;

/// Fills a message from an object.
pub(super) fn object(message: &mut DynamicMessage, object: &Map<String, Json>, at: &str, wrongs: &mut Wrongs) {
    let descriptor = message.descriptor();
    let mut seen = HashSet::new();
    let mut chosen: HashMap<String, String> = HashMap::new();
    for (name, json) in object {
        let at = join(at, name);
        let Some(field) = named(&descriptor, name) else {
            wrongs.add(&at, "field-not-there");
            continue;
        };
        if !seen.insert(field.number()) {
            wrongs.add(&at, "field-twice");
            continue;
        }
        if json.is_null() {
            continue;
        }
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
            && let Some(other) = chosen.insert(oneof.full_name().to_owned(), at.clone())
        {
            wrongs.beside(&at, "field-not-together", &other);
            continue;
        }
        if let Some(value) = one(&field, json, &at, wrongs) {
            message.set_field(&field, value);
        }
    }
}

/// The value of a field from JSON; what is wrong with it is told.
pub(super) fn one(field: &FieldDescriptor, json: &Json, at: &str, wrongs: &mut Wrongs) -> Option<Value> {
    if !field.is_list() {
        return single(field, json, at, wrongs);
    }
    let Json::Array(items) = json else {
        wrongs.add(at, "field-kind-list");
        return None;
    };
    let values =
        items.iter().enumerate().filter_map(|(place, item)| single(field, item, &format!("{at}[{place}]"), wrongs));
    Some(Value::List(values.collect()))
}

fn single(field: &FieldDescriptor, json: &Json, at: &str, wrongs: &mut Wrongs) -> Option<Value> {
    let kind = field.kind();
    let read = match kind.as_message().filter(|message| !scalar::is_known(message)) {
        None => scalar::from_json(&kind, json),
        Some(descriptor) => match json {
            Json::Object(inner) => {
                let mut message = DynamicMessage::new(descriptor.clone());
                object(&mut message, inner, at, wrongs);
                Ok(Value::Message(message))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Err("field-kind-object"),
        },
    };
    read.map_err(|why| wrongs.add(at, why)).ok()
}

/// Sets fields from query parameters: `a.b=c` is field b of field a; a list is given by repeating it.
pub(super) fn query(message: &mut DynamicMessage, parameters: &[(String, String)], wrongs: &mut Wrongs) {
    let mut seen = HashSet::new();
    let mut chosen = HashMap::new();
    for (name, text) in parameters {
        let Some(path) = path(&message.descriptor(), name) else {
            wrongs.add(name, "field-not-there");
            continue;
        };
        let Some((last, parents)) = path.split_last() else { continue };
        let kind = last.kind();
        if kind.as_message().is_some_and(|message| !scalar::is_known(message)) {
            wrongs.add(name, "field-by-its-own");
            continue;
        }
        // However it is written, it is the same field.
        let place: Vec<&str> = path.iter().map(FieldDescriptor::name).collect();
        if !last.is_list() && !seen.insert(place.join(".")) {
            wrongs.add(name, "field-twice");
            continue;
        }
        if let Some(other) = beside(&path, name, &mut chosen) {
            wrongs.beside(name, "field-not-together", &other);
            continue;
        }
        match scalar::from_text(&kind, text) {
            Err(why) => wrongs.add(name, why),
            Ok(value) => set(message, parents, last, value),
        }
    }
}

/// What each `oneof` was decided for so far: by its place, the field and the parameter that did it.
type Chosen = HashMap<String, (String, String)>;

/// The parameter that decided a `oneof` on this path for something else.
fn beside(path: &[FieldDescriptor], name: &str, chosen: &mut Chosen) -> Option<String> {
    let mut place = String::new();
    for field in path {
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            let decided = (field.name().to_owned(), name.to_owned());
            let (decided_for, by) = chosen.entry(format!("{place}{}", oneof.name())).or_insert(decided);
            if decided_for != field.name() {
                return Some(by.clone());
            }
        }
        place.push_str(field.name());
        place.push('.');
    }
    None
}

fn set(message: &mut DynamicMessage, parents: &[FieldDescriptor], last: &FieldDescriptor, value: Value) {
    let Some((first, rest)) = parents.split_first() else {
        if last.is_list() {
            if let Value::List(values) = message.get_field_mut(last) {
                values.push(value);
            }
        } else {
            message.set_field(last, value);
        }
        return;
    };
    if let Value::Message(inner) = message.get_field_mut(first) {
        set(inner, rest, last, value);
    }
}

/// Sets a field that stands in the path. A body may say it too, if it says the same.
pub(super) fn variable(message: &mut DynamicMessage, field: &FieldDescriptor, text: &str, wrongs: &mut Wrongs) {
    match scalar::from_text(&field.kind(), text) {
        Err(why) => wrongs.add(field.name(), why),
        Ok(value) => {
            if message.has_field(field) && *message.get_field(field) != value {
                wrongs.add(field.name(), "field-not-as-in-path");
            }
            message.set_field(field, value);
        }
    }
}

/// The fields that a dotted name leads through; all but the last are messages.
fn path(descriptor: &MessageDescriptor, name: &str) -> Option<Vec<FieldDescriptor>> {
    let mut descriptor = Some(descriptor.clone());
    let mut path = Vec::new();
    for part in name.split('.') {
        let field = named(&descriptor?, part)?;
        descriptor = field.kind().as_message().filter(|inner| !field.is_list() && !scalar::is_known(inner)).cloned();
        path.push(field);
    }
    Some(path)
}

fn named(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
