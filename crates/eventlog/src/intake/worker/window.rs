//! Which raw items a worker has in hand, and which one is next. Pure: no server, no clock.
//!
//! Items are handed out in the order of their sequences, whatever order they are delivered in: one that is delivered again
//! after a failure comes before its successors, or they would overtake it. They are acknowledged in that order, too, so that
//! the server's floor is the truth about everything below it.

use std::collections::{BTreeMap, VecDeque};

/// Gaps that were passed over and are remembered, in case that one of their items comes after all.
const PASSED_MAX: usize = 64;

/// What a worker has in hand. `D` is what arrived, `R` where its acknowledgement goes.
#[derive(Debug)]
pub(super) struct Window<D, R> {
    /// Everything up to here was worked through, by this worker or another.
    floor: u64,
    /// Of what lies above this and up to the floor, this worker did everything itself, [`Self::passed`] aside.
    since: u64,
    /// The lowest sequence that was not handed out.
    next: u64,
    /// The last one that was handed out in its turn.
    last: Option<u64>,
    /// Handed out or passed over, and not acknowledged.
    taken: BTreeMap<u64, Taken<R>>,
    /// Arrived, and not handed out.
    waiting: BTreeMap<u64, (D, R, u64)>,
    /// Gaps (first and last sequence) that lie below the floor.
    passed: VecDeque<(u64, u64)>,
    /// Acknowledgements to send, in order.
    acks: Vec<R>,
}

#[derive(Debug)]
struct Taken<R> {
    /// The last sequence that this is about: its own, or the end of a gap.
    through: u64,
    /// None of a gap.
    reply: Option<R>,
    done: bool,
}

/// An item whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn<D> {
    pub(super) sequence: u64,
    pub(super) delivered: D,
    /// How often it was delivered, this time included.
    pub(super) attempt: u64,
    /// Another worker, or this one in an earlier life, may have begun it or what comes before it.
    pub(super) takes_over: bool,
}

impl<D, R: Clone> Window<D, R> {
    /// Nothing in hand; everything up to `floor` was worked through.
    pub(super) const fn above(floor: u64) -> Self {
        Self {
            floor,
            since: floor,
            next: floor + 1,
            last: None,
            taken: BTreeMap::new(),
            waiting: BTreeMap::new(),
            passed: VecDeque::new(),
            acks: Vec::new(),
        }
    }

    /// Everything up to here was worked through, by this worker or another.
    pub(super) const fn floor(&self) -> u64 {
        self.floor
    }

    /// The same, where this worker itself did the last of it.
    pub(super) fn own_floor(&self) -> Option<u64> {
        (self.floor > self.since).then_some(self.floor)
    }

    /// Takes in what was delivered. What this worker has done already is acknowledged again and not handed out again.
    pub(super) fn arrive(&mut self, sequence: u64, attempt: u64, delivered: D, reply: R) {
        if let Some(taken) = self.taken.get_mut(&sequence) {
            taken.reply = Some(reply);
            return;
        }
        if sequence <= self.floor && self.did(sequence) {
            self.acks.push(reply);
            return;
        }
        self.waiting.insert(sequence, (delivered, reply, attempt));
    }

    /// Whether this worker itself has worked through an item below the floor.
    fn did(&self, sequence: u64) -> bool {
        sequence > self.since && !self.passed.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }

    /// The item whose turn it is, if it is here. What comes late, because it was passed over, comes at once.
    pub(super) fn take(&mut self) -> Option<Turn<D>> {
        let entry = self.waiting.first_entry()?;
        let sequence = *entry.key();
        if sequence > self.next {
            return None;
        }
        let (delivered, reply, attempt) = entry.remove();
        let takes_over = attempt > 1 || self.last.is_none_or(|last| last + 1 != sequence);
        self.taken.insert(sequence, Taken { through: sequence, reply: Some(reply), done: false });
        if sequence == self.next {
            self.last = Some(sequence);
            self.move_on();
        }
        Some(Turn { sequence, delivered, attempt, takes_over })
    }

    /// The sequence that is waited for although others behind it are here.
    pub(super) fn missing(&self) -> Option<u64> {
        self.waiting.first_key_value().filter(|(first, _)| **first > self.next).map(|_| self.next)
    }

    /// Nothing below `first` comes any more that is not in hand: it is not waited for.
    pub(super) fn pass(&mut self, first: u64) {
        while self.next < first {
            let start = self.next;
            let behind = self.taken.range(start..).next().map_or(first, |(taken, _)| first.min(*taken));
            self.taken.insert(start, Taken { through: behind - 1, reply: None, done: true });
            self.next = behind;
            self.move_on();
        }
        self.advance();
    }

    /// The item is worked through.
    pub(super) fn done(&mut self, sequence: u64) {
        if let Some(taken) = self.taken.get_mut(&sequence) {
            taken.done = true;
            self.advance();
        }
    }

    /// The item was let go without having been worked through: it is handed out again when it is delivered again, and before
    /// everything behind it that was not handed out.
    pub(super) fn let_go(&mut self, sequence: u64) {
        if self.taken.get(&sequence).is_some_and(|taken| !taken.done) {
            self.taken.remove(&sequence);
            if sequence > self.floor {
                self.next = self.next.min(sequence);
            }
        }
    }

    /// Somebody has worked through everything up to `floor`.
    pub(super) fn reached(&mut self, floor: u64) {
        if floor <= self.floor {
            return;
        }
        (self.floor, self.since) = (floor, floor);
        self.passed.clear();
        self.next = self.next.max(floor + 1);
        self.move_on();
        self.advance();
    }

    /// Acknowledgements to send now.
    pub(super) fn acks(&mut self) -> Vec<R> {
        std::mem::take(&mut self.acks)
    }

    /// Where everything in hand is to be acknowledged one day: what the server must not deliver again meanwhile.
    pub(super) fn in_hand(&self) -> Vec<R> {
        let waiting = self.waiting.values().map(|(_, reply, _)| reply);
        self.taken.values().filter_map(|taken| taken.reply.as_ref()).chain(waiting).cloned().collect()
    }

    /// Skips what was handed out already.
    fn move_on(&mut self) {
        while let Some(taken) = self.taken.get(&self.next) {
            self.next = taken.through + 1;
        }
    }

    /// Moves the floor over everything that is done without a gap.
    fn advance(&mut self) {
        while let Some(entry) = self.taken.first_entry()
            && entry.get().done
            && *entry.key() <= self.floor + 1
        {
            let (first, taken) = entry.remove_entry();
            if let Some(reply) = taken.reply {
                self.acks.push(reply);
            } else {
                if self.passed.len() >= PASSED_MAX {
                    self.passed.pop_front();
                    // What it was is forgotten, so nothing below is known for certain to be this worker's own doing.
                    self.since = self.since.max(self.floor);
                }
                self.passed.push_back((first, taken.through));
            }
            self.floor = self.floor.max(taken.through);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Log = Window<u64, u64>;

    fn arrive(window: &mut Log, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            window.arrive(sequence, 1, sequence, sequence);
        }
    }

    fn taken(window: &mut Log) -> Vec<u64> {
        std::iter::from_fn(|| window.take().map(|turn| turn.sequence)).collect()
    }

    #[test]
    fn whatever_order_they_come_in_they_are_handed_out_in_theirs() {
        let mut window = Log::above(10);
        arrive(&mut window, [13, 14]);
        assert_eq!((taken(&mut window), window.missing()), (Vec::new(), Some(11)));
        arrive(&mut window, [12]);
        assert!(taken(&mut window).is_empty());
        arrive(&mut window, [11]);
        assert_eq!((taken(&mut window), window.missing()), (vec![11, 12, 13, 14], None));
    }

    #[test]
    fn acknowledged_in_order_and_only_what_is_done_without_a_gap() {
        let mut window = Log::above(0);
        arrive(&mut window, 1..=4);
        assert_eq!(taken(&mut window), [1, 2, 3, 4]);
        window.done(2);
        window.done(3);
        assert_eq!((window.floor(), window.acks()), (0, vec![]));
        window.done(1);
        assert_eq!((window.floor(), window.acks()), (3, vec![1, 2, 3]));
        assert_eq!(window.in_hand(), [4]);
    }

    #[test]
    fn what_is_delivered_again_is_handed_out_once_and_acknowledged_again() {
        let mut window = Log::above(0);
        arrive(&mut window, [1, 2]);
        assert_eq!(taken(&mut window), [1, 2]);
        arrive(&mut window, [1, 2]);
        assert!(taken(&mut window).is_empty());
        window.done(1);
        assert_eq!(window.acks(), [1]);
        arrive(&mut window, [1]);
        assert_eq!((taken(&mut window), window.acks()), (vec![], vec![1]));
    }

    #[test]
    fn what_was_let_go_comes_before_what_was_not_handed_out() {
        let mut window = Log::above(0);
        arrive(&mut window, [1, 2]);
        assert_eq!(taken(&mut window), [1, 2]);
        window.let_go(1);
        arrive(&mut window, [3]);
        assert_eq!((taken(&mut window), window.missing()), (Vec::new(), Some(1)));
        arrive(&mut window, [1]);
        assert_eq!(taken(&mut window), [1, 3]);
        window.done(2);
        assert_eq!(window.floor(), 0, "1 is in hand again");
    }

    #[test]
    fn a_gap_is_passed_over_and_what_comes_of_it_after_all_is_handed_out() {
        let mut window = Log::above(0);
        arrive(&mut window, [1, 5]);
        assert_eq!(taken(&mut window), [1]);
        window.pass(5);
        assert_eq!(taken(&mut window), [5]);
        window.done(5);
        window.done(1);
        assert_eq!((window.floor(), window.acks()), (5, vec![1, 5]));
        // Never lost, only late.
        arrive(&mut window, [3]);
        let late = window.take().unwrap();
        assert_eq!((late.sequence, late.takes_over), (3, true));
        window.done(3);
        assert_eq!((window.floor(), window.acks()), (5, vec![3]));
    }

    #[test]
    fn what_another_worker_did_is_not_waited_for_and_never_taken_for_ones_own() {
        let mut window = Log::above(0);
        arrive(&mut window, [1]);
        assert_eq!(taken(&mut window), [1]);
        window.done(1);
        assert_eq!(window.own_floor(), Some(1));
        window.acks();
        arrive(&mut window, [9]);
        window.reached(8);
        assert_eq!((window.floor(), window.own_floor()), (8, None));
        let next = window.take().unwrap();
        assert_eq!((next.sequence, next.takes_over), (9, true));
        arrive(&mut window, [4]);
        assert_eq!(taken(&mut window), [4], "nobody here knows that 4 is done");
    }

    #[test]
    fn one_takes_over_at_the_beginning_after_a_gap_and_when_it_comes_again() {
        let mut window = Log::above(0);
        arrive(&mut window, [1, 2]);
        let turns: Vec<bool> = std::iter::from_fn(|| window.take()).map(|turn| turn.takes_over).collect();
        assert_eq!(turns, [true, false]);
        window.arrive(3, 2, 3, 3);
        assert!(window.take().unwrap().takes_over);
        arrive(&mut window, [4]);
        assert!(!window.take().unwrap().takes_over);
    }

    #[test]
    fn a_gap_may_lie_around_what_is_in_hand() {
        let mut window = Log::above(0);
        arrive(&mut window, [1, 2, 3]);
        assert_eq!(taken(&mut window), [1, 2, 3]);
        window.let_go(1);
        window.let_go(3);
        arrive(&mut window, [6]);
        window.pass(6);
        assert_eq!(taken(&mut window), [6]);
        window.done(6);
        assert_eq!(window.floor(), 1);
        window.done(2);
        assert_eq!((window.floor(), window.acks()), (6, vec![2, 6]));
        assert!(window.in_hand().is_empty());
    }
}
