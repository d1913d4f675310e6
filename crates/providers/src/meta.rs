//! The door to Meta's Cloud API: files are uploaded, messages handed over, messages marked as read, the number looked at.
//!
//! What the requests say is rendered in `channels`; which code means what stands there too.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use lru::LruCache;
use relevo_channels::failure as table;
use relevo_channels::outgoing::meta as render;
use relevo_domain::Timestamp;
use relevo_domain::conversation::{FailureClass, Outgoing, SendFailure, StoredFile};
use serde_json::Value;

use crate::account::MetaAccount;
use crate::check::{CheckLine, CheckPart};
use crate::deadline::Deadline;
use crate::door::{Outcome, Prepared};
use crate::http::{Answer, CALL_MAX, CallError, Http};
use crate::media::{self, FetchFailure};
use crate::refusal::{Refusal, by_status, failure, misconfigured, retry_after, shortened, unreached, unrenderable};

/// An upload may be repeated, so it may take its time: 100 MiB at 3 Mbit/s.
pub const UPLOAD_MAX: Duration = Duration::from_mins(5);
/// An uploaded file is used again for this time. Meta keeps it for 30 days; this is for repeated attempts and for the same
/// file to many.
const UPLOAD_KEPT: Duration = Duration::from_hours(6);
const UPLOADS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// Files that Meta has, by number and content: id, and since when.
pub(crate) struct Uploads(Mutex<LruCache<UploadKey, (String, Timestamp)>>);

/// Number, hash of the content, type.
type UploadKey = (String, String, String);

/// An error as Meta writes it.
pub(crate) struct ProviderError {
    pub(crate) code: i64,
    pub(crate) detail: Option<String>,
}

// === impl Uploads ===

impl Default for Uploads {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(UPLOADS_MAX)))
    }
}

impl Uploads {
    fn find(&self, account: &MetaAccount, file: &StoredFile, now: Timestamp) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key(account, file)).filter(|(_, at)| now.since(*at) < UPLOAD_KEPT).map(|(id, _)| id.clone())
    }

    fn keep(&self, account: &MetaAccount, file: &StoredFile, id: String, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key(account, file), (id, now));
    }
}

fn key(account: &MetaAccount, file: &StoredFile) -> UploadKey {
    (account.phone_number_id.clone(), file.sha256.clone(), file.mime_type.clone())
}

// === what the door does ===

/// The body of the call; the file was uploaded before.
pub(crate) fn render(outgoing: &Outgoing, uploaded: Option<&str>) -> Result<Prepared, Refusal> {
    let body = render::body(outgoing, uploaded, &outgoing.id.to_string(), &outgoing.personal.to);
    body.map(|body| Prepared::Meta(body.to_string())).map_err(|problem| (unrenderable(&problem), None))
}

/// Meta's id of the file, uploaded if it is not there yet.
pub(crate) async fn upload(
    http: &Http,
    account: &MetaAccount,
    uploads: &Uploads,
    file: &StoredFile,
    bytes: Bytes,
    now: Timestamp,
) -> Result<String, Refusal> {
    let (boundary, body) = multipart(&file.mime_type, &bytes);
    let kind = format!("multipart/form-data; boundary={boundary}");
    let path = format!("{}/media", account.phone_number_id);
    let request = request(account, Method::POST, &path, &kind, body).map_err(|failure| (failure, None))?;
    let answer = http.call(request, UPLOAD_MAX).await.map_err(|error| (unreached(&error), None))?;
    let id = judge(&answer)?.get("id").and_then(id_of);
    let id =
        id.ok_or_else(|| (failure(FailureClass::Transient, "no-id", "the upload was answered without an id"), None))?;
    uploads.keep(account, file, id.clone(), now);
    Ok(id)
}

/// A file that was uploaded a while ago.
pub(crate) fn uploaded(uploads: &Uploads, account: &MetaAccount, file: &StoredFile, now: Timestamp) -> Option<String> {
    uploads.find(account, file, now)
}

/// The one call.
pub(crate) async fn hand_over(http: &Http, account: &MetaAccount, body: String, by: Deadline) -> Outcome {
    let path = format!("{}/messages", account.phone_number_id);
    let request = match request(account, Method::POST, &path, "application/json", Bytes::from(body)) {
        Ok(request) => request,
        Err(failure) => return Outcome::Failed { failure, retry_after: None },
    };
    outcome(http.call_by(request, CALL_MAX, by).await)
}

/// Marks a message of the customer as read, and shows that somebody writes.
pub(crate) async fn mark_read(
    http: &Http,
    account: &MetaAccount,
    provider_id: &str,
    typing: bool,
) -> Result<(), Refusal> {
    let path = format!("{}/messages", account.phone_number_id);
    let body = Bytes::from(render::read_mark(provider_id, typing).to_string());
    let request = request(account, Method::POST, &path, "application/json", body).map_err(|failure| (failure, None))?;
    let answer = http.call(request, CALL_MAX).await.map_err(|error| (unreached(&error), None))?;
    judge(&answer).map(|_| ())
}

/// Where the file of that id is served, for the next five minutes.
pub(crate) async fn medium_address(
    http: &Http,
    account: &MetaAccount,
    id: &str,
    limit: usize,
) -> Result<String, FetchFailure> {
    if !is_segment(id) {
        return Err(FetchFailure::Refused("not an id"));
    }
    let path = format!("{id}?phone_number_id={}", account.phone_number_id);
    let answer = get(http, account, &path).await;
    let answer = answer.map_err(|(refused, wait)| match refused.class {
        FailureClass::Auth => FetchFailure::Auth,
        // 100 with subcode 33: no such object.
        _ if matches!(refused.code.as_deref(), Some("100" | "33" | "http-404" | "http-410" | "131052")) => {
            FetchFailure::Gone
        }
        class if class.waits() => {
            FetchFailure::Transient { detail: refused.detail.unwrap_or_default(), retry_after: wait }
        }
        _ => FetchFailure::Gone,
    })?;
    let size = answer.get("file_size").and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
    if size.is_some_and(|size| size > limit as u64) {
        return Err(FetchFailure::TooBig);
    }
    answer.get("url").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| media::transient("no address was given"))
}

/// One line for the number, one for its account.
pub(crate) async fn check(http: &Http, account: &MetaAccount) -> Vec<CheckLine> {
    let number = format!("{}?fields=verified_name,quality_rating", account.phone_number_id);
    let mut lines = vec![CheckLine::of(CheckPart::Number, get(http, account, &number).await)];
    lines.push(match &account.waba_id {
        Some(waba) => {
            let templates = format!("{waba}/message_templates?fields=name&limit=1");
            CheckLine::of(CheckPart::Templates, get(http, account, &templates).await)
        }
        None => CheckLine::failed(CheckPart::Templates, misconfigured("no WhatsApp Business account id")),
    });
    lines
}

/// A question that may be repeated: an object, or a refusal.
pub(crate) async fn get(http: &Http, account: &MetaAccount, path: &str) -> Result<Value, Refusal> {
    let request = request(account, Method::GET, path, "", Bytes::new()).map_err(|failure| (failure, None))?;
    let answer = http.call(request, CALL_MAX).await.map_err(|error| (unreached(&error), None))?;
    judge(&answer)
}

pub(crate) fn bearer(account: &MetaAccount) -> Result<HeaderValue, SendFailure> {
    let value = HeaderValue::from_str(&format!("Bearer {}", account.access_token.expose()));
    let mut value = value.map_err(|_| {
        failure(FailureClass::Auth, "bad-token", "the access token has a character that cannot be sent")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

// === what its answers mean ===

/// What became of a message. Only an answer that says so is taken for a refusal; a page of a gateway says nothing.
fn outcome(answer: Result<Answer, CallError>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ CallError::NotSent(_)) => {
            return Outcome::Failed { failure: unreached(&error), retry_after: None };
        }
        Err(error @ CallError::Unanswered(_)) => return Outcome::Unknown { detail: error.to_string() },
    };
    if answer.status.is_success() {
        let id = parse(&answer).and_then(|body| body.pointer("/messages/0/id").and_then(id_of));
        return match id {
            Some(provider_id) => Outcome::Accepted { provider_id },
            None => Outcome::Unknown { detail: format!("answered {} without an id", answer.status.as_u16()) },
        };
    }
    // A fault of the server says what became of the message by a code that is known, and by nothing else.
    let said = provider_error(&answer).map(|error| error.code).filter(|code| table::meta_knows(*code));
    if said.is_none() && (answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT) {
        return Outcome::Unknown { detail: format!("answered {} without a known error", answer.status.as_u16()) };
    }
    let (failure, wish) = refusal(&answer);
    // Only here is another attempt a danger; what else may be repeated needs no pause for it.
    let pause = said.and_then(|code| table::meta(Some(code), answer.status.as_u16()).retry_after);
    Outcome::Failed { failure, retry_after: wish.max(pause) }
}

/// An answer to a call that may be repeated.
fn judge(answer: &Answer) -> Result<Value, Refusal> {
    if !answer.status.is_success() {
        return Err(refusal(answer));
    }
    let unreadable = || (failure(FailureClass::Transient, "unreadable", "the answer is not JSON"), None);
    parse(answer).ok_or_else(unreadable)
}

fn refusal(answer: &Answer) -> Refusal {
    let wish = retry_after(&answer.headers);
    let Some(error) = provider_error(answer) else { return (by_status(answer.status), wish) };
    let verdict = table::meta(Some(error.code), answer.status.as_u16());
    let failure = SendFailure { class: verdict.class, code: Some(error.code.to_string()), detail: error.detail };
    (failure, wish)
}

fn provider_error(answer: &Answer) -> Option<ProviderError> {
    let body = parse(answer)?;
    let error = body.get("error")?;
    let text = |pointer: &str| error.pointer(pointer).and_then(Value::as_str).and_then(shortened);
    Some(ProviderError {
        code: error.get("code")?.as_i64()?,
        detail: text("/error_data/details").or_else(|| text("/message")),
    })
}

fn parse(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body.as_deref()?).ok().filter(Value::is_object)
}

/// Ids come as text, some as numbers.
fn id_of(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()).filter(|id| !id.is_empty()),
        Value::Number(id) => Some(id.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

// === its requests ===

fn request(
    account: &MetaAccount,
    method: Method,
    path: &str,
    content_type: &str,
    body: Bytes,
) -> Result<Request<Bytes>, SendFailure> {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, bearer(account)?);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Ok(content_type) = HeaderValue::from_str(content_type)
        && !content_type.is_empty()
    {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}/{path}", account.base_url))
        .body(body)
        .map_err(|_| misconfigured("the address of the API, the number or the account is not one"))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A part of a path that needs no escaping and cannot lead elsewhere.
fn is_segment(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The form of an upload. The name in it is not the customer's: the message itself carries that.
fn multipart(mime_type: &str, bytes: &Bytes) -> (String, Bytes) {
    // 128 random bits: no content holds them but by an accident that does not happen.
    let boundary = format!("relevo-{:032x}", rand::random::<u128>());
    let visible = |c: char| c.is_ascii_graphic() || c == ' ';
    let kind = if mime_type.chars().all(visible) { mime_type } else { "application/octet-stream" };
    let mut body = BytesMut::with_capacity(bytes.len() + 1_024);
    for (name, value) in [("messaging_product", "whatsapp"), ("type", kind)] {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.put_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    body.put_slice(head.as_bytes());
    body.put_slice(bytes);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (boundary, body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: Option<&'static str>) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        outcome(Ok(Answer {
            status,
            headers: HeaderMap::new(),
            body: body.map(|body| Bytes::from_static(body.as_bytes())),
        }))
    }

    #[test]
    fn a_fault_of_the_server_says_by_a_known_code_alone_that_nothing_was_taken() {
        let known = [r#"{"error":{"code":2}}"#, r#"{"error":{"code":131000}}"#, r#"{"error":{"code":131026}}"#];
        for body in known {
            assert!(matches!(answered(503, Some(body)), Outcome::Failed { .. }), "{body}");
        }
        let unknown = [Some(r#"{"error":{"code":999999}}"#), Some(r#"{"error":{}}"#), Some("<html>"), None];
        for body in unknown {
            assert!(matches!(answered(503, body), Outcome::Unknown { .. }), "{body:?}");
            assert!(matches!(answered(400, body), Outcome::Failed { .. }), "{body:?}");
        }
    }
}
