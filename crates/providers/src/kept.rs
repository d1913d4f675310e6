//! Refresh tokens that issuers gave in exchange for the configured ones: what has to be kept over a restart, because an issuer that
//! changes them takes the configured one no more.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::account::{OAuthGrant, Secret};

/// Where they are kept. Calls may block, and are made where that does no harm.
pub trait KeptGrants: Send + Sync + 'static {
    /// The refresh token that was kept last for the grant of that [name](OAuthGrant::name).
    fn load(&self, name: &str) -> io::Result<Option<Secret>>;

    /// Keeps a refresh token instead of the one before. It survives a power cut once this has returned.
    fn store(&self, name: &str, refresh_token: &Secret) -> io::Result<()>;

    /// Keeps none any more. Not an error if there is none.
    fn forget(&self, name: &str) -> io::Result<()>;
}

impl OAuthGrant {
    /// What the grant's exchanged refresh tokens are kept under: the same as long as issuer, client and configured refresh token
    /// are. Lower-case hex; says nothing of the grant.
    pub fn name(&self) -> String {
        let refresh_token = self.refresh_token.as_ref().map_or("", Secret::expose);
        let mut hash = Sha256::new();
        for part in [&self.token_url, &self.client_id, refresh_token] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}
