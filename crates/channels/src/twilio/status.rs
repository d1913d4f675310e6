//! A status callback.

use relevo_domain::MessageId;
use relevo_domain::conversation::DeliveryStatus;

use super::form::Form;
use super::{Read, identifier, medium, sid};
use crate::fact::{Class, Fact, Key, StatusFact, What};
use crate::outgoing::twilio::{CALLBACK_PARAMETER, message_of};

/// `query` is that of the callback's address, where our id stands. `word` is what the callback calls the status; it stays in the details, because several of Twilio's words mean the
/// same here.
pub(super) fn status(form: &Form, word: &str, query: &str) -> Read {
    let id = sid(form, Class::Status)?;
    let to = form.get("To");
    let error_code = form.get("ErrorCode").map(str::trim).filter(|code| *code != "0").map(str::to_owned);
    let code = error_code.as_deref().unwrap_or_default();
    Ok(Fact {
        key: Key {
            kind: "status",
            provider_id: id.clone(),
            discriminator: format!("{word}|{}|{code}", to.unwrap_or_default()),
        },
        medium: medium(form),
        provider_time: None,
        identifiers: to.and_then(identifier).into_iter().collect(),
        name: None,
        what: What::Status(StatusFact {
            provider_id: id,
            ours: ours(form, query),
            status: known(word),
            error_code,
            recipient: to.map(str::to_owned),
            details_json: form.details(),
        }),
    })
}

/// Twilio's words in ours. Whatever Twilio has taken but not passed on yet is accepted; `canceled` changes nothing,
/// because nothing is scheduled with Twilio.
fn known(word: &str) -> DeliveryStatus {
    match word {
        "queued" | "accepted" | "scheduled" | "sending" => DeliveryStatus::Accepted,
        "undelivered" => DeliveryStatus::Failed,
        word => DeliveryStatus::parse(word),
    }
}

/// Our id of the message: in the query of the address that we gave for it, or in the form where that is the query.
fn ours(form: &Form, query: &str) -> Option<MessageId> {
    message_of(query).or_else(|| form.get(CALLBACK_PARAMETER)?.trim().parse().ok())
}
