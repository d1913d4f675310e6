//! Snoozed conversations by the time at which they wake, counted by holder, channel and team: what counters need of those that
//! are due, without a look at each.
//!
//! Of every cell a line of entries, ascending by time, cut into blocks that know their own sums. Copies share blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Access;
use super::table::{NEVER, NOBODY, Values};

/// Entries of a block: few enough that copying one is cheap, enough that blocks are few.
const BLOCK_MAX: usize = 256;

/// Snoozed ones that are due, and what counts of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct DueCounts {
    pub(crate) due: u64,
    pub(crate) unread: u64,
    pub(crate) paused: u64,
    pub(crate) problems: u64,
}

/// Everything that is snoozed until a time, of one tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snoozed {
    /// Everybody's.
    all: Arc<Cells>,
    /// By agent, and [`NOBODY`]'s.
    holders: Arc<BTreeMap<u32, Arc<Cells>>>,
}

/// By channel and team.
type Cells = BTreeMap<(u32, u32), Line>;

/// Entries, ascending; no block is empty.
#[derive(Clone, Debug, Default)]
struct Line(Vec<Arc<Block>>);

#[derive(Clone, Debug, Default)]
struct Block {
    entries: Vec<Entry>,
    /// Of the unread ones, of the paused ones and of those with a problem, how many there are up to and with each entry.
    sums: Vec<(u16, u16, u16)>,
}

/// Ordered by time, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    until: i64,
    ordinal: u32,
    unread: bool,
    paused: bool,
    problem: bool,
}

impl DueCounts {
    fn and(self, other: Self) -> Self {
        Self {
            due: self.due + other.due,
            unread: self.unread + other.unread,
            paused: self.paused + other.paused,
            problems: self.problems + other.problems,
        }
    }
}

// === impl Snoozed: for the companion ===

impl Snoozed {
    /// Follows a conversation from what it was to what it is.
    pub(crate) fn moved(&mut self, ordinal: u32, before: Option<&Values>, after: &Values) {
        let place = |values: &Values| {
            let Values { snoozed_until: until, unread, paused, problem, .. } = *values;
            let entry = Entry { until, ordinal, unread, paused, problem };
            (until != NEVER).then_some((values.agent, (values.channel, values.team), entry))
        };
        let (old, new) = (before.and_then(place), place(after));
        if old == new {
            return;
        }
        if let Some((agent, cell, entry)) = old {
            remove(Arc::make_mut(&mut self.all), cell, &entry);
            let holders = Arc::make_mut(&mut self.holders);
            if let Some(cells) = holders.get_mut(&agent) {
                remove(Arc::make_mut(cells), cell, &entry);
                if cells.is_empty() {
                    holders.remove(&agent);
                }
            }
        }
        if let Some((agent, cell, entry)) = new {
            Arc::make_mut(&mut self.all).entry(cell).or_default().insert(entry);
            let cells = Arc::make_mut(&mut self.holders).entry(agent).or_default();
            Arc::make_mut(cells).entry(cell).or_default().insert(entry);
        }
    }
}

fn remove(cells: &mut Cells, cell: (u32, u32), entry: &Entry) {
    if let Some(line) = cells.get_mut(&cell) {
        line.remove(entry);
        if line.0.is_empty() {
            cells.remove(&cell);
        }
    }
}

impl Line {
    /// The first block that ends at this entry or behind it; the last one if none does.
    fn block_of(&self, entry: &Entry) -> usize {
        let place = self.0.partition_point(|block| block.entries.last().is_some_and(|last| last < entry));
        place.min(self.0.len().saturating_sub(1))
    }

    fn insert(&mut self, entry: Entry) {
        let place = self.block_of(&entry);
        if self.0.is_empty() {
            self.0.push(Arc::default());
        }
        let block = Arc::make_mut(&mut self.0[place]);
        let at = block.entries.partition_point(|found| *found < entry);
        block.entries.insert(at, entry);
        let behind = (block.entries.len() > BLOCK_MAX).then(|| Block::of(block.entries.split_off(BLOCK_MAX / 2)));
        *block = Block::of(std::mem::take(&mut block.entries));
        if let Some(behind) = behind {
            self.0.insert(place + 1, Arc::new(behind));
        }
    }

    fn remove(&mut self, entry: &Entry) {
        let place = self.block_of(entry);
        let Some(block) = self.0.get_mut(place) else { return };
        let Ok(at) = block.entries.binary_search(entry) else { return };
        let block = Arc::make_mut(block);
        block.entries.remove(at);
        *block = Block::of(std::mem::take(&mut block.entries));
        if block.entries.is_empty() {
            self.0.remove(place);
        }
    }

    fn due(&self, now: i64) -> DueCounts {
        let whole = self.0.partition_point(|block| block.entries.last().is_some_and(|last| last.until <= now));
        let (due, rest) = self.0.split_at(whole);
        let due = due.iter().fold(DueCounts::default(), |sum, block| sum.and(block.first(block.entries.len())));
        let begun = rest.first().map(|block| block.first(block.entries.partition_point(|entry| entry.until <= now)));
        due.and(begun.unwrap_or_default())
    }

    fn next(&self, now: i64) -> Option<i64> {
        let place = self.0.partition_point(|block| block.entries.last().is_some_and(|last| last.until <= now));
        let entries = &self.0.get(place)?.entries;
        entries.get(entries.partition_point(|entry| entry.until <= now)).map(|entry| entry.until)
    }
}

impl Block {
    fn of(entries: Vec<Entry>) -> Self {
        let mut sum = (0, 0, 0);
        let sums = entries.iter().map(|entry| {
            // A block has few entries.
            sum.0 += u16::from(entry.unread);
            sum.1 += u16::from(entry.paused);
            sum.2 += u16::from(entry.problem);
            sum
        });
        let sums = sums.collect();
        Self { entries, sums }
    }

    /// Of the first so many.
    fn first(&self, count: usize) -> DueCounts {
        let sums = count.checked_sub(1).and_then(|last| self.sums.get(last)).copied();
        let (unread, paused, problems) = sums.unwrap_or_default();
        DueCounts { due: count as u64, unread: unread.into(), paused: paused.into(), problems: problems.into() }
    }
}

// === impl Snoozed: for readers ===

impl Snoozed {
    /// What is due at `now`, of all that the caller may see.
    pub(crate) fn due_of_all(&self, access: &Access, me: Option<u32>, now: i64) -> DueCounts {
        let granted = due(Some(&*self.all), now, |channel, team| access.grants(channel, team));
        // Their own where nothing is granted to them is theirs to see, too.
        let own = me.and_then(|me| self.holders.get(&me)).map(Arc::as_ref);
        granted.and(due(own, now, |channel, team| !access.grants(channel, team)))
    }

    /// What is due at `now`, of all that nobody holds and the caller may see.
    pub(crate) fn due_of_nobody(&self, access: &Access, now: i64) -> DueCounts {
        let nobody = self.holders.get(&NOBODY).map(Arc::as_ref);
        due(nobody, now, |channel, team| access.grants(channel, team))
    }

    /// What is due at `now`, of what this agent holds.
    pub(crate) fn due_of_agent(&self, agent: u32, now: i64) -> DueCounts {
        due(self.holders.get(&agent).map(Arc::as_ref), now, |_, _| true)
    }

    /// Every entry of everybody (`None`) and of each holder, with its channel and team. For the laws alone: may be slow.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Option<u32>, (u32, u32), String)> {
        let holders = self.holders.iter().map(|(holder, cells)| (Some(*holder), cells));
        std::iter::once((None, &self.all)).chain(holders).flat_map(|(holder, cells)| {
            let told = |line: &Line| {
                let entries: Vec<_> = line.0.iter().flat_map(|block| &block.entries).collect();
                format!("{entries:?} {:?}", line.due(NEVER))
            };
            cells.iter().map(move |(cell, line)| (holder, *cell, told(line)))
        })
    }

    /// The first time after `now` at which a snooze ends.
    pub(crate) fn next_due(&self, now: i64) -> Option<i64> {
        self.all.values().filter_map(|line| line.next(now)).min()
    }
}

fn due(cells: Option<&Cells>, now: i64, take: impl Fn(u32, u32) -> bool) -> DueCounts {
    let taken = cells.into_iter().flatten().filter(|((channel, team), _)| take(*channel, *team));
    taken.fold(DueCounts::default(), |sum, (_, line)| sum.and(line.due(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sum: DueCounts, entry: &Entry) -> DueCounts {
        let (unread, paused) = (u64::from(entry.unread), u64::from(entry.paused));
        sum.and(DueCounts { due: 1, unread, paused, problems: u64::from(entry.problem) })
    }

    /// Times that repeat, in no order; enough for several blocks of one line.
    #[test]
    fn a_line_equals_a_plain_list_while_entries_come_and_go() {
        let mut line = Line::default();
        let mut plain: Vec<Entry> = Vec::new();
        for step in 0u32..4_000 {
            let scattered = step.wrapping_mul(2_654_435_761) >> 7;
            if step % 3 == 2 || (step > 3_000 && !plain.is_empty()) {
                let gone = plain.swap_remove(scattered as usize % plain.len());
                line.remove(&gone);
            } else {
                let (unread, paused) = (scattered.is_multiple_of(3), scattered.is_multiple_of(5));
                let problem = scattered.is_multiple_of(7);
                let entry = Entry { until: i64::from(scattered % 500), ordinal: step, unread, paused, problem };
                plain.push(entry);
                line.insert(entry);
            }
            let now = i64::from(step % 520) - 10;
            let due = plain.iter().filter(|entry| entry.until <= now).fold(DueCounts::default(), counted);
            assert_eq!(line.due(now), due, "step {step}");
            let next = plain.iter().map(|entry| entry.until).filter(|until| *until > now).min();
            assert_eq!(line.next(now), next, "step {step}");
            assert!(line.0.iter().all(|block| !block.entries.is_empty() && block.entries.len() <= BLOCK_MAX));
        }
    }
}
