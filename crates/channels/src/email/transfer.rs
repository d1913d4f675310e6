//! Content-Transfer-Encoding, undone. Damaged input gives what can be read of it: mail is repaired, never refused.

use std::borrow::Cow;

/// The content's own bytes. Encodings that are not known (uuencode) leave them as they came.
pub(super) fn decode<'a>(encoding: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding {
        "base64" => Cow::Owned(base64(bytes)),
        "quoted-printable" => Cow::Owned(quoted_printable(bytes)),
        _ => Cow::Borrowed(bytes),
    }
}

/// Foreign characters are skipped; padding ends a group, and another group may follow it.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u8);
    for byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (bits, count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 1;
        if count > 1 {
            out.push((bits >> (8 - 2 * count)) as u8);
        }
        if count == 4 {
            (bits, count) = (0, 0);
        }
    }
    out
}

/// Soft breaks and the blanks before line ends go; an `=` that begins nothing stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        let broken = content.len() < line.len();
        let (content, soft) = match content.strip_suffix(b"=") {
            Some(rest) => (rest, true),
            None => (content, false),
        };
        let mut at = 0;
        while at < content.len() {
            let hex = (content[at] == b'=').then(|| content.get(at + 1..at + 3)).flatten().and_then(hex_pair);
            out.push(hex.unwrap_or(content[at]));
            at += if hex.is_some() { 3 } else { 1 };
        }
        if !soft && broken {
            out.extend_from_slice(if line.ends_with(b"\r\n") {
                b"\r\n"
            } else if line.ends_with(b"\n") {
                b"\n"
            } else {
                b""
            });
        }
    }
    out
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    #[test]
    fn quoted_printable_with_soft_breaks() {
        assert_eq!(quoted_printable(b"100=80=\r\n no.\r\n"), b"100\x80 no.\r\n");
        assert_eq!(quoted_printable(b"a = b=3D=zz"), b"a = b==zz");
        assert_eq!(quoted_printable(b"trailing  \r\nx=\n"), b"trailing\r\nx");
    }

    #[test]
    fn base64_survives_damage() {
        assert_eq!(base64(b"aG9s\r\n YQ==*"), b"hola");
        assert_eq!(base64(b"aG9sYQ"), b"hola");
        assert_eq!(base64(b"aG9sYQ==aG9sYQ=="), b"holahola");
        assert_eq!(base64(b"===="), b"");
    }

    proptest! {
        #[test]
        fn base64_undoes_base64(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(base64(STANDARD.encode(&bytes).as_bytes()), bytes);
        }
    }
}
