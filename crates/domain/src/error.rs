//! The one vocabulary of errors that cross an edge of the system.

use std::fmt;

/// What went wrong, in one word that clients may rely on. Every code has a page in `docs/errors/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// No or an unknown credential.
    Unauthenticated,
    /// The caller's role may not do this.
    Forbidden,
    /// A field of the request is missing or not acceptable.
    InvalidArgument,
    /// No such conversation in what the caller may see.
    ConversationNotFound,
    /// No such agent or team in the tenant.
    AssigneeNotFound,
    /// Another agent has the conversation.
    AlreadyAssigned,
    /// The command needs an open conversation and it is resolved.
    ConversationResolved,
    /// No such tag in the tenant.
    TagUnknown,
    /// The entity is not at the version that the caller expected.
    VersionConflict,
    /// No such contact in what the caller may see.
    ContactNotFound,
    /// A documented limit is reached: tags, watches, identifiers.
    LimitReached,
    /// The token is past its time; get another one.
    TokenExpired,
    /// The customer has not written for a day: only a template may be sent.
    WindowClosed,
    /// Somebody else has written to the customer since the caller last looked.
    StaleView,
    /// The bot is paused, and so is silent.
    BotPaused,
    /// The bot is not paused: there are no terms to change.
    NotPaused,
    /// The bot's turn is over, or another bot has it.
    TurnEnded,
    /// No such suggestion, or it was answered.
    SuggestionNotFound,
    /// Only supervisors and admins may end or change this pause.
    PauseLocked,
    /// No such bulk in what the caller may see.
    BulkNotFound,
    /// The bulk is still worked on.
    BulkRunning,
    /// Too many messages to this customer wait to be sent.
    PairRate,
    /// No such template on the channel.
    TemplateNotFound,
    /// The template is paused, rejected, or not approved yet.
    TemplateNotUsable,
    /// The template's variables are not filled in as they must be.
    TemplateParameters,
    /// No such stored file.
    AttachmentNotFound,
    /// A file is larger than the channel takes.
    AttachmentTooBig,
    /// The channel does not take files of this type.
    AttachmentType,
    /// Nobody can be written to under this identifier on this channel.
    RecipientInvalid,
    /// No such channel, or the caller may not use it.
    ChannelNotFound,
    /// Somebody stopped the channel.
    ChannelPaused,
    /// The channel has no credentials for sending, or cannot send this kind of message.
    ChannelCannotSend,
    /// No such message in the conversation.
    MessageNotFound,
    /// The message is with the provider, or may be: it cannot be taken back.
    AlreadyHandedOver,
    /// No such quick reply.
    QuickReplyNotFound,
    /// The same command id was used for another command.
    CommandIdReused,
    /// The position is not one that Relevo gave out, or it is from another log.
    PositionInvalid,
    /// The view has not reached the wanted position in time.
    StaleRead,
    /// The page token is not one of ours, or not for this request.
    CursorInvalid,
    /// The page token's snapshot is gone; start from the first page.
    CursorExpired,
    /// The entity changed too often while the command was decided; nothing was written.
    Contention,
    /// The log did not answer in time; the command may or may not be stored. Repeat it with the same command id.
    OutcomeUnknown,
    /// The log is away.
    LogUnavailable,
    /// The log has no room left.
    LogFull,
    /// A body is larger than the limit.
    TooLarge,
    /// A webhook's signature or token is wrong.
    SignatureInvalid,
    /// No such webhook endpoint.
    EndpointNotFound,
    /// No such parked item.
    ParkedNotFound,
    /// No such view.
    ViewNotFound,
    /// A view's checkpoint belongs to another history than the log.
    LogDiverged,
    /// No such commit or entity on the log.
    CommitNotFound,
    /// Something that should not happen; the operator's log has the details.
    Internal,
}

/// What is known about the effect of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing was written.
    NotApplied,
    /// It may have been written.
    Unknown,
}

impl ErrorCode {
    pub const ALL: [Self; 52] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::InvalidArgument,
        Self::ConversationNotFound,
        Self::AssigneeNotFound,
        Self::AlreadyAssigned,
        Self::ConversationResolved,
        Self::TagUnknown,
        Self::VersionConflict,
        Self::ContactNotFound,
        Self::LimitReached,
        Self::TokenExpired,
        Self::WindowClosed,
        Self::StaleView,
        Self::BotPaused,
        Self::NotPaused,
        Self::TurnEnded,
        Self::SuggestionNotFound,
        Self::PauseLocked,
        Self::BulkNotFound,
        Self::BulkRunning,
        Self::PairRate,
        Self::TemplateNotFound,
        Self::TemplateNotUsable,
        Self::TemplateParameters,
        Self::AttachmentNotFound,
        Self::AttachmentTooBig,
        Self::AttachmentType,
        Self::RecipientInvalid,
        Self::ChannelNotFound,
        Self::ChannelPaused,
        Self::ChannelCannotSend,
        Self::MessageNotFound,
        Self::AlreadyHandedOver,
        Self::QuickReplyNotFound,
        Self::CommandIdReused,
        Self::PositionInvalid,
        Self::StaleRead,
        Self::CursorInvalid,
        Self::CursorExpired,
        Self::Contention,
        Self::OutcomeUnknown,
        Self::LogUnavailable,
        Self::LogFull,
        Self::TooLarge,
        Self::SignatureInvalid,
        Self::EndpointNotFound,
        Self::ParkedNotFound,
        Self::ViewNotFound,
        Self::LogDiverged,
        Self::CommitNotFound,
        Self::Internal,
    ];

    /// The word on the wire, for example `ALREADY_ASSIGNED`; also `ErrorInfo.reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::ConversationNotFound => "CONVERSATION_NOT_FOUND",
            Self::AssigneeNotFound => "ASSIGNEE_NOT_FOUND",
            Self::AlreadyAssigned => "ALREADY_ASSIGNED",
            Self::ConversationResolved => "CONVERSATION_RESOLVED",
            Self::TagUnknown => "TAG_UNKNOWN",
            Self::VersionConflict => "VERSION_CONFLICT",
            Self::ContactNotFound => "CONTACT_NOT_FOUND",
            Self::LimitReached => "LIMIT_REACHED",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::WindowClosed => "WINDOW_CLOSED",
            Self::StaleView => "STALE_VIEW",
            Self::BotPaused => "BOT_PAUSED",
            Self::NotPaused => "NOT_PAUSED",
            Self::TurnEnded => "TURN_ENDED",
            Self::SuggestionNotFound => "SUGGESTION_NOT_FOUND",
            Self::PauseLocked => "PAUSE_LOCKED",
            Self::BulkNotFound => "BULK_NOT_FOUND",
            Self::BulkRunning => "BULK_RUNNING",
            Self::PairRate => "PAIR_RATE",
            Self::TemplateNotFound => "TEMPLATE_NOT_FOUND",
            Self::TemplateNotUsable => "TEMPLATE_NOT_USABLE",
            Self::TemplateParameters => "TEMPLATE_PARAMETERS",
            Self::AttachmentNotFound => "ATTACHMENT_NOT_FOUND",
            Self::AttachmentTooBig => "ATTACHMENT_TOO_BIG",
            Self::AttachmentType => "ATTACHMENT_TYPE",
            Self::RecipientInvalid => "RECIPIENT_INVALID",
            Self::ChannelNotFound => "CHANNEL_NOT_FOUND",
            Self::ChannelPaused => "CHANNEL_PAUSED",
            Self::ChannelCannotSend => "CHANNEL_CANNOT_SEND",
            Self::MessageNotFound => "MESSAGE_NOT_FOUND",
            Self::AlreadyHandedOver => "ALREADY_HANDED_OVER",
            Self::QuickReplyNotFound => "QUICK_REPLY_NOT_FOUND",
            Self::CommandIdReused => "COMMAND_ID_REUSED",
            Self::PositionInvalid => "POSITION_INVALID",
            Self::StaleRead => "STALE_READ",
            Self::CursorInvalid => "CURSOR_INVALID",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::Contention => "CONTENTION",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
            Self::LogFull => "LOG_FULL",
            Self::TooLarge => "TOO_LARGE",
            Self::SignatureInvalid => "SIGNATURE_INVALID",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::ParkedNotFound => "PARKED_NOT_FOUND",
            Self::ViewNotFound => "VIEW_NOT_FOUND",
            Self::LogDiverged => "LOG_DIVERGED",
            Self::CommitNotFound => "COMMIT_NOT_FOUND",
            Self::Internal => "INTERNAL",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// Whether the same request, unchanged and with the same command id, may succeed later.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::StaleRead
                | Self::Contention
                | Self::OutcomeUnknown
                | Self::LogUnavailable
                | Self::LogFull
                | Self::PairRate
        )
    }

    pub const fn outcome(self) -> Outcome {
        match self {
            Self::OutcomeUnknown | Self::Internal => Outcome::Unknown,
            _ => Outcome::NotApplied,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
