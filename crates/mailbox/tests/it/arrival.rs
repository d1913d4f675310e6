//! How mails get from the mailbox to the raw stream when nothing goes wrong.

use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::client::Tls;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use relevo_eventlog::InputKind;
use relevo_testkit::{Dovecot, SmtpServer, eventually};

use crate::rig::{PATIENCE, Rig, USER, endpoint, key, mail, now, quick};

/// The promise.
const ARRIVAL_MAX: Duration = Duration::from_secs(1);

async fn send(smtp: &SmtpServer, bytes: &[u8]) {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host).port(smtp.port);
    let envelope = Envelope::new(Some("ana@cliente.test".parse().unwrap()), vec![USER.parse().unwrap()]).unwrap();
    transport.tls(Tls::None).build::<Tokio1Executor>().send_raw(&envelope, bytes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_a_client_sends_is_stored_within_a_second_of_its_arrival() {
    let rig = Rig::start().await;
    let smtp = rig.dovecot.smtp().await;
    let running = rig.connected().await;
    // The median of a few: one may meet another test's compiler.
    let mut times = Vec::new();
    for n in 1..=5u64 {
        let name = format!("m{n}");
        send(&smtp, &mail(&name)).await;
        let accepted = Instant::now();
        eventually("the mail is stored", async || (rig.stored().await >= n).then_some(())).await;
        times.push(accepted.elapsed());
    }
    times.sort();
    eprintln!("from SMTP's 250 to the raw stream: {times:?}");
    assert!(times[2] < ARRIVAL_MAX, "{times:?}");
    let items = rig.items(5).await;
    assert_eq!((items[0].endpoint.clone(), items[0].kind), (endpoint(), InputKind::Email));
    assert!(!items[0].notes.imported && items[0].notes.truncated_from.is_none());
    assert!(now().since(items[0].received_at) < PATIENCE);
    let text = String::from_utf8(items[0].body.to_vec()).unwrap();
    assert!(text.starts_with("Received: ") || text.starts_with("Return-path: "), "{text}");
    assert!(text.contains("Subject: m1\r\n") && text.contains("\r\n\r\nHola, m1.\r\n"), "{text}");
    running.stop().await;
    assert!(smtp.log().contains("Completed"), "{}", smtp.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_begins_with_the_first_mail_after_the_connection_and_goes_on_where_it_ended() {
    let rig = Rig::start().await;
    rig.dovecot.drop_mail(USER, "INBOX", "old", &mail("old"));
    let running = rig.connected().await;
    rig.position_is("INBOX", 1).await;
    rig.dovecot.drop_mail(USER, "INBOX", "new", &mail("new"));
    let items = rig.items(1).await;
    assert_eq!(items[0].body, mail("new"));
    assert!(!items[0].notes.imported);
    rig.position_is("INBOX", 2).await;
    running.stop().await;
    rig.dovecot.drop_mail(USER, "INBOX", "meanwhile", &mail("meanwhile"));
    let running = rig.run();
    assert_eq!(rig.items(2).await[1].body, mail("meanwhile"));
    rig.position_is("INBOX", 3).await;
    running.stop().await;
    assert_eq!(rig.stored().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_brought_in_as_history_if_somebody_asks_for_it() {
    let rig = Rig::start().await;
    for n in 0..50 {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("old{n}"), &mail(&format!("old{n}")));
    }
    rig.put(2, rig.imap(|imap| imap.import_days = 7));
    let running = rig.run();
    let items = rig.items(50).await;
    assert!(items.iter().all(|item| item.notes.imported && item.received_at <= now()));
    rig.position_is("INBOX", 50).await;
    rig.dovecot.drop_mail(USER, "INBOX", "new", &mail("new"));
    assert!(!rig.items(51).await[50].notes.imported);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_folder_is_read_and_the_same_mail_in_two_is_two_items() {
    let rig = Rig::start().await;
    for folder in ["INBOX", "Ventas", "Atenci&APM-n"] {
        rig.dovecot.drop_mail(USER, folder, "first", &mail("first"));
    }
    let folders = ["INBOX", "Ventas", "Atención"];
    rig.put(2, rig.imap(|imap| imap.folders = folders.map(str::to_owned).to_vec()));
    let running = rig.connected().await;
    for folder in folders {
        rig.position_is(folder, 1).await;
    }
    for folder in ["INBOX", "Ventas", "Atenci&APM-n"] {
        rig.dovecot.drop_mail(USER, folder, "same", &mail("same"));
    }
    // Which of them is a duplicate is intake's to say: the bytes are the same.
    let items = rig.items(3).await;
    assert!(items.iter().all(|item| item.body == mail("same")));
    for folder in folders {
        rig.position_is(folder, 2).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_idle_is_asked_again_and_again() {
    let rig = Rig::with(Dovecot::without_idle().await).await;
    let running = rig.connected().await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    assert_eq!(rig.items(1).await[0].body, mail("a"));
    rig.dovecot.drop_mail(USER, "INBOX", "b", &mail("b"));
    assert_eq!(rig.items(2).await[1].body, mail("b"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_that_is_renewed_misses_nothing() {
    let rig = Rig::start().await;
    let running = rig.run_with(relevo_mailbox::Options { idle_renewal: Duration::from_millis(20), ..quick() });
    rig.position_is("INBOX", 0).await;
    for n in 0..30u64 {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("m{n}"), &mail(&format!("m{n}")));
        if n % 5 == 0 {
            rig.items(n + 1).await;
        }
    }
    let items = rig.items(30).await;
    assert_eq!(items.len(), 30);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_too_large_comes_as_its_header_and_says_so() {
    let rig = Rig::start().await;
    let running = rig.connected().await;
    let mut huge = b"From: ana@cliente.test\r\nSubject: enorme\r\nMessage-ID: <huge@cliente.test>\r\n\r\n".to_vec();
    let header = huge.clone();
    let line = [b'x'; 76];
    while huge.len() < 60 * 1024 * 1024 {
        huge.extend_from_slice(&line);
        huge.extend_from_slice(b"\r\n");
    }
    rig.dovecot.drop_mail(USER, "INBOX", "huge", &huge);
    rig.dovecot.drop_mail(USER, "INBOX", "small", &mail("small"));
    let items = rig.items(2).await;
    assert_eq!(items[0].body, header);
    assert_eq!(items[0].notes.truncated_from, Some(huge.len() as u64));
    assert_eq!(items[1].body, mail("small"));
    // One that is large, and within the limit, comes whole.
    huge.truncate(20 * 1024 * 1024);
    rig.dovecot.drop_mail(USER, "INBOX", "large", &huge);
    let items = rig.items(3).await;
    assert_eq!((items[2].body.len(), items[2].notes.truncated_from), (huge.len(), None));
    assert!(items[2].body == huge);
    assert!(rig.board.of(&key()).values().all(|health| matches!(health, relevo_providers::Health::Good { .. })));
    running.stop().await;
}
