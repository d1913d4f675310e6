//! Relevo's own tokens: JWT, HS256, signed by the installation's key. What one says is what was wished for; what it grants is
//! decided anew at every request ([`super::grant`]).

use std::time::Duration;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use relevo_domain::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::grant::Wish;

/// Bytes of a signing key: as many as the hash that it is used with.
pub(crate) const KEY_BYTES_MIN: usize = 32;
/// The longest life of a token. An agent who is sent home is out by then even where nobody takes them out of the configuration.
pub(crate) const LIFE_MAX: Duration = Duration::from_mins(15);
/// What stands as issuer and audience; no configured issuer may call itself so.
pub(crate) const ISSUER: &str = "relevo";
/// Bytes of a key's fingerprint in a token's header: enough to tell a handful of keys apart.
const KEY_ID_BYTES: usize = 8;

/// The keys of the installation: the first one signs, all of them are accepted, so that one can be rotated.
pub(super) struct TokenKeys(Vec<TokenKey>);

struct TokenKey {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) tenant: String,
    /// The service key that it was minted by.
    pub(super) service: String,
    pub(super) wish: Wish,
    /// When it was minted first; a renewed token keeps it.
    pub(super) session: Timestamp,
    pub(super) valid_until: Timestamp,
}

/// The claims as they are signed. Times are seconds of the epoch.
#[derive(Deserialize, Serialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The agent.
    sub: String,
    /// The tenant.
    tnt: String,
    /// The service key.
    azp: String,
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    teams: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<String>,
    /// Begin of the session.
    auth_time: i64,
    exp: i64,
}

impl TokenKeys {
    pub(super) fn new(keys: &[Vec<u8>]) -> Self {
        super::crypto::install();
        let key = |secret: &Vec<u8>| TokenKey {
            id: hex::encode(&Sha256::digest(secret)[..KEY_ID_BYTES]),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        };
        Self(keys.iter().map(key).collect())
    }

    /// The token as text. Fails only if there is no key.
    pub(super) fn sign(&self, token: &Token) -> Result<String, Error> {
        let Some(key) = self.0.first() else {
            return Err(jsonwebtoken::errors::new_error(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat));
        };
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id.clone());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: token.wish.agent.clone(),
            tnt: token.tenant.clone(),
            azp: token.service.clone(),
            role: token.wish.role.map(|role| role.as_str().to_owned()),
            teams: token.wish.teams.clone(),
            channels: token.wish.channels.clone(),
            auth_time: token.session.as_millis().div_euclid(1000),
            exp: token.valid_until.as_millis().div_euclid(1000),
        };
        encode(&header, &claims, &key.encoding)
    }

    /// What the text says, if one of our keys has signed it. Whether it has expired is the caller's question: it knows the time.
    pub(super) fn read(&self, text: &str) -> Option<Token> {
        let header = jsonwebtoken::decode_header(text).ok()?;
        let key = self.0.iter().find(|key| Some(&key.id) == header.kid.as_ref())?;
        if header.crit.is_some() {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_exp = false;
        let claims = decode::<Claims>(text, &key.decoding, &validation).ok()?.claims;
        let role = match claims.role {
            Some(role) => Some(Role::parse(&role)?),
            None => None,
        };
        Some(Token {
            tenant: claims.tnt,
            service: claims.azp,
            wish: Wish { agent: claims.sub, role, teams: claims.teams, channels: claims.channels },
            session: Timestamp::from_millis(claims.auth_time.checked_mul(1000)?),
            valid_until: Timestamp::from_millis(claims.exp.checked_mul(1000)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            tenant: "acme".to_owned(),
            service: "desk".to_owned(),
            wish: Wish {
                agent: "laura".to_owned(),
                role: Some(Role::Agent),
                teams: vec!["sales".to_owned()],
                channels: Vec::new(),
            },
            session: Timestamp::from_millis(1_760_000_000_000),
            valid_until: Timestamp::from_millis(1_760_000_900_000),
        }
    }

    fn signed(header: &Header, claims: &serde_json::Value, secret: &[u8]) -> String {
        super::super::crypto::install();
        encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_token_reads_back_whole_with_any_key_of_the_installation() {
        let (old, new) = (vec![1; KEY_BYTES_MIN], vec![2; KEY_BYTES_MIN]);
        let before = TokenKeys::new(std::slice::from_ref(&old)).sign(&token()).unwrap();
        let keys = TokenKeys::new(&[new.clone(), old]);
        assert_eq!(keys.read(&before), Some(token()));
        assert_eq!(keys.read(&keys.sign(&token()).unwrap()), Some(token()));
        // The old key is retired.
        assert_eq!(TokenKeys::new(&[new]).read(&before), None);
        assert!(before.len() < 2048);
    }

    #[test]
    fn what_was_changed_after_signing_is_no_token() {
        let keys = TokenKeys::new(&[vec![1; KEY_BYTES_MIN]]);
        let good = keys.sign(&token()).unwrap();
        for at in [0, good.len() / 2, good.len() - 2] {
            let mut bad = good.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.read(&String::from_utf8(bad).unwrap()), None, "at {at}");
        }
        for text in ["", ".", "..", "a.b.c", "rlv_00"] {
            assert_eq!(keys.read(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_audience_another_issuer_and_another_algorithm_are_refused() {
        let secret = vec![1; KEY_BYTES_MIN];
        let keys = TokenKeys::new(std::slice::from_ref(&secret));
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(keys.0[0].id.clone());
        let good = serde_json::json!({
            "iss": "relevo", "aud": "relevo", "sub": "laura", "tnt": "acme", "azp": "desk", "auth_time": 1, "exp": 2
        });
        assert!(keys.read(&signed(&header, &good, &secret)).is_some());
        for (claim, value) in [("aud", "other"), ("iss", "other"), ("role", "boss")] {
            let mut bad = good.clone();
            bad[claim] = value.into();
            assert_eq!(keys.read(&signed(&header, &bad, &secret)), None, "{claim}");
        }
        let mut critical = header.clone();
        critical.crit = Some(vec!["b64".to_owned()]);
        assert_eq!(keys.read(&signed(&critical, &good, &secret)), None);
        let none = r#"{"alg":"none","typ":"JWT"}"#;
        let base64 = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        assert_eq!(keys.read(&format!("{}.{}.", base64(none), base64(&good.to_string()))), None);
    }
}
