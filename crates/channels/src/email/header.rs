//! The header of a mail or of one of its parts: which bytes it is, its fields, and their typed values.
//!
//! Lenient on purpose: a broken line costs itself and nothing else. Values are unfolded and are UTF-8 whatever bytes
//! came. Nothing here knows what a body is.

use mail_parser::parsers::MessageStream;
use mail_parser::{DateTime, HeaderValue};
use relevo_domain::Timestamp;

use super::charset;
use super::text::{one_line, shorten};

/// Fields that are read; a real mail has fewer than 200.
pub(super) const FIELDS_MAX: usize = 2_000;
/// Bytes of one field that are read. Of `References` the end counts, of everything else the beginning.
pub(super) const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a field with parameters: the parser compares every parameter with every other.
pub(super) const PARAMETER_FIELD_BYTES_MAX: usize = 8 * 1024;
/// Longest address (RFC 5321: 64 + 1 + 255 bytes), and longest Message-ID (one line of RFC 5322).
pub(super) const ADDRESS_BYTES_MAX: usize = 320;
pub(super) const ID_BYTES_MAX: usize = 998;
/// Longest name of a person, in characters.
pub(super) const NAME_CHARS_MAX: usize = 200;
/// Recipients kept of `To` and of `Cc`.
pub(super) const RECIPIENTS_MAX: usize = 100;

/// One field: name in lower case, value unfolded.
#[derive(Debug)]
struct Field {
    name: String,
    value: String,
}

/// The fields of one header, in order.
#[derive(Debug, Default)]
pub(super) struct Headers {
    fields: Vec<Field>,
}

/// A field with parameters: `Content-Type`, `Content-Disposition`. Lower case but for the parameters' values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) main: String,
    pub(super) sub: String,
    values: Vec<(String, String)>,
}

/// An address with the name that stands beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) address: String,
    pub(super) name: Option<String>,
}

/// Splits bytes into header and body. Without any field the header is empty and all bytes are body.
pub(super) fn split(raw: &[u8]) -> (Headers, &[u8]) {
    let mut headers = Headers::default();
    let mut at = skip_blank_lines(raw);
    let mut lines = 0_usize;
    let mut open: Option<(String, Vec<u8>)> = None;
    while at < raw.len() {
        let next = line_end(raw, at);
        let line = trim_break(&raw[at..next]);
        if line.is_empty() {
            at = next;
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) && (open.is_some() || lines > 0) {
            if let Some((_, value)) = &mut open {
                grow(value, line);
            }
        } else if let Some((name, value)) = field(line) {
            headers.close(open.take());
            open = Some((name, value.to_vec()));
        } else if lines == 0 && line.starts_with(b"From ") || header_goes_on(raw, next) {
            headers.close(open.take());
        } else {
            break;
        }
        lines += 1;
        at = next;
    }
    headers.close(open);
    if headers.fields.is_empty() { (headers, raw) } else { (headers, &raw[at..]) }
}

/// The header of a part starts at once: a blank first line means that it has none.
pub(super) fn split_part(raw: &[u8]) -> (Headers, &[u8]) {
    let first = line_end(raw, 0);
    if trim_break(&raw[..first]).is_empty() { (Headers::default(), &raw[first..]) } else { split(raw) }
}

/// All ids in angle brackets, else all bare words that look like one. Quoted text around them is ignored.
pub(super) fn ids(value: &str) -> Vec<String> {
    let bracketed: Vec<String> =
        value.split('<').skip(1).filter_map(|rest| rest.split_once('>')).filter_map(|(id, _)| id_of(id)).collect();
    if !bracketed.is_empty() || value.contains('<') {
        return bracketed;
    }
    value.split([' ', '\t', ',']).filter(|word| word.contains('@')).filter_map(id_of).collect()
}

/// A usable mail address in lower case.
pub(super) fn address_of(text: &str) -> Option<String> {
    let word = text.split_whitespace().find(|word| word.contains('@'))?;
    let word =
        word.trim_matches(|c: char| matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | ',' | ';' | ':'));
    let word = word.split_once('>').map_or(word, |(address, _)| address);
    let (local, domain) = word.rsplit_once('@')?;
    let clean = |part: &str| {
        !part.is_empty()
            && !part.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"'))
    };
    (clean(local) && clean(domain) && word.len() <= ADDRESS_BYTES_MAX).then(|| word.to_lowercase())
}

// === impl Headers ===

impl Headers {
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first field of that name, unfolded and undecoded.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Human text (RFC 2047 decoded), on one line.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.first(name).map(|value| one_line(&decode_words(value)))
    }

    pub(super) fn ids(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(ids).collect()
    }

    /// Every readable mailbox of the fields of that name.
    pub(super) fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        self.all(name).flat_map(mailboxes).take(RECIPIENTS_MAX).collect()
    }

    pub(super) fn date(&self) -> Option<Timestamp> {
        let line = format!("{}\n", self.first("date")?);
        let HeaderValue::DateTime(date) = MessageStream::new(line.as_bytes()).parse_date() else { return None };
        date_of(&date)
    }

    /// Of several the one that has parts wins: senders that append a second one append `text/plain`.
    pub(super) fn content_type(&self) -> Option<Parameters> {
        let mut all = self.all("content-type").filter_map(parameters).take(3).collect::<Vec<_>>();
        let best = all.iter().position(|kind| kind.main == "multipart").unwrap_or(0);
        (best < all.len()).then(|| all.swap_remove(best))
    }

    pub(super) fn disposition(&self) -> Option<Parameters> {
        self.first("content-disposition").and_then(parameters)
    }

    /// First word, lower case.
    pub(super) fn transfer_encoding(&self) -> String {
        let value = self.first("content-transfer-encoding").unwrap_or("");
        value.split([' ', '\t', ';', '(']).find(|word| !word.is_empty()).unwrap_or("").to_ascii_lowercase()
    }

    fn close(&mut self, field: Option<(String, Vec<u8>)>) {
        let Some((name, value)) = field else { return };
        if self.fields.len() >= FIELDS_MAX {
            return;
        }
        let kept = if value.len() <= FIELD_BYTES_MAX {
            &value[..]
        } else if name == "references" {
            &value[value.len() - FIELD_BYTES_MAX..]
        } else {
            &value[..FIELD_BYTES_MAX]
        };
        self.fields.push(Field { name, value: charset::guess(kept).trim().to_owned() });
    }
}

// === impl Parameters ===

impl Parameters {
    /// A bare `type/subtype`.
    pub(super) fn of(mime_type: &str) -> Self {
        let (main, sub) = mime_type.split_once('/').unwrap_or((mime_type, ""));
        Self { main: main.to_owned(), sub: sub.to_owned(), values: Vec::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is(&self, main: &str, sub: &str) -> bool {
        self.main == main && self.sub == sub
    }

    /// `type/subtype`.
    pub(super) fn mime_type(&self) -> String {
        if self.sub.is_empty() { self.main.clone() } else { format!("{}/{}", self.main, self.sub) }
    }
}

// === helpers ===

/// Human text with its RFC 2047 words decoded. May contain line breaks that the words carried.
pub(super) fn decode_words(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let line = format!("{value}\n");
    match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        HeaderValue::TextList(texts) => texts.join(" "),
        _ => value.to_owned(),
    }
}

fn mailboxes(value: &str) -> Vec<Mailbox> {
    let value = &without_trailers(value);
    let line = format!("{value}\n");
    let bare = || address_of(value).map(|address| Mailbox { address, name: None }).into_iter().collect();
    let HeaderValue::Address(parsed) = MessageStream::new(line.as_bytes()).parse_address() else { return bare() };
    let found: Vec<Mailbox> = parsed
        .iter()
        .filter_map(|entry| {
            let address = address_of(entry.address.as_deref()?)?;
            let name = entry.name.as_deref().map(|name| shorten(&one_line(name), NAME_CHARS_MAX));
            Some(Mailbox { name: name.filter(|name| !name.is_empty() && *name != address), address })
        })
        .collect();
    if found.is_empty() { bare() } else { found }
}

/// `<a@x>a@x, …` → `<a@x>, …`: what stands between a bracket and the next comma would become part of the address.
fn without_trailers(value: &str) -> String {
    let (mut quoted, mut escaped, mut trailing) = (false, false, false);
    let mut keep = |c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        trailing = !quoted && (trailing && !matches!(c, ',' | ';' | '<') || c == '>');
        !trailing || c == '>'
    };
    value.chars().filter(|c| keep(*c)).collect()
}

fn parameters(value: &str) -> Option<Parameters> {
    let line = format!("{}\n", super::text::cut(value, PARAMETER_FIELD_BYTES_MAX));
    let HeaderValue::ContentType(parsed) = MessageStream::new(line.as_bytes()).parse_content_type() else {
        return None;
    };
    let token = |text: &str| text.trim().to_ascii_lowercase();
    Some(Parameters {
        main: token(&parsed.c_type),
        sub: token(parsed.c_subtype.as_deref().unwrap_or("")),
        values: parsed
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|attribute| (token(&attribute.name), attribute.value.into_owned()))
            .collect(),
    })
}

fn date_of(date: &DateTime) -> Option<Timestamp> {
    date.is_valid().then(|| Timestamp::from_seconds(date.to_timestamp()))
}

fn id_of(text: &str) -> Option<String> {
    let id = text.trim();
    let usable = !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(|c| c.is_whitespace() || c.is_control());
    usable.then(|| id.to_owned())
}

/// Name in lower case and the bytes after the colon, if the line is a field. Names of real fields have no other characters.
fn field(line: &[u8]) -> Option<(String, &[u8])> {
    /// Longest name of a field, in bytes.
    const NAME_BYTES_MAX: usize = 80;
    let colon = line.iter().take(NAME_BYTES_MAX).position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let usable = !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        // A link on a line of its own is text.
        && !line[colon..].starts_with(b"://");
    usable.then(|| (String::from_utf8_lossy(name).to_ascii_lowercase(), &line[colon + 1..]))
}

/// Whether the line at `at` continues a header: what stands before it was one broken line, not the start of a body.
fn header_goes_on(raw: &[u8], at: usize) -> bool {
    let line = trim_break(&raw[at..line_end(raw, at)]);
    field(line).is_some()
}

/// Adds a folded line, but no more than a field may hold (twice, so that the end of `References` can be taken).
fn grow(value: &mut Vec<u8>, line: &[u8]) {
    value.extend_from_slice(line);
    if value.len() > 4 * FIELD_BYTES_MAX {
        let keep = value.len() - 2 * FIELD_BYTES_MAX;
        value.drain(FIELD_BYTES_MAX..keep.max(FIELD_BYTES_MAX));
    }
}

fn skip_blank_lines(raw: &[u8]) -> usize {
    let bom = if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    bom + raw[bom..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// Index after the line break that ends the line at `at`.
pub(super) fn line_end(raw: &[u8], at: usize) -> usize {
    raw[at..].iter().position(|byte| *byte == b'\n').map_or(raw.len(), |offset| at + offset + 1)
}

pub(super) fn trim_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
