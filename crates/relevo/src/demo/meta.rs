//! WhatsApp messages and statuses as Meta's Cloud API posts them. Only the shapes that the sample day needs.

use serde_json::{Value, json};

use super::ids::Ids;

/// Somebody who writes by WhatsApp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    /// The phone number without `+`; empty if the person's account hides it.
    pub(super) phone: &'static str,
    /// The id that the business sees instead of a phone.
    pub(super) user_id: &'static str,
}

impl Person {
    pub(super) const fn with_phone(name: &'static str, phone: &'static str) -> Self {
        Self { name, phone, user_id: "" }
    }

    fn contact(self) -> Value {
        if self.phone.is_empty() {
            json!({"profile": {"name": self.name}, "user_id": self.user_id})
        } else {
            json!({"profile": {"name": self.name}, "wa_id": self.phone})
        }
    }
}

/// The business's number.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) account: String,
    pub(super) phone_number_id: String,
    pub(super) display: String,
}

/// Messages and statuses that go out in one POST for one number.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    number: &'a Number,
    ids: Ids,
    contacts: Vec<Value>,
    messages: Vec<Value>,
    statuses: Vec<Value>,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(number: &'a Number, ids: Ids) -> Self {
        Self { number, ids, contacts: Vec::new(), messages: Vec::new(), statuses: Vec::new() }
    }

    /// A message of `person`, named `name` within the day, sent at `at` (seconds). `content` is the part that its type adds.
    pub(super) fn message(mut self, person: Person, name: &str, at: i64, content: Value) -> Self {
        let contact = person.contact();
        if !self.contacts.contains(&contact) {
            self.contacts.push(contact);
        }
        let mut message = json!({"id": self.ids.wamid(name), "timestamp": at.to_string()});
        if person.phone.is_empty() {
            message["from_user_id"] = person.user_id.into();
        } else {
            message["from"] = person.phone.into();
        }
        if let (Value::Object(message), Value::Object(content)) = (&mut message, content) {
            message.extend(content);
        }
        self.messages.push(message);
        self
    }

    /// What became of the message `name` that the business sent to `person`.
    pub(super) fn status(mut self, person: Person, name: &str, at: i64, status: &str) -> Self {
        self.statuses.push(json!({
            "id": self.ids.wamid(name),
            "status": status,
            "timestamp": at.to_string(),
            "recipient_id": person.phone,
            "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"},
        }));
        self
    }

    pub(super) fn json(self) -> Value {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.number.display,
                "phone_number_id": self.number.phone_number_id,
            },
        });
        for (key, list) in [("contacts", self.contacts), ("messages", self.messages), ("statuses", self.statuses)] {
            if !list.is_empty() {
                value[key] = list.into();
            }
        }
        json!({
            "object": "whatsapp_business_account",
            "entry": [{"id": self.number.account, "changes": [{"field": "messages", "value": value}]}],
        })
    }
}

pub(super) fn text(body: &str) -> Value {
    json!({"type": "text", "text": {"body": body}})
}

/// A text that quotes the message `wamid`, which `from` had sent.
pub(super) fn reply(body: &str, from: &str, wamid: &str) -> Value {
    json!({"type": "text", "text": {"body": body}, "context": {"from": from, "id": wamid}})
}

pub(super) fn image(ids: Ids, name: &str, caption: &str) -> Value {
    json!({"type": "image", "image": {
        "id": ids.media(name), "mime_type": "image/jpeg", "sha256": ids.media_hash(name), "caption": caption,
    }})
}

pub(super) fn document(ids: Ids, name: &str, filename: &str) -> Value {
    json!({"type": "document", "document": {
        "id": ids.media(name), "mime_type": "application/pdf", "sha256": ids.media_hash(name), "filename": filename,
    }})
}

pub(super) fn voice_note(ids: Ids, name: &str) -> Value {
    json!({"type": "audio", "audio": {
        "id": ids.media(name), "mime_type": "audio/ogg; codecs=opus", "sha256": ids.media_hash(name), "voice": true,
    }})
}

pub(super) fn location(latitude: f64, longitude: f64, name: &str, address: &str) -> Value {
    json!({"type": "location", "location": {"latitude": latitude, "longitude": longitude, "name": name, "address": address}})
}

pub(super) fn reaction(wamid: &str, emoji: &str) -> Value {
    json!({"type": "reaction", "reaction": {"message_id": wamid, "emoji": emoji}})
}

/// The customer's tap on a button below the message `wamid`, which `from` had sent.
pub(super) fn button(title: &str, from: &str, wamid: &str) -> Value {
    json!({
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": title.to_lowercase(), "title": title}},
        "context": {"from": from, "id": wamid},
    })
}

/// The customer's correction of their own message `wamid`.
pub(super) fn edit(wamid: &str, body: &str) -> Value {
    json!({"type": "edit", "edit": {
        "original_message_id": wamid,
        "message": {"type": "text", "text": {"body": body}},
    }})
}
