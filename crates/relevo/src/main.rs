//! The binary: `relevo serve`, the operator's commands, and the clients' commands.
//!
//! Wiring, the admin services and the command line only; no rules.

mod admin;
mod auth;
mod channels;
mod cli;
mod config;
mod demo;
#[cfg(test)]
mod docs_tests;
mod files;
mod key;
mod nats;
mod out;
mod rest;
mod serve;
mod span;
mod telemetry;
mod topics;

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The system's allocator keeps what hundreds of short-lived answers and RocksDB's blocks leave in pieces: in ten minutes of
/// changes the broker grew by 59 MB with it, and by 18 MB with this one. RocksDB allocates here too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Conversation broker: WhatsApp and mail, one log, an inbox for people and bots.
#[derive(Debug, Parser)]
#[command(name = "relevo", version, propagate_version = true, max_term_width = 100)]
struct Relevo {
    #[command(flatten)]
    global: cli::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the broker: webhooks, log, views and gRPC.
    Serve(Box<serve::Args>),
    /// Checks or shows the configuration.
    #[command(subcommand)]
    Config(config::cli::Command),
    /// Makes API keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Plays sample traffic.
    #[command(subcommand)]
    Demo(demo::Command),
    /// Starts a nats-server that dies with its parent; used by `serve`.
    #[command(hide = true, name = nats::child::SUBCOMMAND)]
    NatsChild(nats::child::Args),
    /// Prints what a shell needs to complete this command line.
    Completion(cli::completion::Completion),
    #[command(flatten)]
    Client(cli::Command),
}

fn main() -> ExitCode {
    let Relevo { global, command } = Relevo::parse();
    match command {
        Command::Serve(args) => block_on(serve::run(*args, global)),
        Command::Config(command) => config::cli::run(command, &global),
        Command::Key(command) => key::run(command, &global),
        Command::Demo(command) => block_on(command.run(global)),
        Command::NatsChild(args) => nats::child::run(args),
        Command::Completion(completion) => completion.run::<Relevo>(),
        Command::Client(command) => block_on(command.run(global)),
    }
}

/// Runs a command on a runtime of its own; `nats-child` must not have one, because it becomes another program.
fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => {
            out::error(&format!("relevo: the runtime cannot be started: {error}"));
            ExitCode::FAILURE
        }
    }
}
