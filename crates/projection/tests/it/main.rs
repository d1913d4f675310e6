//! The runtime against real stores: laws, divergence, poison, versions, rebuild and verification.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail at once, where it is")]

mod companion;
mod divergence;
mod folded;
mod laws;
mod linger;
mod log;
mod memory_log;
mod poison;
mod projectors;
mod rebuild;
mod running;
mod shared;
mod verify;
mod versions;
