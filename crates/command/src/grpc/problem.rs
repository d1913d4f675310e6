//! Refusals as the caller reads them: a code, ids, and a text in the caller's language. What the operator needs goes to the log.

use std::time::Duration;

use relevo_catalogue::{Arg, Language};
use relevo_domain::conversation::Rejection;
use relevo_domain::detection::{ENTRY_CHARS_MAX, PHRASES_MAX, PhraseError, PolicyError, PolicyRefused};
use relevo_domain::{Caller, ChannelId, EntityId, EntityKind, ErrorCode, Role, bulk, channel, contact, workspace};
use relevo_eventlog::LogError;
use relevo_proto::Problem;
use tonic::{Request, Status};

use super::Staff;
use super::detection::NamedViolations;
use super::request::Violations;
use super::sending_problem::{instant, sending};
use crate::execute::{Asked, ExecuteError, Refused};
use crate::ledger::LedgerError;
use crate::send::StartRequest;

/// When it makes sense to repeat a command that the log could not take.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Speaks the caller's language.
pub(super) struct Speaker {
    pub(super) language: Language,
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

    /// The same, of fields that are one of several.
    pub(super) fn invalid_among(&self, violations: NamedViolations) -> Status {
        let problem = violations.into_iter().fold(Problem::new(ErrorCode::InvalidArgument), |problem, (field, key)| {
            problem.violation(&field, relevo_catalogue::text(self.language, key, &[]))
        });
        self.say(problem)
    }

    pub(super) fn forbidden(&self, role: Role) -> Status {
        self.say(Problem::new(ErrorCode::Forbidden).about("role", role.as_str()))
    }

    pub(super) fn no_assignee(&self, key: &'static str, name: &str) -> Status {
        self.say(Problem::new(ErrorCode::AssigneeNotFound).about(key, name))
    }

    /// A refusal of something that is named by its channel, as nothing else of it is known to the caller.
    pub(super) fn channel_refusal(
        &self,
        channel: &ChannelId,
        asked: &Asked,
        error: ExecuteError,
        staff: &dyn Staff,
    ) -> Status {
        // Like the workspace, the entity behind a channel has no name for people.
        let problem = self.problem(EntityId::WORKSPACE, asked, error, staff);
        self.say(problem.about("channel_id", channel))
    }

    pub(super) fn start_refusal(&self, request: &StartRequest, error: ExecuteError, staff: &dyn Staff) -> Status {
        self.channel_refusal(&request.channel, &request.asked, error, staff)
    }

    pub(super) fn refusal(&self, entity: EntityId, asked: &Asked, error: ExecuteError, staff: &dyn Staff) -> Status {
        self.say(self.problem(entity, asked, error, staff))
    }

    fn problem(&self, entity: EntityId, asked: &Asked, error: ExecuteError, staff: &dyn Staff) -> Problem {
        let about = |code| about(entity, code).about("command_id", &asked.command_id);
        match &error {
            ExecuteError::Rejected(refused) => self.refused(entity, asked, refused, staff),
            ExecuteError::CommandIdReused { .. } => about(ErrorCode::CommandIdReused),
            ExecuteError::Contention => about(ErrorCode::Contention).retry_after(RETRY_AFTER),
            ExecuteError::Unknown => about(ErrorCode::OutcomeUnknown).retry_after(RETRY_AFTER),
            ExecuteError::Files(error) => {
                tracing::error!(entity = %entity, error = ?error, "command failed");
                about(ErrorCode::LogUnavailable).retry_after(RETRY_AFTER)
            }
            ExecuteError::Ledger(ledger) => {
                tracing::error!(entity = %entity, error = ?ledger, "command failed");
                let code = ledger_code(ledger);
                if code.retryable() { about(code).retry_after(RETRY_AFTER) } else { about(code) }
            }
        }
    }

    fn refused(&self, entity: EntityId, asked: &Asked, refused: &Refused, staff: &dyn Staff) -> Problem {
        match refused {
            Refused::Conversation(rejection) => self.conversation(entity, asked, rejection, staff),
            Refused::Contact(rejection) => self.contact(entity, rejection),
            Refused::Workspace(rejection) => self.workspace(entity, rejection),
            Refused::Channel(channel::Rejection::Forbidden { role }) => {
                about(entity, ErrorCode::Forbidden).about("role", role.as_str())
            }
            Refused::Bulk(rejection) => self.bulk(entity, rejection),
            Refused::Send(refused) => self.send(entity, refused),
            Refused::VersionConflict { expected, actual } => {
                about(entity, ErrorCode::VersionConflict).about("expected", expected).about("actual", actual)
            }
        }
    }

    fn conversation(&self, entity: EntityId, asked: &Asked, rejection: &Rejection, staff: &dyn Staff) -> Problem {
        match rejection {
            Rejection::NotFound => about(entity, ErrorCode::ConversationNotFound),
            Rejection::Forbidden { role } => about(entity, ErrorCode::Forbidden).about("role", role.as_str()),
            Rejection::AlreadyAssigned { agent } => {
                let name = staff.agent_name(&asked.caller.tenant, agent).unwrap_or_else(|| agent.to_string());
                about(entity, ErrorCode::AlreadyAssigned).about("agent_id", agent).about("agent_name", name)
            }
            Rejection::Resolved => about(entity, ErrorCode::ConversationResolved),
            Rejection::Limit { what, limit } => limit_reached(entity, what, *limit),
            Rejection::Invalid { field, limit } => {
                let key = match *field {
                    "until" => "field-until",
                    "text" | "summary" => "field-filled",
                    "agent" => "field-required",
                    _ => "field-too-long",
                };
                self.field(entity, field, key, *limit)
            }
            Rejection::NotPaused => about(entity, ErrorCode::NotPaused),
            Rejection::TurnEnded { turn } => about(entity, ErrorCode::TurnEnded).about("turn", turn),
            Rejection::SuggestionNotFound => about(entity, ErrorCode::SuggestionNotFound),
            Rejection::PauseLocked { by, since } => {
                let problem = about(entity, ErrorCode::PauseLocked).about("by", by.to_word());
                instant(*since).into_iter().fold(problem, |problem, at| problem.about("since", at))
            }
            Rejection::WindowClosed { .. }
            | Rejection::StaleView { .. }
            | Rejection::BotPaused { .. }
            | Rejection::PairRate { .. }
            | Rejection::NoRecipient
            | Rejection::ChannelPaused
            | Rejection::MessageNotFound
            | Rejection::AlreadyHandedOver
            | Rejection::NotItsTurn => sending(entity, asked, rejection, staff),
        }
    }

    fn contact(&self, entity: EntityId, rejection: &contact::Rejection) -> Problem {
        match rejection {
            contact::Rejection::NotFound => about(entity, ErrorCode::ContactNotFound),
            contact::Rejection::Forbidden { role } => about(entity, ErrorCode::Forbidden).about("role", role.as_str()),
            contact::Rejection::Limit { what, limit } => limit_reached(entity, what, *limit),
            contact::Rejection::Invalid { field, limit } => {
                let key = match *field {
                    "customer.id" => "field-line",
                    "other_contact_id" => "field-same-contact",
                    _ => "field-too-long",
                };
                self.field(entity, field, key, *limit)
            }
        }
    }

    fn bulk(&self, entity: EntityId, rejection: &bulk::Rejection) -> Problem {
        match rejection {
            bulk::Rejection::NotFound => about(entity, ErrorCode::BulkNotFound),
            bulk::Rejection::Forbidden { role } => about(entity, ErrorCode::Forbidden).about("role", role.as_str()),
            bulk::Rejection::Invalid { field, limit } => {
                let key = if *field == "until" { "field-until" } else { "field-too-long" };
                self.field(entity, field, key, *limit)
            }
            bulk::Rejection::Limit { what, limit } => limit_reached(entity, what, *limit),
            bulk::Rejection::Running => about(entity, ErrorCode::BulkRunning),
            bulk::Rejection::NotAPause => self.field(entity, "bulk_id", "field-bulk-not-a-pause", 1),
            // The workers' own.
            bulk::Rejection::Held | bulk::Rejection::OutOfTurn => about(entity, ErrorCode::Internal),
        }
    }

    fn workspace(&self, entity: EntityId, rejection: &workspace::Rejection) -> Problem {
        match rejection {
            workspace::Rejection::Forbidden { role } => {
                about(entity, ErrorCode::Forbidden).about("role", role.as_str())
            }
            workspace::Rejection::TagUnknown => about(entity, ErrorCode::TagUnknown),
            workspace::Rejection::NameTaken { tag } => {
                self.field(entity, "name", "field-tag-name-taken", 1).about("tag_id", tag)
            }
            workspace::Rejection::Limit { what, limit } => limit_reached(entity, what, *limit),
            workspace::Rejection::QuickReplyName => self.field(entity, "name", "field-name", 32),
            workspace::Rejection::QuickReply { problem } => self.quick_reply(entity, problem),
            workspace::Rejection::Detection(refused) => self.detection(entity, refused),
        }
    }

    fn detection(&self, entity: EntityId, refused: &PolicyRefused) -> Problem {
        let (key, limit) = match refused.problem {
            PolicyError::Phrase(PhraseError::TooLong) => ("field-detection-long", ENTRY_CHARS_MAX),
            PolicyError::Phrase(PhraseError::Shape) => ("field-detection-shape", 1),
            PolicyError::Phrase(PhraseError::Prefix) => ("field-detection-prefix", 3),
            PolicyError::NoLists => ("field-detection-lists", 1),
            PolicyError::TooMany => ("field-detection-many", PHRASES_MAX),
            PolicyError::Range => match refused.field.as_str() {
                "repeats" => ("field-detection-repeats", 1),
                "unresolved" => ("field-detection-unresolved", 1),
                _ => ("field-detection-quiet", 1),
            },
        };
        self.field(entity, &refused.field, key, limit)
    }

    pub(super) fn field(&self, entity: EntityId, field: &str, key: &str, limit: usize) -> Problem {
        let why = relevo_catalogue::text(self.language, key, &[("max", Arg::from(limit))]);
        about(entity, ErrorCode::InvalidArgument).violation(field, why)
    }

    pub(super) fn say(&self, problem: Problem) -> Status {
        let code = problem.code.as_str();
        let subject = problem.subject.clone();
        let args: Vec<(&str, Arg<'_>)> =
            subject.iter().map(|(key, value)| (key.as_str(), Arg::from(value.as_str()))).collect();
        let english = relevo_catalogue::error(Language::En, code, &args);
        let localized = relevo_catalogue::error(self.language, code, &args);
        Status::from(problem.texts(english, self.language.tag(), localized))
    }
}

/// A problem with the entity that the command is about.
pub(super) fn about(entity: EntityId, code: ErrorCode) -> Problem {
    let key = match entity.kind() {
        EntityKind::Conversation => "conversation_id",
        EntityKind::Contact => "contact_id",
        EntityKind::Identity => "identity_id",
        EntityKind::Channel => "channel_id",
        EntityKind::Bulk => "bulk_id",
        // A tenant has one; there is nothing to name.
        EntityKind::Workspace => return Problem::new(code),
    };
    Problem::new(code).about(key, entity)
}

fn limit_reached(entity: EntityId, what: &str, limit: usize) -> Problem {
    about(entity, ErrorCode::LimitReached).about("what", what).about("limit", limit)
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
