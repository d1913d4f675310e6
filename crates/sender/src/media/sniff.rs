//! Which type a file is of, from its content. What the sender says counts only where the content does not say otherwise.
//!
//! Archives are not opened: a document that is an archive inside is what it was called, if that is a kind of document at all.

/// Bytes of a file's beginning that its type is told from.
pub const SNIFF_BYTES: usize = 4096;

/// Where nothing is known.
pub const UNKNOWN: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
const HTML: &str = "text/html";
const SVG: &str = "image/svg+xml";
const XML: &str = "application/xml";

/// Longest type that is kept; RFC 6838 allows 127 characters on either side.
const TYPE_BYTES_MAX: usize = 255;

/// What a browser would take for HTML, at the beginning of a file, in lower case.
const HTML_BEGINNINGS: [&str; 17] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
];

/// Types whose files look like another type to who reads their first bytes only: (what is seen, what it may be all the same).
const CONTAINERS: [(&str, &[&str]); 6] = [
    (
        "application/zip",
        &[
            "application/vnd.openxmlformats-officedocument.",
            "application/vnd.oasis.opendocument.",
            "application/epub+zip",
            "application/vnd.ms-",
            "application/java-archive",
            "application/vnd.android.package-archive",
            "application/x-zip-compressed",
            "application/vnd.google-earth.kmz",
            "application/vnd.apple.",
        ],
    ),
    (
        "application/x-ole-storage",
        &["application/msword", "application/vnd.ms-", "application/x-msi", "application/vnd.visio"],
    ),
    ("video/mp4", &["audio/mp4", "audio/x-m4a", "audio/m4a", "video/3gpp", "video/quicktime"]),
    ("video/webm", &["audio/webm", "video/x-matroska"]),
    ("audio/ogg", &["video/ogg", "application/ogg", "audio/opus"]),
    ("image/tiff", &["image/x-"]),
];

/// The type of a file that begins so, in lower case, without parameters.
pub fn sniff(beginning: &[u8], declared: &str) -> String {
    let declared = clean(declared);
    let beginning = &beginning[..beginning.len().min(SNIFF_BYTES)];
    if let Some(markup) = markup(beginning) {
        return markup.to_owned();
    }
    if let Some(found) = infer::get(beginning) {
        let found = usual(found.mime_type());
        return if may_be(found, &declared) { declared } else { found.to_owned() };
    }
    // Nothing in it says what it is. Types that always say so are lies.
    if declared.is_empty() || says_itself(&declared) || is_markup(&declared) {
        return if is_text(beginning) { TEXT.to_owned() } else { UNKNOWN.to_owned() };
    }
    declared
}

/// The type, where the content leaves no doubt. An archive may be many kinds of document, and a text anything.
pub fn certain(beginning: &[u8]) -> Option<String> {
    let found = sniff(beginning, "");
    let doubtful = found == UNKNOWN || found == TEXT || CONTAINERS.iter().any(|(seen, _)| *seen == found);
    (!doubtful).then_some(found)
}

/// The declared type in lower case without parameters; empty if it is not one.
fn clean(declared: &str) -> String {
    let name = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let valid =
        name.len() <= TYPE_BYTES_MAX && name.split_once('/').is_some_and(|(main, sub)| token(main) && token(sub));
    if valid { name } else { String::new() }
}

/// Which markup it is that a browser could run something in.
fn markup(beginning: &[u8]) -> Option<&'static str> {
    let text = text_of(beginning).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_tag = |name: &&str| {
        let rest = text.strip_prefix(*name)?;
        // `<b` is also the beginning of `<bill>`.
        (*name == "<!--" || rest.is_empty() || rest.starts_with([' ', '>', '\n', '\r', '\t', '/'])).then_some(())
    };
    let begins_as_markup = text.starts_with("<?xml") || text.starts_with("<!");
    if text.starts_with("<svg") || begins_as_markup && text.contains("<svg") {
        return Some(SVG);
    }
    if HTML_BEGINNINGS.iter().any(|name| is_tag(name).is_some()) || begins_as_markup && text.contains("<html") {
        return Some(HTML);
    }
    text.starts_with("<?xml").then_some(XML)
}

/// The beginning as text, also where it is written with two bytes a character.
fn text_of(beginning: &[u8]) -> String {
    let wide = |decode: fn([u8; 2]) -> u16| {
        let units = beginning[2..].chunks_exact(2).map(|pair| decode([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match beginning {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(beginning).into_owned(),
    }
}

/// One name for what has several.
fn usual(found: &str) -> &str {
    match found {
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        "audio/opus" | "application/ogg" => "audio/ogg",
        "text/xml" => XML,
        other => other,
    }
}

/// Whether content that looks like `found` may be of the declared type.
fn may_be(found: &str, declared: &str) -> bool {
    let family = CONTAINERS.iter().find(|(seen, _)| *seen == found).map(|(_, inside)| *inside);
    found == usual(declared) || family.is_some_and(|inside| inside.iter().any(|kind| declared.starts_with(kind)))
}

/// Types whose files always begin in a way that is known here.
fn says_itself(declared: &str) -> bool {
    declared.starts_with("image/")
        || declared.starts_with("video/")
        || declared.starts_with("audio/") && declared != "audio/aac"
        || ["application/pdf", "application/zip", "application/gzip"].contains(&declared)
}

/// Markup by name alone: what holds none is shown as text.
fn is_markup(declared: &str) -> bool {
    declared == HTML || declared.ends_with("+xml") || declared.ends_with("/xml")
}

/// Whether it reads as text. The last character may be cut.
fn is_text(beginning: &[u8]) -> bool {
    let cut = |error: std::str::Utf8Error| error.error_len().is_none();
    let readable = std::str::from_utf8(beginning).map_or_else(cut, |_| true);
    let control = |byte: &u8| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(byte);
    readable && !beginning.is_empty() && !beginning.iter().any(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_more_than_what_was_said() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0";
        let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
        let table: &[(&[u8], &str, &str)] = &[
            (png, "image/png", "image/png"),
            (png, "application/octet-stream", "image/png"),
            (png, "text/html", "image/png"),
            (jpeg, "image/jpg", "image/jpeg"),
            (jpeg, "IMAGE/JPEG; name=a.jpg", "image/jpeg"),
            (b"OggS\0\x02\0\0", "audio/ogg; codecs=opus", "audio/ogg"),
            (b"%PDF-1.7\n", "application/pdf", "application/pdf"),
            (b"%PDF-1.7\n", "image/png", "application/pdf"),
            (
                zip,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (zip, "image/png", "application/zip"),
            (zip, "application/pdf", "application/zip"),
            (ole, "application/msword", "application/msword"),
            (b"<html><script>alert(1)</script>", "image/png", "text/html"),
            (b"\xef\xbb\xbf \n<!DOCTYPE HTML>", "text/plain", "text/html"),
            (b"<script>x</script>", "application/pdf", "text/html"),
            (b"<!-- x --><p>", "text/plain", "text/html"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'>", "image/png", "image/svg+xml"),
            (b"<?xml version='1.0'?><!DOCTYPE svg><svg>", "image/svg+xml", "image/svg+xml"),
            (b"<?xml version='1.0'?><a/>", "text/plain", "application/xml"),
            (b"\xff\xfe<\0h\0t\0m\0l\0>\0", "text/plain", "text/html"),
            (b"\xfe\xff\0<\0s\0v\0g\0 ", "image/png", "image/svg+xml"),
            (b"hola", "image/png", "text/plain"),
            (b"\x01\x02\x03", "image/png", UNKNOWN),
            (b"\x01\x02\x03", "", UNKNOWN),
            (b"hola", "text/html", "text/plain"),
            (b"a;b\n1;2\n", "text/csv", "text/csv"),
            (b"BEGIN:VCARD", "text/vcard", "text/vcard"),
            (b"<bill>1</bill>", "text/plain", "text/plain"),
            (b"{}", "application/json", "application/json"),
            (b"{}", "application/json\r\nX-Evil: 1", "text/plain"),
            (b"{}", "not a type", "text/plain"),
            (b"{}", "a/b/c", "text/plain"),
            (b"", "image/png", UNKNOWN),
        ];
        for (bytes, declared, wanted) in table {
            assert_eq!(sniff(bytes, declared), *wanted, "{:?} as {declared:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn only_what_leaves_no_doubt_is_certain() {
        assert_eq!(certain(b"%PDF-1.7\n").as_deref(), Some("application/pdf"));
        assert_eq!(certain(b"<html>").as_deref(), Some("text/html"));
        for doubtful in [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), b"hola", b"", b"\x01"] {
            assert_eq!(certain(doubtful), None);
        }
    }

    #[test]
    fn an_mp4_without_pictures_may_be_called_audio() {
        let mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
        assert_eq!(sniff(mp4, "audio/mp4"), "audio/mp4");
        assert_eq!(sniff(mp4, "image/png"), "video/mp4");
    }
}
