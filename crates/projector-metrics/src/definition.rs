//! What each figure means, by name and version. A change of meaning is a new version, never the same name silently.

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    pub name: &'static str,
    pub version: u32,
    /// `count` or `ms`.
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// Every figure of the view.
pub const DEFINITIONS: [Definition; 9] = [
    Definition {
        name: "messages_in",
        version: 1,
        unit: "count",
        meaning: "messages received, of every kind, automatic ones included; an edit is no message",
    },
    Definition {
        name: "messages_out",
        version: 1,
        unit: "count",
        meaning: "messages that the business wrote; for now those written on the phone",
    },
    Definition {
        name: "delivery_reports",
        version: 1,
        unit: "count",
        meaning: "reports of a provider by status, also about messages that Relevo does not have",
    },
    Definition {
        name: "conversations_opened",
        version: 1,
        unit: "count",
        meaning: "conversations that came into being",
    },
    Definition {
        name: "episodes_started",
        version: 1,
        unit: "count",
        meaning: "episodes that began, the first of a conversation included",
    },
    Definition {
        name: "episodes_resolved",
        version: 1,
        unit: "count",
        meaning: "ends of episodes; one that was reopened and resolved again counts twice",
    },
    Definition {
        name: "episodes_reopened",
        version: 1,
        unit: "count",
        meaning: "episodes that went on after their end",
    },
    Definition {
        name: "pauses",
        version: 1,
        unit: "count",
        meaning: "pauses of a bot by reason, those of a person and automatic ones apart",
    },
    Definition {
        name: "first_response_human",
        version: 1,
        unit: "ms",
        meaning: "from an episode's first message of a person (on the log) to the first message of the business by a person \
                  that is not older, once an episode, counted when it was answered; what the business wrote before the \
                  customer is no response; an episode without a response is not in it",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_its_own_name_and_says_what_it_is() {
        let names: BTreeSet<_> = DEFINITIONS.iter().map(|definition| definition.name).collect();
        assert_eq!(names.len(), DEFINITIONS.len());
        assert!(DEFINITIONS.iter().all(|figure| figure.version > 0 && !figure.meaning.is_empty()));
    }
}
