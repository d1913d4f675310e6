//! Bytes to text. Declarations are wrong very often, so the bytes have a say; nothing here can fail.

use mail_parser::decoders::charsets::map::charset_decoder;

/// What undeclared 8-bit text that is not UTF-8 is taken for: Windows' Western European set, a superset of Latin-1.
const FALLBACK: &[u8] = b"windows-1252";

/// Text of an undeclared set: UTF-8 if it is, else Western European.
pub(super) fn guess(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if mostly_utf8(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(_) => with(FALLBACK, bytes),
    }
}

/// Text of a declared set, repaired where the declaration is provably wrong.
pub(super) fn decode(declared: Option<&str>, bytes: &[u8]) -> String {
    let label = declared.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase()).unwrap_or_default();
    let label = match label.as_str() {
        // Names that old Microsoft servers use.
        "unicode-1-1-utf-7" | "x-unicode-1-1-utf-7" => "utf-7",
        "unicode-1-1-utf-8" => "utf-8",
        other => other,
    };
    let single_byte_western = matches!(
        label,
        "" | "us-ascii"
            | "ascii"
            | "ansi_x3.4-1968"
            | "iso-8859-1"
            | "iso8859-1"
            | "latin1"
            | "iso-8859-15"
            | "windows-1252"
            | "cp1252"
    );
    let utf8 = matches!(label, "utf-8" | "utf8");
    // Text with accents is never valid UTF-8 by chance: whoever declared Latin-1 for it was wrong.
    if single_byte_western && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() || utf8 {
        return guess(bytes);
    }
    match charset_decoder(label.as_bytes()).filter(|_| !label.is_empty()) {
        Some(decoder) => decoder(bytes),
        None => guess(bytes),
    }
}

/// Broken UTF-8 (cut in the middle of a character) rather than another set: it has whole multi-byte characters too.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > broken
}

fn with(label: &[u8], bytes: &[u8]) -> String {
    charset_decoder(label).map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decoder| decoder(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_what_was_declared_wrong() {
        assert_eq!(decode(Some("iso-8859-1"), "señal".as_bytes()), "señal");
        assert_eq!(decode(Some("us-ascii"), "señal".as_bytes()), "señal");
        assert_eq!(decode(Some("utf-8"), b"se\xf1al"), "señal");
        assert_eq!(decode(None, b"100 \x80"), "100 €");
        assert_eq!(decode(Some("iso-8859-1"), b"100 \x80"), "100 €");
        assert_eq!(decode(Some("x-no-such-set"), b"ma\xf1ana"), "mañana");
    }

    #[test]
    fn utf8_cut_in_a_character_stays_utf8() {
        let text = "año ñandú".as_bytes();
        assert_eq!(decode(Some("utf-8"), &text[..text.len() - 1]), "año ñand\u{fffd}");
    }

    #[test]
    fn knows_other_scripts() {
        assert_eq!(decode(Some("ks_c_5601-1987"), b"\xbe\xc8\xb3\xe7"), "안녕");
        assert_eq!(decode(Some("iso-2022-jp"), b"\x1b$B%O%m!<\x1b(B"), "ハロー");
    }
}
