//! Names of folders as IMAP writes them: in quotes, and what is not ASCII in its own form of UTF-7 (RFC 3501 §5.1.3).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// `Atención` is `"Atenci&APM-n"`.
pub(crate) fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    let mut shifted = Vec::new();
    for c in name.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            flush(&mut shifted, &mut text);
            match c {
                '&' => text.push_str("&-"),
                '"' | '\\' => text.extend(['\\', c]),
                _ => text.push(c),
            }
        } else {
            let mut units = [0; 2];
            shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut shifted, &mut text);
    text.push('"');
    text
}

fn flush(shifted: &mut Vec<u8>, text: &mut String) {
    if shifted.is_empty() {
        return;
    }
    text.push('&');
    for chunk in shifted.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            let at = (word >> (18 - 6 * digit)) & 0x3f;
            text.push(char::from(DIGITS[at as usize]));
        }
    }
    text.push('-');
    shifted.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_servers_expect_them() {
        for (name, written) in [
            ("INBOX", "\"INBOX\""),
            ("[Gmail]/Todos los correos", "\"[Gmail]/Todos los correos\""),
            ("Atención", "\"Atenci&APM-n\""),
            ("I+D & \"más\"", "\"I+D &- \\\"m&AOE-s\\\"\""),
            ("台北", "\"&U,BTFw-\""),
            ("日本語", "\"&ZeVnLIqe-\""),
            ("😀", "\"&2D3eAA-\""),
            ("a\r\nB LOGOUT", "\"a&AA0ACg-B LOGOUT\""),
        ] {
            assert_eq!(quoted(name), written, "{name}");
        }
    }
}
