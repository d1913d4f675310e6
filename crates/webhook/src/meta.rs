//! `/webhooks/meta/{app}`: the subscription handshake, and posts signed over their raw bytes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use relevo_channels::signature::{Handshake, meta_handshake, meta_signature_valid};
use relevo_eventlog::InputKind;

use crate::endpoint::MetaApp;
use crate::metrics::PostOutcome;
use crate::problem::Problem;
use crate::store::store;
use crate::{META_BODY_BYTES_MAX, Shared};

const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Answers Meta's question whether this address belongs to the app: the challenge, as it came, if the token is right.
pub(crate) async fn handshake(
    State(shared): State<Arc<Shared>>,
    Path(app): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match challenge(shared.endpoints.meta(&app), query.as_deref().unwrap_or_default()) {
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
    Path(app): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let app = shared.endpoints.meta(&app);
    let outcome = accept(&shared, app, &headers, body).await;
    let counted = outcome.err().map_or(PostOutcome::Stored, Problem::counted_as);
    shared.metrics.post(InputKind::Meta, app.map(|app| app.id.as_str()), counted);
    match outcome {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => problem.answer(&headers),
    }
}

async fn accept(shared: &Shared, app: Option<&MetaApp>, headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    let app = app.ok_or(Problem::UnknownEndpoint)?;
    let body = shared.budget.read(headers, body, META_BODY_BYTES_MAX, shared.options.body_timeout).await?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    if !meta_signature_valid(&app.app_secrets, signature, &body.bytes) {
        tracing::info!(endpoint = app.id.as_str(), signed = signature.is_some(), "post with a wrong signature");
        return Err(Problem::BadSignature);
    }
    store(shared, &app.id, InputKind::Meta, headers, body).await.map(|_sequence| ())
}
