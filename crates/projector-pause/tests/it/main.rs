//! Tests of the pause view.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail at once, where it is")]

mod access;
mod bulks;
mod laws;
mod slow;
mod stories;
mod suggestions;
mod support;
