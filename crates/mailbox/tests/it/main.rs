//! Mailboxes against a real Dovecot, a real Exim and a real nats-server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests fail loudly")]

mod arrival;
mod crash;
mod fixtures;
mod login;
mod rig;
mod trouble;
