//! How somebody consents that Relevo reads and sends the mail of an account: on another device with a code (RFC 8628), or in
//! a browser on this machine (RFC 8252, with PKCE). Both end with a refresh token, which is all that is kept.
//!
//! Nothing is printed and no browser opened here: the command line does that.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relevo_domain::conversation::{FailureClass, SendFailure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::account::Secret;
use crate::http::Http;
use crate::refusal::failure;
use crate::tokens::{issue, post_form, refused};

/// A device code that does not say how long it is good for.
const DEVICE_LIFE_UNSAID: Duration = Duration::from_mins(10);
/// Nobody takes longer, whatever the issuer allows.
const DEVICE_LIFE_MAX: Duration = Duration::from_mins(30);
/// RFC 8628 §3.2.
const INTERVAL_UNSAID: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what `slow_down` adds.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// Requests that the loopback listener answers before it gives up: a browser asks for an icon too.
const REQUESTS_MAX: usize = 16;
/// The first line of a browser's request.
const REQUEST_BYTES_MAX: u64 = 16 << 10;
/// A browser has sent its request by then; whatever else connects must not hold the listener.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// Who asks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRequest {
    /// Where a person consents in a browser; for [`loopback`].
    pub authorize_url: String,
    /// Where a code for another device is had; for [`device`].
    pub device_url: String,
    /// Where codes are exchanged for tokens.
    pub token_url: String,
    /// As the issuer named this installation of Relevo.
    pub client_id: String,
    /// Absent for a public client.
    pub client_secret: Option<Secret>,
    /// Microsoft gives a refresh token for `offline_access` alone.
    pub scope: String,
}

/// What was consented to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Good until it is revoked, or for the time that the issuer sets.
    pub refresh_token: Secret,
}

// === another device ===

/// A code that a person types in on another device.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// What the person types in.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// How long it is good for.
    pub life: Duration,
    secret: Secret,
    interval: Duration,
}

/// Asks for a code.
pub async fn device(request: &ConsentRequest) -> Result<DeviceCode, SendFailure> {
    let http = http()?;
    let fields = [("client_id", request.client_id.as_str()), ("scope", request.scope.as_str())];
    let (status, answer) = post_form(&http, &request.device_url, &fields).await?;
    if !status.is_success() {
        return Err(refused(status, &answer));
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let seconds = |name: &str| answer.get(name).and_then(Value::as_u64).map(Duration::from_secs);
    let code = || {
        Some(DeviceCode {
            user_code: text("user_code")?,
            // Google's name for it is older than the standard.
            verification_uri: text("verification_uri").or_else(|| text("verification_url"))?,
            life: seconds("expires_in").unwrap_or(DEVICE_LIFE_UNSAID).min(DEVICE_LIFE_MAX),
            secret: Secret::new(text("device_code")?),
            interval: seconds("interval").unwrap_or(INTERVAL_UNSAID),
        })
    };
    code().ok_or_else(|| failure(FailureClass::Transient, "unreadable", "the issuer answered without a code"))
}

impl DeviceCode {
    /// Waits until the person has consented, refused, or let the code expire.
    pub async fn wait(self, request: &ConsentRequest) -> Result<Consent, SendFailure> {
        let http = http()?;
        let end = Instant::now() + self.life;
        let mut interval = self.interval;
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.secret.expose()),
            ("client_id", request.client_id.as_str()),
        ];
        fields.extend(request.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        loop {
            let next = Instant::now() + interval;
            if next >= end {
                return Err(failure(FailureClass::Expired, "expired_token", "nobody consented in time"));
            }
            sleep_until(next).await;
            match issue(&http, &request.token_url, &fields).await {
                Ok(issued) => return consent(issued.refresh_token),
                Err(pending) => match pending.code.as_deref() {
                    Some("authorization_pending") => {}
                    Some("slow_down") => interval += SLOW_DOWN,
                    _ if pending.class == FailureClass::Transient => {}
                    _ => return Err(pending),
                },
            }
        }
    }
}

// === a browser on this machine ===

/// A listener on loopback that waits for the browser to come back.
#[derive(Debug)]
pub struct Loopback {
    /// What the person opens.
    pub url: String,
    listener: TcpListener,
    redirect_uri: String,
    state: String,
    verifier: String,
}

/// Opens the listener and says which address the person has to open.
pub async fn loopback(request: &ConsentRequest) -> io::Result<Loopback> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    // By name: Microsoft takes any port of `localhost` and no port of the number; Google takes both.
    let redirect_uri = format!("http://localhost:{}/", listener.local_addr()?.port());
    let (state, verifier) = (random(), random());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &request.client_id)
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("scope", &request.scope)
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        // Without these two Google gives a refresh token only the first time.
        .append_pair("access_type", "offline")
        .append_pair("prompt", "consent")
        .finish();
    let separator = if request.authorize_url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}{query}", request.authorize_url);
    Ok(Loopback { url, listener, redirect_uri, state, verifier })
}

impl Loopback {
    /// Waits for the browser for at most `limit`, shows it `page` (HTML), and exchanges the code.
    pub async fn wait(self, request: &ConsentRequest, limit: Duration, page: &str) -> Result<Consent, SendFailure> {
        let nobody = || failure(FailureClass::Expired, "timeout", "nobody consented in time");
        let end = Instant::now() + limit;
        for _ in 0..REQUESTS_MAX {
            let accepted = timeout_at(end, self.listener.accept()).await.map_err(|_| nobody())?;
            let Ok((stream, _)) = accepted else { continue };
            let Ok(Ok(Some(query))) = timeout(REQUEST_MAX, answer(stream, page)).await else { continue };
            let value = |name: &str| {
                form_urlencoded::parse(query.as_bytes())
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned())
            };
            // Anybody on this machine can call: only the one who knows the state is the browser that was sent away.
            if value("state").as_deref() != Some(&self.state) {
                continue;
            }
            let Some(code) = value("code") else {
                let error: String = value("error").unwrap_or_default().chars().take(64).collect();
                return Err(failure(FailureClass::Auth, error, value("error_description").unwrap_or_default()));
            };
            return self.exchange(request, &code).await;
        }
        Err(nobody())
    }

    async fn exchange(&self, request: &ConsentRequest, code: &str) -> Result<Consent, SendFailure> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("client_id", request.client_id.as_str()),
            ("code_verifier", self.verifier.as_str()),
        ];
        fields.extend(request.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        consent(issue(&http()?, &request.token_url, &fields).await?.refresh_token)
    }
}

/// The query of a browser's request, which gets `page` as its answer.
async fn answer(stream: TcpStream, page: &str) -> io::Result<Option<String>> {
    let mut reader = BufReader::new(stream.take(REQUEST_BYTES_MAX));
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let target = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
    let query = target.and_then(|target| target.split_once('?')).map(|(_, query)| query.to_owned());
    let (status, page) = if query.is_some() { ("200 OK", page) } else { ("404 Not Found", "") };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let mut stream = reader.into_inner().into_inner();
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(query)
}

fn consent(refresh_token: Option<Secret>) -> Result<Consent, SendFailure> {
    let missing = || {
        failure(
            FailureClass::Auth,
            "no-refresh-token",
            "the issuer gave no refresh token: is offline access in the scope?",
        )
    };
    refresh_token.map(|refresh_token| Consent { refresh_token }).ok_or_else(missing)
}

/// 256 random bits.
fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn http() -> Result<Http, SendFailure> {
    Http::new().map_err(|error| failure(FailureClass::Transient, "certificates", error.to_string()))
}
