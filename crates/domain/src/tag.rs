//! What people call a tag, and its colour. Words of the business, not of its customers: nothing here is personal.

use std::fmt;
use std::str::FromStr;

/// The longest name of a tag, in characters: it stands as a label in a list.
pub const TAG_NAME_CHARS_MAX: usize = 40;

/// Why a tag's name or colour was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    #[error("a tag's name has 1 to {TAG_NAME_CHARS_MAX} characters and no control characters")]
    Name,
    #[error("a colour is written #rrggbb")]
    Colour,
}

/// What people call a tag, as it was written, with single spaces. Two names that differ only in case are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(String);

impl TagName {
    pub fn new(name: &str) -> Result<Self, TagError> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let acceptable = !name.is_empty()
            && name.chars().count() <= TAG_NAME_CHARS_MAX
            && !name.chars().any(|c| {
                c.is_control()
                    || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            });
        if acceptable { Ok(Self(name)) } else { Err(TagError::Name) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two names mean the same tag.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colour(pub [u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let part = |range: std::ops::Range<usize>| {
            let digits = digits.ok_or(TagError::Colour)?;
            // `from_str_radix` accepts a sign.
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(TagError::Colour);
            }
            u8::from_str_radix(&digits[range], 16).map_err(|_digits| TagError::Colour)
        };
        Ok(Self([part(0..2)?, part(2..4)?, part(4..6)?]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_words() {
        assert_eq!(TagName::new("  Presupuesto   enviado ").unwrap().as_str(), "Presupuesto enviado");
        assert!(TagName::new("Urgente").unwrap().same_as(&TagName::new("URGENTE").unwrap()));
        assert!(!TagName::new("año").unwrap().same_as(&TagName::new("ano").unwrap()));
        for bad in ["", "  ", "a\u{7}b", &"ñ".repeat(TAG_NAME_CHARS_MAX + 1)] {
            assert_eq!(TagName::new(bad), Err(TagError::Name), "{bad:?}");
        }
    }

    #[test]
    fn a_colour_reads_back() {
        assert_eq!("#FFa501".parse::<Colour>().unwrap().to_string(), "#ffa501");
        for bad in ["", "ffa500", "#ffa50", "#ffa5000", "#gggggg", "#+1+1+1", "#ññf"] {
            assert_eq!(bad.parse::<Colour>(), Err(TagError::Colour), "{bad}");
        }
    }
}
