//! The last part of a file's address: which file it is, what it is called and until when the address is good, sealed with the
//! installation's key.
//!
//! Sealed and not only signed, because addresses stand in the log lines of every proxy, and names of files are personal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relevo_domain::{TenantId, Timestamp};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};

/// The longest text that is looked at, in characters.
const TOKEN_CHARS_MAX: usize = 4096;
/// Longest file name in an address, in bytes: what file systems take.
const NAME_BYTES_MAX: usize = 255;
/// What the keys are derived for; changes with the layout of what is sealed.
const PURPOSE: &[u8] = b"relevo file addresses 1";

/// A file that somebody may have for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) tenant: TenantId,
    pub(crate) sha256: String,
    /// As found out from the content.
    pub(crate) mime_type: String,
    pub(crate) file_name: Option<String>,
    /// Never shown inside a page, whatever its type.
    pub(crate) download: bool,
    pub(crate) valid_until: Timestamp,
}

/// What is sealed. Short names: it becomes a part of an address.
#[derive(Deserialize, Serialize)]
struct Sealed {
    t: String,
    h: String,
    m: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    d: bool,
    /// Milliseconds since 1970.
    e: i64,
}

/// The keys of the installation: the first one seals, all of them open, so that one can be rotated.
pub(crate) struct FileTokens(Vec<LessSafeKey>);

impl FileTokens {
    /// From the keys of the installation's tokens. They themselves are not used: one key, one purpose.
    pub(crate) fn new(secrets: &[Vec<u8>]) -> Self {
        let derived = |secret: &Vec<u8>| {
            let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
            // 32 bytes are what this algorithm takes.
            UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref()).ok().map(LessSafeKey::new)
        };
        Self(secrets.iter().filter_map(derived).collect())
    }

    /// The grant as text. `None` only if there is no key, or no randomness.
    pub(crate) fn seal(&self, grant: &Grant) -> Option<String> {
        let name = grant.file_name.as_deref().map(shortened);
        let sealed = Sealed {
            t: grant.tenant.to_string(),
            h: grant.sha256.clone(),
            m: grant.mime_type.clone(),
            n: name,
            d: grant.download,
            e: grant.valid_until.as_millis(),
        };
        let mut text = serde_json::to_vec(&sealed).ok()?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let key = self.0.first()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// What the text grants, if one of our keys has sealed it. Whether it has expired is the caller's question.
    pub(crate) fn open(&self, text: &str) -> Option<Grant> {
        if text.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let opened = self.0.iter().find_map(|key| {
            let mut text = sealed.to_vec();
            let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text).ok()?;
            serde_json::from_slice::<Sealed>(opened).ok()
        })?;
        Some(Grant {
            tenant: TenantId::new(opened.t.as_str()).ok()?,
            sha256: opened.h,
            mime_type: opened.m,
            file_name: opened.n,
            download: opened.d,
            valid_until: Timestamp::from_millis(opened.e),
        })
    }
}

/// A name within the limit; its ending stays, because programs go by it.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.len() > 16 { "" } else { ending };
    let mut end = NAME_BYTES_MAX - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::files) fn grant() -> Grant {
        Grant {
            tenant: TenantId::new("demo").unwrap(),
            sha256: "ab".repeat(32),
            mime_type: "application/pdf".to_owned(),
            file_name: Some("cotización.pdf".to_owned()),
            download: false,
            valid_until: Timestamp::from_millis(7),
        }
    }

    #[test]
    fn a_grant_reads_back_whole_with_any_key_of_the_installation_and_shows_nothing() {
        let (old, new) = (vec![1; 32], vec![2; 32]);
        let before = FileTokens::new(std::slice::from_ref(&old)).seal(&grant()).unwrap();
        let keys = FileTokens::new(&[new.clone(), old]);
        assert_eq!(keys.open(&before), Some(grant()));
        assert_eq!(keys.open(&keys.seal(&grant()).unwrap()), Some(grant()));
        assert_eq!(FileTokens::new(&[new]).open(&before), None);
        let bytes = URL_SAFE_NO_PAD.decode(&before).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("cotiza"));
        assert!(before.len() < 400);
    }

    #[test]
    fn what_was_changed_is_nothing() {
        let keys = FileTokens::new(&[vec![1; 32]]);
        let good = keys.seal(&grant()).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.open(&String::from_utf8(bad).unwrap()), None, "at {at}");
        }
        let long = "A".repeat(TOKEN_CHARS_MAX + 1);
        for text in ["", "A", "AAAA", "..", &good[1..], &format!("{good}A"), &long] {
            assert_eq!(keys.open(text), None, "{text:.20}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let keys = FileTokens::new(&[vec![1; 32]]);
        let long = Grant { file_name: Some(format!("{}.pdf", "ñ".repeat(400))), ..grant() };
        let name = keys.open(&keys.seal(&long).unwrap()).unwrap().file_name.unwrap();
        assert!(name.len() <= NAME_BYTES_MAX && name.starts_with("ññ") && name.ends_with("ñ.pdf"));
        let no_ending = Grant { file_name: Some(format!("a.{}", "ñ".repeat(400))), ..grant() };
        assert!(keys.open(&keys.seal(&no_ending).unwrap()).unwrap().file_name.unwrap().len() <= NAME_BYTES_MAX);
    }
}
