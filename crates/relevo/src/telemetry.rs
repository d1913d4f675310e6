//! The operator's log: lines on standard error, filtered by RUST_LOG. Never personal data (see CONTRIBUTING.md).

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What is logged if RUST_LOG says nothing: what happens once, not what happens with every message.
const FILTER_DEFAULT: &str = "info,async_nats=warn,h2=warn,hyper=warn,tower=warn";

/// Libraries that log what goes over the wire, passwords and mails included: silent whatever RUST_LOG says.
const NEVER: [&str; 2] = ["async_imap=off", "lettre=off"];

/// Starts logging. A second call in one process changes nothing.
pub(crate) fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(FILTER_DEFAULT));
    let filter = NEVER.iter().filter_map(|never| never.parse().ok()).fold(filter, EnvFilter::add_directive);
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_span_events(FmtSpan::NONE);
    let started = if json { lines.json().flatten_event(true).try_init() } else { lines.with_ansi(false).try_init() };
    if let Err(error) = started {
        tracing::debug!(%error, "logging runs already");
    }
}
