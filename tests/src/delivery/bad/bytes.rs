//! Files and mails that are too big, gone, dangerous, or not what they are called.

use std::fmt::Write as _;
use std::sync::Arc;

use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::file_service_client::FileServiceClient;
use serde_json::json;
use tokio::net::TcpListener;

use super::bomb::{UNPACKED_BYTES, bomb, peak};
use super::others_go_on;
use crate::delivery::cases::{Cases, Verdict, Wrong, same};
use crate::delivery::desk::{SOON, until};
use crate::delivery::mail::submit;
use crate::delivery::rig::{MAIL, MAILBOX, META, Rig, TWILIO, now};

const HUGE: usize = 60 << 20;
/// Parts inside parts.
const DEEP: usize = 300;

pub(super) fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    let r = Arc::clone(rig);
    cases.add("a mail of 60 MB: its head comes in and says so, others go on", async move { huge(&r).await });
    for (way, words) in [(Way::Vanished, "whose bytes vanished"), (Way::Expired, "that has expired")] {
        let r = Arc::clone(rig);
        cases.add(format!("a medium {words}: unavailable, gone"), async move { medium(&r, way).await });
    }
    let r = Arc::clone(rig);
    cases.add("a medium whose bytes never end: others go on", async move { medium(&r, Way::Stalled).await });
    let r = Arc::clone(rig);
    cases.add("a medium that is there: stored, served", async move { medium(&r, Way::There).await });
    let r = Arc::clone(rig);
    cases.add("a medium at a private address: refused, nobody asked", async move { private(&r).await });
    for (name, mime_type, content) in [
        ("dibujo.svg", "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"),
        ("pagina.html", "text/html", "<html><script>alert(1)</script></html>"),
        ("foto.png", "image/png", "<html><script>alert(1)</script></html>"),
        ("foto.jpg", "image/jpeg", "MZ\u{90}\0\u{3}\0\0\0 this is a program"),
        ("roto.zip", "application/zip", "PK\u{3}\u{4}\u{14}\0\0\0\u{8}\0 and no end"),
    ] {
        let r = Arc::clone(rig);
        cases.add(format!("an attachment {name} by mail: a download and nothing else"), async move {
            download(&r, name, mime_type, content.as_bytes()).await
        });
    }
    let r = Arc::clone(rig);
    cases.add("an archive bomb by mail: nobody opens it, others go on", async move { bombed(&r).await });
    let r = Arc::clone(rig);
    cases.add("a mail of 300 parts in each other: comes in", async move { nested(&r).await });
    let r = Arc::clone(rig);
    cases.add("HTML of a mail: sanitised, pictures from elsewhere marked", async move { html(&r).await });
    cases
}

async fn huge(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let mut mail = format!(
        "From: {from}\r\nTo: {MAILBOX}\r\nSubject: Pesado\r\nMessage-ID: <pesado.{from}>\r\n\
         Content-Type: text/plain\r\n\r\n"
    )
    .into_bytes();
    let line = [[b'x'; 76].as_slice(), b"\r\n"].concat();
    while mail.len() < HUGE {
        mail.extend_from_slice(&line);
    }
    rig.mail().dovecot.drop_mail(MAILBOX, "INBOX", "pesado", &mail);
    others_go_on(rig).await?;
    let desk = rig.desk();
    let conversation = desk.conversation_of(MAIL, &from).await?;
    let message = desk.messages(&conversation).await.remove(0);
    same("subject", &"Pesado".to_owned(), &message.mail.unwrap_or_default().subject)?;
    let says_so = message.details_json.contains("truncated_from_bytes");
    Wrong::unless(says_so, || "truncated_from_bytes in its details".to_owned(), || message.details_json.clone())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Vanished,
    Expired,
    Stalled,
}

async fn medium(rig: &Rig, way: Way) -> Verdict {
    let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02".to_vec();
    let id = rig.meta.put_medium("image/png", png.clone());
    match way {
        Way::There => {}
        Way::Vanished => rig.meta.vanish(&id),
        Way::Expired => rig.meta.expire(&id),
        Way::Stalled => rig.meta.stall(&id),
    }
    let who = rig.new_number();
    let message = json!({ "from": who, "id": format!("wamid.FOTO{who}"), "timestamp": now().to_string(), "type": "image",
        "image": { "mime_type": "image/png", "id": id, "caption": "mi foto" } });
    let value = json!({ "messaging_product": "whatsapp", "contacts": [{ "profile": { "name": "Ana" }, "wa_id": who }],
        "messages": [message] });
    rig.meta.post("messages", &value);
    let desk = rig.desk();
    let conversation = desk.conversation_of(META, &who).await?;
    // The message is there at once, whatever becomes of its picture.
    let message = desk.messages(&conversation).await.remove(0);
    same("text", &"mi foto".to_owned(), &message.text)?;
    if way == Way::Stalled {
        return others_go_on(rig).await;
    }
    let found = settled(rig, &conversation).await?;
    if way != Way::There {
        let expected = (query::AttachmentState::Unavailable, "gone".to_owned());
        return same("state", &expected, &(found.state(), found.unavailable_reason));
    }
    let url = desk.file_url(&conversation, &message.message_id, 0).await;
    let url = url.map_err(|status| Wrong::new("an address", status.to_string()))?.url;
    let answer = fetch(&url).await?;
    same("type", &"image/png".to_owned(), &answer.content_type)?;
    same("bytes", &png, &answer.bytes)
}

/// The first attachment of the first message, once it is known what became of it.
async fn settled(rig: &Rig, conversation: &str) -> Verdict<query::Attachment> {
    let desk = rig.desk();
    until(
        SOON,
        || "an attachment that is settled".to_owned(),
        async || {
            let messages = desk.messages(conversation).await;
            let found = messages.first().and_then(|message| message.attachments.first()).cloned();
            let found = found.ok_or_else(|| "no attachment".to_owned())?;
            if found.state() == query::AttachmentState::Pending { Err("pending".to_owned()) } else { Ok(found) }
        },
    )
    .await
}

struct Answer {
    content_type: String,
    disposition: String,
    nosniff: bool,
    bytes: Vec<u8>,
}

async fn fetch(url: &str) -> Verdict<Answer> {
    let broken = |error: reqwest::Error| Wrong::new("a file", error.to_string());
    let answer = reqwest::get(url).await.map_err(broken)?;
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (content_type, disposition) = (header("content-type"), header("content-disposition"));
    let nosniff = header("x-content-type-options") == "nosniff";
    let bytes = answer.bytes().await.map_err(broken)?.to_vec();
    Ok(Answer { content_type, disposition, nosniff, bytes })
}

/// The address names a machine of this network, or leads to one.
async fn private(rig: &Rig) -> Verdict {
    // What the provider serves leads there, too.
    let leads = rig.twilio.put_medium("image/png", b"\x89PNG\r\n\x1a\n".to_vec());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let counting = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    rig.twilio.redirect_media_to(&format!("https://127.0.0.1:{port}/secretos"));
    for url in [
        format!("https://127.0.0.1:{port}/secretos"),
        format!("https://[::1]:{port}/secretos"),
        format!("https://localhost:{port}/secretos"),
        format!("http://127.0.0.1:{port}/secretos"),
        format!("https://169.254.169.254:{port}/latest/meta-data"),
        leads,
    ] {
        let url = url.replace(':', "%3A").replace('/', "%2F").replace('[', "%5B").replace(']', "%5D");
        let who = rig.new_number();
        let form = format!(
            "MessageSid=MM{who}0000000000000000000&From=whatsapp%3A%2B{who}&To=whatsapp%3A%2B5491155550200&Body=foto&NumMedia=1\
             &MediaUrl0={url}&MediaContentType0=image%2Fpng&WaId={who}"
        );
        same("the webhook", &200, &rig.post_twilio("", form).await)?;
        let conversation = rig.desk().conversation_of(TWILIO, &who).await?;
        let found = settled(rig, &conversation).await?;
        let expected = (query::AttachmentState::Unavailable, "refused".to_owned());
        same("state", &expected, &(found.state(), found.unavailable_reason))?;
    }
    counting.abort();
    same("connections", &0, &asked.load(std::sync::atomic::Ordering::SeqCst))
}

async fn bombed(rig: &Rig) -> Verdict {
    let before = peak(rig)?;
    download(rig, "bomba.zip", "application/zip", &bomb()).await?;
    others_go_on(rig).await?;
    let grown = peak(rig)?.saturating_sub(before);
    Wrong::unless(
        grown < UNPACKED_BYTES,
        || format!("less than {UNPACKED_BYTES} bytes more of memory"),
        || grown.to_string(),
    )
}

async fn download(rig: &Rig, name: &str, mime_type: &str, content: &[u8]) -> Verdict {
    use base64::Engine as _;
    let from = rig.new_address();
    let encoded = base64::engine::general_purpose::STANDARD.encode(content);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    let encoded = lines.join("\r\n");
    let mail = format!(
        "From: {from}\r\nTo: {MAILBOX}\r\nSubject: Adjunto\r\nMessage-ID: <adjunto.{from}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhola\r\n\
         --b\r\nContent-Type: {mime_type}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    );
    submit(rig, &from, &mail).await?;
    let desk = rig.desk();
    let conversation = desk.conversation_of(MAIL, &from).await?;
    let found = settled(rig, &conversation).await?;
    same("state", &query::AttachmentState::Stored, &found.state())?;
    let message = desk.messages(&conversation).await.remove(0);
    let url = desk.file_url(&conversation, &message.message_id, 0).await;
    let url = url.map_err(|status| Wrong::new("an address", status.to_string()))?.url;
    let answer = fetch(&url).await?;
    let safe = answer.disposition.starts_with("attachment") && answer.nosniff;
    Wrong::unless(
        safe,
        || "an attachment, not sniffed".to_owned(),
        || format!("{} {} {}", answer.disposition, answer.content_type, answer.nosniff),
    )?;
    let whole = content == answer.bytes.as_slice();
    Wrong::unless(whole, || format!("its {} bytes", content.len()), || format!("{} others", answer.bytes.len()))
}

async fn nested(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let mut mail = format!(
        "From: {from}\r\nTo: {MAILBOX}\r\nSubject: Muñeca rusa\r\nMessage-ID: <rusa.{from}>\r\nMIME-Version: 1.0\r\n"
    );
    for n in 0..DEEP {
        write!(mail, "Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n").unwrap();
    }
    mail.push_str("Content-Type: text/plain\r\n\r\nadentro\r\n");
    for n in (0..DEEP).rev() {
        write!(mail, "--b{n}--\r\n").unwrap();
    }
    submit(rig, &from, &mail).await?;
    rig.desk().conversation_of(MAIL, &from).await?;
    others_go_on(rig).await
}

async fn html(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let mail = format!(
        "From: {from}\r\nTo: {MAILBOX}\r\nSubject: Boletín\r\nMessage-ID: <html.{from}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p onclick=\"x()\">Hola</p><script>alert(1)</script>\
         <form action=\"https://mal.example\"><input></form><img src=\"https://mal.example/pixel.gif\"></body></html>\r\n"
    );
    submit(rig, &from, &mail).await?;
    let desk = rig.desk();
    let conversation_id = desk.conversation_of(MAIL, &from).await?;
    let message_id = desk.messages(&conversation_id).await.remove(0).message_id;
    let request = query::GetMailHtmlRequest { conversation_id, message_id, ..Default::default() };
    let answer = FileServiceClient::new(desk.client.channel()).get_mail_html(desk.client.request(request)).await;
    let shown = answer.map_err(|status| Wrong::new("HTML", status.to_string()))?.into_inner();
    let bad = ["<script", "onclick", "<form", "<input", " src=\"https://mal.example"];
    let found: Vec<&&str> = bad.iter().filter(|word| shown.html.contains(**word)).collect();
    Wrong::unless(found.is_empty(), || "nothing that runs".to_owned(), || shown.html.clone())?;
    let kept = shown.html.contains("Hola") && shown.html.contains("data-relevo-remote-src");
    Wrong::unless(kept, || "the text, and a marked picture".to_owned(), || shown.html.clone())?;
    same("pictures from elsewhere", &1, &shown.remote_images)
}
