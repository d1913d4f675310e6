//! What a conversation keeps of what was detected and of what staff was alerted to.

use std::collections::BTreeSet;

use crate::conversation::event::{Alert, Detection, PauseReason};
use crate::detection::{Act, Memory, Rule};
use crate::time::Timestamp;

/// What the detection needs, and what it has suggested.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Watch {
    /// What was said, as hashes.
    pub memory: Memory,
    /// Suggestions that nobody has answered, oldest first; of each rule at most one.
    pub suggestions: Vec<Suggestion>,
    /// Rules that have suggested something in this episode: once is enough.
    pub said: BTreeSet<Rule>,
}

/// A suggestion to pause the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Version of the conversation with it: what it is named by.
    pub number: u64,
    pub rule: Rule,
    pub reason: PauseReason,
    pub at: Timestamp,
}

impl Watch {
    pub(super) fn detected(&mut self, number: u64, at: Timestamp, found: &Detection) {
        self.said.insert(found.rule);
        if found.act == Act::Suggest {
            let (rule, reason) = (found.rule, found.reason);
            self.suggestions.push(Suggestion { number, rule, reason, at });
        }
    }

    pub(super) fn closed(&mut self, number: u64) {
        self.suggestions.retain(|suggestion| suggestion.number != number);
    }

    /// Nothing is left to suggest.
    pub(super) fn paused(&mut self) {
        self.suggestions.clear();
    }

    /// Nobody needs to be told any more.
    pub(super) fn resolved(&mut self) {
        self.suggestions.clear();
    }

    /// A new matter begins.
    pub(super) fn episode_started(&mut self) {
        self.suggestions.clear();
        self.said.clear();
        self.memory.episode_started();
    }
}

/// Of what staff was alerted last: since when it had been so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Alerts {
    pub unanswered: Option<Timestamp>,
    pub too_long: Option<Timestamp>,
}

impl Alerts {
    pub const fn last(&self, alert: Alert) -> Option<Timestamp> {
        match alert {
            Alert::PausedUnanswered => self.unanswered,
            Alert::PausedTooLong => self.too_long,
        }
    }

    pub(super) const fn raised(&mut self, alert: Alert, since: Timestamp) {
        match alert {
            Alert::PausedUnanswered => self.unanswered = Some(since),
            Alert::PausedTooLong => self.too_long = Some(since),
        }
    }
}
