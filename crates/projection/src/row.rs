//! Rows as protobuf messages: what every view's writer and reader do with stored bytes.
//!
//! A row that cannot be read is told by its table, never by its content: rows hold personal data. A writer's bad row parks the
//! entity, a reader's is an error of the read.

use prost::Message;
use relevo_readstore::{KeyError, StoreError};

use crate::projector::{ApplyError, Rows};
use crate::source::RowSource;

/// Why a view's rows could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("view cannot be read")]
    Store(#[from] StoreError),
    /// A row is not what this version writes. Names the table or the field, never the content.
    #[error("view holds a row that cannot be read: {0}")]
    BadRow(String),
}

/// Stored bytes are not a row of their table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRow(pub String);

/// A stored value as its row.
pub fn decode<T: Message + Default>(table: &str, bytes: &[u8]) -> Result<T, BadRow> {
    T::decode(bytes).map_err(|error| BadRow(format!("{table}: {error}")))
}

// === for writers ===

/// The row at a key while commits are applied.
pub fn load<T: Message + Default>(rows: &dyn Rows, table: &str, key: &[u8]) -> Result<Option<T>, ApplyError> {
    let mut row = None;
    rows.look(key, &mut |bytes| row = Some(decode(table, bytes)))?;
    Ok(row.transpose()?)
}

/// Puts a row.
pub fn store(rows: &mut dyn Rows, key: Vec<u8>, row: &impl Message) {
    rows.put(key, row.encode_to_vec());
}

// === for readers ===

/// The row at a key of a view or of folded rows.
pub fn read<T: Message + Default>(
    source: &(impl RowSource + ?Sized),
    table: &str,
    key: &[u8],
) -> Result<Option<T>, ReadError> {
    Ok(source.get(key)?.map(|bytes| decode(table, &bytes)).transpose()?)
}

/// The error for a field of a row that holds what no writer writes.
pub fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}

// === errors ===

impl From<BadRow> for ApplyError {
    fn from(bad: BadRow) -> Self {
        Self::BadRow(bad.0)
    }
}

impl From<BadRow> for ReadError {
    fn from(bad: BadRow) -> Self {
        Self::BadRow(bad.0)
    }
}

impl From<KeyError> for ReadError {
    fn from(error: KeyError) -> Self {
        Self::BadRow(error.to_string())
    }
}

impl From<KeyError> for ApplyError {
    fn from(error: KeyError) -> Self {
        Self::BadRow(error.to_string())
    }
}
