//! Files of tenants (attachments, pictures, recordings), each stored once by the hash of its content.
//!
//! They stand in an object store beside the streams, with a budget of its own, or in a folder. What a file is called and of which
//! type it is stands on the log, not here. Files are never removed by what is here.

mod folder;
mod objects;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use relevo_domain::TenantId;

use crate::connection::Connection;
use crate::log::LogError;
use crate::object::digest;

use folder::Folder;
use objects::Objects;

/// The largest file that is kept, in bytes: what the largest provider takes (documents on WhatsApp: 100 MB).
pub const BLOB_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Characters of a SHA-256 in hex.
const SHA256_CHARS: usize = 64;

/// Where files are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs(Place);

#[derive(Clone, Debug)]
enum Place {
    Objects(Objects),
    Folder(Folder),
}

/// The beginning of a file, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub size_bytes: u64,
    pub bytes: Bytes,
}

/// Room for files, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it, what is used too. `u64::MAX` where there is no limit.
    pub budget_bytes: u64,
    /// What is left of it.
    pub free_bytes: u64,
}

impl Blobs {
    pub(crate) fn objects(connection: Connection) -> Self {
        Self(Place::Objects(Objects::new(connection)))
    }

    /// Files in a folder, which is made when the first one is stored. Several nodes may share it.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self(Place::Folder(Folder::new(path.into())))
    }

    /// Stores a file and answers with its SHA-256 in lower-case hex, once it would survive a power cut. A file that is there
    /// already is not written again.
    ///
    /// Errors: `TooLarge` above [`BLOB_BYTES_MAX`], `Full` when there is no room for it, `Unavailable` otherwise.
    pub async fn put(&self, tenant: &TenantId, bytes: Bytes) -> Result<String, LogError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(LogError::TooLarge { size: bytes.len(), limit: BLOB_BYTES_MAX });
        }
        let hashed = bytes.clone();
        let sha256 = blocking(move || Ok(digest(&hashed))).await?;
        match &self.0 {
            Place::Objects(objects) => objects.put(tenant, &sha256, bytes).await?,
            Place::Folder(folder) => folder.put(tenant, &sha256, bytes).await?,
        }
        Ok(sha256)
    }

    /// The file, or `None` if it is not there. One that does not match its hash is said in the operator's log and is as good as
    /// not there: nobody gets other bytes than were stored.
    pub async fn get(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, LogError> {
        if !is_sha256(sha256) {
            return Ok(None);
        }
        let found = match &self.0 {
            Place::Objects(objects) => objects.get(tenant, sha256).await?,
            Place::Folder(folder) => folder.get(tenant, sha256).await?,
        };
        let Some(bytes) = found else { return Ok(None) };
        let hashed = bytes.clone();
        if blocking(move || Ok(digest(&hashed))).await? == sha256 {
            return Ok(Some(bytes));
        }
        tracing::error!(%tenant, sha256, "stored file does not match its hash");
        Ok(None)
    }

    pub async fn exists(&self, tenant: &TenantId, sha256: &str) -> Result<bool, LogError> {
        Ok(self.size(tenant, sha256).await?.is_some())
    }

    /// How many bytes a file has, if it is there.
    pub async fn size(&self, tenant: &TenantId, sha256: &str) -> Result<Option<u64>, LogError> {
        if !is_sha256(sha256) {
            return Ok(None);
        }
        match &self.0 {
            Place::Objects(objects) => objects.size(tenant, sha256).await,
            Place::Folder(folder) => folder.size(tenant, sha256).await,
        }
    }

    /// So many bytes of a file from a place on, unchecked; `None` if it is not there or ends before. In the object store everything
    /// before the place is read too, and dropped.
    pub async fn part(
        &self,
        tenant: &TenantId,
        sha256: &str,
        start: u64,
        length: usize,
    ) -> Result<Option<Bytes>, LogError> {
        if !is_sha256(sha256) {
            return Ok(None);
        }
        match &self.0 {
            Place::Objects(objects) => objects.part(tenant, sha256, start, length).await,
            Place::Folder(folder) => folder.part(tenant, sha256, start, length).await,
        }
    }

    /// How much room there is for all files of all tenants.
    pub async fn space(&self) -> Result<Space, LogError> {
        match &self.0 {
            Place::Objects(objects) => objects.space().await,
            Place::Folder(folder) => folder.space().await,
        }
    }

    /// How many bytes the files of each tenant have that has any. Looks at every file there is: not for every request.
    pub async fn usage(&self) -> Result<BTreeMap<TenantId, u64>, LogError> {
        match &self.0 {
            Place::Objects(objects) => objects.usage().await,
            Place::Folder(folder) => folder.usage().await,
        }
    }

    /// The first `limit` bytes of a file, unchecked: enough to tell its type.
    pub async fn head(&self, tenant: &TenantId, sha256: &str, limit: usize) -> Result<Option<Head>, LogError> {
        if !is_sha256(sha256) {
            return Ok(None);
        }
        match &self.0 {
            Place::Objects(objects) => objects.head(tenant, sha256, limit).await,
            Place::Folder(folder) => folder.head(tenant, sha256, limit).await,
        }
    }
}

/// Whether a text can be a hash: it becomes a part of paths and names.
fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_CHARS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Runs what would hold up other tasks on a thread of its own.
async fn blocking<A: Send + 'static>(
    work: impl FnOnce() -> Result<A, LogError> + Send + 'static,
) -> Result<A, LogError> {
    let stopped = |_| Err(LogError::Unavailable("the process is stopping".to_owned()));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(stopped)
}
