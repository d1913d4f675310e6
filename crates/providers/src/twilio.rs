//! The door to Twilio: messages are handed over as forms; files are fetched by Twilio itself from an address that is good for
//! a while.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, StatusCode};
use relevo_channels::failure as table;
use relevo_channels::outgoing::twilio as render;
use relevo_domain::conversation::{FailureClass, Outgoing, SendFailure};
use serde_json::Value;

use crate::account::TwilioAccount;
use crate::check::{CheckLine, CheckPart};
use crate::deadline::Deadline;
use crate::door::{Outcome, Prepared};
use crate::http::{Answer, CALL_MAX, CallError, Http};
use crate::refusal::{Refusal, by_status, failure, misconfigured, retry_after, shortened, unreached, unrenderable};

/// Twilio queues a message for ten hours at most and fetches its file when its turn comes.
pub(crate) const LINK_LIFE: Duration = Duration::from_hours(11);

/// The form of the call.
pub(crate) fn render(
    account: &TwilioAccount,
    outgoing: &Outgoing,
    media_url: Option<&str>,
) -> Result<Prepared, Refusal> {
    let form = render::form(outgoing, &account.from, media_url, &account.status_callback);
    form.map(Prepared::Twilio).map_err(|problem| (unrenderable(&problem), None))
}

/// The one call.
pub(crate) async fn hand_over(
    http: &Http,
    account: &TwilioAccount,
    form: &[(String, String)],
    by: Deadline,
) -> Outcome {
    let request = match messages_request(account, form) {
        Ok(request) => request,
        Err(failure) => return Outcome::Failed { failure, retry_after: None },
    };
    outcome(http.call_by(request, CALL_MAX, by).await)
}

/// One line: the account, with the key that is used.
pub(crate) async fn check(http: &Http, account: &TwilioAccount) -> Vec<CheckLine> {
    let url = format!("{}/2010-04-01/Accounts/{}.json", account.base_url, account.account_sid);
    let found = get(http, account, &url).await.and_then(|body| {
        let status = body.get("status").and_then(Value::as_str).unwrap_or_default();
        if status == "active" {
            return Ok(());
        }
        Err((failure(FailureClass::Account, status.to_owned(), "the account is not active"), None))
    });
    vec![CheckLine::of(CheckPart::Account, found)]
}

/// A question that may be repeated: an object, or a refusal.
pub(crate) async fn get(http: &Http, account: &TwilioAccount, url: &str) -> Result<Value, Refusal> {
    let request = Request::get(url).header(header::ACCEPT, "application/json");
    let request = request
        .header(header::AUTHORIZATION, basic(account).map_err(|failure| (failure, None))?)
        .body(Bytes::new())
        .map_err(|_| (misconfigured("the address of the API or the account is not one"), None))?;
    let answer = http.call(request, CALL_MAX).await.map_err(|error| (unreached(&error), None))?;
    if !answer.status.is_success() {
        return Err(refusal(&answer));
    }
    parse(&answer).ok_or_else(|| (failure(FailureClass::Transient, "unreadable", "the answer is not JSON"), None))
}

pub(crate) fn basic(account: &TwilioAccount) -> Result<HeaderValue, SendFailure> {
    let both = BASE64.encode(format!("{}:{}", account.user, account.password.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {both}"))
        .map_err(|_| failure(FailureClass::Auth, "bad-token", "the key has a character that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn messages_request(account: &TwilioAccount, form: &[(String, String)]) -> Result<Request<Bytes>, SendFailure> {
    let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", account.base_url, account.account_sid);
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    Request::post(url)
        .header(header::AUTHORIZATION, basic(account)?)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .map_err(|_| misconfigured("the address of the API or the account is not one"))
}

// === what its answers mean ===

/// What became of a message. An answer in the five hundreds says nothing about it, even with an error in it: Twilio documents
/// only 429 as not processed.
fn outcome(answer: Result<Answer, CallError>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ CallError::NotSent(_)) => {
            return Outcome::Failed { failure: unreached(&error), retry_after: None };
        }
        Err(error @ CallError::Unanswered(_)) => return Outcome::Unknown { detail: error.to_string() },
    };
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        let sid = parse(&answer).and_then(|body| body.get("sid").and_then(Value::as_str).map(str::to_owned));
        return match sid.filter(|sid| !sid.is_empty()) {
            Some(provider_id) => Outcome::Accepted { provider_id },
            None => Outcome::Unknown { detail: format!("answered {status} without an id") },
        };
    }
    if answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT {
        let code = code(&answer).map(|(code, _)| format!(" ({code})")).unwrap_or_default();
        return Outcome::Unknown { detail: format!("answered {status}{code}") };
    }
    let (failure, retry_after) = refusal(&answer);
    Outcome::Failed { failure, retry_after }
}

fn refusal(answer: &Answer) -> Refusal {
    let wish = retry_after(&answer.headers);
    let Some((code, detail)) = code(answer) else { return (by_status(answer.status), wish) };
    let verdict = table::twilio(Some(code), answer.status.as_u16());
    let failure = SendFailure { class: verdict.class, code: Some(code.to_string()), detail };
    (failure, wish.or(verdict.retry_after))
}

fn code(answer: &Answer) -> Option<(i64, Option<String>)> {
    let body = parse(answer)?;
    let code = body.get("code")?.as_i64()?;
    Some((code, body.get("message").and_then(Value::as_str).and_then(shortened)))
}

fn parse(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body.as_deref()?).ok().filter(Value::is_object)
}
