//! `/webhooks/meta/{app}`: the subscription handshake, and posts signed over their raw bytes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use relevo_channels::signature::{Handshake, meta_handshake, meta_signature_valid};
use relevo_eventlog::{InputKind, Notes};

use crate::body::discard;
use crate::endpoint::MetaApp;
use crate::metrics::PostOutcome;
use crate::name::EndpointName;
use crate::problem::Problem;
use crate::store::store;
use crate::{META_BODY_BYTES_MAX, Shared};

const SIGNATURE_HEADER: &str = "x-hub-signature-256";
/// A SHA-256 in hexadecimal.
const SIGNATURE_HEX_CHARS: usize = 64;

/// Answers Meta's question whether this address belongs to the app: the challenge, as it came, if the token is right.
pub(crate) async fn handshake(
    State(shared): State<Arc<Shared>>,
    EndpointName(app): EndpointName,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let endpoints = shared.endpoints.now();
    match challenge(endpoints.meta(&app), query.as_deref().unwrap_or_default()) {
        // As text and never as HTML: the challenge is whatever the caller wrote.
        Ok(challenge) => {
            let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
            (StatusCode::OK, headers, challenge).into_response()
        }
        Err(problem) => problem.answer(&headers),
    }
}

fn challenge(app: Option<&MetaApp>, query: &str) -> Result<String, Problem> {
    let app = app.ok_or(Problem::UnknownEndpoint)?;
    match meta_handshake(&[&app.verify_token], query) {
        Handshake::Challenge(challenge) => Ok(challenge),
        Handshake::Refused => Err(Problem::HandshakeRefused),
        Handshake::NoChallenge => Err(Problem::HandshakeIncomplete),
    }
}

pub(crate) async fn receive(
    State(shared): State<Arc<Shared>>,
    EndpointName(app): EndpointName,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let endpoints = shared.endpoints.now();
    let app = endpoints.meta(&app);
    let outcome = accept(&shared, app, &headers, body).await;
    let counted = outcome.err().map_or(PostOutcome::Stored, Problem::counted_as);
    shared.metrics.post(InputKind::Meta, app.map(|app| app.id.as_str()), counted);
    match outcome {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => problem.answer(&headers),
    }
}

async fn accept(shared: &Shared, app: Option<&MetaApp>, headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    let (app, signature) = match admit(app, headers) {
        Ok(admitted) => admitted,
        Err(problem) => {
            discard(body, shared.options.body_timeout);
            return Err(problem);
        }
    };
    let body = shared.budget.read(headers, body, META_BODY_BYTES_MAX, shared.options.body_timeout).await?;
    if !meta_signature_valid(&app.app_secrets, Some(signature), &body.bytes) {
        tracing::info!(endpoint = app.id.as_str(), signed = true, "post with a wrong signature");
        return Err(Problem::BadSignature);
    }
    store(shared, &app.id, InputKind::Meta, headers, Notes::default(), body).await.map(|_raw| ())
}

/// What the head alone can tell: a post without anything that could be a signature is not worth a byte of memory.
fn admit<'a>(app: Option<&'a MetaApp>, headers: &'a HeaderMap) -> Result<(&'a MetaApp, &'a str), Problem> {
    let app = app.ok_or(Problem::UnknownEndpoint)?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let Some(signature) = signature.filter(|signature| may_be_a_signature(signature)) else {
        tracing::info!(endpoint = app.id.as_str(), signed = false, "post with a wrong signature");
        return Err(Problem::BadSignature);
    };
    Ok((app, signature))
}

fn may_be_a_signature(header: &str) -> bool {
    let hex = header.trim().strip_prefix("sha256=");
    hex.is_some_and(|hex| hex.len() == SIGNATURE_HEX_CHARS && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
