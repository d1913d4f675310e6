//! The delivery view and the sender: what is on its way, and that each message is handed over once.
#![expect(clippy::unwrap_used, reason = "this whole crate is a test")]

mod away;
mod crash;
mod failures;
mod forgetful;
mod held;
mod many;
mod sending;
mod templates;
mod view;
mod words;
mod world;
