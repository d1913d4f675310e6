//! Getting in: each way of it, each refusal, and what is said about it.

use relevo_domain::conversation::FailureClass;
use relevo_mailbox::check;
use relevo_providers::{Credential, Health, MailAccount, MailCredential, OAuthGrant, Secret, Security};
use relevo_testkit::fakes::{FakeOAuth, OAuthOptions};
use relevo_testkit::{TestCa, eventually};

use crate::rig::{Rig, USER, full, mail};

async fn checked(rig: &Rig, account: MailAccount) -> Result<(), (FailureClass, String)> {
    let line = check(&full(1, account), &rig.tokens).await.unwrap();
    if line.ok { Ok(()) } else { Err((line.class.unwrap(), line.code.unwrap())) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_in_one_line_what_is_wrong() {
    let rig = Rig::start().await;
    let with = |change: fn(&mut MailAccount)| {
        let mut account = rig.account();
        change(&mut account);
        account
    };
    let plain_port = rig.dovecot.plain_port;
    assert_eq!(checked(&rig, rig.account()).await, Ok(()));
    let starttls = rig.imap(|imap| (imap.port, imap.security) = (plain_port, Security::StartTls));
    assert_eq!(checked(&rig, starttls).await, Ok(()));
    let plain = rig.imap(|imap| (imap.port, imap.security) = (plain_port, Security::Plain));
    assert_eq!(checked(&rig, plain).await, Ok(()));
    let account = |code: &str| Err((FailureClass::Account, code.to_owned()));
    let transient = |code: &str| Err((FailureClass::Transient, code.to_owned()));
    assert_eq!(checked(&rig, with(|account| account.extra_ca = None)).await, account("certificate"));
    let mut stranger = rig.account();
    stranger.extra_ca = Some(TestCa::new().pem().to_owned());
    assert_eq!(checked(&rig, stranger).await, account("certificate"));
    assert_eq!(
        checked(
            &rig,
            with(|account| account.extra_ca =
                Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_owned()))
        )
        .await,
        account("bad-ca")
    );
    assert_eq!(checked(&rig, rig.imap(|imap| imap.folders.push("Ventas".to_owned()))).await, account("no-folder"));
    assert_eq!(
        checked(&rig, rig.imap(|imap| imap.folders.push("a\r\nb LOGOUT".to_owned()))).await,
        account("no-folder")
    );
    assert_eq!(
        checked(&rig, rig.imap(|imap| imap.host = "no-such-host.invalid".to_owned())).await,
        transient("resolve")
    );
    assert_eq!(checked(&rig, rig.imap(|imap| imap.port = 1)).await, transient("connect"));
    assert_eq!(checked(&rig, rig.imap(|imap| imap.port = plain_port)).await, transient("tls"));
    // This machine is no place for those who do not run it, whatever its name.
    for host in ["localhost", "127.0.0.1"] {
        let mut added = rig.imap(|imap| imap.host = host.to_owned());
        added.public_only = true;
        assert_eq!(checked(&rig, added).await, account("private-address"));
    }
    let denied = with(|account| account.credential.credential = Credential::Password(Secret::new("wrong")));
    assert_eq!(checked(&rig, denied).await, Err((FailureClass::Auth, "denied".to_owned())));
    let two_lines = with(|account| account.credential.credential = Credential::Password(Secret::new("a\r\nb")));
    assert_eq!(checked(&rig, two_lines).await, account("bad-credential"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_login_is_for_a_person_to_mend_and_taken_up_at_once_when_mended() {
    let rig = Rig::start().await;
    rig.dovecot.deny(USER);
    let running = rig.run();
    let health = rig.health("the login is denied", |health| matches!(health, Health::Broken { .. })).await;
    assert!(matches!(health, Health::Broken { class: FailureClass::Auth, .. }), "{health:?}");
    // The pause is of minutes: only another revision of the account ends it.
    rig.dovecot.add_user(USER, "another");
    let mut mended = rig.account();
    mended.credential.credential = Credential::Password(Secret::new("another"));
    // Dovecot looks at its file of users once a second.
    eventually("the server knows the new password", async || checked(&rig, mended.clone()).await.ok()).await;
    rig.put(2, mended);
    rig.health("the mailbox is read", |health| matches!(health, Health::Good { .. })).await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    rig.items(1).await;
    // An account that is no more is not read any more.
    rig.accounts.replace([]);
    eventually("the session is ended", async || {
        (rig.dovecot.log().matches("Disconnected").count() + rig.dovecot.log().matches("Logged out").count() > 1)
            .then_some(())
    })
    .await;
    rig.dovecot.drop_mail(USER, "INBOX", "b", &mail("b"));
    running.stop().await;
    assert_eq!(rig.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_logs_in_and_one_that_was_taken_back_is_replaced() {
    let rig = Rig::start().await;
    let oauth = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let grant = OAuthGrant {
        token_url: oauth.token_url(),
        client_id: oauth.options().client_id.clone(),
        client_secret: oauth.options().client_secret.clone().map(Secret::new),
        scope: String::new(),
        refresh_token: Some(Secret::new(oauth.options().refresh_token.clone())),
    };
    let mut account = rig.account();
    account.credential = MailCredential { user: USER.to_owned(), credential: Credential::OAuth(grant.clone()) };
    // What Dovecot knows of tokens is what the issuer gave.
    let token = rig.tokens.access_token(&grant).await.unwrap();
    rig.dovecot.set_token(USER, token.expose());
    assert_eq!(checked(&rig, account.clone()).await, Ok(()));
    rig.put(2, account.clone());
    let running = rig.connected().await;
    rig.dovecot.drop_mail(USER, "INBOX", "a", &mail("a"));
    rig.items(1).await;
    running.stop().await;
    // The server takes none any more, whatever the issuer gives.
    rig.dovecot.set_token(USER, "another");
    assert_eq!(checked(&rig, account.clone()).await, Err((FailureClass::Auth, "denied".to_owned())));
    let asked = oauth.requests().len();
    assert!(asked >= 2, "a token that is not taken is replaced once: {asked}");
    // The grant itself is taken back.
    oauth.refuse(Some("invalid_grant"));
    rig.tokens.forget(&grant).await;
    let (class, code) = checked(&rig, account).await.unwrap_err();
    assert_eq!((class, code.as_str()), (FailureClass::Auth, "invalid_grant"));
}
