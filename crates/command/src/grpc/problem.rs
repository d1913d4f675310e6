//! Refusals as the caller reads them: a code, ids, and a text in the caller's language. What the operator needs goes to the log.

use std::time::Duration;

use relevo_catalogue::{Arg, Language};
use relevo_domain::conversation::Rejection;
use relevo_domain::{Caller, ErrorCode};
use relevo_eventlog::LogError;
use relevo_proto::Problem;
use tonic::{Request, Status};

use super::Staff;
use super::request::Violations;
use crate::conversation::ExecuteError;
use crate::ledger::LedgerError;

/// When it makes sense to repeat a command that the log could not take.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Speaks the caller's language.
pub(super) struct Speaker {
    language: Language,
}

impl Speaker {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let accepted = request.metadata().get("accept-language").and_then(|value| value.to_str().ok());
        Self { language: Language::accepted(accepted.unwrap_or_default()) }
    }

    /// The caller, as the credential says; put there before the request reaches this service.
    pub(super) fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let caller = request.extensions().get::<Caller>().cloned();
        caller.ok_or_else(|| self.say(Problem::new(ErrorCode::Unauthenticated)))
    }

    pub(super) fn invalid(&self, violations: Violations) -> Status {
        let problem = violations.into_iter().fold(Problem::new(ErrorCode::InvalidArgument), |problem, (field, key)| {
            problem.violation(field, relevo_catalogue::text(self.language, key, &[]))
        });
        self.say(problem)
    }

    pub(super) fn no_assignee(&self, key: &'static str, name: &str) -> Status {
        self.say(Problem::new(ErrorCode::AssigneeNotFound).about(key, name))
    }

    pub(super) fn refusal(&self, request: &crate::Request, error: ExecuteError, staff: &dyn Staff) -> Status {
        let about = |code| {
            Problem::new(code).about("conversation_id", request.conversation).about("command_id", &request.command_id)
        };
        let problem = match &error {
            ExecuteError::Rejected(rejection) => self.rejection(request, rejection, staff),
            ExecuteError::CommandIdReused { .. } => about(ErrorCode::CommandIdReused),
            ExecuteError::Contention => about(ErrorCode::Contention).retry_after(RETRY_AFTER),
            ExecuteError::Unknown => about(ErrorCode::OutcomeUnknown).retry_after(RETRY_AFTER),
            ExecuteError::Ledger(ledger) => {
                tracing::error!(conversation_id = %request.conversation, error = ?ledger, "command failed");
                let code = ledger_code(ledger);
                if code.retryable() { about(code).retry_after(RETRY_AFTER) } else { about(code) }
            }
        };
        self.say(problem)
    }

    fn rejection(&self, request: &crate::Request, rejection: &Rejection, staff: &dyn Staff) -> Problem {
        let about = |code| Problem::new(code).about("conversation_id", request.conversation);
        match rejection {
            Rejection::NotFound => about(ErrorCode::ConversationNotFound),
            Rejection::Forbidden { role } => about(ErrorCode::Forbidden).about("role", role.as_str()),
            Rejection::AlreadyAssigned { agent } => {
                let name = staff.agent_name(&request.caller.tenant, agent).unwrap_or_else(|| agent.to_string());
                about(ErrorCode::AlreadyAssigned).about("agent_id", agent).about("agent_name", name)
            }
            Rejection::Resolved => about(ErrorCode::ConversationResolved),
            Rejection::Limit { what, limit } => {
                about(ErrorCode::LimitReached).about("what", what).about("limit", limit)
            }
            Rejection::Invalid { field, limit } => {
                let key = if *limit == 1 || *field == "text" { "field-required" } else { "field-too-long" };
                let why = relevo_catalogue::text(self.language, key, &[("max", Arg::from(*limit))]);
                about(ErrorCode::InvalidArgument).violation(field, why)
            }
        }
    }

    fn say(&self, problem: Problem) -> Status {
        let code = problem.code.as_str();
        let subject = problem.subject.clone();
        let args: Vec<(&str, Arg<'_>)> =
            subject.iter().map(|(key, value)| (key.as_str(), Arg::from(value.as_str()))).collect();
        let english = relevo_catalogue::error(Language::En, code, &args);
        let localized = relevo_catalogue::error(self.language, code, &args);
        Status::from(problem.texts(english, self.language.tag(), localized))
    }
}

const fn ledger_code(error: &LedgerError) -> ErrorCode {
    match error {
        LedgerError::Log(LogError::Unavailable(_) | LogError::Refused(_)) | LedgerError::Lagging => {
            ErrorCode::LogUnavailable
        }
        LedgerError::Log(LogError::Full) => ErrorCode::LogFull,
        LedgerError::Log(LogError::TooLarge { .. }) => ErrorCode::TooLarge,
        LedgerError::View(relevo_projection::ViewError::Diverged { .. }) => ErrorCode::LogDiverged,
        LedgerError::View(relevo_projection::ViewError::Starting { .. }) => ErrorCode::LogUnavailable,
        LedgerError::Log(LogError::Undecodable { .. }) | LedgerError::Store(_) | LedgerError::View(_) => {
            ErrorCode::Internal
        }
    }
}
