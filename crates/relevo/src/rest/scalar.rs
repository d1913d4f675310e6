//! Single values: from JSON, and from the text of a path or a query parameter.

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

/// Messages that JSON writes as one value: times and durations.
const KNOWN: &str = "google.protobuf.";
/// Doubles are exact up to here: beyond it a whole number has to be written as one.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// What a kind of field does not take, by the key of the sentence that says so.
type Why = &'static str;

/// Whether JSON writes this message as one value.
pub(super) fn is_known(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with(KNOWN)
}

pub(super) fn from_json(kind: &Kind, json: &Json) -> Result<Value, Why> {
    match (kind, json) {
        (Kind::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Kind::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Kind::Bool | Kind::String, _) => Err(expected(kind)),
        (Kind::Message(message), json) => known(message, json.clone()),
        (Kind::Enum(of), Json::Number(number)) => {
            let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
            number.filter(|number| of.get_value(*number).is_some()).map(Value::EnumNumber).ok_or(expected(kind))
        }
        (kind, Json::String(text)) => from_text(kind, text),
        (kind, Json::Number(number)) => match (whole(number), number.as_f64()) {
            (_, Some(float)) if matches!(kind, Kind::Double | Kind::Float) => Ok(floating(kind, float)),
            (Some(whole), _) => integer(kind, whole),
            _ => Err(expected(kind)),
        },
        (kind, _) => Err(expected(kind)),
    }
}

pub(super) fn from_text(kind: &Kind, text: &str) -> Result<Value, Why> {
    let why = expected(kind);
    match kind {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(why),
        },
        Kind::Bytes => bytes(text).map(|bytes| Value::Bytes(bytes.into())).ok_or(why),
        Kind::Enum(of) => word(of, text).map(Value::EnumNumber).ok_or(why),
        Kind::Message(message) => known(message, Json::String(text.to_owned())),
        Kind::Double | Kind::Float => {
            // Rust's own words for these are taken by nobody else.
            let float = match text {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                number => number.parse().ok().filter(|float: &f64| float.is_finite()),
            };
            float.map(|float| floating(kind, float)).ok_or(why)
        }
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => integer(kind, text.parse().map_err(|_not_whole| why)?),
    }
}

/// The key of the sentence that says what the kind takes.
fn expected(kind: &Kind) -> Why {
    match kind {
        Kind::Bool => "field-kind-bool",
        Kind::String => "field-kind-text",
        Kind::Bytes => "field-kind-bytes",
        Kind::Double | Kind::Float => "field-kind-number",
        Kind::Enum(_) => "field-unknown-word",
        Kind::Message(message) if message.name() == "Timestamp" => "field-kind-time",
        Kind::Message(message) if message.name() == "Duration" => "field-kind-duration",
        Kind::Message(_) => "field-kind-object",
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => "field-kind-whole",
    }
}

fn integer(kind: &Kind, number: i128) -> Result<Value, Why> {
    let value = match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => i32::try_from(number).ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => i64::try_from(number).ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => u32::try_from(number).ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => u64::try_from(number).ok().map(Value::U64),
        Kind::Bool | Kind::String | Kind::Bytes | Kind::Double | Kind::Float | Kind::Enum(_) | Kind::Message(_) => None,
    };
    value.ok_or_else(|| expected(kind))
}

fn floating(kind: &Kind, float: f64) -> Value {
    if matches!(kind, Kind::Float) { Value::F32(float as f32) } else { Value::F64(float) }
}

/// A number of JSON that is whole, `1.0` and `1e3` too.
fn whole(number: &serde_json::Number) -> Option<i128> {
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX)?;
        Some(float as i128)
    })
}

/// By name; by number as a text too, because a query has nothing else.
fn word(of: &EnumDescriptor, text: &str) -> Option<i32> {
    let by_name = of.get_value_by_name(text);
    let value = by_name.or_else(|| text.parse().ok().and_then(|number: i32| of.get_value(number)));
    value.map(|value| value.number())
}

/// Base64 of either alphabet, padded or not.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = GeneralPurpose::new(&base64::alphabet::STANDARD, padding);
    let of_addresses = GeneralPurpose::new(&base64::alphabet::URL_SAFE, padding);
    standard.decode(text).or_else(|_other| of_addresses.decode(text)).ok()
}

/// A time or a duration.
fn known(message: &MessageDescriptor, json: Json) -> Result<Value, Why> {
    let read = DynamicMessage::deserialize(message.clone(), json);
    read.map(Value::Message).map_err(|_unreadable| expected(&Kind::Message(message.clone())))
}
