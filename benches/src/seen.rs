//! When each message became visible, worked out from two witnesses who know nothing of each other.
//!
//! The events stream says at which sequence a message was committed. A client that keeps asking for the first page of the inbox
//! writes down what position each answer had, and when it had the answer in its hands. A message is visible from the first answer
//! on whose position is not before its sequence: every list that is asked for from then on holds it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// What is known of the messages of one part of a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Seen {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    messages: Vec<Known>,
    /// Committed and not yet visible: (sequence, number).
    waiting: BinaryHeap<Reverse<(u64, u32)>>,
    /// Of each answer that was further than the one before: its position and when it was there.
    answers: Vec<(u64, Instant)>,
    visible: u64,
    /// Commits that brought a message which was there already.
    again: u64,
    last_sequence: u64,
}

#[derive(Clone, Debug, Default)]
struct Known {
    sequence: Option<u64>,
    visible: Option<Instant>,
    waits: Option<Arc<Notify>>,
}

impl Seen {
    /// For messages 0 to `messages - 1`.
    pub fn new(messages: usize) -> Self {
        let inner = Inner {
            messages: vec![Known::default(); messages],
            waiting: BinaryHeap::new(),
            answers: Vec::new(),
            visible: 0,
            again: 0,
            last_sequence: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream has a commit with this message, or with none of this run's.
    pub fn committed(&self, sequence: u64, number: Option<u32>) {
        let mut inner = self.inner();
        inner.last_sequence = inner.last_sequence.max(sequence);
        let Some(number) = number else { return };
        match inner.messages.get_mut(number as usize) {
            None => return,
            Some(known) if known.sequence.is_some() => {
                inner.again += 1;
                return;
            }
            Some(known) => known.sequence = Some(sequence),
        }
        let first = inner.answers.partition_point(|(position, _)| *position < sequence);
        match inner.answers.get(first).copied() {
            Some((_, at)) => inner.shows(number, at),
            None => inner.waiting.push(Reverse((sequence, number))),
        }
    }

    /// A list was answered with this position.
    pub fn answered(&self, position: u64, at: Instant) {
        let mut inner = self.inner();
        if inner.answers.last().is_some_and(|(before, _)| *before >= position) {
            return;
        }
        inner.answers.push((position, at));
        while let Some(Reverse((sequence, number))) = inner.waiting.peek().copied() {
            if sequence > position {
                break;
            }
            inner.waiting.pop();
            inner.shows(number, at);
        }
    }

    /// When the message was visible; waits for it. Cancel it to stop waiting.
    pub async fn visible(&self, number: u32) -> Instant {
        let notify = Arc::new(Notify::new());
        loop {
            {
                let mut inner = self.inner();
                let known = &mut inner.messages[number as usize];
                if let Some(at) = known.visible {
                    return at;
                }
                known.waits = Some(Arc::clone(&notify));
            }
            notify.notified().await;
        }
    }

    /// When the message was visible, if it is.
    pub fn visible_at(&self, number: u32) -> Option<Instant> {
        self.inner().messages.get(number as usize)?.visible
    }

    /// Where the message stands on the log, if it does.
    pub fn sequence(&self, number: u32) -> Option<u64> {
        self.inner().messages.get(number as usize)?.sequence
    }

    /// How many messages are visible.
    pub fn count(&self) -> u64 {
        self.inner().visible
    }

    /// Commits that brought a message once more.
    pub fn again(&self) -> u64 {
        self.inner().again
    }

    /// The last position that a list was answered with; 0 before the first.
    pub fn position(&self) -> u64 {
        self.inner().answers.last().map_or(0, |(position, _)| *position)
    }
}

impl Inner {
    fn shows(&mut self, number: u32, at: Instant) {
        let known = &mut self.messages[number as usize];
        known.visible = Some(at);
        self.visible += 1;
        if let Some(waits) = known.waits.take() {
            waits.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_first_answer_that_is_far_enough_is_when_it_was_visible() {
        let (seen, begun) = (Seen::new(3), Instant::now());
        let after = |ms: u64| begun + Duration::from_millis(ms);
        seen.committed(5, Some(0));
        seen.answered(4, after(1));
        assert_eq!(seen.visible_at(0), None);
        seen.answered(7, after(2));
        seen.answered(7, after(3));
        assert_eq!(seen.visible(0).await, after(2));
        // The answer was there before we heard of the commit.
        seen.committed(6, Some(1));
        assert_eq!(seen.visible_at(1), Some(after(2)));
        let waiting = tokio::spawn({
            let seen = seen.clone();
            async move { seen.visible(2).await }
        });
        seen.committed(9, Some(2));
        seen.committed(10, Some(2));
        seen.answered(9, after(4));
        assert_eq!(waiting.await.unwrap(), after(4));
        assert_eq!((seen.count(), seen.again(), seen.position()), (3, 1, 9));
    }
}
