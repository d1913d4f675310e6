//! Which fact of a metric: the order in which a topic holds its facts.

use relevo_projector_metrics::{FactPlace, MetricFact};

/// A fact's place on its topic. The version of the metric's definition comes first: when a metric gets a new one, all of its facts
/// follow those of the version before, under ids of their own, and a node that still has the old version adds nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Mark {
    pub(super) version: u32,
    pub(super) place: FactPlace,
}

impl Mark {
    pub(super) const fn of(fact: &MetricFact) -> Self {
        Self { version: fact.version, place: fact.place() }
    }

    /// Reads `<metric>.v<version>.<sequence>.<ordinal>`; nothing if it is not an id of this metric.
    pub(super) fn parse(metric: &str, id: &str) -> Option<Self> {
        let mut parts = id.strip_prefix(metric)?.strip_prefix(".v")?.split('.');
        let version = parts.next()?.parse().ok()?;
        let place = FactPlace { sequence: parts.next()?.parse().ok()?, ordinal: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(Self { version, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(version: u32, sequence: u64, ordinal: u32) -> Mark {
        Mark { version, place: FactPlace { sequence, ordinal } }
    }

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        assert_eq!(Mark::parse("pauses", "pauses.v2.40.1"), Some(mark(2, 40, 1)));
        for bad in ["", "pauses", "pauses.v2.40", "pauses.v2.40.1.1", "pauses.2.40.1", "other.v2.40.1", "pauses.v2.x.1"]
        {
            assert_eq!(Mark::parse("pauses", bad), None, "{bad}");
        }
        // One metric's name may begin with another's.
        assert_eq!(Mark::parse("pause", "pauses.v2.40.1"), None);
    }

    #[test]
    fn versions_come_before_sequences_and_sequences_before_ordinals() {
        let order = [mark(1, 2, 0), mark(1, 2, 1), mark(1, 10, 0), mark(2, 1, 0)];
        assert!(order.is_sorted());
    }
}
