//! Gauges: how many there are at a moment, as the sum of few blocks of changes before it.
//!
//! A moment is a slot; what happened before it is all blocks of the highest level before its own, then within its own block those
//! of the next level, and so on: at most 63 blocks a level for each group, however long the history is.

use std::collections::BTreeMap;

use relevo_domain::TenantId;
use relevo_projection::RowSource;
use relevo_projection::row;

use super::figure::Figure;
use super::time::Points;
use super::{Figures, Group, ReadError, Selection, visit};
use crate::definition::Definition;
use crate::keys::{self, LEVEL_BITS, LEVEL_MAX};
use crate::row::GaugeRow;

/// The gauge at the end of each point.
pub(super) fn figures(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    metric: &Definition,
    selection: &Selection<'_>,
    points: &Points,
    room: usize,
) -> Result<Figures, ReadError> {
    let mut at_start: BTreeMap<Group, i64> = BTreeMap::new();
    let mut changes: BTreeMap<Group, BTreeMap<i64, i64>> = BTreeMap::new();
    if !selection.split.any(metric) {
        at_start.insert(Group::whole(), 0);
    }
    let ends = points.ends();
    // Changes inside the span are walked only if it has points inside; else its end is one moment.
    let walk_from = if ends.len() == 1 { points.end_slot() } else { points.first_slot() };
    for level in 0..=LEVEL_MAX {
        let (from, to) = blocks_before(walk_from, level);
        visit(source, &keys::gauges(tenant, metric.number, level, from, to), &mut |key, value| {
            if let Some((_, group, change)) = read(selection, key, value)? {
                *at_start.entry(group).or_default() += change;
                fits(at_start.len(), points, room)?;
            }
            Ok(())
        })?;
    }
    visit(source, &keys::gauges(tenant, metric.number, 0, walk_from, points.end_slot()), &mut |key, value| {
        if let Some((slot, group, change)) = read(selection, key, value)? {
            at_start.entry(group.clone()).or_default();
            fits(at_start.len(), points, room)?;
            *changes.entry(group).or_default().entry(slot).or_default() += change;
        }
        Ok(())
    })?;
    let quiet = BTreeMap::new();
    let levels = at_start.into_iter().map(|(group, start)| {
        let changes = changes.get(&group).unwrap_or(&quiet);
        let figures = levels(start, changes, &ends);
        (group, figures)
    });
    // A group that is nought all the time is no news, unless it is the only one.
    let news = |(group, figures): &(Group, Vec<Figure>)| {
        *group == Group::whole() || figures.iter().any(|figure| *figure != Figure::Gauge(0))
    };
    Ok(levels.filter(news).collect())
}

/// The blocks of a level that lie before a slot and are not part of a block of the level above that does.
const fn blocks_before(slot: i64, level: u8) -> (i64, i64) {
    let end = slot >> (LEVEL_BITS * level as u32);
    if level == LEVEL_MAX {
        return (i64::MIN, end);
    }
    ((end >> LEVEL_BITS) << LEVEL_BITS, end)
}

fn fits(groups: usize, points: &Points, room: usize) -> Result<(), ReadError> {
    if groups.saturating_mul(points.len()) > room { Err(ReadError::TooMany) } else { Ok(()) }
}

fn read(selection: &Selection<'_>, key: &[u8], value: &[u8]) -> Result<Option<(i64, Group, i64)>, ReadError> {
    let (block, whose, label) = keys::read_gauge(key)?;
    if !selection.only.has(&whose) {
        return Ok(None);
    }
    let change: GaugeRow = row::decode("gauge", value)?;
    let group = selection.split.group(&whose, &[label]);
    Ok(Some((block, group, change.sum)))
}

fn levels(start: i64, changes: &BTreeMap<i64, i64>, ends: &[i64]) -> Vec<Figure> {
    let mut changes = changes.iter().peekable();
    let mut level = start;
    let mut levels = Vec::with_capacity(ends.len());
    for end in ends {
        while let Some((_, change)) = changes.next_if(|(slot, _)| *slot < end) {
            level += change;
        }
        levels.push(Figure::Gauge(level));
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_blocks_before_a_slot_hold_every_earlier_slot_once(slot in -1_000_000_000..1_000_000_000i64, earlier: i64) {
            let earlier = earlier.rem_euclid(4_000_000_000) - 2_000_000_000;
            let holds = |level: u8| {
                let (from, to) = blocks_before(slot, level);
                let block = earlier >> (LEVEL_BITS * u32::from(level));
                usize::from(from <= block && block < to)
            };
            let held: usize = (0..=LEVEL_MAX).map(holds).sum();
            prop_assert_eq!(held, usize::from(earlier < slot));
        }

        #[test]
        fn few_blocks_are_read(slot: i64, level in 0..LEVEL_MAX) {
            let (from, to) = blocks_before(slot, level);
            prop_assert!((0..64).contains(&(to - from)));
        }
    }
}
