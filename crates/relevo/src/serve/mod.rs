//! `relevo serve`: reads the configuration, starts everything in order, waits for the end, stops everything in order.
//!
//! Start: data folder and its lock, NATS, streams, HTTP (webhooks can be stored from here on), views, gRPC, intake. Stop: HTTP
//! first, so that nothing new is promised; then intake, gRPC, views; NATS last.

mod bots;
mod broker;
mod bulk;
mod cors;
mod data_dir;
mod directory;
mod error;
mod grpc;
mod health;
mod history;
mod id_keys;
mod log_server;
mod outbound;
mod pages;
mod policy;
mod readiness;
mod room;
pub(crate) mod routing;

use std::path::PathBuf;
use std::process::ExitCode;

use relevo_catalogue::{Language, text};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Global;
use crate::config::cli::{Source, refuse};
use crate::config::{Layers, check, load};
use crate::{out, telemetry};
use broker::Broker;
pub(crate) use broker::{Installation, now};
pub(crate) use error::{ServeError, chain};
pub(crate) use outbound::Ways;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Everything that Relevo keeps.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where webhooks arrive; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT")]
    http_addr: Option<String>,
    /// Where clients connect; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT")]
    grpc_addr: Option<String>,
    /// Lets a bot answer in the demo, by the rules of deploy/demo-bot.yaml. It needs a provider to answer through, for example
    /// examples/stand-in; without one it is refused, and each conversation that it would answer is paused for people.
    #[arg(long, requires = "demo")]
    bot: bool,
}

impl Args {
    fn layers(&self) -> Layers {
        let flags = [
            ("server.data_dir", self.data_dir.as_ref().map(|path| path.display().to_string())),
            ("server.http_addr", self.http_addr.clone()),
            ("server.grpc_addr", self.grpc_addr.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        Layers { flags, ..self.source.layers() }
    }
}

pub(crate) async fn run(args: Args, global: Global) -> ExitCode {
    let language = global.language();
    let checked = load(&args.layers()).and_then(|file| Ok((check::check(&file)?, file)));
    let (mut config, file) = match checked {
        Ok(checked) => checked,
        Err(problems) => {
            refuse(&problems, language);
            return ExitCode::FAILURE;
        }
    };
    telemetry::start(config.server.log_json);
    if args.bot
        && let Err(error) = bots::demonstrate(&mut config)
    {
        return failed(&error, language);
    }
    let demo = config.demo;
    let data_dir = config.server.data_dir.clone();
    // Listened to from here on: who is told that it is ready may ask it to end in the same moment.
    let mut asked = match Asked::listen() {
        Ok(asked) => asked,
        Err(error) => return failed(&error, language),
    };
    let started = tokio::select! {
        started = Broker::start(config, file) => started,
        // Nothing was taken in yet; a nats-server of our own ends with us.
        () = asked.received() => {
            out::line(&text(language, "serve-stopped", &[]));
            return ExitCode::SUCCESS;
        }
    };
    let mut broker = match started {
        Ok(broker) => broker,
        Err(error) => return failed(&error, language),
    };
    let (http, grpc) = broker.addresses();
    if demo {
        out::line(&text(language, "serve-demo", &[]));
    }
    out::line(&text(language, "serve-http", &[("address", http.into())]));
    out::line(&text(language, "serve-grpc", &[("address", grpc.into())]));
    out::line(&text(language, "serve-data", &[("path", data_dir.display().to_string().into())]));
    out::line(&text(language, "serve-ready", &[]));
    let ended = tokio::select! {
        () = asked.received() => Ok(()),
        error = broker.failure() => Err(error),
    };
    out::line(&text(language, "serve-stopping", &[]));
    broker.stop().await;
    match ended {
        Ok(()) => {
            out::line(&text(language, "serve-stopped", &[]));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error, language),
    }
}

fn failed(error: &ServeError, language: Language) -> ExitCode {
    tracing::error!(%error, "cannot serve");
    out::error(&error.text(language));
    ExitCode::FAILURE
}

/// SIGTERM from a supervisor, SIGINT from a terminal.
struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    fn listen() -> Result<Self, ServeError> {
        let refused = |error: std::io::Error| ServeError::NotStarted { reason: error.to_string() };
        let terminate = signal(SignalKind::terminate()).map_err(refused)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
        Ok(Self { terminate, interrupt })
    }

    /// Ends when it is asked for, or was before.
    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
