//! What goes wrong outside: servers that restart, number anew or vanish, a log that is away, another node.

use std::time::Duration;

use relevo_eventlog::{Claim, MailPosition};
use relevo_providers::Health;
use relevo_testkit::eventually_within;

use crate::rig::{PATIENCE, Rig, USER, endpoint, key, mail, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_found_again() {
    let mut rig = Rig::start().await;
    let running = rig.connected().await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    rig.items(1).await;
    rig.dovecot.kill9();
    rig.health("it is missed", |health| matches!(health, Health::Ailing { .. })).await;
    rig.dovecot.drop_mail(USER, "INBOX", "b", &mail("b"));
    rig.dovecot.restart().await;
    rig.items(2).await;
    rig.health("it is back", |health| matches!(health, Health::Good { .. })).await;
    rig.position_is("INBOX", 2).await;
    running.stop().await;
    assert_eq!(rig.stored().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_numbered_anew_is_read_again_from_where_it_was_connected() {
    let mut rig = Rig::start().await;
    let running = rig.connected().await;
    for name in ["a", "b"] {
        rig.dovecot.drop_mail(USER, "INBOX", name, &mail(name));
    }
    rig.items(2).await;
    rig.position_is("INBOX", 2).await;
    let positions = rig.connection.mail_positions();
    let before = positions.load(&endpoint(), "INBOX").await.unwrap().unwrap();
    rig.dovecot.kill9();
    rig.dovecot.forget_numbers(USER, "INBOX");
    rig.dovecot.drop_mail(USER, "INBOX", "c", &mail("c"));
    rig.dovecot.restart().await;
    // What was known comes again, for intake to recognise; nothing of it is history, because it came after the connection.
    let items = rig.items(5).await;
    let mut bodies: Vec<_> = items[2..].iter().map(|item| item.body.to_vec()).collect();
    bodies.sort();
    assert_eq!(bodies, [mail("a"), mail("b"), mail("c")]);
    assert!(items.iter().all(|item| !item.notes.imported));
    rig.position_is("INBOX", 3).await;
    let after = positions.load(&endpoint(), "INBOX").await.unwrap().unwrap();
    assert_ne!(after.uid_validity, before.uid_validity);
    let MailPosition { uid_validity, read_at, .. } = after;
    assert_eq!(after, MailPosition { uid_validity, last_uid: 3, history_below: 0, read_at, ..before });
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_gets_another_mailbox_is_read_from_when_the_last_one_was() {
    const OTHER: &str = "ventas@example.test";
    let mut rig = Rig::start().await;
    rig.dovecot.add_user(OTHER, crate::rig::PASSWORD);
    let running = rig.connected().await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    rig.items(1).await;
    rig.position_is("INBOX", 1).await;
    running.stop().await;
    // Two servers that number alike, as two that were set up in the same second.
    rig.dovecot.kill9();
    for (user, name) in [(USER, "b"), (OTHER, "first"), (OTHER, "second")] {
        rig.dovecot.drop_mail(user, "INBOX", name, &mail(name));
    }
    rig.dovecot.forget_numbers(OTHER, "INBOX");
    rig.dovecot.restart().await;
    let mut other = rig.account();
    other.credential.user = OTHER.to_owned();
    let positions = rig.connection.mail_positions();
    let claim = positions.claim(&endpoint(), "INBOX", "a test", now(), Duration::from_secs(1)).await.unwrap();
    let Claim::Held(mut hold) = claim else { panic!("{claim:?}") };
    let before = hold.position.unwrap();
    let alike = MailPosition { uid_validity: 1_000_000_007, ..before };
    assert!(positions.store(&mut hold, alike, now()).await.unwrap());
    positions.release(hold, now()).await.unwrap();
    rig.put(2, other);
    let running = rig.run();
    // The first has a number that was read in the mailbox before.
    let items = rig.items(3).await;
    let mut bodies: Vec<_> = items[1..].iter().map(|item| item.body.to_vec()).collect();
    bodies.sort();
    assert_eq!(bodies, [mail("first"), mail("second")]);
    assert!(items.iter().all(|item| !item.notes.imported), "they came after the last look at the old one");
    rig.position_is("INBOX", 2).await;
    let after = positions.load(&endpoint(), "INBOX").await.unwrap().unwrap();
    assert_eq!((after.uid_validity, after.mailbox == before.mailbox), (alike.uid_validity, false));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_costs_no_mail() {
    let mut rig = Rig::start().await;
    let running = rig.connected().await;
    rig.nats.kill9();
    for n in 0..30 {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("m{n}"), &mail(&format!("m{n}")));
    }
    rig.nats.restart().await;
    let items = rig.items(30).await;
    let mut bodies: Vec<_> = items.iter().map(|item| item.body.to_vec()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 30);
    rig.position_is("INBOX", 30).await;
    assert!(matches!(rig.board.of(&key()).values().next(), Some(Health::Good { .. })), "the log is not the mailbox");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_reads_and_the_other_takes_over() {
    let rig = Rig::start().await;
    let first = rig.connected().await;
    let second = rig.run();
    for n in 0..40u64 {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("m{n}"), &mail(&format!("m{n}")));
    }
    rig.position_is("INBOX", 40).await;
    assert_eq!(rig.stored().await, 40, "each mail once");
    first.kill().await;
    rig.dovecot.drop_mail(USER, "INBOX", "after", &mail("after"));
    assert_eq!(rig.items(41).await[40].body, mail("after"));
    // A node that ends leaves the folder to others at once.
    let third = rig.run();
    second.stop().await;
    rig.dovecot.drop_mail(USER, "INBOX", "last", &mail("last"));
    assert_eq!(rig.items(42).await[41].body, mail("last"));
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mailbox_never_keeps_another_waiting() {
    let rig = Rig::start().await;
    rig.dovecot.drop_mail(USER, "Ventas", "old", &mail("old"));
    // A server that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut deaf = rig.imap(|imap| imap.security = relevo_providers::Security::Plain);
    deaf.imap.as_mut().unwrap().port = silent.local_addr().unwrap().port();
    let mut other = crate::rig::full(1, deaf);
    other.channel = relevo_domain::ChannelId::new("deaf").unwrap();
    rig.accounts.replace([other, crate::rig::full(1, rig.imap(|imap| imap.folders.push("No such".to_owned())))]);
    let running = rig.run();
    // A folder that is missing is said, and its neighbour is read all the same.
    rig.health("a folder is missing", |health| matches!(health, Health::Broken { .. })).await;
    eventually_within("the other folder is connected", PATIENCE, async || rig.position("INBOX").await).await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    rig.items(1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_the_server_cannot_show_is_passed_over_and_the_others_are_not() {
    let mut rig = Rig::start().await;
    rig.connected().await.stop().await;
    rig.dovecot.kill9();
    for n in 0..9 {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("m{n}"), &mail(&format!("m{n}")));
    }
    rig.dovecot.spoil(USER, "INBOX", "m4");
    rig.dovecot.restart().await;
    let running = rig.run();
    rig.health("trouble is said", |health| matches!(health, Health::Ailing { .. })).await;
    rig.position_is("INBOX", 9).await;
    let items = rig.all_items().await;
    let bodies: std::collections::BTreeSet<_> = items.iter().map(|item| item.body.to_vec()).collect();
    let lost: Vec<_> = bodies.iter().filter(|body| !body.starts_with(b"From: ")).cloned().collect();
    assert_eq!(
        &bodies - &lost.iter().cloned().collect(),
        (0..9).filter(|n| *n != 4).map(|n| mail(&format!("m{n}"))).collect()
    );
    assert_eq!(items.len(), 9, "none of them twice");
    // What stands for it says where to look, and is no mail: intake parks it for somebody to see.
    let [note] = lost.as_slice() else { panic!("{lost:?}") };
    assert!(String::from_utf8_lossy(note).contains("\r\nFolder: INBOX\r\nUID: "), "{note:?}");
    assert!(relevo_channels::email::updates(note, &[]).pop().unwrap().content.is_err());
    rig.health("all is well again", |health| matches!(health, Health::Good { .. })).await;
    running.stop().await;
}
