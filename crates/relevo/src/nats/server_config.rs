//! What the supervised nats-server is told: its configuration file, credential, port and share of the disk.
//!
//! All of it lives under `<data_dir>/nats/`, readable by the owner alone, and is kept over restarts.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use super::{NatsError, private};

/// Largest message that the server takes, in bytes (architecture §2).
const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// The server's own log file is renamed at this size, and this many old ones are kept.
const LOG_FILE_BYTES_MAX: usize = 10 << 20;
const LOG_FILES_MAX: usize = 3;
/// Bytes of a random credential: more than anybody can guess.
const PASSWORD_BYTES: usize = 32;
/// The one user of the server.
pub(super) const USER: &str = "relevo";
/// Share of the free disk that the store may grow to, in hundredths: views and other programs need the rest.
const DISK_SHARE_PERCENT: u64 = 70;
/// A store never gets less than this, whatever the disk says: below it the streams' budgets make no sense.
const STORE_BYTES_MIN: u64 = 2 << 30;
/// Nor more, unless the configuration says so: a budget is a promise, and no small installation needs to promise more.
const STORE_BYTES_MAX: u64 = 1 << 40;

/// How often an acknowledged write is forced to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Before each acknowledgement: survives a power cut.
    Always,
    /// When the operating system likes: survives the end of any process, not of the machine.
    Os,
}

/// The folder `<data_dir>/nats/` and what is kept in it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(data_dir: &Path) -> Result<Self, NatsError> {
        let path = data_dir.join("nats");
        private::folder(&path).map_err(NatsError::io(&path))?;
        Ok(Self { path })
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.path.join("nats-server.conf")
    }

    /// What the server says before it has read its configuration.
    pub(super) fn start_log(&self) -> PathBuf {
        self.path.join("nats-server.start.log")
    }

    /// The credential, made at the first start.
    pub(super) fn password(&self) -> Result<String, NatsError> {
        let path = self.path.join("password");
        if let Ok(password) = fs::read_to_string(&path)
            && password.len() == 2 * PASSWORD_BYTES
        {
            return Ok(password);
        }
        let mut bytes = [0u8; PASSWORD_BYTES];
        rand::fill(&mut bytes);
        let password = hex::encode(bytes);
        write_private(&path, &password)?;
        Ok(password)
    }

    /// The port of the last start if nobody else has it now, else a free one. Kept, so that other clients find it again.
    pub(super) fn port(&self) -> Result<u16, NatsError> {
        let path = self.path.join("port");
        let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|held| held.local_addr());
        let kept = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u16>().ok());
        let port = match kept {
            Some(port) if free(port).is_ok() => return Ok(port),
            Some(_) | None => free(0).map_err(NatsError::io(&path))?.port(),
        };
        write_private(&path, &port.to_string())?;
        Ok(port)
    }

    /// Bytes that the store may grow to: what the configuration says, else a share of the disk as it was at the first start,
    /// because the streams' budgets are derived from it and must not move with every file that somebody else writes.
    pub(super) fn store_bytes(&self, configured: Option<u64>) -> Result<u64, NatsError> {
        let path = self.path.join("store-bytes");
        if let Some(bytes) = configured {
            return Ok(bytes);
        }
        if let Some(bytes) = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
            return Ok(bytes);
        }
        let disk = nix::sys::statvfs::statvfs(&self.path).map_err(|errno| NatsError::io(&self.path)(errno.into()))?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        let bytes = (free / 100 * DISK_SHARE_PERCENT).clamp(STORE_BYTES_MIN, STORE_BYTES_MAX);
        write_private(&path, &bytes.to_string())?;
        Ok(bytes)
    }

    pub(super) fn write_config(&self, config: &ServerConfig) -> Result<(), NatsError> {
        write_private(&self.config_file(), &config.text(&self.path))
    }
}

/// What changes from one installation to the next.
#[derive(Clone, Debug)]
pub(super) struct ServerConfig {
    pub(super) server_name: String,
    pub(super) port: u16,
    pub(super) password: String,
    pub(super) sync: Sync,
    pub(super) store_bytes: u64,
}

impl ServerConfig {
    /// No monitoring port, no cluster, no leaf nodes, no other user: loopback and one credential.
    fn text(&self, folder: &Path) -> String {
        let sync = match self.sync {
            Sync::Always => "sync_interval: always",
            Sync::Os => "# sync_interval: left to the operating system",
        };
        format!(
            "# Written by `relevo serve` at every start; changes are lost.\n\
             server_name: {name}\n\
             host: \"127.0.0.1\"\n\
             port: {port}\n\
             authorization {{ user: {USER}, password: \"{password}\", timeout: 5 }}\n\
             max_payload: {PAYLOAD_BYTES_MAX}\n\
             log_file: {log}\n\
             logfile_size_limit: {LOG_FILE_BYTES_MAX}\n\
             logfile_max_num: {LOG_FILES_MAX}\n\
             jetstream {{\n  store_dir: {store}\n  max_file_store: {store_bytes}\n  {sync}\n}}\n",
            name = quoted(&self.server_name),
            port = self.port,
            password = self.password,
            log = quoted(&folder.join("nats-server.log").display().to_string()),
            store = quoted(&folder.display().to_string()),
            store_bytes = self.store_bytes,
        )
    }
}

/// A string of the server's configuration language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a file that nobody else may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), NatsError> {
    private::write(path, text.as_bytes()).map_err(NatsError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn credential_port_and_share_are_kept_and_private() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        let password = folder.password().unwrap();
        assert_eq!(password.len(), 64);
        assert_eq!(folder.password().unwrap(), password);
        assert_eq!(folder.port().unwrap(), folder.port().unwrap());
        assert_eq!(folder.store_bytes(None).unwrap(), folder.store_bytes(None).unwrap());
        assert_eq!(folder.store_bytes(Some(7)).unwrap(), 7);
        for entry in fs::read_dir(temp.path().join("nats")).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_port_that_somebody_else_took_is_given_up() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        let first = folder.port().unwrap();
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let second = folder.port().unwrap();
        assert_ne!(first, second);
        assert_eq!(folder.port().unwrap(), second);
    }
}
