//! What a report says: which recipient, what happened, about which of our messages. From the machine-readable part where
//! there is one, else from the free text that many servers still send.

use relevo_domain::conversation::DeliveryStatus;
use serde_json::{Map, Value, json};

use super::header::{self, Headers, split};
use super::mime::{Content, ReportKind};
use super::text::{one_line, shorten};
use crate::fact::{MailRecipient, MailReport};

/// Recipients kept of one report.
pub(super) const RECIPIENTS_MAX: usize = 100;
/// Longest diagnostic kept, in characters.
pub(super) const DIAGNOSTIC_CHARS_MAX: usize = 1_000;
/// How a complaint is called among the states of a message. It changes none.
const COMPLAINT: &str = "complaint";
/// Bytes of free text that are searched.
const FREE_TEXT_BYTES_MAX: usize = 64 * 1024;

/// A delivery report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) recipients: Vec<Recipient>,
}

/// What happened to one recipient.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recipient {
    pub(super) address: Option<String>,
    pub(super) original_address: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded`.
    pub(super) action: Option<String>,
    /// RFC 3463, without comments.
    pub(super) status: Option<String>,
    pub(super) diagnostic: Option<String>,
    pub(super) remote_mta: Option<String>,
}

/// The recipients of every delivery report of the mail.
pub(super) fn delivery(headers: &Headers, content: &Content, free_text: &str) -> Delivery {
    let mut recipients: Vec<Recipient> = content
        .reports
        .iter()
        .filter(|report| report.kind == ReportKind::Delivery)
        .flat_map(|report| groups(&report.text))
        .filter_map(|group| recipient(&group))
        .take(RECIPIENTS_MAX)
        .collect();
    if recipients.is_empty() {
        recipients = from_free_text(headers, free_text);
    }
    Delivery { recipients }
}

/// The report in one line, if the mail is one and names the mail that it is about.
pub(super) fn typed(
    headers: &Headers,
    content: &Content,
    delivery: Option<&Delivery>,
    is_delay: bool,
    free_text: &str,
) -> Option<MailReport> {
    let of = |kind: ReportKind| content.reports.iter().find(|report| report.kind == kind);
    let original = || original_message_id(headers, content, free_text);
    let (original_message_id, recipients) = if let Some(feedback) = of(ReportKind::Feedback) {
        let fields = split(feedback.text.as_bytes()).0;
        let recipient = fields.first("original-rcpt-to").and_then(header::address_of);
        (original()?, vec![one(DeliveryStatus::Other(COMPLAINT.to_owned()), recipient, None)])
    } else if let Some(disposition) = of(ReportKind::Disposition) {
        let fields = split(disposition.text.as_bytes()).0;
        let named = fields.ids("original-message-id").into_iter().next();
        let word = fields.text("disposition").unwrap_or_default();
        let word =
            word.rsplit(';').next().unwrap_or_default().split('/').next().unwrap_or_default().trim().to_lowercase();
        let recipient = fields.first("final-recipient").and_then(typed_address);
        let first = fields.first("original-recipient").and_then(typed_address);
        // Whatever else became of it (deleted unread, passed on) does not say that somebody read it.
        let status = if word == "displayed" { DeliveryStatus::Read } else { DeliveryStatus::Warning };
        (named.or_else(original)?, vec![one(status, recipient, first)])
    } else {
        (original()?, delivery?.outcomes(is_delay))
    };
    let worst = recipients.first()?;
    let (status, code, recipient) = (worst.status.clone(), worst.code.clone(), worst.shown().cloned());
    Some(MailReport { original_message_id, status, code, recipient, recipients })
}

const fn one(status: DeliveryStatus, address: Option<String>, original_address: Option<String>) -> MailRecipient {
    MailRecipient { status, code: None, address, original_address }
}

/// The report as JSON text, if the mail is one.
pub(super) fn json(
    headers: &Headers,
    content: &Content,
    delivery: Option<&Delivery>,
    free_text: &str,
) -> Option<String> {
    let of = |kind: ReportKind| content.reports.iter().find(|report| report.kind == kind);
    let mut report = Map::new();
    let kind = if let Some(feedback) = of(ReportKind::Feedback) {
        let fields = split(feedback.text.as_bytes()).0;
        put(&mut report, "feedback_type", fields.text("feedback-type"));
        put(&mut report, "original_recipient", fields.first("original-rcpt-to").and_then(header::address_of));
        "complaint"
    } else if let Some(disposition) = of(ReportKind::Disposition) {
        let fields = split(disposition.text.as_bytes()).0;
        put(&mut report, "disposition", fields.text("disposition"));
        put(&mut report, "final_recipient", fields.first("final-recipient").and_then(header::address_of));
        put(&mut report, "original_message_id", fields.ids("original-message-id").into_iter().next());
        "disposition"
    } else {
        report.insert("recipients".to_owned(), delivery?.recipients.iter().map(Recipient::json).collect());
        "delivery"
    };
    report.insert("kind".to_owned(), kind.into());
    if !report.contains_key("original_message_id") {
        put(&mut report, "original_message_id", original_message_id(headers, content, free_text));
    }
    Some(Value::Object(report).to_string())
}

// === impl Delivery ===

impl Delivery {
    /// What the mail has come to, by recipient: the worst first, and never nothing.
    fn outcomes(&self, is_delay: bool) -> Vec<MailRecipient> {
        let unnamed = if is_delay { DeliveryStatus::Warning } else { DeliveryStatus::Failed };
        let severity =
            |status: &DeliveryStatus| (*status == DeliveryStatus::Failed, *status == DeliveryStatus::Warning);
        let mut named: Vec<MailRecipient> = self.recipients.iter().map(|recipient| recipient.told(&unnamed)).collect();
        // Of equals the first stays first: it is who the mail was to.
        named.sort_by_key(|told| std::cmp::Reverse(severity(&told.status)));
        if named.is_empty() {
            named.push(one(unnamed, None, None));
        }
        named
    }
}

// === impl Recipient ===

impl Recipient {
    /// What was done goes before what the code says; without either it is what the whole report looks like.
    fn outcome(&self, unnamed: &DeliveryStatus) -> DeliveryStatus {
        let by_code = || match self.status.as_deref().and_then(|status| status.bytes().next()) {
            Some(b'5') => DeliveryStatus::Failed,
            Some(b'4') => DeliveryStatus::Warning,
            Some(b'2') => DeliveryStatus::Delivered,
            Some(_) | None => unnamed.clone(),
        };
        match self.action.as_deref() {
            Some("failed") => DeliveryStatus::Failed,
            Some("delayed") => DeliveryStatus::Warning,
            Some("delivered") => DeliveryStatus::Delivered,
            // Handed to somebody who does not report: nothing is known beyond.
            Some("relayed" | "expanded") => DeliveryStatus::Sent,
            Some(_) | None => by_code(),
        }
    }

    fn told(&self, unnamed: &DeliveryStatus) -> MailRecipient {
        MailRecipient {
            status: self.outcome(unnamed),
            code: self.status.clone(),
            address: self.address.clone(),
            original_address: self.original_address.clone(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "final_recipient": self.address,
            "original_recipient": self.original_address,
            "action": self.action,
            "status": self.status,
            "diagnostic": self.diagnostic,
            "remote_mta": self.remote_mta,
        })
    }
}

// === helpers ===

/// The original's own Message-ID, else the one in the free text, else what the report says it answers.
fn original_message_id(headers: &Headers, content: &Content, free_text: &str) -> Option<String> {
    let from_original = content.original.as_ref().and_then(|original| original.ids("message-id").into_iter().next());
    from_original.or_else(|| id_in_text(free_text)).or_else(|| headers.ids("in-reply-to").into_iter().next_back())
}

/// The fields of a report come in groups, separated by blank lines: one about the server, then one a recipient.
fn groups(text: &str) -> Vec<Headers> {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n").map(|group| split(group.as_bytes()).0).filter(|group| !group.is_empty()).collect()
}

fn recipient(group: &Headers) -> Option<Recipient> {
    let action = group.text("action").map(|action| action.split_whitespace().next().unwrap_or("").to_ascii_lowercase());
    let recipient = Recipient {
        address: group.first("final-recipient").and_then(typed_address),
        original_address: group.first("original-recipient").and_then(typed_address),
        action: action.filter(|action| !action.is_empty()),
        status: group.text("status").and_then(|status| status_code(&status)),
        diagnostic: group
            .text("diagnostic-code")
            .map(|text| shorten(after_type(&text), DIAGNOSTIC_CHARS_MAX))
            .filter(|text| !text.is_empty()),
        remote_mta: group.text("remote-mta").map(|text| shorten(after_type(&text), header::NAME_CHARS_MAX)),
    };
    (recipient.address.is_some() || recipient.original_address.is_some() || recipient.action.is_some())
        .then_some(recipient)
}

/// `rfc822; <ana@example.net>` → the address.
fn typed_address(value: &str) -> Option<String> {
    header::address_of(after_type(value))
}

fn after_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest).trim()
}

/// The first `d.d.d` of a text: an enhanced status code, nothing longer (an IP address has four numbers).
fn status_code(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_end_matches('.')).find_map(|word| {
        let numbers: Vec<&str> = word.split('.').collect();
        let usable = numbers.len() == 3
            && matches!(numbers[0], "2" | "4" | "5")
            && numbers.iter().all(|number| (1..=3).contains(&number.len()));
        usable.then(|| word.to_owned())
    })
}

/// For servers that write prose: the failed addresses from their header or from lines that are nothing else, one code, one
/// reason.
fn from_free_text(headers: &Headers, text: &str) -> Vec<Recipient> {
    let report = super::text::cut(text, FREE_TEXT_BYTES_MAX);
    let report = original_start(report).map_or(report, |start| &report[..start]);
    let mut addresses: Vec<String> =
        headers.all("x-failed-recipients").flat_map(|value| value.split(',')).filter_map(header::address_of).collect();
    if addresses.is_empty() {
        addresses = report.lines().filter_map(lone_address).collect();
    }
    addresses.dedup();
    let status = report.lines().find_map(status_code);
    let reason = report.lines().map(str::trim).find(|line| line.len() > 4 && starts_with_reply_code(line));
    addresses
        .into_iter()
        .take(RECIPIENTS_MAX)
        .map(|address| Recipient {
            address: Some(address),
            status: status.clone(),
            diagnostic: reason.map(|line| shorten(&one_line(line), DIAGNOSTIC_CHARS_MAX)),
            ..Recipient::default()
        })
        .collect()
}

/// A line that is one address, perhaps in brackets and with a colon after it.
fn lone_address(line: &str) -> Option<String> {
    let line = line.trim().trim_end_matches(':');
    (!line.contains(char::is_whitespace)).then(|| header::address_of(line)).flatten()
}

/// `550 …`, `450-…`: what an SMTP server answered.
fn starts_with_reply_code(line: &str) -> bool {
    let bytes = line.as_bytes();
    matches!(bytes[0], b'4' | b'5')
        && bytes[1].is_ascii_digit()
        && bytes[2].is_ascii_digit()
        && matches!(bytes[3], b' ' | b'-')
}

/// Where the copy of the original mail begins in the free text.
fn original_start(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    ["----- original message", "--- below this line is a copy", "this is a copy of the message", "mensaje original"]
        .iter()
        .filter_map(|marker| lower.find(marker))
        .min()
}

/// `Message-ID: <…>` on a line of its own.
fn id_in_text(text: &str) -> Option<String> {
    super::text::cut(text, FREE_TEXT_BYTES_MAX)
        .lines()
        .map(|line| line.trim_start_matches(['>', ' ', '\t', '|']))
        .filter(|line| line.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("message-id:")))
        .find_map(|line| header::ids(&line[11..]).into_iter().next())
}

fn put(report: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        report.insert(key.to_owned(), Value::String(shorten(&value, DIAGNOSTIC_CHARS_MAX)));
    }
}
