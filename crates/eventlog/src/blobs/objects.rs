//! Files in the object store `RELEVO_BLOBS`, under `<tenant>.<sha256>`.
//!
//! Storing an object a second time would take the parts of the first away from whoever reads it. So a file that is there is not
//! written again, one process writes a file once at a time, and a reader who finds a part missing looks again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::object_store::{GetErrorKind, Object, ObjectMetadata};
use bytes::Bytes;
use futures::TryStreamExt as _;
use relevo_domain::TenantId;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{BLOB_BYTES_MAX, Head, Space};
use crate::connection::Connection;
use crate::log::LogError;
use crate::object::{self, Read, STALLED_AFTER, stalled};
use crate::streams::StreamName;

/// Bytes of one part of an object: a large file is a hundred messages, each well within the server's largest.
const CHUNK_BYTES: usize = 1024 * 1024;
/// What is read at a time on the way to a part of a file, in bytes.
const SKIPPED_BYTES: usize = 256 * 1024;
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
        let needed = bytes.saturating_add(bytes / OVERHEAD_SHARE).saturating_add(OVERHEAD_BYTES);
        if needed > self.space().await?.free_bytes { Err(LogError::Full) } else { Ok(()) }
    }

    pub(super) async fn space(&self) -> Result<Space, LogError> {
        let stream = self.connection.shared.context.get_stream(StreamName::Files.as_str()).await;
        let stream = stream.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let info = stream.cached_info();
        // Without a limit the number is negative.
        let budget_bytes = u64::try_from(info.config.max_bytes).unwrap_or(u64::MAX);
        Ok(Space { budget_bytes, free_bytes: budget_bytes.saturating_sub(info.state.bytes) })
    }

    pub(super) async fn usage(&self) -> Result<BTreeMap<TenantId, u64>, LogError> {
        let unavailable = |reason: String| LogError::Unavailable(reason);
        let store = object::open(&self.connection, StreamName::Files).await?;
        let mut listed = store.list().await.map_err(|error| unavailable(error.to_string()))?;
        let mut usage = BTreeMap::new();
        loop {
            let next = timeout(STALLED_AFTER, listed.try_next()).await.map_err(|_elapsed| stalled())?;
            let Some(info) = next.map_err(|error| unavailable(error.to_string()))? else { return Ok(usage) };
            let tenant = info.name.split_once('.').and_then(|(tenant, _)| TenantId::new(tenant).ok());
            if let Some(tenant) = tenant.filter(|_| !info.deleted) {
                *usage.entry(tenant).or_insert(0) += u64::try_from(info.size).unwrap_or(u64::MAX);
            }
        }
    }

    pub(super) async fn part(
        &self,
        tenant: &TenantId,
        sha256: &str,
        start: u64,
        length: usize,
    ) -> Result<Option<Bytes>, LogError> {
        let Some(mut object) = self.open(tenant, sha256).await? else { return Ok(None) };
        let mut buffer = vec![0; SKIPPED_BYTES];
        let mut before = start;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let count = match timeout(STALLED_AFTER, object.read(&mut buffer)).await {
                Ok(Ok(0)) => return Ok(None),
                Ok(Ok(count)) => count,
                Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
                Err(_elapsed) => return Err(stalled()),
            };
            let skipped = usize::try_from(before).unwrap_or(usize::MAX).min(count);
            before -= skipped as u64;
            let wanted = (length - bytes.len()).min(count - skipped);
            bytes.extend_from_slice(&buffer[skipped..skipped + wanted]);
        }
        Ok(Some(Bytes::from(bytes)))
    }

    async fn open(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Object>, LogError> {
        let store = object::open(&self.connection, StreamName::Files).await?;
        match timeout(STALLED_AFTER, store.get(name(tenant, sha256))).await {
            Ok(Ok(object)) => Ok(Some(object)),
            Ok(Err(error)) if error.kind() == GetErrorKind::NotFound => Ok(None),
            Ok(Err(error)) => Err(LogError::Unavailable(error.to_string())),
            Err(_elapsed) => Err(stalled()),
        }
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
        let Some(object) = self.open(tenant, sha256).await? else { return Ok(None) };
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
