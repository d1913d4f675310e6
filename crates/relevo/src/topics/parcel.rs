//! What is appended together: the next facts of several topics. Pure.

use relevo_eventlog::{CloudEvent, TOPIC_BATCH_MAX, TopicFacts};

use super::line::Line;
use super::mark::Mark;

/// The next facts of one topic, ready to be appended.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) line: Line,
    /// The topic's last sequence, as far as this node knows.
    pub(super) expected: u64,
    /// At least one.
    pub(super) events: Vec<CloudEvent>,
    /// The last of them.
    pub(super) mark: Mark,
    /// The newest fact that there is.
    pub(super) newest: Mark,
    /// The view has forgotten facts that come before these.
    pub(super) gap: bool,
}

/// Parts of different topics that fit into one append.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    parts: Vec<Part>,
    facts: usize,
}

impl Part {
    pub(super) fn facts(&self) -> TopicFacts<'_> {
        TopicFacts { topic: &self.line.topic, expected: self.expected, facts: &self.events }
    }

    /// Each part of an append with the sequence of its last message: the messages stand one behind the other, and the last of all
    /// has this sequence.
    pub(super) fn sequences(parts: &mut [Self], last: u64) -> impl Iterator<Item = (&mut Self, u64)> {
        parts.iter_mut().rev().scan(last, |next, part| {
            let sequence = *next;
            *next = next.saturating_sub(part.events.len() as u64);
            Some((part, sequence))
        })
    }
}

impl Parcel {
    /// Takes a part in; gives away what was gathered before, if both do not fit into one append.
    pub(super) fn push(&mut self, part: Part) -> Option<Self> {
        let full =
            (self.facts + part.events.len() > TOPIC_BATCH_MAX && !self.parts.is_empty()).then(|| std::mem::take(self));
        self.facts += part.events.len();
        self.parts.push(part);
        full
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::TenantId;
    use relevo_projector_metrics::FactPlace;

    use super::*;
    use crate::topics::tests::fact;

    fn part(metric: &'static str, facts: usize) -> Part {
        let line = Line::new(TenantId::new("demo").unwrap(), metric).unwrap();
        let events = (1..=facts as u64).map(|n| crate::topics::event::of(&fact("demo", metric, n, 0), "1").unwrap());
        let mark = Mark { version: 1, place: FactPlace { sequence: facts as u64, ordinal: 0 } };
        Part { line, expected: 0, events: events.collect(), mark, newest: mark, gap: false }
    }

    #[test]
    fn each_topic_learns_where_its_own_last_message_stands() {
        let mut parts = [part("pauses", 3), part("backlog", 1), part("intervention", 2)];
        let mut sequences: Vec<_> = Part::sequences(&mut parts, 16).map(|(part, at)| (part.line.metric, at)).collect();
        sequences.sort_by_key(|(_, at)| *at);
        assert_eq!(sequences, [("pauses", 13), ("backlog", 14), ("intervention", 16)]);
    }

    #[test]
    fn a_parcel_is_never_larger_than_an_append() {
        let mut parcel = Parcel::default();
        assert!(parcel.push(part("pauses", TOPIC_BATCH_MAX)).is_none());
        let full = parcel.push(part("backlog", 1)).unwrap();
        assert_eq!((full.facts, full.into_parts().len()), (TOPIC_BATCH_MAX, 1));
        assert!(parcel.push(part("intervention", TOPIC_BATCH_MAX - 1)).is_none());
        assert_eq!((parcel.facts, parcel.into_parts().len()), (TOPIC_BATCH_MAX, 2));
    }
}
