//! Tests of the metrics view.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail at once, where it is")]

mod access;
mod attribution;
mod backlog;
mod days;
mod delivery;
mod facts;
mod failures;
mod first_response;
mod laws;
mod next_response;
mod pauses;
mod recompute;
mod resolution;
mod series;
mod support;
mod volumes;
