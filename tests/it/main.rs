//! Whole-system tests: a real broker in its own process, real nats-server, real RocksDB, HTTP and gRPC on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod bad_input;
mod command;
mod corpus;
mod inbound;
mod nodes;
mod parking;
mod rebuild;
mod tenants;
