//! Refusals of messages: what cannot be queued, and what would do instead. What people wrote stands beside the text, never in it.

use std::time::Duration;

use relevo_domain::conversation::Rejection;
use relevo_domain::quick_reply::QuickReplyProblem;
use relevo_domain::template::TemplateProblem;
use relevo_domain::{Actor, EntityId, ErrorCode, Timestamp};
use relevo_proto::Problem;

use super::Staff;
use super::problem::{RETRY_AFTER, Speaker, about};
use crate::execute::Asked;
use crate::send::{PolicyProblem, SendRefused};

/// How long one message of a full conversation takes to leave: WhatsApp's pace to one person is one in 6 seconds.
const PAIR_RETRY_AFTER: Duration = Duration::from_secs(6);
/// Characters of a name from a request that an error repeats.
const NAME_CHARS_MAX: usize = 128;

impl Speaker {
    /// What of a message cannot be queued. What the caller wrote is not repeated.
    pub(super) fn send(&self, entity: EntityId, refused: &SendRefused) -> Problem {
        let about = |code| about(entity, code);
        match refused {
            SendRefused::ChannelNotFound => about(ErrorCode::ChannelNotFound),
            SendRefused::MessageNotFound => about(ErrorCode::MessageNotFound),
            SendRefused::WindowClosed { expired_at, templates } => {
                let problem = about(ErrorCode::WindowClosed);
                let problem =
                    expired_at.and_then(instant).into_iter().fold(problem, |it, at| it.about("expired_at", at));
                let would_do = templates.iter();
                would_do.fold(problem, |it, (name, language)| it.precondition("TEMPLATE", name, language))
            }
            SendRefused::TemplateNotFound { name, language } => about(ErrorCode::TemplateNotFound)
                .about("template", short(name))
                .about("language", short(language.as_deref().unwrap_or_default())),
            SendRefused::Template { name, language, problem } => template(entity, name, language, problem),
            SendRefused::AttachmentNotFound { sha256 } => {
                about(ErrorCode::AttachmentNotFound).about("sha256", short(sha256))
            }
            SendRefused::QuickReplyNotFound { name } => {
                about(ErrorCode::QuickReplyNotFound).about("quick_reply", short(name))
            }
            SendRefused::QuickReplyValue { variable } => {
                self.quick_reply(entity, &QuickReplyProblem::NoValue { variable: *variable })
            }
            SendRefused::Recipient | SendRefused::Policy(PolicyProblem::RecipientInvalid) => {
                about(ErrorCode::RecipientInvalid)
            }
            SendRefused::Field { field, key, limit } => self.field(entity, field, key, *limit),
            SendRefused::Policy(PolicyProblem::AttachmentTooBig { limit_bytes, size_bytes }) => {
                about(ErrorCode::AttachmentTooBig).about("limit_bytes", limit_bytes).about("size_bytes", size_bytes)
            }
            SendRefused::Policy(PolicyProblem::AttachmentType { mime_type }) => {
                about(ErrorCode::AttachmentType).about("mime_type", short(mime_type))
            }
            SendRefused::Policy(PolicyProblem::CannotSend { what }) => {
                about(ErrorCode::ChannelCannotSend).about("what", short(what))
            }
            SendRefused::Policy(PolicyProblem::Invalid { field, limit }) => {
                self.field(entity, field, "field-channel-limit", *limit)
            }
        }
    }

    /// A text that cannot be used, or cannot be filled in now.
    pub(super) fn quick_reply(&self, entity: EntityId, problem: &QuickReplyProblem) -> Problem {
        match problem {
            QuickReplyProblem::Empty => self.field(entity, "text", "field-required", 1),
            QuickReplyProblem::TooLong { limit } => self.field(entity, "text", "field-too-long", *limit),
            QuickReplyProblem::UnknownVariable { name } => self
                .field(entity, "text", "field-variable", 1)
                .about("variable", name.chars().take(64).collect::<String>()),
            QuickReplyProblem::NoValue { variable } => {
                self.field(entity, "quick_reply", "field-variable-value", 1).about("variable", variable)
            }
        }
    }
}

/// Why a message is not queued, claimed or taken back. What somebody wrote stands beside the text, never in it.
pub(super) fn sending(entity: EntityId, asked: &Asked, rejection: &Rejection, staff: &dyn Staff) -> Problem {
    match rejection {
        Rejection::WindowClosed { expired_at } => {
            let problem = about(entity, ErrorCode::WindowClosed);
            expired_at.and_then(instant).into_iter().fold(problem, |problem, at| problem.about("expired_at", at))
        }
        Rejection::StaleView { answer } => {
            let name = match &answer.by {
                Actor::Staff(agent) | Actor::Bot(agent) => staff.agent_name(&asked.caller.tenant, agent),
                Actor::Customer | Actor::PhoneApp | Actor::Provider | Actor::System => None,
            };
            let problem = about(entity, ErrorCode::StaleView)
                .about("by", answer.by.to_word())
                .about("by_name", name.unwrap_or_else(|| answer.by.to_word()))
                .about("message_id", answer.message)
                .about("version", answer.version)
                .precondition("ANSWER", answer.message.to_string(), answer.preview.as_str());
            instant(answer.at).into_iter().fold(problem, |problem, at| problem.about("at", at))
        }
        Rejection::BotPaused { reason, by, since } => {
            let problem =
                about(entity, ErrorCode::BotPaused).about("reason", reason.as_str()).about("by", by.to_word());
            instant(*since).into_iter().fold(problem, |problem, at| problem.about("since", at))
        }
        Rejection::PairRate { waiting } => {
            about(entity, ErrorCode::PairRate).about("waiting", waiting).retry_after(PAIR_RETRY_AFTER)
        }
        Rejection::NoRecipient => about(entity, ErrorCode::RecipientInvalid),
        Rejection::ChannelPaused => about(entity, ErrorCode::ChannelPaused),
        Rejection::MessageNotFound => about(entity, ErrorCode::MessageNotFound),
        Rejection::AlreadyHandedOver => about(entity, ErrorCode::AlreadyHandedOver),
        // Said to senders alone, and none of them comes through this door.
        Rejection::NotItsTurn => about(entity, ErrorCode::Contention).retry_after(RETRY_AFTER),
        Rejection::NotFound
        | Rejection::Forbidden { .. }
        | Rejection::AlreadyAssigned { .. }
        | Rejection::Resolved
        | Rejection::Invalid { .. }
        | Rejection::NotPaused
        | Rejection::TurnEnded { .. }
        | Rejection::SuggestionNotFound
        | Rejection::PauseLocked { .. }
        | Rejection::Limit { .. } => about(entity, ErrorCode::Internal),
    }
}

fn template(entity: EntityId, name: &str, language: &str, problem: &TemplateProblem) -> Problem {
    let about = |code| about(entity, code).about("template", short(name)).about("language", short(language));
    let parameters = |problem: &'static str| about(ErrorCode::TemplateParameters).about("problem", problem);
    let named = |problem: &'static str, variables: &[String]| {
        let all = variables.iter();
        all.fold(parameters(problem), |it, variable| it.precondition("VARIABLE", short(variable), problem))
    };
    match problem {
        TemplateProblem::NotUsable { status } => {
            about(ErrorCode::TemplateNotUsable).about("status", short(status.as_str()))
        }
        TemplateProblem::Missing { variables } => named("missing", variables),
        TemplateProblem::Surplus { variables } => named("surplus", variables),
        TemplateProblem::Repeated { variables } => named("repeated", variables),
        TemplateProblem::Blank { variable } => named("blank", std::slice::from_ref(variable)),
        TemplateProblem::Spacing { variable } => named("spacing", std::slice::from_ref(variable)),
        TemplateProblem::TooLong { variable } => named("too_long", std::slice::from_ref(variable)),
        TemplateProblem::HeaderFile => parameters("header_file"),
        TemplateProblem::HeaderLocation => parameters("header_location"),
    }
}

/// A name that the caller gave, as far as it is needed to recognise it.
fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// A time as metadata has it, RFC 3339 in UTC.
pub(super) fn instant(at: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok().map(|at| at.to_string())
}
