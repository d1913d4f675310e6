//! The log's tests: one conformance suite on every implementation, then what only JetStream has.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod conformance;
mod golden;
mod intake;
mod jetstream;
mod memory;
mod metrics;
mod parked;
mod sample;
