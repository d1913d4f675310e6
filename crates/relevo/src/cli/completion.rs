//! `relevo completion`: what a shell needs to complete the command line. Printed, never installed.

use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::out;

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell to write for. For example, for bash: `relevo completion bash > ~/.local/share/bash-completion/completions/relevo`.
    #[arg(value_enum)]
    shell: Kind,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

impl Completion {
    /// Writes the script of the whole command line.
    pub(crate) fn run<Line: CommandFactory>(&self) -> ExitCode {
        let shell = match self.shell {
            Kind::Bash => Shell::Bash,
            Kind::Zsh => Shell::Zsh,
            Kind::Fish => Shell::Fish,
        };
        let mut command = Line::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, name, &mut script);
        out::line(String::from_utf8_lossy(&script).trim_end());
        ExitCode::SUCCESS
    }
}
