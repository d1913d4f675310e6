//! A failed request as every service answers it, and as a client reads it back.
//!
//! On the wire: the gRPC code of the table in [`crate::status`], the English text as the message, and google.rpc details:
//! `ErrorInfo` (reason = code, domain `relevo`, metadata = ids, `outcome`, `retryable`), `BadRequest`, `PreconditionFailure`,
//! `RetryInfo` and `LocalizedMessage`. Texts come from the catalogue; this file only carries them.

use std::collections::HashMap;
use std::time::Duration;

use relevo_domain::ErrorCode;
use relevo_domain::error::Outcome;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::status::grpc_code;

/// `ErrorInfo.domain` of every error of ours.
pub const DOMAIN: &str = "relevo";

const OUTCOME: &str = "outcome";
const RETRYABLE: &str = "retryable";

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: ErrorCode,
    /// What it is about: ids and names by key, for example `conversation_id`. Never personal data.
    pub subject: Vec<(String, String)>,
    /// The fields of the request that are not acceptable.
    pub violations: Vec<FieldViolation>,
    /// What stands in the way, or would do instead. May be personal: it is shown to the caller and is part of no text.
    pub preconditions: Vec<Precondition>,
    /// When to try again, where trying again makes sense.
    pub retry_after: Option<Duration>,
    /// The text in English.
    pub message: String,
    /// The text in the caller's language, with its tag (`es`).
    pub localized: Option<(String, String)>,
}

/// One thing that stands in a command's way, or would do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// `TEMPLATE`: one that would do; subject its name, description its language. `ANSWER`: what somebody else wrote; subject
    /// the message's id, description the beginning of its text. `VARIABLE`: one of a template's; subject its name, description
    /// what is wrong.
    pub kind: String,
    pub subject: String,
    pub description: String,
}

/// One field of a request that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Name of the field in the proto, for example `page_size`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Problem {
    /// A problem with the code's name as its text until [`Problem::texts`] gives it better ones.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            subject: Vec::new(),
            violations: Vec::new(),
            preconditions: Vec::new(),
            retry_after: None,
            message: code.as_str().to_owned(),
            localized: None,
        }
    }

    /// Adds an id or a name that the problem is about.
    pub fn about(mut self, key: &str, value: impl ToString) -> Self {
        self.subject.push((key.to_owned(), value.to_string()));
        self
    }

    /// Adds a field that is not acceptable.
    pub fn violation(mut self, field: &str, description: impl Into<String>) -> Self {
        self.violations.push(FieldViolation { field: field.to_owned(), description: description.into() });
        self
    }

    /// Adds what stands in the way, or would do instead.
    pub fn precondition(mut self, kind: &str, subject: impl Into<String>, description: impl Into<String>) -> Self {
        let (kind, subject, description) = (kind.to_owned(), subject.into(), description.into());
        self.preconditions.push(Precondition { kind, subject, description });
        self
    }

    /// Says when to try again.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Sets the texts: English for the status message, the caller's language beside it.
    pub fn texts(mut self, english: String, language: &str, localized: String) -> Self {
        self.message = english;
        self.localized = Some((language.to_owned(), localized));
        self
    }

    /// The value of a key of the subject.
    pub fn subject(&self, key: &str) -> Option<&str> {
        self.subject.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Reads a problem back from a status; `None` if the status is not one of ours (a proxy's, a broken connection's).
    pub fn from_status(status: &Status) -> Option<Self> {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
        let code = ErrorCode::parse(&info.reason)?;
        let mut subject: Vec<_> = info
            .metadata
            .iter()
            .filter(|(key, _)| *key != OUTCOME && *key != RETRYABLE)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // The metadata is a hash map; a client's output must not change from run to run.
        subject.sort();
        let violations = details.bad_request().map(|bad| {
            let violation = |v: &tonic_types::FieldViolation| FieldViolation {
                field: v.field.clone(),
                description: v.description.clone(),
            };
            bad.field_violations.iter().map(violation).collect()
        });
        let preconditions = details.precondition_failure().map(|failure| {
            let precondition = |v: &tonic_types::PreconditionViolation| Precondition {
                kind: v.r#type.clone(),
                subject: v.subject.clone(),
                description: v.description.clone(),
            };
            failure.violations.iter().map(precondition).collect()
        });
        Some(Self {
            code,
            subject,
            violations: violations.unwrap_or_default(),
            preconditions: preconditions.unwrap_or_default(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            message: status.message().to_owned(),
            localized: details.localized_message().map(|text| (text.locale.clone(), text.message.clone())),
        })
    }

    /// The text for the person who asked: in their language if there is one, else in English.
    pub fn text(&self) -> &str {
        self.localized.as_ref().map_or(self.message.as_str(), |(_, text)| text.as_str())
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let code = problem.code;
        let mut metadata: HashMap<String, String> = problem.subject.into_iter().collect();
        metadata.insert(OUTCOME.to_owned(), outcome_word(code.outcome()).to_owned());
        metadata.insert(RETRYABLE.to_owned(), code.retryable().to_string());

        let mut details = ErrorDetails::with_error_info(code.as_str(), DOMAIN, metadata);
        for violation in problem.violations {
            details.add_bad_request_violation(violation.field, violation.description);
        }
        for precondition in problem.preconditions {
            let Precondition { kind, subject, description } = precondition;
            details.add_precondition_failure_violation(kind, subject, description);
        }
        if let Some(delay) = problem.retry_after {
            details.set_retry_info(Some(delay));
        }
        if let Some((language, text)) = problem.localized {
            details.set_localized_message(language, text);
        }
        Self::with_error_details(grpc_code(code), problem.message, details)
    }
}

/// How an outcome is written: `not_applied` or `unknown`.
pub const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplied => "not_applied",
        Outcome::Unknown => "unknown",
    }
}

/// Whether a status that is not one of ours says that nothing reached the server.
pub fn is_unreachable(status: &Status) -> bool {
    status.code() == Code::Unavailable && Problem::from_status(status).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(code: ErrorCode) -> Problem {
        Problem::new(code)
            .about("agent_id", "laura")
            .about("conversation_id", "cnv_1")
            .violation("page_size", "must not be negative")
            .precondition("TEMPLATE", "aviso", "es_AR")
            .retry_after(Duration::from_millis(250))
            .texts("english".to_owned(), "es", "español".to_owned())
    }

    #[test]
    fn every_code_reads_back_whole() {
        for code in ErrorCode::ALL {
            let status = Status::from(full(code));
            assert_eq!(status.code(), grpc_code(code));
            assert_eq!(Problem::from_status(&status), Some(full(code)));
        }
    }

    #[test]
    fn outcome_and_retryable_stand_beside_the_ids() {
        let status = Status::from(Problem::new(ErrorCode::OutcomeUnknown).about("command_id", "c1"));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("OUTCOME_UNKNOWN", "relevo"));
        assert_eq!(info.metadata["outcome"], "unknown");
        assert_eq!(info.metadata["retryable"], "true");
        assert_eq!(info.metadata["command_id"], "c1");
    }

    #[test]
    fn a_strangers_status_is_no_problem_of_ours() {
        assert_eq!(Problem::from_status(&Status::unavailable("connection refused")), None);
        assert!(is_unreachable(&Status::unavailable("connection refused")));
        assert!(!is_unreachable(&Status::from(Problem::new(ErrorCode::StaleRead))));
        let foreign = Status::with_error_details(
            Code::Internal,
            "x",
            ErrorDetails::with_error_info("INTERNAL", "example.com", HashMap::new()),
        );
        assert_eq!(Problem::from_status(&foreign), None);
    }
}
