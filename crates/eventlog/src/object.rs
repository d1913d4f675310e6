//! Large bodies, kept beside the streams by their SHA-256.

use std::io::ErrorKind;

use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectStore};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::connection::Connection;
use crate::log::LogError;
use crate::streams::StreamName;

/// Bodies above this many bytes do not travel in a message: two of them must fit in the server's largest one.
pub(crate) const INLINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest body that is kept at all, in bytes: above every provider's limit (mail: 60 MB).
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Lower-case hex of a body's SHA-256.
pub(crate) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Stores a body under a name that contains its digest.
pub(crate) async fn put(connection: &Connection, bucket: StreamName, name: &str, body: &Bytes) -> Result<(), LogError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(LogError::TooLarge { size: body.len(), limit: BODY_BYTES_MAX });
    }
    let store = open(connection, bucket).await?;
    // Names say what the content is. Storing it again would remove the chunks that somebody may be reading.
    if store.info(name).await.is_ok_and(|info| !info.deleted && info.size == body.len()) {
        return Ok(());
    }
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

/// Reads a body back and checks it; `None` if it is not there (any more).
pub(crate) async fn get(
    connection: &Connection,
    bucket: StreamName,
    name: &str,
    sha256: &str,
) -> Result<Option<Bytes>, LogError> {
    let store = open(connection, bucket).await?;
    let mut object = match store.get(name).await {
        Ok(object) => object,
        Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::Unavailable(error.to_string())),
    };
    let mut body = Vec::with_capacity(object.info().size.min(BODY_BYTES_MAX));
    let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let mut bounded = (&mut object).take(limit);
    let damaged = || LogError::Undecodable { sequence: 0, reason: "a large body does not match its digest".to_owned() };
    match bounded.read_to_end(&mut body).await {
        Ok(_) if digest(&body) == sha256 => Ok(Some(Bytes::from(body))),
        Ok(_) => Err(damaged()),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(damaged()),
        Err(error) => Err(LogError::Unavailable(error.to_string())),
    }
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
