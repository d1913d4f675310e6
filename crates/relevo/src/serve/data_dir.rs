//! The data folder: `nats/` (the log), `views/`, `keys/` (one id key a tenant), `lock`, and `relevo.addresses`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use relevo_command::IdKey;
use relevo_command::ids::ID_KEY_BYTES;
use relevo_domain::TenantId;

use super::ServeError;

/// Where the listeners are, for scripts: `http=…`, `grpc=…` and `pid=…`, one a line. A broker that was killed leaves its file
/// behind; the process id tells whose it is.
const ADDRESSES: &str = "relevo.addresses";

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
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io())?;
        // nats-server and its helper are started from here, and may have another working folder one day.
        let path = fs::canonicalize(path).map_err(io())?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn views(&self) -> PathBuf {
        self.path.join("views")
    }

    /// The tenant's id key. Made at the first start, never replaced: a file that cannot be read is an error.
    pub(super) fn id_key(&self, tenant: &TenantId) -> Result<KeptKey, ServeError> {
        let folder = self.path.join("keys");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(ServeError::io(&folder))?;
        let path = folder.join(format!("{tenant}.key"));
        match fs::read_to_string(&path) {
            Ok(text) => {
                let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; ID_KEY_BYTES]>::try_from(bytes).ok());
                let bytes = bytes.ok_or_else(|| ServeError::Io {
                    path: path.clone(),
                    reason: format!("not an id key of {ID_KEY_BYTES} bytes in hexadecimal"),
                })?;
                Ok(KeptKey { key: IdKey::new(bytes), path, made: false })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut bytes = [0u8; ID_KEY_BYTES];
                rand::fill(&mut bytes);
                write_new(&folder, &path, &hex::encode(bytes)).map_err(ServeError::io(&path))?;
                Ok(KeptKey { key: IdKey::new(bytes), path, made: true })
            }
            Err(error) => Err(ServeError::io(&path)(error)),
        }
    }

    pub(super) fn write_addresses(&self, http: &str, grpc: &str) -> Result<(), ServeError> {
        let path = self.path.join(ADDRESSES);
        let beside = self.path.join("relevo.addresses.new");
        fs::write(&beside, format!("http={http}\ngrpc={grpc}\npid={}\n", std::process::id()))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(ServeError::io(&path))
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
    use std::os::unix::fs::PermissionsExt;

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
        fs::write(&first.path, "short").unwrap();
        assert!(matches!(data.id_key(&tenant), Err(ServeError::Io { .. })));
        assert_eq!(fs::read_to_string(&first.path).unwrap(), "short");
    }
}
