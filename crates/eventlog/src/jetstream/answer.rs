//! What the server's answers to a publish mean for an append.

use async_nats::RequestError;
use async_nats::client::RequestErrorKind;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::{Error, ErrorCode};

use crate::log::LogError;
use crate::request::Reply;
use crate::resolve::Answer;

/// Reads the reply to a publish of `size` bytes.
pub(crate) fn read(reply: Reply, size: usize) -> Answer {
    let reply = match reply {
        Some(Ok(reply)) => reply,
        Some(Err(error)) => return unanswered(&error, size),
        None => return Answer::Lost,
    };
    match serde_json::from_slice::<Response<PublishAck>>(&reply.payload) {
        Ok(Response::Ok(ack)) if ack.duplicate => Answer::Duplicate(ack.sequence),
        Ok(Response::Ok(ack)) => Answer::Stored(ack.sequence),
        Ok(Response::Err { error }) => refused(&error, size),
        Err(_malformed) => Answer::Lost,
    }
}

/// The sequence that a conflict names: the entity's last one. The server says it in words only.
pub(crate) fn stands_at(reply: &Reply) -> Option<u64> {
    let Some(Ok(reply)) = reply else { return None };
    match serde_json::from_slice::<Response<PublishAck>>(&reply.payload) {
        Ok(Response::Err { error }) => named(&error),
        Ok(Response::Ok(_)) | Err(_) => None,
    }
}

fn named(error: &Error) -> Option<u64> {
    if error.error_code() != ErrorCode::STREAM_WRONG_LAST_SEQUENCE {
        return None;
    }
    let text = error.to_string();
    let (_, number) = text.rsplit_once("wrong last sequence: ")?;
    number.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

fn unanswered(error: &RequestError, size: usize) -> Answer {
    match error.kind() {
        RequestErrorKind::NoResponders => Answer::Away,
        // The client refuses these before it sends anything.
        RequestErrorKind::MaxPayloadExceeded => Answer::Refused(LogError::TooLarge { size, limit: size }),
        RequestErrorKind::InvalidSubject => Answer::Refused(LogError::Refused("malformed subject".to_owned())),
        RequestErrorKind::TimedOut | RequestErrorKind::Other => Answer::Lost,
    }
}

fn refused(error: &Error, size: usize) -> Answer {
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE => Answer::Conflict,
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        | ErrorCode::STREAM_TOO_MANY_REQUESTS
        | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT
        | ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH => Answer::Busy,
        ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE => Answer::BatchDuplicate,
        // Another attempt with this id is in flight, perhaps our own.
        ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT => Answer::Lost,
        ErrorCode::STREAM_STORE_FAILED => store_failed(error, size),
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM => {
            Answer::Refused(LogError::TooLarge { size, limit: size.saturating_sub(1) })
        }
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED | ErrorCode::STORAGE_RESOURCES_EXCEEDED => {
            Answer::Refused(LogError::Full)
        }
        ErrorCode::CLUSTER_NOT_LEADER
        | ErrorCode::CLUSTER_NOT_AVAILABLE
        | ErrorCode::JETSTREAM_NOT_ENABLED
        | ErrorCode::INSUFFICIENT_RESOURCES => Answer::Away,
        _ if error.code() >= 500 => Answer::Lost,
        _ => Answer::Refused(LogError::Refused(error.to_string())),
    }
}

/// 10077 covers a message that can never be stored, a stream that is full, and a disk that fails: only the text tells.
fn store_failed(error: &Error, size: usize) -> Answer {
    let text = error.to_string();
    if text.contains("maximum bytes") || text.contains("maximum messages") || text.contains("no space") {
        Answer::Refused(LogError::Full)
    } else if text.contains("too large") || text.contains("to large") || text.contains("message size") {
        Answer::Refused(LogError::TooLarge { size, limit: size.saturating_sub(1) })
    } else {
        Answer::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(json: &str) -> Answer {
        match serde_json::from_str::<Response<PublishAck>>(json).unwrap() {
            Response::Err { error } => refused(&error, 9),
            Response::Ok(ack) if ack.duplicate => Answer::Duplicate(ack.sequence),
            Response::Ok(ack) => Answer::Stored(ack.sequence),
        }
    }

    #[test]
    fn a_conflict_names_where_its_entity_stands() {
        let named_in = |json: &str| match serde_json::from_str::<Response<PublishAck>>(json).unwrap() {
            Response::Err { error } => named(&error),
            Response::Ok(_) => None,
        };
        let conflict = r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 70"}}"#;
        assert_eq!(named_in(conflict), Some(70));
        let busy = r#"{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}}"#;
        assert_eq!(named_in(busy), None);
        assert_eq!(named_in(r#"{"stream":"S","seq":5}"#), None);
    }

    #[test]
    fn every_answer_has_one_meaning() {
        let error = |code: u32, err_code: u32, text: &str| {
            format!(
                r#"{{"error":{{"code":{code},"err_code":{err_code},"description":"{text}"}},"stream":"S","seq":0}}"#
            )
        };
        let cases = [
            (error(400, 10071, "wrong last sequence: 7"), Answer::Conflict),
            (error(400, 10164, "wrong last sequence"), Answer::Busy),
            (error(409, 10158, "duplicate message id is in process"), Answer::Lost),
            (error(400, 10201, "batch contains duplicate message id"), Answer::BatchDuplicate),
            (error(503, 10077, "maximum bytes exceeded"), Answer::Refused(LogError::Full)),
            (error(503, 10077, "message too large"), Answer::Refused(LogError::TooLarge { size: 9, limit: 8 })),
            (error(503, 10077, "input/output error"), Answer::Lost),
            (error(400, 10054, "message size exceeds"), Answer::Refused(LogError::TooLarge { size: 9, limit: 8 })),
            (error(503, 10008, "temporarily unavailable"), Answer::Away),
            (error(500, 10009, "not leader"), Answer::Away),
            (error(429, 10167, "too many requests"), Answer::Busy),
            (r#"{"stream":"S","seq":5}"#.to_owned(), Answer::Stored(5)),
            (r#"{"stream":"S","seq":5,"duplicate":true}"#.to_owned(), Answer::Duplicate(5)),
        ];
        for (json, answer) in cases {
            assert_eq!(read_text(&json), answer, "{json}");
        }
    }
}
