//! Why a message is not queued, beside what the rules of conversations say.

use relevo_domain::Timestamp;
use relevo_domain::quick_reply::Variable;
use relevo_domain::template::TemplateProblem;

use super::ports::PolicyProblem;

/// The most templates that a closed window names.
pub const TEMPLATES_NAMED_MAX: usize = 20;

/// Why a message is not queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendRefused {
    /// No such channel, or the caller may not use it.
    ChannelNotFound,
    /// The message that is quoted or reacted to is not in the conversation, or has no name that the provider knows yet.
    MessageNotFound,
    /// The customer has not written for a day. `templates`: name and language of those that would do.
    WindowClosed {
        expired_at: Option<Timestamp>,
        templates: Vec<(String, String)>,
    },
    TemplateNotFound {
        name: String,
        language: Option<String>,
    },
    Template {
        name: String,
        language: String,
        problem: TemplateProblem,
    },
    AttachmentNotFound {
        sha256: String,
    },
    QuickReplyNotFound {
        name: String,
    },
    /// Nothing is known that could stand for the variable.
    QuickReplyValue {
        variable: Variable,
    },
    /// The recipient cannot be read as a number, an id or an address.
    Recipient,
    /// A field is not acceptable; `key` of the catalogue says why.
    Field {
        field: &'static str,
        key: &'static str,
        limit: usize,
    },
    /// The channel says no.
    Policy(PolicyProblem),
}
