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
    /// The newest fact that is on the topic, or was, or is too old for it; absent: none is known to be.
    mark: Option<Mark>,
    /// Condition of the next append; absent: the topic's last message has to be read first.
    expected: Option<u64>,
    /// Nothing was ever published here, as far as anybody knows.
    begins: bool,
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
    #[error("last message {sequence} is of commit {commit}, the events log ends at {last}: it is a restored one")]
    Ahead { sequence: u64, commit: u64, last: u64 },
}

impl Line {
    /// A topic of which nothing is known.
    pub(super) fn new(tenant: TenantId, metric: &'static str) -> Result<Self, LogError> {
        let topic = Topic::live(&tenant, metric)?;
        Ok(Self { tenant, metric, topic, mark: None, expected: None, begins: false })
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

    /// The topic's last message was read. It is the truth: what the checkpoint has beyond it was lost with the stream's end, and
    /// is published again. A checkpoint counts where there is no message: all of them have grown too old for the stream. Answers
    /// with the condition of the next append.
    pub(super) fn learned(&mut self, last: Option<&LastMessage>, history: &str) -> Result<u64, Foreign> {
        let Some(last) = last else {
            self.expected = Some(0);
            self.begins = self.mark.is_none();
            return Ok(0);
        };
        let sequence = last.sequence;
        let mark = Mark::parse(self.metric, &last.id).ok_or(Foreign::NotAFact { sequence })?;
        if last.log != history {
            return Err(Foreign::OtherHistory { sequence });
        }
        (self.mark, self.expected, self.begins) = (Some(mark), Some(sequence), false);
        Ok(sequence)
    }

    /// Whether what the topic had was made of commits that a log with this end does not have: the log was restored, and its next
    /// commits are other ones than those. A mark without a message is given up then.
    pub(super) fn check_end(&mut self, last: u64) -> Result<(), Foreign> {
        match (self.mark, self.expected) {
            (Some(mark), Some(sequence)) if mark.place.sequence > last => {
                if sequence > 0 {
                    return Err(Foreign::Ahead { sequence, commit: mark.place.sequence, last });
                }
                (self.mark, self.begins) = (None, true);
                Ok(())
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Whether the mark, if there is one, is of a later commit than this.
    pub(super) fn beyond(&self, sequence: u64) -> bool {
        self.mark.is_some_and(|mark| mark.place.sequence > sequence)
    }

    /// Whether nothing was ever published here: what the stream would not keep any more need not be either.
    pub(super) const fn begins(&self) -> bool {
        self.begins
    }

    /// Facts up to here are too old for the topic.
    pub(super) fn passed(&mut self, newest: Mark) {
        self.mark = self.mark.max(Some(newest));
    }

    /// An append was stored.
    pub(super) fn stored(&mut self, sequence: u64, newest: Mark) {
        self.mark = self.mark.max(Some(newest));
        (self.expected, self.begins) = (Some(sequence), false);
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
    fn a_topic_goes_on_after_its_last_message_and_without_one_after_the_checkpoint() {
        let mut line = line(Some(mark(1, 20)));
        line.learned(None, HISTORY).unwrap();
        assert_eq!((line.next(1), line.begins()), (Next::After(Some(mark(1, 20).place)), false));
        // The stream lost its end.
        line.learned(Some(&last("pauses.v1.10.0", HISTORY)), HISTORY).unwrap();
        assert_eq!((line.next(1), line.expected()), (Next::After(Some(mark(1, 10).place)), Some(9)));
        line.learned(Some(&last("pauses.v1.30.0", HISTORY)), HISTORY).unwrap();
        assert_eq!(line.next(1), Next::After(Some(mark(1, 30).place)));
        assert!(line.reached(mark(1, 30)) && !line.reached(mark(1, 31)));
    }

    #[test]
    fn an_empty_topic_is_expected_to_be_empty() {
        let mut line = line(None);
        line.learned(None, HISTORY).unwrap();
        assert_eq!((line.next(1), line.expected(), line.begins()), (Next::After(None), Some(0), true));
        line.passed(mark(1, 5));
        assert_eq!((line.next(1), line.begins()), (Next::After(Some(mark(1, 5).place)), true));
        line.stored(3, mark(1, 8));
        assert_eq!((line.next(1), line.begins()), (Next::After(Some(mark(1, 8).place)), false));
    }

    #[test]
    fn a_log_that_ends_before_the_topic_is_a_restored_one() {
        let mut published = line(None);
        published.learned(Some(&last("pauses.v1.10.0", HISTORY)), HISTORY).unwrap();
        assert_eq!(published.check_end(10), Ok(()));
        assert_eq!(published.check_end(9), Err(Foreign::Ahead { sequence: 9, commit: 10, last: 9 }));
        let mut aged_out = line(Some(mark(1, 10)));
        aged_out.learned(None, HISTORY).unwrap();
        assert_eq!((aged_out.check_end(9), aged_out.next(1)), (Ok(()), Next::After(None)));
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
