//! `/healthz` (the process answers), `/readyz` (it can do its work) and `/metrics`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::Shared;

/// Whether the installation can do its work, and its figures. The binary knows; the listener only shows it.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    async fn report(&self) -> Report;

    /// All series, in the OpenMetrics text format.
    async fn metrics(&self) -> String;
}

/// What `/readyz` says.
#[derive(Clone, Debug)]
pub struct Report {
    pub ready: bool,
    pub details: serde_json::Value,
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    let report = shared.readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, "application/json")], format!("{}\n", report.details)).into_response()
}

pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.readiness.metrics().await;
    (StatusCode::OK, [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response()
}
