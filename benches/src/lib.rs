//! Load on a million conversations, and the laws of the projectors at full size. Two binaries: `bench` and `laws`.
//!
//! `bench` measures what a client waits for: the real query service over a real view, through gRPC on loopback, next to a service
//! that does nothing but send the same number of bytes. Nothing here knows NATS: the view follows a log that is made up.
#![expect(clippy::unwrap_used, reason = "a harness that cannot go on must say so at once, where it is")]

pub mod cases;
pub mod echo;
pub mod log;
pub mod measure;
pub mod server;
pub mod watching;
pub mod world;
