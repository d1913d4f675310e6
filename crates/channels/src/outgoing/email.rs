//! Mail: the message as it goes over the wire.
//!
//! The same message at the same attempt or a later one is the same bytes: Message-ID, date and boundaries come from what is
//! given. Every value that goes into the header loses its control characters first, so that nobody can end a line there.

use bytes::Bytes;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use relevo_domain::Timestamp;
use relevo_domain::conversation::outgoing::{Body, Outgoing, OutgoingMail, StoredFile};
use relevo_domain::identity::IdentifierKind;
use sha2::{Digest as _, Sha256};

use super::Problem;
use super::limits::{self, LimitKind, LimitProblem};
use crate::file_name;

/// `References` that are sent: the last ones, which are the nearest; servers cut long headers.
pub const REFERENCES_MAX: usize = 20;
/// Marks our own mails, so that one that comes back is known. Its value is the domain that sends.
pub const LOOP_HEADER: &str = "X-Relevo-Loop";
/// The type of a file of which no better one can be said.
const ANY_FILE: &str = "application/octet-stream";

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender<'s> {
    /// The channel's address.
    pub address: &'s str,
    /// Shown before it.
    pub name: Option<&'s str>,
    /// Where answers go, if not to the address: the address with the conversation's token.
    pub reply_to: Option<&'s str>,
}

/// The mail. `files` are those of the message, in its order, with their bytes; `date` is when it was queued. There is never a
/// blind copy.
pub fn compose(
    outgoing: &Outgoing,
    sender: &Sender<'_>,
    files: &[(StoredFile, Bytes)],
    date: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let Body::Mail(mail) = &outgoing.body else { return Err(Problem::CannotSend(kind_word(&outgoing.body))) };
    if files.len() != mail.files.len() {
        return Err(Problem::FileMissing);
    }
    let to = recipient(outgoing)?;
    let mut message = MessageBuilder::new()
        .from(mailbox(sender.name, sender.address).ok_or(Problem::Recipient)?)
        .to(mailbox(None, to).ok_or(Problem::Recipient)?)
        .subject(Text::new(one_line(&mail.subject)))
        .date(Date::new(date.as_millis().div_euclid(1_000)));
    if !mail.cc.is_empty() {
        let cc = mail.cc.iter().map(|address| mailbox(None, address)).collect::<Option<Vec<_>>>();
        message = message.cc(Address::new_list(cc.ok_or(Problem::Recipient)?));
    }
    if let Some(reply_to) = sender.reply_to {
        message = message.reply_to(mailbox(sender.name, reply_to).ok_or(Problem::Recipient)?);
    }
    message = threading(message, mail);
    let domain = sender.address.rsplit_once('@').map_or("", |(_, domain)| domain);
    message = message.header(LOOP_HEADER, raw(&visible(domain)));
    if outgoing.automatic {
        let answers = mail.in_reply_to.is_some();
        message = message.header("Auto-Submitted", raw(if answers { "auto-replied" } else { "auto-generated" }));
        message = message.header("X-Auto-Response-Suppress", raw("All"));
    }
    let mut bytes = Vec::new();
    message.body(content(mail, files)).serialize(&mut bytes);
    if bytes.len() as u64 > limits::MAIL_BYTES_MAX {
        let limit = limits::MAIL_BYTES_MAX;
        return Err(LimitProblem { field: "mail.files", limit, what: LimitKind::AttachmentTooBig }.into());
    }
    Ok(bytes)
}

/// Everybody that the mail goes to: the envelope's recipients, each once.
pub fn recipients(outgoing: &Outgoing) -> Result<Vec<String>, Problem> {
    let Body::Mail(mail) = &outgoing.body else { return Err(Problem::CannotSend(kind_word(&outgoing.body))) };
    let mut all: Vec<String> = Vec::with_capacity(1 + mail.cc.len());
    for address in std::iter::once(recipient(outgoing)?).chain(mail.cc.iter().map(String::as_str)) {
        let address = address_of(address).ok_or(Problem::Recipient)?;
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
            all.push(address);
        }
    }
    Ok(all)
}

/// The address, if it is one that can stand in a header and in an envelope as it is.
pub(super) fn address_of(text: &str) -> Option<String> {
    let address = text.trim();
    let (local, domain) = address.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| {
                !c.is_control()
                    && !c.is_whitespace()
                    && !matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\' | '@')
            })
    };
    (plain(local) && plain(domain) && domain.is_ascii() && address.len() <= limits::ADDRESS_BYTES_MAX)
        .then(|| address.to_owned())
}

/// Text for one header line: every run of control characters is one blank.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_control()).map(str::trim).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn recipient(outgoing: &Outgoing) -> Result<&str, Problem> {
    let to = &outgoing.personal.to;
    if to.kind == IdentifierKind::Email { Ok(&to.value) } else { Err(Problem::Recipient) }
}

fn mailbox<'x>(name: Option<&str>, address: &str) -> Option<Address<'x>> {
    let name = name.map(one_line).filter(|name| !name.is_empty());
    Some(Address::new_address(name, address_of(address)?))
}

fn threading<'x>(mut message: MessageBuilder<'x>, mail: &OutgoingMail) -> MessageBuilder<'x> {
    message = message.message_id(id(&mail.message_id));
    if let Some(parent) = &mail.in_reply_to {
        message = message.in_reply_to(MessageId::new(id(parent)));
    }
    let references: Vec<String> =
        mail.references.iter().map(|reference| id(reference)).filter(|reference| !reference.is_empty()).collect();
    if !references.is_empty() {
        let from = references.len().saturating_sub(REFERENCES_MAX);
        message = message.references(MessageId::new_list(references.into_iter().skip(from)));
    }
    message
}

/// A Message-ID without anything that would end it or its line.
fn id(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>')).collect()
}

/// Text and HTML as alternatives, then the files.
fn content<'x>(mail: &OutgoingMail, files: &[(StoredFile, Bytes)]) -> MimePart<'x> {
    let text = MimePart::new("text/plain", BodyPart::Text(lines(&mail.text).into()));
    let body = match &mail.html {
        Some(html) => {
            let html = MimePart::new("text/html", BodyPart::Text(lines(html).into()));
            multipart("multipart/alternative", mail, vec![text, html])
        }
        None => text,
    };
    if files.is_empty() {
        return body;
    }
    let mut parts = vec![body];
    parts.extend(files.iter().map(|(file, bytes)| attachment(file, bytes)));
    multipart("multipart/mixed", mail, parts)
}

fn multipart<'x>(kind: &'static str, mail: &OutgoingMail, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    // From the Message-ID, so that the same mail has the same bytes, and nobody who writes a text knows it beforehand.
    let boundary = hex::encode(&Sha256::digest(format!("{kind} {}", mail.message_id))[..16]);
    MimePart::new(ContentType::new(kind).attribute("boundary", format!("={boundary}")), parts)
}

/// A file, byte for byte: text files too, whose line ends are part of them.
fn attachment<'x>(file: &StoredFile, bytes: &Bytes) -> MimePart<'x> {
    let name = file.file_name.as_deref().and_then(file_name::safe).unwrap_or_else(|| "file".to_owned());
    MimePart::new(ContentType::new(mime_type(&file.mime_type)), BodyPart::Binary(base64_lines(bytes).into()))
        .attachment(name)
        .transfer_encoding("base64")
}

/// The declared type if it is one that may be encoded; whole messages may not.
fn mime_type(declared: &str) -> String {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_'))
    };
    let declared = declared.split(';').next().unwrap_or_default().trim();
    match declared.split_once('/') {
        Some((main, sub)) if token(main) && token(sub) && !matches!(main, "multipart" | "message") => {
            declared.to_owned()
        }
        Some(_) | None => ANY_FILE.to_owned(),
    }
}

fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    /// Bytes that make one line of 76 characters.
    const LINE_BYTES: usize = 57;
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / LINE_BYTES * 2 + 8);
    for line in bytes.chunks(LINE_BYTES) {
        out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// One kind of line end, no NUL.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

fn visible(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

fn raw<'x>(text: &str) -> HeaderType<'x> {
    HeaderType::Raw(Raw::new(text.to_owned()))
}

fn kind_word(body: &Body) -> &'static str {
    match body {
        Body::Text { .. } => "text",
        Body::Media { kind, .. } => kind.as_str(),
        Body::Location(_) => "location",
        Body::Contacts(_) => "contacts",
        Body::Reaction { .. } => "reaction",
        Body::Buttons { .. } => "buttons",
        Body::List { .. } => "list",
        Body::Template(_) => "template",
        Body::Mail(_) => "mail",
    }
}
