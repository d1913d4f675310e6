//! The log's tests: one conformance suite on every implementation, then what only JetStream has.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod added_channels;
mod blobs;
mod conformance;
mod frames;
mod gather;
mod golden;
mod golden_arms;
mod golden_bulk;
mod golden_pause;
mod golden_sending;
mod intake;
mod jetstream;
mod mail_positions;
mod memory;
mod metrics;
mod parked;
mod sample;
