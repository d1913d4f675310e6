//! What a message is about: the hashed stems of its words without those that carry no meaning.

use super::lists::common::{SMALL_TALK, SYNONYMS};
use super::words::{Text, Word};

/// Stems of a customer's message that are kept: who says more does not ask a question.
const QUESTION_STEMS_MAX: usize = 24;
/// Stems of a bot's answer that are kept; answers are compared by their beginnings.
const ANSWER_STEMS_MAX: usize = 64;
/// Letters of a stem.
const STEM_LETTERS_MAX: usize = 4;
/// Letters that a stem keeps when its ending is taken off.
const STEM_LETTERS_MIN: usize = 3;

/// A sorted set of hashes; numbers apart, since two questions that differ in a number are two questions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Topics {
    stems: Vec<u32>,
    numbers: Vec<u32>,
}

impl Topics {
    fn of<'t>(text: &'t Text, words: impl Iterator<Item = &'t Word>, limit: usize) -> Self {
        let mut topics = Self::default();
        for word in words.take(limit) {
            let plain = text.plain(word);
            let is_number = plain.chars().all(char::is_numeric);
            let set = if is_number { &mut topics.numbers } else { &mut topics.stems };
            set.push(if is_number { hash(plain) } else { hash(meaning(plain, text.sound(word))) });
        }
        for set in [&mut topics.stems, &mut topics.numbers] {
            set.sort_unstable();
            set.dedup();
        }
        topics
    }

    /// Stems and numbers, as hashes.
    pub(super) fn parts(&self) -> (&[u32], &[u32]) {
        (&self.stems, &self.numbers)
    }

    pub(super) const fn of_parts(stems: Vec<u32>, numbers: Vec<u32>) -> Self {
        Self { stems, numbers }
    }

    /// Whether there is anything to compare: numbers alone choose from a menu.
    pub(super) fn say_something(&self) -> bool {
        !self.stems.is_empty()
    }

    /// One question is the other with something added, and not much of it.
    pub(super) fn same_question(&self, other: &Self) -> bool {
        let (few, many) = self.by_size(other);
        let shared = few.shared(many);
        let size = few.stems.len();
        if !few.say_something() || self.other_numbers(other) {
            return false;
        }
        match size {
            0 => false,
            // A single word is the same as itself, not as every sentence with it.
            1 => shared == 1 && many.stems.len() == 1,
            2 | 3 => shared == size && many.stems.len() <= 2 * size + 1,
            _ => 4 * shared >= 3 * size && many.stems.len() <= 2 * size,
        }
    }

    /// At least half of the smaller one is in the other.
    pub(super) fn related(&self, other: &Self) -> bool {
        let (few, many) = self.by_size(other);
        few.say_something() && 2 * few.shared(many) >= few.stems.len()
    }

    /// Nearly all words are the same, and all numbers are.
    pub(super) fn same_answer(&self, other: &Self) -> bool {
        let shared = self.shared(other);
        let all = self.stems.len() + other.stems.len() - shared;
        let nearly_all = 5 * shared >= 4 * all || (shared >= 3 && all - shared == 1);
        (self.say_something() || !self.numbers.is_empty()) && self.numbers == other.numbers && nearly_all
    }

    fn by_size<'a>(&'a self, other: &'a Self) -> (&'a Self, &'a Self) {
        if self.stems.len() <= other.stems.len() { (self, other) } else { (other, self) }
    }

    fn shared(&self, other: &Self) -> usize {
        self.stems.iter().filter(|stem| other.stems.binary_search(stem).is_ok()).count()
    }

    fn other_numbers(&self, other: &Self) -> bool {
        !self.numbers.is_empty() && !other.numbers.is_empty() && self.numbers != other.numbers
    }
}

/// What a customer's message is about.
pub(super) fn topics_of_saying(text: &Text) -> Topics {
    Topics::of(text, text.words.iter().filter(|word| !is_small_talk(text.plain(word))), QUESTION_STEMS_MAX)
}

/// What a bot's answer says: all of its words count.
pub(super) fn topics_of_answer(text: &Text) -> Topics {
    Topics::of(text, text.words.iter(), ANSWER_STEMS_MAX)
}

/// Greetings, thanks, wishes and the little words of three languages.
fn is_small_talk(plain: &str) -> bool {
    plain.len() < 2 && !plain.chars().all(char::is_numeric) || SMALL_TALK.binary_search(&plain).is_ok()
}

/// The stem, or that of what the word is another word for.
fn meaning<'t>(plain: &str, sound: &'t str) -> &'t str {
    let synonym = SYNONYMS.iter().find(|(_meaning, words)| words.contains(&plain));
    synonym.map_or_else(|| stem(sound), |(meaning, _words)| *meaning)
}

/// The beginning without the ending: `llega`, `llegó` and `llegará` are one.
fn stem(sound: &str) -> &str {
    let mut rest = sound;
    while rest.chars().count() > STEM_LETTERS_MIN {
        match rest.strip_suffix(['a', 'e', 'i', 'o', 'u', 's', 'r', 'n']) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    let end = rest.char_indices().nth(STEM_LETTERS_MAX).map_or(rest.len(), |(end, _)| end);
    &rest[..end]
}

/// FNV-1a, 32 bits. Not stored: it may change with any version.
fn hash(text: &str) -> u32 {
    const BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME))
}
