//! Every kind of message on every channel that has it, through accepted, delivered and read, through a failure and through an
//! unknown outcome; and the refusal by name where a channel has nothing like it.

use std::sync::Arc;

use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::query::v1::SendState;
use relevo_testkit::Stage;
use relevo_testkit::fakes::{Behaviour, Reports};

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::{Desk, message, refusal};
use super::proxy::Mode;
use super::rig::{FRAIL, MAIL, META, Rig, TWILIO, received};

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Image,
    Audio,
    Video,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Reply,
    Buttons,
    List,
    TemplatePositional,
    TemplateNamed,
    MailText,
    MailHtml,
    MailCopy,
    MailReply,
}

use Type::{
    Audio, Buttons, Contacts, Document, Image, List, Location, MailCopy, MailHtml, MailReply, MailText, Reaction,
    Reply, Sticker, TemplateNamed, TemplatePositional, Text, Video,
};

const TYPES: [Type; 18] = [
    Text,
    Image,
    Audio,
    Video,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Reply,
    Buttons,
    List,
    TemplatePositional,
    TemplateNamed,
    MailText,
    MailHtml,
    MailCopy,
    MailReply,
];

/// What a channel does with each: it takes it, or refuses it with this code.
fn expected(channel: &str, kind: Type) -> Result<(), &'static str> {
    let taken = match kind {
        // A file is a mail with one attachment; Twilio has no parameter for a quote, which is left out.
        Text | Reply | Image | Audio | Video | Document => true,
        Sticker | Location | TemplatePositional => channel != MAIL,
        Contacts | Reaction | Buttons | List | TemplateNamed => channel == META,
        MailText | MailHtml | MailCopy | MailReply => channel == MAIL,
    };
    match kind {
        _ if taken => Ok(()),
        TemplateNamed if channel == TWILIO => Err("TEMPLATE_NOT_FOUND"),
        _ => Err("CHANNEL_CANNOT_SEND"),
    }
}

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    for (channel, name) in [(META, "meta"), (TWILIO, "twilio"), (MAIL, "mail")] {
        for kind in TYPES {
            match expected(channel, kind) {
                Err(code) => {
                    let rig = Arc::clone(rig);
                    cases.add(
                        format!("{name} {kind:?}: {code}"),
                        async move { refused(&rig, channel, kind, code).await },
                    );
                }
                Ok(()) if channel == MAIL => mails(&mut cases, rig, kind),
                Ok(()) => chats(&mut cases, rig, channel, name, kind),
            }
        }
    }
    cases
}

fn chats(cases: &mut Cases, rig: &Arc<Rig>, channel: &'static str, name: &str, kind: Type) {
    let r = Arc::clone(rig);
    cases.add(format!("{name} {kind:?}: accepted, delivered, read"), async move { arrives(&r, channel, kind).await });
    let r = Arc::clone(rig);
    cases.add(format!("{name} {kind:?}: failed"), async move { fails(&r, channel, kind).await });
    let r = Arc::clone(rig);
    cases.add(format!("{name} {kind:?}: unknown"), async move { unknown(&r, channel, kind).await });
}

fn mails(cases: &mut Cases, rig: &Arc<Rig>, kind: Type) {
    let r = Arc::clone(rig);
    cases.add(format!("mail {kind:?}: accepted"), async move { mail_arrives(&r, kind).await });
    let r = Arc::clone(rig);
    cases.add(format!("mail {kind:?}: failed"), async move { mail_fails(&r, kind).await });
    let r = Arc::clone(rig);
    cases.add(format!("mail {kind:?}: unknown"), async move { mail_unknown(&r, kind).await });
}

async fn refused(rig: &Rig, channel: &str, kind: Type, code: &str) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    let desk = rig.desk();
    let made = make(&desk, &conversation, kind, "no sale").await?;
    match desk.try_send(&conversation, made).await {
        Ok(sent) => Err(Wrong::new(code, format!("{} was queued", sent.message))),
        Err(status) => same("the refusal", &code.to_owned(), &refusal(&status)),
    }?;
    received("a refused message", 0, count(rig, channel, &to))
}

async fn arrives(rig: &Rig, channel: &str, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    let desk = rig.desk();
    let made = make(&desk, &conversation, kind, "hola").await?;
    let sent = desk.send(&conversation, made).await?;
    let outgoing = desk.reaches(&sent, SendState::Read).await?;
    let times = [outgoing.queued_at, outgoing.accepted_at, outgoing.sent_at, outgoing.delivered_at, outgoing.read_at];
    Wrong::unless(times.iter().all(Option::is_some), || "every time".to_owned(), || format!("{times:?}"))?;
    same("attempts", &1, &outgoing.attempts)?;
    received("the message", 1, count(rig, channel, &to))?;
    as_the_provider_wants(rig, channel, &to, kind)
}

async fn fails(rig: &Rig, channel: &str, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    let desk = rig.desk();
    let (class, code) = if channel == META { ("recipient", "131026") } else { ("recipient", "21610") };
    script(rig, channel, &to, Behaviour::Refuse(code.to_owned()));
    let made = make(&desk, &conversation, kind, "hola").await?;
    let sent = desk.send(&conversation, made).await?;
    desk.fails(&sent, class, code).await?;
    received("a refused message", 0, count(rig, channel, &to))
}

/// Taken, and the connection closed instead of an answer: unknown, never sent again, and whatever is reported later is believed.
async fn unknown(rig: &Rig, channel: &str, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    let desk = rig.desk();
    script(rig, channel, &to, Behaviour::CloseAfterAccepting);
    silent(rig, channel, &to);
    let made = make(&desk, &conversation, kind, "hola").await?;
    let sent = desk.send(&conversation, made).await?;
    desk.reaches(&sent, SendState::Unknown).await?;
    super::statuses::report(rig, channel, &sent, "delivered").await?;
    desk.reaches(&sent, SendState::Delivered).await?;
    received("the message", 1, count(rig, channel, &to))
}

async fn mail_arrives(rig: &Rig, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let desk = rig.desk();
    let made = make(&desk, &conversation, kind, "hola").await?;
    let sent = desk.send(&conversation, made).await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let mail = super::mail::arrived(rig, &to, 1).await?.remove(0);
    let wanted: &[&str] = match kind {
        MailHtml => &["text/html", "presupuesto.pdf", "multipart/"],
        MailCopy => &["Cc:", "copia@cliente.test"],
        Image => &["image/jpeg"],
        Document => &["application/pdf"],
        _ => &["Subject: Re: Turno"],
    };
    let missing: Vec<&&str> = wanted.iter().filter(|part| !mail.contains(**part)).collect();
    Wrong::unless(missing.is_empty(), || format!("{missing:?} in the mail"), || mail.clone())
}

async fn mail_fails(rig: &Rig, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let desk = rig.desk();
    rig.mail().smtp.refuse(Stage::Rcpt, &to, "550 5.1.1 no such user");
    let made = make(&desk, &conversation, kind, "hola").await?;
    let sent = desk.send(&conversation, made).await?;
    desk.fails(&sent, "recipient", "5.1.1").await?;
    received("a refused mail", 0, rig.mail().smtp.received(&to).len())
}

/// The server has the whole mail and its answer is lost.
async fn mail_unknown(rig: &Rig, kind: Type) -> Verdict {
    let (to, conversation) = rig.customer(FRAIL).await?;
    let desk = rig.desk();
    rig.mail().line.set(Mode::Cuts);
    // Only a mail of some size can be told from an envelope on the line.
    let long = "Una línea larga de un correo largo. ".repeat(2_000);
    let mut made = make(&desk, &conversation, kind, &long).await?;
    if matches!(made.body, Some(Body::Media(_))) {
        let Some(Body::Media(media)) = &mut made.body else { return Ok(()) };
        media.caption = long;
    }
    let sent = desk.send(&conversation, made).await?;
    desk.reaches(&sent, SendState::Unknown).await?;
    super::mail::arrived(rig, &to, 1).await.map(drop)
}

/// How often the provider has got a message for somebody.
pub fn count(rig: &Rig, channel: &str, to: &str) -> usize {
    match channel {
        META => rig.meta.received(to),
        TWILIO => rig.twilio.received(&format!("whatsapp:+{to}")),
        _ => rig.mail().smtp.received(to).len(),
    }
}

pub fn script(rig: &Rig, channel: &str, to: &str, behaviour: Behaviour) {
    match channel {
        META => rig.meta.script(to, [behaviour]),
        _ => rig.twilio.script(&format!("whatsapp:+{to}"), [behaviour]),
    }
}

/// No reports for this recipient but those that the case posts itself.
pub fn silent(rig: &Rig, channel: &str, to: &str) {
    reports(rig, channel, to, Reports::None);
}

pub fn reports(rig: &Rig, channel: &str, to: &str, reports: Reports) {
    match channel {
        META => rig.meta.set_reports_for(to, reports),
        _ => rig.twilio.set_reports_for(&format!("whatsapp:+{to}"), reports),
    }
}

/// What the provider was told is what its documentation asks for.
fn as_the_provider_wants(rig: &Rig, channel: &str, to: &str, kind: Type) -> Verdict {
    let (accepted, wanted) = if channel == META {
        let wanted: &[&str] = match kind {
            Text => &["/text/body"],
            Image => &["/image/id", "/image/caption"],
            Audio => &["/audio/id"],
            Video => &["/video/id"],
            Document => &["/document/id", "/document/filename"],
            Sticker => &["/sticker/id"],
            Location => &["/location/latitude", "/location/name"],
            Contacts => &["/contacts/0/name/formatted_name", "/contacts/0/phones/0/phone"],
            Reaction => &["/reaction/message_id", "/reaction/emoji"],
            Reply => &["/context/message_id", "/text/body"],
            Buttons => &["/interactive/action/buttons/0/reply/id"],
            List => &["/interactive/action/sections/0/rows/0/id"],
            TemplatePositional => &["/template/language/code", "/template/components/0/parameters/1/text"],
            TemplateNamed => &["/template/components/0/parameters/0/parameter_name"],
            MailText | MailHtml | MailCopy | MailReply => &[],
        };
        (rig.meta.accepted(), wanted)
    } else {
        let wanted: &[&str] = match kind {
            Text | Reply => &["/Body"],
            Image | Audio | Video | Document | Sticker => &["/MediaUrl"],
            Location => &["/PersistentAction"],
            TemplatePositional => &["/ContentSid", "/ContentVariables"],
            _ => &[],
        };
        (rig.twilio.accepted(), wanted)
    };
    let address = if channel == META { to.to_owned() } else { format!("whatsapp:+{to}") };
    let taken = accepted.into_iter().rfind(|taken| taken.to == address);
    let body = taken.map(|taken| taken.body).unwrap_or_default();
    let missing: Vec<&&str> = wanted.iter().filter(|pointer| body.pointer(pointer).is_none()).collect();
    Wrong::unless(missing.is_empty(), || format!("{missing:?} in the request"), || body.to_string())
}

/// A message of a type, ready to be sent.
pub async fn make(desk: &Desk, conversation: &str, kind: Type, words: &str) -> Verdict<command::OutgoingMessage> {
    let words = words.to_owned();
    let body = match kind {
        Text => Body::Text(command::OutgoingText { text: words, preview_url: false }),
        Image | Audio | Video | Document | Sticker => Body::Media(medium(desk, kind, words).await?),
        Location => Body::Location(command::OutgoingLocation {
            latitude: -34.6037,
            longitude: -58.3816,
            name: "Obelisco".to_owned(),
            address: "Av. 9 de Julio".to_owned(),
        }),
        Contacts => Body::Contacts(command::OutgoingContacts {
            contacts: vec![command::OutgoingContact {
                name: "Ana López".to_owned(),
                phones: vec!["+5491155550999".to_owned()],
                ..Default::default()
            }],
        }),
        Reaction => Body::Reaction(command::OutgoingReaction {
            message_id: last_of_customer(desk, conversation).await?,
            emoji: "👍".to_owned(),
        }),
        Reply => {
            let mut made = super::desk::text(&words);
            made.reply_to = last_of_customer(desk, conversation).await?;
            return Ok(made);
        }
        Buttons => Body::Buttons(command::OutgoingButtons {
            frame: Some(frame(&words)),
            buttons: vec![choice("si", "Sí"), choice("no", "No")],
        }),
        List => Body::List(command::OutgoingList {
            frame: Some(frame(&words)),
            button: "Elegir".to_owned(),
            sections: vec![command::OutgoingSection {
                title: String::new(),
                rows: vec![choice("lu", "Lunes"), choice("ma", "Martes")],
            }],
        }),
        TemplatePositional => template("turno", &[("1", "Ana"), ("2", "lunes a las 10")]),
        TemplateNamed => template("aviso", &[("nombre", "Ana")]),
        MailText => Body::Mail(command::OutgoingMail { text: words, ..Default::default() }),
        MailHtml => Body::Mail(command::OutgoingMail {
            html: format!("<p>Hola <b>Ana</b></p><p>{words}</p>"),
            text: words,
            files: vec![desk_file(desk, Document).await?],
            ..Default::default()
        }),
        MailCopy => Body::Mail(command::OutgoingMail {
            text: words,
            cc: vec!["copia@cliente.test".to_owned()],
            ..Default::default()
        }),
        MailReply => {
            let mut made = message(Body::Mail(command::OutgoingMail { text: words, ..Default::default() }));
            made.reply_to = last_of_customer(desk, conversation).await?;
            return Ok(made);
        }
    };
    Ok(message(body))
}

async fn medium(desk: &Desk, kind: Type, words: String) -> Verdict<command::OutgoingMedia> {
    let shown = match kind {
        Image => command::MediaKind::Image,
        Audio => command::MediaKind::Audio,
        Video => command::MediaKind::Video,
        Sticker => command::MediaKind::Sticker,
        _ => command::MediaKind::Document,
    };
    let caption = if matches!(kind, Audio | Sticker) { String::new() } else { words };
    Ok(command::OutgoingMedia { kind: shown.into(), file: Some(desk_file(desk, kind).await?), caption })
}

async fn desk_file(desk: &Desk, kind: Type) -> Verdict<command::FileRef> {
    let (beginning, mime_type, name): (&[u8], _, _) = match kind {
        Image => (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", "image/jpeg", "foto.jpg"),
        Audio => (b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00OpusHead", "audio/ogg", "nota.ogg"),
        Video => (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4", "clip.mp4"),
        Sticker => (b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00", "image/webp", "sticker.webp"),
        _ => (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf", "presupuesto.pdf"),
    };
    // Another content each time: the same file is uploaded once a month.
    let bytes = [beginning, crate::client::fresh_id().as_bytes()].concat();
    desk.file(bytes, mime_type, name).await
}

pub async fn last_of_customer(desk: &Desk, conversation: &str) -> Verdict<String> {
    let messages = desk.messages(conversation).await;
    let found = messages.iter().rfind(|message| message.outgoing.is_none() && message.kind != "note");
    found.map(|message| message.message_id.clone()).ok_or_else(|| Wrong::new("a message of the customer", "none"))
}

fn frame(words: &str) -> command::OutgoingFrame {
    command::OutgoingFrame { header: String::new(), text: words.to_owned(), footer: "Tienda".to_owned() }
}

fn choice(id: &str, title: &str) -> command::OutgoingChoice {
    command::OutgoingChoice { id: id.to_owned(), title: title.to_owned(), description: String::new() }
}

/// A template with values for its body.
pub fn template(name: &str, values: &[(&str, &str)]) -> Body {
    let value = |(variable, value): &(&str, &str)| command::OutgoingTemplateValue {
        variable: (*variable).to_owned(),
        value: (*value).to_owned(),
        ..Default::default()
    };
    Body::Template(command::OutgoingTemplate {
        name: name.to_owned(),
        language: "es_AR".to_owned(),
        values: values.iter().map(value).collect(),
        header_file: None,
    })
}
