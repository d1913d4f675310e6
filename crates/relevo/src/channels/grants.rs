//! Refresh tokens that issuers gave in exchange for those of channels, whether these stand in the configuration or were added: a
//! file each, which only Relevo may read. Two channels with the same grant share one.

use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::path::PathBuf;

use relevo_providers::{KeptGrants, Secret};

use crate::nats::private;

/// The folder.
#[derive(Clone)]
pub(crate) struct Grants(PathBuf);

impl Grants {
    /// The folder has to be there.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// A name survives a power cut only when its folder is on disk.
    fn settle(&self) -> Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl KeptGrants for Grants {
    fn load(&self, name: &str) -> Result<Option<Secret>> {
        match fs::read_to_string(self.0.join(name)) {
            Ok(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(Secret::new)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn store(&self, name: &str, refresh_token: &Secret) -> Result<()> {
        private::write(&self.0.join(name), refresh_token.expose().as_bytes())?;
        self.settle()
    }

    fn forget(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.settle(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use relevo_domain::Timestamp;
    use relevo_providers::{OAuthGrant, Tokens};
    use relevo_testkit::fakes::{FakeOAuth, OAuthOptions};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    #[tokio::test]
    async fn a_changed_refresh_token_is_on_disk_for_the_next_start_and_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let grants = Grants::new(folder.path().to_owned());
        let fake = FakeOAuth::start(OAuthOptions { rotates: true, ..OAuthOptions::default() }).await.unwrap();
        let grant = OAuthGrant {
            token_url: fake.token_url(),
            client_id: fake.options().client_id.clone(),
            client_secret: None,
            scope: "mail".to_owned(),
            refresh_token: Some(Secret::new(&fake.options().refresh_token)),
        };
        for _start in 0..3 {
            let tokens = Tokens::new(now).unwrap().keeping(std::sync::Arc::new(grants.clone()));
            assert!(fake.is_good(tokens.access_token(&grant).await.unwrap().expose()));
        }
        let path = folder.path().join(grant.name());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        grants.forget(&grant.name()).unwrap();
        grants.forget(&grant.name()).unwrap();
        assert!(grants.load(&grant.name()).unwrap().is_none());
    }
}
