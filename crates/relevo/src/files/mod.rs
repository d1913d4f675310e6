//! Files over HTTP: `POST /v1/files` stores one, `GET /v1/files/{token}` serves one to whoever has its address.
//!
//! An address names one file, is sealed by this installation and is good for minutes: whoever may see a conversation gets it from
//! `FileService`, and a provider gets one with each message. Nothing is listed, and what is stored is never changed.

mod disposition;
mod download;
mod memory;
mod pace;
mod ports;
mod quota;
mod token;
mod upload;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use relevo_domain::Clock;
use relevo_eventlog::Blobs;
use relevo_sender::media::Scanner;

use crate::auth::Auth;
use memory::Memory;
use quota::Quota;

pub(crate) use ports::{FilePorts, Links};
pub(crate) use quota::TENANT_PARTS;
pub(crate) use token::FileTokens;

/// What the routes need.
#[derive(Clone)]
pub(crate) struct FileDoors {
    pub(crate) auth: Arc<Auth>,
    pub(crate) blobs: Blobs,
    pub(crate) tokens: Arc<FileTokens>,
    /// Looks at what staff and bots store; nobody does without one.
    pub(crate) scanner: Option<Scanner>,
    pub(crate) clock: Clock,
    /// One tenant's uploads end where it has one part in so many of the room for files. None: there is one tenant.
    pub(crate) tenant_parts: Option<u64>,
}

#[derive(Clone)]
struct Shared {
    doors: FileDoors,
    memory: Memory,
    quota: Arc<Quota>,
}

/// The routes.
pub(crate) fn router(doors: FileDoors) -> Router {
    let quota = Arc::new(Quota::new(doors.blobs.clone(), doors.tenant_parts));
    Router::new()
        .route("/v1/files", post(upload::answer))
        .route("/v1/files/{token}", get(download::answer))
        .with_state(Shared { doors, memory: Memory::default(), quota })
}
