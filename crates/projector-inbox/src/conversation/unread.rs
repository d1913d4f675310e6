//! Which messages of the customer nobody has read: those whose version is later than the last read mark, and than the last
//! message of the business, which whoever wrote it read first.
//!
//! By version, not by time: a mark says what was on the screen, and what comes late was not. Kept as runs of versions, of which
//! a flood of messages is a few.

use crate::row::{ConversationRow, RunRow};

/// Runs kept: bursts of messages with other events between them. Beyond, the two neighbours with the fewest messages are joined;
/// a mark in the middle of joined ones leaves no more than the versions behind it, and never less than what is unread.
const RUNS_MAX: usize = 256;

/// The customer wrote; versions only grow.
pub(crate) fn wrote(row: &mut ConversationRow, version: u64) {
    if version <= row.read_through {
        return;
    }
    match row.unread_runs.last_mut().filter(|run| run.is_exact() && run.last + 1 == version) {
        Some(run) => {
            run.last = version;
            run.count += 1;
        }
        None => row.unread_runs.push(RunRow { first: version, last: version, count: 1 }),
    }
    if row.unread_runs.len() > RUNS_MAX {
        join_smallest(&mut row.unread_runs);
    }
}

/// Staff has read everything up to this version.
pub(crate) fn read(row: &mut ConversationRow, through: u64) {
    row.read_through = row.read_through.max(through);
    let through = row.read_through;
    row.unread_runs.retain(|run| run.last > through);
    if let Some(run) = row.unread_runs.first_mut().filter(|run| run.first <= through) {
        run.first = through + 1;
        run.count = run.count.min(run.last - through);
    }
}

pub(crate) fn count(runs: &[RunRow]) -> u64 {
    runs.iter().map(|run| run.count).sum()
}

impl RunRow {
    /// Whether every version in it is an unread message.
    const fn is_exact(&self) -> bool {
        self.last - self.first + 1 == self.count
    }
}

fn join_smallest(runs: &mut Vec<RunRow>) {
    let pairs = runs.windows(2).enumerate();
    let smallest = pairs.min_by_key(|(_, pair)| pair.iter().map(|run| run.count).sum::<u64>());
    if let Some((place, _)) = smallest {
        let later = runs.remove(place + 1);
        if let Some(earlier) = runs.get_mut(place) {
            earlier.last = later.last;
            earlier.count += later.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_exact_while_there_are_few_bursts_and_never_too_low(
            steps in prop::collection::vec((0..40u8, any::<prop::sample::Index>()), 1..1_200),
        ) {
            let mut row = ConversationRow::default();
            let mut all: Vec<u64> = Vec::new();
            let mut joined = false;
            for (version, (what, index)) in (1..).zip(steps) {
                match what {
                    // Every other version is something else than a message.
                    0..30 if version % 2 == 0 => {
                        wrote(&mut row, version);
                        all.push(version);
                    }
                    39 => {
                        let through = index.index(version as usize) as u64;
                        read(&mut row, through);
                        all.retain(|unread| *unread > through);
                    }
                    _ => {}
                }
                joined |= row.unread_runs.iter().any(|run| !run.is_exact());
                prop_assert!(count(&row.unread_runs) >= all.len() as u64);
                prop_assert!(joined || count(&row.unread_runs) == all.len() as u64);
                prop_assert_eq!(row.unread_runs.is_empty(), all.is_empty());
                prop_assert!(row.unread_runs.len() <= RUNS_MAX);
            }
        }
    }

    #[test]
    fn a_flood_is_one_run_and_a_mark_in_its_middle_is_exact() {
        let mut row = ConversationRow::default();
        (1..=10_000).for_each(|version| wrote(&mut row, version));
        assert_eq!((row.unread_runs.len(), count(&row.unread_runs)), (1, 10_000));
        read(&mut row, 4_000);
        assert_eq!(count(&row.unread_runs), 6_000);
        read(&mut row, 10);
        assert_eq!(count(&row.unread_runs), 6_000, "reading never takes back");
        read(&mut row, u64::MAX);
        assert_eq!(count(&row.unread_runs), 0);
    }
}
