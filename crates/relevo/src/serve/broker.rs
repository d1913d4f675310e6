//! All parts of a running broker, started in order and stopped in order. No part knows another; they meet here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::registry::Registry;
use relevo_command::workspace::ensure_id_key;
use relevo_command::{DecisionProjector, IdKey, Ledger, LedgerError};
use relevo_domain::{TenantId, Timestamp};
use relevo_eventlog::{Connection, Credentials, Log};
use relevo_intake::{Handler, IntakeWorker, Parking, Routes, Tally, TallyStore};
use relevo_projection::{Projector, Runtime, Views};
use relevo_query::Directory;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data_dir::{DataDir, KeptKey};
use super::directory::directory;
use super::error::chain;
use super::readiness::Condition;
use super::{ServeError, cors, grpc, routing};
use crate::auth::Auth;
use crate::config::{Config, External, Nats};
use crate::nats::lock::DataLock;
use crate::nats::supervisor::State;
use crate::nats::{self, Supervisor};
use crate::topics::{self, Checkpoints, Publisher, Republisher};

/// The tally's folder among the views: it is a fold like them, only of the raw stream too.
const TALLY_FOLDER: &str = "intake-tally-v1";
/// The publisher's checkpoints, beside the view that they are about.
const TOPICS_FOLDER: &str = "metric-topics-v1";
/// How long a start waits for a log that is still recovering its streams.
const CONNECT_MAX: Duration = Duration::from_mins(1);
/// Failures that may wait to be looked at: the first one ends the process.
const FAILURES_MAX: usize = 4;

/// What the operators' services work on.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) connection: Connection,
    /// How the server that we run writes to disk; `None` for one that somebody else runs.
    pub(crate) sync_interval: Option<&'static str>,
    pub(crate) views: Views,
    pub(crate) parking: Parking,
    pub(crate) tally: Tally,
    pub(crate) routes: Arc<Routes>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) republisher: Republisher,
    /// Ends streams that would go on for ever.
    pub(crate) ending: CancellationToken,
}

/// A running broker.
pub(super) struct Broker {
    data: DataDir,
    http: Listener,
    grpc: Listener,
    intake: Background,
    topics: Background,
    views: Views,
    connection: Connection,
    log_server: LogServer,
    failures: mpsc::Receiver<ServeError>,
    shutdown: Duration,
}

/// Something that listens, and how to end it.
struct Listener {
    url: String,
    token: CancellationToken,
    task: JoinHandle<()>,
}

/// Tasks that end together.
struct Background {
    token: CancellationToken,
    tasks: TaskTracker,
}

/// The server that holds the log: ours, or somebody else's. Either way the data folder is locked.
enum LogServer {
    Supervised { supervisor: Supervisor, states: watch::Receiver<State> },
    External { _lock: DataLock },
}

impl Broker {
    pub(super) async fn start(config: Config) -> Result<Self, ServeError> {
        let data = DataDir::open(&config.server.data_dir)?;
        let http_listener = bind(config.server.http_addr).await?;
        let grpc_listener = bind(config.server.grpc_addr).await?;
        let (log_server, mut options) = log_server(&config, &data).await?;
        options.metrics_age = config.topics.keep;
        // Not before the folder is locked: until then the file may be a living broker's.
        data.remove_addresses();
        let connection = Connection::connect(options).await?;

        let (failed, failures) = mpsc::channel(FAILURES_MAX);
        let mut registry = Registry::default();
        let metrics = relevo_webhook::Metrics::register(&mut registry);
        let topic_series = topics::Series::register(&mut registry);
        let condition = Arc::new(Condition::new(registry, connection.clone()));
        let own_url = url(&http_listener)?;
        let endpoints = routing::endpoints(&config, &own_url);
        let inlet = Arc::new(connection.intake());
        let router =
            relevo_webhook::router(endpoints, inlet, Arc::clone(&condition) as _, metrics, config.webhook.clone());
        let auth = start_auth(&config, &data)?;
        let pages = crate::auth::router(Arc::clone(&auth)).layer(cors::http(&config.server.cors_origins));
        let http = serve_http(http_listener, router.merge(pages), failed.clone())?;

        let log: Arc<dyn Log> = Arc::new(connection.events());
        let views = start_views(&data, Arc::clone(&log)).await?;
        condition.set_views(views.clone());
        let decision = views.get(DecisionProjector::NAME).ok_or_else(|| missing(DecisionProjector::NAME))?;
        let ledger = Arc::new(Ledger::new(Arc::clone(&log), decision));
        let (intake, parking, tally) = start_intake(&config, &data, &connection, &ledger, &condition, &failed)?;
        let (topics, republisher) = start_topics(&config, &data, &connection, &log, &views, topic_series)?;

        let grpc_token = CancellationToken::new();
        let installation = Installation {
            log,
            connection: connection.clone(),
            sync_interval: sync_interval(&config),
            views: views.clone(),
            parking,
            tally,
            routes: Arc::new(routing::routes(&config)),
            directory: Arc::new(directory(&config)),
            republisher,
            ending: grpc_token.clone(),
        };
        let grpc_url = url(&grpc_listener)?;
        let server = grpc::server(&config, installation, auth, ledger, grpc_listener)?;
        let grpc = Listener { url: grpc_url, token: grpc_token, task: tokio::spawn(report("gRPC", server, failed)) };
        data.write_addresses(&http.url, &grpc.url)?;
        let shutdown = config.server.shutdown;
        Ok(Self { data, http, grpc, intake, topics, views, connection, log_server, failures, shutdown })
    }

    /// Where HTTP and gRPC listen.
    pub(super) fn addresses(&self) -> (&str, &str) {
        (&self.http.url, &self.grpc.url)
    }

    /// Waits for something that the broker cannot go on without.
    pub(super) async fn failure(&mut self) -> ServeError {
        let gave_up = gave_up(&mut self.log_server);
        tokio::select! {
            Some(error) = self.failures.recv() => error,
            () = gave_up => ServeError::NatsGaveUp,
        }
    }

    /// Stops everything in order. Each part has its time; what does not end in it is left behind and said.
    pub(super) async fn stop(self) {
        let limit = self.shutdown;
        self.data.remove_addresses();
        self.http.end("HTTP", limit).await;
        self.intake.token.cancel();
        within(limit, "intake", self.intake.tasks.wait()).await;
        self.topics.token.cancel();
        within(limit, "metric topics", self.topics.tasks.wait()).await;
        self.grpc.end("gRPC", limit).await;
        within(limit, "views", self.views.shutdown()).await;
        within(limit, "log connection", async {
            if let Err(error) = self.connection.close().await {
                tracing::warn!(%error, "log connection did not close");
            }
        })
        .await;
        if let LogServer::Supervised { supervisor, .. } = self.log_server
            && let Err(error) = tokio::task::spawn_blocking(move || supervisor.stop()).await
        {
            tracing::error!(%error, "nats-server was not stopped in order");
        }
        tracing::info!("stopped");
    }
}

impl Listener {
    async fn end(self, what: &'static str, limit: Duration) {
        self.token.cancel();
        let abort = self.task.abort_handle();
        within(limit, what, async {
            if let Err(error) = self.task.await {
                tracing::error!(%error, what, "listener ended badly");
            }
        })
        .await;
        abort.abort();
    }
}

/// Waits until our own server does not start any more. Somebody else's is somebody else's business.
async fn gave_up(log_server: &mut LogServer) {
    if let LogServer::Supervised { states, .. } = log_server
        && states.wait_for(|state| *state == State::GaveUp).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The one clock of the process.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

async fn within(limit: Duration, what: &'static str, end: impl Future<Output = ()>) {
    if timeout(limit, end).await.is_err() {
        tracing::warn!(what, limit_seconds = limit.as_secs(), "did not end in time");
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address, reason: error.to_string() })
}

fn url(listener: &TcpListener) -> Result<String, ServeError> {
    let address = listener.local_addr().map_err(ServeError::io("listener"))?;
    Ok(format!("http://{address}"))
}

/// Finds or starts the server that holds the log, and says how to reach it.
async fn log_server(config: &Config, data: &DataDir) -> Result<(LogServer, relevo_eventlog::Options), ServeError> {
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
            options.credentials = Some(Credentials::Password { user: connection.user, password: connection.password });
            options.store_bytes = connection.store_bytes;
            options.connect_deadline = CONNECT_MAX;
            Ok((LogServer::Supervised { supervisor, states }, options))
        }
        Nats::External(external) => {
            let folder = data.path().to_owned();
            let locked = tokio::task::spawn_blocking(move || DataLock::take(&folder)).await;
            let lock = locked.map_err(|error| ServeError::NotStarted { reason: error.to_string() })??;
            Ok((LogServer::External { _lock: lock }, external_options(external)?))
        }
    }
}

/// How the server writes to disk, as its configuration says it.
const fn sync_interval(config: &Config) -> Option<&'static str> {
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

/// Who may call. A node whose configuration has no keys for tokens has one of its own.
fn start_auth(config: &Config, data: &DataDir) -> Result<Arc<Auth>, ServeError> {
    let secrets =
        if config.auth.token_keys.is_empty() { vec![data.token_key()?] } else { config.auth.token_keys.clone() };
    let auth = Auth::new(config, &secrets, now);
    // Only the machine's certificate authorities can be missing.
    Ok(Arc::new(auth.map_err(|error| ServeError::NotStarted { reason: format!("certificate authorities: {error}") })?))
}

fn serve_http(
    listener: TcpListener,
    router: axum::Router,
    failed: mpsc::Sender<ServeError>,
) -> Result<Listener, ServeError> {
    let url = url(&listener)?;
    let token = CancellationToken::new();
    let serving = axum::serve(listener, router).with_graceful_shutdown(token.clone().cancelled_owned());
    let task = tokio::spawn(report("HTTP", serving.into_future(), failed));
    Ok(Listener { url, token, task })
}

/// Serves until the end; an end that nobody asked for is a failure.
async fn report<E: std::error::Error>(
    what: &'static str,
    serving: impl Future<Output = Result<(), E>>,
    failed: mpsc::Sender<ServeError>,
) {
    if let Err(error) = serving.await {
        tracing::error!(what, error = %chain(&error), "listener failed");
        // Somebody else failed first if there is no room.
        failed.try_send(ServeError::NotStarted { reason: format!("{what}: {}", chain(&error)) }).ok();
    }
}

async fn start_views(data: &DataDir, log: Arc<dyn Log>) -> Result<Views, ServeError> {
    let projectors: Vec<Arc<dyn Projector>> = vec![
        Arc::new(DecisionProjector),
        Arc::new(relevo_projector_inbox::InboxProjector),
        Arc::new(relevo_projector_assignment::AssignmentProjector),
        Arc::new(relevo_projector_pause::PauseProjector),
        Arc::new(relevo_projector_metrics::MetricsProjector),
    ];
    let options = relevo_projection::Options::default();
    Ok(Runtime::start(projectors, log, data.views(), options, CancellationToken::new()).await?)
}

fn start_intake(
    config: &Config,
    data: &DataDir,
    connection: &Connection,
    ledger: &Arc<Ledger>,
    condition: &Arc<Condition>,
    failed: &mpsc::Sender<ServeError>,
) -> Result<(Background, Parking, Tally), ServeError> {
    let mut kept = Vec::with_capacity(config.tenants.len());
    for tenant in &config.tenants {
        kept.push((tenant.name.clone(), data.id_key(&tenant.name)?));
    }
    let keys: HashMap<TenantId, IdKey> = kept.iter().map(|(tenant, kept)| (tenant.clone(), kept.key.clone())).collect();
    let handler = Handler::new(Arc::clone(ledger), Arc::new(routing::routes(config)), Arc::new(keys), now);
    let store = TallyStore::open(&data.views().join(TALLY_FOLDER), &relevo_readstore::Options::default());
    let store = Arc::new(store.map_err(|error| ServeError::NotStarted { reason: chain(&error) })?);
    let worker = IntakeWorker::new(handler.clone(), connection.intake(), connection.parked());
    let worker = worker.with_tally(Arc::clone(&store));
    let tally = Tally::new(store, handler.clone(), connection.intake(), worker.handled());
    let parking = Parking::new(handler, connection.parked(), tally.clone());

    let background = Background { token: CancellationToken::new(), tasks: TaskTracker::new() };
    let (token, folding) = (background.token.clone(), tally.clone());
    let (ledger, condition, failed) = (Arc::clone(ledger), Arc::clone(condition), failed.clone());
    background.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => return,
            checked = check_id_keys(&ledger, kept) => if let Err(error) = checked {
                failed.try_send(error).ok();
                return;
            }
        }
        condition.set_intake(true);
        let (working, cancelled) = (token.clone(), token.clone());
        // Boxed: it is large, and would be copied from hand to hand.
        let work = Box::pin(async move {
            tokio::join!(worker.run(working), folding.run(token));
        });
        let ended = until_cancelled("intake", work, &cancelled).await;
        condition.set_intake(false);
        if let Err(error) = ended {
            // Somebody else failed first if there is no room.
            failed.try_send(error).ok();
        }
    });
    background.tasks.close();
    Ok((background, parking, tally))
}

/// Publishing is no condition of readiness: facts wait in the view.
fn start_topics(
    config: &Config,
    data: &DataDir,
    connection: &Connection,
    log: &Arc<dyn Log>,
    views: &Views,
    series: topics::Series,
) -> Result<(Background, Republisher), ServeError> {
    let name = relevo_projector_metrics::NAME;
    let view = views.get(name).ok_or_else(|| missing(name))?;
    let port: Arc<dyn topics::TopicLog> = Arc::new(connection.metrics());
    let republisher = Republisher::new(Arc::clone(&view), Arc::clone(log), Arc::clone(&port), data.views());
    republisher.sweep().map_err(ServeError::io(data.views()))?;
    let background = Background { token: CancellationToken::new(), tasks: TaskTracker::new() };
    if config.topics.publish {
        let checkpoints = Checkpoints::open(&data.views().join(TOPICS_FOLDER));
        let checkpoints = checkpoints.map_err(|error| ServeError::NotStarted { reason: chain(&error) })?;
        let age = topics::Age { keep: config.topics.keep, now };
        let publisher = Publisher::new(view, Arc::clone(log), port, checkpoints, series, age);
        background.tasks.spawn(publisher.run(background.token.clone()));
    }
    background.tasks.close();
    Ok((background, republisher))
}

/// Runs something that ends only when it is told to. A panic, or an end that nobody asked for, is a failure.
async fn until_cancelled(
    part: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
    token: &CancellationToken,
) -> Result<(), ServeError> {
    match tokio::spawn(work).await {
        Ok(()) if token.is_cancelled() => Ok(()),
        Ok(()) => {
            tracing::error!(part, "ended without being asked to");
            Err(ServeError::PartEnded { part })
        }
        Err(error) => {
            // What it panicked with was printed when it did; it may hold what must not be repeated here.
            tracing::error!(part, panicked = error.is_panic(), "ended unexpectedly");
            Err(ServeError::PartEnded { part })
        }
    }
}

/// Intake must not derive one id before it is sure that the key is the one that the log was written with.
async fn check_id_keys(ledger: &Ledger, kept: Vec<(TenantId, KeptKey)>) -> Result<(), ServeError> {
    // A decision store that was deleted is built anew first, however long that takes.
    loop {
        match ledger.catch_up().await {
            Ok(()) => break,
            Err(LedgerError::Lagging) => tracing::info!("decision store is catching up"),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "decision store is not there yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    for (tenant, kept) in kept {
        if let Err(error) = ensure_id_key(ledger, &tenant, &kept.key, now()).await {
            let error = ServeError::id_key(error, kept.path.clone());
            if kept.made && matches!(error, ServeError::IdKeyChanged { .. }) {
                // The right one can be put back only if this one is not in its place.
                std::fs::remove_file(&kept.path).map_err(ServeError::io(&kept.path))?;
            }
            return Err(error);
        }
    }
    Ok(())
}

fn missing(view: &str) -> ServeError {
    ServeError::NotStarted { reason: format!("there is no view {view}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_that_nobody_asked_for_is_a_failure_and_a_panic_is_one_too() {
        let token = CancellationToken::new();
        let part = |ended| match ended {
            Err(ServeError::PartEnded { part }) => Some(part),
            Ok(()) | Err(_) => None,
        };
        let panics = until_cancelled("intake", async { panic!("on purpose") }, &token).await;
        assert_eq!(part(panics), Some("intake"));
        assert_eq!(part(until_cancelled("intake", async {}, &token).await), Some("intake"));
        token.cancel();
        assert_eq!(part(until_cancelled("intake", async {}, &token).await), None);
    }
}
