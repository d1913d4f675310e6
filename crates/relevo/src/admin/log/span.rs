//! Which part of the log is meant, and whose events: what replays and audits have in common.

use std::time::Duration;

use relevo_domain::{Actor, AgentId, EntityId, ErrorCode, Event, Position, Recorded, TenantId, Timestamp};
use relevo_eventlog::{Log, LogError};
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::log_point::At;
use relevo_proto::time::from_wire;
use tonic::Status;

use crate::admin::refusal::Operator;

/// How far the clocks of nodes may be apart: commits that were recorded at about one time may stand that much out of order.
const SKEW_MAX: Duration = Duration::from_mins(5);
/// Commits after one that cannot be read that are asked for their time before the search goes on without one.
const PROBES_MAX: u64 = 16;
/// Values of one field of a filter.
const VALUES_MAX: usize = 100;

/// A part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where reading begins; after the log's end if there is nothing.
    pub(super) first: u64,
    /// The last sequence that is read.
    pub(super) last: u64,
    /// Recorded not before this.
    from: Option<Timestamp>,
    /// Recorded before this.
    to: Option<Timestamp>,
}

impl Span {
    /// Finds the span on the log as it is now.
    pub(super) async fn find(
        operator: &Operator,
        log: &dyn Log,
        from: Option<&proto::LogPoint>,
        to: Option<&proto::LogPoint>,
    ) -> Result<Self, Status> {
        let end = log.identity().await.map_err(|error| operator.log_failed(&error))?.last_sequence;
        let mut span = Self { first: 1, last: end, from: None, to: None };
        match point(operator, from)? {
            None => {}
            Some(Point::Sequence(sequence)) if sequence > end => {
                return Err(operator.say(Problem::new(ErrorCode::PositionInvalid)));
            }
            Some(Point::Sequence(sequence)) => span.first = sequence.max(1),
            Some(Point::Time(time)) => {
                span.from = Some(time);
                let found = recorded_from(log, time - SKEW_MAX, end).await;
                span.first = found.map_err(|error| operator.log_failed(&error))?;
            }
        }
        match point(operator, to)? {
            None => {}
            Some(Point::Sequence(sequence)) => span.last = sequence.min(end),
            Some(Point::Time(time)) => {
                if span.from.is_some_and(|from| from >= time) {
                    return Err(operator.invalid("to", "field-span"));
                }
                span.to = Some(time);
                let found = recorded_from(log, time + SKEW_MAX, end).await;
                span.last = found.map_err(|error| operator.log_failed(&error))?.min(end);
            }
        }
        Ok(span)
    }

    /// Whether there is nothing to read.
    pub(super) const fn empty(&self) -> bool {
        self.first > self.last
    }

    /// Whether a commit that was read is meant.
    pub(super) fn holds(&self, recorded: &Recorded) -> bool {
        let at = recorded.commit.recorded_at;
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

enum Point {
    Sequence(u64),
    Time(Timestamp),
}

fn point(operator: &Operator, point: Option<&proto::LogPoint>) -> Result<Option<Point>, Status> {
    match point.and_then(|point| point.at.as_ref()) {
        None => Ok(None),
        Some(At::Position(text)) => {
            let position: Position =
                text.parse().map_err(|_bad| operator.say(Problem::new(ErrorCode::PositionInvalid)))?;
            Ok(Some(Point::Sequence(position.sequence())))
        }
        Some(At::Time(time)) => Ok(Some(Point::Time(from_wire(*time)))),
    }
}

/// The first sequence whose commit was recorded at `time` or later, if commits stood in the order of their times; `end` + 1 if
/// there is none.
async fn recorded_from(log: &dyn Log, time: Timestamp, end: u64) -> Result<u64, LogError> {
    let (mut low, mut high) = (1, end + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match recorded_at(log, middle, high).await? {
            Some(at) if at < time => low = middle + 1,
            // What cannot be read may be as late as that: rather too early a beginning than one that leaves something out.
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

async fn recorded_at(log: &dyn Log, sequence: u64, end: u64) -> Result<Option<Timestamp>, LogError> {
    for sequence in sequence..end.min(sequence + PROBES_MAX) {
        match log.get(sequence).await {
            Ok(Some(recorded)) => return Ok(Some(recorded.commit.recorded_at)),
            Ok(None) | Err(LogError::Undecodable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whose doings are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Exactly(Actor),
    /// The member of staff or the bot of that name.
    Named(AgentId),
}

impl Who {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let word = Actor::from_word(text).map(Self::Exactly);
        word.or_else(|| AgentId::new(text).ok().map(Self::Named))
    }

    pub(super) fn did(&self, actor: &Actor) -> bool {
        match (self, actor) {
            (Self::Exactly(wanted), actor) => wanted == actor,
            (Self::Named(name), Actor::Staff(found) | Actor::Bot(found)) => name == found,
            (Self::Named(_), Actor::Customer | Actor::PhoneApp | Actor::Provider | Actor::System) => false,
        }
    }
}

/// Which events of the caller's tenant.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    tenant: TenantId,
    types: Vec<String>,
    entities: Vec<EntityId>,
    who: Option<Who>,
}

impl Filter {
    pub(super) fn parse(operator: &Operator, filter: proto::ReplayFilter) -> Result<Self, Status> {
        if filter.event_types.len() > VALUES_MAX || filter.entity_ids.len() > VALUES_MAX {
            return Err(operator.invalid("filter", "field-filter-long"));
        }
        let entities: Result<Vec<EntityId>, _> = filter.entity_ids.iter().map(|id| id.parse()).collect();
        let entities = entities.map_err(|_bad| operator.invalid("filter.entity_ids", "field-id"))?;
        let who = Some(filter.actor.as_str()).filter(|text| !text.is_empty()).map(Who::parse);
        if who == Some(None) {
            return Err(operator.invalid("filter.actor", "field-actor"));
        }
        let tenant = operator.caller.tenant.clone();
        Ok(Self { tenant, types: filter.event_types, entities, who: who.flatten() })
    }

    pub(super) fn takes_commit(&self, recorded: &Recorded) -> bool {
        let commit = &recorded.commit;
        commit.tenant == self.tenant
            && (self.entities.is_empty() || self.entities.contains(&commit.entity))
            && self.who.as_ref().is_none_or(|who| who.did(&commit.actor))
    }

    pub(super) fn takes_event(&self, event: &Event) -> bool {
        self.types.is_empty() || self.types.iter().any(|name| name == event.name())
    }
}

/// JSON without what is personal: each event keeps that in fields named `personal`.
pub(super) fn impersonal(json: &str) -> String {
    // What is not JSON is not shown: nobody knows what it holds.
    serde_json::from_str(json).map(stripped).map(|value: serde_json::Value| value.to_string()).unwrap_or_default()
}

fn stripped(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| name != "personal");
            serde_json::Value::Object(kept.map(|(name, value)| (name, stripped(value))).collect())
        }
        serde_json::Value::Array(values) => serde_json::Value::Array(values.into_iter().map(stripped).collect()),
        other @ (serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::conversation::event::{ConversationEvent, NotePersonal};
    use relevo_domain::{Caller, CommandId, Commit, CommitId, EntityKind, MessageId, Role, Scope};
    use relevo_eventlog::{Append, MemoryLog};

    use super::*;

    fn operator() -> Operator {
        let mut request = tonic::Request::new(());
        request.extensions_mut().insert(Caller {
            tenant: TenantId::new("demo").unwrap(),
            role: Role::Ops,
            name: AgentId::new("ana").unwrap(),
            scope: Scope::Tenant,
        });
        Operator::of(&request).unwrap()
    }

    /// A log whose n-th commit was recorded in the n-th of these seconds.
    async fn recorded_in(seconds: &[i64]) -> MemoryLog {
        let log = MemoryLog::new();
        for (n, second) in (1_u8..).zip(seconds) {
            let note = ConversationEvent::NoteAdded {
                message: MessageId::new([1; 16]),
                personal: NotePersonal { text: None },
            };
            let commit = Commit {
                id: CommitId::new([n; 16]),
                tenant: TenantId::new("demo").unwrap(),
                entity: EntityId::new(EntityKind::Conversation, [n; 16]),
                first_version: 1,
                command_id: CommandId::new("c").unwrap(),
                occurred_at: Timestamp::from_seconds(*second),
                recorded_at: Timestamp::from_seconds(*second),
                actor: Actor::System,
                causation: None,
                correlation: None,
                previous_hash: [0; 32],
                intake: None,
                events: vec![Event::Conversation(note)],
            };
            log.append(vec![Append { commit, expected: 0 }]).await.unwrap();
        }
        log
    }

    /// The sequences that are in the span.
    async fn found(log: &MemoryLog, from: Option<At>, to: Option<At>) -> Result<Vec<u64>, Status> {
        let at = |at: Option<At>| at.map(|at| proto::LogPoint { at: Some(at) });
        let span = Span::find(&operator(), log, at(from).as_ref(), at(to).as_ref()).await?;
        let mut sequences = Vec::new();
        for sequence in span.first..=span.last {
            if span.holds(&log.get(sequence).await.unwrap().unwrap()) {
                sequences.push(sequence);
            }
        }
        Ok(sequences)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a request's field holds")]
    fn time(seconds: i64) -> Option<At> {
        Some(At::Time(relevo_proto::time::to_wire(Timestamp::from_seconds(seconds))))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a request's field holds")]
    fn position(text: &str) -> Option<At> {
        Some(At::Position(text.to_owned()))
    }

    #[tokio::test]
    async fn a_time_finds_what_was_recorded_then_though_clocks_were_apart() {
        let mut seconds: Vec<i64> = (0..200).map(|n| n * 60).collect();
        // Another node's clock is four minutes behind.
        for n in (1..200).step_by(7) {
            seconds[n] -= 240;
        }
        let log = recorded_in(&seconds).await;
        for (from, to) in [(None, None), (Some(3_000), None), (None, Some(3_000)), (Some(2_990), Some(9_001))] {
            let expected: Vec<u64> = (1..)
                .zip(&seconds)
                .filter(|(_, at)| from.is_none_or(|from| **at >= from) && to.is_none_or(|to| **at < to))
                .map(|(n, _)| n)
                .collect();
            assert_eq!(found(&log, from.and_then(time), to.and_then(time)).await.unwrap(), expected, "{from:?} {to:?}");
        }
        assert!(found(&log, time(i64::from(u32::MAX)), None).await.unwrap().is_empty());
        assert!(found(&log, time(10), time(10)).await.is_err(), "ends before it begins");
    }

    #[tokio::test]
    async fn positions_are_included_and_one_that_is_not_there_yet_is_refused() {
        let log = recorded_in(&[1, 2, 3]).await;
        assert_eq!(found(&log, position("p1-2"), position("p1-3")).await.unwrap(), [2, 3]);
        assert_eq!(found(&log, position("p1-0"), position("p1-999")).await.unwrap(), [1, 2, 3]);
        for bad in ["p1-4", "p9-1", "x", ""] {
            assert!(found(&log, position(bad), None).await.is_err(), "{bad}");
        }
        assert!(found(&recorded_in(&[]).await, None, None).await.unwrap().is_empty());
    }

    #[test]
    fn an_actor_is_a_word_or_a_name() {
        let laura = AgentId::new("laura").unwrap();
        let named = Who::parse("laura").unwrap();
        assert!(named.did(&Actor::Staff(laura.clone())) && named.did(&Actor::Bot(laura.clone())));
        let staff = Who::parse("staff:laura").unwrap();
        assert!(staff.did(&Actor::Staff(laura.clone())) && !staff.did(&Actor::Bot(laura)));
        assert!(Who::parse("customer").unwrap().did(&Actor::Customer));
        for bad in ["", "Laura", "staff:", "root:x"] {
            assert_eq!(Who::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_personal_is_left_at_any_depth() {
        let json = r#"{"reason":"listo","personal":{"text":"x"},"facts":[{"kind":"TEXT","personal":{"text":"y"}}]}"#;
        assert_eq!(impersonal(json), r#"{"facts":[{"kind":"TEXT"}],"reason":"listo"}"#);
        assert_eq!(impersonal("no json"), "");
    }
}
