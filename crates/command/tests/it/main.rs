//! The door of commands over a real decision store and the log's in-memory twin: what each command answers, what a repetition
//! answers, and who wins.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod answers;
mod contacts;
mod desk;
mod house;
mod nodes;
mod tags;
