//! `relevo serve` as a process: starting, stopping, crashing, and refusing to start.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod broker;
mod channels;
mod crash;
mod deploy;
mod health;
mod lifecycle;
mod refusals;
