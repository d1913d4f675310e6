//! A fact as a CloudEvent. Names and ids only: what is personal is not in a fact.

use relevo_domain::Timestamp;
use relevo_eventlog::CloudEvent;
use relevo_projector_metrics::MetricFact;

/// The message of a fact. `history` names the events that it was folded from.
pub(super) fn of(fact: &MetricFact, history: &str) -> Result<CloudEvent, serde_json::Error> {
    let MetricFact { metric, version, .. } = fact;
    Ok(CloudEvent {
        id: fact.id.clone(),
        kind: format!("relevo.metric.{metric}.v{version}"),
        source: format!("/relevo/{}", fact.tenant),
        subject: fact.conversation_id.clone(),
        time: rfc3339(fact.at),
        schema: format!("urn:relevo:metric:{metric}:{version}"),
        supersedes: fact.supersedes.clone(),
        log: history.to_owned(),
        data: serde_json::to_vec(fact)?.into(),
    })
}

/// A time as the fact's own JSON has it.
fn rfc3339(at: Timestamp) -> String {
    let (least, greatest) = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
    let at = jiff::Timestamp::from_millisecond(at.as_millis().clamp(least, greatest));
    format!("{:.3}", at.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::tests::fact;

    #[test]
    fn the_attributes_and_the_data_say_the_same() {
        let fact = MetricFact { supersedes: Some("pauses.v1.3.0".to_owned()), ..fact("demo", "pauses", 7, 2) };
        let event = of(&fact, "17").unwrap();
        let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!((event.id.as_str(), event.kind.as_str()), ("pauses.v1.7.2", "relevo.metric.pauses.v1"));
        assert_eq!(data["id"], event.id.as_str());
        assert_eq!(data["at"], event.time.as_str());
        assert_eq!(data["conversation_id"].as_str(), event.subject.as_deref());
        assert_eq!(data["supersedes"].as_str(), event.supersedes.as_deref());
        assert_eq!((event.source.as_str(), event.log.as_str()), ("/relevo/demo", "17"));
    }
}
