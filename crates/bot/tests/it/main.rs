//! Bots against real parts: the view and its laws; nodes over a real nats-server with real views and real streams.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "this whole crate is a test")]

mod door;
mod stream;
mod takers;
mod turns;
mod view;
mod world;
