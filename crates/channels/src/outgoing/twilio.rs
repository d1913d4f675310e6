//! Twilio: the form of `POST /Accounts/{Sid}/Messages.json`.
//!
//! Quotes, reactions, cards, buttons and lists have no parameter there: a quote is left out, the others are refused. Templates
//! go by the id of their content.

use std::collections::BTreeMap;

use relevo_domain::MessageId;
use relevo_domain::conversation::outgoing::{Body, Location, MediaKind, Outgoing, Recipient, TemplateUse};
use relevo_domain::identity::IdentifierKind;
use serde_json::Value;

use super::Problem;

/// The prefix of addresses on WhatsApp.
const WHATSAPP: &str = "whatsapp:";
/// The parameter of the callback's query that carries our id.
pub const CALLBACK_PARAMETER: &str = "message";

/// The form. `from`: `whatsapp:+549…`, or a messaging service `MG…`. `media_url`: where Twilio fetches the message's file.
/// `status_callback`: our webhook's URL as it is configured; the message's id is added here.
pub fn form(
    outgoing: &Outgoing,
    from: &str,
    media_url: Option<&str>,
    status_callback: &str,
) -> Result<Vec<(String, String)>, Problem> {
    let mut form = Vec::new();
    let sender = if is_service(from) { "MessagingServiceSid" } else { "From" };
    put(&mut form, sender, from);
    put(&mut form, "To", &address(&outgoing.personal.to, from)?);
    content(&mut form, &outgoing.body, media_url)?;
    put(&mut form, "StatusCallback", &callback_url(status_callback, outgoing.id));
    Ok(form)
}

/// The URL with our id in its query, before a fragment (which holds Twilio's own options and is not sent).
pub fn callback_url(base: &str, message: MessageId) -> String {
    let (address, fragment) =
        base.split_once('#').map_or((base, None), |(address, fragment)| (address, Some(fragment)));
    let separator = match address.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{address}{separator}{CALLBACK_PARAMETER}={message}{fragment}")
}

/// Of the query of a callback the part that is ours, as it can be kept; `None` if there is no id of a message in it.
pub fn own_query(query: &str) -> Option<String> {
    message_of(query).map(|message| format!("{CALLBACK_PARAMETER}={message}"))
}

/// Our id of the message in the query of a callback.
pub fn message_of(query: &str) -> Option<MessageId> {
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == CALLBACK_PARAMETER);
    named.and_then(|(_, value)| value.trim().parse().ok())
}

fn content(form: &mut Vec<(String, String)>, body: &Body, media_url: Option<&str>) -> Result<(), Problem> {
    match body {
        Body::Text { text, .. } => put(form, "Body", text),
        Body::Media { kind, caption, .. } => {
            match kind {
                MediaKind::Image | MediaKind::Video | MediaKind::Document => {
                    put(form, "Body", caption.as_deref().unwrap_or_default());
                }
                MediaKind::Audio | MediaKind::Sticker => {}
            }
            put(form, "MediaUrl", media_url.ok_or(Problem::FileMissing)?);
        }
        Body::Location(place) => location(form, place),
        Body::Template(template) => self::template(form, template)?,
        Body::Contacts(_) => return Err(Problem::CannotSend("contacts")),
        Body::Reaction { .. } => return Err(Problem::CannotSend("reaction")),
        Body::Buttons { .. } => return Err(Problem::CannotSend("buttons")),
        Body::List { .. } => return Err(Problem::CannotSend("list")),
        Body::Mail(_) => return Err(Problem::CannotSend("mail")),
    }
    Ok(())
}

/// A place is an action beside a text, and a message must have a text.
fn location(form: &mut Vec<(String, String)>, place: &Location) {
    let point = format!("{},{}", degrees(place.latitude_e7), degrees(place.longitude_e7));
    let label = place.address.as_deref().or(place.name.as_deref());
    put(form, "Body", place.name.as_deref().or(place.address.as_deref()).unwrap_or(&point));
    // The label ends the parameter, so only line breaks would do harm.
    let label = label.map(|label| format!("|{}", super::email::one_line(label))).unwrap_or_default();
    put(form, "PersistentAction", &format!("geo:{point}{label}"));
}

fn degrees(e7: i32) -> String {
    (f64::from(e7) / 1e7).to_string()
}

fn template(form: &mut Vec<(String, String)>, template: &TemplateUse) -> Result<(), Problem> {
    let content = template.provider_id.as_deref().ok_or(Problem::CannotSend("template_without_id"))?;
    if template.header_file.is_some() {
        return Err(Problem::CannotSend("template_file"));
    }
    put(form, "ContentSid", content);
    let variables: BTreeMap<&str, &str> =
        template.values.iter().map(|value| (value.variable.as_str(), value.value.as_str())).collect();
    if !variables.is_empty() {
        let object = variables.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        put(form, "ContentVariables", &Value::Object(object).to_string());
    }
    Ok(())
}

/// The recipient as Twilio writes it. A number goes out on WhatsApp unless the sender is a plain number.
fn address(to: &Recipient, from: &str) -> Result<String, Problem> {
    let value = to.value.strip_prefix(WHATSAPP).unwrap_or(&to.value).trim();
    let on_whatsapp = from.starts_with(WHATSAPP) || is_service(from);
    let value = match to.kind {
        IdentifierKind::Bsuid if on_whatsapp => value.to_owned(),
        IdentifierKind::Phone | IdentifierKind::WaId if value.starts_with('+') => value.to_owned(),
        IdentifierKind::Phone | IdentifierKind::WaId => format!("+{value}"),
        IdentifierKind::Bsuid | IdentifierKind::Email | IdentifierKind::Username | IdentifierKind::ParentBsuid => {
            return Err(Problem::Recipient);
        }
    };
    Ok(if on_whatsapp { format!("{WHATSAPP}{value}") } else { value })
}

fn is_service(from: &str) -> bool {
    from.starts_with("MG")
}

fn put(form: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !value.is_empty() {
        form.push((name.to_owned(), value.to_owned()));
    }
}
