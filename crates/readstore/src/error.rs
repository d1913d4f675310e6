//! What can go wrong with a store, and what it means: the log is never affected.

use std::path::PathBuf;

/// Why a folder could not be opened as a store. Nothing is lost in any case: the log holds every fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error(
        "store `{path}` is already open, here or in another process; nothing was changed; stop the other one first"
    )]
    InUse { path: PathBuf },
    #[error(
        "store `{path}` is damaged ({reason}); the log is not affected and nothing recorded is lost; delete this folder and \
         start again: it is rebuilt from the log"
    )]
    Corrupted { path: PathBuf, reason: String },
    #[error(
        "store `{path}` cannot be opened ({reason}); the log is not affected; check the disk and the folder's permissions"
    )]
    Unusable { path: PathBuf, reason: String },
}

/// Why an open store did not do what it was asked. The log is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("store is damaged ({0}); the log is not affected; delete its folder: it is rebuilt from the log")]
    Corrupted(String),
    #[error("store failed ({0}); the log is not affected; check the disk")]
    Failed(String),
}

impl StoreError {
    pub(crate) fn from_rocksdb(error: rocksdb::Error) -> Self {
        match error.kind() {
            rocksdb::ErrorKind::Corruption => Self::Corrupted(error.into_string()),
            _ => Self::Failed(error.into_string()),
        }
    }
}

impl OpenError {
    /// `existed` says whether the folder had been a store before: a missing file means damage only then.
    pub(crate) fn from_rocksdb(path: PathBuf, existed: bool, error: rocksdb::Error) -> Self {
        let kind = error.kind();
        let reason = error.into_string();
        // RocksDB has no error kind of its own for a held lock; both of its messages name the lock file or the lock.
        let locked =
            kind == rocksdb::ErrorKind::IOError && (reason.contains("lock file") || reason.contains("lock hold"));
        let missing = existed && reason.contains("No such file");
        match kind {
            rocksdb::ErrorKind::Corruption | rocksdb::ErrorKind::InvalidArgument => Self::Corrupted { path, reason },
            _ if locked => Self::InUse { path },
            _ if missing => Self::Corrupted { path, reason },
            _ => Self::Unusable { path, reason },
        }
    }

    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::InUse { path } | Self::Corrupted { path, .. } | Self::Unusable { path, .. } => path,
        }
    }
}
