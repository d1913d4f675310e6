//! A distribution of durations in milliseconds that can be merged: a histogram with buckets of a fixed relative width.
//!
//! Below 16 ms every value has its own bucket; above, each doubling is divided into 16 equal ones. A quantile is answered with
//! the middle of its bucket, so it is at most 1/32 (3.2 %) off; n, mean, least and greatest are exact. Integers only: the
//! same on every machine. At most 976 buckets, only those in use are stored.

use crate::row::SketchRow;

/// Buckets of each doubling.
const STEPS: u64 = 16;
const STEPS_BITS: u32 = STEPS.trailing_zeros();

pub(crate) fn record(sketch: &mut SketchRow, value: u64) {
    let single =
        SketchRow { n: 1, sum: value, min: value, max: value, buckets: vec![bucket_of(value)], counts: vec![1] };
    merge(sketch, &single);
}

pub(crate) fn merge(into: &mut SketchRow, other: &SketchRow) {
    if other.n == 0 {
        return;
    }
    into.min = if into.n == 0 { other.min } else { into.min.min(other.min) };
    into.max = into.max.max(other.max);
    into.n += other.n;
    into.sum = into.sum.saturating_add(other.sum);
    for (bucket, count) in other.buckets.iter().zip(&other.counts) {
        match into.buckets.binary_search(bucket) {
            Ok(index) => into.counts[index] += count,
            Err(index) => {
                into.buckets.insert(index, *bucket);
                into.counts.insert(index, *count);
            }
        }
    }
}

/// Arithmetic mean, rounded; `None` if nothing was measured.
pub(crate) fn mean(sketch: &SketchRow) -> Option<u64> {
    (sketch.n > 0).then(|| sketch.sum.saturating_add(sketch.n / 2) / sketch.n)
}

/// The least value that `permille` of all do not exceed, to within 1/32; `None` if nothing was measured.
pub(crate) fn quantile(sketch: &SketchRow, permille: u64) -> Option<u64> {
    let rank = sketch.n.saturating_mul(permille).div_ceil(1000).max(1);
    let mut seen = 0;
    for (bucket, count) in sketch.buckets.iter().zip(&sketch.counts) {
        seen += count;
        if seen >= rank {
            return Some(middle_of(*bucket).clamp(sketch.min, sketch.max));
        }
    }
    None
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
        let empty = SketchRow::default();
        assert_eq!((mean(&empty), quantile(&empty, 500)), (None, None));
        let zero = sketch_of(&[0]);
        assert_eq!((mean(&zero), quantile(&zero, 500)), (Some(0), Some(0)));
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
        assert_eq!(bucket_of(u64::MAX), 975);
        // Beyond any duration, but no overflow either.
        assert!(middle_of(975) > 0);
    }

    proptest! {
        #[test]
        fn a_quantile_is_at_most_one_in_32_off(
            values in prop::collection::vec(0..10_000_000_000u64, 1..200),
            permille in 1..=1000u64,
        ) {
            let sketch = sketch_of(&values);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = (values.len() as u64 * permille).div_ceil(1000).max(1);
            let exact = sorted[rank as usize - 1];
            let found = quantile(&sketch, permille).unwrap();
            prop_assert!(found.abs_diff(exact) * 32 <= exact, "{} instead of {}", found, exact);
            prop_assert_eq!(sketch.n, values.len() as u64);
            prop_assert_eq!(sketch.sum, values.iter().sum::<u64>());
        }

        #[test]
        fn merged_parts_are_the_whole(values in prop::collection::vec(any::<u32>(), 0..100), cut in 0..100usize) {
            let values: Vec<u64> = values.into_iter().map(u64::from).collect();
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = sketch_of(left);
            merge(&mut merged, &sketch_of(right));
            prop_assert_eq!(merged, sketch_of(&values));
        }
    }
}
