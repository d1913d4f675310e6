//! Tests of the assignment view.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail at once, where it is")]

mod access;
mod laws;
mod slow;
mod stories;
mod support;
