//! Words without case and accents, and phrases of them: `¿Qué HORARIO tienen?` has the keyword `horario`, and not `hora`.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::LOOKED_AT_CHARS_MAX;

/// A keyword: words that stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase(Vec<String>);

impl Phrase {
    /// `None` without a word of letters or digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let words = words(text);
        (!words.is_empty()).then_some(Self(words))
    }

    pub(super) fn is_in(&self, words: &[String]) -> bool {
        words.windows(self.0.len()).any(|window| window == self.0)
    }
}

/// The words of a text's beginning: letters and digits, lower case, without accents and other marks.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    // Some signs decompose into a whole sentence.
    let letters = text.chars().take(LOOKED_AT_CHARS_MAX).nfkd().filter(|c| !is_combining_mark(*c));
    for c in letters.take(2 * LOOKED_AT_CHARS_MAX) {
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase().filter(|c| !is_combining_mark(*c)));
        } else if !is_inside_a_word(c) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Characters without a width do not end a word.
const fn is_inside_a_word(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
