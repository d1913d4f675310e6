//! Why a query is refused, and how the caller reads it. What the operator needs goes to the log, and only there.

use std::time::Duration;

use relevo_catalogue::{Arg, Language};
use relevo_domain::{ChannelId, EntityId, ErrorCode, MessageId, Position, Role};
use relevo_projection::{StaleRead, ViewError};
use relevo_proto::Problem;
use tonic::Status;

use crate::history::HistoryError;

/// When a reader that came too early should come again: a view takes a commit in milliseconds.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Why a query was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QueryError {
    Unauthenticated,
    Forbidden {
        role: Role,
    },
    Invalid(Vec<Violation>),
    PositionInvalid,
    ConversationNotFound {
        conversation: EntityId,
    },
    BulkNotFound {
        bulk: EntityId,
    },
    ContactNotFound {
        contact: EntityId,
    },
    /// No such message in the conversation.
    MessageNotFound {
        message: MessageId,
    },
    /// No such attachment, or its file is not there: `pending` or `unavailable`, with the reason.
    AttachmentNotFound {
        message: MessageId,
        state: &'static str,
        reason: String,
    },
    /// No address of a file can be made.
    NoAddress,
    /// No such channel for the caller.
    ChannelNotFound {
        channel: Option<ChannelId>,
    },
    /// The channel has no template of that name.
    TemplateNotFound {
        name: String,
    },
    /// A filter names a tag that does not exist, or no longer.
    TagUnknown,
    CursorInvalid,
    CursorExpired,
    /// A documented limit: what there is too much of, and how much is allowed.
    LimitReached {
        what: &'static str,
        limit: usize,
    },
    /// The credential of a stream is past its time. Names the last position that the client has got.
    TokenExpired {
        position: Position,
    },
    Stale(StaleRead),
    /// The past cannot be read now.
    History(HistoryError),
    /// The view cannot be read now.
    View(ViewError),
    /// A stored row cannot be read, or the store failed.
    Store(String),
    /// The work or the stream was dropped half-way: this node is stopping.
    Stopping,
}

/// A field that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) field: &'static str,
    pub(crate) rule: Rule,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Required,
    Negative,
    Id,
    Name,
    UnknownWord,
    Day,
    DayOrder,
    DaysAbove(u64),
    NotTogether(&'static str),
    TooMany(u64),
    TooLong(u64),
    TagName,
    Future,
    /// No time of a calendar.
    Time,
    /// An end that is not after the beginning.
    Span,
}

impl Rule {
    fn text(&self, language: Language) -> String {
        let text = |key: &str| relevo_catalogue::text(language, key, &[]);
        match self {
            Self::Required => text("field-required"),
            Self::Negative => text("field-negative"),
            Self::Id => text("field-id"),
            Self::Name => text("field-name"),
            Self::UnknownWord => text("field-unknown-word"),
            Self::Day => text("field-day"),
            Self::DayOrder => text("field-day-order"),
            Self::DaysAbove(max) => relevo_catalogue::text(language, "field-days-above", &[("max", Arg::from(*max))]),
            Self::TooMany(max) => relevo_catalogue::text(language, "field-too-many", &[("max", Arg::from(*max))]),
            Self::TooLong(max) => relevo_catalogue::text(language, "field-too-long", &[("max", Arg::from(*max))]),
            Self::TagName => text("field-tag"),
            Self::Future => text("field-future"),
            Self::Time => text("field-time"),
            Self::Span => text("field-span"),
            Self::NotTogether(other) => {
                relevo_catalogue::text(language, "field-not-together", &[("other", Arg::from(*other))])
            }
        }
    }
}

impl QueryError {
    /// The refusal in the caller's language.
    pub(crate) fn into_status(self, language: Language) -> Status {
        self.log();
        speak(self.problem(language), language)
    }

    fn problem(self, language: Language) -> Problem {
        match self {
            Self::Unauthenticated => Problem::new(ErrorCode::Unauthenticated),
            Self::Forbidden { role } => Problem::new(ErrorCode::Forbidden).about("role", role.as_str()),
            Self::Invalid(violations) => {
                violations.iter().fold(Problem::new(ErrorCode::InvalidArgument), |problem, violation| {
                    problem.violation(violation.field, violation.rule.text(language))
                })
            }
            Self::PositionInvalid => Problem::new(ErrorCode::PositionInvalid),
            Self::ConversationNotFound { conversation } => {
                Problem::new(ErrorCode::ConversationNotFound).about("conversation_id", conversation)
            }
            Self::BulkNotFound { bulk } => Problem::new(ErrorCode::BulkNotFound).about("bulk_id", bulk),
            Self::ContactNotFound { contact } => Problem::new(ErrorCode::ContactNotFound).about("contact_id", contact),
            Self::MessageNotFound { message } => Problem::new(ErrorCode::MessageNotFound).about("message_id", message),
            Self::AttachmentNotFound { message, state, reason } => {
                let problem = Problem::new(ErrorCode::AttachmentNotFound).about("message_id", message);
                let of_state = if state.is_empty() { problem } else { problem.about("state", state) };
                if reason.is_empty() { of_state } else { of_state.about("reason", reason) }
            }
            Self::ChannelNotFound { channel } => {
                let problem = Problem::new(ErrorCode::ChannelNotFound);
                channel.into_iter().fold(problem, |problem, channel| problem.about("channel_id", channel))
            }
            Self::TemplateNotFound { name } => Problem::new(ErrorCode::TemplateNotFound).about("template", name),
            Self::TagUnknown => Problem::new(ErrorCode::TagUnknown),
            Self::LimitReached { what, limit } => {
                Problem::new(ErrorCode::LimitReached).about("what", what).about("limit", limit)
            }
            Self::TokenExpired { position } => Problem::new(ErrorCode::TokenExpired).about("position", position),
            Self::History(HistoryError::TooLong { limit }) => {
                Problem::new(ErrorCode::LimitReached).about("what", "as_of").about("limit", limit)
            }
            Self::History(HistoryError::Unavailable(_)) | Self::Stopping => {
                Problem::new(ErrorCode::LogUnavailable).retry_after(RETRY_AFTER)
            }
            Self::CursorInvalid => Problem::new(ErrorCode::CursorInvalid),
            Self::CursorExpired => Problem::new(ErrorCode::CursorExpired),
            Self::Stale(StaleRead { applied, wanted }) => Problem::new(ErrorCode::StaleRead)
                .about("applied", applied)
                .about("wanted", wanted)
                .retry_after(RETRY_AFTER),
            Self::View(ViewError::Starting { .. }) => {
                Problem::new(ErrorCode::StaleRead).about("applied", Position::START).retry_after(RETRY_AFTER)
            }
            Self::View(ViewError::Diverged { view, .. }) => Problem::new(ErrorCode::LogDiverged).about("view", view),
            Self::View(ViewError::Stopped { view, .. } | ViewError::Store { view, .. }) => {
                Problem::new(ErrorCode::Internal).about("view", view)
            }
            Self::NoAddress | Self::Store(_) | Self::History(HistoryError::Unreadable(_)) => {
                Problem::new(ErrorCode::Internal)
            }
        }
    }

    /// A failure of ours is said to the operator; a refusal is the caller's business.
    fn log(&self) {
        match self {
            Self::View(error @ (ViewError::Diverged { .. } | ViewError::Stopped { .. } | ViewError::Store { .. })) => {
                tracing::error!(%error, detail = ?error, "view cannot be read");
            }
            Self::Store(reason) => tracing::error!(%reason, "stored row cannot be read"),
            Self::History(error @ (HistoryError::Unavailable(_) | HistoryError::Unreadable(_))) => {
                tracing::error!(%error, "past cannot be read");
            }
            Self::NoAddress => tracing::error!("address of a file cannot be made"),
            Self::View(ViewError::Starting { .. })
            | Self::MessageNotFound { .. }
            | Self::AttachmentNotFound { .. }
            | Self::History(HistoryError::TooLong { .. })
            | Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::Invalid(_)
            | Self::PositionInvalid
            | Self::ConversationNotFound { .. }
            | Self::BulkNotFound { .. }
            | Self::ContactNotFound { .. }
            | Self::ChannelNotFound { .. }
            | Self::TemplateNotFound { .. }
            | Self::TagUnknown
            | Self::LimitReached { .. }
            | Self::TokenExpired { .. }
            | Self::CursorInvalid
            | Self::CursorExpired
            | Self::Stale(_)
            | Self::Stopping => {}
        }
    }
}

/// Gives a problem its texts: English, and the caller's language beside it.
fn speak(problem: Problem, language: Language) -> Status {
    let code = problem.code.as_str();
    let fields = problem.violations.iter().map(|violation| (violation.field.as_str(), violation.description.as_str()));
    let subject = problem.subject.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let args: Vec<_> = subject.chain(fields).map(|(key, value)| (key, Arg::from(value))).collect();
    let english = relevo_catalogue::error(Language::En, code, &args);
    let localized = relevo_catalogue::error(language, code, &args);
    drop(args);
    Status::from(problem.texts(english, language.tag(), localized))
}

impl QueryError {
    pub(crate) fn store(error: relevo_readstore::StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// What the assignment and the pause view refuse with.
impl From<relevo_projection::row::ReadError> for QueryError {
    fn from(error: relevo_projection::row::ReadError) -> Self {
        Self::Store(with_source(&error))
    }
}

impl From<relevo_projector_inbox::ReadError> for QueryError {
    fn from(error: relevo_projector_inbox::ReadError) -> Self {
        use relevo_projector_inbox::{NAME, ReadError};
        match error {
            ReadError::Building => Self::View(ViewError::Starting { view: NAME }),
            ReadError::Store(_) | ReadError::BadRow(_) => Self::Store(with_source(&error)),
        }
    }
}

impl From<relevo_projector_metrics::ReadError> for QueryError {
    fn from(error: relevo_projector_metrics::ReadError) -> Self {
        use relevo_projector_metrics::ReadError;
        match error {
            ReadError::Days => Self::Invalid(vec![Violation { field: "to_day", rule: Rule::Day }]),
            ReadError::TooMany => Self::LimitReached { what: "points", limit: relevo_projector_metrics::POINTS_MAX },
            // Who may not ask was refused before the view was read.
            ReadError::Forbidden | ReadError::Store(_) | ReadError::BadRow(_) => Self::Store(with_source(&error)),
        }
    }
}

/// The whole chain, once: an error's own text never repeats its source.
fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
