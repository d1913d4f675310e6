//! What tests share: a real nats-server of their own, and waiting for a condition. Dev-only; no product code depends on it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "test support: failing loudly is its job"
)]

mod eventually;
mod nats;

pub use eventually::{EVENTUALLY_DEADLINE, eventually, eventually_within};
pub use nats::NatsServer;
