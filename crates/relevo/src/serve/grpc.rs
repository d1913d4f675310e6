//! The gRPC listener: every service, who may call, health and reflection.

use std::sync::Arc;

use relevo_command::Conversations;
use relevo_command::grpc::ConversationCommands;
use relevo_query::{Directory, Query, QueryViews};
use tokio::net::TcpListener;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::auth::Keys;
use super::broker::now;
use super::directory::Names;
use super::{Installation, ServeError, health};
use crate::admin;
use crate::config::Config;

/// Streams that one connection may have open at a time: a console's watches with room.
const STREAMS_PER_CONNECTION_MAX: u32 = 256;

/// Puts the listener together; it serves until the installation ends.
pub(super) fn server(
    config: &Config,
    installation: Installation,
    conversations: Conversations,
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
    let keys = Keys::new(config.api_keys.clone());
    let directory = Arc::clone(&installation.directory);
    let commands = ConversationCommands::new(conversations, Arc::new(Names(Arc::clone(&directory))), now);
    let query = Query::new(query_views(&installation)?, Directory::clone(&directory), rand::random());
    let ending = installation.ending.clone();
    let router = Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .layer(InterceptorLayer::new(move |request| keys.admit(request)))
        .add_service(health)
        .add_service(reflection().build_v1().map_err(refused)?)
        .add_service(reflection().build_v1alpha().map_err(refused)?)
        .add_service(commands.into_server())
        .add_service(query.inbox_server())
        .add_service(query.assignment_server())
        .add_service(query.pause_server())
        .add_service(query.metrics_server())
        .add_service(admin::intake::Service::new(installation.clone()).into_server())
        .add_service(admin::log::Service::new(installation.clone()).into_server())
        .add_service(admin::view::Service::new(installation).into_server());
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(router.serve_with_incoming_shutdown(incoming, ending.cancelled_owned()))
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
