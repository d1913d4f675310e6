//! What the HTTP listener has beside webhooks: whose credential it is, files, and every unary RPC as JSON.

use std::sync::Arc;

use relevo_eventlog::{Blobs, Connection, Log};
use relevo_sender::media::Scanner;

use super::broker::now;
use super::{ServeError, cors};
use crate::auth::Auth;
use crate::config::{Config, FileStore};
use crate::files::{FileDoors, FilePorts, FileTokens, Links, TENANT_PARTS};
use crate::nats::private;
use crate::rest::Rest;

/// Where attachments are, and the pages. [`Rest`] answers when it is given the services.
pub(super) fn open(
    config: &Config,
    connection: &Connection,
    log: &Arc<dyn Log>,
    auth: &Arc<Auth>,
    secrets: &[Vec<u8>],
    own_url: &str,
) -> Result<(FilePorts, Rest, axum::Router), ServeError> {
    let blobs = match &config.files.store {
        FileStore::Log => connection.blobs(),
        FileStore::Folder(path) => {
            private::folder(path).map_err(ServeError::io(path))?;
            Blobs::folder(path)
        }
    };
    let tokens = Arc::new(FileTokens::new(secrets));
    let links = Links::new(Arc::clone(&tokens), config.server.public_url.as_deref().unwrap_or(own_url), now);
    let scanner = Scanner::new(&config.files.scan_command);
    let doors = FileDoors {
        auth: Arc::clone(auth),
        blobs: blobs.clone(),
        tokens,
        scanner: scanner.clone(),
        clock: now,
        tenant_parts: (config.tenants.len() > 1).then_some(TENANT_PARTS),
    };
    let rest = Rest::new(Arc::clone(auth), config.server.rest_admin)
        .map_err(|error| ServeError::NotStarted { reason: error.to_string() })?;
    let pages = crate::auth::router(Arc::clone(auth)).merge(crate::files::router(doors)).merge(rest.router());
    let pages = pages.layer(cors::http(&config.server.cors_origins));
    Ok((FilePorts { blobs, links, log: Arc::clone(log), scanner }, rest, pages))
}
