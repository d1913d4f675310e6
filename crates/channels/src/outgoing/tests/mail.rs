//! Mails as they go out, read back by our own adapter and looked at byte by byte.

use bytes::Bytes;
use proptest::prelude::*;
use relevo_domain::Timestamp;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::fact::{MailFact, What};
use crate::outgoing::email::{REFERENCES_MAX, Sender, compose, recipients};
use crate::outgoing::limits::LimitKind;
use crate::outgoing::{Problem, limits};

const DATE: Timestamp = Timestamp::from_seconds(1_800_000_000);
const SENDER: Sender<'static> = Sender {
    address: "hola@peluqueria.example",
    name: Some("Peluquería Ñandú"),
    reply_to: Some("hola+c7f3@peluqueria.example"),
};

fn composed(mail: OutgoingMail, files: &[(StoredFile, Bytes)]) -> Vec<u8> {
    compose(&outgoing(Body::Mail(Box::new(mail))), &SENDER, files, DATE).unwrap()
}

fn read(raw: &[u8]) -> MailFact {
    let update = crate::email::updates(raw, &[]).remove(0);
    match update.content.unwrap().what {
        What::Mail(mail) => *mail,
        what => panic!("{what:?}"),
    }
}

/// The header's lines, unfolded.
fn header(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    header.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n").map(str::to_owned).collect()
}

fn field<'h>(header: &'h [String], name: &str) -> Option<&'h str> {
    header.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

#[test]
fn a_mail_is_read_back_as_it_was_written() {
    let files = [
        ("Año 2026 – presupuesto.pdf", "application/pdf", b"%PDF-1.7\n\x00\xff".to_vec()),
        ("notas.txt", "text/plain", b"uno\ndos\r\ntres".to_vec()),
        ("pagina.html", "text/html", b"<script>alert(1)</script>".to_vec()),
        ("carta.eml", "message/rfc822", b"Subject: x\r\n\r\ny".to_vec()),
        ("foto.png", "image/png", vec![0xAB; 100_000]),
    ]
    .map(|(name, kind, bytes)| {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        (StoredFile { sha256, ..file(kind, bytes.len() as u64, Some(name)) }, Bytes::from(bytes))
    });
    let mut mail = mail();
    mail.files = files.iter().map(|(file, _)| file.clone()).collect();
    let raw = composed(mail.clone(), &files);
    let fact = read(&raw);
    assert_eq!(fact.subject, mail.subject);
    assert_eq!(fact.message_id.as_deref(), Some(mail.message_id.as_str()));
    assert_eq!(fact.in_reply_to, ["b@cliente.example"]);
    assert_eq!(fact.references, mail.references);
    assert_eq!((fact.from.as_deref(), fact.from_name.as_deref()), (Some(SENDER.address), SENDER.name));
    assert_eq!((fact.to, fact.cc), (vec!["ana@cliente.example".to_owned()], mail.cc));
    assert_eq!(fact.text.as_deref().map(str::trim_end), Some(mail.text.trim_end()));
    assert_eq!(fact.html.as_deref().map(str::trim_end), mail.html.as_deref());
    for (found, (file, _)) in fact.attachments.iter().zip(&files) {
        assert_eq!(found.personal.file_name, file.file_name);
        assert_eq!(found.sha256.as_ref(), Some(&file.sha256), "{:?} byte for byte", file.file_name);
        assert!(!found.inline);
    }
    assert_eq!(fact.attachments.len(), files.len());
    assert!(!fact.flags.automatic);
}

#[test]
fn the_header_is_what_mail_programs_thread_by() {
    let raw = composed(mail(), &[]);
    let header = header(&raw);
    assert_eq!(field(&header, "Message-ID"), Some("<cnv_1.msg_2.0123456789abcdef@peluqueria.example>"));
    assert_eq!(field(&header, "In-Reply-To"), Some("<b@cliente.example>"));
    assert_eq!(field(&header, "References"), Some("<a@cliente.example> <b@cliente.example>"));
    assert_eq!(field(&header, "Date"), Some("Fri, 15 Jan 2027 08:00:00 +0000"));
    assert_eq!(field(&header, "MIME-Version"), Some("1.0"));
    assert_eq!(field(&header, "X-Relevo-Loop"), Some("peluqueria.example"));
    assert!(field(&header, "Reply-To").unwrap().ends_with("<hola+c7f3@peluqueria.example>"));
    for absent in ["Auto-Submitted", "X-Auto-Response-Suppress", "Bcc"] {
        assert_eq!(field(&header, absent), None);
    }
    assert!(raw.is_ascii(), "non-ASCII names and subjects are encoded");
    assert!(
        raw.split(|byte| *byte == b'\n')
            .all(|line| line.len() <= 998 && !line[..line.len().saturating_sub(1)].contains(&b'\r'))
    );
}

#[test]
fn an_automatic_mail_says_so_and_is_never_answered_by_a_machine() {
    for (parent, word) in [(Some("b@cliente.example"), "auto-replied"), (None, "auto-generated")] {
        let mut outgoing =
            outgoing(Body::Mail(Box::new(OutgoingMail { in_reply_to: parent.map(str::to_owned), ..mail() })));
        outgoing.automatic = true;
        let raw = compose(&outgoing, &SENDER, &[], DATE).unwrap();
        let header = header(&raw);
        assert_eq!(field(&header, "Auto-Submitted"), Some(word));
        assert_eq!(field(&header, "X-Auto-Response-Suppress"), Some("All"));
        assert!(read(&raw).flags.automatic);
    }
}

#[test]
fn a_mail_of_ours_that_comes_back_is_known() {
    let raw = composed(mail(), &[]);
    let update = crate::email::updates(&raw, &["ventas@peluqueria.example".to_owned()]).remove(0);
    let What::Mail(fact) = update.content.unwrap().what else { panic!() };
    assert!(fact.flags.own_loop);
}

#[test]
fn the_same_mail_has_the_same_bytes() {
    assert_eq!(composed(mail(), &[]), composed(mail(), &[]));
    let other = OutgoingMail { message_id: "other@x".to_owned(), ..mail() };
    assert_ne!(composed(mail(), &[]), composed(other, &[]));
}

#[test]
fn only_the_last_references_are_sent_and_long_ones_are_folded() {
    let references: Vec<String> = (0..50).map(|n| format!("{n}.{}@x.example", "r".repeat(60))).collect();
    let raw = composed(OutgoingMail { references: references.clone(), ..mail() }, &[]);
    assert_eq!(read(&raw).references, references[50 - REFERENCES_MAX..]);
    let longest = raw.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(longest <= 100, "{longest}");
}

#[test]
fn line_breaks_inject_nothing() {
    let evil = "x\r\nBcc: evil@y.example\r\nX-Evil: 1\r\n\r\nbody\n.\r\0";
    let mail = OutgoingMail {
        subject: format!("Hola {evil}"),
        message_id: format!("id{evil}>@x"),
        in_reply_to: Some(format!("<{evil}@x>")),
        references: vec![evil.to_owned(), String::new(), format!("a@b> <c@d{evil}")],
        ..mail()
    };
    let sender = Sender { name: Some(evil), ..SENDER };
    let attached = (file("text/plain\r\nX-Evil: 2", 2, Some(evil)), Bytes::from_static(b"hi"));
    let mail = OutgoingMail { files: vec![attached.0.clone()], ..mail };
    let raw = compose(&outgoing(Body::Mail(Box::new(mail))), &sender, &[attached], DATE).unwrap();
    let header = header(&raw);
    let names: Vec<&str> = header.iter().map(|line| line.split(':').next().unwrap()).collect();
    let known = [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Reply-To",
        "Message-ID",
        "In-Reply-To",
        "References",
        "X-Relevo-Loop",
        "MIME-Version",
        "Content-Type",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    let text = String::from_utf8_lossy(&raw).into_owned();
    assert!(!text.lines().any(|line| line.starts_with("X-Evil") || line.starts_with("Bcc")));
    assert!(!text.contains('\0'));
}

#[test]
fn addresses_that_could_be_two_are_refused() {
    for bad in ["a@x.example\r\nBcc: b@y", "a@x.example, b@y.example", "<a@x.example>", "a", ""] {
        let mut to = outgoing(Body::Mail(Box::new(mail())));
        to.personal.to.value = bad.to_owned();
        assert_eq!(compose(&to, &SENDER, &[], DATE), Err(Problem::Recipient), "{bad:?}");
        assert_eq!(recipients(&to), Err(Problem::Recipient));
        let cc = outgoing(Body::Mail(Box::new(OutgoingMail { cc: vec![bad.to_owned()], ..mail() })));
        assert_eq!(compose(&cc, &SENDER, &[], DATE), Err(Problem::Recipient), "{bad:?}");
    }
}

#[test]
fn the_envelope_has_everybody_once() {
    let cc = ["juan@cliente.example", "ANA@cliente.example", "juan@cliente.example"].map(str::to_owned).to_vec();
    let all = recipients(&outgoing(Body::Mail(Box::new(OutgoingMail { cc, ..mail() })))).unwrap();
    assert_eq!(all, ["ana@cliente.example", "juan@cliente.example"]);
}

#[test]
fn the_largest_mail_that_passes_the_check_fits_on_the_wire() {
    let bytes = Bytes::from(vec![0xFF; 17_000_000]);
    let attached = (file("application/zip", bytes.len() as u64, Some("a.zip")), bytes);
    let text = "ñ\u{1F600}".repeat(40_000);
    let largest = OutgoingMail { text: text.clone(), html: Some(text), files: vec![attached.0.clone()], ..mail() };
    let message = outgoing(Body::Mail(Box::new(largest)));
    assert_eq!(limits::check(crate::outgoing::ChannelKind::Mail, &message), Ok(()));
    assert!(compose(&message, &SENDER, &[attached], DATE).is_ok());
}

#[test]
fn a_mail_with_other_files_than_it_says_is_not_sent() {
    let attached = (file("image/png", 3, None), Bytes::from_static(b"abc"));
    assert_eq!(
        compose(&outgoing(Body::Mail(Box::new(mail()))), &SENDER, std::slice::from_ref(&attached), DATE),
        Err(Problem::FileMissing)
    );
    let huge = (attached.0, Bytes::from(vec![0; 20_000_000]));
    let declared = OutgoingMail { files: vec![huge.0.clone()], ..mail() };
    let refused = compose(&outgoing(Body::Mail(Box::new(declared))), &SENDER, &[huge], DATE).unwrap_err();
    assert!(matches!(refused, Problem::Limit(problem) if problem.what == LimitKind::AttachmentTooBig));
    assert_eq!(compose(&outgoing(super::text("Hola")), &SENDER, &[], DATE), Err(Problem::CannotSend("text")));
}

proptest! {
    /// Whatever somebody writes: the mail has exactly our fields, and its text comes back.
    #[test]
    fn any_words_make_one_mail(subject in any::<String>(), text in "[a-zñ€😀 .\r\n-]{1,300}", name in any::<String>(), id in any::<String>()) {
        let mail = OutgoingMail { subject, text: format!("{text}."), html: None, message_id: format!("{id}@x"), ..mail() };
        let sender = Sender { name: Some(&name), ..SENDER };
        let raw = compose(&outgoing(Body::Mail(Box::new(mail.clone()))), &sender, &[], DATE).unwrap();
        let header = header(&raw);
        prop_assert!(header.iter().all(|line| line.split_once(": ").is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))), "{:?}", header);
        prop_assert_eq!(header.iter().filter(|line| line.starts_with("Subject:")).count(), 1);
        prop_assert_eq!(header.len(), 13);
        let fact = read(&raw);
        prop_assert_eq!(fact.from.as_deref(), Some(SENDER.address));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let whole = format!("{} {}", fact.text.unwrap_or_default(), fact.quoted.unwrap_or_default());
        prop_assert_eq!(words(&whole), words(&mail.text));
    }
}
