//! Files in the object store `RELEVO_BLOBS`, under `<tenant>.<sha256>`.
//!
//! Storing an object a second time would take the parts of the first away from whoever reads it. So a file that is there is not
//! written again, one process writes a file once at a time, and a reader who finds a part missing looks again.

use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::object_store::{GetErrorKind, ObjectMetadata};
use bytes::Bytes;
use relevo_domain::TenantId;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{BLOB_BYTES_MAX, Head};
use crate::connection::Connection;
use crate::log::LogError;
use crate::object::{self, Read, STALLED_AFTER, stalled};
use crate::streams::StreamName;

/// Bytes of one part of an object: a large file is a hundred messages, each well within the server's largest.
const CHUNK_BYTES: usize = 1024 * 1024;
/// How often a file is looked for whose parts are missing: another node was storing it at the same time.
const GET_ATTEMPTS_MAX: usize = 2;
/// Locks against storing one file twice at a time; files share them.
const LOCKS: usize = 16;
/// What the server needs beside the bytes of a file (subjects, headers, the object's own entry): one part in 64 and a bit.
const OVERHEAD_SHARE: u64 = 64;
const OVERHEAD_BYTES: u64 = 4096;

#[derive(Clone)]
pub(super) struct Objects {
    connection: Connection,
    storing: Arc<[Mutex<()>; LOCKS]>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects")
    }
}

impl Objects {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, storing: Arc::new(std::array::from_fn(|_| Mutex::new(()))) }
    }

    pub(super) async fn put(&self, tenant: &TenantId, sha256: &str, bytes: Bytes) -> Result<(), LogError> {
        let name = name(tenant, sha256);
        let lock = sha256.bytes().map(usize::from).sum::<usize>() % LOCKS;
        let _storing = self.storing[lock].lock().await;
        if object::size(&self.connection, StreamName::Files, &name).await?.is_some() {
            return Ok(());
        }
        self.room_for(bytes.len() as u64).await?;
        let meta = ObjectMetadata { name, chunk_size: Some(CHUNK_BYTES), ..ObjectMetadata::default() };
        object::put_object(&self.connection, StreamName::Files, meta, &bytes).await
    }

    /// Refuses a file before its first part: parts of one that did not fit would stay, and fill the store.
    async fn room_for(&self, bytes: u64) -> Result<(), LogError> {
        let stream = self.connection.shared.context.get_stream(StreamName::Files.as_str()).await;
        let stream = stream.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let info = stream.cached_info();
        let Ok(limit) = u64::try_from(info.config.max_bytes) else { return Ok(()) };
        let needed = bytes.saturating_add(bytes / OVERHEAD_SHARE).saturating_add(OVERHEAD_BYTES);
        if info.state.bytes.saturating_add(needed) > limit { Err(LogError::Full) } else { Ok(()) }
    }

    pub(super) async fn get(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, LogError> {
        let name = name(tenant, sha256);
        for _ in 0..GET_ATTEMPTS_MAX {
            match object::get_within(&self.connection, StreamName::Files, &name, BLOB_BYTES_MAX).await? {
                Read::Whole(bytes) => return Ok(Some(bytes)),
                Read::Missing if object::size(&self.connection, StreamName::Files, &name).await?.is_none() => {
                    return Ok(None);
                }
                Read::Missing | Read::Damaged => {}
            }
        }
        tracing::error!(%tenant, sha256, "stored file lacks parts");
        Ok(None)
    }

    pub(super) async fn size(&self, tenant: &TenantId, sha256: &str) -> Result<Option<u64>, LogError> {
        object::size(&self.connection, StreamName::Files, &name(tenant, sha256)).await
    }

    pub(super) async fn head(&self, tenant: &TenantId, sha256: &str, limit: usize) -> Result<Option<Head>, LogError> {
        let store = object::open(&self.connection, StreamName::Files).await?;
        let object = match timeout(STALLED_AFTER, store.get(name(tenant, sha256))).await {
            Ok(Ok(object)) => object,
            Ok(Err(error)) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
            Err(_elapsed) => return Err(stalled()),
        };
        let size_bytes = u64::try_from(object.info().size).unwrap_or(u64::MAX);
        let mut bytes = Vec::with_capacity(limit.min(object.info().size));
        let mut beginning = object.take(u64::try_from(limit).unwrap_or(u64::MAX));
        match timeout(STALLED_AFTER, beginning.read_to_end(&mut bytes)).await {
            Ok(Ok(_)) => Ok(Some(Head { size_bytes, bytes: Bytes::from(bytes) })),
            Ok(Err(error)) => Err(LogError::Unavailable(error.to_string())),
            Err(_elapsed) => Err(stalled()),
        }
    }
}

fn name(tenant: &TenantId, sha256: &str) -> String {
    format!("{tenant}.{sha256}")
}
