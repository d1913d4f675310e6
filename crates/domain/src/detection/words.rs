//! A text as the rules see it: words without case, accents, stretched letters and the usual misspellings.
//!
//! Only the beginning of a text is looked at, and everything after the cut is linear in it.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Characters of a text that are looked at: whoever complains does so before.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Words of a text that are looked at: what usual words of the characters above amount to.
const WORDS_MAX: usize = 400;
/// Letters of a word that count.
const WORD_CHARS_MAX: usize = 32;
/// Characters that the decomposition may make of the characters above: some signs become whole sentences.
const DECOMPOSED_CHARS_MAX: usize = 2 * TEXT_CHARS_MAX;
/// From so many times on, a repeated letter is one that was stretched (`holaaa`).
const STRETCHED_MIN: usize = 3;

/// One word of a text. Its letters stand in the text: [`Text::plain`], [`Text::sound`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    plain: Range<usize>,
    sound: Range<usize>,
    pub(super) case: Case,
    /// Nothing but white space stands between the word before and this one: they can belong to one phrase.
    pub(super) joined: bool,
}

/// How a word was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Two letters or more, all of them capitals.
    Loud,
    /// With a small letter.
    Calm,
    /// A single letter, a number, a code: says nothing.
    Neither,
}

/// A text, cut and split.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Text {
    pub(super) words: Vec<Word>,
    pub(super) question: bool,
    /// Two exclamation marks, or one together with a question mark.
    pub(super) insistent: bool,
    /// Of all words, folded and as they sound: one string for all instead of two a word.
    letters: String,
}

/// A word while it is read.
#[derive(Default)]
struct Reading {
    letters: String,
    run: usize,
    upper: usize,
    lower: usize,
    digits: usize,
}

impl Text {
    pub(super) fn of(text: &str) -> Self {
        let mut read = Self::default();
        let mut reading = Reading::default();
        let mut joined = false;
        let mut exclamations = 0_usize;
        let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(end, _)| end);
        for chunk in text[..end].split_whitespace() {
            if is_address(chunk) {
                joined = false;
                continue;
            }
            decomposed(chunk, |c| {
                if c.is_alphanumeric() {
                    reading.push(c);
                } else if !is_inside_a_word(c) {
                    joined = read.finish(&mut reading, joined) && !ends_a_clause(c);
                    read.question |= c == '?';
                    exclamations += usize::from(c == '!');
                }
            });
            joined = read.finish(&mut reading, joined);
            if read.words.len() >= WORDS_MAX {
                break;
            }
        }
        read.words.truncate(WORDS_MAX);
        read.insistent = exclamations >= 2 || (exclamations == 1 && read.question);
        read
    }

    /// A word of this text, folded: lower case, no accents, abbreviations written out.
    pub(super) fn plain(&self, word: &Word) -> &str {
        self.letters.get(word.plain.clone()).unwrap_or_default()
    }

    /// A word of this text as it sounds: what misspellings of it have in common. Words are compared by this.
    pub(super) fn sound(&self, word: &Word) -> &str {
        self.letters.get(word.sound.clone()).unwrap_or_default()
    }

    /// Takes the word in, if there is one, and begins the next; tells whether that one may join.
    fn finish(&mut self, reading: &mut Reading, joined: bool) -> bool {
        if !reading.letters.is_empty() {
            let start = self.letters.len();
            self.letters.push_str(written_out(&reading.letters));
            let plain = start..self.letters.len();
            sound(written_out(&reading.letters), &mut self.letters);
            let heard = plain.end..self.letters.len();
            // A word of nothing but silent letters sounds as it is written.
            let sound = if heard.is_empty() { plain.clone() } else { heard };
            self.words.push(Word { plain, sound, case: reading.case(), joined });
            reading.clear();
            return true;
        }
        // What was no letter after all (a case that folds to nothing) is not counted for the next word.
        reading.clear();
        joined
    }
}

/// Shows the characters of a chunk one by one, decomposed and without marks: what Unicode's form NFKD has but for the marks. (Its
/// order of marks, which takes a look at whole runs of characters, does not matter where there are none.)
fn decomposed(chunk: &str, mut each: impl FnMut(char)) {
    let mut left = DECOMPOSED_CHARS_MAX;
    for c in chunk.chars() {
        if left == 0 {
            return;
        }
        if c.is_ascii() {
            left -= 1;
            each(c);
        } else {
            decompose_compatible(c, |part| {
                if left > 0 && !is_combining_mark(part) {
                    left -= 1;
                    each(part);
                }
            });
        }
    }
}

impl Reading {
    fn push(&mut self, c: char) {
        self.upper += usize::from(c.is_uppercase());
        self.lower += usize::from(c.is_lowercase());
        self.digits += usize::from(c.is_numeric());
        if c.is_ascii() {
            return self.push_lower(c.to_ascii_lowercase());
        }
        for c in c.to_lowercase().filter(|c| !is_combining_mark(*c)) {
            self.push_lower(c);
        }
    }

    fn push_lower(&mut self, c: char) {
        self.run = if self.letters.ends_with(c) { self.run + 1 } else { 1 };
        if self.run == STRETCHED_MIN && !c.is_numeric() {
            self.letters.pop();
        }
        let stretched = self.run >= STRETCHED_MIN && !c.is_numeric();
        if !stretched && self.letters.len() < WORD_CHARS_MAX {
            self.letters.push(c);
        }
    }

    /// Ready for the next word, in the same memory.
    fn clear(&mut self) {
        self.letters.clear();
        (self.run, self.upper, self.lower, self.digits) = (0, 0, 0, 0);
    }

    fn case(&self) -> Case {
        if self.digits > 0 || self.upper + self.lower < 2 {
            Case::Neither
        } else if self.lower == 0 {
            Case::Loud
        } else {
            Case::Calm
        }
    }
}

/// Addresses of pages and mailboxes are no words.
fn is_address(chunk: &str) -> bool {
    let has = |byte: u8| chunk.as_bytes().contains(&byte);
    chunk.starts_with("www.") || (has(b'@') && has(b'.')) || (has(b':') && chunk.contains("://"))
}

/// Apostrophes and characters without a width do not end a word.
fn is_inside_a_word(c: char) -> bool {
    matches!(c, '\'' | '’' | '`' | '´' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A phrase does not reach over these.
fn ends_a_clause(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '…' | '(' | ')' | '¿' | '¡')
}

/// What people shorten in chats. Whoever means something else by one of them loses nothing: lists are read the same way.
fn written_out(word: &str) -> &str {
    match word {
        "q" | "k" | "qe" => "que",
        "x" => "por",
        "xq" | "pq" | "xk" | "porq" => "porque",
        "d" => "de",
        "m" => "me",
        "t" => "te",
        "u" => "you",
        "ur" => "your",
        "vc" => "voce",
        "vcs" => "voces",
        "pra" => "para",
        "tb" | "tmb" => "tambien",
        _ => word,
    }
}

/// How a word sounds, roughly and in Spanish: `v` is `b`, `z` and soft `c` are `s`, `h` is silent, `ll` is `y`, a double letter is
/// one. Words of other languages are mangled, but always in the same way. Adds it to `out`.
fn sound(word: &str, out: &mut String) {
    let soft = |c: char| matches!(c, 'e' | 'i');
    let mut letters = word.chars();
    let mut last = None;
    while let Some(this) = letters.next() {
        let mut ahead = letters.clone();
        let (next, third) = (ahead.next().unwrap_or(' '), ahead.next().unwrap_or(' '));
        let (sound, read) = match (this, next) {
            ('h', _) => (None, 1),
            ('c', 'h') => (Some('x'), 2),
            ('c', next) if soft(next) => (Some('s'), 1),
            ('q', 'u') if soft(third) => (Some('k'), 2),
            ('c' | 'q', _) => (Some('k'), 1),
            ('g', 'u') if soft(third) => (Some('g'), 2),
            ('g', next) if soft(next) => (Some('j'), 1),
            ('l', 'l') => (Some('y'), 2),
            ('y', ' ') => (Some('i'), 1),
            ('v', _) => (Some('b'), 1),
            ('z', _) => (Some('s'), 1),
            (other, _) => (Some(other), 1),
        };
        if read == 2 {
            letters.next();
        }
        if let Some(sound) = sound
            && (sound.is_numeric() || last != Some(sound))
        {
            out.push(sound);
            last = Some(sound);
        }
    }
}

/// Whether the words are one slip of the finger apart: a letter more, less, other, or two swapped. The first letter is right, and
/// letters that are not ASCII are never slips.
pub(super) fn nearly(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let (short, long) = (short.as_bytes(), long.as_bytes());
    if long.len() - short.len() > 1 || short.first() != long.first() || !left.is_ascii() || !right.is_ascii() {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    if short.len() < long.len() {
        return short[same..] == long[same + 1..];
    }
    let (a, b) = (&short[same..], &long[same..]);
    a.len() <= 1 || a[1..] == b[1..] || (a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    fn folded(text: &str) -> String {
        let text = Text::of(text);
        text.words.iter().map(|word| text.plain(word)).collect::<Vec<_>>().join(" ")
    }

    fn sound(word: &str) -> String {
        let mut out = String::new();
        super::sound(word, &mut out);
        out
    }

    proptest! {
        #[test]
        fn what_is_read_is_the_form_nfkd_without_its_marks(text in prop_oneof![any::<String>(), "(\\PC|\u{301}|\u{323}|\u{5b0}|[a-z]){0,80}"]) {
            let all: String = text.nfkd().filter(|c| !is_combining_mark(*c)).take(DECOMPOSED_CHARS_MAX).collect();
            let mut read = String::new();
            decomposed(&text, |c| read.push(c));
            prop_assert_eq!(read, all);
        }
    }

    #[test]
    fn what_decomposes_endlessly_is_cut_where_the_form_is() {
        let text = "ﷺa\u{301}".repeat(TEXT_CHARS_MAX);
        let all: String = text.nfkd().filter(|c| !is_combining_mark(*c)).take(DECOMPOSED_CHARS_MAX).collect();
        let mut read = String::new();
        decomposed(&text, |c| read.push(c));
        assert_eq!((read.chars().count(), read), (DECOMPOSED_CHARS_MAX, all));
    }

    #[test]
    fn a_text_is_folded_into_words() {
        assert_eq!(folded("¡Holaaaa! ¿QUÉ tal?  Ｔｕｒｎｏ ñandú ᴀ 1000"), "hola que tal turno nandu ᴀ 1000");
        assert_eq!(folded("don't can’t ca\u{ad}fé o\u{301}la"), "dont cant cafe ola");
        assert_eq!(folded("q pasa xq no andan d nuevo"), "que pasa porque no andan de nuevo");
        assert_eq!(folded("mira https://example.com/error www.error.example a.b@error.example ok"), "mira ok");
        assert_eq!(folded(" 😀 .,;!? \u{301}"), "");
    }

    #[test]
    fn misspellings_sound_alike() {
        for (left, right) in [
            ("necesito", "nesesito"),
            ("hay", "ahi"),
            ("quiero", "kiero"),
            ("hablar", "ablar"),
            ("cobraron", "kovraron"),
            ("llego", "yego"),
            ("error", "eror"),
        ] {
            assert_eq!(sound(left), sound(right), "{left} {right}");
        }
        assert_ne!(sound("caro"), sound("claro"));
        assert_eq!((sound("guerra"), sound("gente"), sound("112")), ("gera".into(), "jente".into(), "112".into()));
    }

    #[test]
    fn one_slip_is_near_and_two_are_not() {
        for near in ["funcona", "funcciona", "funcoina", "funciono", "funcion", "funcionas"] {
            assert!(nearly("funciona", near), "{near}");
        }
        for far in ["funicoan", "unciona", "runciona", "func", "funcionando", "", "funcioñá"] {
            assert!(!nearly("funciona", far), "{far}");
        }
        assert!(nearly("", "") && !nearly("ab", "ba"), "the first letter is right");
    }

    #[test]
    fn capitals_commas_and_insistence_are_seen() {
        let text = Text::of("NO, Ya A B2 quiero TURNO!!");
        let cases: Vec<_> = text.words.iter().map(|word| (word.case, word.joined)).collect();
        let (loud, calm, neither) = (Case::Loud, Case::Calm, Case::Neither);
        assert_eq!(cases, [(loud, false), (calm, false), (neither, true), (neither, true), (calm, true), (loud, true)]);
        assert!(text.insistent && !text.question);
        assert!(Text::of("qué?!").insistent && !Text::of("qué!").insistent);
    }
}
