//! The doors against stand-ins of the providers, and against a real mail server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod mail;
mod media;
mod meta;
mod templates;
mod tokens;
mod twilio;
mod world;
