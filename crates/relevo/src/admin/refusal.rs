//! Refusals of the operators' services, in the caller's language. What the operator needs goes to the log.

use std::time::Duration;

use relevo_catalogue::{Language, find, text};
use relevo_domain::conversation::FailureClass;
use relevo_domain::{Caller, ErrorCode};
use relevo_eventlog::LogError;
use relevo_intake::ParkingError;
use relevo_projection::MaintenanceError;
use relevo_proto::Problem;
use tonic::{Request, Status};

use crate::config;
use crate::serve::chain;

/// When it makes sense to ask again for what is away or busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Who asks, and in which language they are answered.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) caller: Caller,
    language: Language,
}

impl Operator {
    /// The caller, if the credential is one of an operator.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let accepted = request.metadata().get("accept-language").and_then(|value| value.to_str().ok());
        let language = Language::accepted(accepted.unwrap_or_default());
        let Some(caller) = request.extensions().get::<Caller>().cloned() else {
            return Err(speak(language, Problem::new(ErrorCode::Unauthenticated)));
        };
        if !caller.role.operates() {
            let problem = Problem::new(ErrorCode::Forbidden).about("role", caller.role.as_str());
            return Err(speak(language, problem));
        }
        Ok(Self { caller, language })
    }

    /// A text of the catalogue in the caller's language.
    pub(super) fn text(&self, key: &str) -> String {
        text(self.language, key, &[])
    }

    /// What is wrong with a definition, without its place.
    pub(super) fn text_of(&self, problem: &config::Problem) -> String {
        problem.what(self.language)
    }

    /// What a failure of a channel means and where it is mended: what is known of the code with this kind of channel, else of this
    /// part of a channel, of this kind of channel, or of any.
    pub(super) fn mend(&self, part: &str, kind: &str, class: FailureClass, code: Option<&str>) -> String {
        let class = class.as_str();
        let of_code = code.map(|code| format!("{kind}-code-{}", code.replace('.', "-")));
        let known = of_code.into_iter().chain([format!("{part}-{class}"), format!("{kind}-{class}")]);
        let mut known = known.filter_map(|known| find(self.language, &format!("channel-mend-{known}"), &[]));
        known.next().unwrap_or_else(|| text(self.language, &format!("channel-mend-{class}"), &[]))
    }

    pub(super) fn say(&self, problem: Problem) -> Status {
        speak(self.language, problem)
    }

    /// A field that is not acceptable, with the catalogue's key of what is wrong.
    pub(super) fn invalid(&self, field: &str, key: &str) -> Status {
        self.say(Problem::new(ErrorCode::InvalidArgument).violation(field, self.text(key)))
    }

    pub(super) fn log_failed(&self, error: &LogError) -> Status {
        tracing::error!(%error, "log cannot be asked");
        let code = match error {
            LogError::Unavailable(_) | LogError::Refused(_) => ErrorCode::LogUnavailable,
            LogError::Full => ErrorCode::LogFull,
            LogError::TooLarge { .. } => ErrorCode::TooLarge,
            LogError::Undecodable { .. } => ErrorCode::Internal,
        };
        self.say(repeatable(Problem::new(code)))
    }

    /// What was asked for may be stored, or may not: it can be asked for again.
    pub(super) fn unknown(&self, error: &LogError) -> Status {
        tracing::error!(%error, "log did not say whether it has stored what it was told");
        self.say(repeatable(Problem::new(ErrorCode::OutcomeUnknown)))
    }

    pub(super) fn parking_failed(&self, error: &ParkingError) -> Status {
        match error {
            ParkingError::NotFound(id) => {
                self.say(Problem::new(ErrorCode::ParkedNotFound).about("parked_id", id.number()))
            }
            ParkingError::Log(error) => self.log_failed(error),
            ParkingError::Work(_) | ParkingError::Tally(_) => {
                tracing::error!(error = %chain(error), "parked item cannot be handled");
                self.say(repeatable(Problem::new(ErrorCode::LogUnavailable)))
            }
        }
    }

    pub(super) fn maintenance_failed(&self, view: &str, error: &MaintenanceError) -> Status {
        if error.code() == ErrorCode::Internal {
            tracing::error!(view, error = %chain(error), "view cannot be maintained");
        }
        self.say(repeatable(Problem::new(error.code()).about("view", view)))
    }

    pub(super) fn internal(&self, error: &dyn std::error::Error) -> Status {
        tracing::error!(error = %chain(error), "operator's request failed");
        self.say(Problem::new(ErrorCode::Internal))
    }
}

fn repeatable(problem: Problem) -> Problem {
    if problem.code.retryable() { problem.retry_after(RETRY_AFTER) } else { problem }
}

fn speak(language: Language, problem: Problem) -> Status {
    let code = problem.code.as_str();
    let subject = problem.subject.clone();
    let args: Vec<_> = subject.iter().map(|(key, value)| (key.as_str(), value.as_str().into())).collect();
    let english = relevo_catalogue::error(Language::En, code, &args);
    let localized = relevo_catalogue::error(language, code, &args);
    problem.texts(english, language.tag(), localized).into()
}
