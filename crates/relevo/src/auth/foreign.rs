//! Tokens of other issuers (an identity provider, the frontend's own server): JWT by public key, mapped to an agent of the
//! configuration. RS256, ES256 and EdDSA alone; a shared secret is never accepted here.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use relevo_domain::{Role, TenantId, Timestamp};
use serde_json::{Map, Value};

use super::grant::{Ceiling, NAMES_MAX, Wish};
use super::jwks::{Http, KeySet, Source};

/// How far an issuer's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// The longest that a token of another issuer may still be good for: nobody can take it back before its time.
const LIFE_MAX: Duration = Duration::from_hours(24);

/// Another issuer, as the configuration has it.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// `iss` of its tokens, to the letter.
    pub(crate) name: String,
    /// One of these must be in `aud`.
    pub(crate) audiences: Vec<String>,
    pub(crate) keys: Source,
    pub(crate) algorithms: Vec<Algorithm>,
    /// The tenants whose agents it may sign in; without a claim that names one it is the only one.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) claims: Claims,
    pub(crate) ceiling: Ceiling,
}

/// Names of claims.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) tenant: Option<String>,
    pub(crate) agent: String,
    pub(crate) role: Option<String>,
    pub(crate) teams: Option<String>,
    pub(crate) channels: Option<String>,
}

/// An issuer and its keys.
pub(super) struct Foreign {
    issuer: Issuer,
    keys: Arc<KeySet>,
}

/// What a good token of another issuer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    pub(super) tenant: TenantId,
    pub(super) wish: Wish,
    pub(super) valid_until: Timestamp,
}

/// Why a token is not accepted. The caller learns only whether it has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Expired,
    Other,
}

impl Foreign {
    pub(super) fn new(issuer: Issuer, http: Option<Http>) -> Self {
        super::crypto::install();
        let keys = KeySet::new(issuer.name.clone(), issuer.keys.clone(), http);
        Self { issuer, keys }
    }

    /// Whether the token says that this issuer made it. Nothing is proven by that.
    pub(super) fn claims_to_be_of(&self, issuer: &str) -> bool {
        self.issuer.name == issuer
    }

    pub(super) fn ceiling(&self) -> &Ceiling {
        &self.issuer.ceiling
    }

    /// What the token says, if this issuer has signed it for us and its time is now.
    pub(super) async fn read(&self, text: &str, now: Timestamp) -> Result<Assertion, Bad> {
        let header = decode_header(text).map_err(|_unreadable| Bad::Other)?;
        if !self.issuer.algorithms.contains(&header.alg) || header.crit.is_some() {
            return Err(Bad::Other);
        }
        let key = self.keys.key(header.kid.as_deref(), header.alg, now).await.ok_or(Bad::Other)?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer.name]);
        validation.set_audience(&self.issuer.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Times are checked below, against the clock that we are given.
        validation.validate_exp = false;
        let claims =
            decode::<Map<String, Value>>(text, &key.decoding, &validation).map_err(|_refused| Bad::Other)?.claims;
        let valid_until = in_time(&claims, now)?;
        self.map(&claims, valid_until).ok_or(Bad::Other)
    }

    fn map(&self, claims: &Map<String, Value>, valid_until: Timestamp) -> Option<Assertion> {
        let names = &self.issuer.claims;
        let tenant = match &names.tenant {
            None => self.issuer.tenants.first()?.clone(),
            Some(claim) => {
                let named = claims.get(claim)?.as_str()?;
                self.issuer.tenants.iter().find(|tenant| tenant.as_str() == named)?.clone()
            }
        };
        let role = match &names.role {
            None => None,
            Some(claim) => Some(Role::parse(claims.get(claim)?.as_str()?)?),
        };
        let wish = Wish {
            agent: claims.get(&names.agent)?.as_str()?.to_owned(),
            role,
            teams: several(claims, names.teams.as_deref())?,
            channels: several(claims, names.channels.as_deref())?,
        };
        Some(Assertion { tenant, wish, valid_until })
    }
}

/// The names in a claim: a list, or a text with blanks between them. An issuer that is said to name some must do so: a token
/// without the claim would otherwise grant more than one with it.
fn several(claims: &Map<String, Value>, claim: Option<&str>) -> Option<Vec<String>> {
    let Some(claim) = claim else { return Some(Vec::new()) };
    let names: Vec<String> = match claims.get(claim)? {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(list) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    (!names.is_empty() && names.len() <= NAMES_MAX).then_some(names)
}

/// Until when the token is good, if it is good now.
fn in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, Bad> {
    let seconds = |claim: &str| match claims.get(claim) {
        None => Ok(None),
        // RFC 7519 allows fractions; below a second nothing depends on them.
        Some(value) => {
            value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)).map(Some).ok_or(Bad::Other)
        }
    };
    let at = |seconds: i64| seconds.checked_mul(1000).map(Timestamp::from_millis).ok_or(Bad::Other);
    let expires = at(seconds("exp")?.ok_or(Bad::Other)?)?;
    if now.since(expires) >= LEEWAY {
        return Err(Bad::Expired);
    }
    if expires.since(now) > LIFE_MAX {
        return Err(Bad::Other);
    }
    for claim in ["nbf", "iat"] {
        if let Some(begins) = seconds(claim)?
            && at(begins)?.since(now) > LEEWAY
        {
            return Err(Bad::Other);
        }
    }
    Ok(Timestamp::from_millis(expires.as_millis().saturating_add(LEEWAY.as_millis() as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    const NOW: i64 = 1_760_000_000;

    /// An issuer with an Ed25519 and a P-256 key.
    struct World {
        ed: Ed25519KeyPair,
        ec: EcdsaKeyPair,
        foreign: Foreign,
        _temp: tempfile::TempDir,
    }

    fn base64(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    impl World {
        fn new(claims: Claims) -> Self {
            let random = ring::rand::SystemRandom::new();
            let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
            let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap();
            let point = ec.public_key().as_ref();
            let set = json!({ "keys": [
                { "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": base64(ed.public_key().as_ref()) },
                { "kty": "EC", "crv": "P-256", "kid": "ec", "x": base64(&point[1..33]), "y": base64(&point[33..]) },
            ]});
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("keys.json");
            std::fs::write(&path, set.to_string()).unwrap();
            let issuer = Issuer {
                name: "https://idp.example".to_owned(),
                audiences: vec!["relevo".to_owned()],
                keys: Source::File(path),
                algorithms: vec![Algorithm::EdDSA, Algorithm::ES256],
                tenants: vec![TenantId::new("acme").unwrap(), TenantId::new("zeta").unwrap()],
                claims,
                ceiling: Ceiling { roles: [Role::Agent].into(), channels: [].into(), teams: [].into() },
            };
            Self { ed, ec, foreign: Foreign::new(issuer, None), _temp: temp }
        }

        fn signed(&self, header: &Value, claims: &Value) -> String {
            let message =
                format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
            let signature = match header["alg"].as_str().unwrap() {
                "ES256" => {
                    let random = ring::rand::SystemRandom::new();
                    self.ec.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec()
                }
                // What an attacker does: the public key as the secret of an HMAC.
                "HS256" => {
                    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.ed.public_key().as_ref());
                    ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
                }
                "none" => Vec::new(),
                _ => self.ed.sign(message.as_bytes()).as_ref().to_vec(),
            };
            format!("{message}.{}", base64(&signature))
        }

        async fn read(&self, header: &Value, claims: &Value) -> Result<Assertion, Bad> {
            self.foreign.read(&self.signed(header, claims), Timestamp::from_millis(NOW * 1000)).await
        }
    }

    fn names() -> Claims {
        Claims { tenant: None, agent: "sub".to_owned(), role: None, teams: None, channels: None }
    }

    fn good() -> Value {
        json!({ "iss": "https://idp.example", "aud": "relevo", "sub": "laura", "exp": NOW + 600 })
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = good();
        claims[claim] = value;
        claims
    }

    fn eddsa() -> Value {
        json!({ "alg": "EdDSA", "kid": "ed" })
    }

    #[tokio::test]
    async fn a_good_token_is_read_with_either_key() {
        let world = World::new(names());
        for header in [eddsa(), json!({ "alg": "ES256", "kid": "ec" }), json!({ "alg": "EdDSA" })] {
            let read = world.read(&header, &good()).await.unwrap();
            assert_eq!((read.tenant.as_str(), read.wish.agent.as_str()), ("acme", "laura"), "{header}");
        }
        let several = with("aud", json!(["other", "relevo"]));
        assert!(world.read(&eddsa(), &several).await.is_ok());
    }

    #[tokio::test]
    async fn every_known_trick_with_the_header_is_refused() {
        let world = World::new(names());
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "none", "kid": "ed" }),
            json!({ "alg": "HS256", "kid": "ed" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "EdDSA", "kid": "ec" }),
            json!({ "alg": "ES256", "kid": "ed" }),
            json!({ "alg": "EdDSA", "kid": "unknown" }),
            json!({ "alg": "EdDSA", "kid": "ed", "crit": ["b64"] }),
            json!({ "alg": "RS256", "kid": "ed" }),
        ] {
            assert_eq!(world.read(&header, &good()).await, Err(Bad::Other), "{header}");
        }
        // A key that the token brings along is nobody's key.
        let own =
            json!({ "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": base64(&[7; 32]) }, "kid": "x" });
        assert_eq!(world.read(&own, &good()).await, Err(Bad::Other));
    }

    #[tokio::test]
    async fn a_token_for_somebody_else_or_another_time_is_refused() {
        let world = World::new(names());
        for (claims, bad) in [
            (with("aud", json!("other")), Bad::Other),
            (with("aud", Value::Null), Bad::Other),
            (with("iss", json!("https://idp.example/")), Bad::Other),
            (with("exp", Value::Null), Bad::Other),
            (with("exp", json!("soon")), Bad::Other),
            (with("exp", json!(i64::MAX)), Bad::Other),
            (with("exp", json!(NOW - 31)), Bad::Expired),
            (with("exp", json!(NOW + 25 * 3600)), Bad::Other),
            (with("nbf", json!(NOW + 60)), Bad::Other),
            (with("iat", json!(NOW + 60)), Bad::Other),
            (with("sub", Value::Null), Bad::Other),
            (with("sub", json!(7)), Bad::Other),
        ] {
            assert_eq!(world.read(&eddsa(), &claims).await, Err(bad), "{claims}");
        }
        // Clocks differ a little.
        for claims in [with("exp", json!(NOW - 20)), with("nbf", json!(NOW + 20)), with("exp", json!(NOW as f64 + 0.5))]
        {
            assert!(world.read(&eddsa(), &claims).await.is_ok(), "{claims}");
        }
        let other = World::new(names());
        let stolen = other.signed(&eddsa(), &good());
        assert_eq!(world.foreign.read(&stolen, Timestamp::from_millis(NOW * 1000)).await, Err(Bad::Other));
    }

    #[tokio::test]
    async fn claims_are_mapped_by_name_and_a_missing_one_grants_nothing() {
        let world = World::new(Claims {
            tenant: Some("org".to_owned()),
            agent: "relevo_agent".to_owned(),
            role: Some("relevo_role".to_owned()),
            teams: Some("groups".to_owned()),
            channels: Some("channels".to_owned()),
        });
        let full = json!({
            "iss": "https://idp.example", "aud": "relevo", "exp": NOW + 600, "org": "zeta", "relevo_agent": "laura",
            "relevo_role": "agent", "groups": ["a", "b"], "channels": "wa mail"
        });
        let read = world.read(&eddsa(), &full).await.unwrap();
        assert_eq!(read.tenant.as_str(), "zeta");
        assert_eq!(
            read.wish,
            Wish {
                agent: "laura".to_owned(),
                role: Some(Role::Agent),
                teams: vec!["a".to_owned(), "b".to_owned()],
                channels: vec!["wa".to_owned(), "mail".to_owned()],
            }
        );
        for (claim, value) in [
            ("org", json!("other")),
            ("relevo_agent", Value::Null),
            ("relevo_role", json!("boss")),
            ("groups", json!([])),
            ("groups", json!([1])),
            ("channels", json!("")),
            ("channels", json!({})),
        ] {
            let mut claims = full.clone();
            claims[claim] = value;
            assert_eq!(world.read(&eddsa(), &claims).await, Err(Bad::Other), "{claim}");
        }
    }
}
