//! A tenant's conversations in one order, so that a page begins at its place and finds its next few without looking at the rest.
//!
//! An order is cut into blocks of numbers, and these stand in groups that know their members' bits: a group without a match is
//! passed over at once, and "all up to a time" is the bits of whole groups and part of one. Copies share blocks and groups.

use std::cmp::Ordering;
use std::sync::Arc;

use super::bits::{self, Bits};
use super::table::{NEVER, Row, Table};

/// Conversations of a block: 4 KiB, which is what a change copies.
const BLOCK_MAX: usize = 1_024;
/// Blocks of a group: enough that groups are few, few enough that going through one costs little.
const GROUP_MAX: usize = 64;
/// How full blocks and groups are made at once, in conversations and blocks: with room for those that come later.
const BLOCK_FILL: usize = 768;
const GROUP_FILL: usize = 44;

/// What conversations are ordered by. Of equals the lower id comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// All of them, the latest message first.
    Activity,
    /// Those for whom somebody waits, the longest first; then by activity.
    Waiting,
    /// Those that are snoozed until a time, the next first.
    Snoozed,
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    by: By,
    groups: Vec<Arc<Group>>,
    length: u64,
}

/// Blocks that follow each other; at least one.
#[derive(Clone, Debug, Default)]
struct Group {
    blocks: Vec<Block>,
    members: Bits,
}

/// Conversations that follow each other; at least one.
#[derive(Clone, Debug)]
struct Block {
    /// Key of the first one: looking for a block waits for memory less often.
    first: Key,
    ordinals: Arc<Vec<u32>>,
}

/// What an order compares first: rank and recency.
pub(crate) type Key = (i64, i64);

/// A place in an order, whether something stands there or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) key: Key,
    pub(crate) id: [u8; 16],
}

impl Target {
    /// Behind everything with this rank.
    const fn behind(rank: i64) -> Self {
        Self { key: (rank, i64::MAX), id: [u8::MAX; 16] }
    }
}

impl By {
    /// `None`: it has no place in this order.
    pub(crate) fn key(self, row: &Row) -> Option<Key> {
        let recency = !row.last_activity;
        let of = |time| (time != NEVER).then_some(time);
        match self {
            Self::Activity => Some((0, recency)),
            Self::Waiting => of(row.waiting_since).map(|time| (time, recency)),
            Self::Snoozed => of(row.snoozed_until).map(|time| (time, 0)),
        }
    }

    fn target(self, row: &Row) -> Option<Target> {
        self.key(row).map(|key| Target { key, id: row.id })
    }

    fn compare(self, table: &Table, ordinal: u32, target: &Target) -> Ordering {
        let row = table.row(ordinal);
        let found = row.and_then(|row| self.key(row)).unwrap_or((NEVER, NEVER));
        found.cmp(&target.key).then_with(|| row.map(|row| row.id).cmp(&Some(target.id)))
    }
}

// === impl Order: for the companion ===

impl Order {
    pub(crate) const fn new(by: By) -> Self {
        Self { by, groups: Vec::new(), length: 0 }
    }

    /// The order of everything that is in the table.
    pub(crate) fn of(by: By, table: &Table) -> Self {
        let entry = |ordinal| {
            let row = table.row(ordinal)?;
            by.key(row).map(|key| (key, row.id, ordinal))
        };
        let mut entries: Vec<_> = (0..table.len()).filter_map(entry).collect();
        entries.sort_unstable();
        let group = |entries: &[(Key, [u8; 16], u32)]| {
            let block = |entries: &[(Key, [u8; 16], u32)]| Block {
                first: entries.first().map_or((0, 0), |(key, ..)| *key),
                ordinals: Arc::new(entries.iter().map(|(.., ordinal)| *ordinal).collect()),
            };
            Arc::new(Group::of(entries.chunks(BLOCK_FILL).map(block).collect()))
        };
        let groups = entries.chunks(BLOCK_FILL * GROUP_FILL).map(group).collect();
        Self { by, groups, length: entries.len() as u64 }
    }

    /// Takes a conversation out; the table still has it as it was when it was put in.
    pub(crate) fn remove(&mut self, table: &Table, ordinal: u32) {
        let Some(target) = table.row(ordinal).and_then(|row| self.by.target(row)) else { return };
        let Some((group, block)) = self.block_of(table, &target) else { return };
        let by = self.by;
        let inside = Arc::make_mut(&mut self.groups[group]);
        let found = &mut inside.blocks[block];
        let at = found.ordinals.partition_point(|other| by.compare(table, *other, &target).is_lt());
        if found.ordinals.get(at) != Some(&ordinal) {
            return;
        }
        Arc::make_mut(&mut found.ordinals).remove(at);
        self.length -= 1;
        inside.members.set(ordinal, false);
        if found.ordinals.is_empty() {
            inside.blocks.remove(block);
        } else {
            found.first = by.first(table, &found.ordinals);
            inside.join(block);
        }
        if inside.blocks.is_empty() {
            self.groups.remove(group);
        } else {
            self.join(group);
        }
    }

    /// Puts a conversation in that is not here; the table has it already.
    pub(crate) fn insert(&mut self, table: &Table, ordinal: u32) {
        let by = self.by;
        let Some(target) = table.row(ordinal).and_then(|row| by.target(row)) else { return };
        self.length += 1;
        let Some((group, block)) = self.block_of(table, &target) else {
            let block = Block { first: target.key, ordinals: Arc::new(vec![ordinal]) };
            self.groups.push(Arc::new(Group::of(vec![block])));
            return;
        };
        let inside = Arc::make_mut(&mut self.groups[group]);
        let found = &mut inside.blocks[block];
        let at = found.ordinals.partition_point(|other| by.compare(table, *other, &target).is_lt());
        let ordinals = Arc::make_mut(&mut found.ordinals);
        ordinals.insert(at, ordinal);
        inside.members.set(ordinal, true);
        if at == 0 {
            found.first = target.key;
        }
        if ordinals.len() > BLOCK_MAX {
            let behind = ordinals.split_off(BLOCK_MAX / 2);
            let behind = Block { first: by.first(table, &behind), ordinals: Arc::new(behind) };
            inside.blocks.insert(block + 1, behind);
        }
        if inside.blocks.len() > GROUP_MAX {
            let behind = Group::of(inside.blocks.split_off(GROUP_MAX / 2));
            behind.ordinals().for_each(|ordinal| inside.members.set(ordinal, false));
            self.groups.insert(group + 1, Arc::new(behind));
        }
    }

    /// The block where the target stands or would stand; `None` if there is no block.
    fn block_of(&self, table: &Table, target: &Target) -> Option<(usize, usize)> {
        let begins = |block: &Block| {
            let first = block.ordinals.first();
            block.first.cmp(&target.key).then_with(|| match first {
                Some(first) => self.by.compare(table, *first, target),
                None => Ordering::Less,
            })
        };
        let group =
            self.groups.partition_point(|group| group.blocks.first().is_some_and(|block| begins(block).is_le()));
        let group = group.saturating_sub(1);
        let blocks = &self.groups.get(group)?.blocks;
        let block = blocks.partition_point(|block| begins(block).is_le()).saturating_sub(1);
        Some((group, block))
    }

    /// Two groups of which little is left become one, so that an order does not become a line of crumbs.
    fn join(&mut self, group: usize) {
        let first = group.saturating_sub(1);
        let Some([one, other]) = self.groups.get(first..first + 2) else { return };
        if one.blocks.len() + other.blocks.len() <= GROUP_MAX / 2 {
            let other = self.groups.remove(first + 1);
            let one = Arc::make_mut(&mut self.groups[first]);
            one.members.extend(other.ordinals());
            one.blocks.extend(other.blocks.iter().cloned());
        }
    }
}

impl Group {
    fn of(blocks: Vec<Block>) -> Self {
        let mut group = Self { blocks, members: Bits::default() };
        let mut members = Bits::default();
        members.extend(group.ordinals());
        group.members = members;
        group
    }

    fn ordinals(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().flat_map(|block| block.ordinals.iter().copied())
    }

    /// The same for blocks: this one and the one before it.
    fn join(&mut self, block: usize) {
        let first = block.saturating_sub(1);
        let Some([one, other]) = self.blocks.get(first..first + 2) else { return };
        if one.ordinals.len() + other.ordinals.len() <= BLOCK_MAX / 2 {
            let other = self.blocks.remove(first + 1);
            Arc::make_mut(&mut self.blocks[first].ordinals).extend_from_slice(&other.ordinals);
        }
    }
}

impl By {
    fn first(self, table: &Table, ordinals: &[u32]) -> Key {
        let row = ordinals.first().and_then(|first| table.row(*first));
        row.and_then(|row| self.key(row)).unwrap_or((NEVER, NEVER))
    }
}

// === impl Order: for readers ===

impl Order {
    pub(crate) const fn by(&self) -> By {
        self.by
    }

    /// How many have a place in it.
    pub(crate) const fn len(&self) -> u64 {
        self.length
    }

    /// Shows the matches behind a place, in order, until `visit` says that it is enough. Answers how many conversations it
    /// looked at.
    pub(crate) fn follow(
        &self,
        table: &Table,
        after: Option<&Target>,
        mask: &[u64],
        mut visit: impl FnMut(u32) -> bool,
    ) -> u64 {
        let (mut group, mut block, mut at) = after.map_or((0, 0, 0), |after| self.behind(table, after));
        let mut looked = 0;
        while let Some(inside) = self.groups.get(group) {
            // Mostly the first few words say that there is one.
            if inside.members.meets(mask) {
                for found in &inside.blocks[block..] {
                    let rest = &found.ordinals[at..];
                    for (passed, ordinal) in (1..).zip(rest) {
                        if bits::holds(mask, *ordinal) && !visit(*ordinal) {
                            return looked + passed;
                        }
                    }
                    looked += rest.len() as u64;
                    at = 0;
                }
            }
            (group, block, at) = (group + 1, 0, 0);
        }
        looked
    }

    /// Where the first one behind a place stands: group, block, and place in that; the end of a block may stand for the
    /// beginning of the next one.
    fn behind(&self, table: &Table, target: &Target) -> (usize, usize, usize) {
        let Some((group, block)) = self.block_of(table, target) else { return (0, 0, 0) };
        let ordinals = &self.groups[group].blocks[block].ordinals;
        let at = ordinals.partition_point(|other| self.by.compare(table, *other, target).is_le());
        (group, block, at)
    }

    /// Those whose rank is not above this, as bits of a whole tenant.
    pub(crate) fn until(&self, table: &Table, rank: i64) -> Vec<u64> {
        let mut mask = vec![0; bits::words_of(table.len())];
        let (group, block, at) = self.behind(table, &Target::behind(rank));
        for whole in self.groups.iter().take(group) {
            whole.members.add_to_all(&mut mask);
        }
        let Some(part) = self.groups.get(group) else { return mask };
        let put = |mask: &mut Vec<u64>, ordinal: u32, member: bool| {
            let (word, bit) = (&mut mask[ordinal as usize / 64], 1u64 << (ordinal % 64));
            if member { *word |= bit } else { *word &= !bit }
        };
        let (before, rest) = part.blocks.split_at(block);
        if block < part.blocks.len() / 2 {
            before.iter().flat_map(|block| block.ordinals.iter()).for_each(|ordinal| put(&mut mask, *ordinal, true));
            let begun = rest.iter().take(1).flat_map(|block| block.ordinals.iter().take(at));
            begun.for_each(|ordinal| put(&mut mask, *ordinal, true));
        } else {
            // Less is left than is taken: what is left goes again.
            part.members.add_to_all(&mut mask);
            let left = rest.iter().flat_map(|block| block.ordinals.iter()).skip(at);
            left.for_each(|ordinal| put(&mut mask, *ordinal, false));
        }
        mask
    }

    /// The first rank above this.
    pub(crate) fn next_rank(&self, table: &Table, rank: i64) -> Option<i64> {
        let (group, block, at) = self.behind(table, &Target::behind(rank));
        let rest = self.groups.get(group..)?.iter().flat_map(|group| group.blocks.iter());
        let mut rest = rest.skip(block).flat_map(|block| block.ordinals.iter()).skip(at);
        rest.next().and_then(|ordinal| table.row(*ordinal)).and_then(|row| self.by.key(row)).map(|(rank, _)| rank)
    }

    /// For tests and the laws: everything, in order.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = u32> {
        self.groups.iter().flat_map(|group| group.ordinals())
    }

    /// Whether nothing was copied.
    #[cfg(test)]
    pub(crate) fn shares_all(&self, other: &Self) -> bool {
        self.groups.len() == other.groups.len()
            && self.groups.iter().zip(&other.groups).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relevo_domain::conversation::{Medium, Priority};

    use super::super::table::{NO_NEXT, NOBODY, Values};
    use super::*;
    use crate::reader::Status;

    fn values(ordinal: u32, time: i64) -> Values {
        Values {
            id: (u128::from(ordinal) << 64 | u128::from(ordinal.wrapping_mul(2_654_435_761))).to_be_bytes(),
            contact: ordinal,
            last_activity: time,
            waiting_since: if time % 3 == 0 { NEVER } else { time % 7 },
            snoozed_until: NEVER,
            status: Status::Open,
            paused: false,
            unread: false,
            problem: false,
            medium: Medium::Sms,
            priority: Priority::None,
            channel: NO_NEXT,
            agent: NOBODY,
            team: NOBODY,
            tags: Vec::new(),
        }
    }

    /// Enough that groups split, and so much less afterwards that they are joined.
    const MANY: u32 = 150_000;

    fn check(order: &Order, table: &Table) {
        let sorted = Order::of(order.by, table);
        assert!(order.ordinals().eq(sorted.ordinals()));
        assert_eq!(order.len(), sorted.len());
        assert_eq!(order.len(), order.ordinals().count() as u64);
        for group in &order.groups {
            let mut mask = vec![0; bits::words_of(table.len())];
            group.members.add_to_all(&mut mask);
            let mut members: Vec<u32> = group.ordinals().collect();
            members.sort_unstable();
            assert!(bits::members(&mask).eq(members), "a group knows its members");
            assert!(!group.blocks.is_empty() && group.blocks.len() <= GROUP_MAX);
            for block in &group.blocks {
                assert!(!block.ordinals.is_empty() && block.ordinals.len() <= BLOCK_MAX);
                assert_eq!(block.first, order.by.first(table, &block.ordinals));
            }
        }
    }

    #[test]
    fn an_order_that_grows_and_shrinks_stays_the_sorted_table() {
        let (mut table, mut order) = (Table::default(), Order::new(By::Waiting));
        let time = |ordinal: u32| i64::from(ordinal.wrapping_mul(2_654_435_761) >> 8);
        for ordinal in 0..MANY {
            table.set(ordinal, &values(ordinal, time(ordinal)));
            order.insert(&table, ordinal);
        }
        check(&order, &table);
        let grown = order.groups.len();
        assert!(grown > 1, "groups have split");
        for ordinal in (0..MANY).filter(|ordinal| ordinal % 50 != 0) {
            order.remove(&table, ordinal);
            table.set(ordinal, &Values { waiting_since: NEVER, ..values(ordinal, time(ordinal)) });
        }
        check(&order, &table);
        let blocks: usize = order.groups.iter().map(|group| group.blocks.len()).sum();
        assert!(order.groups.len() == 1 && blocks <= 16, "what is left is joined: {blocks} blocks");
    }

    proptest! {
        #[test]
        fn whatever_moves_the_order_is_the_sorted_table(
            moves in proptest::collection::vec((0u32..3_000, 0i64..400), 1..4_000),
            ask in (0u32..3_000, 0i64..8),
        ) {
            let mut table = Table::default();
            let mut orders = [By::Activity, By::Waiting].map(Order::new);
            for (ordinal, time) in moves {
                for order in &mut orders {
                    order.remove(&table, ordinal);
                }
                table.set(ordinal, &values(ordinal, time));
                for order in &mut orders {
                    order.insert(&table, ordinal);
                }
            }
            let (after, rank) = ask;
            for order in &orders {
                check(order, &table);
                let sorted: Vec<u32> = order.ordinals().collect();
                let key = |ordinal: u32| order.by.key(table.row(ordinal).unwrap()).unwrap();
                let until: Vec<u32> = sorted.iter().copied().filter(|ordinal| key(*ordinal).0 <= rank).collect();
                let mask = order.until(&table, rank);
                let mut expected = until.clone();
                expected.sort_unstable();
                prop_assert!(bits::members(&mask).eq(expected));
                let next = sorted.get(until.len()).map(|ordinal| key(*ordinal).0);
                prop_assert_eq!(order.next_rank(&table, rank), next);
                let row = table.row(after).and_then(|row| order.by.target(row));
                let mut followed = Vec::new();
                let every_other: Vec<u64> = mask.iter().map(|_| 0x5555_5555_5555_5555).collect();
                order.follow(&table, row.as_ref(), &every_other, |ordinal| {
                    followed.push(ordinal);
                    followed.len() < 40
                });
                let from = row.map_or(0, |_| sorted.iter().position(|ordinal| *ordinal == after).unwrap() + 1);
                let wanted = sorted[from..].iter().copied().filter(|ordinal| ordinal.is_multiple_of(2)).take(40);
                prop_assert!(followed.into_iter().eq(wanted));
            }
        }
    }
}
