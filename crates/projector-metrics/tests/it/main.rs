//! Tests of the metrics view.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail at once, where it is")]

mod access;
mod days;
mod first_response;
mod laws;
mod support;
mod volumes;
