//! `/webhooks/email/{channel}`: one raw RFC 5322 mail a post, as a mail server pipes it in, with a bearer token.
//!
//! The token is checked before the body is read: a mail may be large, and only a friend may make us keep it in memory.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use relevo_channels::signature::{bearer, token_valid};
use relevo_eventlog::{InputKind, Notes};

use crate::body::discard;
use crate::endpoint::EmailEndpoint;
use crate::metrics::PostOutcome;
use crate::name::EndpointName;
use crate::problem::Problem;
use crate::store::store;
use crate::{EMAIL_BODY_BYTES_MAX, Shared};

pub(crate) async fn receive(
    State(shared): State<Arc<Shared>>,
    EndpointName(channel): EndpointName,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let endpoints = shared.endpoints.now();
    let endpoint = endpoints.email(&channel);
    let outcome = accept(&shared, endpoint, &headers, body).await;
    let counted = outcome.err().map_or(PostOutcome::Stored, Problem::counted_as);
    shared.metrics.post(InputKind::Email, endpoint.map(|endpoint| endpoint.id.as_str()), counted);
    match outcome {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(problem) => problem.answer(&headers),
    }
}

async fn accept(
    shared: &Shared,
    endpoint: Option<&EmailEndpoint>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), Problem> {
    let endpoint = match admit(endpoint, headers) {
        Ok(endpoint) => endpoint,
        Err(problem) => {
            discard(body, shared.options.body_timeout);
            return Err(problem);
        }
    };
    let held = shared.budget.read(headers, body, EMAIL_BODY_BYTES_MAX, shared.options.body_timeout).await?;
    store(shared, &endpoint.id, InputKind::Email, headers, Notes::default(), held).await.map(|_raw| ())
}

fn admit<'e>(endpoint: Option<&'e EmailEndpoint>, headers: &HeaderMap) -> Result<&'e EmailEndpoint, Problem> {
    let endpoint = endpoint.ok_or(Problem::UnknownEndpoint)?;
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !token_valid(&endpoint.bearer_tokens, bearer(authorization)) {
        tracing::info!(endpoint = endpoint.id.as_str(), "mail with a wrong token");
        return Err(Problem::BadSignature);
    }
    // A form upload wraps the mail; storing the wrapping would park every mail. Other types are taken as they come, because
    // a shell's `curl --data-binary` calls everything a form.
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if content_type.to_ascii_lowercase().starts_with(b"multipart/form-data") {
        return Err(Problem::UnsupportedMediaType);
    }
    Ok(endpoint)
}
