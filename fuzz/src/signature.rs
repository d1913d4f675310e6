//! Proofs that a request came from whom it says: Meta's and Twilio's signatures, Meta's handshake, bearer tokens, our own JWTs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use relevo_channels::signature::{
    Handshake, bearer, meta_handshake, meta_sign, meta_signature_valid, token_valid, twilio_sign,
    twilio_signature_valid,
};
use sha2::Sha256;

use crate::auth::Keys;

const SECRET: &str = "fuzz-secret";
const OLD: &str = "fuzz-secret-before";
const JWT_KEY: [u8; 32] = [7; 32];

/// The first line is a header, the second an address, the rest a body.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (header, url) = (line(), line());
    let body = parts.next().unwrap_or_default();
    meta(&header, body);
    twilio(&header, &url, body);
    handshake(&url);
    bearers(&header);
    jwt(&header, &url, body);
}

/// The bytes with one bit of one of them turned, which one depends on the bytes.
fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
    let place = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % bytes.len().max(1);
    let mut changed = bytes.to_vec();
    *changed.get_mut(place)? ^= 1;
    Some(changed)
}

fn meta(header: &str, body: &[u8]) {
    let secrets = [OLD, SECRET];
    let good = meta_sign(SECRET.as_bytes(), body);
    assert!(meta_signature_valid(&secrets, Some(&good), body));
    assert!(!meta_signature_valid(&[OLD, ""], Some(&good), body), "a secret that is none of ours");
    assert!(!meta_signature_valid(&secrets, None, body));
    if let Some(changed) = changed(body) {
        assert!(!meta_signature_valid(&secrets, Some(&good), &changed), "changed bytes");
    }
    assert!(!meta_signature_valid(&secrets, Some(&good), &[body, b"\n"].concat()), "a byte more");
    if meta_signature_valid(&secrets, Some(header), body) {
        let given = header.trim().to_ascii_lowercase();
        assert!(secrets.iter().any(|secret| meta_sign(secret.as_bytes(), body) == given), "{header:?}");
    }
}

fn twilio(header: &str, url: &str, body: &[u8]) {
    let tokens = [OLD, SECRET];
    let good = twilio_sign(SECRET.as_bytes(), url, body);
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    let covered_by_hash = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "bodySHA256");
    let valid = twilio_signature_valid(&tokens, url, body, Some(&good));
    assert!(valid || covered_by_hash, "what Twilio signs is accepted");
    assert!(!twilio_signature_valid(&[OLD, ""], url, body, Some(&good)), "a token that is none of ours");
    assert!(!twilio_signature_valid(&tokens, url, body, None));
    assert!(!twilio_signature_valid(&tokens, url, body, Some(" ")));
    // The signature covers the names and values as one text, so what gives the same text is as good. Bytes beyond ASCII and
    // escapes may have been signed in two ways.
    if let Some(other) = changed(body) {
        let plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii() && *byte != b'%');
        let same = twilio_sign(SECRET.as_bytes(), url, &other) == good;
        if !same && plain(&other) && plain(body) {
            assert!(!twilio_signature_valid(&tokens, url, &other, Some(&good)), "changed bytes");
        }
        if valid && covered_by_hash {
            assert!(!twilio_signature_valid(&tokens, url, &other, Some(&good)), "the hash covers the body");
        }
    }
    if twilio_signature_valid(&tokens, url, body, Some(header)) {
        assert_eq!(header.trim().len(), 28, "base64 of a SHA-1: {header:?}");
    }
}

fn handshake(query: &str) {
    let tokens = [SECRET];
    let find =
        |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    let known = find("hub.verify_token").is_some_and(|token| token == SECRET);
    let subscribes = find("hub.mode").is_some_and(|mode| mode == "subscribe");
    match meta_handshake(&tokens, query) {
        Handshake::Challenge(challenge) => {
            assert!(known && subscribes && !challenge.is_empty());
            assert_eq!(find("hub.challenge").as_deref(), Some(challenge.as_str()));
        }
        Handshake::NoChallenge => assert!(known && subscribes),
        Handshake::Refused => assert!(!(known && subscribes)),
    }
}

fn bearers(header: &str) {
    let token = bearer(Some(header));
    if let Some(token) = token {
        assert!(header.ends_with(token) || header.trim_end().ends_with(token));
        assert_eq!(token.trim(), token);
    }
    let expected = [OLD, SECRET, ""];
    let right = token.is_some_and(|token| token == OLD || token == SECRET);
    assert_eq!(token_valid(&expected, token), right);
}

fn jwt(text: &str, words: &str, body: &[u8]) {
    let keys = Keys::new(&[JWT_KEY.to_vec(), vec![8; 32]]);
    if keys.accept(text) {
        let (signed, signature) = text.rsplit_once('.').expect("a token has three parts");
        let by = |key: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
            mac.update(signed.as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        };
        assert!([by(&JWT_KEY), by(&[8; 32])].contains(&signature.to_owned()), "accepted without our signature");
    }
    let number = body.iter().take(8).fold(0_i64, |number, byte| (number << 7) | i64::from(*byte));
    let (good, whole) = keys.round(words, number);
    assert!(whole, "a token reads back whole");
    if let Some(other) = changed(good.as_bytes()).and_then(|other| String::from_utf8(other).ok()) {
        assert!(!keys.accept(&other), "changed: {other}");
    }
    assert!(!Keys::new(&[vec![9; 32]]).accept(&good), "another installation's");
}
