//! Every limit at its edge: what just fits is taken, one more is refused by name.

use super::*;
use crate::outgoing::ChannelKind::{Mail, Meta, Twilio};
use crate::outgoing::limits::*;
use crate::outgoing::{ChannelKind, limits};
use LimitKind as Kind;

fn check(kind: ChannelKind, body: Body) -> Result<(), LimitProblem> {
    limits::check(kind, &outgoing(body))
}

fn refused(kind: ChannelKind, body: Body) -> (&'static str, u64, LimitKind) {
    let problem = check(kind, body).unwrap_err();
    (problem.field, problem.limit, problem.what)
}

fn chars(n: usize) -> String {
    "ñ".repeat(n)
}

#[test]
fn texts() {
    for (kind, limit) in [(Meta, 4_096), (Twilio, 1_600)] {
        assert_eq!(check(kind, text(&chars(limit))), Ok(()));
        assert_eq!(refused(kind, text(&chars(limit + 1))), ("text", limit as u64, Kind::TooLong));
        assert_eq!(refused(kind, text(" \n")), ("text", limit as u64, Kind::Missing));
    }
}

#[test]
fn media_by_kind_type_and_size() {
    let sized =
        |kind: MediaKind, mime: &str, bytes: u64| Body::Media { kind, file: file(mime, bytes, None), caption: None };
    for (kind, mime, wrong, meta, twilio) in [
        (MediaKind::Image, "image/png", Some("image/webp"), 5 << 20, 5 << 20),
        (MediaKind::Audio, "audio/ogg; codecs=opus", Some("audio/wav"), 16 << 20, 16 << 20),
        (MediaKind::Video, "video/mp4", Some("video/webm"), 16 << 20, 16 << 20),
        (MediaKind::Document, "application/zip", Some("zip"), 100 << 20, 16 << 20),
        (MediaKind::Sticker, "image/webp", Some("image/png"), 500 << 10, 500 << 10),
    ] {
        for (channel, limit) in [(Meta, meta), (Twilio, twilio)] {
            assert_eq!(limits::file_bytes_max(channel, kind), limit);
            assert_eq!(check(channel, sized(kind, mime, limit)), Ok(()), "{kind:?} {channel:?}");
            let big = refused(channel, sized(kind, mime, limit + 1));
            assert_eq!(big, ("media.file", limit, Kind::AttachmentTooBig));
            assert_eq!(refused(channel, sized(kind, mime, 0)).2, Kind::Missing);
            if let Some(wrong) = wrong {
                assert_eq!(refused(channel, sized(kind, wrong, 10)), ("media.file", 0, Kind::AttachmentType));
            }
        }
    }
}

#[test]
fn captions_where_the_kind_has_one() {
    let caption = |kind, mime: &str, text: &str| media(kind, mime, Some(text));
    assert_eq!(check(Meta, caption(MediaKind::Image, "image/png", &chars(1_024))), Ok(()));
    let long = refused(Meta, caption(MediaKind::Image, "image/png", &chars(1_025)));
    assert_eq!(long, ("media.caption", 1_024, Kind::TooLong));
    for (kind, mime) in [(MediaKind::Audio, "audio/ogg"), (MediaKind::Sticker, "image/webp")] {
        assert_eq!(refused(Meta, caption(kind, mime, "x")), ("media.caption", 0, Kind::CannotSend));
    }
}

#[test]
fn buttons_and_lists() {
    assert_eq!(check(Meta, buttons()), Ok(()));
    assert_eq!(check(Meta, list()), Ok(()));
    let with = |buttons: Vec<Choice>| Body::Buttons { frame: frame(), buttons };
    let many = ["1", "2", "3", "4"].map(choice).to_vec();
    assert_eq!(refused(Meta, with(many)), ("buttons", 3, Kind::TooMany));
    assert_eq!(refused(Meta, with(Vec::new())), ("buttons", 3, Kind::Missing));
    assert_eq!(refused(Meta, with(vec![choice("1"), choice("1")])).2, Kind::Duplicate);
    let title = |title: String| with(vec![Choice { title, ..choice("1") }]);
    assert_eq!(check(Meta, title(chars(20))), Ok(()));
    assert_eq!(refused(Meta, title(chars(21))), ("buttons.title", 20, Kind::TooLong));
    let id = |id: &str| with(vec![Choice { title: "t".to_owned(), ..choice(id) }]);
    assert_eq!(check(Meta, id(&chars(256))), Ok(()));
    assert_eq!(refused(Meta, id(&chars(257))), ("buttons.id", 256, Kind::TooLong));
    let framed = |frame: Frame| Body::Buttons { frame, buttons: vec![choice("1")] };
    assert_eq!(refused(Meta, framed(Frame { text: chars(1_025), ..frame() })), ("text", 1_024, Kind::TooLong));
    assert_eq!(refused(Meta, framed(Frame { header: Some(chars(61)), ..frame() })), ("header", 60, Kind::TooLong));
    assert_eq!(refused(Meta, framed(Frame { footer: Some(chars(61)), ..frame() })), ("footer", 60, Kind::TooLong));
}

#[test]
fn rows_of_lists_are_counted_together() {
    let rows = |from: usize, to: usize| (from..to).map(|n| choice(&n.to_string())).collect::<Vec<_>>();
    let list = |sections: Vec<(&str, Vec<Choice>)>| Body::List {
        frame: frame(),
        button: "Ver".to_owned(),
        sections: sections.into_iter().map(|(title, rows)| Section { title: title.to_owned(), rows }).collect(),
    };
    assert_eq!(check(Meta, list(vec![("", rows(0, 10))])), Ok(()), "one section needs no title");
    assert_eq!(refused(Meta, list(vec![("a", rows(0, 6)), ("b", rows(6, 11))])), ("list.rows", 10, Kind::TooMany));
    assert_eq!(refused(Meta, list(vec![("a", rows(0, 1)), ("", rows(1, 2))])).0, "list.sections.title");
    assert_eq!(refused(Meta, list(vec![("a", rows(0, 1)), ("b", rows(0, 1))])).2, Kind::Duplicate);
    assert_eq!(refused(Meta, list(vec![("a", rows(0, 1)), ("b", Vec::new())])).2, Kind::Missing);
    assert_eq!(refused(Meta, list(Vec::new())).0, "list.sections");
    let described = vec![Choice { description: Some(chars(73)), ..choice("1") }];
    assert_eq!(refused(Meta, list(vec![("a", described)])), ("list.rows.description", 72, Kind::TooLong));
}

#[test]
fn places_cards_and_reactions() {
    assert_eq!(check(Meta, Body::Location(place())), Ok(()));
    let out = Location { latitude_e7: -900_000_001, ..place() };
    assert_eq!(refused(Meta, Body::Location(out)), ("location.latitude_e7", 900_000_000, Kind::OutOfRange));
    let out = Location { longitude_e7: i32::MIN, ..place() };
    assert_eq!(refused(Twilio, Body::Location(out)).0, "location.longitude_e7");
    assert_eq!(check(Meta, Body::Contacts(vec![card()])), Ok(()));
    assert_eq!(refused(Meta, Body::Contacts(Vec::new())), ("contacts", 50, Kind::Missing));
    assert_eq!(refused(Meta, Body::Contacts(vec![card(); 51])), ("contacts", 50, Kind::TooMany));
    assert_eq!(refused(Meta, Body::Contacts(vec![ContactCard::default()])).0, "contacts.name");
    let reaction = |emoji: &str| Body::Reaction {
        target: MessageId::new([1; 16]),
        target_provider_id: "w".to_owned(),
        emoji: Some(emoji.to_owned()),
    };
    assert_eq!(check(Meta, reaction("👨‍👩‍👧‍👦")), Ok(()));
    assert_eq!(refused(Meta, reaction(&chars(17))).0, "reaction.emoji");
}

#[test]
fn what_a_channel_has_nothing_like() {
    let mail = || Body::Mail(Box::new(super::mail()));
    let mut no_id = template(Vec::new());
    no_id.provider_id = None;
    for (kind, body, field) in [
        (Twilio, Body::Contacts(vec![card()]), "contacts"),
        (Twilio, buttons(), "buttons"),
        (Twilio, list(), "list"),
        (Twilio, Body::Template(Box::new(no_id)), "template.id"),
    ] {
        assert_eq!(refused(kind, body), (field, 0, Kind::CannotSend));
    }
    // The recipient is the first thing that does not fit.
    for kind in [Meta, Twilio] {
        assert_eq!(refused(kind, mail()), ("to", 0, Kind::Recipient));
    }
    assert_eq!(refused(Mail, text("Hola")), ("to", 0, Kind::Recipient));
}

#[test]
fn recipients() {
    let to = |channel: ChannelKind, kind: IdentifierKind, value: &str| {
        let mut message = outgoing(if channel == Mail { Body::Mail(Box::new(mail())) } else { text("Hola") });
        message.personal.to = Recipient { kind, value: value.to_owned() };
        limits::check(channel, &message).is_ok()
    };
    for good in ["5491155550101", "+5491155550101", "whatsapp:+5491155550101"] {
        assert!(to(Meta, IdentifierKind::WaId, good) && to(Twilio, IdentifierKind::Phone, good), "{good}");
    }
    for bad in ["", "+", "54 911", "1234", "1234567890123456", "+54\r\n911555", "hola"] {
        assert!(!to(Meta, IdentifierKind::Phone, bad), "{bad:?}");
    }
    assert!(to(Meta, IdentifierKind::Bsuid, "AR.13491208655302741918"));
    assert!(!to(Meta, IdentifierKind::Bsuid, "AR.1\n2"));
    assert!(to(Mail, IdentifierKind::Email, "ana+x@cliente.example"));
    for bad in
        ["ana", "@x.example", "ana@", "a b@x.example", "a@x.example\r\nBcc: b@y", "a@x.example>,<b@y", "a@x@y", "a,b@x"]
    {
        assert!(!to(Mail, IdentifierKind::Email, bad), "{bad:?}");
    }
}

#[test]
fn mails() {
    let with = |change: &dyn Fn(&mut OutgoingMail)| {
        let mut mail = mail();
        change(&mut mail);
        Body::Mail(Box::new(mail))
    };
    let address = |n: usize| format!("a{n}@x.example");
    assert_eq!(check(Mail, with(&|mail| mail.cc = (0..99).map(address).collect())), Ok(()));
    let everybody = with(&|mail| mail.cc = (0..10_000).map(address).collect());
    assert_eq!(refused(Mail, everybody), ("mail.cc", 100, Kind::TooMany));
    assert_eq!(refused(Mail, with(&|mail| mail.cc[0] = "x\r\nBcc: y@z".to_owned())), ("mail.cc", 0, Kind::Recipient));
    assert_eq!(refused(Mail, with(&|mail| mail.subject = chars(999))), ("mail.subject", 998, Kind::TooLong));
    assert_eq!(refused(Mail, with(&|mail| mail.text = "a".repeat(262_145))).0, "mail.text");
    assert_eq!(refused(Mail, with(&|mail| mail.html = Some("a".repeat(262_145)))).0, "mail.html");
    let empty = with(&|mail| (mail.text, mail.html) = (" ".to_owned(), None));
    assert_eq!(refused(Mail, empty).2, Kind::Missing);
    let files = |count: usize, bytes: u64| with(&move |mail| mail.files = vec![file("image/png", bytes, None); count]);
    assert_eq!(check(Mail, files(2, 8_500_000)), Ok(()));
    assert_eq!(refused(Mail, files(2, 8_500_001)), ("mail.files", 17_000_000, Kind::AttachmentTooBig));
    assert_eq!(refused(Mail, files(2, u64::MAX)).2, Kind::AttachmentTooBig);
    assert_eq!(refused(Mail, files(51, 1)), ("mail.files", 50, Kind::TooMany));
}
