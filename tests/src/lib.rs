//! Harness of the whole-system tests: a real broker, in its own process, with its own nats-server and its own folder.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness that cannot go on must fail its test loudly")]

pub mod broker;
pub mod bulk;
pub mod chaos;
pub mod client;
pub mod cluster;
pub mod delivery;
pub mod fence;
pub mod fixtures;
pub mod linear;
pub mod nats;
pub mod pausing;
pub mod storm;
pub mod webhook;

pub use broker::{Broker, Setup};
pub use client::{Client, Counters, IntakeStatus};
pub use relevo_testkit::eventually_within;
