//! Tests of the inbox view.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail at once, where it is")]

mod access;
mod changes;
mod contacts;
mod desk;
mod laws;
mod list;
mod media;
mod model;
mod search;
mod sent;
mod support;
mod thread;
