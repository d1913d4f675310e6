//! WhatsApp Cloud API: the JSON body of `POST /{phone_number_id}/messages`.

use relevo_domain::conversation::outgoing::{
    Body, Choice, ContactCard, Frame, Location, MediaKind, Outgoing, Recipient, Section, StoredFile, TemplateUse,
    TemplateValue,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::template::Part;
use serde_json::{Map, Value, json};

use super::Problem;

/// The body for `to`. `uploaded` is the provider's id of the message's file; `callback` comes back in every status of the
/// message (`biz_opaque_callback_data`, at most 512 characters): our id of it.
pub fn body(outgoing: &Outgoing, uploaded: Option<&str>, callback: &str, to: &Recipient) -> Result<Value, Problem> {
    let (kind, payload) = payload(&outgoing.body, uploaded)?;
    let mut body = Map::new();
    body.insert("messaging_product".to_owned(), "whatsapp".into());
    body.insert("recipient_type".to_owned(), "individual".into());
    let (name, address) = recipient(to)?;
    body.insert(name.to_owned(), address.into());
    let quoted = outgoing.personal.reply_to_provider_id.as_deref();
    if let Some(quoted) = quoted.filter(|_| !matches!(outgoing.body, Body::Reaction { .. })) {
        body.insert("context".to_owned(), json!({ "message_id": quoted }));
    }
    body.insert("type".to_owned(), kind.into());
    body.insert(kind.to_owned(), payload);
    body.insert("biz_opaque_callback_data".to_owned(), callback.into());
    Ok(Value::Object(body))
}

/// Marks a message of the customer, and those before it, as read; `typing` shows that somebody writes, for up to 25 seconds.
pub fn read_mark(provider_id: &str, typing: bool) -> Value {
    let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": provider_id });
    if typing && let Some(members) = body.as_object_mut() {
        members.insert("typing_indicator".to_owned(), json!({ "type": "text" }));
    }
    body
}

/// A person without a visible number is named by another member; where both stand the number wins, so there is one.
fn recipient(to: &Recipient) -> Result<(&'static str, &str), Problem> {
    let value = to.value.strip_prefix("whatsapp:").unwrap_or(&to.value);
    match to.kind {
        IdentifierKind::Bsuid => Ok(("recipient", value)),
        IdentifierKind::WaId | IdentifierKind::Phone => Ok(("to", value)),
        IdentifierKind::Email | IdentifierKind::Username | IdentifierKind::ParentBsuid => Err(Problem::Recipient),
    }
}

fn payload(body: &Body, uploaded: Option<&str>) -> Result<(&'static str, Value), Problem> {
    Ok(match body {
        Body::Text { text, preview_url } => ("text", json!({ "body": text, "preview_url": preview_url })),
        Body::Media { kind, file, caption } => {
            let id = uploaded.ok_or(Problem::FileMissing)?;
            (kind.as_str(), medium(*kind, file, caption.as_deref(), id))
        }
        Body::Location(place) => ("location", location(place)),
        Body::Contacts(cards) => ("contacts", cards.iter().map(contact).collect()),
        Body::Reaction { target_provider_id, emoji, .. } => {
            let emoji = emoji.as_deref().unwrap_or_default();
            ("reaction", json!({ "message_id": target_provider_id, "emoji": emoji }))
        }
        Body::Buttons { frame, buttons } => {
            let buttons: Vec<Value> = buttons
                .iter()
                .map(|button| json!({ "type": "reply", "reply": { "id": button.id, "title": button.title } }))
                .collect();
            ("interactive", interactive("button", frame, json!({ "buttons": buttons })))
        }
        Body::List { frame, button, sections } => {
            let sections: Vec<Value> = sections.iter().map(section).collect();
            ("interactive", interactive("list", frame, json!({ "button": button, "sections": sections })))
        }
        Body::Template(template) => ("template", self::template(template, uploaded)?),
        Body::Mail(_) => return Err(Problem::CannotSend("mail")),
    })
}

fn medium(kind: MediaKind, file: &StoredFile, caption: Option<&str>, id: &str) -> Value {
    let mut medium = Map::new();
    medium.insert("id".to_owned(), id.into());
    match kind {
        MediaKind::Image | MediaKind::Video | MediaKind::Document => {
            put(&mut medium, "caption", caption);
        }
        // Neither has a caption.
        MediaKind::Audio | MediaKind::Sticker => {}
    }
    if kind == MediaKind::Document {
        put(&mut medium, "filename", file.file_name.as_deref());
    }
    Value::Object(medium)
}

fn location(place: &Location) -> Value {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    let mut location = Map::new();
    location.insert("latitude".to_owned(), degrees(place.latitude_e7).into());
    location.insert("longitude".to_owned(), degrees(place.longitude_e7).into());
    put(&mut location, "name", place.name.as_deref());
    put(&mut location, "address", place.address.as_deref());
    Value::Object(location)
}

fn contact(card: &ContactCard) -> Value {
    // A formatted name alone is refused: one more part of the name is demanded.
    let mut contact = Map::new();
    contact.insert("name".to_owned(), json!({ "formatted_name": card.name, "first_name": card.name }));
    let each = |values: &[String], name: &str| -> Value { values.iter().map(|value| json!({ name: value })).collect() };
    if !card.phones.is_empty() {
        contact.insert("phones".to_owned(), each(&card.phones, "phone"));
    }
    if !card.emails.is_empty() {
        contact.insert("emails".to_owned(), each(&card.emails, "email"));
    }
    if let Some(organisation) = &card.organisation {
        contact.insert("org".to_owned(), json!({ "company": organisation }));
    }
    Value::Object(contact)
}

fn interactive(kind: &str, frame: &Frame, action: Value) -> Value {
    let mut interactive = Map::new();
    interactive.insert("type".to_owned(), kind.into());
    if let Some(header) = &frame.header {
        interactive.insert("header".to_owned(), json!({ "type": "text", "text": header }));
    }
    interactive.insert("body".to_owned(), json!({ "text": frame.text }));
    if let Some(footer) = &frame.footer {
        interactive.insert("footer".to_owned(), json!({ "text": footer }));
    }
    interactive.insert("action".to_owned(), action);
    Value::Object(interactive)
}

fn section(section: &Section) -> Value {
    let rows: Vec<Value> = section.rows.iter().map(row).collect();
    let mut out = Map::new();
    put(&mut out, "title", Some(section.title.as_str()));
    out.insert("rows".to_owned(), rows.into());
    Value::Object(out)
}

fn row(choice: &Choice) -> Value {
    let mut row = Map::new();
    row.insert("id".to_owned(), choice.id.as_str().into());
    row.insert("title".to_owned(), choice.title.as_str().into());
    put(&mut row, "description", choice.description.as_deref());
    Value::Object(row)
}

fn template(template: &TemplateUse, uploaded: Option<&str>) -> Result<Value, Problem> {
    let mut components = Vec::new();
    if let Some(file) = &template.header_file {
        let kind = header_kind(file);
        let medium = medium(kind, file, None, uploaded.ok_or(Problem::FileMissing)?);
        let parameter = json!({ "type": kind.as_str(), kind.as_str(): medium });
        components.push(json!({ "type": "header", "parameters": [parameter] }));
    }
    // In the order in which a person reads them; of each part once.
    let mut parts: Vec<Part> = template.values.iter().map(|value| value.part).collect();
    parts.sort_unstable();
    parts.dedup();
    for part in parts {
        let values: Vec<&TemplateValue> = template.values.iter().filter(|value| value.part == part).collect();
        components.push(component(part, values));
    }
    let mut out = Map::new();
    out.insert("name".to_owned(), template.name.as_str().into());
    out.insert("language".to_owned(), json!({ "code": template.language }));
    if !components.is_empty() {
        out.insert("components".to_owned(), components.into());
    }
    Ok(Value::Object(out))
}

/// What a template's header shows: the kind that the file's type is of.
fn header_kind(file: &StoredFile) -> MediaKind {
    match file.mime_type.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("video") => MediaKind::Video,
        Some(_) | None => MediaKind::Document,
    }
}

fn component(part: Part, mut values: Vec<&TemplateValue>) -> Value {
    // Numbered variables go by their place; `10` comes after `9`.
    values.sort_by_key(|value| value.variable.parse::<u32>().unwrap_or(u32::MAX));
    let parameters: Vec<Value> = values
        .into_iter()
        .map(|value| match part {
            Part::Header | Part::Body if value.variable.parse::<u32>().is_err() => {
                json!({ "type": "text", "parameter_name": value.variable, "text": value.value })
            }
            Part::Header | Part::Body | Part::Button(_) => json!({ "type": "text", "text": value.value }),
        })
        .collect();
    match part {
        Part::Header => json!({ "type": "header", "parameters": parameters }),
        Part::Body => json!({ "type": "body", "parameters": parameters }),
        Part::Button(index) => {
            json!({ "type": "button", "sub_type": "url", "index": index.to_string(), "parameters": parameters })
        }
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        members.insert(name.to_owned(), value.into());
    }
}
