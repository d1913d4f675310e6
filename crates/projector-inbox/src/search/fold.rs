//! Texts as they are compared: without case, accents and punctuation. `ñ` is `n`, `Ⅷ` is `viii`, `Ｊosé` is `jose`.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::number;
use crate::reader::SEARCH_CHARS_MAX;

/// Words of a search that count; whoever types more has said enough.
const WORDS_MAX: usize = 8;
/// Characters of a term: longer names and addresses are told apart by their beginning.
pub(super) const TERM_CHARS_MAX: usize = 64;

/// What somebody searches for, folded. Empty if there is no letter and no digit in it: then nothing is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Words of digits and punctuation alone that stand next to each other are one number, as people write telephones.
    pub(crate) fn of(search: &str) -> Self {
        let folded = fold(&search.chars().take(SEARCH_CHARS_MAX).collect::<String>());
        let (mut words, mut digits) = (Vec::new(), String::new());
        for token in folded.split_whitespace() {
            if number::is_part(token) {
                digits.extend(token.chars().filter(char::is_ascii_digit));
                continue;
            }
            words.extend(number::of(&std::mem::take(&mut digits)));
            words.extend(Some(squeezed(token)).filter(|word| !word.is_empty()));
        }
        words.extend(number::of(&digits));
        words.truncate(WORDS_MAX);
        Self(words)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Without case and accents.
pub(super) fn fold(text: &str) -> String {
    let bare = text.nfkd().filter(|c| !is_combining_mark(*c));
    // Lower case may bring marks of its own back (`İ`).
    bare.flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)).collect()
}

/// A folded word's letters and digits; digits alone are a number.
pub(super) fn squeezed(word: &str) -> String {
    let squeezed: String = word.chars().filter(|c| c.is_alphanumeric()).take(TERM_CHARS_MAX).collect();
    if squeezed.chars().all(|c| c.is_ascii_digit()) {
        return number::of(&squeezed).unwrap_or_default();
    }
    squeezed
}
