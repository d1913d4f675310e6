//! One signed request of the sample traffic, as a provider would send it. Says nothing about what it contains.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

/// A request that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    /// Path below the broker's HTTP address.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Post {
    /// A Meta webhook: the signature is over the bytes as they are sent.
    pub(super) fn meta(app: &str, secret: &str, json: &serde_json::Value) -> Self {
        let body = escaped(&json.to_string()).into_bytes();
        let signature = format!("sha256={}", hex::encode(hmac_sha256(secret.as_bytes(), &body)));
        Self {
            path: format!("/webhooks/meta/{app}"),
            headers: vec![("content-type", "application/json".to_owned()), ("x-hub-signature-256", signature)],
            body,
        }
    }

    /// A Twilio webhook: the signature is over the public address and the sorted parameters.
    pub(super) fn twilio(channel: &str, token: &str, public_url: &str, form: &[(&str, &str)]) -> Self {
        let path = format!("/webhooks/twilio/{channel}");
        let mut signed = format!("{}{path}", public_url.trim_end_matches('/'));
        let mut sorted = form.to_vec();
        sorted.sort_unstable();
        for (name, value) in &sorted {
            signed.push_str(name);
            signed.push_str(value);
        }
        let mut body = String::new();
        for (name, value) in form {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(&form_encoded(name));
            body.push('=');
            body.push_str(&form_encoded(value));
        }
        Self {
            path,
            headers: vec![
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("x-twilio-signature", STANDARD.encode(hmac_sha1(token.as_bytes(), signed.as_bytes()))),
            ],
            body: body.into_bytes(),
        }
    }

    /// A raw mail, as a mail server pipes it in.
    pub(super) fn mail(channel: &str, bearer: &str, mail: &str) -> Self {
        Self {
            path: format!("/webhooks/email/{channel}"),
            headers: vec![("content-type", "message/rfc822".to_owned()), ("authorization", format!("Bearer {bearer}"))],
            body: mail.replace('\n', "\r\n").into_bytes(),
        }
    }
}

/// JSON as Meta writes it: everything outside of ASCII as `\uXXXX`, and `/` as `\/`. The meaning is the same, the bytes are not,
/// which is what a signature check over re-written JSON would stumble on.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '/' => out.push_str("\\/"),
            ascii if ascii.is_ascii() => out.push(ascii),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    // Writing into a String cannot fail.
                    write!(out, "\\u{unit:04x}").ok();
                }
            }
        }
    }
    out
}

/// A form value as providers encode it: space as `+`, everything that is not unreserved as `%XX`.
fn form_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => {
                write!(out, "%{other:02X}").ok();
            }
        }
    }
    out
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length, so the error arm is never taken; an empty signature is refused by the webhook.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha1>::new_from_slice(key)
        .map(|mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped_as_meta_does_it_and_means_the_same() {
        let value = serde_json::json!({"text": "¿Mañana? 💇 a/b"});
        let text = escaped(&value.to_string());
        assert_eq!(text, r#"{"text":"\u00bfMa\u00f1ana? \ud83d\udc87 a\/b"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn the_signature_is_the_one_of_the_documentation() {
        // RFC 4231, test case 2, and RFC 2202, test case 2.
        let (key, message) = (b"Jefe".as_slice(), b"what do ya want for nothing?".as_slice());
        assert_eq!(
            hex::encode(hmac_sha256(key, message)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(hex::encode(hmac_sha1(key, message)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn form_values_survive_the_wire() {
        let value = "50% + IVA\n¿Ok? a+b=c & d";
        let decoded: String = form_encoded(value);
        assert_eq!(decoded, "50%25+%2B+IVA%0A%C2%BFOk%3F+a%2Bb%3Dc+%26+d");
    }
}
