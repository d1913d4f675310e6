//! Lenient reading of JSON: numbers that come as strings, strings that come as numbers, bodies that are almost JSON.

use relevo_domain::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Longest text that stands beside many updates and is copied for each (ids of people, numbers, a field's name), in bytes: Meta's
/// have 128 and a short prefix at most. Without a limit one long id and a million empty updates would fill the memory.
const SHORT_BYTES_MAX: usize = 160;

/// Seconds since 1970 above which a number is taken for milliseconds (the year 5138).
const MILLIS_FROM: f64 = 1e11;

/// The body as JSON. What a provider's escaping breaks (half a surrogate pair after a cut, raw control characters,
/// bytes that are not UTF-8) costs a character, never the other updates of the batch. Depth is limited by `serde_json`.
pub(super) fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).or_else(|_| serde_json::from_slice(&repaired(body))).ok()
}

fn repaired(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let bytes = text.trim_start_matches('\u{feff}').as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut in_string) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'\\' if in_string => escape(&bytes[at..], &mut out),
            0..0x20 if in_string => {
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                1
            }
            _ => {
                in_string ^= *byte == b'"';
                out.push(*byte);
                1
            }
        };
        at += length;
    }
    out
}

/// Copies one escape, replacing half surrogate pairs; answers how many bytes it took.
fn escape(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (replace, length) = match (unit(0), unit(6)) {
        (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (false, 12),
        (Some(0xd800..0xe000), _) => (true, 6),
        (Some(_), _) => (false, 6),
        (None, _) => (false, 2),
    };
    let length = length.min(rest.len());
    out.extend_from_slice(if replace { b"\\ufffd" } else { &rest[..length] });
    length
}

/// A string, or a number as text. NUL is taken out: no text field downstream can hold it.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.replace('\0', "")),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Like [`text`], of a member; absent if it is blank.
pub(super) fn member(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(text).filter(|text| !text.trim().is_empty())
}

/// A member as a short text: what is longer than [`SHORT_BYTES_MAX`] counts as absent, and is not copied.
pub(super) fn short(value: &Value, name: &str) -> Option<String> {
    within(value, name, SHORT_BYTES_MAX)
}

/// The same with another limit, in bytes.
pub(super) fn within(value: &Value, name: &str, limit: usize) -> Option<String> {
    let fits = |value: &&Value| value.as_str().is_none_or(|text| text.len() <= limit);
    value.get(name).filter(fits).and_then(text).filter(|text| !text.trim().is_empty())
}

pub(super) fn is_true(value: &Value, name: &str) -> bool {
    match value.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// Seconds since 1970, as a number or a string. Absent if it is neither.
pub(super) fn timestamp(value: &Value, name: &str) -> Option<Timestamp> {
    let text = short(value, name)?;
    let number = text.trim();
    if let Ok(seconds) = number.parse::<i64>() {
        let is_millis = seconds.unsigned_abs() as f64 >= MILLIS_FROM;
        return Some(if is_millis { Timestamp::from_millis(seconds) } else { Timestamp::from_seconds(seconds) });
    }
    let seconds: f64 = number.parse().ok().filter(|seconds: &f64| seconds.abs() < MILLIS_FROM)?;
    Some(Timestamp::from_millis((seconds * 1000.0) as i64))
}

/// One spelling for one value: keys sorted, no blanks. Stays the same whatever order a parser keeps.
pub(super) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

/// The object as JSON text; `None` if nothing is in it.
pub(super) fn object_text(map: Map<String, Value>) -> Option<String> {
    (!map.is_empty()).then(|| canonical(&Value::Object(map)))
}

/// SHA-256 over the parts, in lower-case hex. Every part is followed by its length, so that no two lists are alike.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update((part.len() as u64).to_be_bytes());
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn half_a_surrogate_pair_costs_one_character() {
        let parsed = parse(br#"{"a":"caf\u00e9 \ud83d\ude97 \ud83d","b":"\ude97x","c":"\\ud83d"}"#).unwrap();
        assert_eq!(parsed, json!({"a": "café 🚗 \u{fffd}", "b": "\u{fffd}x", "c": "\\ud83d"}));
    }

    #[test]
    fn raw_control_characters_foreign_bytes_and_a_mark_are_survived() {
        let parsed = parse(b"\xef\xbb\xbf{\"a\":\"one\ntwo \xff\", \"b\" :\n 1}").unwrap();
        assert_eq!(parsed, json!({"a": "one\ntwo \u{fffd}", "b": 1}));
    }

    #[test]
    fn what_is_not_json_stays_so() {
        for body in [&b""[..], b"{", b"{\"a\":\"\\", b"{}{}", b"hola", b"\xff\xfe"] {
            assert_eq!(parse(body), None, "{body:?}");
        }
        assert_eq!(parse("[".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn times() {
        let time = |value: Value| timestamp(&json!({ "t": value }), "t").map(Timestamp::as_millis);
        assert_eq!(time(json!("1763003116")), Some(1_763_003_116_000));
        assert_eq!(time(json!(1_763_003_116)), Some(1_763_003_116_000));
        assert_eq!(time(json!(1_763_003_200_000_u64)), Some(1_763_003_200_000));
        assert_eq!(time(json!("1763003116.5")), Some(1_763_003_116_500));
        for unreadable in [json!("NaN"), json!("1e300"), json!(""), json!(null), json!([]), json!(1e300)] {
            assert_eq!(time(unreadable.clone()), None, "{unreadable}");
        }
    }

    #[test]
    fn one_spelling() {
        let (left, right) =
            (br#"{"b":[1, {"d":null,"c":"\u00e9"}],"a":1.5}"#, r#"{"a":1.5,"b":[1,{"c":"é","d":null}]}"#);
        assert_eq!(canonical(&parse(left).unwrap()), right);
    }

    proptest! {
        #[test]
        fn repair_changes_nothing_that_is_json(text in any::<String>()) {
            let body = json!({ "k\n": text }).to_string();
            prop_assert_eq!(serde_json::from_slice::<Value>(&repaired(body.as_bytes())).unwrap(), json!({ "k\n": text }));
        }
    }
}
