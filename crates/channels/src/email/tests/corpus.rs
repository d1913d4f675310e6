//! Every sample mail is of the class that the table says, and our own Spanish ones read as they should in every field.

use super::{OWN, fact, mail};
use crate::email::updates;
use crate::fact::{Class, NotUnderstoodReason};
use crate::testing::{expected, fixture, testdata};

/// Samples of something else (a broken date, an empty field, a part without type) that the table calls normal, but whose
/// own header fields say what they are. A broker that answered them automatically would be wrong.
const MORE_THAN_NORMAL: [(&str, &str); 3] = [
    ("email/err_bad_date.eml", "mailing list: Precedence: junk"),
    ("email/err_empty_in_reply_to.eml", "mailing list: List-Id"),
    ("email/mime_part_without_type.eml", "bounce/DSN: multipart/report (delay notice: not final)"),
];

#[test]
fn every_sample_mail_is_of_its_class() {
    let mut wrong = Vec::new();
    for row in expected("email/") {
        let raw = fixture(&row.file).unwrap();
        let fact = fact(&raw);
        assert_eq!((fact.class(), row.messages, row.statuses, row.others), (Class::Message, 1, 0, 0), "{}", row.file);
        let flags = mail(&raw).flags;
        let more = MORE_THAN_NORMAL.iter().find(|(file, _)| *file == row.file);
        let note = more.map_or(row.note.as_str(), |(_, note)| note);
        let as_noted = match note.split([':', '/']).next().unwrap() {
            "normal mail" => flags.by_a_person(),
            "bounce" => {
                flags.bounce && flags.delay == note.contains("delay notice") && !flags.complaint && !flags.own_loop
            }
            "auto-reply or system mail" => flags.automatic && !flags.bounce && !flags.complaint && !flags.own_loop,
            "mailing list" => flags.list && !flags.automatic && !flags.own_loop,
            "abuse report" => flags.complaint && !flags.bounce,
            "our own mail" => flags.own_loop,
            other => panic!("{}: a class without a rule: {other}", row.file),
        };
        if !as_noted {
            wrong.push(format!("{}: {note}: {flags:?}", row.file));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_mail_has_a_key_of_its_own() {
    let mut seen = std::collections::BTreeMap::new();
    for row in expected("email/") {
        let key = fact(&fixture(&row.file).unwrap()).key;
        if let Some(other) = seen.insert(key, row.file.clone()) {
            // One mail, written to two broken addresses: the sample differs from the other in `To` alone.
            assert_eq!(
                (other.as_str(), row.file.as_str()),
                ("email/cw_mail_with_invalid_to.eml", "email/cw_mail_with_invalid_to_2.eml")
            );
        }
    }
}

#[test]
fn our_mails_as_facts() {
    for name in [
        "es_thread_1_first",
        "es_thread_2_reply_to_ours_gmail",
        "es_thread_3_reply_outlook_no_references",
        "es_html_only_outlook_reply",
        "es_latin1_qp",
        "es_dsn_office365_spanish",
        "es_calendar_invite",
        "es_winmail_dat",
        "es_smime_signed",
        "es_auto_reply_spanish_headers",
    ] {
        let fact = fact(&testdata(&format!("email/{name}.eml")));
        crate::testing::snapshots().bind(|| insta::assert_debug_snapshot!(format!("email__{name}"), fact));
    }
}

#[test]
fn one_message_id_with_two_contents_is_two_keys() {
    let (first, other) =
        (fact(&testdata("email/es_thread_1_first.eml")), fact(&testdata("email/es_duplicate_message_id.eml")));
    assert_eq!(first.key.provider_id, other.key.provider_id);
    assert_ne!(first.key, other.key);
}

#[test]
fn a_redelivered_mail_has_the_same_key() {
    let raw = testdata("email/es_thread_2_reply_to_ours_gmail.eml");
    let other_way =
        [b"Received: from elsewhere\r\nDelivered-To: x@y.example\r\n".as_slice(), &raw, b"\r\n\r\n"].concat();
    let unix = String::from_utf8(raw.clone()).unwrap().replace("\r\n", "\n");
    assert_eq!(fact(&raw).key, fact(&other_way).key);
    assert_eq!(fact(&raw).key, fact(unix.as_bytes()).key);
}

#[test]
fn a_mail_without_message_id_has_an_empty_one() {
    let fact = fact(&testdata("email/es_missing_message_id.eml"));
    assert_eq!(fact.key.provider_id, "");
    assert_eq!(fact.key.discriminator.len(), 64);
}

#[test]
fn what_has_no_header_is_no_mail() {
    for raw in
        [b"".as_slice(), b"\r\n\r\n", b"hola", b"{\"object\":\"whatsapp\"}", b"\0\0\0", b"http://x.example/ is down"]
    {
        let content = updates(raw, &[OWN.to_owned()]).pop().unwrap().content;
        let error = content.expect_err("understood");
        assert_eq!((error.reason, error.class), (NotUnderstoodReason::Malformed, Some(Class::Message)), "{raw:?}");
    }
}

#[test]
fn a_person_who_answers_an_automatic_reply_is_a_person() {
    for (subject, automatic) in [
        ("Respuesta automática: Presupuesto", true),
        ("Fuera de la oficina", true),
        ("Automatic reply: hi", true),
        ("RE: Respuesta automática: Presupuesto", false),
        ("Fuera de la oficina no hay señal", false),
    ] {
        let raw = format!("From: ana@x.example\r\nSubject: {subject}\r\n\r\nhola");
        assert_eq!(mail(raw.as_bytes()).flags.automatic, automatic, "{subject}");
    }
}

#[test]
fn our_own_addresses_are_known_with_a_token_too() {
    for (from, more, own) in [
        ("SOPORTE@Example.com", "", true),
        ("soporte+c7f3@example.com", "", true),
        ("soporte@otra.example", "", false),
        ("ana@x.example", "X-Loop: broker.example.com\r\n", true),
        ("ana@x.example", "X-Relevo-Loop: example.com\r\n", true),
        ("ana@x.example", "X-Loop: notexample.com\r\n", false),
        ("ana@x.example", "X-Loop: soporte@example.com\r\n", false),
    ] {
        let raw = format!("From: {from}\r\n{more}\r\nhola");
        assert_eq!(mail(raw.as_bytes()).flags.own_loop, own, "{from} {more}");
    }
}
