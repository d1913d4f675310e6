//! What can go wrong, by who asks: the binary that starts the runtime, a reader, or an operator at maintenance.

use std::path::PathBuf;

use relevo_domain::{ErrorCode, Position};
use relevo_eventlog::LogError;
use relevo_readstore::{OpenError, StoreError};

use crate::checkpoint::Divergence;

/// Why the runtime could not start at all. A broken view is not a reason: it says so itself and the others run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("two projectors are called `{name}`")]
    DuplicateName { name: &'static str },
    #[error("projector name `{name}` cannot name a folder: it must match [a-z0-9][a-z0-9-]{{0,31}}")]
    Name { name: &'static str },
    #[error("folder of the views `{path}` cannot be used ({reason}); the log is not affected")]
    Folder { path: PathBuf, reason: String },
}

/// Why a view cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    #[error("view `{view}` is starting; nothing is lost; try again")]
    Starting { view: &'static str },
    #[error("view `{view}` belongs to another history than the log; nothing was changed; rebuild it")]
    Diverged { view: &'static str, divergence: Divergence },
    #[error("view `{view}` has stopped; the log is not affected; see the operator's log, then rebuild it")]
    Stopped { view: &'static str, error: String },
    #[error("view `{view}` cannot be read; the log is not affected")]
    Store { view: &'static str, source: StoreError },
}

impl ViewError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Starting { .. } => ErrorCode::StaleRead,
            Self::Diverged { .. } => ErrorCode::LogDiverged,
            Self::Stopped { .. } | Self::Store { .. } => ErrorCode::Internal,
        }
    }
}

/// A view has not reached a position in time, or has stopped before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("view is at {applied}, wanted was {wanted}")]
pub struct StaleRead {
    pub applied: Position,
    pub wanted: Position,
}

/// Why a rebuild or a verification did not finish. The live view is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaintenanceError {
    #[error("no view is called `{0}`")]
    UnknownView(String),
    #[error("view `{0}` is being rebuilt or verified already")]
    Busy(&'static str),
    #[error("view `{0}` is still being built; wait until it has caught up")]
    NotReady(&'static str),
    #[error("view cannot be read")]
    View(#[source] ViewError),
    #[error("log cannot be read")]
    Log(#[source] LogError),
    #[error("log gave nothing for {seconds} s at {applied} of {target}")]
    Stalled { applied: Position, target: Position, seconds: u64 },
    #[error("new folder cannot be opened")]
    Open(#[source] OpenError),
    #[error("store failed")]
    Store(#[source] StoreError),
    #[error("folder `{path}` cannot be used: {reason}")]
    Folder { path: PathBuf, reason: String },
    #[error("projector failed: {0}")]
    Projector(String),
    #[error("log changed its history meanwhile: {0}")]
    Diverged(Divergence),
    #[error("Relevo is stopping")]
    Cancelled,
}

impl MaintenanceError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownView(_) => ErrorCode::ViewNotFound,
            Self::Busy(_) => ErrorCode::Contention,
            Self::NotReady(_) => ErrorCode::StaleRead,
            Self::View(error) => error.code(),
            Self::Log(_) | Self::Stalled { .. } | Self::Cancelled => ErrorCode::LogUnavailable,
            Self::Diverged(_) => ErrorCode::LogDiverged,
            Self::Open(_) | Self::Store(_) | Self::Folder { .. } | Self::Projector(_) => ErrorCode::Internal,
        }
    }
}
