//! Why the broker cannot serve. Two texts each: one for the operator's log, one for the person at the terminal.

use std::net::SocketAddr;
use std::path::PathBuf;

use relevo_catalogue::{Arg, Language};
use relevo_command::workspace::IdKeyError;
use relevo_eventlog::LogError;
use relevo_projection::StartError;

use crate::nats::NatsError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("nats-server: {0}")]
    Nats(#[from] NatsError),
    #[error("nats-server does not start any more")]
    NatsGaveUp,
    #[error("{part} ended unexpectedly")]
    PartEnded { part: &'static str },
    #[error("log: {0}")]
    Log(#[from] LogError),
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: SocketAddr, reason: String },
    #[error("{path}: {reason}")]
    Io { path: PathBuf, reason: String },
    #[error("id key of tenant {tenant} has fingerprint {found}, the log was written with {wanted}")]
    IdKeyChanged { tenant: String, found: String, wanted: String, path: PathBuf },
    #[error("{reason}")]
    NotStarted { reason: String },
}

impl ServeError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, reason: error.to_string() }
    }

    pub(crate) fn id_key(error: IdKeyError, path: PathBuf) -> Self {
        match error {
            IdKeyError::Mismatch { tenant, ours, on_log } => {
                Self::IdKeyChanged { tenant: tenant.to_string(), found: ours, wanted: on_log, path }
            }
            IdKeyError::Unconfirmed | IdKeyError::Ledger(_) => Self::NotStarted { reason: chain(&error) },
        }
    }

    pub(crate) fn text(&self, language: Language) -> String {
        let (key, args): (&str, Vec<(&str, String)>) = match self {
            Self::Nats(error) => error.text(),
            Self::NatsGaveUp => ("serve-nats-gave-up", Vec::new()),
            Self::PartEnded { part } => ("serve-part-ended", vec![("part", (*part).to_owned())]),
            Self::Log(error) => ("serve-log-not-reachable", vec![("reason", error.to_string())]),
            Self::Listen { address, reason } => {
                ("serve-listen", vec![("address", address.to_string()), ("reason", reason.clone())])
            }
            Self::Io { path, reason } => {
                ("serve-io", vec![("path", path.display().to_string()), ("reason", reason.clone())])
            }
            Self::IdKeyChanged { tenant, found, wanted, path } => (
                "serve-id-key-changed",
                vec![
                    ("tenant", tenant.clone()),
                    ("found", found.clone()),
                    ("wanted", wanted.clone()),
                    ("path", path.display().to_string()),
                ],
            ),
            Self::NotStarted { reason } => ("serve-not-started", vec![("reason", reason.clone())]),
        };
        let args: Vec<(&str, Arg<'_>)> = args.iter().map(|(name, value)| (*name, value.into())).collect();
        relevo_catalogue::text(language, key, &args)
    }
}

impl From<StartError> for ServeError {
    fn from(error: StartError) -> Self {
        Self::NotStarted { reason: chain(&error) }
    }
}

/// An error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
