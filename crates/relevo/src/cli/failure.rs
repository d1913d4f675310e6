//! What can go wrong for a client, how it is told, and the exit status that a script sees.

use std::error::Error as _;
use std::process::ExitCode;
use std::time::Duration;

use relevo_domain::ErrorCode;
use relevo_proto::problem::{Problem, outcome_word};
use serde_json::{Map, Value, json};
use tonic::{Code, ConnectError, Status};

use super::words::Words;

/// Why a command did not do what it was asked.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The server refused, in its own words.
    Refused(Box<Problem>),
    /// Nobody answers at the address.
    Unreachable { server: String },
    /// The connection broke before the answer was whole.
    Broken { server: String },
    /// No answer within the command's time.
    TimedOut { server: String, timeout: Duration },
    /// Something answered that does not speak like Relevo.
    Strange { server: String, code: Code, message: String },
    /// No API key was given.
    NoKey,
    /// The API key has characters that cannot be sent.
    BadKey,
    /// The server's address cannot be used.
    BadServer { server: String },
    /// The value of a flag or argument cannot be used.
    BadValue { name: &'static str, value: String, expected: String },
    /// A verification of views found a difference; it has been printed.
    Different,
    /// A verification of the log found that something is missing or not as it was; it has been printed.
    NotIntact,
    /// Sample traffic was not accepted; it has been printed.
    NotAccepted { refused: usize },
    /// Nobody takes sample traffic at the address.
    NoWebhooks { http: String, reason: String },
    /// Nobody takes files at the address, or they were not taken.
    NoHttp { http: String, reason: String },
    /// The configuration lacks one of the endpoints that sample traffic needs.
    NoEndpoints,
    /// The mailbox's owner has not given consent, or their provider refused it.
    NoConsent { code: String, detail: String },
    /// A channel was tried, and something of it is not good; it has been printed.
    ChannelNotGood,
    /// An answer could not be printed.
    Output(String),
}

/// Exit statuses; `EXIT_HELP` in `global.rs` explains them to people.
const ERROR: u8 = 1;
const USAGE: u8 = 2;
const NOT_FOUND: u8 = 3;
const CONFLICT: u8 = 4;
const CREDENTIAL: u8 = 5;
const REPEAT: u8 = 6;

impl Failure {
    pub(crate) fn from_status(status: &Status, server: &str) -> Self {
        let server = server.to_owned();
        match Problem::from_status(status) {
            Some(problem) => Self::Refused(Box::new(problem)),
            None if was_never_connected(status) => Self::Unreachable { server },
            // A status with a cause was made on this side, of what happened to the connection.
            None if status.source().is_some() || status.code() == Code::Unavailable => Self::Broken { server },
            None => Self::Strange { server, code: status.code(), message: status.message().to_owned() },
        }
    }

    pub(crate) fn bad_value(name: &'static str, value: &str, expected: impl Into<String>) -> Self {
        Self::BadValue { name, value: value.to_owned(), expected: expected.into() }
    }

    /// Whether the same write, with the same command id, may succeed a moment later.
    pub(crate) fn worth_repeating(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.code.retryable() && problem.code != ErrorCode::LogFull,
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::TimedOut { .. }
            | Self::Strange { .. }
            | Self::NoKey
            | Self::BadKey
            | Self::BadServer { .. }
            | Self::BadValue { .. }
            | Self::Different
            | Self::NotIntact
            | Self::NotAccepted { .. }
            | Self::NoWebhooks { .. }
            | Self::NoHttp { .. }
            | Self::NoEndpoints
            | Self::NoConsent { .. }
            | Self::ChannelNotGood
            | Self::Output(_) => false,
        }
    }

    /// Whether a write may have been stored although this is what came back.
    fn may_be_stored(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.code == ErrorCode::OutcomeUnknown || problem.code == ErrorCode::Internal,
            Self::Broken { .. } | Self::TimedOut { .. } | Self::Strange { .. } => true,
            Self::Unreachable { .. }
            | Self::NoKey
            | Self::BadKey
            | Self::BadServer { .. }
            | Self::BadValue { .. }
            | Self::Different
            | Self::NotIntact
            | Self::NotAccepted { .. }
            | Self::NoWebhooks { .. }
            | Self::NoHttp { .. }
            | Self::NoEndpoints
            | Self::NoConsent { .. }
            | Self::ChannelNotGood
            | Self::Output(_) => false,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_status())
    }

    fn exit_status(&self) -> u8 {
        match self {
            Self::Refused(problem) => status_of(problem.code),
            Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::NoWebhooks { .. }
            | Self::NoHttp { .. } => REPEAT,
            Self::NoKey | Self::BadKey => CREDENTIAL,
            Self::BadServer { .. } | Self::BadValue { .. } | Self::NoEndpoints => USAGE,
            Self::Strange { .. }
            | Self::Different
            | Self::NotIntact
            | Self::NotAccepted { .. }
            | Self::NoConsent { .. }
            | Self::ChannelNotGood
            | Self::Output(_) => ERROR,
        }
    }

    /// What happened, what was not lost and what to do, then the ids. `command_id` is the write's, if it was one.
    pub(crate) fn lines(&self, words: Words, command_id: Option<&str>) -> Vec<String> {
        let mut lines: Vec<String> = self.text(words).lines().map(str::to_owned).collect();
        let mut ids = Vec::new();
        if let Self::Refused(problem) = self {
            // The server's texts end with the code and the ids; those of another server may not.
            let said = problem.text();
            let unsaid = problem.violations.iter().filter(|field| !said.contains(&field.description));
            lines.extend(unsaid.map(|field| format!("  {}: {}", field.field, field.description)));
            // What would do instead, or stands in the way: it is in no text, because it may be personal.
            lines.extend(problem.preconditions.iter().map(|one| {
                let parts = [one.subject.as_str(), one.description.as_str()].map(super::text::one_line);
                let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                format!("  - {}", said.join(" · "))
            }));
            let unsaid = self.ids().into_iter().filter(|(_, value)| !said.contains(value.as_str()));
            ids.extend(unsaid.map(|(key, value)| format!("{key}={value}")));
        }
        if let Some(command_id) = command_id {
            if self.may_be_stored() || self.worth_repeating() {
                lines.push(words.with("cli-repeat-command", &[("command_id", command_id)]));
            }
            if !ids.iter().any(|id| id.starts_with("command_id=")) {
                ids.push(format!("command_id={command_id}"));
            }
        }
        if !ids.is_empty() {
            lines.push(format!("  {}", ids.join(" · ")));
        }
        lines
    }

    /// The same for a program.
    pub(crate) fn json(&self, words: Words, command_id: Option<&str>) -> Value {
        let code = match self {
            Self::Refused(problem) => problem.code.as_str(),
            Self::Unreachable { .. } | Self::NoWebhooks { .. } | Self::NoHttp { .. } => "UNREACHABLE",
            Self::Broken { .. } => "CONNECTION_BROKEN",
            Self::TimedOut { .. } => "TIMED_OUT",
            Self::Strange { .. } => "STRANGE_ANSWER",
            Self::NoKey | Self::BadKey => "UNAUTHENTICATED",
            Self::BadServer { .. } | Self::BadValue { .. } => "INVALID_ARGUMENT",
            Self::Different => "VIEW_DIFFERS",
            Self::NotIntact => "LOG_NOT_INTACT",
            Self::NotAccepted { .. } => "NOT_ACCEPTED",
            Self::NoEndpoints => "NO_ENDPOINTS",
            Self::NoConsent { .. } => "NO_CONSENT",
            Self::ChannelNotGood => "CHANNEL_NOT_GOOD",
            Self::Output(_) => "OUTPUT_FAILED",
        };
        let mut ids: Map<String, Value> =
            self.ids().into_iter().filter(|(key, _)| key != "code").map(|(key, value)| (key, value.into())).collect();
        if let Some(command_id) = command_id {
            ids.insert("command_id".to_owned(), command_id.into());
        }
        let violations: Vec<Value> = match self {
            Self::Refused(problem) => problem
                .violations
                .iter()
                .map(|field| json!({"field": field.field, "description": field.description}))
                .collect(),
            _ => Vec::new(),
        };
        let preconditions: Vec<Value> = match self {
            Self::Refused(problem) => problem
                .preconditions
                .iter()
                .map(|one| json!({"type": one.kind, "subject": one.subject, "description": one.description}))
                .collect(),
            _ => Vec::new(),
        };
        let outcome = match self {
            Self::Refused(problem) => outcome_word(problem.code.outcome()),
            _ if command_id.is_some() && self.may_be_stored() => "unknown",
            _ => "not_applied",
        };
        let retryable = match self {
            Self::Refused(problem) => problem.code.retryable(),
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            _ => false,
        };
        json!({
            "code": code,
            "message": self.text(words),
            "outcome": outcome,
            "retryable": retryable,
            "ids": ids,
            "violations": violations,
            "preconditions": preconditions,
        })
    }

    fn text(&self, words: Words) -> String {
        match self {
            Self::Refused(problem) => problem.text().to_owned(),
            Self::Unreachable { server } => words.with("client-unreachable", &[("server", server)]),
            Self::Broken { server } => words.with("cli-broken", &[("server", server)]),
            Self::TimedOut { server, timeout } => {
                let time = super::text::duration(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
                words.with("cli-timed-out", &[("server", server), ("time", &time)])
            }
            Self::Strange { server, code: Code::Unimplemented, .. } => {
                words.with("cli-unimplemented", &[("server", server)])
            }
            Self::Strange { server, code, message } => words.with(
                "cli-strange",
                &[("server", server), ("code", &format!("{code:?}")), ("message", &super::text::one_line(message))],
            ),
            Self::NoKey => words.t("client-no-key"),
            Self::BadKey => words.t("cli-bad-key"),
            Self::BadServer { server } => words.with("cli-bad-server", &[("server", server)]),
            Self::BadValue { name, value, expected } => words.with(
                "cli-bad-value",
                &[("name", *name), ("value", &super::text::one_line(value)), ("expected", expected)],
            ),
            Self::Different => words.t("cli-view-different"),
            Self::NotIntact => words.t("cli-log-not-intact"),
            Self::NotAccepted { refused } => words.with("cli-demo-refused", &[("refused", &refused.to_string())]),
            Self::NoWebhooks { http, reason } => {
                words.with("cli-demo-unreachable", &[("http", http), ("reason", &super::text::one_line(reason))])
            }
            Self::NoHttp { http, reason } => {
                words.with("cli-no-http", &[("http", http), ("reason", &super::text::one_line(reason))])
            }
            Self::NoEndpoints => words.t("cli-demo-no-endpoints"),
            Self::NoConsent { code, detail } => {
                words.with("cli-no-consent", &[("code", &super::text::one_line(code)), ("detail", detail)])
            }
            Self::ChannelNotGood => words.t("cli-channel-not-good"),
            Self::Output(error) => words.with("cli-output", &[("error", error)]),
        }
    }

    fn ids(&self) -> Vec<(String, String)> {
        match self {
            Self::Refused(problem) => std::iter::once(("code".to_owned(), problem.code.as_str().to_owned()))
                .chain(problem.subject.iter().cloned())
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether the request cannot have reached anybody.
fn was_never_connected(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The exit status of an error code. Written out, so that a new code forces a decision.
const fn status_of(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::Forbidden | ErrorCode::SignatureInvalid | ErrorCode::TokenExpired => {
            CREDENTIAL
        }
        ErrorCode::InvalidArgument
        | ErrorCode::PositionInvalid
        | ErrorCode::CursorInvalid
        | ErrorCode::CursorExpired
        | ErrorCode::TooLarge
        | ErrorCode::TemplateParameters
        | ErrorCode::AttachmentTooBig
        | ErrorCode::AttachmentType
        | ErrorCode::RecipientInvalid => USAGE,
        ErrorCode::ConversationNotFound
        | ErrorCode::ContactNotFound
        | ErrorCode::TagUnknown
        | ErrorCode::AssigneeNotFound
        | ErrorCode::EndpointNotFound
        | ErrorCode::ParkedNotFound
        | ErrorCode::ViewNotFound
        | ErrorCode::CommitNotFound
        | ErrorCode::TemplateNotFound
        | ErrorCode::AttachmentNotFound
        | ErrorCode::ChannelNotFound
        | ErrorCode::MessageNotFound
        | ErrorCode::BulkNotFound
        | ErrorCode::QuickReplyNotFound => NOT_FOUND,
        ErrorCode::AlreadyAssigned
        | ErrorCode::ConversationResolved
        | ErrorCode::CommandIdReused
        | ErrorCode::VersionConflict
        | ErrorCode::LimitReached
        | ErrorCode::WindowClosed
        | ErrorCode::StaleView
        | ErrorCode::BotPaused
        | ErrorCode::NotPaused
        | ErrorCode::TurnEnded
        | ErrorCode::SuggestionNotFound
        | ErrorCode::PauseLocked
        | ErrorCode::BulkRunning
        | ErrorCode::TemplateNotUsable
        | ErrorCode::ChannelPaused
        | ErrorCode::ChannelCannotSend
        | ErrorCode::AlreadyHandedOver => CONFLICT,
        ErrorCode::StaleRead
        | ErrorCode::Contention
        | ErrorCode::OutcomeUnknown
        | ErrorCode::LogUnavailable
        | ErrorCode::LogFull
        | ErrorCode::PairRate => REPEAT,
        ErrorCode::LogDiverged | ErrorCode::Internal => ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_catalogue::Language;

    fn refused(code: ErrorCode) -> Failure {
        let status = Status::from(Problem::new(code).about("agent_id", "martin"));
        Failure::from_status(&status, "http://127.0.0.1:1")
    }

    #[test]
    fn every_code_has_an_exit_status_that_the_help_explains() {
        for code in ErrorCode::ALL {
            let status = refused(code).exit_status();
            assert!((1..=6).contains(&status), "{code}");
            assert!(super::super::global::EXIT_HELP.contains(&format!("\n  {status}  ")), "{code}");
            assert_eq!(status == REPEAT, code.retryable(), "{code}: 6 means that repeating may help");
        }
    }

    #[test]
    fn an_error_names_code_and_ids_once() {
        let words = Words::new(Language::En);
        let lines = refused(ErrorCode::AlreadyAssigned).lines(words, Some("c-1"));
        assert_eq!(lines, ["ALREADY_ASSIGNED", "  agent_id=martin · command_id=c-1"]);
        let text = "It is taken. (ALREADY_ASSIGNED; agent_id: martin)".to_owned();
        let problem = Problem::new(ErrorCode::AlreadyAssigned).about("agent_id", "martin").texts(
            text.clone(),
            "en",
            text.clone(),
        );
        let lines = Failure::from_status(&Status::from(problem), "http://127.0.0.1:1").lines(words, None);
        assert_eq!(lines, [text]);
    }

    #[test]
    fn an_unknown_outcome_says_how_to_repeat_it() {
        let words = Words::new(Language::En);
        for failure in [refused(ErrorCode::OutcomeUnknown), Failure::Broken { server: "http://x".to_owned() }] {
            assert!(failure.lines(words, Some("c-1")).iter().any(|line| line.contains("--command-id c-1")));
            assert!(!failure.lines(words, None).iter().any(|line| line.contains("--command-id")));
            assert_eq!(failure.json(words, Some("c-1"))["outcome"], "unknown");
        }
    }
}
