//! Whole-system tests: a real broker in its own process, real nats-server, real RocksDB, HTTP and gRPC on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod auth;
mod bad_input;
mod command;
mod corpus;
mod desk;
mod docs;
mod fence;
mod inbound;
mod integrate;
mod mail;
mod nodes;
mod ops;
mod parking;
mod rebuild;
mod sending;
mod storm;
mod tenants;
mod timers;
mod topics;
mod watch;
