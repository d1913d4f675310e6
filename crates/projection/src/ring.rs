//! The newest commits of a log in memory, and who still wants which of them. Pure: no log, no tasks, no time.
//!
//! One ring is shared by all views that are near each other, so that each commit is fetched and decoded once. It is bounded: a
//! member that is too far behind is let go, finds that out when it next takes, and follows by itself until it has come near again.

use std::collections::{BTreeMap, VecDeque};

use crate::applier::Item;

/// Commits that a ring holds at most. Four batches: a view may be held up for as long as it takes to write some, and half a
/// second's commits of a node at its limit. At 2 KiB a commit, which is a long message, 8 MiB.
pub(crate) const RING_COMMITS_MAX: usize = 4_096;
/// Commits that stay though everybody has them, for members who come a moment later.
const KEPT_COMMITS: usize = 512;

/// A stretch of the log without a hole.
#[derive(Debug)]
pub(crate) struct Ring {
    items: VecDeque<Item>,
    /// Everything from here on is in the ring, or not read yet.
    base: u64,
    /// What is read next.
    next: u64,
    begun: bool,
    /// By number, what each wants next.
    members: BTreeMap<u64, u64>,
}

/// What a member gets.
#[derive(Debug)]
pub(crate) enum Taken {
    Items(Vec<Item>),
    /// Not read yet.
    Nothing,
    /// It was let go: what it wants is not here any more.
    Behind,
}

/// Whether there was room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    Full,
}

impl Ring {
    /// A ring in which nothing is yet; it will be filled from `next` on.
    pub(crate) const fn new(next: u64) -> Self {
        Self { items: VecDeque::new(), base: next, next, begun: false, members: BTreeMap::new() }
    }

    /// What is to be read next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// It is read from here on.
    pub(crate) const fn begin(&mut self) -> u64 {
        self.begun = true;
        self.next
    }

    /// Whether a member that wants `next` finds it here, now or soon.
    pub(crate) const fn near(&self, next: u64) -> bool {
        self.base <= next && next <= self.next + RING_COMMITS_MAX as u64
    }

    /// Begins earlier, as long as it is not read yet: for a member that is a little behind the first one.
    pub(crate) fn begin_at(&mut self, next: u64) -> bool {
        let little = next < self.next && self.next - next <= RING_COMMITS_MAX as u64;
        let possible = little && !self.begun;
        if possible {
            (self.base, self.next) = (next, next);
        }
        possible
    }

    pub(crate) fn join(&mut self, member: u64, next: u64) {
        self.members.insert(member, next);
    }

    /// Answers whether nobody is left.
    pub(crate) fn leave(&mut self, member: u64) -> bool {
        self.members.remove(&member);
        self.members.is_empty()
    }

    /// The commits that a member wants next, at most so many.
    pub(crate) fn take(&mut self, member: u64, max: usize) -> Taken {
        let Some(wanted) = self.members.get_mut(&member) else { return Taken::Behind };
        let from = self.items.partition_point(|item| item.sequence() < *wanted);
        let taken: Vec<Item> = self.items.range(from..).take(max).cloned().collect();
        match taken.last() {
            None => Taken::Nothing,
            Some(last) => {
                *wanted = last.sequence() + 1;
                self.trim();
                Taken::Items(taken)
            }
        }
    }

    /// How many commits wait for a member. One that was let go has as many as there can be: it is to look now.
    pub(crate) fn waiting(&self, member: u64) -> usize {
        let Some(wanted) = self.members.get(&member) else { return RING_COMMITS_MAX };
        self.items.len() - self.items.partition_point(|item| item.sequence() < *wanted)
    }

    /// Adds what was read, in order, as far as there is room; the rest stays in `items`.
    pub(crate) fn put(&mut self, items: &mut VecDeque<Item>) -> Put {
        let slowest = self.slowest();
        while let Some(item) = items.front() {
            if self.items.len() >= RING_COMMITS_MAX && !self.forget_before(slowest) {
                return Put::Full;
            }
            self.next = item.sequence() + 1;
            self.items.extend(items.pop_front());
        }
        self.trim();
        Put::Done
    }

    /// Lets the members go that want the oldest commit, unless all do. Answers whether there is room now.
    pub(crate) fn let_go(&mut self) -> bool {
        let Some(oldest) = self.items.front().map(Item::sequence) else { return true };
        if self.members.values().all(|wanted| *wanted <= oldest) {
            return false;
        }
        self.members.retain(|_, wanted| *wanted > oldest);
        true
    }

    /// What the slowest member wants next. Without members nothing is forgotten: whom it is read for has yet to join.
    fn slowest(&self) -> u64 {
        self.members.values().copied().min().unwrap_or(0)
    }

    /// Forgets what everybody has, but for a little.
    fn trim(&mut self) {
        let slowest = self.slowest();
        while self.items.len() > KEPT_COMMITS && self.forget_before(slowest) {}
    }

    /// Forgets the oldest commit if it stands before this sequence.
    fn forget_before(&mut self, sequence: u64) -> bool {
        match self.items.front() {
            Some(oldest) if oldest.sequence() < sequence => {
                self.base = oldest.sequence() + 1;
                self.items.pop_front();
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(from: u64, to: u64) -> VecDeque<Item> {
        (from..to).map(|sequence| Item::Undecodable { sequence, reason: "".into() }).collect()
    }

    fn taken(ring: &mut Ring, member: u64) -> Option<(u64, u64)> {
        match ring.take(member, usize::MAX) {
            Taken::Items(items) => Some((items[0].sequence(), items[items.len() - 1].sequence())),
            Taken::Nothing => None,
            Taken::Behind => panic!("let go"),
        }
    }

    const MAX: u64 = RING_COMMITS_MAX as u64;

    #[test]
    fn every_member_gets_everything_once_and_in_order() {
        let mut ring = Ring::new(1);
        ring.join(1, 1);
        ring.join(2, 40);
        assert_eq!(ring.put(&mut items(1, 31)), Put::Done);
        assert_eq!((taken(&mut ring, 1), taken(&mut ring, 2)), (Some((1, 30)), None));
        assert_eq!(ring.put(&mut items(31, 51)), Put::Done);
        assert_eq!((taken(&mut ring, 1), taken(&mut ring, 2)), (Some((31, 50)), Some((40, 50))));
        assert_eq!((taken(&mut ring, 1), taken(&mut ring, 2)), (None, None));
    }

    #[test]
    fn it_is_full_until_the_slowest_has_taken_and_holds_no_more_than_it_may() {
        let mut ring = Ring::new(1);
        ring.join(1, 1);
        ring.join(2, 1);
        let mut read = items(1, MAX + 101);
        assert_eq!((ring.put(&mut read), read.len()), (Put::Full, 100));
        assert_eq!(taken(&mut ring, 1), Some((1, MAX)));
        assert_eq!(ring.put(&mut read), Put::Full, "the other one has not");
        assert!(matches!(ring.take(2, 60), Taken::Items(_)));
        assert_eq!((ring.put(&mut read), read.len(), ring.items.len()), (Put::Full, 40, RING_COMMITS_MAX));
        assert!(matches!(ring.take(2, 60), Taken::Items(_)));
        assert_eq!((ring.put(&mut read), read.len()), (Put::Done, 0));
        assert_eq!(taken(&mut ring, 1), Some((MAX + 1, MAX + 100)));
    }

    #[test]
    fn who_holds_the_others_up_is_let_go_and_knows_it() {
        let mut ring = Ring::new(1);
        ring.join(1, 1);
        ring.join(2, 1);
        let mut read = items(1, MAX + 2);
        assert_eq!(ring.put(&mut read), Put::Full);
        assert!(!ring.let_go(), "all want it");
        assert_eq!(taken(&mut ring, 1), Some((1, MAX)));
        assert!(ring.let_go());
        assert_eq!(ring.put(&mut read), Put::Done);
        assert!(matches!(ring.take(2, 1), Taken::Behind));
        assert!(!ring.near(1) && ring.near(MAX));
    }

    #[test]
    fn little_is_kept_of_what_everybody_has() {
        let mut ring = Ring::new(1);
        ring.join(1, 1);
        for from in (1..100_000).step_by(100) {
            assert_eq!(ring.put(&mut items(from, from + 100)), Put::Done);
            taken(&mut ring, 1);
        }
        assert!(ring.items.len() <= KEPT_COMMITS);
    }

    #[test]
    fn what_is_read_before_the_first_member_has_joined_is_kept_for_it() {
        let mut ring = Ring::new(1);
        let most = 2 * KEPT_COMMITS as u64;
        assert_eq!(ring.put(&mut items(1, most)), Put::Done);
        ring.join(1, 1);
        assert_eq!(taken(&mut ring, 1), Some((1, most - 1)));
    }

    #[test]
    fn it_begins_a_little_earlier_for_who_is_a_little_behind() {
        let mut ring = Ring::new(10_000);
        assert!(ring.begin_at(9_990) && !ring.begin_at(1) && !ring.begin_at(9_995));
        ring.join(1, 9_990);
        assert_eq!(ring.begin(), 9_990);
        assert!(!ring.begin_at(9_980), "it is read already");
        assert_eq!(ring.put(&mut items(9_990, 9_999)), Put::Done);
        assert!(ring.near(9_991) && ring.near(10_000) && !ring.near(9_989) && !ring.near(20_000));
    }
}
