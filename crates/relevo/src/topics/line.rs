//! What the publisher knows of one topic, and what follows from it. Pure.

use relevo_domain::TenantId;
use relevo_eventlog::{LastMessage, LogError, Topic};
use relevo_projector_metrics::FactPlace;

use super::mark::Mark;

/// One topic.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) tenant: TenantId,
    pub(super) metric: &'static str,
    pub(super) topic: Topic,
    /// The newest fact that is certainly on the topic; absent: none is known to be.
    mark: Option<Mark>,
    /// Condition of the next append; absent: the topic's last message has to be read first.
    expected: Option<u64>,
}

/// Which facts come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Those after this place; absent: from the oldest that is kept.
    After(Option<FactPlace>),
    /// None: a node with a newer definition of the metric publishes here.
    Nothing,
}

/// The topic's last message is not of this installation's making.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("last message {sequence} is no fact of this metric")]
    NotAFact { sequence: u64 },
    #[error("last message {sequence} was folded from another history of events")]
    OtherHistory { sequence: u64 },
}

impl Line {
    /// A topic of which nothing is known.
    pub(super) fn new(tenant: TenantId, metric: &'static str) -> Result<Self, LogError> {
        let topic = Topic::live(&tenant, metric)?;
        Ok(Self { tenant, metric, topic, mark: None, expected: None })
    }

    /// The same topic, published to as far as the checkpoint says.
    pub(super) fn with_checkpoint(self, checkpoint: Option<Mark>) -> Self {
        Self { mark: checkpoint, ..self }
    }

    pub(super) const fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// Whether the newest fact that there is, is on the topic.
    pub(super) fn reached(&self, newest: Mark) -> bool {
        self.mark.is_some_and(|mark| mark >= newest)
    }

    /// Where to go on, for a node whose definition of the metric has this version.
    pub(super) fn next(&self, version: u32) -> Next {
        match self.mark {
            Some(mark) if mark.version > version => Next::Nothing,
            Some(mark) if mark.version == version => Next::After(Some(mark.place)),
            Some(_) | None => Next::After(None),
        }
    }

    /// The topic's last message was read. What it holds is certain; what the checkpoint holds may have grown too old for the
    /// stream, and still counts. Answers with the condition of the next append.
    pub(super) fn learned(&mut self, last: Option<&LastMessage>, history: &str) -> Result<u64, Foreign> {
        let Some(last) = last else {
            self.expected = Some(0);
            return Ok(0);
        };
        let sequence = last.sequence;
        let mark = Mark::parse(self.metric, &last.id).ok_or(Foreign::NotAFact { sequence })?;
        if last.log != history {
            return Err(Foreign::OtherHistory { sequence });
        }
        self.mark = self.mark.max(Some(mark));
        self.expected = Some(sequence);
        Ok(sequence)
    }

    /// An append was stored.
    pub(super) fn stored(&mut self, sequence: u64, newest: Mark) {
        self.mark = self.mark.max(Some(newest));
        self.expected = Some(sequence);
    }

    /// An append was refused, or its outcome is unknown: only the last message tells.
    pub(super) const fn unsure(&mut self) {
        self.expected = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = "17";

    fn line(checkpoint: Option<Mark>) -> Line {
        Line::new(TenantId::new("demo").unwrap(), "pauses").unwrap().with_checkpoint(checkpoint)
    }

    const fn mark(version: u32, sequence: u64) -> Mark {
        Mark { version, place: FactPlace { sequence, ordinal: 0 } }
    }

    fn last(id: &str, log: &str) -> LastMessage {
        LastMessage { sequence: 9, id: id.to_owned(), log: log.to_owned() }
    }

    #[test]
    fn a_topic_goes_on_after_the_newer_of_checkpoint_and_last_message() {
        let mut line = line(Some(mark(1, 20)));
        line.learned(Some(&last("pauses.v1.10.0", HISTORY)), HISTORY).unwrap();
        assert_eq!((line.next(1), line.expected()), (Next::After(Some(mark(1, 20).place)), Some(9)));
        line.learned(Some(&last("pauses.v1.30.0", HISTORY)), HISTORY).unwrap();
        assert_eq!(line.next(1), Next::After(Some(mark(1, 30).place)));
        assert!(line.reached(mark(1, 30)) && !line.reached(mark(1, 31)));
    }

    #[test]
    fn an_empty_topic_is_expected_to_be_empty() {
        let mut line = line(None);
        line.learned(None, HISTORY).unwrap();
        assert_eq!((line.next(1), line.expected()), (Next::After(None), Some(0)));
    }

    #[test]
    fn a_new_definition_starts_over_and_an_old_one_is_silent() {
        let line = line(Some(mark(2, 20)));
        assert_eq!(
            [1, 2, 3].map(|version| line.next(version)),
            [Next::Nothing, Next::After(Some(mark(2, 20).place)), Next::After(None)]
        );
        assert!(line.reached(mark(1, 99)) && !line.reached(mark(3, 1)));
    }

    #[test]
    fn somebody_elses_message_is_told() {
        let mut line = line(None);
        let foreign = line.learned(Some(&last("", HISTORY)), HISTORY);
        assert_eq!(foreign, Err(Foreign::NotAFact { sequence: 9 }));
        let foreign = line.learned(Some(&last("pauses.v1.10.0", "18")), HISTORY);
        assert_eq!(foreign, Err(Foreign::OtherHistory { sequence: 9 }));
        assert_eq!(line.expected(), None);
    }
}
