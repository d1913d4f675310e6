//! Whole-system tests: a real broker in its own process, real nats-server, real RocksDB, HTTP and gRPC on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod auth;
mod bad_input;
mod bots;
mod bulk;
mod chaos;
mod cluster;
mod command;
mod corpus;
mod demo;
mod desk;
mod detection;
mod docs;
mod fence;
mod fuzz;
mod inbound;
mod integrate;
mod mail;
mod nodes;
mod ops;
mod parking;
mod rebuild;
mod rest;
mod sending;
mod storm;
mod tenants;
mod timers;
mod topics;
mod upgrade;
mod watch;
