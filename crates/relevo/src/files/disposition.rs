//! How a file is shown: inside the page or as a download, and under which name (RFC 6266 and 8187).
//!
//! Only what a browser shows without running anything may be shown inside a page. Everything else is a download, whatever it is
//! called: SVG, HTML and XML above all.

use std::fmt::Write as _;

use http::HeaderValue;
use unicode_width::UnicodeWidthChar as _;

/// Types that are shown inside a page.
const SHOWN: [&str; 12] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/aac",
    "audio/amr",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "video/mp4",
    "video/webm",
];
/// Longest name, in characters: what file systems take.
const NAME_CHARS_MAX: usize = 150;
/// What a file without a usable name is called.
const NAMELESS: &str = "file";

/// The type as a header: one that is none is bytes.
pub(super) fn content_type(mime_type: &str) -> HeaderValue {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    let parts = mime_type.split_once('/');
    let valid = parts.is_some_and(|(main, sub)| {
        [main, sub].into_iter().all(|part| !part.is_empty() && part.len() <= 127 && part.bytes().all(token))
    });
    let unknown = HeaderValue::from_static("application/octet-stream");
    if valid { HeaderValue::from_str(mime_type).unwrap_or(unknown) } else { unknown }
}

/// Whether a file of this type may be shown inside a page.
pub(super) fn shown(mime_type: &str) -> bool {
    SHOWN.contains(&mime_type)
}

/// The header `Content-Disposition`.
pub(super) fn header(inline: bool, file_name: Option<&str>) -> HeaderValue {
    let kind = if inline { "inline" } else { "attachment" };
    let name = safe(file_name.unwrap_or_default());
    let mut text = format!("{kind}; filename=\"{}\"", plain(&name));
    if !name.is_ascii() {
        let _infallible = write!(text, "; filename*=UTF-8''{}", encoded(&name));
    }
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// The name without what leads out of a folder, hides its ending, or means something to a shell, a browser or Windows.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = |c: char| {
        let reserved = matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*' | ';' | '%' | '\'' | '`' | '$' | '&');
        // Characters without a width, among them those that turn the direction of writing around, hide what a name really is.
        let hidden = c.is_control() || c.width().is_none_or(|width| width == 0) && !is_mark(c);
        if hidden { None } else { Some(if reserved { '_' } else { c }) }
    };
    let name: String = last.chars().filter_map(kept).take(NAME_CHARS_MAX).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    match name {
        "" => NAMELESS.to_owned(),
        name if device => format!("_{name}"),
        name => name.to_owned(),
    }
}

/// Accents that stand behind their letter.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// For clients that know ASCII alone.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii() && c != '\\' && c != '"' { c } else { '_' }).collect()
}

fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> String {
        super::header(false, Some(name)).to_str().unwrap().to_owned()
    }

    #[test]
    fn names_are_safe_whatever_they_were() {
        let table = [
            ("a.pdf", "filename=\"a.pdf\""),
            ("", "filename=\"file\""),
            ("...", "filename=\"file\""),
            ("../../etc/passwd", "filename=\"passwd\""),
            ("C:\\Windows\\x.exe", "filename=\"x.exe\""),
            ("a\r\nSet-Cookie: x=1\r\n\r\n.pdf", "filename=\"aSet-Cookie_ x=1.pdf\""),
            ("a\"; filename=\"b.html", "filename=\"a__ filename=_b.html\""),
            ("a\0b.pdf", "filename=\"ab.pdf\""),
            ("CON.txt", "filename=\"_CON.txt\""),
            ("lpt1", "filename=\"_lpt1\""),
            ("foto 1.jpg", "filename=\"foto 1.jpg\""),
            ("año.pdf", "filename=\"a_o.pdf\"; filename*=UTF-8''a%C3%B1o.pdf"),
            // "exe.pdf" that reads as "fdp.exe".
            ("a\u{202e}fdp.exe", "filename=\"afdp.exe\""),
            ("\u{200b}\u{feff}x.pdf", "filename=\"x.pdf\""),
            ("%2e%2e%2fx", "filename=\"_2e_2e_2fx\""),
        ];
        for (name, wanted) in table {
            assert_eq!(header(name), format!("attachment; {wanted}"), "{name:?}");
        }
        let long = header(&"ñ".repeat(5_000));
        assert!(long.len() < 1_500, "{}", long.len());
        assert_eq!(super::header(true, None), "inline; filename=\"file\"");
    }

    #[test]
    fn nothing_that_can_run_is_shown() {
        let active =
            ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml", "application/pdf"];
        for mime_type in
            active.into_iter().chain(["", "text/plain", "application/javascript", "image/svg", "IMAGE/PNG"])
        {
            assert!(!shown(mime_type), "{mime_type}");
        }
        assert!(shown("image/png"));
        assert_eq!(content_type("image/png"), "image/png");
        for bad in ["", "a", "a/", "a/b/c", "text/html; charset=x", "a\r\n/b", "á/b"] {
            assert_eq!(content_type(bad), "application/octet-stream", "{bad:?}");
        }
    }
}
