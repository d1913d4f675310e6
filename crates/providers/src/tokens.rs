//! Access tokens by OAuth 2: asked for once, kept until a minute before they expire, and asked for by one at a time.
//!
//! A grant that the issuer calls invalid is not asked with again for five minutes: issuers lock accounts out that insist. A
//! refresh token that the issuer gives in exchange is kept before the access token that came with it is used.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use lru::LruCache;
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_domain::{Clock, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::account::{OAuthGrant, Secret};
use crate::http::{CALL_MAX, Http};
use crate::kept::KeptGrants;
use crate::refusal::{failure, unreached};

/// A token is not used in the last minute of its life: the call that it is for takes a while, and clocks differ.
const MARGIN: Duration = Duration::from_mins(1);
/// How long a token lives whose issuer does not say: the usual hour would be a guess too long for some.
const LIFE_UNSAID: Duration = Duration::from_mins(5);
/// A refused grant rests for this time.
const REST: Duration = Duration::from_mins(5);
/// Grants that are remembered: one a mailbox; the least recently used one is forgotten, which costs a request.
const GRANTS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Where access tokens come from. Cheap to clone; all clones share what is known.
#[derive(Clone)]
pub struct Tokens {
    http: Http,
    clock: Clock,
    known: Arc<Mutex<LruCache<[u8; 32], OneAtATime>>>,
    kept: Option<Arc<dyn KeptGrants>>,
}

/// What is known of one grant, and the right to ask for more.
type OneAtATime = Arc<tokio::sync::Mutex<Known>>;

/// What is known of one grant.
#[derive(Default)]
struct Known {
    token: Option<(Secret, Timestamp)>,
    refused: Option<(SendFailure, Timestamp)>,
    /// The refresh token that the issuer gave in exchange, if it changes them.
    refresh_token: Option<Secret>,
    /// Whether it was looked for where such tokens are kept.
    looked: bool,
    /// It was refused: the configured one is tried next, and then it again.
    configured_next: bool,
}

/// An issuer's answer.
pub(crate) struct Issued {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    life: Duration,
}

// === impl Tokens ===

impl Tokens {
    /// Fails if the machine has no certificate authorities.
    pub fn new(clock: Clock) -> io::Result<Self> {
        Ok(Self { http: Http::new()?, clock, known: Arc::new(Mutex::new(LruCache::new(GRANTS_MAX))), kept: None })
    }

    /// The same, with a place where exchanged refresh tokens are kept over restarts. Without one they live as long as this does.
    #[must_use]
    pub fn keeping(self, kept: Arc<dyn KeptGrants>) -> Self {
        Self { kept: Some(kept), ..self }
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// A token that is good for at least a minute. `Auth` if the grant is not accepted (any more): somebody has to consent
    /// anew; `Transient` if the issuer cannot be asked.
    pub async fn access_token(&self, grant: &OAuthGrant) -> Result<Secret, SendFailure> {
        // Held while the issuer is asked: whoever comes meanwhile waits for the same answer.
        let known = self.known(grant).lock_owned().await;
        let now = (self.clock)();
        if let Some((token, _)) = known.token.as_ref().filter(|(_, until)| now < *until) {
            return Ok(token.clone());
        }
        if let Some((refused, _)) = known.refused.as_ref().filter(|(_, until)| now < *until) {
            return Err(refused.clone());
        }
        // In a task of its own: an issuer that changes refresh tokens has changed it also for a caller who gave up waiting.
        let asking = tokio::spawn(self.clone().ask(grant.clone(), known, now));
        asking
            .await
            .unwrap_or_else(|_| Err(failure(FailureClass::Transient, "stopped", "asking for a token ended early")))
    }

    /// Forgets the token of a grant, because a server did not take it: the next one is asked for.
    pub async fn forget(&self, grant: &OAuthGrant) {
        self.known(grant).lock().await.token = None;
    }

    /// Forgets everything of a grant that nobody uses any more, also what was kept of it.
    pub async fn discard(&self, grant: &OAuthGrant) {
        let mut known = self.known(grant).lock_owned().await;
        *known = Known::default();
        self.kept(grant, KeptGrants::forget).await;
    }

    /// The refresh token that the issuer gave last instead of the configured one.
    pub async fn exchanged(&self, grant: &OAuthGrant) -> Option<Secret> {
        self.known(grant).lock().await.refresh_token.clone()
    }

    fn known(&self, grant: &OAuthGrant) -> OneAtATime {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert(fingerprint(grant), Arc::default))
    }

    /// Asks the issuer, and keeps what it says.
    async fn ask(
        self,
        grant: OAuthGrant,
        mut known: OwnedMutexGuard<Known>,
        now: Timestamp,
    ) -> Result<Secret, SendFailure> {
        if grant.refresh_token.is_some() && !std::mem::replace(&mut known.looked, true) {
            known.refresh_token = self.kept(&grant, KeptGrants::load).await.flatten();
        }
        let exchanged = known.refresh_token.clone().filter(|_| !known.configured_next);
        let refresh_token = exchanged.or_else(|| grant.refresh_token.clone());
        match issue(&self.http, &grant.token_url, &fields(&grant, refresh_token.as_ref())).await {
            Ok(issued) => {
                let until = now + issued.life.saturating_sub(MARGIN);
                known.token = Some((issued.access_token.clone(), until));
                known.refused = None;
                self.exchange(&grant, &mut known, issued.refresh_token).await;
                Ok(issued.access_token)
            }
            Err(refused) => {
                known.token = None;
                if refused.class == FailureClass::Auth {
                    known.configured_next = known.refresh_token.is_some() && !known.configured_next;
                    known.refused = Some((refused.clone(), now + REST));
                }
                Err(refused)
            }
        }
    }

    /// The issuer has accepted a refresh token, and perhaps given another one.
    async fn exchange(&self, grant: &OAuthGrant, known: &mut Known, given: Option<Secret>) {
        let configured = std::mem::take(&mut known.configured_next);
        match given {
            Some(given) if known.refresh_token.as_ref() == Some(&given) => {}
            Some(given) if known.refresh_token.is_none() && grant.refresh_token.as_ref() == Some(&given) => {}
            Some(given) => {
                known.refresh_token = Some(given.clone());
                self.kept(grant, move |kept, name| kept.store(name, &given)).await;
            }
            // Somebody made the configured one good again: what was exchanged before is of the past.
            None if configured => {
                known.refresh_token = None;
                self.kept(grant, KeptGrants::forget).await;
            }
            None => {}
        }
    }

    /// What the place where refresh tokens are kept says; nothing if there is none, or if it cannot say.
    async fn kept<T: Send + 'static>(
        &self,
        grant: &OAuthGrant,
        what: impl FnOnce(&dyn KeptGrants, &str) -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let (kept, name) = (Arc::clone(self.kept.as_ref()?), grant.name());
        match tokio::task::spawn_blocking(move || what(&*kept, &name)).await {
            Ok(Ok(said)) => Some(said),
            Ok(Err(error)) => {
                // It goes on in memory; after a restart somebody may have to consent anew.
                tracing::error!(%error, "exchanged refresh token cannot be kept or read");
                None
            }
            Err(_broke_off) => None,
        }
    }
}

/// What a client says to authenticate by SASL XOAUTH2, before base64.
pub fn xoauth2(user: &str, token: &Secret) -> String {
    format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose())
}

/// A changed grant is another grant: it is asked with at once, whatever was refused before.
fn fingerprint(grant: &OAuthGrant) -> [u8; 32] {
    let mut hash = Sha256::new();
    let secret = |secret: &Option<Secret>| secret.as_ref().map_or(String::new(), |secret| secret.expose().to_owned());
    for part in
        [&grant.token_url, &grant.client_id, &grant.scope, &secret(&grant.client_secret), &secret(&grant.refresh_token)]
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn fields<'g>(grant: &'g OAuthGrant, refresh_token: Option<&'g Secret>) -> Vec<(&'static str, &'g str)> {
    let mut fields = vec![("client_id", grant.client_id.as_str())];
    match refresh_token {
        Some(token) => fields.extend([("grant_type", "refresh_token"), ("refresh_token", token.expose())]),
        None => fields.push(("grant_type", "client_credentials")),
    }
    if !grant.scope.is_empty() {
        fields.push(("scope", grant.scope.as_str()));
    }
    fields.extend(grant.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
    fields
}

/// One request to a token endpoint.
pub(crate) async fn issue(http: &Http, url: &str, fields: &[(&str, &str)]) -> Result<Issued, SendFailure> {
    let (status, answer) = post_form(http, url, fields).await?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if !status.is_success() {
        return Err(refused(status, &answer));
    }
    let Some(access_token) = text("access_token") else {
        return Err(failure(FailureClass::Transient, "no-token", "the issuer answered without a token"));
    };
    // Some issuers write the number as text.
    let life = answer.get("expires_in").and_then(|life| life.as_u64().or_else(|| life.as_str()?.parse().ok()));
    Ok(Issued {
        access_token: Secret::new(access_token),
        refresh_token: text("refresh_token").map(Secret::new),
        life: life.map_or(LIFE_UNSAID, Duration::from_secs),
    })
}

/// Posts a form and reads an object; what is not one is `Null`.
pub(crate) async fn post_form(
    http: &Http,
    url: &str,
    fields: &[(&str, &str)],
) -> Result<(StatusCode, Value), SendFailure> {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form))
        .map_err(|_| failure(FailureClass::Auth, "bad-address", "the token address is not an address"))?;
    let answer = http.call(request, CALL_MAX).await.map_err(|error| unreached(&error))?;
    let body = answer.body.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
    Ok((answer.status, body))
}

/// RFC 6749 §5.2. What is wrong with the grant or the client stays wrong; everything else may pass.
pub(crate) fn refused(status: StatusCode, answer: &Value) -> SendFailure {
    let error = answer.get("error").and_then(Value::as_str);
    let detail = answer.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let class = match error {
        Some("temporarily_unavailable" | "server_error") => FailureClass::Transient,
        Some("slow_down") => FailureClass::Throttled,
        Some(_) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => FailureClass::Auth,
        None if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => FailureClass::Auth,
        _ if status == StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
        _ => FailureClass::Transient,
    };
    let code = error.map_or_else(|| format!("http-{}", status.as_u16()), |error| error.chars().take(64).collect());
    failure(class, code, detail)
}
