//! A metric fact: one observation of one metric, and the only thing that the view's figures are made of.
//!
//! [`MetricFact`] is what leaves Relevo, as JSON; a stored fact is a `FactRow`. A fact says nothing personal: ids of
//! conversations, and names that the configuration has.

use std::collections::BTreeMap;
use std::fmt;

use relevo_domain::{EntityId, EntityKind, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::row::{FactIdRow, FactRow};

/// One observation. The figures of the view are exactly what the facts make that no other fact supersedes:
///
/// - `sum`: the values added up;
/// - `duration`: number, mean and quantiles of the values, in milliseconds;
/// - `share`: the values added up (each is 0 or 1) as a part of their number;
/// - `gauge`: the values (changes, +1 or −1) of everything up to a moment added up.
///
/// Absent fields are left out of the JSON, never `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricFact {
    /// `<metric>.v<version>.<sequence>.<ordinal>`, unique in a tenant; the same however often the view is built.
    pub id: String,
    /// Name of the metric, a word of `[a-z_]`.
    pub metric: String,
    /// Version of its definition, from 1.
    pub version: u32,
    /// Sequence on the events stream of the commit that it was observed in.
    pub sequence: u64,
    /// Number among the commit's facts of this metric, from 0.
    pub ordinal: u32,
    /// Name of the tenant.
    pub tenant: String,
    /// When it happened: the time that it is counted at. RFC 3339, UTC, with milliseconds.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// When Relevo decided the commit. RFC 3339, UTC, with milliseconds.
    #[serde(with = "rfc3339")]
    pub recorded_at: Timestamp,
    /// `cnv_…`; absent for what belongs to no conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Name of the channel; absent for what belongs to no conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
    /// Name of the team that had the conversation then; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// Name of the agent whom it is attributed to; absent for nobody (unassigned, or written on the phone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// How the values of the metric are put together: `sum`, `duration`, `share` or `gauge`.
    pub kind: String,
    /// What `value` counts: `count` or `ms`.
    pub unit: String,
    /// The observation. Only a gauge's can be negative.
    pub value: i64,
    /// What else the metric tells apart, for example `reason` and `how`; every label of its definition is there.
    pub labels: BTreeMap<String, String>,
    /// Id of the fact that this one replaces: that one does not count any more. Always an earlier fact of the same metric and
    /// tenant, and superseded once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
}

/// Which fact of a metric: its place in the order of the metric's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FactPlace {
    /// Sequence of the commit.
    pub sequence: u64,
    /// Number among the commit's facts of the metric.
    pub ordinal: u32,
}

impl MetricFact {
    /// Where this fact stands in the order of its metric's facts.
    pub const fn place(&self) -> FactPlace {
        FactPlace { sequence: self.sequence, ordinal: self.ordinal }
    }

    pub(crate) fn of(tenant: &TenantId, definition: &Definition, row: FactRow) -> Self {
        let named = |name: String| (!name.is_empty()).then_some(name);
        let conversation = <[u8; 16]>::try_from(row.conversation.as_slice()).ok();
        let conversation = conversation.map(|bytes| EntityId::new(EntityKind::Conversation, bytes).to_string());
        let place = FactPlace { sequence: row.sequence, ordinal: row.ordinal };
        Self {
            id: FactId { definition, version: row.version, place }.to_string(),
            metric: definition.name.to_owned(),
            version: row.version,
            sequence: row.sequence,
            ordinal: row.ordinal,
            tenant: tenant.to_string(),
            at: Timestamp::from_millis(row.at),
            recorded_at: Timestamp::from_millis(row.recorded_at),
            conversation_id: conversation,
            channel_id: named(row.channel),
            team_id: named(row.team),
            agent_id: named(row.agent),
            kind: definition.kind.as_str().to_owned(),
            unit: definition.kind.unit().to_owned(),
            value: row.value,
            labels: definition.labels.iter().map(|key| (*key).to_owned()).zip(row.labels).collect(),
            supersedes: row.supersedes.map(|id| superseded(definition, &id)),
        }
    }
}

fn superseded(definition: &Definition, id: &FactIdRow) -> String {
    let place = FactPlace { sequence: id.sequence, ordinal: id.ordinal };
    FactId { definition, version: id.version, place }.to_string()
}

struct FactId<'a> {
    definition: &'a Definition,
    version: u32,
    place: FactPlace,
}

impl fmt::Display for FactId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FactPlace { sequence, ordinal } = self.place;
        write!(f, "{}.v{}.{sequence}.{ordinal}", self.definition.name, self.version)
    }
}

/// Times as JSON has them. A time that a calendar does not have (clamped away at every edge) is shown as its nearest one.
mod rfc3339 {
    use relevo_domain::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let (least, greatest) = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
        let millis = at.as_millis().clamp(least, greatest);
        let at = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        serializer.collect_str(&format_args!("{at:.3}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(|_error| D::Error::custom("not a time of RFC 3339"))?;
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Kind;

    fn row() -> FactRow {
        FactRow {
            metric: 1,
            version: 2,
            sequence: 40,
            ordinal: 1,
            at: 1_767_225_600_120,
            recorded_at: 1_767_225_601_000,
            conversation: vec![0; 16],
            channel: "wa-main".to_owned(),
            team: String::new(),
            agent: "laura".to_owned(),
            value: 1500,
            labels: vec!["manual".to_owned()],
            supersedes: Some(FactIdRow { version: 1, sequence: 7, ordinal: 0 }),
        }
    }

    #[test]
    fn a_fact_is_json_that_reads_back() {
        let definition =
            Definition { number: 1, name: "wait", version: 2, kind: Kind::Duration, labels: &["how"], meaning: "" };
        let fact = MetricFact::of(&TenantId::new("demo").unwrap(), &definition, row());
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(
            json,
            r#"{"id":"wait.v2.40.1","metric":"wait","version":2,"sequence":40,"ordinal":1,"tenant":"demo","at":"2026-01-01T00:00:00.120Z","recorded_at":"2026-01-01T00:00:01.000Z","conversation_id":"cnv_00000000000000000000000000","channel_id":"wa-main","agent_id":"laura","kind":"duration","unit":"ms","value":1500,"labels":{"how":"manual"},"supersedes":"wait.v1.7.0"}"#
        );
        assert_eq!(serde_json::from_str::<MetricFact>(&json).unwrap(), fact);
    }
}
