//! What a failed step amounts to, for every door: a class, the provider's code, its words, and how long it wants to be left alone.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use relevo_channels::outgoing::Problem;
use relevo_channels::outgoing::limits::LimitKind;
use relevo_domain::conversation::{FailureClass, SendFailure};

use crate::door::FilesError;
use crate::http::CallError;

/// A failure with the provider's wish for a pause.
pub(crate) type Refusal = (SendFailure, Option<Duration>);

/// The longest pause that a provider's `Retry-After` can bring about: a wrong header must not stop a channel for days.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// Characters kept of a provider's explanation.
const DETAIL_CHARS_MAX: usize = 500;

pub(crate) fn failure(class: FailureClass, code: impl Into<String>, detail: impl AsRef<str>) -> SendFailure {
    let code = Some(code.into()).filter(|code| !code.is_empty());
    SendFailure { class, code, detail: shortened(detail.as_ref()) }
}

/// A provider's words, in one line of a length that can be shown.
pub(crate) fn shortened(detail: &str) -> Option<String> {
    let words: Vec<&str> = detail.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(DETAIL_CHARS_MAX).collect();
    Some(line).filter(|line| !line.is_empty())
}

/// A call whose repetition does no harm and that did not come about.
pub(crate) fn unreached(error: &CallError) -> SendFailure {
    failure(FailureClass::Transient, "", error.to_string())
}

/// An answer without a provider's error in it, judged by its status alone. Only for calls that may be repeated, and for
/// refusals (4xx).
pub(crate) fn by_status(status: StatusCode) -> SendFailure {
    let class = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FailureClass::Auth,
        StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
        StatusCode::PAYLOAD_TOO_LARGE => FailureClass::File,
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => FailureClass::Transient,
        _ => FailureClass::Unknown,
    };
    failure(class, format!("http-{}", status.as_u16()), "")
}

/// `Retry-After` in seconds. Its form as a date is left out: neither provider uses it.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// What could not be rendered.
pub(crate) fn unrenderable(problem: &Problem) -> SendFailure {
    let class = match problem {
        Problem::Recipient => FailureClass::Recipient,
        Problem::FileMissing => FailureClass::File,
        Problem::CannotSend(_) => FailureClass::Content,
        Problem::Limit(limit) => match limit.what {
            LimitKind::AttachmentTooBig | LimitKind::AttachmentType => FailureClass::File,
            LimitKind::Missing
            | LimitKind::TooLong
            | LimitKind::TooMany
            | LimitKind::Duplicate
            | LimitKind::OutOfRange
            | LimitKind::CannotSend => FailureClass::Content,
            LimitKind::Recipient => FailureClass::Recipient,
        },
    };
    failure(class, "", problem.to_string())
}

/// The store of files does not answer: it is ours, and tried again.
pub(crate) fn no_files(error: &FilesError) -> SendFailure {
    failure(FailureClass::Transient, "files", error.to_string())
}

/// The file is not there (any more).
pub(crate) fn file_gone() -> SendFailure {
    failure(FailureClass::File, "file-gone", "the file is not stored any more")
}

/// The account is not set up so that this can be asked.
pub(crate) fn misconfigured(what: &str) -> SendFailure {
    failure(FailureClass::Account, "configuration", what)
}
