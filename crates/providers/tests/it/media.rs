//! Fetching media: from the provider's hosts alone, never from private machines, within a size.

use relevo_providers::{Account, AccountKind, FetchFailure, MediumRef, Secret};
use relevo_testkit::fakes::{FakeMeta, FakeTwilio, MetaOptions, TwilioOptions, When};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{World, meta, twilio};

const LIMIT: usize = 1 << 20;

fn by_id(id: &str) -> MediumRef {
    MediumRef { provider_id: Some(id.to_owned()), url: None }
}

fn by_url(url: &str) -> MediumRef {
    MediumRef { provider_id: None, url: Some(url.to_owned()) }
}

fn without_exemption(mut account: Account) -> Account {
    match &mut account.kind {
        AccountKind::Meta(meta) => meta.media_hosts.clear(),
        AccountKind::Twilio(twilio) => twilio.media_hosts.clear(),
        AccountKind::Mail(_) => {}
    }
    account
}

#[tokio::test]
async fn a_medium_is_fetched_whole_with_its_type() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    let id = fake.put_medium("image/PNG; x=1", vec![7; 100_000]);
    let fetched = world.doors.fetch_medium(&meta(&fake), &by_id(&id), LIMIT).await.unwrap();
    assert_eq!((fetched.bytes.len(), fetched.mime_type.as_deref()), (100_000, Some("image/png")));

    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let url = fake.put_medium("audio/ogg", vec![8; 50_000]);
    let fetched = world.doors.fetch_medium(&twilio(&fake), &by_url(&url), LIMIT).await.unwrap();
    assert_eq!((fetched.bytes.len(), fetched.mime_type.as_deref()), (50_000, Some("audio/ogg")));
}

#[tokio::test]
async fn what_vanished_is_gone_and_what_is_too_big_is_not_read() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    let account = meta(&fake);
    let (vanished, expired, big) = (
        fake.put_medium("image/png", vec![7; 10]),
        fake.put_medium("image/png", vec![7; 10]),
        fake.put_medium("image/png", vec![7; LIMIT + 1]),
    );
    fake.vanish(&vanished);
    fake.expire(&expired);
    let fetch = async |id: &str| world.doors.fetch_medium(&account, &by_id(id), LIMIT).await;
    assert_eq!(fetch(&vanished).await, Err(FetchFailure::Gone));
    assert_eq!(fetch(&expired).await, Err(FetchFailure::Gone));
    assert_eq!(fetch(&big).await, Err(FetchFailure::TooBig));

    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let account = twilio(&fake);
    let (expired, big) = (fake.put_medium("image/png", vec![7; 10]), fake.put_medium("image/png", vec![7; LIMIT + 1]));
    fake.expire(&expired);
    assert_eq!(world.doors.fetch_medium(&account, &by_url(&expired), LIMIT).await, Err(FetchFailure::Gone));
    assert_eq!(world.doors.fetch_medium(&account, &by_url(&big), LIMIT).await, Err(FetchFailure::TooBig));
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_and_a_provider_in_trouble_are_told_apart() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    let id = fake.put_medium("image/png", vec![7; 10]);
    let mut account = meta(&fake);
    for (code, expected) in [("190", "auth"), ("131052", "gone"), ("4", "transient")] {
        fake.refuse(When::Medium, Some(code));
        let found = match world.doors.fetch_medium(&account, &by_id(&id), LIMIT).await {
            Err(FetchFailure::Auth) => "auth",
            Err(FetchFailure::Gone) => "gone",
            Err(FetchFailure::Transient { .. }) => "transient",
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!(found, expected, "{code}");
    }
    if let AccountKind::Meta(meta) = &mut account.kind {
        meta.access_token = Secret::new("wrong");
    }
    assert_eq!(world.doors.fetch_medium(&account, &by_id(&id), LIMIT).await, Err(FetchFailure::Auth));
    drop(fake);
    let away = world.doors.fetch_medium(&account, &by_id(&id), LIMIT).await;
    assert!(matches!(away, Err(FetchFailure::Transient { .. })), "{away:?}");
}

#[tokio::test]
async fn an_address_that_is_not_the_providers_is_refused() {
    let world = World::new();
    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let account = without_exemption(twilio(&fake));
    let served = fake.put_medium("image/png", vec![7; 10]);
    for url in [
        served.as_str(),
        "http://api.twilio.com/media",
        "https://127.0.0.1/media",
        "https://[::1]/media",
        "https://169.254.169.254/latest/meta-data",
        "https://example.com/media",
        "https://api.twilio.com.example.com/media",
        "https://twilio.com@127.0.0.1/media",
        "https://eviltwilio.com/media",
        "file:///etc/passwd",
        "gopher://api.twilio.com/",
        "/media",
        "",
    ] {
        let found = world.doors.fetch_medium(&account, &by_url(url), LIMIT).await;
        assert!(matches!(found, Err(FetchFailure::Refused(_))), "{url}: {found:?}");
    }
}

#[tokio::test]
async fn a_redirection_is_judged_like_the_first_address() {
    let world = World::new();
    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let account = twilio(&fake);
    let url = fake.put_medium("image/png", vec![7; 10]);
    for target in
        ["https://169.254.169.254/latest/meta-data", "https://example.com/", "http://127.0.0.1:1/", "//example.com/"]
    {
        fake.redirect_media_to(target);
        let found = world.doors.fetch_medium(&account, &by_url(&url), LIMIT).await;
        assert!(matches!(found, Err(FetchFailure::Refused(_))), "{target}: {found:?}");
    }
    // For ever in a circle.
    fake.redirect_media_to(&url);
    let found = world.doors.fetch_medium(&account, &by_url(&url), LIMIT).await;
    assert_eq!(found, Err(FetchFailure::Refused("too many redirections")));
}

/// Answers every request with a status, and says what it heard.
async fn store(status: &'static str) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (heard, hearing) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (mut request, mut part) = (Vec::new(), [0; 1024]);
            while !request.ends_with(b"\r\n\r\n") {
                match client.read(&mut part).await {
                    Ok(count @ 1..) => request.extend_from_slice(&part[..count]),
                    Ok(_) | Err(_) => break,
                }
            }
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await.unwrap();
            heard.send(String::from_utf8_lossy(&request).to_lowercase()).await.unwrap();
        }
    });
    (host, hearing)
}

#[tokio::test]
async fn what_a_store_denies_without_our_credential_is_no_word_about_the_credential() {
    let world = World::new();
    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let url = fake.put_medium("image/png", vec![7; 10]);
    for status in ["403 Forbidden", "401 Unauthorized"] {
        let (host, mut heard) = store(status).await;
        let mut account = twilio(&fake);
        if let AccountKind::Twilio(twilio) = &mut account.kind {
            twilio.media_hosts.push(host.clone());
        }
        fake.redirect_media_to(&format!("http://{host}/signed"));
        let found = world.doors.fetch_medium(&account, &by_url(&url), LIMIT).await;
        assert_eq!(found, Err(FetchFailure::Gone), "{status}");
        assert!(!heard.recv().await.unwrap().contains("authorization"));
        // Where our credential was sent, it is about that.
        let at = by_url(&format!("http://{host}/media"));
        assert_eq!(world.doors.fetch_medium(&account, &at, LIMIT).await, Err(FetchFailure::Auth), "{status}");
        assert!(heard.recv().await.unwrap().contains("authorization"));
    }
}

#[tokio::test]
async fn meta_media_come_from_metas_hosts_alone() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    let id = fake.put_medium("image/png", vec![7; 10]);
    let found = world.doors.fetch_medium(&without_exemption(meta(&fake)), &by_id(&id), LIMIT).await;
    assert!(matches!(found, Err(FetchFailure::Refused(_))), "{found:?}");
    for id in ["../106540352242922", "1?x=y", "", "a/b"] {
        let found = world.doors.fetch_medium(&meta(&fake), &by_id(id), LIMIT).await;
        assert_eq!(found, Err(FetchFailure::Refused("not an id")), "{id}");
    }
}
