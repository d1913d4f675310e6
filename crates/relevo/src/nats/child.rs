//! `relevo nats-child`: becomes nats-server, after asking the kernel to end it when the broker dies.
//!
//! A program of its own because the request must be made in the child, between fork and exec, and that is possible without
//! `unsafe` only in a program that was already started. It must stay single-threaded and do nothing else.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use crate::out;

/// The hidden subcommand's name.
pub(crate) const SUBCOMMAND: &str = "nats-child";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Process id of the broker.
    #[arg(long)]
    parent: i32,
    /// The nats-server binary.
    #[arg(long)]
    binary: PathBuf,
    /// What nats-server is started with.
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    match become_server(&args) {
        Ok(never) => match never {},
        Err(reason) => {
            out::error(&format!("relevo {SUBCOMMAND}: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn become_server(args: &Args) -> Result<Infallible, String> {
    // An orderly end: what is acknowledged is on disk either way, and the next start is quicker.
    set_pdeathsig(Signal::SIGTERM).map_err(|error| format!("prctl: {error}"))?;
    // If the broker died before the request was made, nobody will send the signal any more.
    if getppid() != Pid::from_raw(args.parent) {
        return Err("the broker is gone".to_owned());
    }
    let error = Command::new(&args.binary).args(&args.arguments).exec();
    Err(format!("{}: {error}", args.binary.display()))
}
