//! Large bodies, kept beside the streams, each under a name of its own.
//!
//! A name is never used twice, so that nothing which is written can remove what somebody is reading. What points to a body
//! carries its name and its SHA-256.

use std::io::ErrorKind;
use std::time::Duration;

use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectStore};
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
const STALLED_AFTER: Duration = Duration::from_secs(5);

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
    let store = open(connection, bucket).await?;
    let mut reader = body.as_ref();
    match store.put(name, &mut reader).await {
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

/// Reads a body back and checks it; `None` if it, or a part of it, is not there (any more). `sequence` is of the item that
/// points to it.
pub(crate) async fn get(
    connection: &Connection,
    bucket: StreamName,
    name: &str,
    sha256: &str,
    sequence: u64,
) -> Result<Option<Bytes>, LogError> {
    let store = open(connection, bucket).await?;
    let mut object = match timeout(STALLED_AFTER, store.get(name)).await {
        Ok(Ok(object)) => object,
        Ok(Err(error)) if error.kind() == GetErrorKind::NotFound => return Ok(None),
        Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
        Err(_elapsed) => return Err(stalled()),
    };
    let damaged = || LogError::Undecodable { sequence, reason: "a large body does not match its digest".to_owned() };
    let (nuid, chunks) = (object.info().nuid.clone(), object.info().chunks);
    let mut body = Vec::with_capacity(object.info().size.min(BODY_BYTES_MAX));
    loop {
        match timeout(STALLED_AFTER, object.read_buf(&mut body)).await {
            Ok(Ok(0)) if digest(&body) == sha256 => return Ok(Some(Bytes::from(body))),
            Ok(Ok(0)) => return Err(damaged()),
            Ok(Ok(_)) if body.len() > BODY_BYTES_MAX => return Err(damaged()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => return Err(damaged()),
            Ok(Err(error)) => return Err(LogError::Unavailable(error.to_string())),
            // Waiting for chunks that are gone would never end.
            Err(_elapsed) if chunks_are_missing(connection, bucket, (&nuid, chunks)).await? => return Ok(None),
            Err(_elapsed) => return Err(stalled()),
        }
    }
}

fn stalled() -> LogError {
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

async fn open(connection: &Connection, bucket: StreamName) -> Result<ObjectStore, LogError> {
    let name = bucket.bucket().unwrap_or_default();
    let store = connection.shared.context.get_object_store(name).await;
    store.map_err(|error| LogError::Unavailable(error.to_string()))
}
