//! Webhooks against a real nats-server: what is answered, and what is stored, byte for byte.

mod email;
mod limits;
mod meta;
mod outage;
mod probe;
mod twilio;
mod world;
