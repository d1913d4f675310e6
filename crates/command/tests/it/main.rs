//! The door of commands over a real decision store and the log's in-memory twin: what each command answers, what a repetition
//! answers, and who wins. What sends stands on a real server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod answers;
mod behind;
mod bulks;
mod channels;
mod contacts;
mod desk;
mod held;
mod house;
mod marks;
mod nodes;
mod pauses;
mod send;
mod send_mail;
mod send_start;
mod sending_house;
mod sends;
mod tags;
