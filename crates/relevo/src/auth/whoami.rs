//! `GET /v1/whoami` on the HTTP listener: whose credential this is, so that a token can be tried with nothing but curl.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use relevo_domain::ErrorCode;

use super::refusal::{code, http, language};
use super::service::whoami;
use super::{Auth, Refused};

/// The route.
pub(crate) fn router(auth: Arc<Auth>) -> Router {
    Router::new().route("/v1/whoami", get(answer)).with_state(auth)
}

async fn answer(State(auth): State<Arc<Auth>>, headers: HeaderMap) -> Response {
    let language = language(&headers);
    let header = match headers.get(AUTHORIZATION) {
        None => Ok(None),
        Some(value) => value.to_str().map(Some).map_err(|_not_text| Refused::Unknown),
    };
    let resolved = match header {
        Ok(header) => auth.resolve(header).await,
        Err(refused) => Err(refused),
    };
    match resolved {
        Ok(Some(credential)) => match relevo_proto::json::to_json(&whoami(&credential)) {
            Ok(body) => {
                ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], format!("{body}\n")).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "identity cannot be written");
                http(language, ErrorCode::Internal)
            }
        },
        Ok(None) => http(language, ErrorCode::Unauthenticated),
        Err(refused) => http(language, code(refused)),
    }
}
