//! Any message of ours as JSON: one compact line, the same bytes for the same message.
//!
//! Field names as in the proto (snake_case), enums by name, 64-bit integers as decimal strings, times as RFC 3339, default
//! values printed; fields that know "absent" (messages, `optional`) are left out when they are. No proto of ours has a `map`
//! (a test says so), so the order of the output is the order of the field numbers.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, SerializeOptions};

use crate::FILE_DESCRIPTOR_SET;

static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok());

/// Why a message has no JSON. Neither happens with a message of this crate; a test covers every one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("no descriptor of message {0}")]
    UnknownMessage(String),
    #[error("message cannot be written as JSON: {0}")]
    Write(String),
}

/// Why a text is not the message. Never quotes it: values are personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("no descriptor of the message")]
    UnknownMessage,
    /// The contract has no such field; its name if it looks like one. Line from 1.
    #[error("unknown field (line {line})")]
    UnknownField { name: Option<String>, line: usize },
    /// Not JSON, or a value that the field does not take. Both from 1.
    #[error("not the message (line {line}, column {column})")]
    Malformed { line: usize, column: usize },
}

/// Bytes of a field's name that are told: the longest of ours has half as many.
const FIELD_NAME_BYTES_MAX: usize = 64;

/// The message that the text is: field names as in the proto or in lowerCamelCase, as proto-JSON has it. An unknown field is an
/// error, and so is anything behind the message.
pub fn from_json<M: Message + Name + Default>(text: &[u8]) -> Result<M, ReadError> {
    let pool = POOL.as_ref().ok_or(ReadError::UnknownMessage)?;
    let descriptor = pool.get_message_by_name(&M::full_name()).ok_or(ReadError::UnknownMessage)?;
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = DynamicMessage::deserialize_with_options(descriptor, &mut reader, &DeserializeOptions::new());
    let message = read.and_then(|message| reader.end().map(|()| message)).map_err(|error| read_error(&error))?;
    message.transcode_to().map_err(|_| ReadError::UnknownMessage)
}

fn read_error(error: &serde_json::Error) -> ReadError {
    let text = error.to_string();
    let Some(rest) = text.strip_prefix("unrecognized field name '") else {
        return ReadError::Malformed { line: error.line(), column: error.column() };
    };
    let name = rest.split('\'').next().filter(|name| {
        (1..=FIELD_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    });
    ReadError::UnknownField { name: name.map(str::to_owned), line: error.line() }
}

/// The message as one line of JSON, without a line feed.
pub fn to_json<M: Message + Name>(message: &M) -> Result<String, JsonError> {
    render(&M::full_name(), message.encode_to_vec().as_slice())
}

/// The same as a value, to be put into another one.
pub fn to_value<M: Message + Name>(message: &M) -> Result<serde_json::Value, JsonError> {
    let text = to_json(message)?;
    serde_json::from_str(&text).map_err(|error| JsonError::Write(error.to_string()))
}

/// The encoded message of that full name as one line of JSON.
pub fn render(full_name: &str, bytes: &[u8]) -> Result<String, JsonError> {
    let unknown = || JsonError::UnknownMessage(full_name.to_owned());
    let pool = POOL.as_ref().ok_or_else(unknown)?;
    let descriptor = pool.get_message_by_name(full_name).ok_or_else(unknown)?;
    let message = DynamicMessage::decode(descriptor, bytes).map_err(|error| JsonError::Write(error.to_string()))?;

    let options = SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(false)
        .use_proto_field_name(true)
        .skip_default_fields(false);
    let mut out = Vec::new();
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options)
        .map_err(|error| JsonError::Write(error.to_string()))?;
    String::from_utf8(out).map_err(|error| JsonError::Write(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::v1::{ChannelStatus, GetIntakeStatusResponse};
    use crate::query::v1::{BotState, Conversation, DurationFigure, FigureState, Medium};

    #[test]
    fn what_is_written_can_be_read_and_what_is_not_the_message_is_refused_without_quoting_it() {
        let status = GetIntakeStatusResponse { backlog: 7, ..GetIntakeStatusResponse::default() };
        let text = to_json(&status).unwrap();
        assert_eq!(from_json::<GetIntakeStatusResponse>(text.as_bytes()), Ok(status.clone()));
        let camel = br#"{"backlog":7,"handledSequence":"0"}"#;
        assert_eq!(from_json::<GetIntakeStatusResponse>(camel), Ok(status));

        let read = |text: &str| from_json::<GetIntakeStatusResponse>(text.as_bytes()).unwrap_err();
        let unknown = ReadError::UnknownField { name: Some("back_log".to_owned()), line: 2 };
        assert_eq!(read("{\n\"back_log\": 1}"), unknown);
        assert_eq!(read("{\"+5491155550100\": 1}"), ReadError::UnknownField { name: None, line: 1 });
        let digits = format!("{{\"{}\": 1}}", "x".repeat(100));
        assert_eq!(read(&digits), ReadError::UnknownField { name: None, line: 1 });
        for bad in
            ["", "[]", "7", "<html>", "{\"backlog\": \"Ana Paz\"}", "{\"backlog\": -1}", "{} {}", "{\"backlog\": 1"]
        {
            let error = read(bad);
            assert!(matches!(error, ReadError::Malformed { line: 0 | 1, .. }), "{bad}: {error:?}");
            assert!(!error.to_string().contains("Ana"), "{error}");
        }
    }

    #[test]
    fn counters_are_strings_and_zeros_are_printed() {
        let status = GetIntakeStatusResponse {
            channels: vec![ChannelStatus {
                channel: "wa-main".to_owned(),
                updates: 18_446_744_073_709_551_615,
                ..ChannelStatus::default()
            }],
            ..GetIntakeStatusResponse::default()
        };
        assert_eq!(
            to_json(&status).unwrap(),
            concat!(
                r#"{"endpoints":[],"channels":[{"tenant":"","channel":"wa-main","updates":"18446744073709551615","#,
                r#""messages":"0","statuses":"0","other_updates":"0","duplicates":"0","parked":"0"}],"#,
                r#""backlog":"0","handled_sequence":"0"}"#
            )
        );
    }

    #[test]
    fn enums_have_names_times_are_readable_and_absent_stays_absent() {
        let row = Conversation {
            medium: Medium::Whatsapp.into(),
            bot: BotState::Paused.into(),
            last_activity: Some(prost_types::Timestamp { seconds: 1_760_000_000, nanos: 120_000_000 }),
            ..Conversation::default()
        };
        let json = to_value(&row).unwrap();
        assert_eq!(json["medium"], "MEDIUM_WHATSAPP");
        assert_eq!(json["bot"], "BOT_STATE_PAUSED");
        assert_eq!(json["last_activity"], "2025-10-09T08:53:20.120Z");
        assert_eq!(json["unread"], "0");
        assert!(json.get("waiting_since").is_none());

        let figure = DurationFigure { state: FigureState::Undefined.into(), ..DurationFigure::default() };
        assert_eq!(to_json(&figure).unwrap(), r#"{"state":"FIGURE_STATE_UNDEFINED","n":"0"}"#);
    }

    #[test]
    fn every_message_of_ours_has_json_and_none_has_a_map() {
        let pool = POOL.as_ref().unwrap();
        let ours = pool.all_messages().filter(|message| message.full_name().starts_with("relevo."));
        let mut count = 0;
        for message in ours {
            count += 1;
            assert!(render(message.full_name(), &[]).unwrap().starts_with('{'), "{}", message.full_name());
            for field in message.fields() {
                assert!(!field.is_map(), "{} would print in random order", field.full_name());
            }
        }
        assert!(count > 80, "only {count} messages");
        assert_eq!(render("relevo.nothing", &[]), Err(JsonError::UnknownMessage("relevo.nothing".to_owned())));
    }
}
