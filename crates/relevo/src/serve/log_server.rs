//! The server that holds the log: our own, which is started and watched here, or somebody else's.

use std::time::Duration;

use relevo_eventlog::Credentials;
use tokio::sync::watch;

use super::ServeError;
use super::data_dir::DataDir;
use super::room::{Room, Watch};
use crate::config::{Config, External, Nats};
use crate::nats::lock::DataLock;
use crate::nats::supervisor::State;
use crate::nats::{self, Supervisor};

/// How long a start waits for a log that is still recovering its streams.
const CONNECT_MAX: Duration = Duration::from_mins(1);

/// The server that holds the log: ours, or somebody else's. Either way the data folder is locked.
pub(super) enum LogServer {
    Supervised { supervisor: Supervisor, states: watch::Receiver<State>, room: Room, _watch: Watch },
    External { _lock: DataLock },
}

impl LogServer {
    /// Finds or starts the server that holds the log, and says how to reach it.
    pub(super) async fn open(config: &Config, data: &DataDir) -> Result<(Self, relevo_eventlog::Options), ServeError> {
        match &config.nats {
            Nats::Supervised { binary, sync, store_bytes } => {
                let options = nats::Options {
                    data_dir: data.path().to_owned(),
                    places: nats::binary::Places::from_env(binary.clone()),
                    sync: *sync,
                    store_bytes: *store_bytes,
                };
                let started = tokio::task::spawn_blocking(move || Supervisor::start(options)).await;
                let (supervisor, connection) =
                    started.map_err(|error| ServeError::NotStarted { reason: error.to_string() })??;
                let states = supervisor.states();
                let mut options = relevo_eventlog::Options::new(connection.url);
                options.credentials =
                    Some(Credentials::Password { user: connection.user, password: connection.password });
                options.store_bytes = connection.store_bytes;
                options.connect_deadline = CONNECT_MAX;
                let room = Room::default();
                let watch = room.watch(data.path().join("nats"), supervisor.renewal());
                Ok((Self::Supervised { supervisor, states, room, _watch: watch }, options))
            }
            Nats::External(external) => {
                let folder = data.path().to_owned();
                let locked = tokio::task::spawn_blocking(move || DataLock::take(&folder)).await;
                let lock = locked.map_err(|error| ServeError::NotStarted { reason: error.to_string() })??;
                Ok((Self::External { _lock: lock }, external_options(external)?))
            }
        }
    }

    /// What room there is on the disk of our own server. Of somebody else's nothing is known.
    pub(super) fn room(&self) -> Room {
        match self {
            Self::Supervised { room, .. } => room.clone(),
            Self::External { .. } => Room::default(),
        }
    }

    /// Waits until our own server does not start any more. Somebody else's is somebody else's business.
    pub(super) async fn gave_up(&mut self) {
        if let Self::Supervised { states, .. } = self
            && states.wait_for(|state| *state == State::GaveUp).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Stops our own server. Somebody else's goes on.
    pub(super) async fn stop(self) {
        if let Self::Supervised { supervisor, .. } = self
            && let Err(error) = tokio::task::spawn_blocking(move || supervisor.stop()).await
        {
            tracing::error!(%error, "nats-server was not stopped in order");
        }
    }
}

/// How the server writes to disk, as its configuration says it.
pub(super) const fn sync_interval(config: &Config) -> Option<&'static str> {
    match &config.nats {
        Nats::Supervised { sync: nats::server_config::Sync::Always, .. } => Some("always"),
        Nats::Supervised { sync: nats::server_config::Sync::Os, .. } => Some("os"),
        Nats::External(_) => None,
    }
}

fn external_options(external: &External) -> Result<relevo_eventlog::Options, ServeError> {
    let mut options = relevo_eventlog::Options::new(external.url.clone());
    options.replicas = external.replicas;
    options.store_bytes = external.store_bytes;
    options.credentials = match (&external.credentials_file, &external.user, &external.token) {
        (Some(path), _, _) => Some(Credentials::Jwt(std::fs::read_to_string(path).map_err(ServeError::io(path))?)),
        (None, Some((user, password)), _) => {
            Some(Credentials::Password { user: user.clone(), password: password.clone() })
        }
        (None, None, Some(token)) => Some(Credentials::Token(token.clone())),
        (None, None, None) => None,
    };
    Ok(options)
}
