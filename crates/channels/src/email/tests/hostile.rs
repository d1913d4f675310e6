//! Mails that were made to hurt: no panic, no time without bound, nothing smuggled into headers, limits kept.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{OWN, fact, letter, mail};
use crate::email::{
    CUT_MARK, HTML_BYTES_MAX, REFERENCES_MAX, SUBJECT_CHARS_MAX, TEXT_BYTES_MAX, header, mime, updates,
};
use crate::testing::{expected, fixture, testdata};

/// Far more than a loaded machine needs without optimisation, far less than quadratic work would take.
const PATIENCE: Duration = Duration::from_secs(10);

fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    result
}

/// `count` pieces in a row.
fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().concat()
}

#[test]
fn deep_nesting_ends_at_the_limit() {
    let multiparts: String =
        numbered(20_000, |n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
    let mail_in_mail = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    for raw in [multiparts, mail_in_mail] {
        let raw = format!("From: a@x.example\r\n{raw}hola");
        let mail = in_time(|| mail(raw.as_bytes()));
        assert_eq!(mail.attachments.len(), 1);
    }
}

#[test]
fn mails_in_encoded_mails_are_not_opened() {
    use base64::Engine as _;
    let inner = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    let encoded = base64::engine::general_purpose::STANDARD.encode(inner);
    let raw = letter("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n", &encoded);
    assert_eq!(in_time(|| mail(&raw)).attachments.len(), 1);
}

#[test]
fn two_hundred_thousand_references() {
    let ids: String = numbered(200_000, |n| format!(" <{n}@x.example>\r\n"));
    let mail = in_time(|| mail(&letter(&format!("References:{ids}"), "hola")));
    assert_eq!(mail.references.len(), REFERENCES_MAX);
    assert_eq!(mail.references.last().unwrap(), "199999@x.example");
    assert_eq!(mail.from.as_deref(), Some("ana@cliente.example.net"));
}

#[test]
fn many_parts_fields_and_parameters() {
    let parts = "--b\r\nContent-Type: application/x\r\n\r\nx\r\n".repeat(50_000);
    let listed = in_time(|| mail(&letter("Content-Type: multipart/mixed; boundary=b\r\n", &parts))).attachments.len();
    assert!(listed <= mime::PARTS_MAX);
    let fields: String = numbered(100_000, |n| format!("X-{n}: y\r\n"));
    assert_eq!(in_time(|| mail(&letter(&fields, "hola"))).text.as_deref(), Some("hola"));
    let parameters: String = numbered(200_000, |n| format!("; a{n}*0*=utf-8''x"));
    in_time(|| mail(&letter(&format!("Content-Type: text/plain{parameters}\r\n"), "hola")));
    let recipients = "a@x.example, ".repeat(100_000);
    assert!(in_time(|| mail(&letter(&format!("To: {recipients}\r\n"), ""))).to.len() <= header::RECIPIENTS_MAX);
}

#[test]
fn hostile_text_takes_linear_time() {
    for line in [
        ">",
        "> a\nb\n",
        "On 1:00 2025 x\n",
        "De: a\n",
        "El 21 nov 2025 14:12 ",
        "a@b <",
        "-----Original Message----- ",
    ] {
        in_time(|| mail(&letter("", &line.repeat(1_000_000 / line.len()))));
    }
}

#[test]
fn decoded_line_breaks_inject_no_header() {
    let raw = b"From: =?utf-8?Q?Ana=0D=0ABcc:_x@evil.example?= <ana@x.example>\r\nSubject: =?utf-8?B?aG9sYQ0KQmNjOiB4QGV2aWwuZXhhbXBsZQ==?=\r\n\
                Message-ID: <a\r\n b@x.example>\r\nContent-Type: application/pdf; name=\"=?utf-8?Q?a=0D=0Ab.pdf?=\"\r\n\r\nx";
    let mail = mail(raw);
    assert_eq!(mail.subject, "hola Bcc: x@evil.example");
    assert!(!mail.from_name.unwrap().contains(char::is_control));
    assert_eq!(mail.message_id, None);
    assert_eq!(mail.attachments[0].personal.file_name.as_deref(), Some("ab.pdf"));
}

#[test]
fn nul_bytes_are_removed() {
    let mail = mail(b"From: a\0na@x.example\r\nSubject: ho\0la\r\nContent-Type: text/html\r\n\r\n<p>a\0b\x1b[31m</p>");
    assert_eq!(
        (mail.subject.as_str(), mail.text.as_deref(), mail.html.as_deref()),
        ("ho la", Some("ab[31m"), Some("<p>ab\x1b[31m</p>"))
    );
    assert_eq!(mail.from, None);
}

#[test]
fn forged_references_are_only_data() {
    let forged =
        mail(&letter("References: <conv-7f3a.msg-0002@broker.example.com>\r\nIn-Reply-To: <x@x.example>\r\n", ""));
    assert_eq!(forged.references, ["conv-7f3a.msg-0002@broker.example.com"]);
    assert!(!forged.flags.own_loop && forged.flags.by_a_person());
}

#[test]
fn long_texts_are_cut_and_long_html_is_listed() {
    let long = "ñ ".repeat(TEXT_BYTES_MAX);
    let text = mail(&letter("Content-Type: text/plain; charset=utf-8\r\n", &long)).text.unwrap();
    assert!(text.ends_with(CUT_MARK) && text.len() <= TEXT_BYTES_MAX + CUT_MARK.len());
    let html = format!("<p>{}</p>", "x ".repeat(HTML_BYTES_MAX));
    let mail = mail(&letter("Content-Type: text/html\r\n", &html));
    assert_eq!((mail.html, mail.attachments[0].mime_type.as_str()), (None, "text/html"));
    assert_eq!(mail.attachments[0].size_bytes, Some(html.len() as u64));
    let subject = "a".repeat(50_000);
    assert_eq!(fact_subject(&subject).chars().count(), SUBJECT_CHARS_MAX);
}

fn fact_subject(subject: &str) -> String {
    mail(format!("From: a@x.example\r\nSubject: {subject}\r\n\r\n").as_bytes()).subject
}

#[test]
fn every_prefix_of_a_sample_is_read() {
    for name in ["es_dsn_office365_spanish", "es_calendar_invite", "es_thread_2_reply_to_ours_gmail"] {
        let raw = testdata(&format!("email/{name}.eml"));
        for length in 0..raw.len() {
            assert_eq!(updates(&raw[..length], &[]).len(), 1);
        }
    }
}

/// Words that a mail is made of, in any order.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "From: ",
            "Subject: ",
            "Content-Type: ",
            "multipart/mixed; boundary=b",
            "text/plain; format=flowed; delsp=yes",
            "text/html",
            "--b",
            "--b--",
            "Content-Transfer-Encoding: base64",
            "Content-Transfer-Encoding: quoted-printable",
            "=?utf-8?Q?",
            "?=",
            "=?iso-2022-jp?B?",
            "\r\n",
            "\r\n\r\n",
            "\n",
            " ",
            "<a@b>",
            "<",
            ">",
            "> ",
            "El 21 nov 2025 14:12 escribió:",
            "De: ",
            "message/delivery-status",
            "Final-Recipient: rfc822;",
            "Status: 5.",
            "multipart/report; boundary=b",
            "charset=",
            "utf-7",
            "utf-16",
            "&",
            "&#x110000;",
            "<style>",
            "<!--",
            "=",
            "=3",
            "Date: ",
            "Message-ID: ",
            "\"",
            "\\",
            "(",
            ")",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_one_update(raw in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(updates(&raw, &[OWN.to_owned()]).len(), 1);
    }

    #[test]
    fn any_words_give_one_update(words in prop::collection::vec(fragment(), 0..60)) {
        prop_assert_eq!(updates(&words.concat(), &[OWN.to_owned()]).len(), 1);
    }

    #[test]
    fn what_has_a_sender_is_understood(words in prop::collection::vec(fragment(), 0..60)) {
        let raw = [b"From: a@x.example\r\n".as_slice(), &words.concat()].concat();
        let fact = fact(&raw);
        prop_assert!(fact.name.is_none_or(|name| !name.contains(char::is_control)));
    }
}

#[test]
fn damaged_samples_give_one_update() {
    let mut state = 0x9e37_79b9_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for row in expected("email/") {
        let whole = fixture(&row.file).unwrap();
        for _ in 0..40 {
            let mut raw = whole.clone();
            for _ in 0..=random() % 8 {
                let at = random() % raw.len();
                match random() % 4 {
                    0 => raw[at] = random() as u8,
                    1 => drop(raw.drain(at..(at + random() % 64).min(raw.len()))),
                    2 => raw.splice(at..at, whole[..at.min(whole.len())].to_vec()).for_each(drop),
                    _ => raw.truncate(at.max(1)),
                }
                if raw.is_empty() {
                    raw.push(b'x');
                }
            }
            assert_eq!(updates(&raw, &[OWN.to_owned()]).len(), 1, "{}", row.file);
        }
    }
}
