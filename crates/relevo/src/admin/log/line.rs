//! An event of the past as one line of JSON, the same on a subject and on the command line.

use relevo_proto::admin::v1::ReplayedEvent;
use relevo_proto::json::{JsonError, to_value};
use serde_json::Value;

/// The event with its content as JSON in JSON, not quoted.
pub(crate) fn line(event: &ReplayedEvent) -> Result<String, JsonError> {
    let mut value = to_value(event)?;
    if let Value::Object(fields) = &mut value {
        fields.remove("json");
        let content = serde_json::from_str(&event.json).unwrap_or(Value::Null);
        fields.insert("content".to_owned(), content);
    }
    Ok(value.to_string())
}
