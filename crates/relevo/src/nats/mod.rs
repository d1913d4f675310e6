//! The nats-server that `relevo serve` starts and supervises when the configuration names no other.
//!
//! JetStream does not lock its store, and two servers on one store lose commits that both acknowledged. So the data folder is
//! locked first ([`lock`]), the lock is inherited by the server, and a server that a killed broker left behind is ended before
//! another one starts ([`leftover`]).

pub(crate) mod binary;
pub(crate) mod child;
pub(crate) mod leftover;
pub(crate) mod lock;
pub(crate) mod private;
pub(crate) mod server_config;
pub(crate) mod supervisor;

use std::path::PathBuf;

pub(crate) use supervisor::{Options, Supervisor};

/// Why there is no nats-server to work with. Each is said to a person with what to do (`serve-nats-…` in the catalogue).
#[derive(Debug, thiserror::Error)]
pub(crate) enum NatsError {
    #[error("no nats-server binary was found")]
    NoBinary,
    #[error("{path} is version {found}; at least {wanted} is needed")]
    TooOld { path: PathBuf, found: String, wanted: String },
    #[error("{path} cannot be run: {reason}")]
    NotRunnable { path: PathBuf, reason: String },
    #[error("data folder {path} is in use by process {pid}")]
    InUse { path: PathBuf, pid: String },
    #[error("{path}: {reason}")]
    Io { path: PathBuf, reason: String },
    #[error("nats-server did not start: {reason}")]
    NotStarted { reason: String },
}

impl NatsError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, reason: error.to_string() }
    }

    /// The key of the text for people and its arguments.
    pub(crate) fn text(&self) -> (&'static str, Vec<(&'static str, String)>) {
        match self {
            Self::NoBinary => ("serve-nats-no-binary", vec![("wanted", binary::MINIMUM.to_string())]),
            Self::TooOld { path, found, wanted } => (
                "serve-nats-too-old",
                vec![("path", path.display().to_string()), ("found", found.clone()), ("wanted", wanted.clone())],
            ),
            Self::NotRunnable { path, reason } => {
                ("serve-nats-not-runnable", vec![("path", path.display().to_string()), ("reason", reason.clone())])
            }
            Self::InUse { path, pid } => {
                ("serve-data-in-use", vec![("path", path.display().to_string()), ("pid", pid.clone())])
            }
            Self::Io { path, reason } => {
                ("serve-io", vec![("path", path.display().to_string()), ("reason", reason.clone())])
            }
            Self::NotStarted { reason } => ("serve-nats-not-started", vec![("reason", reason.clone())]),
        }
    }
}
