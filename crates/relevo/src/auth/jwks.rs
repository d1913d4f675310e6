//! The public keys of another issuer (a JWK set), from a file or an address: fetched when they are needed, kept for a while.
//!
//! Every bound is a constant: how large a set may be, how long a fetch may take, how often it is asked. A set that cannot be
//! fetched leaves the one before in force until that is a day old.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use relevo_domain::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::sync::OwnedMutexGuard;

/// Bytes of a set: a hundred times what the big issuers publish.
const SET_BYTES_MAX: usize = 256 << 10;
/// Keys of a set that are looked at; an issuer has two or three, more while it rotates.
const KEYS_MAX: usize = 64;
/// The issuer must answer within this time: a person is waiting.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// An unknown key makes us look again, and at most so often: anybody can send a token that names an unknown key.
const REFRESH_EVERY_MIN: Duration = Duration::from_mins(1);
/// A set is looked at again after this time, so that a key that the issuer has withdrawn is forgotten.
const FRESH: Duration = Duration::from_hours(1);
/// A set is used so long when it cannot be fetched anew.
const STALE_MAX: Duration = Duration::from_hours(24);

/// Where a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Url(http::Uri),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("did not answer within {} seconds", FETCH_MAX.as_secs())]
    TooSlow,
    #[error("answered {0}")]
    Status(u16),
    #[error("is larger than {SET_BYTES_MAX} bytes or broke off")]
    Body,
    #[error("cannot be read")]
    File(#[source] std::io::Error),
    #[error("cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("is not a JWK set")]
    NotASet(#[source] serde_json::Error),
}

/// A key that may check signatures.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The set and what is known of it.
#[derive(Clone, Default)]
struct Kept {
    keys: Arc<[Key]>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

/// What asks the issuers; one for all of them.
pub(super) type Http = Client<HttpsConnector<HttpConnector>, Empty<bytes::Bytes>>;

/// The keys of one issuer.
pub(super) struct KeySet {
    name: String,
    source: Source,
    http: Option<Http>,
    kept: Mutex<Kept>,
    /// Held while the set is fetched: the others wait, or go on with what is there.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

/// A client with the machine's own certificate authorities.
pub(super) fn http() -> std::io::Result<Http> {
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

impl KeySet {
    /// `http` is needed for a set that has an address.
    pub(super) fn new(name: String, source: Source, http: Option<Http>) -> Arc<Self> {
        Arc::new(Self { name, source, http, kept: Mutex::default(), fetching: Arc::default() })
    }

    /// The key that a token names; the only one of the set if it names none. Fetches the set if it may help.
    pub(super) async fn key(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Option<Key> {
        let kept = self.kept();
        let found = find(&kept, id, algorithm, now);
        let fresh = kept.fetched.is_some_and(|at| now.since(at) < FRESH);
        if found.is_some() && fresh {
            return found;
        }
        if found.is_some() {
            // Somebody is fetching already: this request need not wait for it.
            let Ok(held) = Arc::clone(&self.fetching).try_lock_owned() else { return found };
            self.refreshed(held, now).await;
        } else {
            let held = Arc::clone(&self.fetching).lock_owned().await;
            self.refreshed(held, now).await;
        }
        find(&self.kept(), id, algorithm, now)
    }

    fn kept(&self) -> Kept {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the set in a task of its own: what was begun counts as tried, so it must not end with the request that began it.
    /// Anybody can send a request and hang up.
    async fn refreshed(self: &Arc<Self>, held: OwnedMutexGuard<()>, now: Timestamp) {
        let set = Arc::clone(self);
        let fetching = tokio::spawn(async move {
            set.refresh(now).await;
            drop(held);
        });
        if let Err(error) = fetching.await {
            tracing::error!(issuer = %self.name, %error, "fetching the key set ended early");
        }
    }

    /// Fetches the set unless that was tried a moment ago.
    async fn refresh(&self, now: Timestamp) {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.tried.is_some_and(|at| now.since(at) < REFRESH_EVERY_MIN) {
                return;
            }
            kept.tried = Some(now);
        }
        match tokio::time::timeout(FETCH_MAX, self.fetch()).await.unwrap_or(Err(FetchError::TooSlow)) {
            Ok(keys) => {
                tracing::info!(issuer = %self.name, keys = keys.len(), "key set fetched");
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.keys = keys.into();
                kept.fetched = Some(now);
            }
            Err(error) => {
                let error = crate::serve::chain(&error);
                tracing::warn!(issuer = %self.name, error, "key set cannot be fetched; tokens of this issuer may be refused");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        let bytes = match (&self.source, &self.http) {
            (Source::File(path), _) => {
                let file = tokio::fs::File::open(path).await.map_err(FetchError::File)?;
                let mut bytes = Vec::new();
                let limit = SET_BYTES_MAX as u64 + 1;
                file.take(limit).read_to_end(&mut bytes).await.map_err(FetchError::File)?;
                bytes
            }
            (Source::Url(url), Some(http)) => get(http, url).await?,
            (Source::Url(_), None) => return Err(FetchError::Body),
        };
        if bytes.len() > SET_BYTES_MAX { Err(FetchError::Body) } else { parse(&bytes) }
    }
}

/// What the address answers. A redirect is not followed: the address is the operator's choice, not the issuer's.
async fn get(http: &Http, url: &http::Uri) -> Result<Vec<u8>, FetchError> {
    let answer = http.get(url.clone()).await.map_err(FetchError::Unreachable)?;
    if answer.status() != http::StatusCode::OK {
        return Err(FetchError::Status(answer.status().as_u16()));
    }
    let body = Limited::new(answer.into_body(), SET_BYTES_MAX).collect().await;
    Ok(body.map_err(|_broken| FetchError::Body)?.to_bytes().to_vec())
}

fn find(kept: &Kept, id: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Option<Key> {
    if kept.fetched.is_none_or(|at| now.since(at) > STALE_MAX) {
        return None;
    }
    let mut fitting = kept.keys.iter().filter(|key| key.algorithm == algorithm);
    if let Some(id) = id {
        return fitting.find(|key| key.id.as_deref() == Some(id)).cloned();
    }
    let only = fitting.next()?;
    fitting.next().is_none().then(|| only.clone())
}

/// The usable keys of a set. A key of a kind that we do not use is passed over: sets hold keys for many purposes.
fn parse(bytes: &[u8]) -> Result<Vec<Key>, FetchError> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(bytes).map_err(FetchError::NotASet)?;
    Ok(set.keys.into_iter().take(KEYS_MAX).filter_map(usable).collect())
}

fn usable(key: serde_json::Value) -> Option<Key> {
    let named = key.get("alg").and_then(serde_json::Value::as_str).map(str::to_owned);
    let key: Jwk = serde_json::from_value(key).ok()?;
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    // A secret (`oct`) in a published set is no secret: it never becomes a key.
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, "RS256"),
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => (Algorithm::ES256, "ES256"),
        AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, "EdDSA")
        }
        _ => return None,
    };
    // RFC 9864 calls the same thing Ed25519.
    if named.is_some_and(|named| named != name && !(name == "EdDSA" && named == "Ed25519")) {
        return None;
    }
    Some(Key { id: key.common.key_id.clone(), algorithm, decoding: DecodingKey::from_jwk(&key).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"keys":[
        {"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"oct","kid":"shared","k":"c2VjcmV0"},
        {"kty":"RSA","kid":"enc","use":"enc","n":"sXch","e":"AQAB"},
        {"kty":"RSA","kid":"rs384","alg":"RS384","n":"sXch","e":"AQAB"},
        {"kty":"EC","crv":"P-384","kid":"p384","x":"AA","y":"AA"},
        {"kty":"something-new","kid":"new"}
    ]}"#;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_760_000_000_000 + minutes * 60_000)
    }

    #[test]
    fn only_keys_that_may_check_our_algorithms_are_taken() {
        let keys = parse(SET.as_bytes()).unwrap();
        assert_eq!(keys.iter().map(|key| key.id.as_deref().unwrap()).collect::<Vec<_>>(), ["ed"]);
        assert!(parse(b"{}").is_err());
        assert!(parse(b"[]").is_err());
    }

    #[tokio::test]
    async fn a_new_key_is_found_and_an_unknown_one_makes_us_look_once_a_minute() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("keys.json");
        std::fs::write(&path, r#"{"keys":[]}"#).unwrap();
        let set = KeySet::new("idp".to_owned(), Source::File(path.clone()), None);
        let key = async |id: Option<&str>, now| set.key(id, Algorithm::EdDSA, now).await.is_some();

        assert!(!key(Some("ed"), at(0)).await);
        std::fs::write(&path, SET).unwrap();
        assert!(!key(Some("ed"), at(0)).await, "looked at twice within a minute");
        assert!(key(Some("ed"), at(1)).await);
        // The only key of its kind needs no name.
        assert!(key(None, at(1)).await);
        assert!(!key(Some("other"), at(1)).await);

        // The file is gone: what was read holds for a day.
        std::fs::remove_file(&path).unwrap();
        assert!(key(Some("ed"), at(60 * 23)).await);
        assert!(!key(Some("ed"), at(60 * 25 + 2)).await);
    }

    #[tokio::test]
    async fn a_key_that_was_withdrawn_is_forgotten_within_the_hour() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("keys.json");
        std::fs::write(&path, SET).unwrap();
        let set = KeySet::new("idp".to_owned(), Source::File(path.clone()), None);
        assert!(set.key(Some("ed"), Algorithm::EdDSA, at(0)).await.is_some());
        std::fs::write(&path, r#"{"keys":[]}"#).unwrap();
        assert!(set.key(Some("ed"), Algorithm::EdDSA, at(59)).await.is_some());
        assert!(set.key(Some("ed"), Algorithm::EdDSA, at(61)).await.is_none());
        // An RSA algorithm finds no Ed25519 key.
        std::fs::write(&path, SET).unwrap();
        assert!(set.key(Some("ed"), Algorithm::RS256, at(63)).await.is_none());
    }

    /// What the set is after one attempt to fetch it from that route.
    async fn fetched(address: std::net::SocketAddr, route: &str) -> bool {
        let url = format!("http://{address}/{route}").parse().unwrap();
        let set = KeySet::new("idp".to_owned(), Source::Url(url), Some(http().unwrap()));
        set.key(Some("ed"), Algorithm::EdDSA, at(0)).await.is_some()
    }

    #[tokio::test]
    async fn a_set_is_fetched_from_its_address_and_from_nowhere_else() {
        use axum::response::Redirect;
        use axum::routing::get;
        let routes = axum::Router::new()
            .route("/good", get(async || SET))
            .route("/moved", get(async || Redirect::temporary("/good")))
            .route("/broken", get(async || (http::StatusCode::INTERNAL_SERVER_ERROR, SET)))
            .route("/large", get(async || format!("{}{SET}", " ".repeat(SET_BYTES_MAX))))
            .route("/page", get(async || "<html>"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        assert!(fetched(address, "good").await);
        for route in ["moved", "broken", "large", "page", "missing"] {
            assert!(!fetched(address, route).await, "{route}");
        }
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(!fetched(nobody, "good").await);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_does_not_stop_the_fetch() {
        let (asked, mut was_asked) = tokio::sync::mpsc::channel::<()>(8);
        let answer = Arc::new(tokio::sync::Notify::new());
        let held = Arc::clone(&answer);
        let route = axum::routing::get(async move || {
            asked.send(()).await.unwrap();
            held.notified().await;
            SET
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", route)).await });
        let set = KeySet::new("idp".to_owned(), Source::Url(url), Some(http().unwrap()));
        let caller = Arc::clone(&set);
        let caller = tokio::spawn(async move { caller.key(Some("unknown"), Algorithm::EdDSA, at(0)).await.is_some() });
        was_asked.recv().await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        answer.notify_one();
        // In the same minute: nobody may look again.
        assert!(set.key(Some("ed"), Algorithm::EdDSA, at(0)).await.is_some());
        assert!(was_asked.try_recv().is_err(), "asked once");
    }

    #[tokio::test]
    async fn a_set_that_is_too_large_is_not_read() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("keys.json");
        let padded = format!("{}{}", " ".repeat(SET_BYTES_MAX), SET);
        std::fs::write(&path, padded).unwrap();
        let set = KeySet::new("idp".to_owned(), Source::File(path), None);
        assert!(set.key(Some("ed"), Algorithm::EdDSA, at(0)).await.is_none());
    }
}
