//! The signature of a call: whoever holds the secret knows that the body is ours, and of now.
//!
//! `t=<unix seconds>,v1=<hex>`, one `v1` a secret: HMAC-SHA256 of the seconds, a dot and the body.

use hmac::{Hmac, KeyInit as _, Mac as _};
use relevo_domain::Timestamp;
use relevo_providers::Secret;
use sha2::Sha256;

const MILLIS: i64 = 1_000;

pub(super) fn sign(secrets: &[Secret], now: Timestamp, body: &[u8]) -> String {
    let seconds = now.as_millis().div_euclid(MILLIS);
    let mut header = format!("t={seconds}");
    for secret in secrets {
        // A key of any length is a key.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { continue };
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        header.push_str(",v1=");
        header.push_str(&hex::encode(mac.finalize().into_bytes()));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_signs_time_and_body() {
        let at = Timestamp::from_millis(1_795_278_000_999);
        // `printf '1795278000.{}' | openssl dgst -sha256 -hmac key-one`, and the same with the other key.
        let one = "642829f9c63c6e59653bda578b32c750e758d5e0e8bec8d94fda37555951026e";
        let two = "9acf47437fdb87b30e3a7730af002b671cab3aaac492ae8c317a1f8fb1d1141a";
        assert_eq!(sign(&[Secret::new("key-one")], at, b"{}"), format!("t=1795278000,v1={one}"));
        let both = sign(&[Secret::new("key-two"), Secret::new("key-one")], at, b"{}");
        assert_eq!(both, format!("t=1795278000,v1={two},v1={one}"));
    }
}
