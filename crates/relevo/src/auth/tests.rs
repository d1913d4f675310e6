//! Credentials through the one door: keys, our own tokens, and what ends them.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::config::{Layers, check, load};

const SERVICE: &str = "Bearer relevo-demo-service";
const BEGIN: i64 = 1_760_000_000_000;

thread_local! {
    /// Tests run on threads of their own, and so does their clock.
    static NOW: AtomicI64 = const { AtomicI64::new(BEGIN) };
}

fn clock() -> Timestamp {
    NOW.with(|now| Timestamp::from_millis(now.load(Ordering::Relaxed)))
}

fn later(seconds: i64) {
    NOW.with(|now| now.fetch_add(seconds * 1000, Ordering::Relaxed));
}

fn config() -> Config {
    check::check(&load(&Layers { demo: true, ..Layers::default() }).unwrap()).unwrap()
}

fn auth_of(config: &Config) -> Auth {
    Auth::new(config, &[vec![7; KEY_BYTES_MIN]], clock).unwrap()
}

fn wish(agent: &str) -> Wish {
    Wish { agent: agent.to_owned(), ..Wish::default() }
}

async fn good(auth: &Auth, header: &str) -> Credential {
    auth.resolve(Some(header)).await.unwrap().unwrap()
}

async fn minted(auth: &Auth, agent: &str) -> Minted {
    auth.mint(&good(auth, SERVICE).await, wish(agent), 0).unwrap()
}

fn bearer(minted: &Minted) -> String {
    format!("Bearer {}", minted.text)
}

#[tokio::test]
async fn a_key_names_its_caller_and_nothing_else_does() {
    let auth = auth_of(&config());
    let laura = good(&auth, "bearer relevo-demo-agent").await;
    assert_eq!((laura.caller.name.as_str(), laura.valid_until), ("laura", None));
    assert_eq!(auth.resolve(None).await, Ok(None));
    let huge = format!("Bearer {}", "a".repeat(CREDENTIAL_BYTES_MAX + 1));
    for header in ["", "Bearer", "Bearer ", "Bearer unknown", "Basic relevo-demo-agent", "relevo-demo-agent", &huge] {
        assert_eq!(auth.resolve(Some(header)).await, Err(Refused::Unknown), "{header:.40}");
    }
}

#[tokio::test]
async fn a_token_is_its_agent_until_its_time() {
    let auth = auth_of(&config());
    let minted = minted(&auth, "martin").await;
    assert_eq!(minted.valid_until, Timestamp::from_millis(BEGIN + 900_000));
    let credential = good(&auth, &bearer(&minted)).await;
    assert_eq!(credential.caller, minted.caller);
    assert_eq!((credential.caller.name.as_str(), credential.caller.role), ("martin", Role::Agent));
    assert_eq!(credential.valid_until, Some(ValidUntil(minted.valid_until)));
    later(899);
    good(&auth, &bearer(&minted)).await;
    later(1);
    assert_eq!(auth.resolve(Some(&bearer(&minted))).await, Err(Refused::Expired));
}

#[tokio::test]
async fn renewing_goes_on_until_the_session_ends_and_no_longer() {
    let auth = auth_of(&config());
    let mut token = minted(&auth, "laura").await;
    let end = token.renewable_until;
    assert_eq!(end, Timestamp::from_millis(BEGIN + 12 * 3_600_000));
    let mut renewals = 0;
    while token.valid_until < end {
        later(800);
        let credential = good(&auth, &bearer(&token)).await;
        token = auth.renew(&credential, 0).unwrap();
        assert_eq!(token.renewable_until, end);
        renewals += 1;
        assert!(renewals < 100);
    }
    assert_eq!(token.valid_until, end);
    later(900);
    assert_eq!(auth.resolve(Some(&bearer(&token))).await, Err(Refused::Expired));
}

#[tokio::test]
async fn only_a_service_mints_and_only_a_token_renews() {
    let auth = auth_of(&config());
    for key in ["relevo-demo-admin", "relevo-demo-agent", "relevo-demo-ops", "relevo-demo-bot"] {
        let credential = good(&auth, &format!("Bearer {key}")).await;
        assert_eq!(auth.mint(&credential, wish("laura"), 0), Err(MintRefused::NotAllowed), "{key}");
        assert_eq!(auth.renew(&credential, 0), Err(MintRefused::NotAllowed), "{key}");
    }
    let service = good(&auth, SERVICE).await;
    assert_eq!(auth.renew(&service, 0), Err(MintRefused::NotAllowed));
    let token = good(&auth, &bearer(&minted(&auth, "admin").await)).await;
    assert_eq!(auth.mint(&token, wish("laura"), 0), Err(MintRefused::NotAllowed));
    assert_eq!(auth.mint(&service, wish("laura"), 901), Err(MintRefused::TooLong(900)));
    assert_eq!(auth.mint(&service, wish("nobody"), 0), Err(MintRefused::Denied(Denied::NoAgent)));
    assert_eq!(auth.mint(&service, wish("bea"), 0), Err(MintRefused::Denied(Denied::NoAgent)));
}

#[tokio::test]
async fn what_leaves_the_configuration_is_refused_at_once() {
    let before = config();
    let auth = auth_of(&before);
    let (laura, carla) = (minted(&auth, "laura").await, minted(&auth, "carla").await);
    let after = |change: fn(&mut Config)| {
        let mut config = before.clone();
        change(&mut config);
        auth_of(&config)
    };
    let unknown = async |auth: &Auth, token: &Minted| auth.resolve(Some(&bearer(token))).await == Err(Refused::Unknown);

    let gone = after(|config| config.tenants[0].agents.retain(|agent| agent.id.as_str() != "laura"));
    assert!(unknown(&gone, &laura).await);
    assert!(!unknown(&gone, &carla).await);

    let demoted = after(|config| {
        for agent in &mut config.tenants[0].agents {
            agent.role = Role::Agent;
        }
    });
    assert!(!unknown(&demoted, &laura).await);
    assert!(unknown(&demoted, &carla).await);

    let no_service = after(|config| config.api_keys.retain(|key| key.caller.role != Role::Service));
    assert!(unknown(&no_service, &laura).await);

    let less = after(|config| {
        for key in &mut config.api_keys {
            key.mints.remove(&Role::Supervisor);
        }
    });
    assert!(!unknown(&less, &laura).await);
    assert!(unknown(&less, &carla).await);

    // A membership that ends takes its team along, and the token stays.
    let left = after(|config| config.tenants[0].teams.clear());
    let credential = good(&left, &bearer(&laura)).await;
    assert_eq!(credential.caller.scope, Scope::Granted { channels: [].into(), teams: [].into() });
}

#[tokio::test]
async fn a_promotion_does_not_make_a_running_token_more() {
    let mut config = config();
    let token = minted(&auth_of(&config), "laura").await;
    for agent in &mut config.tenants[0].agents {
        agent.role = Role::Admin;
    }
    let credential = good(&auth_of(&config), &bearer(&token)).await;
    assert_eq!(credential.caller.role, Role::Agent);
}

#[tokio::test]
async fn a_token_of_another_installation_is_nobodys() {
    let config = config();
    let other = Auth::new(&config, &[vec![8; KEY_BYTES_MIN]], clock).unwrap();
    let token = minted(&other, "laura").await;
    assert_eq!(auth_of(&config).resolve(Some(&bearer(&token))).await, Err(Refused::Unknown));
}
