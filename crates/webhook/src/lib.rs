//! Webhooks: what a provider posts is checked, stored byte for byte, and only then answered with a 2xx.
//!
//! Reads signatures, never contents: what the bytes mean is `intake`'s business. A body that is correctly signed and stored is
//! answered 200 whether or not anybody can understand it, because anything else makes the provider retry for days. A body
//! that could not be stored is answered 503, so that the provider keeps it.

mod body;
mod email;
pub mod endpoint;
pub mod inlet;
mod meta;
pub mod metrics;
mod name;
mod probe;
mod problem;
mod store;
mod twilio;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use body::Budget;
pub use endpoint::{EmailEndpoint, Endpoints, LiveEndpoints, MetaApp, TwilioEndpoint};
pub use inlet::Inlet;
pub use metrics::Metrics;
pub use probe::{Readiness, Report};

/// What Meta may post at once: its own limit is 3 MB; the rest is room for the day it grows.
pub const META_BODY_BYTES_MAX: usize = 4 << 20;
/// What Twilio may post at once: a form of text, two orders of magnitude above the longest message.
pub const TWILIO_BODY_BYTES_MAX: usize = 1 << 20;
/// What a mail server may pipe in: the big providers stop at 25 to 50 MB, and base 64 adds a third to attachments.
pub const EMAIL_BODY_BYTES_MAX: usize = 60_000_000;

/// Limits that an installation may change.
#[derive(Clone, Debug)]
pub struct Options {
    /// A body must arrive within this time: a provider that is slower has given up already.
    pub body_timeout: Duration,
    /// The log must answer within this time, well below the 15 s after which Twilio gives up.
    pub append_timeout: Duration,
    /// Memory for all bodies that are being read or stored at one time, in bytes; beyond it the answer is 503.
    pub memory_bytes: usize,
    /// Requests that are read or stored at one time; beyond it the answer is 503.
    pub requests: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_timeout: Duration::from_secs(30),
            append_timeout: Duration::from_secs(10),
            memory_bytes: 256 << 20,
            requests: 1024,
        }
    }
}

/// What every handler needs.
pub(crate) struct Shared {
    pub(crate) endpoints: LiveEndpoints,
    pub(crate) inlet: Arc<dyn Inlet>,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) metrics: Metrics,
    pub(crate) budget: Budget,
    pub(crate) options: Options,
}

/// The routes of the HTTP listener: webhooks, probes and metrics.
///
/// `metrics` must be registered in the registry that `readiness` encodes.
pub fn router(
    endpoints: impl Into<LiveEndpoints>,
    inlet: Arc<dyn Inlet>,
    readiness: Arc<dyn Readiness>,
    metrics: Metrics,
    options: Options,
) -> Router {
    let budget = Budget::new(options.memory_bytes, options.requests);
    let shared = Arc::new(Shared { endpoints: endpoints.into(), inlet, readiness, metrics, budget, options });
    Router::new()
        .route("/webhooks/meta/{app}", get(meta::handshake).post(meta::receive))
        .route("/webhooks/twilio/{channel}", get(twilio::receive_query).post(twilio::receive_form))
        .route("/webhooks/email/{channel}", post(email::receive))
        .route("/healthz", get(probe::healthz))
        .route("/readyz", get(probe::readyz))
        .route("/metrics", get(probe::metrics))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::not_found)
        .with_state(shared)
}
