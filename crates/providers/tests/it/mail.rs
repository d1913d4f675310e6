//! The door to a mail server, against a real one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use relevo_domain::conversation::{FailureClass, OutgoingMail};
use relevo_providers::{
    Account, AccountKind, CheckPart, Credential, Door as _, Job, MailAccount, MailCredential, OAuthGrant, Outcome,
    Prepared, Secret, Security,
};
use relevo_testkit::fakes::{FakeOAuth, OAuthOptions};
use relevo_testkit::{SmtpServer, Stage, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{CLAIM, QUEUED_AT, World, account, failed, is_unknown, later, mail};

const TO: &str = "ana@example.test";
const MESSAGE_ID: &str = "cnv_1.msg_1.0123456789abcdef@example.test";

fn mailbox(server: &SmtpServer, security: Security) -> Account {
    let port = if security == Security::Tls { server.tls_port } else { server.port };
    account(AccountKind::Mail(MailAccount {
        address: server.user.clone(),
        display_name: Some("Soporte".to_owned()),
        addresses: vec![server.user.clone()],
        imap: None,
        smtp: Some(relevo_providers::SmtpServer { host: server.host.clone(), port, security, messages_per_minute: 30 }),
        credential: MailCredential {
            user: server.user.clone(),
            credential: Credential::Password(Secret::new(&server.password)),
        },
        extra_ca: Some(server.ca_pem.clone()),
        public_only: false,
    }))
}

fn with(mut account: Account, change: impl FnOnce(&mut MailAccount)) -> Account {
    if let AccountKind::Mail(mail) = &mut account.kind {
        change(mail);
    }
    account
}

fn content() -> OutgoingMail {
    OutgoingMail {
        subject: "Re: Pedido 12".to_owned(),
        text: "Hola Ana\n.punto al principio\n".to_owned(),
        message_id: MESSAGE_ID.to_owned(),
        ..OutgoingMail::default()
    }
}

async fn received(server: &SmtpServer, address: &str) -> String {
    let found = eventually("the mail arrives", async || server.received(address).pop()).await;
    String::from_utf8(found).unwrap()
}

#[tokio::test]
async fn every_attempt_is_the_same_bytes_dated_when_it_was_queued_and_says_where_answers_go() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let account = mailbox(&server, Security::StartTls);
    let content = OutgoingMail { reply_to: Some("ventas+c7f3@acme.example".to_owned()), ..content() };
    let outgoing = mail(1, "ana@example.test", content);
    let job = || Job { account: &account, outgoing: &outgoing, queued_at: QUEUED_AT };
    let Ok(Prepared::Mail { bytes: first, .. }) = world.doors.prepare(job()).await else { panic!("a mail") };
    later(Duration::from_hours(3));
    let Ok(Prepared::Mail { bytes: again, .. }) = world.doors.prepare(job()).await else { panic!("a mail") };
    assert_eq!(first, again);
    let text = String::from_utf8(again.to_vec()).unwrap();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(field("Date: "), "Wed, 18 Nov 2026 10:50:00 +0000");
    assert!(field("Reply-To: ").ends_with("<ventas+c7f3@acme.example>"), "{text}");
}

#[tokio::test]
async fn a_mail_is_submitted_with_starttls_and_with_tls_under_our_own_message_id() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    for (security, to) in [(Security::StartTls, "ana@example.test"), (Security::Tls, "beto@elsewhere.test")] {
        let outcome = world.send(&mailbox(&server, security), &mail(1, to, content())).await;
        assert_eq!(outcome, Outcome::Accepted { provider_id: MESSAGE_ID.to_owned() }, "{security:?}\n{}", server.log());
        let mail = received(&server, to).await;
        assert!(mail.contains("Message-ID: <cnv_1.msg_1."), "{mail}");
        assert!(mail.contains("\n.punto al principio"), "{mail}");
    }
}

#[tokio::test]
async fn copies_are_in_the_envelope_and_files_come_whole() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let file = world.store("application/pdf", b"%PDF-1.7\r\n.\r\nnot the end\r\n", "factura.pdf");
    let content = OutgoingMail { cc: vec!["beto@elsewhere.test".to_owned()], files: vec![file], ..content() };
    let outcome = world.send(&mailbox(&server, Security::StartTls), &mail(1, TO, content)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    for address in [TO, "beto@elsewhere.test"] {
        let mail = received(&server, address).await;
        assert!(mail.contains("factura.pdf") && mail.contains("JVBERi0xLjcNCi4NCm5vdCB0aGUgZW5kDQo="), "{mail}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_class_of_its_code_wherever_it_is_said() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let account = mailbox(&server, Security::StartTls);
    let user = server.user.clone();
    for (stage, address, reply, class, code) in [
        (Stage::Mail, user.as_str(), "451 4.7.1 later", FailureClass::Transient, "4.7.1"),
        (Stage::Mail, user.as_str(), "550 5.7.60 not allowed to send as this", FailureClass::Account, "5.7.60"),
        (Stage::Rcpt, TO, "550 5.1.1 no such user", FailureClass::Recipient, "5.1.1"),
        (Stage::Rcpt, TO, "450 4.2.1 mailbox busy", FailureClass::Transient, "4.2.1"),
        (Stage::Rcpt, TO, "452 4.5.3 too many", FailureClass::Throttled, "4.5.3"),
        (Stage::Data, user.as_str(), "552 5.3.4 too big", FailureClass::File, "5.3.4"),
        (Stage::Data, user.as_str(), "550 5.7.1 looks like spam", FailureClass::Integrity, "5.7.1"),
        (Stage::Data, user.as_str(), "451 4.3.0 try again", FailureClass::Transient, "4.3.0"),
    ] {
        server.accept_all();
        server.refuse(stage, address, reply);
        let outcome = world.send(&account, &mail(1, TO, content())).await;
        let (found, told, _) = failed(&outcome);
        assert_eq!((found, told), (class, Some(code)), "{stage:?} {reply}: {outcome:?}");
    }
    server.accept_all();
    assert!(matches!(world.send(&account, &mail(1, TO, content())).await, Outcome::Accepted { .. }));
    received(&server, TO).await;
    assert_eq!(server.received(TO).len(), 1);
}

#[tokio::test]
async fn one_refused_recipient_keeps_the_mail_from_all() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    server.refuse(Stage::Rcpt, "beto@elsewhere.test", "550 5.1.1 no such user");
    let content = OutgoingMail { cc: vec!["beto@elsewhere.test".to_owned()], ..content() };
    let outcome = world.send(&mailbox(&server, Security::StartTls), &mail(1, TO, content)).await;
    assert_eq!(failed(&outcome).0, FailureClass::Recipient);
    assert_eq!((server.received(TO).len(), server.queued()), (0, 0));
}

#[tokio::test]
async fn a_denied_login_shows_before_the_call() {
    use relevo_providers::{Door as _, Job};
    let (world, server) = (World::new(), SmtpServer::start().await);
    let account = with(mailbox(&server, Security::StartTls), |mail| {
        mail.credential.credential = Credential::Password(Secret::new("wrong"));
    });
    let outgoing = mail(1, TO, content());
    let (failure, _) =
        world.doors.prepare(Job { account: &account, outgoing: &outgoing, queued_at: QUEUED_AT }).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Auth, "{failure:?}");
    let [line] = world.doors.check(&account).await.try_into().unwrap();
    assert_eq!((line.part, line.ok, line.class), (CheckPart::Sending, false, Some(FailureClass::Auth)));
    let [line] = world.doors.check(&mailbox(&server, Security::StartTls)).await.try_into().unwrap();
    assert!(line.ok, "{line:?}");
}

#[tokio::test]
async fn a_server_that_is_away_or_not_the_one_that_it_says_gets_nothing() {
    let (world, mut server) = (World::new(), SmtpServer::start().await);
    for security in [Security::StartTls, Security::Tls] {
        let untrusted = with(mailbox(&server, security), |mail| mail.extra_ca = None);
        let outcome = world.send(&untrusted, &mail(1, TO, content())).await;
        assert_eq!(failed(&outcome).0, FailureClass::Transient, "{outcome:?}");
    }
    let garbage = with(mailbox(&server, Security::Tls), |mail| {
        mail.extra_ca = Some("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----".to_owned());
    });
    assert_eq!(failed(&world.send(&garbage, &mail(1, TO, content())).await).0, FailureClass::Account);
    let account = mailbox(&server, Security::StartTls);
    server.kill9();
    assert_eq!(failed(&world.send(&account, &mail(1, TO, content())).await).0, FailureClass::Transient);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_was_idle_costs_nothing() {
    let (world, mut server) = (World::new(), SmtpServer::start().await);
    let account = mailbox(&server, Security::StartTls);
    assert!(matches!(world.send(&account, &mail(1, TO, content())).await, Outcome::Accepted { .. }));
    server.restart().await;
    let outcome = world.send(&account, &mail(2, TO, content())).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    eventually("both mails arrive", async || (server.received(TO).len() == 2).then_some(())).await;
}

#[tokio::test]
async fn without_tls_only_this_machine_is_spoken_to() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let account = with(mailbox(&server, Security::Plain), |mail| {
        if let Some(smtp) = &mut mail.smtp {
            smtp.host = "192.0.2.1".to_owned();
        }
    });
    assert_eq!(failed(&world.send(&account, &mail(1, TO, content())).await).0, FailureClass::Account);
}

#[tokio::test]
async fn a_server_that_somebody_else_named_is_reached_at_public_addresses_alone() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    for security in [Security::Tls, Security::StartTls, Security::Plain] {
        for host in ["127.0.0.1", "localhost", "::1"] {
            let account = with(mailbox(&server, security), |mail| {
                mail.public_only = true;
                if let Some(smtp) = &mut mail.smtp {
                    smtp.host = host.to_owned();
                }
            });
            let outcome = world.send(&account, &mail(1, TO, content())).await;
            let Outcome::Failed { failure, .. } = &outcome else { panic!("{security:?} {host}: {outcome:?}") };
            assert_eq!(failure.detail.as_deref(), Some("the mail server's name has no public address"));
        }
    }
}

/// Stands between the door and the server, and says `early` in the clear together with the server's word that TLS may begin.
async fn injector(server: &SmtpServer, early: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, target) = (listener.local_addr().unwrap().port(), server.port);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(inject(client, target, early));
        }
    });
    port
}

async fn inject(mut client: TcpStream, target: u16, early: &[u8]) {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    let (mut asked, mut up, mut down) = (false, [0; 4_096], [0; 4_096]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                asked = up[..count].starts_with(b"STARTTLS");
                server.write_all(&up[..count]).await.unwrap();
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                let mut said = down[..count].to_vec();
                if std::mem::take(&mut asked) {
                    said.extend_from_slice(early);
                }
                if client.write_all(&said).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn what_was_said_before_tls_does_not_count_after_it() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let between = |port| {
        with(mailbox(&server, Security::StartTls), |mail| {
            if let Some(smtp) = &mut mail.smtp {
                smtp.port = port;
            }
        })
    };
    let [line] = world.doors.check(&between(injector(&server, b"").await)).await.try_into().unwrap();
    assert!(line.ok, "{line:?}");
    // Taken for the answer to the EHLO after TLS, it makes every later answer one too early.
    let port = injector(&server, b"250-mail.example.test\r\n250 AUTH PLAIN LOGIN\r\n").await;
    let [line] = world.doors.check(&between(port)).await.try_into().unwrap();
    assert_eq!((line.ok, line.class), (false, Some(FailureClass::Transient)), "{line:?}");
    let outcome = world.send(&between(port), &mail(1, TO, content())).await;
    assert_eq!(failed(&outcome).0, FailureClass::Transient, "{outcome:?}");
    assert_eq!((server.received(TO).len(), server.queued()), (0, 0));
}

#[tokio::test]
async fn a_token_logs_in_and_a_revoked_one_is_replaced_once() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let issuer = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let grant = OAuthGrant {
        token_url: issuer.token_url(),
        client_id: issuer.options().client_id.clone(),
        client_secret: None,
        scope: "mail".to_owned(),
        refresh_token: Some(Secret::new(&issuer.options().refresh_token)),
    };
    let account = with(mailbox(&server, Security::StartTls), |mail| {
        mail.credential.credential = Credential::OAuth(grant.clone());
    });
    // The server does not know the token: refused, asked anew, refused again, told.
    let outcome = world.send(&account, &mail(1, TO, content())).await;
    assert_eq!(failed(&outcome).0, FailureClass::Auth, "{outcome:?}");
    assert_eq!(issuer.requests().len(), 2);
    let token = world.tokens.access_token(&grant).await.unwrap();
    server.add_token(&server.user, token.expose());
    let outcome = world.send(&account, &mail(1, TO, content())).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}\n{}", server.log());
    assert!(world.doors.check(&account).await.iter().all(|line| line.ok));
}

/// Stands between the door and the server, and cuts the line when the client has said `after` (and the server has heard it,
/// if `heard`). Counts the connections.
async fn cutter(server: &SmtpServer, after: &'static [u8], heard: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (target, connections) = (server.port, Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(cut(client, target, after, heard));
        }
    });
    (port, connections)
}

async fn cut(mut client: TcpStream, target: u16, after: &[u8], heard: bool) {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    let (mut said, mut up, mut down) = (Vec::new(), [0; 4_096], [0; 4_096]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                said.extend_from_slice(&up[..count]);
                let now = said.windows(after.len()).any(|window| window == after);
                if now && !heard {
                    return;
                }
                server.write_all(&up[..count]).await.unwrap();
                if now {
                    // The server has answered: it has the mail. Nobody hears it.
                    assert_ne!(server.read(&mut down).await.unwrap(), 0);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                client.write_all(&down[..count]).await.unwrap();
            }
        }
    }
}

fn through(server: &SmtpServer, port: u16) -> Account {
    with(mailbox(server, Security::Plain), |mail| {
        if let Some(smtp) = &mut mail.smtp {
            smtp.port = port;
        }
        // This server takes mail for its own mailboxes from anybody.
        mail.credential.user = String::new();
        mail.credential.credential = Credential::Password(Secret::new(""));
    })
}

/// A way to the server on which it becomes another time while the server answers to a command.
async fn dawdler(server: &SmtpServer, at: &'static [u8], by: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, target) = (listener.local_addr().unwrap().port(), server.port);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(dawdle(client, target, at, by));
        }
    });
    port
}

async fn dawdle(mut client: TcpStream, target: u16, at: &[u8], by: Duration) {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
    let (mut asked, mut up, mut down) = (false, [0; 4_096], [0; 4_096]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                asked = up[..count].starts_with(at);
                server.write_all(&up[..count]).await.unwrap();
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if std::mem::take(&mut asked) {
                    later(by);
                }
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_mail_whose_text_would_begin_after_the_time_of_its_claim_is_not_submitted() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    for at in [b"MAIL FROM".as_slice(), b"RCPT TO", b"DATA\r\n"] {
        let port = dawdler(&server, at, CLAIM).await;
        let outcome = world.send(&through(&server, port), &mail(1, TO, content())).await;
        assert_eq!(failed(&outcome), (FailureClass::Transient, Some("timeout"), None), "{outcome:?}");
        assert_eq!((server.received(TO).len(), server.queued()), (0, 0));
    }
    // One that begins in time is.
    let slow = dawdler(&server, b"DATA\r\n", Duration::from_secs(9)).await;
    let outcome = world.send(&through(&server, slow), &mail(1, TO, content())).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    received(&server, TO).await;
    assert_eq!(server.received(TO).len(), 1);
}

#[tokio::test]
async fn a_line_that_is_cut_after_the_final_dot_leaves_an_unknown_outcome_and_one_mail() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let (port, connections) = cutter(&server, b"\r\n.\r\n", true).await;
    let outcome = world.send(&through(&server, port), &mail(1, TO, content())).await;
    assert!(is_unknown(&outcome), "{outcome:?}");
    received(&server, TO).await;
    assert_eq!((server.received(TO).len(), connections.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_line_that_is_cut_before_the_text_leaves_nothing_and_may_be_tried_again() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    for after in [b"MAIL FROM".as_slice(), b"RCPT TO", b"DATA\r\n"] {
        let (port, _) = cutter(&server, after, false).await;
        let outcome = world.send(&through(&server, port), &mail(1, TO, content())).await;
        assert_eq!(failed(&outcome).0, FailureClass::Transient, "{outcome:?}");
    }
    assert_eq!((server.received(TO).len(), server.queued()), (0, 0));
}

#[tokio::test]
async fn a_line_that_is_cut_in_the_middle_of_the_text_leaves_nothing_and_may_be_tried_again() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    // More than the system takes in for a connection that nobody reads.
    let text = "una linea cualquiera, que se repite\n".repeat(600_000);
    let content = OutgoingMail { text: format!("Hola Ana, aqui va.\n{text}"), ..content() };
    let (port, connections) = cutter(&server, b"aqui va.", false).await;
    let outcome = world.send(&through(&server, port), &mail(1, TO, content)).await;
    let (class, code, _) = failed(&outcome);
    assert_eq!((class, code), (FailureClass::Transient, Some("connection")));
    assert_eq!((server.received(TO).len(), server.queued(), connections.load(Ordering::SeqCst)), (0, 0, 1));
}

#[tokio::test]
async fn many_mails_at_once_use_three_connections_at_most() {
    let (world, server) = (World::new(), SmtpServer::start().await);
    let (port, connections) = cutter(&server, b"\0never\0", true).await;
    let account = through(&server, port);
    let mails: Vec<_> = (0..20).map(|n| mail(n, TO, content())).collect();
    let outcomes = futures::future::join_all(mails.iter().map(|mail| world.send(&account, mail))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted { .. })), "{outcomes:?}");
    assert!(connections.load(Ordering::SeqCst) <= 3, "{connections:?}");
    // A changed account gets connections of its own.
    let changed = Account { revision: 2, ..account };
    let before = connections.load(Ordering::SeqCst);
    assert!(matches!(world.send(&changed, &mails[0]).await, Outcome::Accepted { .. }));
    assert_eq!(connections.load(Ordering::SeqCst), before + 1);
}
