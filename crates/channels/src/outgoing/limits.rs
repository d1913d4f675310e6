//! What each channel takes: lengths, numbers, sizes and types. Checked before a message is queued, so that whoever writes it is
//! told at once and by name.
//!
//! Windows, templates' own variables and rates are not here: they depend on more than the message.

use std::collections::BTreeSet;

use relevo_domain::conversation::outgoing::{
    Body, Choice, ContactCard, Frame, Location, MediaKind, Outgoing, OutgoingMail, Recipient, Section, StoredFile,
    TemplateUse,
};
use relevo_domain::identity::IdentifierKind;

use super::ChannelKind;
use super::email::address_of;

/// Characters of a text on WhatsApp.
pub const META_TEXT_CHARS_MAX: usize = 4_096;
/// Characters of a body at Twilio, captions included.
pub const TWILIO_TEXT_CHARS_MAX: usize = 1_600;
/// Characters under a medium.
pub const CAPTION_CHARS_MAX: usize = 1_024;
/// Buttons under a text, and characters of their titles and ids.
pub const BUTTONS_MAX: usize = 3;
pub const BUTTON_TITLE_CHARS_MAX: usize = 20;
pub const BUTTON_ID_CHARS_MAX: usize = 256;
/// Characters of the text above buttons.
pub const BUTTONS_TEXT_CHARS_MAX: usize = 1_024;
/// Sections of a list, rows of all of them together, and characters of their parts.
pub const SECTIONS_MAX: usize = 10;
pub const ROWS_MAX: usize = 10;
pub const ROW_TITLE_CHARS_MAX: usize = 24;
pub const ROW_DESCRIPTION_CHARS_MAX: usize = 72;
pub const ROW_ID_CHARS_MAX: usize = 200;
/// Characters of a header and of a footer.
pub const FRAME_CHARS_MAX: usize = 60;
/// Cards in one message: more is an address book. The provider names no number.
pub const CONTACTS_MAX: usize = 50;
/// Characters of a name, address, number or organisation on a card or at a place. The provider names no number.
pub const LINE_CHARS_MAX: usize = 256;
/// Characters of one emoji: families joined from seven, with variation marks.
pub const EMOJI_CHARS_MAX: usize = 16;

/// Bytes of a medium of each kind on WhatsApp.
pub const IMAGE_BYTES_MAX: u64 = 5 * MIB;
pub const AUDIO_BYTES_MAX: u64 = 16 * MIB;
pub const VIDEO_BYTES_MAX: u64 = 16 * MIB;
pub const DOCUMENT_BYTES_MAX: u64 = 100 * MIB;
/// An animated sticker; one that does not move has 100 KB, which only its content tells.
pub const STICKER_BYTES_MAX: u64 = 500 * 1_024;
/// Bytes of any medium at Twilio.
pub const TWILIO_MEDIA_BYTES_MAX: u64 = 16 * MIB;

/// Bytes of a whole mail as it goes over the wire: what Gmail takes, the smallest of the big ones.
pub const MAIL_BYTES_MAX: u64 = 25_000_000;
/// Bytes of all files of a mail together: encoded they grow by more than a third, and the texts need room too.
pub const MAIL_FILES_BYTES_MAX: u64 = 17_000_000;
/// Files of a mail: more belongs in an archive.
pub const MAIL_FILES_MAX: usize = 50;
/// Bytes of a mail's text and of its HTML, each.
pub const MAIL_TEXT_BYTES_MAX: usize = 256 * 1_024;
/// Recipients of a mail, copies included: it is an answer to a customer, not a mailing.
pub const MAIL_RECIPIENTS_MAX: usize = 100;
/// Characters of a subject: one header line.
pub const SUBJECT_CHARS_MAX: usize = 998;
/// Bytes of a mail address (RFC 5321).
pub const ADDRESS_BYTES_MAX: usize = 254;

const MIB: u64 = 1_024 * 1_024;
/// Ten-millionths of a degree from the equator to a pole, and from Greenwich to the other side.
const LATITUDE_E7_MAX: u32 = 900_000_000;
const LONGITUDE_E7_MAX: u32 = 1_800_000_000;

const IMAGE_TYPES: &[&str] = &["image/jpeg", "image/png"];
const VIDEO_TYPES: &[&str] = &["video/mp4", "video/3gpp", "video/3gp"];
const AUDIO_TYPES: &[&str] = &[
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/mp3",
    "audio/mp4",
    "audio/m4a",
    "audio/x-m4a",
    "audio/ogg",
    "audio/opus",
];
const STICKER_TYPES: &[&str] = &["image/webp"];

/// What a channel does not take, and where in the message it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what:?} (limit {limit})")]
pub struct LimitProblem {
    /// `text`, `media.file`, `buttons.title`, `mail.cc`…
    pub field: &'static str,
    /// The channel's limit, in the unit of `what`; 0 where there is none.
    pub limit: u64,
    pub what: LimitKind,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// Nothing is there, or only blanks.
    Missing,
    /// More than `limit` characters (of a mail's text: bytes).
    TooLong,
    /// More than `limit` of them.
    TooMany,
    /// Twice the same where each must differ.
    Duplicate,
    /// Beyond its range, which ends at `limit`.
    OutOfRange,
    /// A file of more than `limit` bytes, or files of more together.
    AttachmentTooBig,
    /// A file of a type that the channel does not show as this kind.
    AttachmentType,
    /// The channel has nothing like it.
    CannotSend,
    /// Not an address of this channel.
    Recipient,
}

type Checked = Result<(), LimitProblem>;

/// Whether the channel takes the message, as far as the message tells.
pub fn check(kind: ChannelKind, outgoing: &Outgoing) -> Checked {
    recipient(kind, &outgoing.personal.to)?;
    match kind {
        ChannelKind::Meta => meta(&outgoing.body),
        ChannelKind::Twilio => twilio(&outgoing.body),
        ChannelKind::Mail => match &outgoing.body {
            Body::Mail(mail) => self::mail(mail),
            Body::Text { .. }
            | Body::Media { .. }
            | Body::Location(_)
            | Body::Contacts(_)
            | Body::Reaction { .. }
            | Body::Buttons { .. }
            | Body::List { .. }
            | Body::Template(_) => cannot("content"),
        },
    }
}

/// The largest file that the channel takes as this kind, in bytes. On mail channels the kind is no matter.
pub const fn file_bytes_max(kind: ChannelKind, medium: MediaKind) -> u64 {
    let meta = match medium {
        MediaKind::Image => IMAGE_BYTES_MAX,
        MediaKind::Audio => AUDIO_BYTES_MAX,
        MediaKind::Video => VIDEO_BYTES_MAX,
        MediaKind::Document => DOCUMENT_BYTES_MAX,
        MediaKind::Sticker => STICKER_BYTES_MAX,
    };
    match kind {
        ChannelKind::Meta => meta,
        ChannelKind::Twilio if meta < TWILIO_MEDIA_BYTES_MAX => meta,
        ChannelKind::Twilio => TWILIO_MEDIA_BYTES_MAX,
        ChannelKind::Mail => MAIL_FILES_BYTES_MAX,
    }
}

/// Digits of a number with its country: E.164 allows 15, and the shortest have 5.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

fn recipient(kind: ChannelKind, to: &Recipient) -> Checked {
    let number = |value: &str| {
        let digits = value.strip_prefix("whatsapp:").unwrap_or(value);
        let digits = digits.strip_prefix('+').unwrap_or(digits);
        DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let usable = match (kind, to.kind) {
        (ChannelKind::Mail, IdentifierKind::Email) => address_of(&to.value).is_some(),
        (ChannelKind::Meta | ChannelKind::Twilio, IdentifierKind::WaId | IdentifierKind::Phone) => number(&to.value),
        (ChannelKind::Meta | ChannelKind::Twilio, IdentifierKind::Bsuid) => {
            !to.value.is_empty()
                && to.value.chars().count() <= LINE_CHARS_MAX
                && to.value.chars().all(|c| c.is_ascii_graphic())
        }
        (ChannelKind::Mail, IdentifierKind::Bsuid | IdentifierKind::WaId | IdentifierKind::Phone)
        | (ChannelKind::Meta | ChannelKind::Twilio, IdentifierKind::Email)
        | (_, IdentifierKind::Username | IdentifierKind::ParentBsuid) => false,
    };
    if usable { Ok(()) } else { Err(LimitProblem { field: "to", limit: 0, what: LimitKind::Recipient }) }
}

fn meta(body: &Body) -> Checked {
    match body {
        Body::Text { text, .. } => required("text", text, META_TEXT_CHARS_MAX),
        Body::Media { kind, file, caption } => {
            medium(ChannelKind::Meta, *kind, file)?;
            self::caption(*kind, caption.as_deref(), CAPTION_CHARS_MAX)
        }
        Body::Location(place) => location(place),
        Body::Contacts(cards) => contacts(cards),
        Body::Reaction { emoji, .. } => optional("reaction.emoji", emoji.as_deref(), EMOJI_CHARS_MAX),
        Body::Buttons { frame, buttons } => {
            self::frame(frame, BUTTONS_TEXT_CHARS_MAX)?;
            self::buttons(buttons)
        }
        Body::List { frame, button, sections } => {
            self::frame(frame, META_TEXT_CHARS_MAX)?;
            required("list.button", button, BUTTON_TITLE_CHARS_MAX)?;
            list(sections)
        }
        Body::Template(template) => header_file(ChannelKind::Meta, template),
        Body::Mail(_) => cannot("mail"),
    }
}

fn twilio(body: &Body) -> Checked {
    match body {
        Body::Text { text, .. } => required("text", text, TWILIO_TEXT_CHARS_MAX),
        Body::Media { kind, file, caption } => {
            medium(ChannelKind::Twilio, *kind, file)?;
            self::caption(*kind, caption.as_deref(), CAPTION_CHARS_MAX)
        }
        Body::Location(place) => location(place),
        Body::Template(template) if template.provider_id.is_none() => cannot("template.id"),
        Body::Template(template) if template.header_file.is_some() => cannot("template.header_file"),
        Body::Template(_) => Ok(()),
        Body::Contacts(_) => cannot("contacts"),
        Body::Reaction { .. } => cannot("reaction"),
        Body::Buttons { .. } => cannot("buttons"),
        Body::List { .. } => cannot("list"),
        Body::Mail(_) => cannot("mail"),
    }
}

fn medium(channel: ChannelKind, kind: MediaKind, file: &StoredFile) -> Checked {
    let types = match kind {
        MediaKind::Image => IMAGE_TYPES,
        MediaKind::Audio => AUDIO_TYPES,
        MediaKind::Video => VIDEO_TYPES,
        MediaKind::Sticker => STICKER_TYPES,
        // Any type, as long as it is one.
        MediaKind::Document => &[],
    };
    let declared = file.mime_type.split(';').next().unwrap_or_default().trim();
    if !(types.contains(&declared) || types.is_empty() && declared.contains('/')) {
        return Err(LimitProblem { field: "media.file", limit: 0, what: LimitKind::AttachmentType });
    }
    size("media.file", file.size_bytes, file_bytes_max(channel, kind))
}

fn header_file(channel: ChannelKind, template: &TemplateUse) -> Checked {
    let Some(file) = &template.header_file else { return Ok(()) };
    let kind = match file.mime_type.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("video") => MediaKind::Video,
        Some(_) | None => MediaKind::Document,
    };
    medium(channel, kind, file).map_err(|problem| LimitProblem { field: "template.header_file", ..problem })
}

fn caption(kind: MediaKind, caption: Option<&str>, limit: usize) -> Checked {
    match kind {
        MediaKind::Image | MediaKind::Video | MediaKind::Document => optional("media.caption", caption, limit),
        MediaKind::Audio | MediaKind::Sticker if caption.is_some_and(|caption| !caption.is_empty()) => {
            cannot("media.caption")
        }
        MediaKind::Audio | MediaKind::Sticker => Ok(()),
    }
}

fn location(place: &Location) -> Checked {
    let range = |field, value: i32, limit: u32| {
        let problem = LimitProblem { field, limit: limit.into(), what: LimitKind::OutOfRange };
        if value.unsigned_abs() <= limit { Ok(()) } else { Err(problem) }
    };
    range("location.latitude_e7", place.latitude_e7, LATITUDE_E7_MAX)?;
    range("location.longitude_e7", place.longitude_e7, LONGITUDE_E7_MAX)?;
    optional("location.name", place.name.as_deref(), LINE_CHARS_MAX)?;
    optional("location.address", place.address.as_deref(), LINE_CHARS_MAX)
}

fn contacts(cards: &[ContactCard]) -> Checked {
    count("contacts", cards.len(), CONTACTS_MAX)?;
    for card in cards {
        required("contacts.name", &card.name, LINE_CHARS_MAX)?;
        optional("contacts.organisation", card.organisation.as_deref(), LINE_CHARS_MAX)?;
        for (field, values) in [("contacts.phones", &card.phones), ("contacts.emails", &card.emails)] {
            if values.len() > CONTACTS_MAX {
                return count(field, values.len(), CONTACTS_MAX);
            }
            values.iter().try_for_each(|value| required(field, value, LINE_CHARS_MAX))?;
        }
    }
    Ok(())
}

fn frame(frame: &Frame, text_limit: usize) -> Checked {
    required("text", &frame.text, text_limit)?;
    optional("header", frame.header.as_deref(), FRAME_CHARS_MAX)?;
    optional("footer", frame.footer.as_deref(), FRAME_CHARS_MAX)
}

fn buttons(buttons: &[Choice]) -> Checked {
    count("buttons", buttons.len(), BUTTONS_MAX)?;
    for button in buttons {
        required("buttons.id", &button.id, BUTTON_ID_CHARS_MAX)?;
        required("buttons.title", &button.title, BUTTON_TITLE_CHARS_MAX)?;
    }
    distinct("buttons.id", buttons.iter().map(|button| button.id.as_str()))?;
    distinct("buttons.title", buttons.iter().map(|button| button.title.as_str()))
}

fn list(sections: &[Section]) -> Checked {
    count("list.sections", sections.len(), SECTIONS_MAX)?;
    count("list.rows", sections.iter().map(|section| section.rows.len()).sum(), ROWS_MAX)?;
    for section in sections {
        if sections.len() > 1 {
            required("list.sections.title", &section.title, ROW_TITLE_CHARS_MAX)?;
        }
        optional("list.sections.title", Some(section.title.as_str()), ROW_TITLE_CHARS_MAX)?;
        count("list.rows", section.rows.len(), ROWS_MAX)?;
        for row in &section.rows {
            required("list.rows.id", &row.id, ROW_ID_CHARS_MAX)?;
            required("list.rows.title", &row.title, ROW_TITLE_CHARS_MAX)?;
            optional("list.rows.description", row.description.as_deref(), ROW_DESCRIPTION_CHARS_MAX)?;
        }
    }
    distinct("list.rows.id", sections.iter().flat_map(|section| &section.rows).map(|row| row.id.as_str()))
}

fn mail(mail: &OutgoingMail) -> Checked {
    // The one that it is to counts too.
    if mail.cc.len() >= MAIL_RECIPIENTS_MAX {
        return Err(problem("mail.cc", MAIL_RECIPIENTS_MAX, LimitKind::TooMany));
    }
    if mail.cc.iter().any(|address| address_of(address).is_none()) {
        return Err(problem("mail.cc", 0, LimitKind::Recipient));
    }
    optional("mail.subject", Some(mail.subject.as_str()), SUBJECT_CHARS_MAX)?;
    let is_blank = |text: &str| text.trim().is_empty();
    if is_blank(&mail.text) && mail.html.as_deref().is_none_or(is_blank) && mail.files.is_empty() {
        return Err(problem("mail.text", MAIL_TEXT_BYTES_MAX, LimitKind::Missing));
    }
    for (field, text) in [("mail.text", Some(mail.text.as_str())), ("mail.html", mail.html.as_deref())] {
        if text.is_some_and(|text| text.len() > MAIL_TEXT_BYTES_MAX) {
            return Err(problem(field, MAIL_TEXT_BYTES_MAX, LimitKind::TooLong));
        }
    }
    if mail.files.len() > MAIL_FILES_MAX {
        return Err(problem("mail.files", MAIL_FILES_MAX, LimitKind::TooMany));
    }
    let total = mail.files.iter().fold(0u64, |total, file| total.saturating_add(file.size_bytes));
    if total > MAIL_FILES_BYTES_MAX {
        let (field, limit) = ("mail.files", MAIL_FILES_BYTES_MAX);
        return Err(LimitProblem { field, limit, what: LimitKind::AttachmentTooBig });
    }
    Ok(())
}

fn size(field: &'static str, bytes: u64, limit: u64) -> Checked {
    match bytes {
        0 => Err(LimitProblem { field, limit, what: LimitKind::Missing }),
        bytes if bytes > limit => Err(LimitProblem { field, limit, what: LimitKind::AttachmentTooBig }),
        _ => Ok(()),
    }
}

fn required(field: &'static str, text: &str, limit: usize) -> Checked {
    if text.trim().is_empty() {
        return Err(problem(field, limit, LimitKind::Missing));
    }
    optional(field, Some(text), limit)
}

fn optional(field: &'static str, text: Option<&str>, limit: usize) -> Checked {
    if text.is_some_and(|text| text.chars().count() > limit) {
        return Err(problem(field, limit, LimitKind::TooLong));
    }
    Ok(())
}

fn count(field: &'static str, number: usize, limit: usize) -> Checked {
    match number {
        0 => Err(problem(field, limit, LimitKind::Missing)),
        number if number > limit => Err(problem(field, limit, LimitKind::TooMany)),
        _ => Ok(()),
    }
}

fn distinct<'a>(field: &'static str, values: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(problem(field, 0, LimitKind::Duplicate));
        }
    }
    Ok(())
}

fn cannot(field: &'static str) -> Checked {
    Err(problem(field, 0, LimitKind::CannotSend))
}

const fn problem(field: &'static str, limit: usize, what: LimitKind) -> LimitProblem {
    LimitProblem { field, limit: limit as u64, what }
}
