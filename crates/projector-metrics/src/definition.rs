//! What metrics there are. What each one means stands with it, in `metric`. A change of meaning is a new version, never the same
//! name silently: facts of both versions then have ids of their own, and consumers can tell them apart.

use crate::metric::backlog::BACKLOG;
use crate::metric::delivery::{DELIVERY_TO_DELIVERED, DELIVERY_TO_READ, DELIVERY_TO_SENT};
use crate::metric::intervention::INTERVENTION;
use crate::metric::open_time::AGENT_OPEN_TIME;
use crate::metric::pause::PAUSE_RESOLUTION;
use crate::metric::resolution::{RESOLUTION_FIRST, RESOLUTION_FULL};
use crate::metric::response::{FIRST_RESPONSE_ANY, FIRST_RESPONSE_HUMAN, NEXT_RESPONSE};
use crate::metric::sent::{DELIVERY_TO_ACCEPTED, SEND_FAILURES};
use crate::metric::volume::{
    CONVERSATIONS_OPENED, DELIVERY_REPORTS, EPISODES_REOPENED, EPISODES_RESOLVED, EPISODES_STARTED, MESSAGES_IN,
    MESSAGES_OUT, PAUSES,
};

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its number in keys; one that was ever used stays reserved.
    pub(crate) number: u8,
    /// A word of `[a-z_]`; also the last token of its topic.
    pub name: &'static str,
    /// From 1.
    pub version: u32,
    pub kind: Kind,
    /// What its facts tell apart, in the order of the rows.
    pub labels: &'static [&'static str],
    /// Formula and edge cases, in one paragraph.
    pub meaning: &'static str,
}

/// How the values of a metric are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// How many: the values are added up. Nothing counted is 0.
    Sum,
    /// How long, in milliseconds: number, mean and quantiles. Nothing measured is undefined.
    Duration,
    /// Which part: the values are 0 or 1, and the figure is their sum by their number. Nobody in the cohort is undefined.
    Share,
    /// How many there are at a moment: the values are changes (+1, −1), added up to that moment.
    Gauge,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Sum, Self::Duration, Self::Share, Self::Gauge];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Duration => "duration",
            Self::Share => "share",
            Self::Gauge => "gauge",
        }
    }

    /// What the values of its facts count: `count` or `ms`.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Duration => "ms",
            Self::Sum | Self::Share | Self::Gauge => "count",
        }
    }
}

/// Every metric of the view, in the order in which they are listed.
pub static DEFINITIONS: [&Definition; 22] = [
    &MESSAGES_IN,
    &MESSAGES_OUT,
    &CONVERSATIONS_OPENED,
    &EPISODES_STARTED,
    &EPISODES_RESOLVED,
    &EPISODES_REOPENED,
    &FIRST_RESPONSE_HUMAN,
    &FIRST_RESPONSE_ANY,
    &NEXT_RESPONSE,
    &RESOLUTION_FIRST,
    &RESOLUTION_FULL,
    &BACKLOG,
    &AGENT_OPEN_TIME,
    &INTERVENTION,
    &PAUSES,
    &PAUSE_RESOLUTION,
    &DELIVERY_REPORTS,
    &DELIVERY_TO_ACCEPTED,
    &DELIVERY_TO_SENT,
    &DELIVERY_TO_DELIVERED,
    &DELIVERY_TO_READ,
    &SEND_FAILURES,
];

/// The names of all metrics: the topics of a tenant.
pub fn metric_names() -> impl Iterator<Item = &'static str> {
    DEFINITIONS.iter().map(|definition| definition.name)
}

/// The metric of that name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.name == name).copied()
}

pub(crate) fn numbered(number: u8) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.number == number).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_its_own_name_and_number_and_says_what_it_is() {
        let names: BTreeSet<_> = metric_names().collect();
        let numbers: BTreeSet<_> = DEFINITIONS.iter().map(|definition| definition.number).collect();
        assert_eq!((names.len(), numbers.len()), (DEFINITIONS.len(), DEFINITIONS.len()));
        for metric in DEFINITIONS {
            assert!(metric.version > 0 && !metric.meaning.is_empty(), "{}", metric.name);
            assert!(metric.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", metric.name);
        }
    }
}
