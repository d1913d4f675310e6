//! The parts of a mail: which are its text, which are attachments, which are reports.
//!
//! The tree is walked here and not by the MIME library, because the library's tree has no limit: a mail of two million
//! nested messages would overflow the stack when it is freed. Attached messages are attachments; nobody looks inside.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use relevo_domain::conversation::{Attachment, AttachmentPersonal};
use sha2::{Digest, Sha256};

use super::header::{Headers, Parameters, line_end, split, split_part, trim_break};
use super::{charset, flowed, header, transfer};
use crate::file_name;

/// Multiparts inside multiparts; deeper ones are kept as one attachment. Real mails have at most six.
pub(super) const NESTING_MAX: usize = 20;
/// Parts that are looked at; those after it stay in the raw mail alone.
pub(super) const PARTS_MAX: usize = 500;
/// Bytes of a machine-readable report that are read: thousands of recipients.
pub(super) const REPORT_BYTES_MAX: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The text to show, in order.
    pub(super) pieces: Vec<Piece>,
    /// HTML bodies, in order.
    pub(super) html: Vec<String>,
    pub(super) attachments: Vec<Found>,
    pub(super) reports: Vec<Report>,
    /// Header of the message that a report is about.
    pub(super) original: Option<Headers>,
}

/// One text.
#[derive(Debug)]
pub(super) enum Piece {
    Plain(String),
    Html(String),
}

/// An attachment, with the id by which HTML names it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) attachment: Attachment,
    content_id: Option<String>,
}

/// A machine-readable part.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) kind: ReportKind,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportKind {
    /// RFC 3464.
    Delivery,
    /// RFC 8098: somebody opened a mail.
    Disposition,
    /// RFC 5965: somebody called a mail spam.
    Feedback,
}

/// Looks at the whole mail.
pub(super) fn content(headers: &Headers, body: &[u8]) -> Content {
    let mut walk = Walk::default();
    let texts = walk.entity(headers, body, &Place { depth: 0, in_digest: false });
    let cids: HashSet<&str> = texts.html.iter().flat_map(|html| content_ids(html)).collect();
    for found in &mut walk.content.attachments {
        found.attachment.inline = found.content_id.as_deref().is_some_and(|id| cids.contains(id));
        if found.attachment.inline {
            found.attachment.personal.content_id.clone_from(&found.content_id);
        }
    }
    Content { pieces: texts.pieces, html: texts.html, ..walk.content }
}

impl Content {
    /// Lists a text that is too long for the event. It is no longer shown, so pictures inside it are attachments too.
    pub(super) fn attach_text(&mut self, mime_type: &str, text: &str) {
        for found in &mut self.attachments {
            found.attachment.inline = false;
            found.attachment.personal.content_id = None;
        }
        let attachment = describe(mime_type, text.as_bytes(), self.attachments.len(), None);
        self.attachments.push(Found { attachment, content_id: None });
    }
}

/// The texts of one subtree.
#[derive(Default)]
struct Texts {
    pieces: Vec<Piece>,
    html: Vec<String>,
}

struct Place {
    depth: usize,
    /// Parts of a digest are messages unless they say something else.
    in_digest: bool,
}

/// What was taken out of a mail.
pub(super) struct Taken {
    /// The contents of the attachments that were wanted, decoded, by the place at which they are listed.
    pub(super) attachments: BTreeMap<usize, Vec<u8>>,
    /// How many attachments there are.
    pub(super) count: usize,
    /// HTML bodies, in order.
    pub(super) html: Vec<String>,
}

/// Takes attachments out, all in one walk: each part is decoded once, however many are wanted.
pub(super) fn take(headers: &Headers, body: &[u8], wanted: &BTreeSet<usize>) -> Taken {
    let mut walk = Walk { wanted: Some(wanted), ..Walk::default() };
    let texts = walk.entity(headers, body, &Place { depth: 0, in_digest: false });
    Taken { attachments: walk.taken, count: walk.count, html: texts.html }
}

#[cfg(test)]
thread_local! {
    /// Parts that were decoded by this thread.
    pub(super) static DECODED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[derive(Default)]
struct Walk<'w> {
    parts: usize,
    /// Present: the walk takes these attachments out, and describes nothing.
    wanted: Option<&'w BTreeSet<usize>>,
    taken: BTreeMap<usize, Vec<u8>>,
    /// Attachments so far.
    count: usize,
    content: Content,
}

impl Walk<'_> {
    fn entity(&mut self, headers: &Headers, body: &[u8], place: &Place) -> Texts {
        let kind = headers
            .content_type()
            .unwrap_or_else(|| Parameters::of(if place.in_digest { "message/rfc822" } else { "text/plain" }));
        if kind.main != "multipart" {
            return self.leaf(headers, body, &kind, place);
        }
        if place.depth >= NESTING_MAX {
            self.attach(headers, &kind, body);
            return Texts::default();
        }
        let boundary = kind.get("boundary").map(str::trim_end).filter(|boundary| !boundary.is_empty());
        let Some(parts) =
            boundary.and_then(|boundary| split_parts(body, boundary.as_bytes(), PARTS_MAX - self.parts.min(PARTS_MAX)))
        else {
            // Announced, but never there: what stands in the body is text.
            return self.leaf(headers, body, &Parameters::of("text/plain"), place);
        };
        let inner = Place { depth: place.depth + 1, in_digest: kind.sub == "digest" };
        let mut children = Vec::new();
        for part in parts {
            self.parts += 1;
            let (headers, body) = split_part(part);
            children.push(self.entity(&headers, body, &inner));
        }
        if kind.sub == "alternative" { best_of(children) } else { all_of(children) }
    }

    fn leaf(&mut self, headers: &Headers, body: &[u8], kind: &Parameters, place: &Place) -> Texts {
        let bytes = transfer::decode(&headers.transfer_encoding(), body);
        #[cfg(test)]
        DECODED.set(DECODED.get() + 1);
        if self.wanted.is_none() {
            self.note_report(kind, &bytes);
        }
        let is_text = kind.is("text", "plain") || kind.is("text", "html");
        if !is_text || stands_apart(headers, kind, place) {
            self.attach(headers, kind, &bytes);
            return Texts::default();
        }
        let text = charset::decode(kind.get("charset"), &bytes).replace('\0', "");
        if kind.sub == "html" {
            return Texts { pieces: vec![Piece::Html(text.clone())], html: vec![text] };
        }
        let flowed = kind.get("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
        let delete_space = kind.get("delsp").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        let text = if flowed { flowed::unflow(&text, delete_space) } else { text };
        Texts { pieces: vec![Piece::Plain(text)], html: Vec::new() }
    }

    fn attach(&mut self, headers: &Headers, kind: &Parameters, bytes: &[u8]) {
        let index = self.count;
        self.count += 1;
        if let Some(wanted) = self.wanted {
            if wanted.contains(&index) {
                self.taken.insert(index, bytes.to_vec());
            }
            return;
        }
        let disposition = headers.disposition().unwrap_or_default();
        let name = [disposition.get("filename"), kind.get("name")].into_iter().flatten().find_map(readable_name);
        let name = name.or_else(|| (kind.main == "message").then(|| message_name(bytes)).flatten());
        let attachment = describe(&kind.mime_type(), bytes, index, name);
        let content_id = headers.first("content-id").and_then(|value| header::ids(value).pop());
        self.content.attachments.push(Found { attachment, content_id });
    }

    fn note_report(&mut self, kind: &Parameters, bytes: &[u8]) {
        let report = match (kind.main.as_str(), kind.sub.as_str()) {
            ("message", "delivery-status" | "global-delivery-status") => ReportKind::Delivery,
            ("message", "disposition-notification" | "global-disposition-notification") => ReportKind::Disposition,
            ("message", "feedback-report") => ReportKind::Feedback,
            ("message", "rfc822" | "global") | ("text", "rfc822-headers") => {
                if self.content.original.is_none() {
                    self.content.original = Some(split(skip_mbox_line(bytes)).0);
                }
                return;
            }
            _ => return,
        };
        let text = charset::guess(&bytes[..bytes.len().min(REPORT_BYTES_MAX)]);
        self.content.reports.push(Report { kind: report, text });
    }
}

/// A text that is a file, not a part of the letter.
fn stands_apart(headers: &Headers, kind: &Parameters, place: &Place) -> bool {
    let disposition = headers.disposition().unwrap_or_default();
    let named = disposition.get("filename").or_else(|| kind.get("name")).is_some_and(|name| !name.is_empty());
    disposition.main == "attachment" || place.depth > 0 && named
}

/// Metadata of some bytes.
fn describe(mime_type: &str, bytes: &[u8], index: usize, file_name: Option<String>) -> Attachment {
    Attachment {
        mime_type: super::text::shorten(mime_type, MIME_TYPE_CHARS_MAX),
        size_bytes: u64::try_from(bytes.len()).ok(),
        sha256: Some(hex::encode(Sha256::digest(bytes))),
        provider_id: Some(index.to_string()),
        personal: AttachmentPersonal { file_name, ..AttachmentPersonal::default() },
        ..Attachment::default()
    }
}

/// Longest type name kept; RFC 6838 allows 127 characters on either side.
const MIME_TYPE_CHARS_MAX: usize = 255;

/// Of alternatives the first text that a person can read, and the last HTML.
fn best_of(children: Vec<Texts>) -> Texts {
    let readable =
        |texts: &Texts| texts.pieces.iter().any(|piece| matches!(piece, Piece::Plain(text) if !text.trim().is_empty()));
    let chosen =
        children.iter().position(readable).or_else(|| children.iter().position(|texts| !texts.html.is_empty()));
    let mut best = Texts::default();
    for (number, child) in children.into_iter().enumerate() {
        if Some(number) == chosen {
            best.pieces = child.pieces;
        }
        if !child.html.is_empty() {
            best.html = child.html;
        }
    }
    best
}

fn all_of(children: Vec<Texts>) -> Texts {
    let mut all = Texts::default();
    for child in children {
        all.pieces.extend(child.pieces);
        all.html.extend(child.html);
    }
    all
}

/// The parts between the boundary lines; `None` if there is no boundary line. A missing end is the end of the bytes.
fn split_parts<'a>(body: &'a [u8], boundary: &[u8], limit: usize) -> Option<Vec<&'a [u8]>> {
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < body.len() {
        let next = line_end(body, at);
        if let Some(last) = delimiter(trim_break(&body[at..next]), boundary) {
            if let Some(start) = start {
                parts.push(trim_break(&body[start..at]));
            }
            start = (!last).then_some(next);
            if last || parts.len() >= limit {
                return Some(parts);
            }
        }
        at = next;
    }
    let start = start?;
    parts.push(&body[start.min(body.len())..]);
    Some(parts)
}

/// Whether the line is a boundary, and if so whether it is the last one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, last) = rest.strip_prefix(b"--").map_or((rest, false), |rest| (rest, true));
    rest.trim_ascii().is_empty().then_some(last)
}

/// A file name whatever way it was written: plain, RFC 2231 (decoded already), or RFC 2047 words, where they do not belong.
fn readable_name(name: &str) -> Option<String> {
    // Some senders write `name==?utf-8?…` without quotes; the parameter's value then lacks its first character.
    let repaired = if name.starts_with('?') && name.ends_with("?=") {
        Cow::Owned(format!("={name}"))
    } else {
        Cow::Borrowed(name)
    };
    file_name::safe(&header::decode_words(&repaired))
}

/// An attached message is named by its subject.
fn message_name(bytes: &[u8]) -> Option<String> {
    let subject = split(skip_mbox_line(bytes)).0.text("subject").filter(|subject| !subject.is_empty())?;
    file_name::safe(&format!("{}.eml", subject.replace(['/', '\\'], "-")))
}

fn skip_mbox_line(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()..];
    if bytes.starts_with(b"From ") { &bytes[line_end(bytes, 0)..] } else { bytes }
}

/// Every `cid:` that HTML names.
fn content_ids(html: &str) -> impl Iterator<Item = &str> {
    html.split("cid:").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| matches!(c, '"' | '\'' | ')' | '>' | '&') || c.is_whitespace())?;
        Some(&rest[..end])
    })
}
