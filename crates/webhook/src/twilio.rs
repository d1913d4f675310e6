//! `/webhooks/twilio/{channel}`: inbound messages and status callbacks, as a form or (Twilio's option) as a query.
//!
//! What is signed contains the address as Twilio knows it, so it is put together from the configuration and the path, never
//! from the Host header, which a proxy changes and anybody can write.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use relevo_channels::outgoing::twilio::own_query;
use relevo_channels::signature::twilio_signature_valid;
use relevo_eventlog::{InputKind, Notes};

use crate::body::discard;
use crate::endpoint::TwilioEndpoint;
use crate::metrics::PostOutcome;
use crate::name::EndpointName;
use crate::problem::Problem;
use crate::store::store;
use crate::{Shared, TWILIO_BODY_BYTES_MAX};

const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// No instruction: a reply is sent by the API, never in the answer to a webhook.
const EMPTY_TWIML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

pub(crate) async fn receive_form(
    State(shared): State<Arc<Shared>>,
    EndpointName(channel): EndpointName,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let endpoints = shared.endpoints.now();
    let endpoint = endpoints.twilio(&channel);
    let outcome = accept_form(&shared, endpoint, query.as_deref(), &headers, body).await;
    answer(&shared, endpoint, &headers, outcome)
}

/// The same by GET: what would be the form is the query, and it is stored in the form's place.
pub(crate) async fn receive_query(
    State(shared): State<Arc<Shared>>,
    EndpointName(channel): EndpointName,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let endpoints = shared.endpoints.now();
    let endpoint = endpoints.twilio(&channel);
    let outcome = accept_query(&shared, endpoint, query.as_deref(), &headers).await;
    answer(&shared, endpoint, &headers, outcome)
}

async fn accept_form(
    shared: &Shared,
    endpoint: Option<&TwilioEndpoint>,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), Problem> {
    let (endpoint, signature) = match admit(endpoint, headers) {
        Ok(admitted) => admitted,
        Err(problem) => {
            discard(body, shared.options.body_timeout);
            return Err(problem);
        }
    };
    let body = shared.budget.read(headers, body, TWILIO_BODY_BYTES_MAX, shared.options.body_timeout).await?;
    check(endpoint, query, signature, &body.bytes)?;
    store(shared, &endpoint.id, InputKind::Twilio, headers, notes(query), body).await.map(|_raw| ())
}

async fn accept_query(
    shared: &Shared,
    endpoint: Option<&TwilioEndpoint>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let (endpoint, signature) = admit(endpoint, headers)?;
    check(endpoint, query, signature, b"")?;
    let form = Body::from(Bytes::copy_from_slice(query.unwrap_or_default().as_bytes()));
    let held = shared.budget.read(headers, form, TWILIO_BODY_BYTES_MAX, shared.options.body_timeout).await?;
    store(shared, &endpoint.id, InputKind::Twilio, headers, notes(query), held).await.map(|_raw| ())
}

/// What the head alone can tell: a post that is not signed at all is not worth a byte of memory.
fn admit<'a>(
    endpoint: Option<&'a TwilioEndpoint>,
    headers: &'a HeaderMap,
) -> Result<(&'a TwilioEndpoint, &'a str), Problem> {
    let endpoint = endpoint.ok_or(Problem::UnknownEndpoint)?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let Some(signature) = signature.filter(|signature| !signature.trim().is_empty()) else {
        tracing::info!(endpoint = endpoint.id.as_str(), signed = false, "post with a wrong signature");
        return Err(Problem::BadSignature);
    };
    Ok((endpoint, signature))
}

fn check(endpoint: &TwilioEndpoint, query: Option<&str>, signature: &str, body: &[u8]) -> Result<(), Problem> {
    let url = signed_url(endpoint, query);
    if twilio_signature_valid(&endpoint.auth_tokens, &url, body, Some(signature)) {
        return Ok(());
    }
    tracing::info!(endpoint = endpoint.id.as_str(), signed = true, "post with a wrong signature");
    Err(Problem::BadSignature)
}

/// Of the query only the id that we put there when the message was sent: the rest is nobody's business later.
fn notes(query: Option<&str>) -> Notes {
    Notes { query: query.and_then(own_query).unwrap_or_default(), ..Notes::default() }
}

fn signed_url(endpoint: &TwilioEndpoint, query: Option<&str>) -> String {
    let base = endpoint.public_base_url.trim_end_matches('/');
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{base}/webhooks/twilio/{}{query}", endpoint.id)
}

fn answer(
    shared: &Shared,
    endpoint: Option<&TwilioEndpoint>,
    headers: &HeaderMap,
    outcome: Result<(), Problem>,
) -> Response {
    let counted = outcome.err().map_or(PostOutcome::Stored, Problem::counted_as);
    shared.metrics.post(InputKind::Twilio, endpoint.map(|endpoint| endpoint.id.as_str()), counted);
    match outcome {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, "text/xml; charset=utf-8")], EMPTY_TWIML).into_response(),
        Err(problem) => problem.answer(headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::EndpointId;

    #[test]
    fn the_signed_address_is_the_configured_one() {
        for base in ["https://relevo.example/api", "https://relevo.example/api/"] {
            let endpoint = TwilioEndpoint {
                id: EndpointId::new("wa").unwrap(),
                auth_tokens: Vec::new(),
                public_base_url: base.to_owned(),
            };
            assert_eq!(signed_url(&endpoint, None), "https://relevo.example/api/webhooks/twilio/wa");
            assert_eq!(signed_url(&endpoint, Some("m=1")), "https://relevo.example/api/webhooks/twilio/wa?m=1");
        }
    }
}
