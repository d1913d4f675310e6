//! Making received text safe to store and to show: no NUL, no control characters, limits at character boundaries.

/// A line for a person: control characters (line breaks above all: they would inject headers) become spaces.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text of several lines: LF only, no control characters but tab, no blank lines at either end.
pub(super) fn lines(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = unified.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let start = clean.find(|c: char| !c.is_whitespace()).unwrap_or(clean.len());
    let start = clean[..start].rfind('\n').map_or(0, |newline| newline + 1);
    clean[start..].trim_end().to_owned()
}

/// The longest beginning of at most `bytes` bytes that ends at a character boundary.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// At most `characters` characters.
pub(super) fn shorten(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
