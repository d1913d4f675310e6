//! The view of what is pending, and the reactor: each timer comes to pass once, at its time.
#![expect(clippy::unwrap_used, reason = "this whole crate is a test")]

mod alerts;
mod firing;
mod trouble;
mod view;
mod world;
