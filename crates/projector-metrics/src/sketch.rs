//! A distribution of durations in milliseconds that can be merged, and from which a value can be taken out again: a histogram
//! with buckets of a fixed relative width.
//!
//! Below 32 ms every value has its own bucket; above, each doubling is divided into 32 equal ones. A quantile is answered with
//! the middle of its bucket, so its relative error is at most 1/64 (1.6 %): [`RELATIVE_ERROR`]. Integers only: the same on every
//! machine. At most 1,920 buckets, only those in use are stored. Taking out what was recorded leaves exactly what would be there
//! if it had never been recorded; therefore no least and no greatest value is kept.

use crate::row::SketchRow;

/// Buckets of each doubling.
const STEPS: u64 = 32;
const STEPS_BITS: u32 = STEPS.trailing_zeros();

/// A quantile is at most its exact value divided by this away from it.
pub const RELATIVE_ERROR_DIVISOR: u64 = 64;

pub(crate) fn record(sketch: &mut SketchRow, value: u64) {
    add(sketch, bucket_of(value), 1);
}

/// Takes a recorded value out. False if there is none: then nothing is changed.
pub(crate) fn remove(sketch: &mut SketchRow, value: u64) -> bool {
    let Ok(index) = sketch.buckets.binary_search(&bucket_of(value)) else { return false };
    match sketch.counts[index] {
        0 | 1 => {
            sketch.buckets.remove(index);
            sketch.counts.remove(index);
        }
        many => sketch.counts[index] = many - 1,
    }
    true
}

pub(crate) fn merge(into: &mut SketchRow, other: &SketchRow) {
    for (bucket, count) in other.buckets.iter().zip(&other.counts) {
        add(into, *bucket, *count);
    }
}

/// The least value that `permille` of all do not exceed; `None` if nothing was measured.
pub(crate) fn quantile(sketch: &SketchRow, permille: u64) -> Option<u64> {
    let n: u64 = sketch.counts.iter().sum();
    let rank = n.saturating_mul(permille).div_ceil(1000).max(1);
    let mut seen = 0;
    for (bucket, count) in sketch.buckets.iter().zip(&sketch.counts) {
        seen += count;
        if seen >= rank {
            return Some(middle_of(*bucket));
        }
    }
    None
}

fn add(sketch: &mut SketchRow, bucket: u32, count: u64) {
    match sketch.buckets.binary_search(&bucket) {
        Ok(index) => sketch.counts[index] += count,
        Err(index) => {
            sketch.buckets.insert(index, bucket);
            sketch.counts.insert(index, count);
        }
    }
}

const fn bucket_of(value: u64) -> u32 {
    if value < STEPS {
        return value as u32;
    }
    let shift = value.ilog2() - STEPS_BITS;
    (shift + 1) * STEPS as u32 + ((value >> shift) % STEPS) as u32
}

fn middle_of(bucket: u32) -> u64 {
    let (doubling, step) = (u64::from(bucket) / STEPS, u64::from(bucket) % STEPS);
    match doubling.checked_sub(1) {
        None => step,
        Some(shift) => {
            let lowest = (STEPS + step) << shift;
            let width = 1u64 << shift;
            lowest.saturating_add(width / 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch_of(values: &[u64]) -> SketchRow {
        let mut sketch = SketchRow::default();
        for value in values {
            record(&mut sketch, *value);
        }
        sketch
    }

    #[test]
    fn nothing_measured_is_undefined_and_not_zero() {
        assert_eq!(quantile(&SketchRow::default(), 500), None);
        assert_eq!(quantile(&sketch_of(&[0]), 500), Some(0));
    }

    #[test]
    fn buckets_have_no_gap_and_no_overlap() {
        for shift in 0..63 {
            let edge = 1u64 << shift;
            for value in [edge - 1, edge, edge + 1] {
                let (bucket, next) = (bucket_of(value), bucket_of(value + 1));
                assert!(next == bucket || next == bucket + 1, "{value}: {bucket} {next}");
            }
        }
        assert_eq!(bucket_of(u64::MAX), 1919);
        // Beyond any duration, but no overflow either.
        assert!(middle_of(1919) > 0);
    }

    #[test]
    fn what_is_not_in_it_cannot_be_taken_out() {
        let mut sketch = sketch_of(&[5]);
        assert!(!remove(&mut sketch, 6));
        assert!(remove(&mut sketch, 5));
        assert!(!remove(&mut sketch, 5));
        assert_eq!(sketch, SketchRow::default());
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_the_relative_error(
            values in prop::collection::vec(0..10_000_000_000u64, 1..200),
            permille in 1..=1000u64,
        ) {
            let sketch = sketch_of(&values);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = (values.len() as u64 * permille).div_ceil(1000).max(1);
            let exact = sorted[rank as usize - 1];
            let found = quantile(&sketch, permille).unwrap();
            prop_assert!(found.abs_diff(exact) * RELATIVE_ERROR_DIVISOR <= exact, "{} instead of {}", found, exact);
        }

        #[test]
        fn merged_parts_are_the_whole(values in prop::collection::vec(any::<u32>(), 0..100), cut in 0..100usize) {
            let values: Vec<u64> = values.into_iter().map(u64::from).collect();
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = sketch_of(left);
            merge(&mut merged, &sketch_of(right));
            prop_assert_eq!(merged, sketch_of(&values));
        }

        #[test]
        fn what_is_taken_out_was_never_there(
            kept in prop::collection::vec(any::<u32>(), 0..50),
            taken in prop::collection::vec(any::<u32>(), 0..50),
        ) {
            let (kept, taken): (Vec<u64>, Vec<u64>) =
                (kept.into_iter().map(u64::from).collect(), taken.into_iter().map(u64::from).collect());
            let mut sketch = sketch_of(&[taken.clone(), kept.clone()].concat());
            for value in taken {
                prop_assert!(remove(&mut sketch, value));
            }
            prop_assert_eq!(sketch, sketch_of(&kept));
        }
    }
}
