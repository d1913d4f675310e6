//! The data folder: `nats/` (the log), `views/`, `keys/` (one id key a tenant, and what signs tokens), `channels/`,
//! `lock`, and `relevo.addresses`.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use relevo_command::IdKey;
use relevo_command::ids::ID_KEY_BYTES;
use relevo_domain::TenantId;

use super::ServeError;
use crate::auth::KEY_BYTES_MIN;
use crate::nats::private;

/// Where the listeners are, for scripts: `http=…`, `grpc=…` and `pid=…`, one a line. A broker that was killed leaves its file
/// behind; the process id tells whose it is.
const ADDRESSES: &str = "relevo.addresses";
const VIEWS: &str = "views";
const KEYS: &str = "keys";
/// Channels that were added while Relevo ran, with their secrets.
const CHANNELS: &str = "channels";
/// Refresh tokens that issuers gave in exchange for those of channels.
const GRANTS: &str = "keys/oauth";
/// What signs tokens. No tenant is called so: a name begins with a letter or a digit.
const TOKEN_KEY: &str = "_tokens.key";
/// Folders that nobody else may look into, whoever made them.
const PARTS: [&str; 5] = [VIEWS, KEYS, GRANTS, CHANNELS, "nats"];

/// In a mode: everybody may write, and nobody may remove what is another's.
const STICKY: u32 = 0o1000;

/// The folder, which exists and is ours alone.
#[derive(Clone, Debug)]
pub(super) struct DataDir {
    path: PathBuf,
}

/// A tenant's id key and where it is kept.
pub(super) struct KeptKey {
    pub(super) key: IdKey,
    pub(super) path: PathBuf,
    /// It was made just now; on a log that was written with another key it must not stay.
    pub(super) made: bool,
}

impl DataDir {
    pub(super) fn open(path: &Path) -> Result<Self, ServeError> {
        let io = || ServeError::io(path);
        let shared = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & STICKY != 0);
        if shared {
            tracing::warn!("data folder is one that users share, such as /tmp; its permissions stay as they are");
        } else {
            match private::folder(path) {
                // A volume that somebody else owns and lends us; what is ours in it is closed to others below.
                Err(error) if error.kind() == ErrorKind::PermissionDenied && path.is_dir() => {
                    tracing::warn!(%error, "data folder belongs to another user; its permissions stay as they are");
                }
                made => made.map_err(io())?,
            }
        }
        for part in PARTS {
            let part = path.join(part);
            private::folder(&part).map_err(ServeError::io(&part))?;
        }
        // nats-server and its helper are started from here, and may have another working folder one day.
        let path = fs::canonicalize(path).map_err(io())?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn views(&self) -> PathBuf {
        self.path.join(VIEWS)
    }

    pub(super) fn channels(&self) -> PathBuf {
        self.path.join(CHANNELS)
    }

    pub(super) fn grants(&self) -> PathBuf {
        self.path.join(GRANTS)
    }

    /// The tenant's id key. Made at the first start, never replaced: a file that cannot be read is an error.
    pub(super) fn id_key(&self, tenant: &TenantId) -> Result<KeptKey, ServeError> {
        let folder = self.path.join(KEYS);
        let path = folder.join(format!("{tenant}.key"));
        let (bytes, made) = kept_bytes::<ID_KEY_BYTES>(&folder, &path)?;
        Ok(KeptKey { key: IdKey::new(bytes), path, made })
    }

    /// What signs tokens, where the configuration names nothing. Made at the first start.
    pub(super) fn token_key(&self) -> Result<Vec<u8>, ServeError> {
        let folder = self.path.join(KEYS);
        let (bytes, _made) = kept_bytes::<KEY_BYTES_MIN>(&folder, &folder.join(TOKEN_KEY))?;
        Ok(bytes.into())
    }

    pub(super) fn write_addresses(&self, http: &str, grpc: &str) -> Result<(), ServeError> {
        let path = self.path.join(ADDRESSES);
        let text = format!("http={http}\ngrpc={grpc}\npid={}\n", std::process::id());
        private::write(&path, text.as_bytes()).map_err(ServeError::io(&path))
    }

    /// Nobody listens any more.
    pub(super) fn remove_addresses(&self) {
        if let Err(error) = fs::remove_file(self.path.join(ADDRESSES))
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, "addresses file cannot be removed");
        }
    }
}

/// The secret in the file, which is made if it is not there; whether it was made.
fn kept_bytes<const N: usize>(folder: &Path, path: &Path) -> Result<([u8; N], bool), ServeError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
            let reason = format!("not a key of {N} bytes in hexadecimal");
            Ok((bytes.ok_or_else(|| ServeError::Io { path: path.to_owned(), reason })?, false))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0u8; N];
            rand::fill(&mut bytes);
            write_new(folder, path, &hex::encode(bytes)).map_err(ServeError::io(path))?;
            Ok((bytes, true))
        }
        Err(error) => Err(ServeError::io(path)(error)),
    }
}

/// Writes a file that must not exist, so that it survives a power cut: ids are derived from it for ever.
fn write_new(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_there_before_is_closed_to_others() {
        let temp = tempfile::tempdir().unwrap();
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        open(temp.path());
        for part in PARTS {
            fs::create_dir(temp.path().join(part)).unwrap();
            open(&temp.path().join(part));
        }
        let data = DataDir::open(temp.path()).unwrap();
        data.write_addresses("h", "g").unwrap();
        assert_eq!(mode(temp.path()), 0o700);
        assert_eq!(PARTS.map(|part| mode(&temp.path().join(part))), [0o700; 5]);
        assert_eq!(mode(&temp.path().join(ADDRESSES)), 0o600);
    }

    #[test]
    fn a_folder_that_users_share_is_left_to_them() {
        let temp = tempfile::tempdir().unwrap();
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        DataDir::open(temp.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(temp.path()), mode(&temp.path().join(KEYS))), (0o1777, 0o700));
    }

    #[test]
    fn an_id_key_is_made_once_is_private_and_is_never_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::open(temp.path()).unwrap();
        let tenant = TenantId::new("acme").unwrap();
        let first = data.id_key(&tenant).unwrap();
        assert!(first.made);
        assert_eq!(fs::metadata(&first.path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = data.id_key(&tenant).unwrap();
        assert!(!second.made);
        assert_eq!(first.key.fingerprint(), second.key.fingerprint());
        assert_ne!(first.key.fingerprint(), data.id_key(&TenantId::new("other").unwrap()).unwrap().key.fingerprint());
        let tokens = data.token_key().unwrap();
        assert_eq!(data.token_key().unwrap(), tokens);
        assert_eq!(fs::metadata(temp.path().join("keys/_tokens.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&first.path, "short").unwrap();
        assert!(matches!(data.id_key(&tenant), Err(ServeError::Io { .. })));
        assert_eq!(fs::read_to_string(&first.path).unwrap(), "short");
    }
}
