//! Stores against the real `RocksDB`, and the key codec.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail at once, where it is")]

mod key;
mod pace;
mod store;
