//! Large bodies, kept beside the streams, each under a name of its own.
//!
//! A name is never used twice, so that nothing which is written can remove what somebody is reading. What points to a body
//! carries its name and its SHA-256.

use std::io::ErrorKind;
use std::time::Duration;

use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectMetadata, ObjectStore};
use bytes::Bytes;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::log::LogError;
use crate::streams::StreamName;

/// Bodies above this many bytes do not travel in a message: two of them must fit in the server's largest one.
pub(crate) const INLINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest body that is kept at all, in bytes: above every provider's limit (mail: 60 MB).
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A read that has got nothing for this long has stalled: the server is away, or chunks are missing.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Lower-case hex of a body's SHA-256.
pub(crate) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A name for a body that nothing else will ever have.
pub(crate) fn unique_name(sha256: &str) -> String {
    format!("{sha256}-{:032x}", rand::random::<u128>())
}

/// Stores a body under a name from [`unique_name`].
pub(crate) async fn put(connection: &Connection, bucket: StreamName, name: &str, body: &Bytes) -> Result<(), LogError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(LogError::TooLarge { size: body.len(), limit: BODY_BYTES_MAX });
    }
    put_object(connection, bucket, name.into(), body).await
}

/// Stores a body of any size as it is described.
pub(crate) async fn put_object(
    connection: &Connection,
    bucket: StreamName,
    meta: ObjectMetadata,
    body: &Bytes,
) -> Result<(), LogError> {
    let store = open(connection, bucket).await?;
    let mut reader = body.as_ref();
    match store.put(meta, &mut reader).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": ");
            Err(if text.contains("maximum bytes") { LogError::Full } else { LogError::Unavailable(text) })
        }
    }
}

/// How many bytes an object has, if it is there.
pub(crate) async fn size(connection: &Connection, bucket: StreamName, name: &str) -> Result<Option<u64>, LogError> {
    let store = open(connection, bucket).await?;
    match store.info(name).await {
        Ok(info) if info.deleted => Ok(None),
        Ok(info) => Ok(Some(u64::try_from(info.size).unwrap_or(u64::MAX))),
        Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::Unavailable(error.to_string())),
    }
}

/// Reads a body back and checks it; `None` if it, or a part of it, is not there (any more). `sequence` is of the item that
/// points to it.
pub(crate) async fn get(
    connection: &Connection,
    bucket: StreamName,
    name: &str,
    sha256: &str,
    sequence: u64,
) -> Result<Option<Bytes>, LogError> {
    get_within(connection, bucket, name, BODY_BYTES_MAX).await.and_then(|read| match read {
        Read::Whole(body) if digest(&body) == sha256 => Ok(Some(body)),
        Read::Whole(_) | Read::Damaged => {
            Err(LogError::Undecodable { sequence, reason: "a large body does not match its digest".to_owned() })
        }
        Read::Missing => Ok(None),
    })
}

/// What reading came to.
pub(crate) enum Read {
    Whole(Bytes),
    /// It, or a part of it, is not there (any more).
    Missing,
    /// It is longer than it may be, or its parts do not fit together.
    Damaged,
}

/// Reads a body of at most `limit` bytes back.
pub(crate) async fn get_within(
    connection: &Connection,
    bucket: StreamName,
    name: &str,
    limit: usize,
) -> Result<Read, LogError> {
    let store = open(connection, bucket).await?;
    let mut object = match timeout(STALLED_AFTER, store.get(name)).await {
        Ok(Ok(object)) => object,
        Ok(Err(error)) if error.kind() == GetErrorKind::NotFound => return Ok(Read::Missing),
        Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
        Err(_elapsed) => return Err(stalled()),
    };
    let (nuid, chunks) = (object.info().nuid.clone(), object.info().chunks);
    let mut body = Vec::with_capacity(object.info().size.min(limit));
    loop {
        match timeout(STALLED_AFTER, object.read_buf(&mut body)).await {
            Ok(Ok(0)) => return Ok(Read::Whole(Bytes::from(body))),
            Ok(Ok(_)) if body.len() > limit => return Ok(Read::Damaged),
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => return Ok(Read::Damaged),
            Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
            // Waiting for chunks that are gone would never end.
            Err(_elapsed) if chunks_are_missing(connection, bucket, (&nuid, chunks)).await? => {
                return Ok(Read::Missing);
            }
            Err(_elapsed) => return Err(stalled()),
        }
    }
}

pub(crate) fn stalled() -> LogError {
    LogError::Unavailable("a large body did not arrive in time".to_owned())
}

async fn chunks_are_missing(
    connection: &Connection,
    bucket: StreamName,
    (nuid, wanted): (&str, usize),
) -> Result<bool, LogError> {
    let unavailable = |error: String| LogError::Unavailable(error);
    let chunks = format!("$O.{}.C.{nuid}", bucket.bucket().unwrap_or_default());
    let count = async {
        let context = &connection.shared.context;
        let stream =
            context.get_stream_no_info(bucket.as_str()).await.map_err(|error| unavailable(error.to_string()))?;
        let mut subjects = stream.info_with_subjects(&chunks).await.map_err(|error| unavailable(error.to_string()))?;
        let first = subjects.try_next().await.map_err(|error| unavailable(error.to_string()))?;
        Ok(first.map_or(0, |(_, count)| count))
    };
    let found = timeout(STALLED_AFTER, count).await.map_err(|_elapsed| stalled())??;
    Ok(found < wanted)
}

/// Removes a body; it is no error if it is gone.
pub(crate) async fn delete(connection: &Connection, bucket: StreamName, name: &str) -> Result<(), LogError> {
    let store = open(connection, bucket).await?;
    match store.info(name).await {
        Ok(_) => store.delete(name).await.map_err(|error| LogError::Unavailable(error.to_string())),
        Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(()),
        Err(error) => Err(LogError::Unavailable(error.to_string())),
    }
}

pub(crate) async fn open(connection: &Connection, bucket: StreamName) -> Result<ObjectStore, LogError> {
    let name = bucket.bucket().unwrap_or_default();
    let store = connection.shared.context.get_object_store(name).await;
    store.map_err(|error| LogError::Unavailable(error.to_string()))
}
