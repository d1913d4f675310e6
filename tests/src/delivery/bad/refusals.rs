//! What is refused before a provider is asked, and what cannot break out of a header.

use std::sync::Arc;

use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::query::v1::SendState;

use crate::delivery::cases::{Cases, Verdict, Wrong, same};
use crate::delivery::desk::{message, refusal, text};
use crate::delivery::mail::{arrived, header, letter, submit};
use crate::delivery::rig::{MAIL, META, Rig, received};
use crate::delivery::types::{count, template};

/// Nobody may get a mail there.
const SPY: &str = "espia@cliente.test";
/// Recipients of a mail that is a mailing.
const MANY: usize = 10_000;

pub(super) fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    let r = Arc::clone(rig);
    cases.add("line breaks in a subject: no header of its own", async move { subject(&r).await });
    let r = Arc::clone(rig);
    cases.add("line breaks in a recipient: refused", async move { recipient(&r).await });
    let r = Arc::clone(rig);
    cases.add("line breaks in a customer's name and subject: answered without them", async move { name(&r).await });
    let r = Arc::clone(rig);
    cases.add("line breaks in a file's name: no header of its own", async move { file_name(&r).await });
    let r = Arc::clone(rig);
    cases.add("10,000 recipients of a mail: refused, nobody gets it", async move { mailing(&r).await });
    let r = Arc::clone(rig);
    cases.add("a customer's mail to 10,000: the answer goes to the customer alone", async move { crowd(&r).await });
    let r = Arc::clone(rig);
    cases.add("an image of 6 MB on WhatsApp: ATTACHMENT_TOO_BIG with the limit", async move { too_big(&r).await });
    let r = Arc::clone(rig);
    cases.add("HTML that is called a picture: ATTACHMENT_TYPE", async move { not_a_picture(&r).await });
    for (what, body, code) in templates() {
        let r = Arc::clone(rig);
        cases.add(format!("a template {what}: {code}"), async move { of_a_template(&r, body, code).await });
    }
    let r = Arc::clone(rig);
    cases.add("a command twice: one message", async move { twice(&r).await });
    let r = Arc::clone(rig);
    cases.add("two agents answer: STALE_VIEW, unless forced", async move { stale(&r).await });
    cases
}

async fn subject(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let mail = command::OutgoingMail {
        subject: format!("Turno\r\nBcc: {SPY}\r\n\r\nOtro texto"),
        text: "hola".to_owned(),
        ..Default::default()
    };
    match rig.desk().try_send(&conversation, message(Body::Mail(mail))).await {
        Err(status) => same("the refusal", &"INVALID_ARGUMENT".to_owned(), &refusal(&status)),
        Ok(_) => unbroken(&arrived(rig, &to, 1).await?[0]),
    }?;
    received("a mail for somebody else", 0, count(rig, MAIL, SPY))
}

/// Nothing that a stranger wrote became a header.
fn unbroken(mail: &str) -> Verdict {
    let head = mail.split("\n\n").next().unwrap_or_default();
    let broken = head.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("X-Evil"));
    Wrong::unless(!broken, || "no header by a stranger".to_owned(), || head.to_owned())
}

async fn recipient(rig: &Rig) -> Verdict {
    let desk = rig.desk();
    let mail = || command::OutgoingMail { subject: "Hola".to_owned(), text: "hola".to_owned(), ..Default::default() };
    let bad = format!("ana@cliente.test\r\nBcc: {SPY}");
    for (channel, who, made) in [
        (MAIL, bad.clone(), message(Body::Mail(mail()))),
        (META, format!("54911555501\r\n{SPY}"), message(template("turno", &[("1", "Ana"), ("2", "lunes")]))),
    ] {
        match desk.try_start(channel, &who, made).await {
            Ok(_) => return Err(Wrong::new("a refusal", "it was queued")),
            Err(status) => by_name(&refusal(&status))?,
        }
    }
    let (_, conversation) = rig.customer(MAIL).await?;
    let copied = command::OutgoingMail { cc: vec![bad], ..mail() };
    match desk.try_send(&conversation, message(Body::Mail(copied))).await {
        Ok(_) => Err(Wrong::new("a refusal", "it was queued")),
        Err(status) => by_name(&refusal(&status)),
    }
}

/// A recipient that is none, or a request that is none.
fn by_name(code: &str) -> Verdict {
    let right = matches!(code, "RECIPIENT_INVALID" | "INVALID_ARGUMENT");
    Wrong::unless(right, || "RECIPIENT_INVALID or INVALID_ARGUMENT".to_owned(), || code.to_owned())
}

async fn name(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let mail = format!(
        "From: =?utf-8?Q?Ana=0D=0ABcc:_{SPY}=0D=0A?= <{from}>\r\nTo: soporte@example.test\r\n\
         Subject: =?utf-8?Q?Hola=0D=0ABcc:_{SPY}?=\r\nMessage-ID: <saltos.{from}>\r\n\r\nhola\r\n"
    );
    submit(rig, &from, &mail).await?;
    let desk = rig.desk();
    let conversation = desk.conversation_of(MAIL, &from).await?;
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    unbroken(&arrived(rig, &from, 1).await?[0])?;
    received("a mail for somebody else", 0, count(rig, MAIL, SPY))
}

async fn file_name(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let desk = rig.desk();
    let file = desk.file(b"%PDF-1.7\n".to_vec(), "application/pdf", "a\r\nX-Evil: 1\r\n\r\n.pdf").await?;
    let mail = command::OutgoingMail { text: "hola".to_owned(), files: vec![file], ..Default::default() };
    let queued = desk.try_send(&conversation, message(Body::Mail(mail))).await;
    if let Err(status) = queued {
        return same("the refusal", &"INVALID_ARGUMENT".to_owned(), &refusal(&status));
    }
    let mail = arrived(rig, &to, 1).await?.remove(0);
    let broken = mail.lines().any(|line| line.starts_with("X-Evil"));
    Wrong::unless(!broken, || "no header by a file's name".to_owned(), || mail.clone())
}

async fn mailing(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let cc = (0..MANY).map(|n| format!("masivo{n}@cliente.test")).collect();
    let mail = command::OutgoingMail { text: "oferta".to_owned(), cc, ..Default::default() };
    match rig.desk().try_send(&conversation, message(Body::Mail(mail))).await {
        Ok(_) => return Err(Wrong::new("a refusal", "it was queued")),
        Err(status) => by_name(&refusal(&status))?,
    }
    received("a mailing", 0, count(rig, MAIL, &to) + count(rig, MAIL, "masivo0@cliente.test"))
}

async fn crowd(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let all: Vec<String> = (0..MANY).map(|n| format!("masivo{n}@cliente.test")).collect();
    let more = format!("Cc: {}\r\n", all.join(",\r\n "));
    submit(rig, &from, &letter(&from, "Para todos", &format!("<todos.{from}>"), &more, "hola")).await?;
    let desk = rig.desk();
    let conversation = desk.conversation_of(MAIL, &from).await?;
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let answer = arrived(rig, &from, 1).await?.remove(0);
    same("Cc", &String::new(), &header(&answer, "Cc"))?;
    received("a copy", 0, count(rig, MAIL, "masivo0@cliente.test"))
}

async fn too_big(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    let desk = rig.desk();
    let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01".to_vec();
    bytes.resize(6 << 20, 7);
    let file = desk.file(bytes, "image/jpeg", "grande.jpg").await?;
    let media =
        command::OutgoingMedia { kind: command::MediaKind::Image.into(), file: Some(file), caption: String::new() };
    match desk.try_send(&conversation, message(Body::Media(media))).await {
        Ok(_) => return Err(Wrong::new("ATTACHMENT_TOO_BIG", "it was queued")),
        Err(status) => {
            same("the refusal", &"ATTACHMENT_TOO_BIG".to_owned(), &refusal(&status))?;
            let limit =
                Problem::from_status(&status).and_then(|problem| problem.subject("limit_bytes").map(str::to_owned));
            same("limit_bytes", &Some((5_u64 << 20).to_string()), &limit)?;
        }
    }
    received("a refused message", 0, count(rig, META, &to))
}

async fn not_a_picture(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    let desk = rig.desk();
    let file = desk.file(b"<html><script>alert(1)</script></html>".to_vec(), "image/jpeg", "foto.jpg").await?;
    let media =
        command::OutgoingMedia { kind: command::MediaKind::Image.into(), file: Some(file), caption: String::new() };
    match desk.try_send(&conversation, message(Body::Media(media))).await {
        Ok(_) => return Err(Wrong::new("ATTACHMENT_TYPE", "it was queued")),
        Err(status) => same("the refusal", &"ATTACHMENT_TYPE".to_owned(), &refusal(&status))?,
    }
    received("a refused message", 0, count(rig, META, &to))
}

fn templates() -> Vec<(&'static str, Body, &'static str)> {
    vec![
        ("that nobody has", template("otra", &[]), "TEMPLATE_NOT_FOUND"),
        ("that is paused", template("pausado", &[]), "TEMPLATE_NOT_USABLE"),
        ("with a value missing", template("turno", &[("1", "Ana")]), "TEMPLATE_PARAMETERS"),
        ("with a value too many", template("aviso", &[("nombre", "Ana"), ("x", "y")]), "TEMPLATE_PARAMETERS"),
        ("with a blank value", template("aviso", &[("nombre", " ")]), "TEMPLATE_PARAMETERS"),
        ("with a line break in a value", template("aviso", &[("nombre", "Ana\nLópez")]), "TEMPLATE_PARAMETERS"),
    ]
}

async fn of_a_template(rig: &Rig, body: Body, code: &str) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    match rig.desk().try_send(&conversation, message(body)).await {
        Ok(_) => return Err(Wrong::new(code, "it was queued")),
        Err(status) => same("the refusal", &code.to_owned(), &refusal(&status))?,
    }
    received("a refused message", 0, count(rig, META, &to))
}

async fn twice(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    let desk = rig.desk();
    let request = command::SendMessageRequest {
        command_id: crate::client::fresh_id(),
        conversation_id: conversation,
        message: Some(text("hola")),
        ..Default::default()
    };
    let first = desk.command(request.clone()).await.map_err(|status| Wrong::new("queued", refusal(&status)))?;
    let second = desk.command(request).await.map_err(|status| Wrong::new("queued", refusal(&status)))?;
    same("the message", &first, &second)?;
    desk.reaches(&first, SendState::Read).await?;
    received("the message", 1, count(rig, META, &to))
}

async fn stale(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    let (laura, admin) = (rig.desk(), rig.admin());
    let seen = laura.version(&conversation).await?;
    let other = admin.say(&conversation, "ya le contesto yo").await?;
    admin.reaches(&other, SendState::Read).await?;
    let mut request = command::SendMessageRequest {
        command_id: crate::client::fresh_id(),
        conversation_id: conversation,
        message: Some(text("hola")),
        last_seen_version: Some(seen),
        ..Default::default()
    };
    match laura.command(request.clone()).await {
        Ok(_) => return Err(Wrong::new("STALE_VIEW", "it was queued")),
        Err(status) => {
            same("the refusal", &"STALE_VIEW".to_owned(), &refusal(&status))?;
            let problem = format!("{:?}", Problem::from_status(&status));
            Wrong::unless(
                problem.contains("ya le contesto yo"),
                || "what the other wrote".to_owned(),
                || problem.clone(),
            )?;
        }
    }
    request.force = true;
    let sent = laura.command(request).await.map_err(|status| Wrong::new("queued by force", refusal(&status)))?;
    laura.reaches(&sent, SendState::Read).await?;
    received("two messages", 2, count(rig, META, &to))
}
