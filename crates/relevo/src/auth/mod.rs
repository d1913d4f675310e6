//! Who calls: an API key, a token of ours or a token of a configured issuer becomes the [`Caller`] of a request.
//!
//! One place for gRPC, gRPC-Web and HTTP: [`Auth::resolve`]. It decides who it is and until when, never what they may do with a
//! conversation: that is the services' question. Whatever the configuration no longer grants is refused at the next request.

mod crypto;
mod foreign;
mod grant;
mod jwks;
mod layer;
mod refusal;
mod service;
mod token;
mod whoami;

use std::time::Duration;

use jsonwebtoken::dangerous::insecure_decode_claims;
use relevo_domain::{Caller, Role, Scope, Timestamp, ValidUntil};
use subtle::ConstantTimeEq;

use crate::channels::Channels;
use crate::config::{ApiKey, Config};
use crate::key;
use foreign::{Bad, Foreign};
pub(crate) use foreign::{Claims, Issuer};
pub(crate) use grant::Ceiling;
use grant::{Denied, Grants, Wish};
pub(crate) use jwks::Source;
pub(crate) use layer::AuthLayer;
pub(crate) use refusal::{http, language, saying};
pub(crate) use service::Service;
pub(crate) use token::{ISSUER, KEY_BYTES_MIN, LIFE_MAX};
use token::{Token, TokenKeys};
pub(crate) use whoami::router;

/// Bytes of a credential that are looked at: issuers put groups into tokens, and servers limit headers to 8 or 16 KiB.
const CREDENTIAL_BYTES_MAX: usize = 8 << 10;

/// All that says who somebody is.
pub(crate) struct Auth {
    keys: Vec<ApiKey>,
    grants: Grants,
    tokens: TokenKeys,
    issuers: Vec<Foreign>,
    /// The longest life of a token that is minted here.
    life: Duration,
    /// How long tokens can be renewed.
    session: Duration,
    now: fn() -> Timestamp,
}

/// A good credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) caller: Caller,
    /// Absent for API keys.
    pub(crate) valid_until: Option<ValidUntil>,
    /// What can be renewed: a token of ours.
    token: Option<Token>,
    /// What may be minted: by a service key.
    ceiling: Option<Ceiling>,
}

/// A credential that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was good once: TOKEN_EXPIRED.
    Expired,
    /// Nobody's, or no longer anybody's: UNAUTHENTICATED.
    Unknown,
}

/// What a minted token is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Minted {
    text: String,
    caller: Caller,
    valid_until: Timestamp,
    renewable_until: Timestamp,
}

/// Why no token is minted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MintRefused {
    /// The credential is not one that mints, or renews.
    NotAllowed,
    Denied(Denied),
    /// The life that was asked for is longer than this, in seconds.
    TooLong(u64),
    /// The signature cannot be made; the operator's log says why.
    Internal,
}

impl Auth {
    /// `secrets` are the keys of our own tokens, the signing one first.
    pub(crate) fn new(config: &Config, secrets: &[Vec<u8>], now: fn() -> Timestamp) -> std::io::Result<Self> {
        let by_address = config.auth.issuers.iter().any(|issuer| matches!(issuer.keys, Source::Url(_)));
        let http = if by_address { Some(jwks::http()?) } else { None };
        let issuers = config.auth.issuers.iter().map(|issuer| Foreign::new(issuer.clone(), http.clone()));
        Ok(Self {
            keys: config.api_keys.clone(),
            grants: Grants::new(config),
            tokens: TokenKeys::new(secrets),
            issuers: issuers.collect(),
            life: config.auth.token_life,
            session: config.auth.session,
            now,
        })
    }

    /// Takes channels that come and go while Relevo runs into account.
    pub(crate) fn follow(mut self, channels: &Channels) -> Self {
        self.grants.follow(channels);
        self
    }

    /// Whose credential the header `authorization` holds; nobody's if there is none.
    pub(crate) async fn resolve(&self, header: Option<&str>) -> Result<Option<Credential>, Refused> {
        let Some(header) = header else { return Ok(None) };
        let given = relevo_channels::signature::bearer(Some(header)).ok_or(Refused::Unknown)?;
        if given.len() > CREDENTIAL_BYTES_MAX {
            return Err(Refused::Unknown);
        }
        if let Some(key) = self.key(given) {
            let ceiling = (key.caller.role == Role::Service).then(|| ceiling(key));
            return Ok(Some(Credential { caller: key.caller.clone(), valid_until: None, token: None, ceiling }));
        }
        self.token(given).await.map(Some)
    }

    /// Whose key this is. The time taken says nothing about the keys that exist.
    fn key(&self, given: &str) -> Option<&ApiKey> {
        let hash = key::hash(given);
        self.keys
            .iter()
            .fold(None, |found, known| if bool::from(known.hash.ct_eq(&hash)) { Some(known) } else { found })
    }

    async fn token(&self, given: &str) -> Result<Credential, Refused> {
        #[derive(serde::Deserialize)]
        struct Origin {
            iss: String,
        }
        // Only to know whose keys to check it with.
        let origin: Origin = insecure_decode_claims(given).map_err(|_no_token| Refused::Unknown)?;
        if origin.iss == ISSUER {
            return self.own(given);
        }
        let issuer = self.issuers.iter().find(|issuer| issuer.claims_to_be_of(&origin.iss)).ok_or(Refused::Unknown)?;
        let read = issuer.read(given, (self.now)()).await.map_err(|bad| match bad {
            Bad::Expired => Refused::Expired,
            Bad::Other => Refused::Unknown,
        })?;
        let granted = self.grants.grant(&read.tenant, issuer.ceiling(), &read.wish);
        let caller = granted.map_err(|_denied| Refused::Unknown)?;
        Ok(Credential { caller, valid_until: Some(ValidUntil(read.valid_until)), token: None, ceiling: None })
    }

    fn own(&self, given: &str) -> Result<Credential, Refused> {
        let token = self.tokens.read(given).ok_or(Refused::Unknown)?;
        if token.valid_until <= (self.now)() {
            return Err(Refused::Expired);
        }
        // Also a token that is good by its signature grants what is in force now, by the key that it came from.
        let caller = self.granted_by(&token).ok_or(Refused::Unknown)?;
        let valid_until = Some(ValidUntil(token.valid_until));
        Ok(Credential { caller, valid_until, token: Some(token), ceiling: None })
    }

    /// Two keys may have one name while one is being rotated: either may grant it, and they grant the same (the configuration is
    /// refused otherwise).
    fn granted_by(&self, token: &Token) -> Option<Caller> {
        let services = self.keys.iter().filter(|key| {
            key.caller.role == Role::Service
                && key.caller.name.as_str() == token.service
                && key.caller.tenant.as_str() == token.tenant
        });
        let mut granted =
            services.filter_map(|key| self.grants.grant(&key.caller.tenant, &ceiling(key), &token.wish).ok());
        granted.next()
    }

    /// A token for the wish, by a service key. `life_seconds` 0 is the longest possible.
    fn mint(&self, by: &Credential, mut wish: Wish, life_seconds: u32) -> Result<Minted, MintRefused> {
        let ceiling = by.ceiling.as_ref().ok_or(MintRefused::NotAllowed)?;
        let caller = self.grants.grant(&by.caller.tenant, ceiling, &wish).map_err(MintRefused::Denied)?;
        // A later promotion does not make a token more than it was.
        wish.role = Some(caller.role);
        let token = Token {
            tenant: caller.tenant.to_string(),
            service: by.caller.name.to_string(),
            wish,
            session: whole_seconds((self.now)()),
            valid_until: Timestamp::from_millis(0),
        };
        self.sign(token, caller, life_seconds)
    }

    /// The same token for longer, by itself.
    fn renew(&self, by: &Credential, life_seconds: u32) -> Result<Minted, MintRefused> {
        let token = by.token.clone().ok_or(MintRefused::NotAllowed)?;
        self.sign(token, by.caller.clone(), life_seconds)
    }

    fn sign(&self, mut token: Token, caller: Caller, life_seconds: u32) -> Result<Minted, MintRefused> {
        let life = match life_seconds {
            0 => self.life,
            seconds => Duration::from_secs(u64::from(seconds)),
        };
        if life > self.life {
            return Err(MintRefused::TooLong(self.life.as_secs()));
        }
        let renewable_until = plus(token.session, self.session);
        token.valid_until = plus(whole_seconds((self.now)()), life).min(renewable_until);
        match self.tokens.sign(&token) {
            Ok(text) => Ok(Minted { text, caller, valid_until: token.valid_until, renewable_until }),
            Err(error) => {
                tracing::error!(%error, "token cannot be signed");
                Err(MintRefused::Internal)
            }
        }
    }
}

fn ceiling(key: &ApiKey) -> Ceiling {
    let (channels, teams) = match &key.caller.scope {
        Scope::Granted { channels, teams } => (channels.clone(), teams.clone()),
        Scope::Tenant => Default::default(),
    };
    Ceiling { roles: key.mints.clone(), channels, teams }
}

fn plus(time: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(time.as_millis().saturating_add(millis))
}

/// Tokens count in seconds.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().div_euclid(1000).saturating_mul(1000))
}

#[cfg(test)]
mod tests;
