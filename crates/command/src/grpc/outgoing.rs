//! What a client wants to be sent, read from its request. What a channel takes is the channel's to say; here is what makes no sense
//! anywhere.

use relevo_domain::conversation::{Choice, ContactCard, Frame, Location, MediaKind, Section};
use relevo_domain::template::Part;
use relevo_domain::{ChannelId, MessageId};
use relevo_proto::command::v1 as proto;

use super::request::{Violations, both, optional};
use crate::send::{FileRef, Wanted, WantedBody, WantedMail, WantedTemplate};

/// Hex digits of a SHA-256.
const SHA256_CHARS: usize = 64;
/// Bytes of a declared type or a file name that are kept.
const TYPE_BYTES_MAX: usize = 255;
/// Steps of a degree that a place is kept in.
const STEPS_A_DEGREE: f64 = 10_000_000.0;

type Read<T> = Result<T, Violations>;

pub(super) fn message(message: Option<proto::OutgoingMessage>) -> Read<Wanted> {
    let proto::OutgoingMessage { reply_to, sign, body } = message.ok_or_else(|| vec![("message", "field-required")])?;
    let reply_to = match optional(&reply_to) {
        Some(id) => message_id("message.reply_to", &id).map(Some),
        None => Ok(None),
    };
    let body = body.ok_or_else(|| vec![("message.body", "field-required")]).and_then(self::body);
    let (reply_to, body) = both(reply_to, body)?;
    Ok(Wanted { reply_to, sign, body })
}

pub(super) fn message_id(field: &'static str, id: &str) -> Read<MessageId> {
    id.parse().map_err(|_id| vec![(field, "field-id")])
}

pub(super) fn channel(id: &str) -> Read<ChannelId> {
    ChannelId::new(id).map_err(|_id| vec![("channel_id", "field-name")])
}

fn body(body: proto::outgoing_message::Body) -> Read<WantedBody> {
    use proto::outgoing_message::Body;
    Ok(match body {
        Body::Text(text) => WantedBody::Text {
            text: required("message.text.text", without_nul(text.text))?,
            preview_url: text.preview_url,
        },
        Body::QuickReply(name) => WantedBody::QuickReply { name: required("message.quick_reply", name)? },
        Body::Media(media) => {
            let (kind, file) = both(media_kind(media.kind), file("message.media.file", media.file))?;
            WantedBody::Media { kind, file, caption: optional(&without_nul(media.caption)) }
        }
        Body::Location(place) => WantedBody::Location(location(&place)?),
        Body::Contacts(cards) => WantedBody::Contacts(contacts(cards)?),
        Body::Reaction(reaction) => WantedBody::Reaction {
            target: message_id("message.reaction.message_id", &reaction.message_id)?,
            emoji: optional(&reaction.emoji),
        },
        Body::Buttons(buttons) => WantedBody::Buttons {
            frame: frame("message.buttons.frame", buttons.frame)?,
            buttons: choices(buttons.buttons),
        },
        Body::List(list) => WantedBody::List {
            frame: frame("message.list.frame", list.frame)?,
            button: required("message.list.button", list.button)?,
            sections: list.sections.into_iter().map(section).collect(),
        },
        Body::Template(template) => WantedBody::Template(self::template(template)?),
        Body::Mail(mail) => WantedBody::Mail(self::mail(mail)?),
    })
}

fn required(field: &'static str, text: String) -> Read<String> {
    if text.trim().is_empty() { Err(vec![(field, "field-required")]) } else { Ok(text) }
}

/// The only character that no store and no provider takes.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text }
}

fn media_kind(kind: i32) -> Read<MediaKind> {
    match proto::MediaKind::try_from(kind) {
        Ok(proto::MediaKind::Image) => Ok(MediaKind::Image),
        Ok(proto::MediaKind::Audio) => Ok(MediaKind::Audio),
        Ok(proto::MediaKind::Video) => Ok(MediaKind::Video),
        Ok(proto::MediaKind::Document) => Ok(MediaKind::Document),
        Ok(proto::MediaKind::Sticker) => Ok(MediaKind::Sticker),
        Ok(proto::MediaKind::Unspecified) => Err(vec![("message.media.kind", "field-required")]),
        Err(_unknown) => Err(vec![("message.media.kind", "field-unknown-word")]),
    }
}

fn file(field: &'static str, file: Option<proto::FileRef>) -> Read<FileRef> {
    let proto::FileRef { sha256, mime_type, file_name } = file.ok_or_else(|| vec![(field, "field-required")])?;
    let hash = sha256.len() == SHA256_CHARS && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mime_type = optional(&mime_type);
    let plain = |text: &String| text.len() <= TYPE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !hash || !mime_type.as_ref().is_none_or(plain) {
        return Err(vec![(field, "field-file")]);
    }
    Ok(FileRef { sha256, mime_type, file_name: file_name_of(&file_name) })
}

/// The name alone: no folders, no control characters, nothing that points upwards.
fn file_name_of(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut plain: String = name.chars().filter(|c| !c.is_control() && !is_direction(*c)).collect();
    while plain.len() > TYPE_BYTES_MAX {
        plain.pop();
    }
    let plain = plain.trim().trim_start_matches('.').to_owned();
    (!plain.is_empty()).then_some(plain)
}

/// Marks that make `fdp.exe` read as `exe.pdf`.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn location(place: &proto::OutgoingLocation) -> Read<Location> {
    let steps = |field, degrees: f64, limit: f64| {
        let fits = degrees.is_finite() && degrees.abs() <= limit;
        #[expect(clippy::cast_possible_truncation, reason = "at most 180 degrees of ten million steps")]
        let steps = (degrees * STEPS_A_DEGREE).round() as i32;
        if fits { Ok(steps) } else { Err(vec![(field, "field-degrees")]) }
    };
    let latitude = steps("message.location.latitude", place.latitude, 90.0);
    let longitude = steps("message.location.longitude", place.longitude, 180.0);
    let (latitude_e7, longitude_e7) = both(latitude, longitude)?;
    Ok(Location { latitude_e7, longitude_e7, name: optional(&place.name), address: optional(&place.address) })
}

fn contacts(cards: proto::OutgoingContacts) -> Read<Vec<ContactCard>> {
    let cards: Vec<ContactCard> = cards
        .contacts
        .into_iter()
        .map(|card| ContactCard {
            organisation: optional(&card.organisation),
            name: card.name,
            phones: card.phones,
            emails: card.emails,
        })
        .collect();
    if cards.is_empty() { Err(vec![("message.contacts.contacts", "field-required")]) } else { Ok(cards) }
}

fn frame(field: &'static str, frame: Option<proto::OutgoingFrame>) -> Read<Frame> {
    let frame = frame.ok_or_else(|| vec![(field, "field-required")])?;
    Ok(Frame {
        header: optional(&frame.header),
        text: required(field, without_nul(frame.text))?,
        footer: optional(&frame.footer),
    })
}

fn choices(choices: Vec<proto::OutgoingChoice>) -> Vec<Choice> {
    let choice = |choice: proto::OutgoingChoice| Choice {
        description: optional(&choice.description),
        id: choice.id,
        title: choice.title,
    };
    choices.into_iter().map(choice).collect()
}

fn section(section: proto::OutgoingSection) -> Section {
    Section { title: section.title, rows: choices(section.rows) }
}

fn template(template: proto::OutgoingTemplate) -> Read<WantedTemplate> {
    let name = required("message.template.name", template.name);
    let values: Read<Vec<_>> = template.values.into_iter().map(value).collect();
    let header_file = match template.header_file {
        Some(header) => file("message.template.header_file", Some(header)).map(Some),
        None => Ok(None),
    };
    let ((name, values), header_file) = both(both(name, values), header_file)?;
    Ok(WantedTemplate { name, language: optional(&template.language), values, header_file })
}

fn value(value: proto::OutgoingTemplateValue) -> Read<(Part, String, String)> {
    let part = match proto::TemplatePart::try_from(value.part) {
        Ok(proto::TemplatePart::Unspecified | proto::TemplatePart::Body) => Part::Body,
        Ok(proto::TemplatePart::Header) => Part::Header,
        Ok(proto::TemplatePart::Button) => Part::Button(value.button),
        Err(_unknown) => return Err(vec![("message.template.values.part", "field-unknown-word")]),
    };
    Ok((part, value.variable, value.value))
}

fn mail(mail: proto::OutgoingMail) -> Read<WantedMail> {
    let files: Read<Vec<_>> = mail.files.into_iter().map(|one| file("message.mail.files", Some(one))).collect();
    Ok(WantedMail {
        to: optional(&mail.to),
        subject: optional(&mail.subject),
        text: without_nul(mail.text),
        html: optional(&without_nul(mail.html)),
        cc: mail.cc,
        files: files?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::outgoing_message::Body;

    fn read(body: Body) -> Read<WantedBody> {
        let body = Some(body);
        message(Some(proto::OutgoingMessage { body, ..proto::OutgoingMessage::default() })).map(|wanted| wanted.body)
    }

    fn fields(read: Read<WantedBody>) -> Vec<&'static str> {
        read.unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    fn stored(name: &str) -> proto::FileRef {
        proto::FileRef { sha256: "a".repeat(64), file_name: name.to_owned(), mime_type: String::new() }
    }

    #[test]
    fn every_bad_field_is_named() {
        assert_eq!(message(None).unwrap_err(), [("message", "field-required")]);
        let both_bad = proto::OutgoingMessage { reply_to: "x".to_owned(), ..proto::OutgoingMessage::default() };
        let named: Vec<_> = message(Some(both_bad)).unwrap_err().into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["message.reply_to", "message.body"]);
        let media = proto::OutgoingMedia::default();
        assert_eq!(fields(read(Body::Media(media))), ["message.media.kind", "message.media.file"]);
        assert_eq!(fields(read(Body::Text(proto::OutgoingText::default()))), ["message.text.text"]);
        let template = proto::OutgoingTemplate::default();
        assert_eq!(fields(read(Body::Template(template))), ["message.template.name"]);
    }

    #[test]
    fn a_file_is_named_by_its_hash_and_its_name_is_harmless() {
        for bad in ["", "zz", &"A".repeat(64), &"../".repeat(21)] {
            assert!(file("f", Some(proto::FileRef { sha256: bad.to_owned(), ..stored("") })).is_err(), "{bad}");
        }
        let typed = |mime_type: &str| file("f", Some(proto::FileRef { mime_type: mime_type.to_owned(), ..stored("") }));
        assert!(typed("image/png\r\nX: y").is_err() && typed("image/png").is_ok());
        let named = |name: &str| file("f", Some(stored(name))).unwrap().file_name;
        assert_eq!(named("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(named("C:\\fotos\\mañana.jpg").as_deref(), Some("mañana.jpg"));
        assert_eq!(named("a\r\n\u{202e}b.txt").as_deref(), Some("ab.txt"));
        assert_eq!(named(".."), None);
        assert!(named(&"ñ".repeat(400)).is_some_and(|name| name.len() <= TYPE_BYTES_MAX));
    }

    #[test]
    fn a_place_is_on_earth() {
        let place = |latitude, longitude| proto::OutgoingLocation { latitude, longitude, ..Default::default() };
        let read = location(&place(-34.603_722_1, -58.381_592)).unwrap();
        assert_eq!((read.latitude_e7, read.longitude_e7), (-346_037_221, -583_815_920));
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(location(&place(latitude, longitude)).is_err());
        }
    }
}
