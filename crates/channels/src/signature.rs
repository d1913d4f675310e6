//! Proofs that a request came from the provider: Meta's and Twilio's signatures, Meta's handshake, bearer tokens.
//!
//! Everything is compared in constant time and an empty secret never proves anything. Which secrets belong to which
//! endpoint, and what a failed proof is answered with, is the webhook server's affair.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Block size of SHA-1 and SHA-256 in bytes: longer HMAC keys are hashed first.
const BLOCK: usize = 64;

/// Whether `X-Hub-Signature-256` fits the raw body under one of the app secrets.
pub fn meta_signature_valid(secrets: &[impl AsRef<[u8]>], header: Option<&str>, body: &[u8]) -> bool {
    let Some(given) = header.and_then(|text| text.trim().strip_prefix("sha256=")) else {
        return false;
    };
    let Ok(given) = hex::decode(given) else {
        return false;
    };
    any_secret(secrets, |secret| equal(&hmac_sha256(secret, body), &given))
}

/// The header `X-Hub-Signature-256` that Meta would send with this body.
pub fn meta_sign(secret: &[u8], body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(secret, body)))
}

/// What Meta's `GET` with `hub.challenge` is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// 200 with exactly this text, as `text/plain`.
    Challenge(String),
    /// Wrong mode or wrong token: 403.
    Refused,
    /// Mode and token are right but there is no challenge: 400.
    NoChallenge,
}

/// Judges the query string of Meta's subscription handshake.
pub fn meta_handshake(verify_tokens: &[impl AsRef<[u8]>], query: &str) -> Handshake {
    let parameter = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let subscribes = parameter("hub.mode").is_some_and(|mode| mode == "subscribe");
    if !token_valid(verify_tokens, parameter("hub.verify_token").as_deref()) || !subscribes {
        return Handshake::Refused;
    }
    match parameter("hub.challenge") {
        Some(challenge) if !challenge.is_empty() => Handshake::Challenge(challenge),
        Some(_) | None => Handshake::NoChallenge,
    }
}

/// Whether `X-Twilio-Signature` fits this request under one of the auth tokens.
///
/// `url` is the public address as configured with Twilio, query included. `body` is the raw form; empty for a `GET`.
/// If the address carries `bodySHA256`, the body is JSON: the signature covers the address alone and the hash the body.
pub fn twilio_signature_valid(tokens: &[impl AsRef<[u8]>], url: &str, body: &[u8], header: Option<&str>) -> bool {
    let Some(given) = header.map(str::trim).filter(|text| !text.is_empty()) else {
        return false;
    };
    let texts: Vec<Vec<u8>> = match body_hash(url) {
        Some(hash) => {
            let Ok(hash) = hex::decode(hash) else {
                return false;
            };
            if !equal(&Sha256::digest(body), &hash) {
                return false;
            }
            vec![Vec::new()]
        }
        None => form_variants(body),
    };
    let mut valid = false;
    for address in url_variants(url) {
        for text in &texts {
            valid |= any_secret(tokens, |token| equal(twilio_text(token, &address, text).as_bytes(), given.as_bytes()));
        }
    }
    valid
}

/// The header `X-Twilio-Signature` that Twilio would send to `url` with this raw form (empty for a `GET`).
pub fn twilio_sign(token: &[u8], url: &str, body: &[u8]) -> String {
    let url = without_fragment(url);
    let form = if body_hash(url).is_some() { Vec::new() } else { sorted_form(body, |bytes| bytes) };
    twilio_text(token, url, &form)
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token is one of the expected ones. Neither its content nor its length shows in the time taken.
pub fn token_valid(expected: &[impl AsRef<[u8]>], given: Option<&str>) -> bool {
    let Some(given) = given.filter(|token| !token.is_empty()) else {
        return false;
    };
    let given = Sha256::digest(given.as_bytes());
    any_secret(expected, |secret| equal(&Sha256::digest(secret), &given))
}

/// Tries every secret, also after one has fitted, so that the time does not tell which one it was.
fn any_secret(secrets: &[impl AsRef<[u8]>], fits: impl Fn(&[u8]) -> bool) -> bool {
    let usable = secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty());
    usable.fold(false, |valid, secret| valid | fits(secret))
}

fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new(&key_block(key, |long| Sha256::digest(long).to_vec()).into());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn twilio_text(token: &[u8], url: &str, form: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new(&key_block(token, |long| Sha1::digest(long).to_vec()).into());
    mac.update(url.as_bytes());
    mac.update(form);
    BASE64.encode(mac.finalize().into_bytes())
}

/// HMAC's own key preparation, so that no length can be refused: hashed if too long, then filled up with zeros.
fn key_block(key: &[u8], hash: impl Fn(&[u8]) -> Vec<u8>) -> [u8; BLOCK] {
    let key = if key.len() > BLOCK { hash(key) } else { key.to_vec() };
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(key) {
        *to = from;
    }
    block
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = without_fragment(url).split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "bodySHA256").map(|(_, hash)| hash.into_owned())
}

/// The address as it is, without its port, and with the default port: Twilio's own signers differ in that.
fn url_variants(url: &str) -> BTreeSet<String> {
    let url = without_fragment(url);
    let mut variants = BTreeSet::from([url.to_owned()]);
    let Some((scheme, rest)) = url.split_once("://") else {
        return variants;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host_start = authority.rfind('@').map_or(0, |at| at + 1);
    let port_start = authority.rfind(':').filter(|colon| *colon >= host_start && !authority[*colon..].contains(']'));
    if let Some(port_start) = port_start {
        variants.insert(format!("{scheme}://{}{path}", &authority[..port_start]));
    } else {
        let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
        variants.insert(format!("{scheme}://{authority}:{port}{path}"));
    }
    variants
}

/// Names and values as Twilio joins them. Bytes that are not UTF-8 may have been signed as they are or replaced, and
/// what `%ZZ` means is anybody's guess: every reading that a signer could have had is tried.
fn form_variants(body: &[u8]) -> Vec<Vec<u8>> {
    let raw = sorted_form(body, |bytes| bytes);
    let lossy = sorted_form(body, |bytes| String::from_utf8_lossy(&bytes).into_owned().into_bytes());
    if raw == lossy { vec![raw] } else { vec![raw, lossy] }
}

fn sorted_form(body: &[u8], read: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut parameters: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let cut = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = cut.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
        parameters.entry(read(decode(name))).or_default().insert(read(decode(value)));
    }
    let mut text = Vec::with_capacity(body.len());
    for (name, values) in parameters {
        for value in values {
            text.extend_from_slice(&name);
            text.extend_from_slice(&value);
        }
    }
    text
}

/// Decodes `+` and `%XX`; what is no valid escape stays as it is.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2).and_then(|digits| hex::decode(digits).ok())).flatten();
        rest = if let Some(bytes) = escaped {
            out.extend_from_slice(&bytes);
            after.get(2..).unwrap_or_default()
        } else {
            out.push(if *first == b'+' { b' ' } else { *first });
            after
        };
    }
    out
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
