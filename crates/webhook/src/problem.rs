//! What a webhook answers when it refuses: a status, and a JSON body that says what happened, what was not lost and what to do.

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use relevo_catalogue::Language;
use relevo_domain::ErrorCode;
use relevo_domain::error::Outcome;
use relevo_eventlog::LogError;
use serde::Serialize;

use crate::body::Unread;
use crate::metrics::PostOutcome;

/// How long a provider is asked to wait while the log is away: it is restarted within a few seconds.
const RETRY_AFTER_AWAY_SECONDS: u32 = 5;
/// How long a provider is asked to wait while the log is full: somebody has to make room.
const RETRY_AFTER_FULL_SECONDS: u32 = 60;

/// Why a post is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    UnknownEndpoint,
    BadSignature,
    /// The handshake's mode or token is wrong.
    HandshakeRefused,
    /// The handshake has no challenge.
    HandshakeIncomplete,
    TooLarge,
    TooSlow,
    Broken,
    /// A mail in a wrapping that would have to be undone first.
    UnsupportedMediaType,
    MethodNotAllowed,
    Overloaded,
    LogAway,
    LogFull,
    /// The log did not answer in time.
    OutcomeUnknown,
    Internal,
}

#[derive(Serialize)]
struct Answer {
    code: &'static str,
    message: String,
    outcome: &'static str,
    retryable: bool,
}

impl Problem {
    const fn status(self) -> StatusCode {
        match self {
            Self::UnknownEndpoint => StatusCode::NOT_FOUND,
            Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::HandshakeRefused => StatusCode::FORBIDDEN,
            Self::HandshakeIncomplete | Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Overloaded | Self::LogAway | Self::LogFull | Self::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn code(self) -> ErrorCode {
        match self {
            Self::UnknownEndpoint => ErrorCode::EndpointNotFound,
            Self::BadSignature | Self::HandshakeRefused => ErrorCode::SignatureInvalid,
            Self::HandshakeIncomplete
            | Self::Broken
            | Self::TooSlow
            | Self::UnsupportedMediaType
            | Self::MethodNotAllowed => ErrorCode::InvalidArgument,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Overloaded | Self::LogAway => ErrorCode::LogUnavailable,
            Self::LogFull => ErrorCode::LogFull,
            Self::OutcomeUnknown => ErrorCode::OutcomeUnknown,
            Self::Internal => ErrorCode::Internal,
        }
    }

    const fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Self::Overloaded | Self::LogAway | Self::OutcomeUnknown => Some(RETRY_AFTER_AWAY_SECONDS),
            Self::LogFull => Some(RETRY_AFTER_FULL_SECONDS),
            Self::UnknownEndpoint
            | Self::BadSignature
            | Self::HandshakeRefused
            | Self::HandshakeIncomplete
            | Self::TooLarge
            | Self::TooSlow
            | Self::Broken
            | Self::UnsupportedMediaType
            | Self::MethodNotAllowed
            | Self::Internal => None,
        }
    }

    /// The code's text, or a closer one where the code says too little to somebody who looks at a provider's panel.
    fn message(self, language: Language) -> String {
        let key = match self {
            Self::HandshakeIncomplete => "webhook-handshake-incomplete",
            Self::TooSlow => "webhook-too-slow",
            Self::Broken => "webhook-broken",
            Self::UnsupportedMediaType => "webhook-media-type",
            Self::MethodNotAllowed => "webhook-method",
            Self::Overloaded => "webhook-overloaded",
            Self::UnknownEndpoint
            | Self::BadSignature
            | Self::HandshakeRefused
            | Self::TooLarge
            | Self::LogAway
            | Self::LogFull
            | Self::OutcomeUnknown
            | Self::Internal => return relevo_catalogue::error(language, self.code().as_str(), &[]),
        };
        relevo_catalogue::text(language, key, &[])
    }

    /// How the post is counted.
    pub(crate) const fn counted_as(self) -> PostOutcome {
        match self {
            Self::UnknownEndpoint => PostOutcome::UnknownEndpoint,
            Self::BadSignature | Self::HandshakeRefused => PostOutcome::BadSignature,
            Self::HandshakeIncomplete | Self::Broken | Self::UnsupportedMediaType | Self::MethodNotAllowed => {
                PostOutcome::BadRequest
            }
            Self::TooLarge => PostOutcome::TooLarge,
            Self::TooSlow => PostOutcome::TooSlow,
            Self::Overloaded => PostOutcome::Overloaded,
            Self::LogAway | Self::OutcomeUnknown | Self::Internal => PostOutcome::LogAway,
            Self::LogFull => PostOutcome::LogFull,
        }
    }

    /// The answer, in the language that the request asks for.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response {
        let code = self.code();
        let answer = Answer {
            code: code.as_str(),
            message: self.message(language(headers)),
            outcome: match code.outcome() {
                Outcome::NotApplied => "not_applied",
                Outcome::Unknown => "unknown",
            },
            retryable: code.retryable() || matches!(self, Self::TooSlow),
        };
        let body = serde_json::to_string(&answer).unwrap_or_default();
        let mut response = (self.status(), [(CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::TooLarge,
            Unread::TooSlow => Self::TooSlow,
            Unread::Overloaded => Self::Overloaded,
            Unread::Broken => Self::Broken,
        }
    }
}

impl From<&LogError> for Problem {
    fn from(error: &LogError) -> Self {
        match error {
            LogError::Unavailable(_) | LogError::Refused(_) => Self::LogAway,
            LogError::Full => Self::LogFull,
            LogError::TooLarge { .. } => Self::TooLarge,
            LogError::Undecodable { .. } => Self::Internal,
        }
    }
}

pub(crate) async fn method_not_allowed(headers: HeaderMap) -> Response {
    Problem::MethodNotAllowed.answer(&headers)
}

pub(crate) async fn not_found(headers: HeaderMap) -> Response {
    Problem::UnknownEndpoint.answer(&headers)
}

fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map(Language::accepted).unwrap_or_default()
}
