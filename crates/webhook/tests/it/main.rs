//! Webhooks against a real nats-server: what is answered, and what is stored, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod email;
mod limits;
mod meta;
mod outage;
mod probe;
mod twilio;
mod world;
