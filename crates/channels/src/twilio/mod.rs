//! Twilio: the form of one webhook becomes one update, an inbound message or a status callback.
//!
//! Parameters come and go without notice: what has no meaning here is kept in the details. Signatures are checked
//! before, over all parameters: `signature`.

mod form;
mod message;
mod status;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;

use relevo_domain::conversation::Medium;
use relevo_domain::identity::IdentifierKind;

use self::form::Form;
use crate::fact::{Class, Fact, Identifier, NotUnderstood, NotUnderstoodReason, Target, Update};

/// The prefix of addresses on WhatsApp; addresses without any prefix are phone numbers.
const WHATSAPP: &str = "whatsapp:";

/// What the form says: one update, or none if it is empty. `query` is that of the address that it was posted to; of it only
/// our own parameter is read.
pub fn updates(form: &[u8], query: &str) -> Vec<Update> {
    let form = Form::parse(form);
    if form.is_empty() {
        return Vec::new();
    }
    let content = if !form.looks_like_twilio() {
        Err(parked(NotUnderstoodReason::Malformed, "", None))
    } else if let Some(word) = form.status_word() {
        status::status(&form, word, query)
    } else {
        message::inbound(&form)
    };
    vec![Update { target: Target::Endpoint, content }]
}

fn parked(reason: NotUnderstoodReason, at: &str, class: Option<Class>) -> NotUnderstood {
    NotUnderstood { reason, at: at.to_owned(), class }
}

/// The message's id under any of its three names.
fn sid(form: &Form, class: Class) -> Result<String, NotUnderstood> {
    let sid = ["MessageSid", "SmsMessageSid", "SmsSid"].into_iter().find_map(|name| form.get(name));
    sid.map(str::to_owned).ok_or_else(|| parked(NotUnderstoodReason::MissingId, "MessageSid", Some(class)))
}

/// WhatsApp if either side is on it, or the callback says so.
fn medium(form: &Form) -> Medium {
    let on_whatsapp = |name| form.get(name).is_some_and(|address| address.starts_with(WHATSAPP));
    let is_whatsapp = on_whatsapp("From") || on_whatsapp("To") || form.get("ChannelPrefix") == Some("whatsapp");
    if is_whatsapp { Medium::WhatsApp } else { Medium::Sms }
}

/// An address of a customer as an identifier; `None` if it is of a channel that Relevo does not know (`messenger:…`).
fn identifier(address: &str) -> Option<Identifier> {
    let on_whatsapp = address.strip_prefix(WHATSAPP);
    let value = on_whatsapp.unwrap_or(address).trim();
    if value.is_empty() || value.contains(':') {
        return None;
    }
    let kind = if is_bsuid(value) { IdentifierKind::Bsuid } else { IdentifierKind::Phone };
    // An unescaped `+` in a form is a blank. On WhatsApp every number is international, so nothing is guessed here.
    let lost_plus = on_whatsapp.is_some() && value.bytes().all(|byte| byte.is_ascii_digit());
    Some(Identifier { kind, value: if lost_plus { format!("+{value}") } else { value.to_owned() } })
}

/// `AR.1349…`: a country's two letters and a point.
fn is_bsuid(value: &str) -> bool {
    let country = value.split_once('.').map_or("", |(country, _)| country);
    country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Each identifier once, in the order in which they decide.
fn distinct(all: impl IntoIterator<Item = Identifier>) -> Vec<Identifier> {
    let mut kept: Vec<Identifier> = Vec::new();
    for identifier in all {
        if !kept.contains(&identifier) {
            kept.push(identifier);
        }
    }
    kept.sort_by_key(|identifier| identifier.kind);
    kept
}

type Read = Result<Fact, NotUnderstood>;
