//! All parts of a running broker, started in order and stopped in order. No part knows another; they meet here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::registry::Registry;
use relevo_command::{DecisionProjector, IdKey, Ledger};
use relevo_domain::{TenantId, Timestamp};
use relevo_eventlog::{Connection, Log};
use relevo_intake::{Handler, IntakeWorker, Parking, Tally, TallyStore};
use relevo_projection::{Projector, Runtime, View, Views};
use relevo_query::Directory;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data_dir::{DataDir, KeptKey};
use super::directory::directory;
use super::error::chain;
use super::log_server::{self, LogServer};
use super::outbound::{self, Ways};
use super::readiness::Condition;
use super::room::Guarded;
use super::{ServeError, grpc, id_keys, pages};
use crate::auth::Auth;
use crate::channels::{Channels, Grants, Shared};
use crate::config::Config;
use crate::config::file::File;
use crate::files::FilePorts;
use crate::topics::{self, Checkpoints, Publisher, Republisher};

/// The tally's folder among the views: it is a fold like them, only of the raw stream too.
const TALLY_FOLDER: &str = "intake-tally-v1";
/// The publisher's checkpoints, beside the view that they are about.
const TOPICS_FOLDER: &str = "metric-topics-v1";
/// How long senders have at least to record what they handed over: a call can take so long, and another node would call the outcome
/// unknown.
const OUTBOUND_MIN: Duration = Duration::from_secs(20);
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
    pub(crate) channels: Channels,
    /// Through which channels come and go, at every node.
    pub(crate) everywhere: Shared,
    pub(crate) ledger: Arc<Ledger>,
    /// What derived ids are made with.
    pub(crate) keys: Arc<HashMap<TenantId, IdKey>>,
    pub(crate) ways: Ways,
    pub(crate) files: FilePorts,
    /// Set when the id keys are known to be those that the log was written with.
    pub(crate) checked: CancellationToken,
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
    outbound: Background,
    topics: Background,
    views: Views,
    connection: Connection,
    log_server: LogServer,
    failures: mpsc::Receiver<ServeError>,
    shutdown: Duration,
}

/// What the parts count.
struct Series {
    webhook: relevo_webhook::Metrics,
    topics: topics::Series,
    send: relevo_sender::Metrics,
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

impl Broker {
    pub(super) async fn start(config: Config, file: File) -> Result<Self, ServeError> {
        let data = DataDir::open(&config.server.data_dir)?;
        let http_listener = bind(config.server.http_addr).await?;
        let grpc_listener = bind(config.server.grpc_addr).await?;
        let (log_server, mut options) = LogServer::open(&config, &data).await?;
        options.metrics_age = config.topics.keep;
        // Not before the folder is locked: until then the file may be a living broker's.
        data.remove_addresses();
        let connection = Connection::connect(options).await?;
        let (failed, failures) = mpsc::channel(FAILURES_MAX);
        let (registry, series) = Series::register();
        let condition = Arc::new(Condition::new(registry, connection.clone(), log_server.room()));
        let own_url = url(&http_listener)?;
        let channels = open_channels(file, &config, &data, &own_url)?;
        let (kept, keys) = id_keys::all(&config, &data)?;
        let everywhere = Shared::begin(channels.clone(), &connection, Arc::clone(&keys)).await;
        let router = webhooks(&config, (&connection, &log_server), &channels, &condition, series.webhook);
        let log: Arc<dyn Log> = Arc::new(connection.events());
        let secrets = token_keys(&config, &data)?;
        let auth = start_auth(&config, &secrets, &channels)?;
        let (files, rest, pages) = pages::open(&config, &connection, &log, &auth, &secrets, &own_url)?;
        let http = serve_http(http_listener, router.merge(pages), failed.clone())?;

        let views = start_views(&data, Arc::clone(&log), &condition).await?;
        let (ledger, handler) = deciding(&log, &views, &channels, &keys)?;
        let checked = CancellationToken::new();
        let (intake, parking, tally) =
            start_intake(handler, (kept, checked.clone()), &data, &connection, &ledger, &condition, &failed)?;
        let ways = Ways::new(&files, Grants::new(data.grants()))?;
        let parts = outbound::Parts {
            channels: channels.clone(),
            ways: ways.clone(),
            files: files.clone(),
            connection: connection.clone(),
            log: Arc::clone(&log),
            ledger: Arc::clone(&ledger),
            view: find(&views, relevo_sender::delivery::NAME)?,
            timers: find(&views, relevo_reactor::timers::NAME)?,
            keys: Arc::clone(&keys),
            metrics: series.send,
            checked: checked.clone(),
        };
        let outbound = start_outbound(&config, parts, everywhere.clone());
        let (topics, republisher) = start_topics(&config, &data, &connection, &log, &views, series.topics)?;
        let grpc_token = CancellationToken::new();
        let installation = Installation {
            log,
            connection: connection.clone(),
            sync_interval: log_server::sync_interval(&config),
            views: views.clone(),
            parking,
            tally,
            directory: Arc::new(directory(&config, &channels)),
            channels,
            everywhere,
            ledger: Arc::clone(&ledger),
            keys,
            ways,
            files,
            checked,
            republisher,
            ending: grpc_token.clone(),
        };
        let url = url(&grpc_listener)?;
        let server = grpc::server(&config, installation, auth, ledger, &rest, grpc_listener)?;
        let grpc = Listener { url, token: grpc_token, task: tokio::spawn(report("gRPC", server, failed)) };
        data.write_addresses(&http.url, &grpc.url)?;
        let shutdown = config.server.shutdown;
        Ok(Self { data, http, grpc, intake, outbound, topics, views, connection, log_server, failures, shutdown })
    }

    /// Where HTTP and gRPC listen.
    pub(super) fn addresses(&self) -> (&str, &str) {
        (&self.http.url, &self.grpc.url)
    }

    /// Waits for something that the broker cannot go on without.
    pub(super) async fn failure(&mut self) -> ServeError {
        let gave_up = self.log_server.gave_up();
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
        self.outbound.token.cancel();
        // What was handed over must be recorded: the log is still there.
        within(limit.max(OUTBOUND_MIN), "senders and mailboxes", self.outbound.tasks.wait()).await;
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
        self.log_server.stop().await;
        tracing::info!("stopped");
    }
}

impl Series {
    fn register() -> (Registry, Self) {
        let mut registry = Registry::default();
        let series = Self {
            webhook: relevo_webhook::Metrics::register(&mut registry),
            topics: topics::Series::register(&mut registry),
            send: relevo_sender::Metrics::register(&mut registry),
        };
        (registry, series)
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

/// What tokens and addresses of files are made with.
fn token_keys(config: &Config, data: &DataDir) -> Result<Vec<Vec<u8>>, ServeError> {
    Ok(if config.auth.token_keys.is_empty() { vec![data.token_key()?] } else { config.auth.token_keys.clone() })
}

fn open_channels(file: File, config: &Config, data: &DataDir, own_url: &str) -> Result<Channels, ServeError> {
    Channels::open(file, config.clone(), data.channels(), own_url).map_err(ServeError::io(data.channels()))
}

/// The webhooks of the channels in force, probes and metrics.
fn webhooks(
    config: &Config,
    (connection, log_server): (&Connection, &LogServer),
    channels: &Channels,
    condition: &Arc<Condition>,
    series: relevo_webhook::Metrics,
) -> axum::Router {
    let inlet = Guarded { inlet: connection.intake(), room: log_server.room() };
    let (inlet, readiness) = (Arc::new(inlet), Arc::clone(condition) as _);
    relevo_webhook::router(channels.endpoints(), inlet, readiness, series, config.webhook.clone())
}

fn start_outbound(config: &Config, parts: outbound::Parts, everywhere: Shared) -> Background {
    let background = Background { token: CancellationToken::new(), tasks: TaskTracker::new() };
    let (checked, token) = (parts.checked.clone(), background.token.clone());
    outbound::start(config, parts, &background.tasks, &background.token);
    background.tasks.spawn(everywhere.follow(checked, token));
    background.tasks.close();
    background
}

/// Who may call. A node whose configuration has no keys for tokens has one of its own.
fn start_auth(config: &Config, secrets: &[Vec<u8>], channels: &Channels) -> Result<Arc<Auth>, ServeError> {
    let auth = Auth::new(config, secrets, now);
    // Only the machine's certificate authorities can be missing.
    let auth = auth.map_err(|error| ServeError::NotStarted { reason: format!("certificate authorities: {error}") })?;
    Ok(Arc::new(auth.follow(channels)))
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

async fn start_views(data: &DataDir, log: Arc<dyn Log>, condition: &Condition) -> Result<Views, ServeError> {
    let projectors: Vec<Arc<dyn Projector>> = vec![
        Arc::new(DecisionProjector),
        Arc::new(relevo_projector_inbox::InboxProjector),
        Arc::new(relevo_projector_assignment::AssignmentProjector),
        Arc::new(relevo_projector_pause::PauseProjector),
        Arc::new(relevo_projector_metrics::MetricsProjector),
        Arc::new(relevo_sender::DeliveryProjector),
        Arc::new(relevo_reactor::TimersProjector),
        Arc::new(relevo_bot::TurnsProjector),
    ];
    let options = relevo_projection::Options::default();
    let views = Runtime::start(projectors, log, data.views(), options, CancellationToken::new()).await?;
    condition.set_views(views.clone());
    Ok(views)
}

/// What decides, and what makes commands of what comes in.
fn deciding(
    log: &Arc<dyn Log>,
    views: &Views,
    channels: &Channels,
    keys: &Arc<HashMap<TenantId, IdKey>>,
) -> Result<(Arc<Ledger>, Handler), ServeError> {
    let ledger = Arc::new(Ledger::new(Arc::clone(log), find(views, DecisionProjector::NAME)?));
    let handler = Handler::new(Arc::clone(&ledger), channels.routes(), Arc::clone(keys), now);
    Ok((ledger, handler))
}

fn start_intake(
    handler: Handler,
    (kept, keys_checked): (Vec<(TenantId, KeptKey)>, CancellationToken),
    data: &DataDir,
    connection: &Connection,
    ledger: &Arc<Ledger>,
    condition: &Arc<Condition>,
    failed: &mpsc::Sender<ServeError>,
) -> Result<(Background, Parking, Tally), ServeError> {
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
            checked = id_keys::check(&ledger, kept) => if let Err(error) = checked {
                failed.try_send(error).ok();
                return;
            }
        }
        keys_checked.cancel();
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
    let view = find(views, relevo_projector_metrics::NAME)?;
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

fn find(views: &Views, name: &str) -> Result<Arc<View>, ServeError> {
    views.get(name).ok_or_else(|| ServeError::NotStarted { reason: format!("there is no view {name}") })
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
