//! Refusals of the door, in the caller's language: as a gRPC status and as an HTTP answer.

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use relevo_catalogue::{Arg, Language};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use relevo_proto::problem::outcome_word;
use relevo_proto::status::http_status;
use serde_json::json;

use super::Refused;

/// The language that a request asks for.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::accepted(accepted.unwrap_or_default())
}

/// What a refused credential is called.
pub(super) const fn code(refused: Refused) -> ErrorCode {
    match refused {
        Refused::Expired => ErrorCode::TokenExpired,
        Refused::Unknown => ErrorCode::Unauthenticated,
    }
}

/// The problem with its texts.
pub(super) fn spoken(language: Language, problem: Problem) -> Problem {
    let code = problem.code.as_str();
    let subject = problem.subject.clone();
    let args: Vec<(&str, Arg<'_>)> =
        subject.iter().map(|(key, value)| (key.as_str(), Arg::from(value.as_str()))).collect();
    let english = relevo_catalogue::error(Language::En, code, &args);
    let localized = relevo_catalogue::error(language, code, &args);
    problem.texts(english, language.tag(), localized)
}

/// The same shape that webhooks answer with.
pub(crate) fn http(language: Language, code: ErrorCode) -> Response {
    saying(code, &relevo_catalogue::error(language, code.as_str(), &[]))
}

/// The same with another text than the code's own.
pub(crate) fn saying(code: ErrorCode, message: &str) -> Response {
    let body = json!({
        "code": code.as_str(),
        "message": message,
        "outcome": outcome_word(code.outcome()),
        "retryable": code.retryable(),
    });
    let status = StatusCode::from_u16(http_status(code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
