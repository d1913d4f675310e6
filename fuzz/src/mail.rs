//! A mail, as the webhook for mail and a mailbox bring it in: header, parts, encodings, quotes, reports.

use relevo_channels::email::{
    self, CUT_MARK, HTML_BYTES_MAX, IN_REPLY_TO_MAX, REFERENCES_MAX, SUBJECT_CHARS_MAX, TEXT_BYTES_MAX,
};
use relevo_channels::{MailFact, What, file_name};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::weight;

/// Bytes of output that a byte of input may come to. A part of five bytes (`--x` and two line ends) becomes an attachment with a
/// hash of 64 and its place.
const GROWTH_MAX: usize = 64;
const BESIDE: usize = 4_096;
/// Longest address that is kept, in bytes.
const ADDRESS_BYTES_MAX: usize = 320;
/// Attachments whose bytes are taken out again; more would only make the fuzzer slow.
const TAKEN_MAX: usize = 40;

pub fn run(data: &[u8]) {
    let own = ["ventas@demo.example".to_owned()];
    let updates = email::updates(data, &own);
    assert_eq!(updates.len(), 1, "a mail is one update");
    assert_eq!(updates, email::updates(data, &own), "the same bytes say the same");
    let weight = weight::of(&updates);
    assert!(weight <= GROWTH_MAX * data.len() + BESIDE, "{weight} bytes of {}", data.len());
    let Ok(fact) = &updates[0].content else { return };
    let What::Mail(mail) = &fact.what else { panic!("not a mail: {:?}", fact.what) };
    assert_eq!(fact.key.discriminator, mail.content_hash);
    check_limits(mail);
    check_report(mail);
    check_attachments(data, mail);
    check_hash(data, &own, &mail.content_hash);
}

fn check_limits(mail: &MailFact) {
    for text in [&mail.text, &mail.quoted].into_iter().flatten() {
        assert!(text.len() <= TEXT_BYTES_MAX + CUT_MARK.len() && !text.contains('\0'), "{}", text.len());
    }
    assert!(mail.html.as_ref().is_none_or(|html| html.len() <= HTML_BYTES_MAX));
    assert!(mail.references.len() <= REFERENCES_MAX && mail.in_reply_to.len() <= IN_REPLY_TO_MAX);
    assert!(mail.subject.chars().count() <= SUBJECT_CHARS_MAX && one_line(&mail.subject), "{:?}", mail.subject);
    for id in mail.message_id.iter().chain(&mail.references).chain(&mail.in_reply_to) {
        assert!(!id.is_empty() && !id.chars().any(|c| c.is_whitespace() || c.is_control()), "{id:?}");
    }
    let people = mail.from.iter().chain(&mail.to).chain(&mail.cc).chain(&mail.delivered_to);
    for address in people {
        // Letter case may lengthen what was within the limit.
        assert!(address.contains('@') && one_line(address) && address.len() <= 2 * ADDRESS_BYTES_MAX, "{address:?}");
    }
}

fn one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\0'])
}

fn check_report(mail: &MailFact) {
    if let Some(json) = &mail.report_json {
        assert!(serde_json::from_str::<Value>(json).is_ok_and(|read| read.is_object()), "{json}");
    }
    if let Some(report) = &mail.report {
        assert!(!report.original_message_id.is_empty());
        let first = report.recipients.first().expect("a report is about somebody");
        assert_eq!((&report.status, &report.code), (&first.status, &first.code), "the first is the worst");
    }
}

/// Every attachment that is listed is found again with its very bytes, and no other.
fn check_attachments(data: &[u8], mail: &MailFact) {
    let count = mail.attachments.len();
    for attachment in &mail.attachments {
        if let Some(name) = &attachment.personal.file_name {
            assert_eq!(file_name::safe(name).as_ref(), Some(name), "the name of a file is safe");
        }
    }
    if count > TAKEN_MAX {
        return;
    }
    let taken = email::attachments(data, &(0..=count).collect());
    assert_eq!(taken.len(), count, "each of them, and none that is not listed");
    for (index, attachment) in mail.attachments.iter().enumerate() {
        let bytes = &taken[&index];
        assert_eq!(attachment.provider_id, Some(index.to_string()));
        assert_eq!(attachment.size_bytes, Some(bytes.len() as u64));
        assert_eq!(attachment.sha256, Some(hex::encode(Sha256::digest(bytes))));
    }
}

/// Line ends may change on the way, and blanks at the very end: it is the same mail.
fn check_hash(data: &[u8], own: &[String], hash: &str) {
    let of = |raw: &[u8]| match email::updates(raw, own).pop().map(|update| update.content) {
        Some(Ok(fact)) => fact.key.discriminator,
        Some(Err(_)) | None => String::new(),
    };
    assert_eq!(of(&[data, b"\r\n"].concat()), hash, "a line end more");
    if !data.contains(&b'\r') {
        let mut other = Vec::with_capacity(data.len() + data.len() / 16);
        for byte in data {
            if *byte == b'\n' {
                other.push(b'\r');
            }
            other.push(*byte);
        }
        assert_eq!(of(&other), hash, "other line ends");
    }
}
