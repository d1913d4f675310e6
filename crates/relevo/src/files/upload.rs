//! `POST /v1/files`: stores the body and answers with what a message names it by. Who may send may store.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use relevo_domain::{ErrorCode, Role};
use relevo_eventlog::{BLOB_BYTES_MAX, LogError};
use relevo_sender::media::{Verdict, sniff};
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};

use super::Shared;
use crate::auth::{Refused, http as refuse, language};

/// How long the body may take: the largest file over a slow line.
const BODY_MAX: Duration = Duration::from_mins(10);
/// How long a body may pause.
const PAUSE_MAX: Duration = Duration::from_secs(15);

pub(super) async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let language = language(&head.headers);
    match stored(&shared, &head.headers, body).await {
        Ok(answer) => ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], answer).into_response(),
        Err(code) => refuse(language, code),
    }
}

async fn stored(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<String, ErrorCode> {
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
        Role::Analyst | Role::Ops | Role::Service => return Err(ErrorCode::Forbidden),
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BLOB_BYTES_MAX as u64) {
        return Err(ErrorCode::AttachmentTooBig);
    }
    let room = shared.memory.take(length.unwrap_or(BLOB_BYTES_MAX as u64)).await.ok_or(ErrorCode::LimitReached)?;
    let bytes = read(body).await?;
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (mime_type, size_bytes) = (sniff(&bytes, declared), bytes.len());
    if let Some(scanner) = &doors.scanner {
        match scanner.scan(bytes.clone()).await {
            Ok(Verdict::Clean) => {}
            Ok(Verdict::Infected) => return Err(ErrorCode::InvalidArgument),
            Err(error) => {
                tracing::error!(%error, "file could not be scanned");
                return Err(ErrorCode::Internal);
            }
        }
    }
    let sha256 = doors.blobs.put(&caller.tenant, bytes).await.map_err(code)?;
    drop(room);
    tracing::info!(tenant = %caller.tenant, actor = %caller.name, size_bytes, "file stored");
    Ok(format!("{}\n", json!({ "sha256": sha256, "size_bytes": size_bytes.to_string(), "mime_type": mime_type })))
}

/// The whole body, never more than a file may have.
async fn read(mut body: Body) -> Result<Bytes, ErrorCode> {
    let deadline = Instant::now() + BODY_MAX;
    let mut bytes = BytesMut::with_capacity(body.size_hint().lower().min(BLOB_BYTES_MAX as u64) as usize);
    loop {
        let frame = timeout_at(deadline, timeout(PAUSE_MAX, body.frame())).await;
        match frame {
            Ok(Ok(Some(Ok(frame)))) => {
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > BLOB_BYTES_MAX {
                    return Err(ErrorCode::AttachmentTooBig);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Ok(None)) => return Ok(bytes.freeze()),
            // It broke off, or does not come: the client knows, if there is one.
            Ok(Ok(Some(Err(_))) | Err(_)) | Err(_) => return Err(ErrorCode::InvalidArgument),
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
