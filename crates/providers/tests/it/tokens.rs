//! Access tokens, and how somebody consents to them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use relevo_domain::conversation::FailureClass;
use relevo_providers::oauth::{self, ConsentRequest};
use relevo_providers::{KeptGrants, OAuthGrant, Secret, xoauth2};
use relevo_testkit::fakes::{FakeOAuth, OAuthOptions, Provider, When, refusals};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, later};

fn grant(fake: &FakeOAuth) -> OAuthGrant {
    OAuthGrant {
        token_url: fake.token_url(),
        client_id: fake.options().client_id.clone(),
        client_secret: fake.options().client_secret.as_deref().map(Secret::new),
        scope: "https://mail.google.com/".to_owned(),
        refresh_token: Some(Secret::new(&fake.options().refresh_token)),
    }
}

fn consent_request(fake: &FakeOAuth) -> ConsentRequest {
    ConsentRequest {
        authorize_url: fake.authorize_url(),
        device_url: fake.device_url(),
        token_url: fake.token_url(),
        client_id: fake.options().client_id.clone(),
        client_secret: None,
        scope: "mail".to_owned(),
    }
}

#[tokio::test]
async fn many_who_need_a_token_at_once_share_one_request() {
    let (world, fake) = (World::new(), FakeOAuth::start(OAuthOptions::default()).await.unwrap());
    let grant = grant(&fake);
    let all = join_all((0..50).map(|_| world.tokens.access_token(&grant))).await;
    let first = all[0].clone().unwrap();
    assert!(fake.is_good(first.expose()));
    assert!(all.into_iter().all(|token| token.unwrap() == first));
    assert_eq!(fake.requests(), ["refresh_token"]);
}

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_it_expires() {
    let (world, fake) = (World::new(), FakeOAuth::start(OAuthOptions::default()).await.unwrap());
    let grant = grant(&fake);
    let first = world.tokens.access_token(&grant).await.unwrap();
    later(Duration::from_secs(3_600 - 61));
    assert_eq!(world.tokens.access_token(&grant).await.unwrap(), first);
    later(Duration::from_secs(1));
    assert_ne!(world.tokens.access_token(&grant).await.unwrap(), first);
    world.tokens.forget(&grant).await;
    world.tokens.access_token(&grant).await.unwrap();
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn an_invalid_grant_is_not_asked_with_again_for_five_minutes_unless_it_changes() {
    let (world, fake) = (World::new(), FakeOAuth::start(OAuthOptions::default()).await.unwrap());
    let mut grant = grant(&fake);
    fake.refuse(Some("invalid_grant"));
    for _ in 0..3 {
        let refused = world.tokens.access_token(&grant).await.unwrap_err();
        assert_eq!((refused.class, refused.code.as_deref()), (FailureClass::Auth, Some("invalid_grant")));
    }
    assert_eq!(fake.requests().len(), 1);
    fake.refuse(None);
    later(Duration::from_secs(299));
    world.tokens.access_token(&grant).await.unwrap_err();
    let known = grant.clone();
    grant.scope = "another".to_owned();
    world.tokens.access_token(&grant).await.unwrap();
    later(Duration::from_secs(1));
    world.tokens.access_token(&known).await.unwrap();
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn an_issuer_in_trouble_is_asked_again_at_once() {
    let (world, fake) = (World::new(), FakeOAuth::start(OAuthOptions::default()).await.unwrap());
    let grant = grant(&fake);
    fake.refuse(Some("temporarily_unavailable"));
    let refused = world.tokens.access_token(&grant).await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Transient);
    fake.refuse(None);
    world.tokens.access_token(&grant).await.unwrap();
    drop(fake);
    world.tokens.forget(&grant).await;
    assert_eq!(world.tokens.access_token(&grant).await.unwrap_err().class, FailureClass::Transient);
}

#[tokio::test]
async fn every_refusal_of_the_table_has_a_class() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    for row in refusals().iter().filter(|row| row.provider == Provider::OAuth && row.when == When::Token) {
        fake.refuse(Some(row.code));
        let refused = World::new().tokens.access_token(&grant(&fake)).await.unwrap_err();
        let expected = match row.code {
            "temporarily_unavailable" => FailureClass::Transient,
            "slow_down" => FailureClass::Throttled,
            _ => FailureClass::Auth,
        };
        assert_eq!((refused.class, refused.code.as_deref()), (expected, Some(row.code)));
    }
}

#[tokio::test]
async fn client_credentials_need_no_refresh_token_and_an_exchanged_one_is_used() {
    let world = World::new();
    let options = OAuthOptions { client_secret: Some("secret".to_owned()), rotates: true, ..OAuthOptions::default() };
    let fake = FakeOAuth::start(options).await.unwrap();
    let own = grant(&fake);
    let machine = OAuthGrant { refresh_token: None, ..own.clone() };
    world.tokens.access_token(&machine).await.unwrap();
    world.tokens.access_token(&own).await.unwrap();
    assert_eq!(fake.requests(), ["client_credentials", "refresh_token"]);
    let exchanged = world.tokens.exchanged(&own).await.unwrap();
    assert_ne!(Some(&exchanged), own.refresh_token.as_ref());
}

/// Refresh tokens in memory, as a folder would keep them.
#[derive(Default)]
struct Folder(Mutex<BTreeMap<String, Secret>>);

impl KeptGrants for Folder {
    fn load(&self, name: &str) -> io::Result<Option<Secret>> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn store(&self, name: &str, refresh_token: &Secret) -> io::Result<()> {
        self.0.lock().unwrap().insert(name.to_owned(), refresh_token.clone());
        Ok(())
    }

    fn forget(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

#[tokio::test]
async fn an_exchanged_refresh_token_outlives_a_restart_and_another_scope() {
    let fake = FakeOAuth::start(OAuthOptions { rotates: true, ..OAuthOptions::default() }).await.unwrap();
    let (folder, mut grant) = (Arc::new(Folder::default()), grant(&fake));
    let started = || World::new().tokens.keeping(folder.clone());
    started().access_token(&grant).await.unwrap();
    let kept = folder.load(&grant.name()).unwrap().unwrap();
    assert_ne!(Some(&kept), grant.refresh_token.as_ref());
    // The issuer takes the configured one no more: without what was kept this would be refused.
    assert_eq!(World::new().tokens.access_token(&grant).await.unwrap_err().class, FailureClass::Auth);
    grant.scope = "another".to_owned();
    let tokens = started();
    tokens.access_token(&grant).await.unwrap();
    assert_ne!(folder.load(&grant.name()).unwrap().unwrap(), kept, "changed once more, and kept");

    let anew = OAuthGrant { refresh_token: Some(Secret::new("another consent")), ..grant.clone() };
    assert_eq!(started().access_token(&anew).await.unwrap_err().class, FailureClass::Auth);
    assert_ne!(anew.name(), grant.name(), "another consent does not inherit the token");
}

#[tokio::test]
async fn a_kept_token_that_is_refused_gives_way_to_the_configured_one_and_back() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let (folder, grant) = (Arc::new(Folder::default()), grant(&fake));
    folder.store(&grant.name(), &Secret::new("of the past")).unwrap();
    let tokens = World::new().tokens.keeping(folder.clone());
    assert_eq!(tokens.access_token(&grant).await.unwrap_err().class, FailureClass::Auth);
    later(Duration::from_mins(5));
    // An issuer that mends itself is not served by a token that was thrown away.
    fake.refuse(Some("invalid_client"));
    assert_eq!(tokens.access_token(&grant).await.unwrap_err().class, FailureClass::Auth);
    assert!(folder.load(&grant.name()).unwrap().is_some());
    fake.refuse(None);
    later(Duration::from_mins(5));
    assert_eq!(tokens.access_token(&grant).await.unwrap_err().class, FailureClass::Auth);
    later(Duration::from_mins(5));
    tokens.access_token(&grant).await.unwrap();
    assert_eq!(folder.load(&grant.name()).unwrap(), None, "the configured one is good");

    folder.store(&grant.name(), &Secret::new("of a channel that was removed")).unwrap();
    tokens.discard(&grant).await;
    assert_eq!(folder.load(&grant.name()).unwrap(), None);
}

#[tokio::test]
async fn a_person_consents_on_another_device() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let request = consent_request(&fake);
    let code = oauth::device(&request).await.unwrap();
    assert_eq!(code.user_code, "ABCD-EFGH");
    let (consent, ()) = tokio::join!(code.wait(&request), async {
        // Not before it has been asked at least once in vain.
        relevo_testkit::eventually("the device asks", async || (!fake.requests().is_empty()).then_some(())).await;
        fake.consent();
    });
    let mut grant = grant(&fake);
    grant.refresh_token = Some(consent.unwrap().refresh_token);
    World::new().tokens.access_token(&grant).await.unwrap();
}

#[tokio::test]
async fn a_person_who_refuses_on_the_other_device_is_told() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let request = consent_request(&fake);
    let code = oauth::device(&request).await.unwrap();
    fake.refuse(Some("access_denied"));
    let refused = code.wait(&request).await.unwrap_err();
    assert_eq!((refused.class, refused.code.as_deref()), (FailureClass::Auth, Some("access_denied")));
}

/// What a browser does with an address, without a browser: the answer's head and body.
async fn browse(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_person_consents_in_a_browser_on_this_machine() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let request = consent_request(&fake);
    let waiting = oauth::loopback(&request).await.unwrap();
    let url = waiting.url.clone();
    let (consent, shown) = tokio::join!(waiting.wait(&request, Duration::from_secs(10), "<p>listo</p>"), async {
        let answer = browse(&url).await;
        let back = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned();
        // Somebody else on this machine, who does not know the state, changes nothing.
        let host = back.split('?').next().unwrap();
        browse(&format!("{host}?code=stolen&state=guessed")).await;
        browse(&format!("{host}favicon.ico")).await;
        browse(&back).await
    });
    assert!(shown.starts_with("HTTP/1.1 200 OK") && shown.ends_with("<p>listo</p>"), "{shown}");
    consent.unwrap();
    assert_eq!(fake.requests(), ["authorization_code"]);
}

#[tokio::test]
async fn nobody_waits_for_a_browser_for_ever() {
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let request = consent_request(&fake);
    let waiting = oauth::loopback(&request).await.unwrap();
    let refused = waiting.wait(&request, Duration::from_millis(20), "").await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Expired);
}

#[test]
fn the_login_is_the_one_of_the_description() {
    assert_eq!(
        xoauth2("someuser@example.com", &Secret::new("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")),
        "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    );
}
