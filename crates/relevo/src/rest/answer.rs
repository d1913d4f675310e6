//! Answers: a message as JSON, or an error with everything that a gRPC client would get.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use relevo_catalogue::{Arg, Language};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use relevo_proto::status::http_status;
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Where the types of details are told apart.
const TYPES: &str = "type.googleapis.com/google.rpc.";
/// When to try again, if nothing closer is known.
const RETRY: Duration = Duration::from_secs(1);

/// The message that the bytes hold. Default values are written, what is absent is not.
pub(super) fn message(descriptor: MessageDescriptor, bytes: &[u8]) -> Option<Response> {
    let text = json_of(&DynamicMessage::decode(descriptor, bytes).ok()?)?;
    Some(plain(StatusCode::OK, text))
}

/// A message by the JSON mapping of protocol buffers.
pub(super) fn json_of(message: &DynamicMessage) -> Option<Vec<u8>> {
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(false)
        .use_proto_field_name(false)
        .skip_default_fields(false);
    let mut out = Vec::new();
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options).ok()?;
    out.push(b'\n');
    Some(out)
}

/// A problem with the texts of its code.
pub(super) fn spoken(language: Language, problem: Problem) -> Problem {
    let code = problem.code.as_str();
    let [english, localized] = [Language::En, language].map(|language| relevo_catalogue::error(language, code, &[]));
    problem.texts(english, language.tag(), localized)
}

/// A problem with a closer text than its code's.
pub(super) fn said(language: Language, code: ErrorCode, key: &str, args: &[(&str, Arg<'_>)]) -> Problem {
    let [english, localized] = [Language::En, language].map(|language| relevo_catalogue::text(language, key, args));
    Problem::new(code).texts(english, language.tag(), localized)
}

/// A problem of ours.
pub(super) fn problem(problem: Problem) -> Response {
    error(&Status::from(problem))
}

/// A problem that HTTP has a status of its own for.
pub(super) fn problem_as(status: StatusCode, problem: Problem) -> Response {
    with_status(status, &Status::from(problem))
}

/// What is said to a method that the path does not have.
pub(super) fn other_method(language: Language, methods: &[Method]) -> Response {
    let problem = said(language, ErrorCode::InvalidArgument, "rest-method", &[]);
    let mut response = problem_as(StatusCode::METHOD_NOT_ALLOWED, problem);
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    if let Ok(allowed) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// What a service refused.
pub(super) fn error(refused: &Status) -> Response {
    let status = Problem::from_status(refused).map_or_else(|| of_code(refused.code()), |known| http_status(known.code));
    with_status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), refused)
}

fn with_status(status: StatusCode, refused: &Status) -> Response {
    let details = refused.get_error_details();
    let name = code_name(refused.code());
    let reason = details.error_info().map_or(name, |info| info.reason.as_str());
    let body = json!({ "error": {
        "code": status.as_u16(),
        "status": name,
        "reason": reason,
        "message": refused.message(),
        "details": details_of(&details),
    }});
    let mut response = plain(status, format!("{body}\n").into_bytes());
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let again = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY);
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay).or(again) {
        // Whole seconds are all that the header has; nobody is asked back too early.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The details in the form that Google's own APIs give them.
fn details_of(details: &ErrorDetails) -> Vec<Json> {
    let mut all = Vec::new();
    let mut add = |name: &str, mut detail: Json| {
        detail["@type"] = Json::from(format!("{TYPES}{name}"));
        all.push(detail);
    };
    if let Some(info) = details.error_info() {
        // In order: a hash map has none, and the same error reads the same.
        let metadata: std::collections::BTreeMap<_, _> = info.metadata.iter().collect();
        add("ErrorInfo", json!({ "reason": info.reason, "domain": info.domain, "metadata": metadata }));
    }
    if let Some(bad) = details.bad_request() {
        let fields = bad.field_violations.iter();
        let fields = fields.map(|one| json!({ "field": one.field, "description": one.description }));
        add("BadRequest", json!({ "fieldViolations": fields.collect::<Vec<_>>() }));
    }
    if let Some(failure) = details.precondition_failure() {
        let violation = |one: &tonic_types::PreconditionViolation| json!({ "type": one.r#type, "subject": one.subject, "description": one.description });
        add(
            "PreconditionFailure",
            json!({ "violations": failure.violations.iter().map(violation).collect::<Vec<_>>() }),
        );
    }
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        add("RetryInfo", json!({ "retryDelay": format!("{}s", delay.as_secs_f64()) }));
    }
    if let Some(text) = details.localized_message() {
        add("LocalizedMessage", json!({ "locale": text.locale, "message": text.message }));
    }
    all
}

fn plain(status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, Body::from(body)).into_response()
}

/// The status of a gRPC code that none of our errors stands behind: a message that is too long, a panic.
const fn of_code(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::Aborted | Code::AlreadyExists => 409,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
