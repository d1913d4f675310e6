//! What a body carries beyond its text, as JSON.

use relevo_domain::conversation::{Body, Choice, ContactCard, Frame, Location};
use serde_json::{Value, json};

/// Empty if the text is all.
pub(super) fn json(body: &Body) -> String {
    let details = match body {
        Body::Location(place) => json!({ "location": location(place) }),
        Body::Contacts(cards) => json!({ "contacts": cards.iter().map(card).collect::<Vec<_>>() }),
        Body::Buttons { frame, buttons } => json!({
            "interactive": { "type": "button", "frame": around(frame), "buttons": choices(buttons) },
        }),
        Body::List { frame, button, sections } => {
            let section = |section: &relevo_domain::conversation::Section| json!({ "title": section.title, "rows": choices(&section.rows) });
            let sections: Vec<Value> = sections.iter().map(section).collect();
            json!({
                "interactive": { "type": "list", "frame": around(frame), "button": button, "sections": sections },
            })
        }
        Body::Text { .. } | Body::Media { .. } | Body::Reaction { .. } | Body::Template(_) | Body::Mail(_) => {
            return String::new();
        }
    };
    details.to_string()
}

fn location(place: &Location) -> Value {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    json!({
        "latitude": degrees(place.latitude_e7),
        "longitude": degrees(place.longitude_e7),
        "name": place.name,
        "address": place.address,
    })
}

fn card(card: &ContactCard) -> Value {
    json!({ "name": card.name, "phones": card.phones, "emails": card.emails, "organisation": card.organisation })
}

fn around(frame: &Frame) -> Value {
    json!({ "header": frame.header, "footer": frame.footer })
}

fn choices(choices: &[Choice]) -> Vec<Value> {
    let choice = |choice: &Choice| json!({ "id": choice.id, "title": choice.title, "description": choice.description });
    choices.iter().map(choice).collect()
}
