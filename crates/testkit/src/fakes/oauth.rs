//! A stand-in for an issuer of access tokens: refresh tokens, client credentials, codes for devices, codes from a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::ids::Ids;
use super::meta::lock;
use super::refusals::{Provider, Refusal, When, refusal};
use super::server::{Asked, Handler, Reply, Server, parameter};

/// Who the fake is.
#[derive(Clone, Debug)]
pub struct OAuthOptions {
    pub client_id: String,
    /// Demanded if it is there.
    pub client_secret: Option<String>,
    /// The refresh token that is accepted from the start.
    pub refresh_token: String,
    /// Who the tokens are for: what introspection says.
    pub user: String,
    /// Seconds.
    pub expires_in: u64,
    /// Whether every refresh gives a new refresh token, and the one that was used is not taken any more.
    pub rotates: bool,
}

impl Default for OAuthOptions {
    fn default() -> Self {
        Self {
            client_id: "fake-client".to_owned(),
            client_secret: None,
            refresh_token: "fake-refresh-token".to_owned(),
            user: "soporte@example.test".to_owned(),
            expires_in: 3_600,
            rotates: false,
        }
    }
}

/// A running stand-in. Gone when dropped.
pub struct FakeOAuth {
    server: Server,
    state: Arc<State>,
}

struct State {
    options: OAuthOptions,
    host: Mutex<String>,
    ids: Ids,
    refresh_tokens: Mutex<BTreeSet<String>>,
    access_tokens: Mutex<BTreeSet<String>>,
    /// Codes from a browser, with the challenge that came with them.
    codes: Mutex<BTreeMap<String, String>>,
    /// Codes for devices: whether somebody consented.
    devices: Mutex<BTreeMap<String, bool>>,
    refused: Mutex<Option<String>>,
    requests: Mutex<Vec<String>>,
}

// === impl FakeOAuth ===

impl FakeOAuth {
    /// Starts it on a port of its own.
    pub async fn start(options: OAuthOptions) -> io::Result<Self> {
        let state = Arc::new(State {
            refresh_tokens: Mutex::new(BTreeSet::from([options.refresh_token.clone()])),
            options,
            host: Mutex::default(),
            ids: Ids::default(),
            access_tokens: Mutex::default(),
            codes: Mutex::default(),
            devices: Mutex::default(),
            refused: Mutex::default(),
            requests: Mutex::default(),
        });
        let server = Server::start(Arc::clone(&state)).await?;
        *lock(&state.host) = server.host();
        Ok(Self { server, state })
    }

    /// Where tokens are asked for.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.server.host())
    }

    /// Where a browser is sent; everybody consents at once.
    pub fn authorize_url(&self) -> String {
        format!("http://{}/authorize", self.server.host())
    }

    /// Where codes for devices are asked for.
    pub fn device_url(&self) -> String {
        format!("http://{}/device", self.server.host())
    }

    /// Says who a token is for: `GET` with the token as bearer or in `token=`, or `POST` with a form.
    pub fn introspection_url(&self) -> String {
        format!("http://{}/introspect", self.server.host())
    }

    /// What it was started with.
    pub fn options(&self) -> &OAuthOptions {
        &self.state.options
    }

    /// Every request for a token is refused with the table's row of that code, until `code` is `None`.
    pub fn refuse(&self, code: Option<&str>) {
        *lock(&self.state.refused) = code.map(str::to_owned);
    }

    /// Everybody who has the code for a device has consented.
    pub fn consent(&self) {
        lock(&self.state.devices).values_mut().for_each(|consented| *consented = true);
    }

    /// No token that was given so far is good any more.
    pub fn revoke(&self) {
        lock(&self.state.access_tokens).clear();
    }

    /// No refresh token is good any more.
    pub fn revoke_consent(&self) {
        lock(&self.state.refresh_tokens).clear();
        self.revoke();
    }

    /// The grant types of the requests for tokens, in order.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state.requests).clone()
    }

    /// Whether this access token was given and not revoked.
    pub fn is_good(&self, access_token: &str) -> bool {
        lock(&self.state.access_tokens).contains(access_token)
    }
}

// === impl Handler for State ===

impl Handler for State {
    async fn handle(self: Arc<Self>, asked: Asked) -> Reply {
        match asked.path.as_str() {
            "/token" => self.token(&asked),
            "/device" => self.device(),
            "/authorize" => self.authorize(&asked),
            "/introspect" => self.introspect(&asked),
            _ => Reply::html(404, "<html><body>Not Found</body></html>"),
        }
    }
}

// === impl State ===

impl State {
    fn token(&self, asked: &Asked) -> Reply {
        let field = |name: &str| parameter(&asked.body, name).unwrap_or_default();
        let grant = field("grant_type");
        lock(&self.requests).push(grant.clone());
        if let Some(code) = lock(&self.refused).as_deref() {
            return refused_with(code);
        }
        let secret = self.options.client_secret.clone().unwrap_or_default();
        if field("client_id") != self.options.client_id || field("client_secret") != secret {
            return refused_with("invalid_client");
        }
        match grant.as_str() {
            "refresh_token" => {
                let (given, mut tokens) = (field("refresh_token"), lock(&self.refresh_tokens));
                let known = if self.options.rotates { tokens.remove(&given) } else { tokens.contains(&given) };
                drop(tokens);
                if known { self.issue(self.options.rotates) } else { refused_with("invalid_grant") }
            }
            "client_credentials" if !secret.is_empty() => self.issue(false),
            "authorization_code" => {
                let challenge = lock(&self.codes).remove(&field("code"));
                let answered = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
                if challenge == Some(answered) { self.issue(true) } else { refused_with("invalid_grant") }
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let consented = lock(&self.devices).get(&field("device_code")).copied();
                match consented {
                    Some(true) => self.issue(true),
                    Some(false) => refused_with("authorization_pending"),
                    None => refused_with("expired_token"),
                }
            }
            _ => refused_with("unauthorized_client"),
        }
    }

    fn issue(&self, with_refresh_token: bool) -> Reply {
        let access_token = self.ids.sid("at-");
        lock(&self.access_tokens).insert(access_token.clone());
        let mut body =
            json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": self.options.expires_in });
        if let Some(members) = body.as_object_mut().filter(|_| with_refresh_token) {
            let refresh_token = self.ids.sid("rt-");
            lock(&self.refresh_tokens).insert(refresh_token.clone());
            members.insert("refresh_token".to_owned(), refresh_token.into());
        }
        Reply::json(200, &body)
    }

    fn device(&self) -> Reply {
        let device_code = self.ids.sid("dc-");
        lock(&self.devices).insert(device_code.clone(), false);
        let body = json!({
            "device_code": device_code,
            "user_code": "ABCD-EFGH",
            "verification_uri": format!("http://{}/code", lock(&self.host)),
            "expires_in": 600,
            "interval": 0,
        });
        Reply::json(200, &body)
    }

    /// Everybody consents at once: the browser is sent back with a code.
    fn authorize(&self, asked: &Asked) -> Reply {
        let parameter = |name: &str| asked.parameter(name).unwrap_or_default();
        let code = self.ids.sid("ac-");
        lock(&self.codes).insert(code.clone(), parameter("code_challenge"));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &parameter("state"))
            .finish();
        Reply::redirect(format!("{}?{query}", parameter("redirect_uri")))
    }

    fn introspect(&self, asked: &Asked) -> Reply {
        let bearer = asked.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let token = bearer.map(str::to_owned);
        let token = token.or_else(|| parameter(&asked.body, "token")).or_else(|| asked.parameter("token"));
        let active = token.is_some_and(|token| lock(&self.access_tokens).contains(&token));
        let user = &self.options.user;
        let body: Value = if active {
            json!({ "active": true, "username": user, "email": user })
        } else {
            json!({ "active": false })
        };
        Reply::json(if active { 200 } else { 401 }, &body)
    }
}

fn refused_with(code: &str) -> Reply {
    let missing = || Reply::html(500, super::meta::NO_ROW);
    refusal(Provider::OAuth, When::Token, code).map_or_else(missing, Refusal::reply)
}
