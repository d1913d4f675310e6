//! Entries of the lists: a small language of words, and the index that finds all entries of all lists in one pass.
//!
//! It is no regular expression: an entry is tried in time bounded by its own length, whatever the text.

use std::collections::BTreeMap;
use std::fmt;

use super::rule::{Language, List, Rule};
use super::words::{Text, nearly};

/// The longest entry of a list, in characters.
pub const ENTRY_CHARS_MAX: usize = 240;
/// The longest phrase that a finding quotes, in characters.
pub const PHRASE_CHARS_MAX: usize = 80;
/// The most words and gaps of an entry.
const ELEMENTS_MAX: usize = 10;
/// The most alternatives of a word.
const ALTERNATIVES_MAX: usize = 24;
/// The most gaps of an entry: each multiplies the tries.
const GAPS_MAX: usize = 2;
/// Words that a gap may stand for.
const GAP_WORDS_MAX: usize = 3;
/// The shortest beginning that may stand for a word, in letters: shorter ones would match half of the language.
const PREFIX_LETTERS_MIN: usize = 3;
/// From so many letters on, a word may have a slip in it.
const SLIP_LETTERS_MIN: usize = 7;
/// Matches of one text that are looked at: far more than a text of people has.
const HITS_MAX: usize = 512;

/// Why an entry was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    #[error(
        "an entry has at most {ENTRY_CHARS_MAX} characters, {ELEMENTS_MAX} words and {ALTERNATIVES_MAX} alternatives"
    )]
    TooLong,
    #[error("an entry begins and ends with a word and has at most {GAPS_MAX} gaps")]
    Shape,
    #[error("`*` ends a word of at least {PREFIX_LETTERS_MIN} letters")]
    Prefix,
}

/// An entry: words that stand next to each other, in one clause.
///
/// `word` is that word, also misspelt; `beginn*` any word that begins so; `one/other` either; `..` up to three words in between; a
/// leading `^` and a closing `$` stand for the beginning and the end of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    elements: Vec<Element>,
    starts: bool,
    ends: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    Gap,
    /// One of these.
    Word(Vec<Letters>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Letters {
    sound: String,
    prefix: bool,
    /// A slip is forgiven.
    long: bool,
}

impl Pattern {
    pub(super) fn parse(entry: &str, slips: bool) -> Result<Self, PhraseError> {
        if entry.chars().count() > ENTRY_CHARS_MAX {
            return Err(PhraseError::TooLong);
        }
        let mut parts: Vec<&str> = entry.split_whitespace().collect();
        let starts = parts.first() == Some(&"^");
        if starts {
            parts.remove(0);
        }
        let ends = parts.last() == Some(&"$");
        if ends {
            parts.pop();
        }
        if parts.len() > ELEMENTS_MAX {
            return Err(PhraseError::TooLong);
        }
        let elements = parts.into_iter().map(|part| Element::parse(part, slips)).collect::<Result<Vec<_>, _>>()?;
        let gap = |element: Option<&Element>| element.is_none_or(|element| *element == Element::Gap);
        let gaps = elements.iter().filter(|element| **element == Element::Gap).count();
        if gap(elements.first()) || gap(elements.last()) || gaps > GAPS_MAX {
            return Err(PhraseError::Shape);
        }
        Ok(Self { elements, starts, ends })
    }

    /// The words that the entry names, last first, if it matches from this word on. Those in its gaps are not among them.
    fn matches(&self, text: &Text, start: usize) -> Option<Vec<usize>> {
        if self.starts && text.words.get(start).is_none_or(|word| word.joined) {
            return None;
        }
        self.rest_matches(&self.elements, text, start, start)
    }

    /// What can be said of the words behind the first without looking at their letters, as a quick reject.
    fn second(&self) -> Second {
        let beginnings = |element: Option<&Element>| match element {
            Some(Element::Word(alternatives)) => alternatives.iter().fold(0, |all, one| all | beginning(&one.sound)),
            // Another gap, or nothing: anything may stand there.
            Some(Element::Gap) | None => u64::MAX,
        };
        match self.elements.get(1) {
            Some(Element::Gap) => Second { beginnings: beginnings(self.elements.get(2)), next: false },
            second => Second { beginnings: beginnings(second), next: second.is_some() },
        }
    }

    fn rest_matches(&self, elements: &[Element], text: &Text, start: usize, at: usize) -> Option<Vec<usize>> {
        let words = &text.words;
        let Some((first, rest)) = elements.split_first() else {
            let ended = words.get(at).is_none_or(|next| !next.joined);
            return (!self.ends || ended).then(Vec::new);
        };
        match first {
            Element::Gap => (0..=GAP_WORDS_MAX)
                .take_while(|skipped| words.iter().skip(at).take(*skipped).all(|word| word.joined))
                .find_map(|skipped| self.rest_matches(rest, text, start, at + skipped)),
            Element::Word(alternatives) => {
                let word = words.get(at).filter(|word| at == start || word.joined)?;
                let sound = text.sound(word);
                if !alternatives.iter().any(|letters| letters.matches(sound)) {
                    return None;
                }
                let mut matched = self.rest_matches(rest, text, start, at + 1)?;
                matched.push(at);
                Some(matched)
            }
        }
    }
}

impl Element {
    fn parse(part: &str, slips: bool) -> Result<Self, PhraseError> {
        if part == ".." {
            return Ok(Self::Gap);
        }
        let alternatives =
            part.split('/').map(|letters| Letters::parse(letters, slips)).collect::<Result<Vec<_>, _>>()?;
        if alternatives.len() > ALTERNATIVES_MAX {
            return Err(PhraseError::TooLong);
        }
        Ok(Self::Word(alternatives))
    }
}

impl Letters {
    fn parse(part: &str, slips: bool) -> Result<Self, PhraseError> {
        let (letters, prefix) = part.strip_suffix('*').map_or((part, false), |letters| (letters, true));
        let text = Text::of(letters);
        let [word] = text.words.as_slice() else { return Err(PhraseError::Shape) };
        let sound = text.sound(word).to_owned();
        let count = sound.chars().count();
        if prefix && count < PREFIX_LETTERS_MIN {
            return Err(PhraseError::Prefix);
        }
        Ok(Self { sound, prefix, long: slips && count >= SLIP_LETTERS_MIN })
    }

    /// A match begins with the same byte, also with a slip: [`beginning`] relies on it.
    fn matches(&self, sound: &str) -> bool {
        if self.prefix {
            return sound.starts_with(&self.sound);
        }
        sound == self.sound || (self.long && nearly(&self.sound, sound))
    }
}

/// An entry and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) rule: Rule,
    pub(super) language: Language,
    pub(super) list: List,
    /// As it was written.
    pub(super) text: String,
    pattern: Pattern,
}

impl Entry {
    pub(super) fn new(rule: Rule, language: Language, list: List, text: &str) -> Result<Self, PhraseError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // A slip is forgiven to whoever complains, not to what would excuse it.
        let slips = list == List::Phrases;
        Ok(Self { rule, language, list, pattern: Pattern::parse(&text, slips)?, text })
    }

    /// Whether both say the same, in whatever spelling.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        (self.rule, self.language, self.list) == (other.rule, other.language, other.list)
            && self.pattern == other.pattern
    }
}

/// An entry found in a text.
#[derive(Clone, Debug)]
pub(super) struct Hit<'a> {
    pub(super) entry: &'a Entry,
    /// The words that the entry names, last first; never empty.
    matched: Vec<usize>,
}

impl Hit<'_> {
    pub(super) fn start(&self) -> usize {
        self.matched.last().copied().unwrap_or_default()
    }

    /// One past the last word.
    pub(super) fn end(&self) -> usize {
        self.matched.first().map_or(0, |last| last + 1)
    }

    pub(super) fn overlaps(&self, other: &Hit<'_>) -> bool {
        self.start() < other.end() && other.start() < self.end()
    }

    /// The words that matched, folded, with `…` for those in between: what the customer said of the list's words, and nothing
    /// else of what they said.
    pub(super) fn phrase(&self, text: &Text) -> String {
        let mut phrase = String::new();
        let mut next = self.start();
        for index in self.matched.iter().rev() {
            let gap = if *index == next { " " } else { " … " };
            phrase.push_str(if phrase.is_empty() { "" } else { gap });
            phrase.push_str(text.words.get(*index).map_or("", |word| text.plain(word)));
            next = index + 1;
        }
        phrase.chars().take(PHRASE_CHARS_MAX).collect()
    }
}

/// Entries by the first letters of their first word.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Entries {
    entries: Vec<Entry>,
    index: BTreeMap<[char; PREFIX_LETTERS_MIN], Vec<Candidate>>,
}

/// An entry whose first word may be met.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate {
    number: usize,
    second: Second,
}

impl fmt::Debug for Candidate {
    /// By its number alone: the rest follows from the entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.number, f)
    }
}

/// How the word begins that must follow an entry's first one, as bits of [`beginning`]; all bits if none must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Second {
    beginnings: u64,
    /// It is the very next one; else it may be any behind it.
    next: bool,
}

impl Entries {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let mut index: BTreeMap<_, Vec<Candidate>> = BTreeMap::new();
        for (number, entry) in entries.iter().enumerate() {
            let Some(Element::Word(alternatives)) = entry.pattern.elements.first() else { continue };
            for letters in alternatives {
                let candidates = index.entry(first_letters(&letters.sound)).or_default();
                if candidates.last().is_none_or(|last| last.number != number) {
                    candidates.push(Candidate { number, second: entry.pattern.second() });
                }
            }
        }
        Self { entries, index }
    }

    pub(super) fn as_slice(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn into_vec(self) -> Vec<Entry> {
        self.entries
    }

    /// Adds what is found of the wanted entries, in the order of the text.
    pub(super) fn find<'a>(&'a self, text: &Text, wanted: impl Fn(&Entry) -> bool, hits: &mut Vec<Hit<'a>>) {
        if self.entries.is_empty() {
            return;
        }
        let bits: Vec<u64> = text.words.iter().map(|word| beginning(text.sound(word))).collect();
        let all = bits.iter().fold(0, |all, bit| all | bit);
        for (start, word) in text.words.iter().enumerate() {
            let next = bits.get(start + 1).filter(|_| text.words[start + 1].joined).copied().unwrap_or(0);
            for Candidate { number, second } in self.index.get(&first_letters(text.sound(word))).into_iter().flatten() {
                if second.beginnings & if second.next { next } else { all } == 0 {
                    continue;
                }
                let entry = &self.entries[*number];
                if hits.len() < HITS_MAX
                    && let Some(matched) = entry.pattern.matches(text, start)
                    && wanted(entry)
                {
                    hits.push(Hit { entry, matched });
                }
            }
        }
    }
}

/// A bit for the first byte of a word; words that begin alike have the same. Never none.
fn beginning(sound: &str) -> u64 {
    1 << (sound.as_bytes().first().copied().unwrap_or(0) & 63)
}

fn first_letters(sound: &str) -> [char; PREFIX_LETTERS_MIN] {
    let mut letters = sound.chars();
    std::array::from_fn(|_| letters.next().unwrap_or('\0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lists::built_in;
    use super::*;

    /// Entries that Relevo brings, as people might say them, cut, mixed and misspelt.
    fn said() -> impl Strategy<Value = String> {
        let words: Vec<String> = built_in()
            .as_slice()
            .iter()
            .flat_map(|entry| entry.text.split([' ', '/']))
            .map(|word| word.trim_end_matches('*').replace("..", "que"))
            .collect();
        let entries: Vec<String> = built_in()
            .as_slice()
            .iter()
            .map(|entry| entry.text.split(' ').filter_map(|word| word.split('/').next()).collect::<Vec<_>>().join(" "))
            .map(|text| text.replace('*', "").replace("..", "muy bien"))
            .collect();
        let one = prop_oneof![
            prop::sample::select(words),
            prop::sample::select(entries),
            "[a-z]{1,9}",
            Just(", ".to_owned()),
        ];
        prop::collection::vec(one, 0..12).prop_map(|parts| parts.join(" "))
    }

    proptest! {
        #[test]
        fn what_is_rejected_early_would_not_have_matched(text in said()) {
            let text = Text::of(&text);
            let mut hits = Vec::new();
            built_in().find(&text, |_| true, &mut hits);
            let mut found: Vec<(usize, &str)> = hits.iter().map(|hit| (hit.start(), hit.entry.text.as_str())).collect();
            let each = text.words.iter().enumerate().flat_map(|(start, word)| {
                let candidates = built_in().index.get(&first_letters(text.sound(word)));
                candidates.into_iter().flatten().map(move |candidate| (start, &built_in().entries[candidate.number]))
            });
            let mut all: Vec<(usize, &str)> = each
                .filter(|(start, entry)| entry.pattern.matches(&text, *start).is_some())
                .map(|(start, entry)| (start, entry.text.as_str()))
                .collect();
            found.sort_unstable();
            all.sort_unstable();
            prop_assert!(hits.len() < HITS_MAX);
            prop_assert_eq!(found, all);
        }
    }
}
