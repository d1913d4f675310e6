//! The JSON schemas of the topics in `docs/topics`, one a metric and version, made from the definitions.
//!
//! `RELEVO_UPDATE=1` writes them anew. A schema of an older version stays: its messages are still on somebody's disk.

use std::fs;
use std::path::PathBuf;

use relevo_projector_metrics::{DEFINITIONS, Definition, Kind};
use serde_json::{Value, json};

/// A name of the configuration.
const NAME: &str = "^[a-z0-9][a-z0-9-]{0,31}$";
/// RFC 3339, UTC, with milliseconds.
const TIME: &str = "^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";

fn schema(metric: &Definition) -> Value {
    let Definition { name, version, kind, labels, meaning, .. } = metric;
    let id = format!("^{name}\\.v[0-9]+\\.[0-9]+\\.[0-9]+$");
    let label = |label: &&str| ((*label).to_owned(), json!({ "type": "string", "maxLength": 64 }));
    let label_schemas: serde_json::Map<String, Value> = labels.iter().map(label).collect();
    let unit = if *kind == Kind::Duration { "ms" } else { "count" };
    let value = match kind {
        Kind::Sum => json!({ "type": "integer", "minimum": 1 }),
        Kind::Duration => json!({ "type": "integer", "minimum": 0 }),
        Kind::Share => json!({ "enum": [0, 1] }),
        Kind::Gauge => json!({ "enum": [-1, 1] }),
    };
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("urn:relevo:metric:{name}:{version}"),
        "title": format!("{name}, version {version}"),
        "description": meaning,
        "type": "object",
        "additionalProperties": false,
        "required": [
            "id", "metric", "version", "sequence", "ordinal", "tenant", "at", "recorded_at", "kind", "unit", "value", "labels"
        ],
        "properties": {
            "id": { "type": "string", "pattern": id, "description": "The same as ce-id: keep one message an id." },
            "metric": { "const": name },
            "version": { "const": version },
            "sequence": {
                "type": "integer", "minimum": 1,
                "description": "Sequence on the events log of the commit that it was observed in."
            },
            "ordinal": {
                "type": "integer", "minimum": 0, "description": "Number among the commit's facts of this metric."
            },
            "tenant": { "type": "string", "pattern": NAME },
            "at": {
                "type": "string", "pattern": TIME,
                "description": "When it happened: the time that it is counted at. The same as ce-time."
            },
            "recorded_at": { "type": "string", "pattern": TIME, "description": "When Relevo decided the commit." },
            "conversation_id": {
                "type": "string", "pattern": "^cnv_[0-9a-z]{26}$", "description": "The same as ce-subject."
            },
            "channel_id": { "type": "string", "pattern": NAME },
            "team_id": { "type": "string", "pattern": NAME, "description": "The team that had the conversation then." },
            "agent_id": { "type": "string", "pattern": NAME, "description": "Whom it is attributed to; absent: nobody." },
            "kind": { "const": kind.as_str() },
            "unit": { "const": unit },
            "value": value,
            "labels": {
                "type": "object", "additionalProperties": false, "required": labels, "properties": label_schemas
            },
            "supersedes": {
                "type": "string", "pattern": id,
                "description": "The same as ce-supersedes: id of the fact that does not count any more."
            },
        },
    })
}

#[test]
fn every_topic_has_its_schema() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/topics");
    let update = std::env::var_os("RELEVO_UPDATE").is_some();
    let mut wrong = Vec::new();
    for metric in DEFINITIONS {
        let file = folder.join(format!("{}.v{}.schema.json", metric.name, metric.version));
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema(metric)).unwrap());
        if update {
            fs::write(&file, &wanted).unwrap();
        }
        if fs::read_to_string(&file).ok().as_deref() != Some(wanted.as_str()) {
            wrong.push(file.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    assert!(wrong.is_empty(), "docs/topics does not say what the metrics are; RELEVO_UPDATE=1 writes: {wrong:?}");
}

#[test]
fn every_topic_stands_on_the_page_in_both_languages() {
    for page in ["README.md", "README.es.md"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/topics").join(page);
        let text = fs::read_to_string(path).unwrap();
        let missing: Vec<_> =
            DEFINITIONS.iter().filter(|metric| !text.contains(&format!("`{}`", metric.name))).collect();
        assert!(missing.is_empty(), "{page} does not name {missing:?}");
    }
}
