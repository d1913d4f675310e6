//! `relevo config check` and `relevo config dump`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use relevo_catalogue::{Language, text};

use super::file::File;
use super::{Config, Layers, Problems, check, load};
use crate::cli::Global;
use crate::out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says whether the configuration is good, and everything that is wrong with it.
    Check(Source),
    /// Prints the configuration as it is after all layers, with its secrets hidden.
    Dump(Source),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Source {
    /// Configuration file; several are read in this order, lists are joined.
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The demo's configuration. Its secrets are public: loopback only.
    #[arg(long)]
    pub(crate) demo: bool,
}

impl Source {
    pub(crate) fn layers(&self) -> Layers {
        Layers { demo: self.demo, files: self.files.clone(), flags: Vec::new() }
    }
}

pub(crate) fn run(command: Command, global: &Global) -> ExitCode {
    let language = global.language();
    let outcome = match command {
        Command::Check(source) => {
            load(&source.layers()).and_then(|file| check::check(&file)).map(|config| good(&config, language))
        }
        Command::Dump(source) => load(&source.layers()).map(|file| dump(&file, global.json)),
    };
    match outcome {
        Ok(text) => {
            out::line(&text);
            ExitCode::SUCCESS
        }
        Err(problems) => {
            refuse(&problems, language);
            ExitCode::FAILURE
        }
    }
}

/// Prints everything that is wrong.
pub(crate) fn refuse(problems: &Problems, language: Language) {
    out::error(&text(language, "config-refused", &[("count", problems.0.len().into())]));
    for line in problems.lines(language) {
        out::error(&format!("  {line}"));
    }
}

fn good(config: &Config, language: Language) -> String {
    let channels: usize = config.tenants.iter().map(|tenant| tenant.channels.len()).sum();
    let counts = [
        ("tenants", config.tenants.len().into()),
        ("channels", channels.into()),
        ("apps", config.meta_apps.len().into()),
        ("keys", config.api_keys.len().into()),
    ];
    text(language, "config-good", &counts)
}

fn dump(file: &File, json: bool) -> String {
    let printed = if json {
        serde_json::to_string_pretty(file).map_err(|error| error.to_string())
    } else {
        toml::to_string_pretty(file).map_err(|error| error.to_string())
    };
    printed.unwrap_or_else(|error| format!("# {error}"))
}
