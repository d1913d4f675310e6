//! What tests share: a real nats-server and real mail servers of their own, stand-ins of the providers, and waiting for a condition. Dev-only; no product code depends on it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "test support: failing loudly is its job"
)]

mod ca;
mod dovecot;
mod eventually;
pub mod fakes;
mod mail;
mod nats;
mod smtp;

pub use ca::{ServerCertificate, TestCa};
pub use dovecot::Dovecot;
pub use eventually::{EVENTUALLY_DEADLINE, eventually, eventually_within};
pub use nats::{NatsServer, find_binary as nats_server_binary};
pub use smtp::{SmtpServer, Stage};
