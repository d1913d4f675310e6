//! What is fuzzed: one function a parser that meets the outside, each with what must hold for any bytes at all.
//!
//! A target's `run` ends in a panic if something does not hold. libFuzzer calls it with bytes of its own (`fuzz_targets/`, `make
//! fuzz`), and CI calls it with the corpus (`tests/it/fuzz.rs`), so that what was found once is looked at for ever. Parsers of
//! crates that need RocksDB are compiled from their source files: the sanitizer must not compile RocksDB.

pub mod bot;
pub mod commit;
pub mod html;
pub mod mail;
pub mod meta;
pub mod rest;
pub mod signature;
pub mod text;
pub mod token;
pub mod twilio;

mod auth;
mod borrowed;
mod weight;

// Where the borrowed files look for what they use of their own crates.
use borrowed::{error, reader, taker};

/// A target's body.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: [(&str, Target); 10] = [
    ("meta", meta::run),
    ("twilio", twilio::run),
    ("mail", mail::run),
    ("html", html::run),
    ("signature", signature::run),
    ("token", token::run),
    ("commit", commit::run),
    ("rest", rest::run),
    ("bot", bot::run),
    ("text", text::run),
];
