//! JSON schemas of messages and enums, with the protos' comments as descriptions.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use super::scalar;

/// Where schemas stand in the document.
const PLACE: &str = "#/components/schemas/";
/// Schemas have our names without this.
const OURS: &str = "relevo.";

/// The schemas that something refers to, by name.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    known: BTreeMap<String, Json>,
    comments: Comments,
}

impl Schemas {
    /// A reference to a message's schema, which is added with everything that it refers to.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Json {
        let name = name(message.full_name());
        if !self.known.contains_key(&name) {
            // Before its fields: a message may hold itself.
            self.known.insert(name.clone(), Json::Null);
            let schema = self.object(message, &[]);
            self.known.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("{PLACE}{name}") })
    }

    /// The schema of a message without some of its fields.
    pub(super) fn object(&mut self, message: &MessageDescriptor, without: &[&FieldDescriptor]) -> Json {
        let mut properties = Map::new();
        for field in message.fields().filter(|field| !without.contains(&field)) {
            properties.insert(field.json_name().to_owned(), self.field(&field));
        }
        let mut description = vec![self.comments.of(&message.parent_file(), message.path())];
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let names: Vec<String> = oneof.fields().map(|field| format!("`{}`", field.json_name())).collect();
            description.push(format!("At most one of {} is given.", names.join(", ")));
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        describe(&mut schema, description.join("\n\n").trim());
        schema
    }

    /// The schema of a field's value, with its comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor) -> Json {
        let one = self.kind(&field.kind());
        let mut schema = if field.is_list() { json!({ "type": "array", "items": one }) } else { one };
        describe(&mut schema, &self.comments.of(&field.parent_file(), field.path()));
        schema
    }

    /// The comment at a place of a file.
    pub(super) fn comment(&mut self, file: &FileDescriptor, path: &[i32]) -> String {
        self.comments.of(file, path)
    }

    /// All of them.
    pub(super) fn done(self) -> BTreeMap<String, Json> {
        self.known
    }

    fn kind(&mut self, kind: &Kind) -> Json {
        match kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Double => json!({ "type": "number", "format": "double" }),
            Kind::Float => json!({ "type": "number", "format": "float" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            // JavaScript's numbers do not hold them.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "pattern": "^-?[0-9]{1,19}$" }),
            Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "pattern": "^[0-9]{1,20}$" }),
            Kind::Enum(of) => self.words(of),
            Kind::Message(message) if scalar::is_known(message) => match message.name() {
                "Timestamp" => json!({ "type": "string", "format": "date-time" }),
                "Duration" => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" }),
                _ => json!({}),
            },
            Kind::Message(message) => self.message(message),
        }
    }

    fn words(&mut self, of: &EnumDescriptor) -> Json {
        let name = name(of.full_name());
        if !self.known.contains_key(&name) {
            let file = of.parent_file();
            let mut description = vec![self.comments.of(&file, of.path())];
            for value in of.values() {
                let meaning = self.comments.of(&file, value.path()).replace('\n', " ");
                description.push(format!("- `{}`: {meaning}", value.name()));
            }
            let words: Vec<String> = of.values().map(|value| value.name().to_owned()).collect();
            let mut schema = json!({ "type": "string", "enum": words });
            describe(&mut schema, description.join("\n").trim());
            self.known.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("{PLACE}{name}") })
    }
}

/// The comments above the elements of files, by their places in them.
#[derive(Debug, Default)]
struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    fn of(&mut self, file: &FileDescriptor, path: &[i32]) -> String {
        let of_file = self.0.entry(file.name().to_owned()).or_insert_with(|| {
            let proto = file.file_descriptor_proto();
            let places = proto.source_code_info.iter().flat_map(|info| &info.location);
            places.map(|place| (place.path.clone(), text(place.leading_comments()))).collect()
        });
        of_file.get(path).cloned().unwrap_or_default()
    }
}

/// A comment without the spaces that it has behind its slashes.
fn text(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn describe(schema: &mut Json, description: &str) {
    if !description.is_empty() {
        schema["description"] = Json::from(description);
    }
}

fn name(full: &str) -> String {
    full.strip_prefix(OURS).unwrap_or(full).to_owned()
}
