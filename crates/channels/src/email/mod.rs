//! Mail: the bytes of one RFC 5322 message become one fact.
//!
//! A mail is always understood as far as it can be read: whatever has at least one header field is a mail, because what
//! people's programs send is broken in every way. Nothing is decided here: which conversation it belongs to, and whether
//! it is answered, is for intake and the domain. `References`, names and dates are the sender's claims.
//!
//! Limits cut what is stored in the event, never the raw mail: the texts at [`TEXT_BYTES_MAX`], the HTML at
//! [`HTML_BYTES_MAX`] (what is too long is listed as an attachment instead), and the counts in the modules below.

mod charset;
mod class;
mod flowed;
mod header;
mod html;
mod mime;
mod part;
mod quote;
mod report;
mod text;
mod transfer;

#[cfg(test)]
mod tests;

pub use part::attachments;

use relevo_domain::conversation::Medium;
use relevo_domain::identity::IdentifierKind;
use sha2::{Digest, Sha256};

use crate::fact::{Class, Fact, Identifier, Key, MailFact, NotUnderstood, NotUnderstoodReason, Target, Update, What};
use header::Headers;
use mime::{Content, Piece};

/// Bytes of the visible text, and of the quoted text, that an event holds. Longer ones end with [`CUT_MARK`].
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the HTML that an event holds. Half a page of HTML is of no use, so it is all or nothing.
pub const HTML_BYTES_MAX: usize = 256 * 1024;
/// `References` that are kept: the last ones, which are the nearest.
pub const REFERENCES_MAX: usize = 50;
/// `In-Reply-To` ids that are kept; RFC 5322 means one, some programs list several.
pub const IN_REPLY_TO_MAX: usize = 20;
/// Longest subject kept, in characters: one header line.
pub const SUBJECT_CHARS_MAX: usize = 998;
/// Stands where a text was cut.
pub const CUT_MARK: &str = "\n[…]";

/// The one update of a mail. `own_addresses`: the channel's, to recognise our own mails.
pub fn updates(raw: &[u8], own_addresses: &[String]) -> Vec<Update> {
    let (headers, body) = header::split(raw);
    let content = if headers.is_empty() {
        Err(NotUnderstood {
            reason: NotUnderstoodReason::Malformed,
            at: "header".to_owned(),
            class: Some(Class::Message),
        })
    } else {
        Ok(fact(&headers, body, own_addresses))
    };
    vec![Update { target: Target::Endpoint, content }]
}

fn fact(headers: &Headers, body: &[u8], own_addresses: &[String]) -> Fact {
    let mut content = mime::content(headers, body);
    let content_hash = content_hash(headers, body);
    let message_id = headers.ids("message-id").into_iter().next();
    let author = headers.mailboxes("from").into_iter().next();
    let from = author.as_ref().map(|mailbox| mailbox.address.clone());
    let whole_text = whole_text(&content);
    let delivery = report::delivery(headers, &content, &whole_text);
    let flags = class::flags(headers, &content, Some(&delivery), from.as_deref(), own_addresses);
    let delivery = flags.bounce.then_some(delivery);
    let subject = text::shorten(&headers.text("subject").unwrap_or_default(), SUBJECT_CHARS_MAX);
    let (visible, quoted) = halves(&whole_text, flags.bounce || flags.complaint || quote::forwarded(&subject));
    let html = html_of(&mut content);
    let mail = MailFact {
        message_id: message_id.clone(),
        in_reply_to: first(headers.ids("in-reply-to"), IN_REPLY_TO_MAX),
        references: last(headers.ids("references"), REFERENCES_MAX),
        subject,
        from: from.clone(),
        from_name: author.and_then(|mailbox| mailbox.name),
        to: addresses(headers, "to"),
        cc: addresses(headers, "cc"),
        delivered_to: ["delivered-to", "x-original-to", "envelope-to"]
            .into_iter()
            .flat_map(|name| addresses(headers, name))
            .collect(),
        text: visible,
        quoted,
        html,
        report: report::typed(headers, &content, delivery.as_ref(), flags.delay, &whole_text),
        truncated_from: None,
        report_json: report::json(headers, &content, delivery.as_ref(), &whole_text),
        attachments: content.attachments.into_iter().map(|found| found.attachment).collect(),
        flags,
        content_hash: content_hash.clone(),
    };
    let identifier = from.or_else(|| other_sender(headers));
    Fact {
        key: Key { kind: "mail", provider_id: message_id.unwrap_or_default(), discriminator: content_hash },
        medium: Medium::Email,
        provider_time: headers.date(),
        identifiers: identifier.map(|value| Identifier { kind: IdentifierKind::Email, value }).into_iter().collect(),
        name: mail.from_name.clone(),
        what: What::Mail(Box::new(mail)),
    }
}

/// Who else the mail names as its sender, where `From` cannot be read.
fn other_sender(headers: &Headers) -> Option<String> {
    ["return-path", "reply-to", "sender"]
        .into_iter()
        .find_map(|name| headers.mailboxes(name).into_iter().next())
        .map(|mailbox| mailbox.address)
}

fn addresses(headers: &Headers, name: &str) -> Vec<String> {
    headers.mailboxes(name).into_iter().map(|mailbox| mailbox.address).collect()
}

/// All that can be read, as one text. A report without prose shows its machine-readable part.
fn whole_text(content: &Content) -> String {
    let texts: Vec<String> = content
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Plain(plain) => text::lines(plain),
            Piece::Html(html) => text::lines(&html::to_text(html)),
        })
        .filter(|text| !text.trim().is_empty())
        .collect();
    if texts.is_empty() {
        return content.reports.iter().map(|report| text::lines(&report.text)).collect::<Vec<_>>().join("\n\n");
    }
    texts.join("\n\n")
}

/// The visible and the quoted text, each within its limit.
fn halves(whole: &str, keep_whole: bool) -> (Option<String>, Option<String>) {
    // Twice the limit is read, so that a long quote under a short answer is still told from it.
    let read = text::cut(whole, 2 * TEXT_BYTES_MAX);
    let halves = if keep_whole { quote::Halves { visible: read.to_owned(), quoted: None } } else { quote::split(read) };
    let limited = |text: String| {
        if text.len() <= TEXT_BYTES_MAX { text } else { text::cut(&text, TEXT_BYTES_MAX).to_owned() + CUT_MARK }
    };
    let quoted = match halves.quoted {
        Some(quoted) if read.len() < whole.len() => Some(quoted + CUT_MARK),
        quoted => quoted,
    };
    (Some(halves.visible).filter(|text| !text.trim().is_empty()).map(limited), quoted.map(limited))
}

/// The HTML, if an event can hold it; else it is listed as an attachment, so that a reader knows of it.
fn html_of(content: &mut Content) -> Option<String> {
    let html = std::mem::take(&mut content.html).join("\n");
    if html.len() > HTML_BYTES_MAX {
        content.attach_text("text/html", &html);
        return None;
    }
    Some(html).filter(|html| !html.trim().is_empty())
}

/// SHA-256 over From, Date, Subject and body: the same for every delivery of one mail. Line ends and blanks at the very
/// end change on the way and do not count.
fn content_hash(headers: &Headers, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for name in ["from", "date", "subject"] {
        let value = text::one_line(headers.first(name).unwrap_or(""));
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value.as_bytes());
    }
    for line in body.trim_ascii_end().split(|byte| *byte == b'\n') {
        hash.update(header::trim_break(line));
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

fn first(mut ids: Vec<String>, limit: usize) -> Vec<String> {
    ids.truncate(limit);
    ids
}

fn last(mut ids: Vec<String>, limit: usize) -> Vec<String> {
    ids.drain(..ids.len().saturating_sub(limit));
    ids
}
