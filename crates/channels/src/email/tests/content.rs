//! Charsets, structure, attachments, ids, addresses and reports of real mails.

use serde_json::Value;

use super::{fact, letter, mail};
use crate::fact::MailFact;
use crate::testing::{fixture, testdata};

fn shared(file: &str) -> Option<MailFact> {
    Some(mail(&fixture(&format!("email/{file}"))?))
}

fn names(mail: &MailFact) -> Vec<Option<&str>> {
    mail.attachments.iter().map(|attachment| attachment.personal.file_name.as_deref()).collect()
}

fn report(mail: &MailFact) -> Value {
    serde_json::from_str(mail.report_json.as_deref().expect("no report")).unwrap()
}

#[test]
fn spanish_text_in_every_charset() {
    let latin1 = mail(&testdata("email/es_latin1_qp.eml"));
    assert_eq!(latin1.subject, "Cotización año 2026");
    assert_eq!(latin1.text.as_deref(), Some("Buenos días, señor: ¿tienen stock de la cañería? Precio: 100€ no."));
    let raw_8bit = b"From: Jos\xe9 <jose@x.example>\nSubject: a\xf1o\n\nma\xf1ana";
    let undeclared = mail(raw_8bit);
    assert_eq!((undeclared.from_name.as_deref(), undeclared.subject.as_str()), (Some("José"), "año"));
    assert_eq!(undeclared.text.as_deref(), Some("mañana"));
    assert_eq!(
        mail(&testdata("email/es_thread_3_reply_outlook_no_references.eml")).from_name.as_deref(),
        Some("Lucía Fernández")
    );
}

#[test]
fn other_scripts_and_broken_declarations() {
    let Some(korean) = shared("cs_ks_c_5601.eml") else { return };
    assert_eq!(korean.text.as_deref(), Some("스티해"));
    let utf8 = shared("cs_rfc6532_utf8_headers.eml").unwrap();
    assert_eq!((utf8.from.as_deref(), utf8.from_name.as_deref()), (Some("jdöe@mächine.example"), Some("Jöhn Doe")));
    assert_eq!(utf8.to, ["märy@exämple.net"]);
    assert_eq!(shared("fl_8bitmime.eml").unwrap().text.as_deref(), Some("Превел\n\n123"));
    assert!(shared("err_double_at.eml").unwrap().text.unwrap().starts_with("대부분의"));
    assert!(shared("cw_non_utf_encoded_mail.eml").unwrap().text.unwrap().starts_with("أنظروا"));
}

#[test]
fn html_alone_gives_text() {
    let Some(html) = shared("cw_only_html.eml") else { return };
    assert_eq!(html.text.as_deref(), Some("This is html only mail"));
    assert!(html.html.unwrap().contains("<h1>"));
    let long = shared("cw_support_1.eml").unwrap();
    assert!(long.text.unwrap().len() > 50 && long.html.is_some());
}

#[test]
fn an_empty_plain_part_gives_way_to_html() {
    let body =
        "--b\r\nContent-Type: text/plain\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hola</p>\r\n--b--\r\n";
    let mail = mail(&letter("Content-Type: multipart/alternative; boundary=b\r\n", body));
    assert_eq!((mail.text.as_deref(), mail.html.as_deref()), (Some("Hola"), Some("<p>Hola</p>")));
}

#[test]
fn attachments_are_listed_with_safe_names() {
    let tnef = mail(&testdata("email/es_winmail_dat.eml"));
    assert_eq!((names(&tnef), tnef.text.as_deref()), (vec![Some("winmail.dat")], Some("Ver adjunto")));
    assert_eq!(tnef.attachments[0].mime_type, "application/ms-tnef");
    assert_eq!(tnef.attachments[0].size_bytes, Some(75));
    let calendar = mail(&testdata("email/es_calendar_invite.eml"));
    assert_eq!(
        (calendar.attachments[0].mime_type.as_str(), calendar.text.as_deref()),
        ("text/calendar", Some("Visita técnica"))
    );
    let signed = mail(&testdata("email/es_smime_signed.eml"));
    assert_eq!((names(&signed), signed.text.as_deref()), (vec![Some("smime.p7s")], Some("Texto firmado")));
    let hostile = "--b\r\nContent-Type: application/pdf; name=\"../../etc/passwd\"\r\n\r\nx\r\n--b--";
    assert_eq!(names(&mail(&letter("Content-Type: multipart/mixed; boundary=b\r\n", hostile))), [Some("passwd")]);
}

#[test]
fn names_of_attachments_however_they_are_written() {
    let Some(japanese) = shared("cs_japanese_long_attachment_name.eml") else { return };
    assert_eq!(
        names(&japanese)[0].map(|name| (name.starts_with("かきくけこ"), name.contains(".txt"))),
        Some((true, true))
    );
    assert_eq!(names(&shared("att_base64_name.eml").unwrap()), [Some("This is a test.pdf")]);
    assert_eq!(names(&shared("att_nonascii_filename.eml").unwrap()), [Some("ciële.txt")]);
    let unnamed = shared("cw_attachments_without_filename.eml").unwrap();
    assert_eq!(names(&unnamed), [None, None]);
    assert!(unnamed.text.unwrap().starts_with("Hi people!"));
}

#[test]
fn a_picture_is_inline_only_if_the_html_shows_it() {
    let part =
        "--b\r\nContent-Type: image/png\r\nContent-ID: <foto>\r\nContent-Disposition: inline\r\n\r\nx\r\n--b--\r\n";
    let head = "Content-Type: multipart/related; boundary=b\r\n";
    let shown = format!("--b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:foto\">Hola\r\n{part}");
    let not_shown = format!("--b\r\nContent-Type: text/plain\r\n\r\nHola\r\n{part}");
    assert!(mail(&letter(head, &shown)).attachments[0].inline);
    assert!(!mail(&letter(head, &not_shown)).attachments[0].inline);
}

#[test]
fn an_attached_mail_is_an_attachment_named_by_its_subject() {
    let body = "--b\r\n\r\nVer\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?Queja=2F1?=\r\n\r\nsecreto\r\n--b--\r\n";
    let mail = mail(&letter("Content-Type: multipart/mixed; boundary=b\r\n", body));
    assert_eq!((mail.text.as_deref(), names(&mail)), (Some("Ver"), vec![Some("Queja-1.eml")]));
}

#[test]
fn flowed_text_is_joined() {
    let mail = mail(&letter("Content-Type: text/plain; format=Flowed; DelSp=Yes\r\n", "Hola \r\nmun \r\ndo.\r\nChau"));
    assert_eq!(mail.text.as_deref(), Some("Holamundo.\nChau"));
}

#[test]
fn ids_of_the_thread() {
    let Some(several) = shared("cw_multiple_in_reply_to.eml") else { return };
    assert_eq!(
        several.in_reply_to,
        ["4e6e35f5a38b4_479f13bb90078171@small-app-01.mail", "4e6e35f5a38b4_479f13bb90078131@small-app-01.mail"]
    );
    assert_eq!(shared("err_empty_in_reply_to.eml").unwrap().in_reply_to, [""; 0]);
    let broken = shared("err_references_one_invalid.eml").unwrap();
    assert_eq!(
        (broken.references, broken.text.as_deref()),
        (vec!["foo@bar.net".to_owned(), "baz@bar.net".to_owned()], Some("foo"))
    );
    let quoted = mail(&letter("In-Reply-To: \"Su mensaje del 21/11\" <a@b.example>\r\n", ""));
    assert_eq!(quoted.in_reply_to, ["a@b.example"]);
}

#[test]
fn senders_and_recipients_that_are_written_badly() {
    let Some(weird) = shared("err_weird_to.eml") else { return };
    assert_eq!(weird.to, ["user-example@aol.com", "e-s-a-s-2200@app.ar.com"]);
    assert_eq!(shared("err_multiple_from.eml").unwrap().from.as_deref(), Some("tim@powerupdev.com"));
    assert_eq!(shared("cw_mail_with_invalid_to.eml").unwrap().to, ["soporte@example.com"]);
    assert_eq!(shared("cw_mail_with_invalid_to_2.eml").unwrap().to, ["soporte@example.com"]);
    assert!(shared("err_at_in_display_name.eml").unwrap().to.contains(&"raasdnil@gmail.com".to_owned()));
    assert_eq!(shared("err_bad_subject.eml").unwrap().from_name.as_deref(), Some("MySurvey.com & Carol Adams"));
}

#[test]
fn a_mail_without_author_names_another_sender_or_nobody() {
    let Some(raw) = fixture("email/cw_bounced_with_no_from.eml") else { return };
    assert_eq!((fact(&raw).identifiers, mail(&raw).from), (Vec::new(), None));
    let reply_to = fact(b"Return-Path: <>\r\nReply-To: Ana <ANA@x.example>\r\nSubject: a\r\n\r\nb");
    assert_eq!(reply_to.identifiers[0].value, "ana@x.example");
}

#[test]
fn reports_name_recipient_and_original() {
    let spanish = report(&mail(&testdata("email/es_dsn_office365_spanish.eml")));
    assert_eq!(spanish["original_message_id"], "conv-7f3a.msg-0002@broker.example.com");
    assert_eq!(spanish["recipients"][0]["final_recipient"], "lucia@cliente.example.net");
    assert_eq!(
        (&spanish["recipients"][0]["action"], &spanish["recipients"][0]["status"]),
        (&"failed".into(), &"5.1.10".into())
    );
    for (file, recipient, status, original) in [
        (
            "dsn_422_over_quota.eml",
            "fraser@oooooooo.com.au",
            "4.2.2",
            "15655788.13.1200472642578.JavaMail.Administrator@mail.ttttt.com.au",
        ),
        ("dsn_530.eml", "edwin@zzzzzzz.com", "5.3.0", "200712232303.lBNN3jDq002941@mail12.rrrr.com.au"),
        ("dsn_multiple_status.eml", "u@ci.com", "5.3.0", "4c2a146147ac8_61ff157c4ec1652df@s.h.c.mail"),
        ("si_dsn_gmail-01.eml", "userunknown@example.jp", "5.1.1", "D992C2C3-F175-4C4D-97E2-53A90E4E5BF5@gmail.com"),
        (
            "si_dsn_amazonses-01.eml",
            "shironeko@example.co.jp",
            "5.0.0",
            "000001321defbd2a-788e31c8-2be1-422f-a8d4-cf7765cc9ed7-000000@email.amazonses.com",
        ),
        ("si_dsn_outlook-01.eml", "kijitora@example.jp", "5.2.2", "BLU436-SMTP6645ECA6E7FEFFE86D040BBA770@phx.gbl"),
        ("si_dsn_postfix-01.eml", "r@p351355.pool.example.ne.jp", "5.1.1", ""),
        (
            "si_rfc3464-01.eml",
            "userunknown@bouncehammer.jp",
            "5.1.1",
            "E1C50F1B-1C83-4820-BC36-AC6FBFBE8568@example.org",
        ),
    ] {
        let Some(mail) = shared(file) else { return };
        let report = report(&mail);
        assert_eq!(report["recipients"][0]["final_recipient"], recipient, "{file}");
        assert_eq!(report["recipients"][0]["status"], status, "{file}");
        if !original.is_empty() {
            assert_eq!(report["original_message_id"], original, "{file}");
        }
    }
}

#[test]
fn complaints_and_read_receipts_are_reports() {
    let Some(complaint) = shared("fl_arf_yahoo.eml") else { return };
    let complaint = report(&complaint);
    assert_eq!((&complaint["kind"], &complaint["feedback_type"]), (&"complaint".into(), &"abuse".into()));
    assert_eq!(complaint["original_recipient"], "user@yahoo.com");
    let body = "--b\r\n\r\nLeído\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; ana@x.example\r\n\
                Original-Message-ID: <m1@example.com>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n";
    let receipt =
        mail(&letter("Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n", body));
    assert!(receipt.flags.automatic && !receipt.flags.bounce);
    assert_eq!(report(&receipt)["original_message_id"], "m1@example.com");
}

#[test]
fn the_date_is_the_senders_claim() {
    let date = |value: &str| {
        fact(&letter(&format!("Date: {value}\r\n"), "")).provider_time.map(relevo_domain::Timestamp::as_millis)
    };
    assert_eq!(date("Fri, 21 Nov 2025 15:00:00 -0300"), Some(1_763_748_000_000));
    assert_eq!(date("1 Jan 2099 00:00:00 +0000"), Some(4_070_908_800_000));
    assert_eq!(date("Pn, 29 paX 2007 21:13:00 +0100"), None);
    assert_eq!(date("ayer"), None);
}
