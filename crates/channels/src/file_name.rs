//! File names that senders chose, made harmless. Everything after the last path separator is kept, nothing else is
//! promised: names are for people to read, never for building paths.

/// Longest name kept, in characters: fits every file system's 255 bytes for most scripts, and one line of a screen.
pub const MAX_CHARS: usize = 200;

/// The name without path parts, control and invisible direction characters; `None` if nothing readable is left.
pub fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|part| !clean(part).is_empty())?;
    // Again, because the cut may end in blanks, or leave nothing but dots.
    let kept = clean(&shorten(&clean(last)));
    (!kept.is_empty()).then_some(kept)
}

fn clean(part: &str) -> String {
    let visible: String = part.chars().filter(|c| !c.is_control() && !is_direction(*c)).collect();
    let trimmed = visible.trim();
    if trimmed.chars().all(|c| c == '.' || c.is_whitespace()) { String::new() } else { trimmed.to_owned() }
}

/// Characters that turn the reading direction around: `exe.fdp` would be shown as a PDF.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// At most [`MAX_CHARS`] characters; a short extension survives, because it says what the file is.
fn shorten(name: &str) -> String {
    /// Longest extension worth keeping, in characters, dot included.
    const EXTENSION: usize = 16;
    let length = name.chars().count();
    if length <= MAX_CHARS {
        return name.to_owned();
    }
    let extension = name.rfind('.').map(|dot| &name[dot..]).filter(|ext| ext.chars().count() <= EXTENSION);
    let extension = extension.unwrap_or("");
    let stem: String = name.chars().take(MAX_CHARS - extension.chars().count()).collect();
    stem + extension
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_an_ordinary_name() {
        assert_eq!(safe("Factura ñandú 2026.pdf").as_deref(), Some("Factura ñandú 2026.pdf"));
    }

    #[test]
    fn takes_path_parts_away() {
        assert_eq!(safe("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(safe(r"C:\Users\ana\cv.doc").as_deref(), Some("cv.doc"));
        assert_eq!(safe("photos/").as_deref(), Some("photos"));
    }

    #[test]
    fn nothing_readable_is_no_name() {
        for name in ["", "  ", ".", "..", "../..", "/", "\0\n", "...", ". ."] {
            assert_eq!(safe(name), None, "{name:?}");
        }
    }

    #[test]
    fn takes_control_and_direction_characters_away() {
        assert_eq!(safe("a\0b\r\nc.txt").as_deref(), Some("abc.txt"));
        assert_eq!(safe("cv\u{202e}fdp.exe").as_deref(), Some("cvfdp.exe"));
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = safe(&format!("{}.pdf", "ñ".repeat(400))).unwrap();
        assert_eq!(name.chars().count(), MAX_CHARS);
        assert!(std::path::Path::new(&name).extension().is_some_and(|ext| ext == "pdf"));
    }

    #[test]
    fn a_name_that_was_cut_is_safe_too() {
        let words = safe(&"HOLA ".repeat(60)).unwrap();
        assert!(words.ends_with("HOLA") && words.chars().count() == MAX_CHARS - 1);
        assert_eq!(safe(&format!("{}{}", ". ".repeat(150), "x".repeat(40))), None);
    }

    proptest! {
        #[test]
        fn never_a_path_never_too_long(name in any::<String>()) {
            if let Some(safe_name) = safe(&name) {
                prop_assert!(!safe_name.is_empty() && safe_name.chars().count() <= MAX_CHARS);
                prop_assert!(!safe_name.contains(['/', '\\', '\0', '\n']));
                prop_assert!(safe_name != "." && safe_name != "..");
                prop_assert_eq!(safe(&safe_name), Some(safe_name.clone()));
            }
        }
    }
}
