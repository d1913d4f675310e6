//! The one table from error codes to gRPC codes and HTTP statuses.

use relevo_domain::ErrorCode;
use tonic::Code;

/// The gRPC code of an error.
pub const fn grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::SignatureInvalid | ErrorCode::TokenExpired => Code::Unauthenticated,
        ErrorCode::Forbidden => Code::PermissionDenied,
        ErrorCode::InvalidArgument
        | ErrorCode::PositionInvalid
        | ErrorCode::CursorInvalid
        | ErrorCode::TooLarge
        | ErrorCode::TemplateParameters
        | ErrorCode::AttachmentTooBig
        | ErrorCode::AttachmentType
        | ErrorCode::RecipientInvalid => Code::InvalidArgument,
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
        | ErrorCode::SuggestionNotFound
        | ErrorCode::BulkNotFound
        | ErrorCode::QuickReplyNotFound => Code::NotFound,
        ErrorCode::AlreadyAssigned
        | ErrorCode::ConversationResolved
        | ErrorCode::CursorExpired
        | ErrorCode::LogDiverged
        | ErrorCode::WindowClosed
        | ErrorCode::BotPaused
        | ErrorCode::NotPaused
        | ErrorCode::TurnEnded
        | ErrorCode::PauseLocked
        | ErrorCode::BulkRunning
        | ErrorCode::TemplateNotUsable
        | ErrorCode::ChannelPaused
        | ErrorCode::ChannelCannotSend
        | ErrorCode::AlreadyHandedOver => Code::FailedPrecondition,
        ErrorCode::CommandIdReused => Code::AlreadyExists,
        ErrorCode::Contention | ErrorCode::VersionConflict | ErrorCode::StaleView => Code::Aborted,
        ErrorCode::OutcomeUnknown => Code::DeadlineExceeded,
        ErrorCode::StaleRead | ErrorCode::LogUnavailable => Code::Unavailable,
        ErrorCode::LogFull | ErrorCode::LimitReached | ErrorCode::PairRate => Code::ResourceExhausted,
        ErrorCode::Internal => Code::Internal,
    }
}

/// The HTTP status of an error.
pub const fn http_status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::InvalidArgument
        | ErrorCode::PositionInvalid
        | ErrorCode::CursorInvalid
        | ErrorCode::TemplateParameters
        | ErrorCode::AttachmentType
        | ErrorCode::RecipientInvalid => 400,
        ErrorCode::Unauthenticated | ErrorCode::SignatureInvalid | ErrorCode::TokenExpired => 401,
        ErrorCode::Forbidden => 403,
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
        | ErrorCode::SuggestionNotFound
        | ErrorCode::BulkNotFound
        | ErrorCode::QuickReplyNotFound => 404,
        ErrorCode::AlreadyAssigned
        | ErrorCode::ConversationResolved
        | ErrorCode::CommandIdReused
        | ErrorCode::VersionConflict
        | ErrorCode::Contention
        | ErrorCode::StaleView
        | ErrorCode::WindowClosed
        | ErrorCode::BotPaused
        | ErrorCode::NotPaused
        | ErrorCode::TurnEnded
        | ErrorCode::PauseLocked
        | ErrorCode::BulkRunning
        | ErrorCode::TemplateNotUsable
        | ErrorCode::ChannelPaused
        | ErrorCode::ChannelCannotSend
        | ErrorCode::AlreadyHandedOver => 409,
        ErrorCode::CursorExpired => 410,
        ErrorCode::TooLarge | ErrorCode::AttachmentTooBig => 413,
        ErrorCode::LimitReached | ErrorCode::PairRate => 429,
        ErrorCode::LogDiverged | ErrorCode::Internal => 500,
        // Full is 503 as well: providers repeat what was answered 503, and give up on 507.
        ErrorCode::StaleRead | ErrorCode::LogUnavailable | ErrorCode::LogFull => 503,
        ErrorCode::OutcomeUnknown => 504,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_repeated_is_never_answered_as_the_callers_fault() {
        for code in ErrorCode::ALL {
            let status = http_status(code);
            assert!((400..600).contains(&status), "{code}");
            // Two can be repeated by whoever caused them: others were faster, or they were too fast themselves.
            if code.retryable() && !matches!(code, ErrorCode::Contention | ErrorCode::PairRate) {
                assert!(status >= 500, "{code}");
            }
            assert_ne!(grpc_code(code), Code::Ok, "{code}");
            assert_ne!(grpc_code(code), Code::Unknown, "{code}");
        }
    }
}
