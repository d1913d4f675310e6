//! The proof of the pause fence: once a pause is answered, no message of the bot is handed to the provider but those that the answer
//! lists. A model of two nodes, explored ([`search`]), and a real broker on two nodes with a hostile bot ([`hostile`]).
//!
//! `make fence` runs all of it; `tests/it/fence.rs` runs the heart of it at every change.

pub mod answering;
pub mod fingerprint;
pub mod hostile;
pub mod journal;
pub mod people;
pub mod promise;
pub mod scene;
pub mod scenes;
pub mod search;
pub mod sending;
pub mod step;
pub mod world;
