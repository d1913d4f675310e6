//! What was met since the log's beginning, in little memory: something new may be taken for met, never the other way round.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::RandomState;

/// Bits of the smallest filter and of the largest one, which is 8 MiB.
const BITS_MIN: u64 = 1 << 16;
const BITS_MAX: u64 = 1 << 26;
/// Room for each: one in a hundred new ones is taken for met.
const BITS_OF_ONE: u64 = 10;
/// Places of each.
const PLACES: usize = 5;

/// A Bloom filter.
#[derive(Debug)]
pub(crate) struct Met {
    words: Vec<u64>,
    hasher: RandomState,
}

impl Met {
    /// With room for so many, as far as there is any: of more than that, more are taken for met.
    pub(crate) fn with_room_for(many: u64) -> Self {
        let bits = many.saturating_mul(BITS_OF_ONE).clamp(BITS_MIN, BITS_MAX).next_power_of_two();
        Self { words: vec![0; bits as usize / 64], hasher: RandomState::default() }
    }

    /// Meets it; tells whether it was certainly not met before.
    pub(crate) fn meet(&mut self, what: &impl Hash) -> bool {
        let mut new = false;
        for (word, bit) in self.places(what) {
            new |= self.words[word] & bit == 0;
            self.words[word] |= bit;
        }
        new
    }

    /// Whether it was certainly never met.
    pub(crate) fn is_new(&self, what: &impl Hash) -> bool {
        self.places(what).iter().any(|&(word, bit)| self.words[word] & bit == 0)
    }

    /// Words and bits that stand for it.
    fn places(&self, what: &impl Hash) -> [(usize, u64); PLACES] {
        let (hash, bits) = (self.hasher.hash_one(what), self.words.len() as u64 * 64);
        // Odd, so that no two of the places are the same.
        let step = (hash >> 32) | 1;
        std::array::from_fn(|nth| {
            let at = hash.wrapping_add((nth as u64).wrapping_mul(step)) % bits;
            ((at / 64) as usize, 1 << (at % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_never_new_and_what_is_new_rarely_met() {
        const MANY: u64 = 200_000;
        let mut met = Met::with_room_for(2 * MANY);
        let all = || (0..MANY).flat_map(|number| [("a", number), ("b", number)]);
        assert!(all().all(|one| met.is_new(&one)));
        let new = all().filter(|one| met.meet(one)).count() as u64;
        assert!(new > 2 * MANY * 99 / 100, "{new}");
        assert!(all().all(|one| !met.is_new(&one) && !met.meet(&one)));
    }

    #[test]
    fn its_room_is_bounded() {
        for (many, bits) in [(0, BITS_MIN), (u64::MAX, BITS_MAX)] {
            assert_eq!(Met::with_room_for(many).words.len() as u64 * 64, bits);
        }
    }
}
