//! Ids and small variations of the sample traffic, all derived from the seed: the same seed gives the same ids for ever, so
//! that playing it twice stores nothing new.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Makes the provider's ids of one play.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    seed: u64,
}

impl Ids {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    fn digest(self, kind: &str, name: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [b"relevo demo".as_slice(), &self.seed.to_be_bytes(), kind.as_bytes(), name.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// A WhatsApp message id.
    pub(super) fn wamid(self, name: &str) -> String {
        format!("wamid.{}", STANDARD.encode(&self.digest("wamid", name)[..27]))
    }

    /// A Twilio message SID (`prefix` `SM` or `MM`).
    pub(super) fn sid(self, prefix: &str, name: &str) -> String {
        format!("{prefix}{}", hex::encode(&self.digest("sid", name)[..16]))
    }

    /// A mail's Message-ID, without the angle brackets.
    pub(super) fn mail(self, name: &str, domain: &str) -> String {
        format!("{}@{domain}", hex::encode(&self.digest("mail", name)[..12]))
    }

    /// A media id as Meta gives them: digits.
    pub(super) fn media(self, name: &str) -> String {
        let digest = self.digest("media", name);
        let number = digest[..8].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        format!("{}", 1_000_000_000_000_000 + number % 8_999_999_999_999_999)
    }

    /// A media's SHA-256 as Meta writes it in webhooks.
    pub(super) fn media_hash(self, name: &str) -> String {
        STANDARD.encode(self.digest("media hash", name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_seed_others() {
        assert_eq!(Ids::new(1).wamid("a"), Ids::new(1).wamid("a"));
        assert_ne!(Ids::new(1).wamid("a"), Ids::new(2).wamid("a"));
        assert_ne!(Ids::new(1).wamid("a"), Ids::new(1).wamid("b"));
        assert_eq!(Ids::new(1).sid("SM", "a").len(), 34);
    }
}
