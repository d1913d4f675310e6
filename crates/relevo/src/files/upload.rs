//! `POST /v1/files`: stores the body and answers with what a message names it by. Who may send may store.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use relevo_domain::{ErrorCode, Role};
use relevo_eventlog::{BLOB_BYTES_MAX, LogError};
use relevo_sender::media::{Verdict, sniff};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::memory::Room;
use super::pace::Pace;
use crate::auth::{Refused, http as refuse, language, saying};

/// How long a body may pause.
const PAUSE_MAX: Duration = Duration::from_secs(15);

pub(super) async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let language = language(&head.headers);
    match stored(&shared, &head.headers, body).await {
        Ok(answer) => ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], answer).into_response(),
        Err(Refusal::Code(code)) => refuse(language, code),
        Err(Refusal::Said(key)) => saying(ErrorCode::InvalidArgument, &relevo_catalogue::text(language, key, &[])),
    }
}

/// Why nothing was stored.
#[derive(Debug)]
enum Refusal {
    Code(ErrorCode),
    /// The request is at fault in a way that its code does not tell: a key of the catalogue.
    Said(&'static str),
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

async fn stored(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<String, Refusal> {
    let doors = &shared.doors;
    let credential = match headers.get(AUTHORIZATION) {
        None => None,
        Some(value) => {
            let value = value.to_str().map_err(|_not_text| ErrorCode::Unauthenticated)?;
            doors.auth.resolve(Some(value)).await.map_err(|refused| match refused {
                Refused::Expired => ErrorCode::TokenExpired,
                Refused::Unknown => ErrorCode::Unauthenticated,
            })?
        }
    };
    let caller = credential.ok_or(ErrorCode::Unauthenticated)?.caller;
    match caller.role {
        Role::Agent | Role::Supervisor | Role::Admin | Role::Bot => {}
        Role::Analyst | Role::Ops | Role::Service => return Err(ErrorCode::Forbidden.into()),
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BLOB_BYTES_MAX as u64) {
        return Err(ErrorCode::AttachmentTooBig.into());
    }
    shared.quota.check(&caller.tenant, length.unwrap_or(0)).await?;
    let mut room = shared.memory.room(&caller.tenant, Some(caller.name.as_str()));
    let bytes = read(body, &mut room).await?;
    if length.is_none() {
        shared.quota.check(&caller.tenant, bytes.len() as u64).await?;
    }
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (mime_type, size_bytes) = (sniff(&bytes, declared), bytes.len());
    if let Some(scanner) = &doors.scanner {
        match scanner.scan(bytes.clone()).await {
            Ok(Verdict::Clean) => {}
            Ok(Verdict::Infected) => return Err(Refusal::Said("upload-infected")),
            Err(error) => {
                tracing::error!(%error, "file could not be scanned");
                return Err(ErrorCode::Internal.into());
            }
        }
    }
    let sha256 = doors.blobs.put(&caller.tenant, bytes).await.map_err(code)?;
    drop(room);
    shared.quota.stored(&caller.tenant, size_bytes as u64).await;
    tracing::info!(tenant = %caller.tenant, actor = %caller.name, size_bytes, "file stored");
    Ok(format!("{}\n", json!({ "sha256": sha256, "size_bytes": size_bytes.to_string(), "mime_type": mime_type })))
}

/// The whole body, never more than a file may have.
/// Room is taken as it comes: what somebody says that they will send holds nothing.
async fn read(mut body: Body, room: &mut Room) -> Result<Bytes, Refusal> {
    let mut pace = Pace::begin();
    let mut bytes = Vec::new();
    loop {
        let end = pace.end(bytes.len()).min(Instant::now() + PAUSE_MAX);
        match timeout_at(end, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                let length = bytes.len() + data.len();
                if length > BLOB_BYTES_MAX {
                    return Err(ErrorCode::AttachmentTooBig.into());
                }
                if length > bytes.capacity() {
                    let asked = Instant::now();
                    let held = room.hold(length as u64).await.map_err(|_full| ErrorCode::LimitReached)?;
                    // Waiting for room is not the client's slowness.
                    pace.forgive(asked.elapsed());
                    bytes.reserve_exact(held - bytes.len());
                }
                bytes.extend_from_slice(&data);
            }
            Ok(None) => return Ok(Bytes::from(bytes)),
            // It broke off, or does not come.
            Ok(Some(Err(_))) | Err(_) => return Err(Refusal::Said("upload-incomplete")),
        }
    }
}

/// What the caller is told of a store that did not take it.
pub(super) fn code(error: LogError) -> ErrorCode {
    match error {
        LogError::Full => ErrorCode::LogFull,
        LogError::TooLarge { .. } => ErrorCode::AttachmentTooBig,
        LogError::Unavailable(reason) => {
            tracing::warn!(reason, "files are not available");
            ErrorCode::LogUnavailable
        }
        LogError::Undecodable { .. } | LogError::Refused(_) => {
            tracing::error!(%error, "files cannot be used");
            ErrorCode::Internal
        }
    }
}
