//! The gRPC listener: every service, by gRPC and by gRPC-Web; who may call; health and reflection.

use std::sync::Arc;
use std::time::Duration;

use relevo_command::grpc::Commands;
use relevo_command::{BulkPorts, Ledger, Marks, SendPorts};
use relevo_query::{Directory, Ports, Query, QueryViews};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;

use super::broker::now;
use super::bulk::Filters;
use super::directory::Names;
use super::history::Past;
use super::outbound::{Entities, Receipts};
use super::policy::Policy;
use super::{Installation, ServeError, bots, cors, health};
use crate::admin;
use crate::auth::{self, Auth, AuthLayer};
use crate::config::Config;
use crate::rest::Rest;

/// Streams that one connection may have open at a time: a console's watches with room.
const STREAMS_PER_CONNECTION_MAX: u32 = 256;

/// How often a connection is asked whether its peer is still there: one that vanished without a word (a laptop that was closed)
/// keeps its watches, and counts as looking at its conversation, until this finds out.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);
/// How long the peer may take to answer that.
const KEEPALIVE_WITHIN: Duration = Duration::from_secs(10);

/// Puts the listener together; it serves until the installation ends. The same services answer JSON over HTTP.
pub(super) fn server(
    config: &Config,
    installation: Installation,
    auth: Arc<Auth>,
    ledger: Arc<Ledger>,
    rest: &Rest,
    listener: TcpListener,
) -> Result<impl Future<Output = Result<(), tonic::transport::Error>> + use<>, ServeError> {
    let refused = |error: tonic_reflection::server::Error| ServeError::NotStarted { reason: error.to_string() };
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(relevo_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(health::keep(reporter, installation.clone()));
    let directory = Arc::clone(&installation.directory);
    let receipts = Receipts { channels: installation.channels.clone(), ways: installation.ways.clone() };
    let (marks, worker) = Marks::new(Arc::clone(&ledger), Arc::new(receipts), now);
    tokio::spawn(worker.run(installation.ending.clone().cancelled_owned()));
    let names = Arc::new(Names::new(config, Arc::clone(&directory)));
    let ports = SendPorts {
        keys: Arc::clone(&installation.keys),
        policy: Arc::new(Policy { channels: installation.channels.clone(), checked: installation.checked.clone() }),
        files: Arc::new(installation.files.clone()),
    };
    let commands = Commands::new(ledger, names, now).with_marks(marks).with_ports(ports.clone());
    let (sends, channels) = (commands.send_server(ports.clone()), commands.channel_server(ports.clone()));
    let turns = commands.turns(ports);
    let entities = Entities { channels: installation.channels.clone(), keys: Arc::clone(&installation.keys) };
    let ending = installation.ending.clone();
    let history = Arc::new(Past(Arc::clone(&installation.log)));
    let ports = Ports { now, history, ending: ending.clone() };
    let query = Query::new(query_views(&installation)?, Directory::clone(&directory), rand::random(), ports);
    let bots = bots::serve(config, turns, query.clone(), &installation)?;
    let bulks = bulk_ports(&installation, &query);
    let mut services = Routes::builder();
    services
        .add_service(health)
        .add_service(reflection().build_v1().map_err(refused)?)
        .add_service(reflection().build_v1alpha().map_err(refused)?)
        .add_service(auth::Service::new(Arc::clone(&auth)).into_server())
        .add_service(commands.conversation_server())
        .add_service(commands.contact_server())
        .add_service(commands.workspace_server())
        .add_service(sends)
        .add_service(channels)
        .add_service(bots.server())
        .add_service(commands.bulk_server(bulks))
        .add_service(query.inbox_server())
        .add_service(query.assignment_server())
        .add_service(query.pause_server())
        .add_service(query.bulk_server())
        .add_service(query.metrics_server())
        .add_service(query.template_server(Arc::new(entities)))
        .add_service(query.quick_reply_server())
        .add_service(query.file_server(Arc::new(installation.files.clone())))
        .add_service(admin::channel::Service::new(installation.clone()).into_server())
        .add_service(admin::intake::Service::new(installation.clone()).into_server())
        .add_service(admin::log::Service::new(installation.clone()).into_server())
        .add_service(admin::topic::Service::new(installation.clone()).into_server())
        .add_service(admin::view::Service::new(installation).into_server());
    let services = services.routes().prepare();
    rest.open(services.clone());
    let serving = listen(config, auth, services, listener, ending);
    Ok(async move {
        let served = serving.await;
        // Turns that nobody will finish are given back while there is a log.
        bots.finished().await;
        served
    })
}

/// Serves the services on the listener until the end.
fn listen(
    config: &Config,
    auth: Arc<Auth>,
    services: Routes,
    listener: TcpListener,
    ending: CancellationToken,
) -> impl Future<Output = Result<(), tonic::transport::Error>> + use<> {
    let router = Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
        .http2_keepalive_timeout(Some(KEEPALIVE_WITHIN))
        // gRPC-Web comes by HTTP/1.1 too: browsers speak HTTP/2 only with TLS, which a proxy before us ends.
        .accept_http1(true)
        .layer(cors::grpc_web(&config.server.cors_origins))
        .layer(GrpcWebLayer::new())
        .layer(AuthLayer::new(auth))
        .add_routes(services);
    // HTTP/1.1 has no pings; there the network is asked.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE_EVERY));
    router.serve_with_incoming_shutdown(incoming, ending.cancelled_owned())
}

fn bulk_ports(installation: &Installation, query: &Query) -> BulkPorts {
    BulkPorts {
        keys: Arc::clone(&installation.keys),
        blobs: installation.files.blobs.clone(),
        matching: Arc::new(Filters(query.clone())),
    }
}

fn query_views(installation: &Installation) -> Result<QueryViews, ServeError> {
    let view = |name: &str| {
        let missing = || ServeError::NotStarted { reason: format!("there is no view {name}") };
        installation.views.get(name).ok_or_else(missing)
    };
    Ok(QueryViews {
        inbox: view(relevo_projector_inbox::NAME)?,
        assignment: view(relevo_projector_assignment::NAME)?,
        pause: view(relevo_projector_pause::NAME)?,
        metrics: view(relevo_projector_metrics::NAME)?,
    })
}
