//! One connection to the log's server: how to reach it, and the handles that share it.
//!
//! Reconnects by itself, for ever. Handles are cheap to clone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::added_channels::AddedChannels;
use crate::alone;
use crate::blobs::Blobs;
use crate::budget::Budgets;
use crate::gather::Gate;
use crate::intake::IntakeLog;
use crate::intake::lanes::Lanes;
use crate::jetstream::JetStreamLog;
use crate::log::LogError;
use crate::mail_positions::MailPositions;
use crate::metrics::MetricsLog;
use crate::parked::ParkedLog;
use crate::request::Backoff;
use crate::streams::{self, Usage};

/// The oldest server that may hold the log: atomic batches came with 2.12.
pub const SERVER_VERSION_MIN: (i64, i64, i64) = (2, 12, 0);
/// What the server must accept in one message, in bytes: raw input up to 4 MiB, and a parked copy of it with its reasons.
pub const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;
/// How long one JetStream request may take: longer than any fsync that is worth waiting for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one TCP connect with its handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a silent connection is probed; a dead one is noticed after two.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to reconnect: a restarted server should be found within a moment.
const RECONNECT_DELAY_MAX: Duration = Duration::from_millis(500);

/// How a client proves who it is.
#[derive(Clone)]
pub enum Credentials {
    Password {
        user: String,
        password: String,
    },
    Token(String),
    /// Text of a `.creds` file.
    Jwt(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// How to reach the log, and what its streams must be.
#[derive(Clone, Debug)]
pub struct Options {
    /// For example `nats://127.0.0.1:4222`; several servers of one cluster are separated by commas.
    pub url: String,
    pub credentials: Option<Credentials>,
    /// How this client is called on the server.
    pub client_name: String,
    /// Bytes that the log may use on the server's disk; divided by [`Budgets::of`].
    pub store_bytes: u64,
    /// Copies of each stream: 1 on one machine, 3 in a cluster.
    pub replicas: usize,
    /// How long raw input is kept.
    pub intake_age: Duration,
    /// How long metric facts are kept.
    pub metrics_age: Duration,
    /// How long a start waits for the server to answer.
    pub connect_deadline: Duration,
    /// How long an append tries before it answers that the outcome is unknown.
    pub append_deadline: Duration,
}

impl Options {
    /// One machine, a store of 16 GiB, raw input kept for 30 days and metrics for 90.
    pub fn new(url: impl Into<String>) -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            url: url.into(),
            credentials: None,
            client_name: "relevo".to_owned(),
            store_bytes: 16 * 1024 * 1024 * 1024,
            replicas: 1,
            intake_age: DAY * 30,
            metrics_age: DAY * 90,
            connect_deadline: Duration::from_secs(10),
            append_deadline: Duration::from_secs(5),
        }
    }
}

/// A connection whose streams were created or verified.
#[derive(Clone)]
pub struct Connection {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) context: Context,
    pub(crate) options: Options,
    /// Counts the connects: a reader whose number is old starts over instead of waiting for a heartbeat.
    pub(crate) epoch: watch::Receiver<u64>,
    /// What is sent together: commits, and raw input.
    pub(crate) gate: Gate,
    pub(crate) lanes: Lanes,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("url", &self.shared.options.url).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects, checks the server, and creates or verifies the streams.
    pub async fn connect(options: Options) -> Result<Self, LogError> {
        let budgets = Budgets::of(options.store_bytes).map_err(|too_small| LogError::Refused(too_small.to_string()))?;
        let deadline = Instant::now() + options.connect_deadline;
        let (epoch_tx, epoch) = watch::channel(0);
        let epoch_tx = Arc::new(epoch_tx);
        let mut backoff = Backoff::new();
        let client = loop {
            match dial(&options, Arc::clone(&epoch_tx)).await {
                Ok(client) => break client,
                Err(refused @ LogError::Refused(_)) => return Err(refused),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) => tracing::debug!(%error, "log not reachable yet"),
            }
            backoff.pause().await;
        };
        check_server(&client)?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(REQUEST_TIMEOUT);
        streams::ensure(&context, &options, &budgets, deadline).await?;
        let (gate, lanes) = (Gate::new(), Lanes::new());
        let connection = Self { shared: Arc::new(Shared { client, context, options, epoch, gate, lanes }) };
        alone::watch(&connection);
        Ok(connection)
    }

    pub fn events(&self) -> JetStreamLog {
        JetStreamLog::new(self.clone())
    }

    pub fn intake(&self) -> IntakeLog {
        IntakeLog::new(self.clone())
    }

    pub fn parked(&self) -> ParkedLog {
        ParkedLog::new(self.clone())
    }

    pub fn metrics(&self) -> MetricsLog {
        MetricsLog::new(self.clone())
    }

    /// Files by hash, in the object store beside the streams.
    pub fn blobs(&self) -> Blobs {
        Blobs::objects(self.clone())
    }

    pub fn mail_positions(&self) -> MailPositions {
        MailPositions::new(self.clone())
    }

    pub fn added_channels(&self) -> AddedChannels {
        AddedChannels::new(self.clone())
    }

    /// How full each stream is.
    pub async fn usage(&self) -> Result<Usage, LogError> {
        streams::usage(&self.shared.context).await
    }

    /// Whether the server is reachable at this moment, as far as the client knows.
    pub fn connected(&self) -> bool {
        self.shared.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Sends what is still buffered and closes the connection; every handle of it is dead afterwards.
    pub async fn close(&self) -> Result<(), LogError> {
        self.shared.client.drain().await.map_err(|error| LogError::Unavailable(error.to_string()))
    }
}

async fn dial(options: &Options, epoch: Arc<watch::Sender<u64>>) -> Result<Client, LogError> {
    let mut connect = ConnectOptions::new()
        .name(&options.client_name)
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .reconnect_delay_callback(|attempt| {
            let exponent = u32::try_from(attempt.min(6)).unwrap_or(6);
            (Duration::from_millis(10) * 2u32.pow(exponent)).min(RECONNECT_DELAY_MAX)
        })
        .event_callback(move |event| {
            match event {
                Event::Connected => epoch.send_modify(|epoch| *epoch += 1),
                Event::SlowConsumer(_) => tracing::warn!("log reader is too slow; messages are read again"),
                Event::Disconnected
                | Event::LameDuckMode
                | Event::Draining
                | Event::Closed
                | Event::ServerError(_)
                | Event::ClientError(_) => tracing::debug!(%event, "log connection changed"),
            }
            std::future::ready(())
        });
    connect = match options.credentials.clone() {
        None => connect,
        Some(Credentials::Password { user, password }) => connect.user_and_password(user, password),
        Some(Credentials::Token(token)) => connect.token(token),
        Some(Credentials::Jwt(text)) => connect
            .credentials(&text)
            .map_err(|_malformed| LogError::Refused("the credentials file is malformed".to_owned()))?,
    };
    let servers: Vec<&str> = options.url.split(',').map(str::trim).collect();
    connect.connect(servers).await.map_err(|error| match error.kind() {
        async_nats::ConnectErrorKind::Authentication | async_nats::ConnectErrorKind::AuthorizationViolation => {
            LogError::Refused("the server does not accept the credentials".to_owned())
        }
        async_nats::ConnectErrorKind::ServerParse => LogError::Refused("the server's URL is malformed".to_owned()),
        _ => LogError::Unavailable(error.to_string()),
    })
}

fn check_server(client: &Client) -> Result<(), LogError> {
    let info = client.server_info();
    let (major, minor, patch) = SERVER_VERSION_MIN;
    if !client.is_server_compatible(major, minor, patch) {
        return Err(LogError::Refused(format!(
            "nats-server {} is too old; Relevo needs {major}.{minor} or later",
            info.version
        )));
    }
    if !info.jetstream {
        return Err(LogError::Refused("the server has JetStream turned off".to_owned()));
    }
    if info.max_payload < MAX_PAYLOAD_BYTES {
        return Err(LogError::Refused(format!(
            "the server's max_payload is {} bytes; Relevo needs {MAX_PAYLOAD_BYTES}",
            info.max_payload
        )));
    }
    Ok(())
}
