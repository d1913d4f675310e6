//! A bit for each conversation of a tenant, in segments that copies share.
//!
//! What lists combine stands together: a segment is one run of memory, so that combining sets reads it at the speed of memory
//! and not at that of finding it. A segment with few members is a list of them instead, so that a value that few have costs little.

use std::sync::Arc;

/// Conversations of a segment: one run of 8 KiB, which is what a change copies at most.
pub(crate) const SEGMENT: usize = 1 << 16;
/// Words of a segment.
pub(crate) const WORDS: usize = SEGMENT / 64;
/// Members up to which a segment is a list: 2 KiB. Longer ones are bits, which are combined faster.
const SPARSE_MAX: usize = 1_024;
/// Members below which bits become a list again: well apart, so that a set at the border does not change its form at every change.
const DENSE_MIN: u32 = 512;

/// A segment's bits, as they are worked on.
pub(crate) type Words = [u64; WORDS];

/// A set of conversations, by their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Default)]
enum Segment {
    #[default]
    Empty,
    /// Ascending; not empty.
    Sparse(Arc<Vec<u16>>),
    /// And how many there are.
    Dense(Arc<Words>, u32),
}

// === impl Bits: for the companion ===

impl Bits {
    pub(crate) fn set(&mut self, ordinal: u32, member: bool) {
        let (segment, slot) = place(ordinal);
        if self.segments.len() <= segment {
            if !member {
                return;
            }
            self.segments.resize_with(segment + 1, Segment::default);
        }
        let segment = &mut self.segments[segment];
        if member { segment.insert(slot) } else { segment.remove(slot) }
    }

    /// Adds another set, for sets that become one.
    pub(crate) fn extend(&mut self, ordinals: impl IntoIterator<Item = u32>) {
        ordinals.into_iter().for_each(|ordinal| self.set(ordinal, true));
    }
}

impl Segment {
    fn insert(&mut self, slot: u16) {
        match self {
            Self::Empty => *self = Self::Sparse(Arc::new(vec![slot])),
            Self::Sparse(slots) => {
                let Err(at) = slots.binary_search(&slot) else { return };
                if slots.len() < SPARSE_MAX {
                    Arc::make_mut(slots).insert(at, slot);
                    return;
                }
                let mut words = [0; WORDS];
                slots.iter().chain([&slot]).for_each(|slot| put(&mut words, *slot));
                *self = Self::Dense(Arc::new(words), SPARSE_MAX as u32 + 1);
            }
            Self::Dense(words, count) => {
                if !has(words.as_slice(), slot) {
                    put(Arc::make_mut(words), slot);
                    *count += 1;
                }
            }
        }
    }

    fn remove(&mut self, slot: u16) {
        match self {
            Self::Empty => {}
            Self::Sparse(slots) => {
                let Ok(at) = slots.binary_search(&slot) else { return };
                if slots.len() == 1 {
                    *self = Self::Empty;
                } else {
                    Arc::make_mut(slots).remove(at);
                }
            }
            Self::Dense(words, count) => {
                if !has(words.as_slice(), slot) {
                    return;
                }
                Arc::make_mut(words)[usize::from(slot) / 64] &= !(1 << (slot % 64));
                *count -= 1;
                if *count < DENSE_MIN {
                    // A segment has 65,536 slots.
                    let slots = members(words.as_slice()).map(|slot| slot as u16).collect();
                    *self = Self::Sparse(Arc::new(slots));
                }
            }
        }
    }
}

// === impl Bits: for readers ===

impl Bits {
    /// Adds the members of one segment to `out`.
    #[inline]
    pub(crate) fn add_to(&self, segment: usize, out: &mut Words) {
        match self.segments.get(segment) {
            None | Some(Segment::Empty) => {}
            Some(Segment::Sparse(slots)) => slots.iter().for_each(|slot| put(out, *slot)),
            Some(Segment::Dense(words, _)) => out.iter_mut().zip(words.iter()).for_each(|(word, other)| *word |= other),
        }
    }

    /// Leaves of `out` only what is a member, in one segment.
    #[inline]
    pub(crate) fn narrow(&self, segment: usize, out: &mut Words) {
        match self.segments.get(segment) {
            None | Some(Segment::Empty) => out.fill(0),
            Some(Segment::Sparse(slots)) => {
                let mut members = [0; WORDS];
                slots.iter().filter(|slot| has(out.as_slice(), **slot)).for_each(|slot| put(&mut members, *slot));
                *out = members;
            }
            Some(Segment::Dense(words, _)) => out.iter_mut().zip(words.iter()).for_each(|(word, other)| *word &= other),
        }
    }

    /// Leaves of `out` only what is no member, in one segment.
    #[inline]
    pub(crate) fn narrow_to_others(&self, segment: usize, out: &mut Words) {
        match self.segments.get(segment) {
            None | Some(Segment::Empty) => {}
            Some(Segment::Sparse(slots)) => {
                slots.iter().for_each(|slot| out[usize::from(*slot) / 64] &= !(1 << (slot % 64)));
            }
            Some(Segment::Dense(words, _)) => {
                out.iter_mut().zip(words.iter()).for_each(|(word, other)| *word &= !other);
            }
        }
    }

    /// Adds all members to a whole tenant's bits.
    pub(crate) fn add_to_all(&self, mask: &mut [u64]) {
        for (segment, out) in mask.as_chunks_mut::<WORDS>().0.iter_mut().enumerate().take(self.segments.len()) {
            self.add_to(segment, out);
        }
    }

    /// Whether it has a member in common with a whole tenant's bits.
    pub(crate) fn meets(&self, mask: &[u64]) -> bool {
        self.segments.iter().zip(mask.chunks(WORDS)).any(|(segment, mask)| match segment {
            Segment::Empty => false,
            Segment::Sparse(slots) => slots.iter().any(|slot| has(mask, *slot)),
            Segment::Dense(words, _) => {
                // Some words at a time, so that what is common is found early and what is not is looked for fast.
                let mut pieces = words.chunks(16).zip(mask.chunks(16));
                pieces
                    .any(|(words, mask)| words.iter().zip(mask).fold(0, |all, (word, other)| all | (word & other)) != 0)
            }
        })
    }

    #[cfg(test)]
    fn has(&self, ordinal: u32) -> bool {
        let mut words = [0; WORDS];
        self.add_to(ordinal as usize / SEGMENT, &mut words);
        has(words.as_slice(), place(ordinal).1)
    }

    /// How many segments two sets share in memory, of those with members.
    #[cfg(test)]
    pub(crate) fn shared(&self, other: &Self) -> (usize, usize) {
        let pairs = self.segments.iter().zip(&other.segments).filter(|(one, _)| !matches!(one, Segment::Empty));
        pairs.fold((0, 0), |(shared, all), pair| {
            let same = match pair {
                (Segment::Sparse(one), Segment::Sparse(other)) => Arc::ptr_eq(one, other),
                (Segment::Dense(one, _), Segment::Dense(other, _)) => Arc::ptr_eq(one, other),
                (Segment::Empty | Segment::Sparse(_) | Segment::Dense(..), _) => false,
            };
            (shared + usize::from(same), all + 1)
        })
    }
}

// === a tenant's bits as plain words ===

/// Words of a whole tenant's bits, in whole segments.
pub(crate) const fn words_of(conversations: u32) -> usize {
    (conversations as usize).div_ceil(SEGMENT) * WORDS
}

/// The words of one segment of a whole tenant's bits.
pub(crate) fn segment(mask: &[u64], segment: usize) -> &[u64] {
    mask.get(segment * WORDS..(segment + 1) * WORDS).unwrap_or_default()
}

/// Whether a conversation is a member of a whole tenant's bits.
#[inline]
pub(crate) fn holds(mask: &[u64], ordinal: u32) -> bool {
    mask.get(ordinal as usize / 64).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
}

/// The members, ascending.
pub(crate) fn members(mask: &[u64]) -> impl Iterator<Item = u32> {
    mask.iter().zip((0u32..).step_by(64)).filter(|(word, _)| **word != 0).flat_map(|(word, first)| {
        let next = |rest: &u64| Some(rest & (rest - 1)).filter(|rest| *rest != 0);
        std::iter::successors(Some(*word), next).map(move |rest| first + rest.trailing_zeros())
    })
}

pub(crate) fn count(mask: &[u64]) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Leaves of `out` only what is in both.
#[inline]
pub(crate) fn intersect(out: &mut [u64], other: &[u64]) {
    out.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

pub(crate) fn is_empty(words: &Words) -> bool {
    words.iter().fold(0, |all, word| all | word) == 0
}

fn place(ordinal: u32) -> (usize, u16) {
    // The remainder of 65,536 fits.
    (ordinal as usize / SEGMENT, (ordinal as usize % SEGMENT) as u16)
}

#[inline]
fn has(words: &[u64], slot: u16) -> bool {
    words.get(usize::from(slot) / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
}

#[inline]
fn put(words: &mut Words, slot: u16) {
    words[usize::from(slot) / 64] |= 1 << (slot % 64);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Through every form and back: few, many, few, none.
    #[test]
    fn a_set_equals_a_plain_one_while_members_come_and_go() {
        let (mut bits, mut plain) = (Bits::default(), BTreeSet::new());
        let mut forms = BTreeSet::new();
        for step in 0u32..30_000 {
            let scattered = step.wrapping_mul(2_654_435_761) >> 7;
            // Two segments; towards the end everything goes.
            let ordinal = scattered % (2 * SEGMENT as u32);
            let member = step < 6_000 && !scattered.is_multiple_of(3);
            let gone = if step < 6_000 { Some(ordinal) } else { plain.pop_first() };
            let Some(ordinal) = gone else { break };
            bits.set(ordinal, member);
            if member {
                plain.insert(ordinal)
            } else {
                plain.remove(&ordinal)
            };
            assert_eq!(bits.has(ordinal), member);
            forms.extend(bits.segments.iter().map(|segment| match segment {
                Segment::Empty => "empty",
                Segment::Sparse(_) => "list",
                Segment::Dense(..) => "bits",
            }));
            if step % 997 == 0 {
                let mut all = vec![0; 2 * WORDS];
                for (index, out) in all.as_chunks_mut::<WORDS>().0.iter_mut().enumerate() {
                    bits.add_to(index, out);
                }
                assert!(members(&all).eq(plain.iter().copied()), "step {step}");
                assert_eq!(count(&all), plain.len() as u64);
                assert_eq!(bits.meets(&all), !plain.is_empty());
                let others: Vec<u64> = all.iter().map(|word| !word).collect();
                assert!(!bits.meets(&others), "nothing is a member and is none");
            }
        }
        assert_eq!(forms, BTreeSet::from(["bits", "empty", "list"]), "the test went through every form");
        assert!(plain.is_empty() && bits.segments.iter().all(|segment| matches!(segment, Segment::Empty)));
    }

    #[test]
    fn narrowing_leaves_what_is_in_both_or_in_one_in_every_form() {
        for every in [2, 300] {
            let mut bits = Bits::default();
            bits.extend((0..SEGMENT as u32).step_by(every));
            let (mut both, mut one) = ([0; WORDS], [0; WORDS]);
            for slot in (0..SEGMENT).step_by(3) {
                put(&mut both, slot as u16);
            }
            one.copy_from_slice(&both);
            bits.narrow(0, &mut both);
            bits.narrow_to_others(0, &mut one);
            let expected = |with: bool| {
                (0..SEGMENT as u32).step_by(3).filter(move |slot| slot.is_multiple_of(every as u32) == with)
            };
            assert!(members(&both).eq(expected(true)));
            assert!(members(&one).eq(expected(false)));
            bits.narrow(1, &mut both);
            assert!(is_empty(&both), "there is no second segment");
        }
    }
}
