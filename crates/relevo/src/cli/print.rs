//! The CLI's output: stdout for answers, stderr for what went wrong and for progress. The only module of the client commands
//! that writes.
//!
//! A reader that goes away (`| head`) is not an error: the command ends quietly.

use std::io::{ErrorKind, IsTerminal as _, Stderr, Stdout, Write};

use prost::{Message, Name};

use super::failure::Failure;
use super::paint::Painted;
use super::table::Table;
use super::text::Clock;
use super::words::Words;

/// Where and how a command's answer goes.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) words: Words,
    pub(crate) clock: Clock,
    pub(crate) json: bool,
    /// Width of the terminal; nothing into a pipe.
    columns: Option<usize>,
    /// Whether the reader sees colours: a terminal, and nobody said no.
    colour: bool,
    stdout: Stdout,
    stderr: Stderr,
}

impl Output {
    pub(crate) fn new(words: Words, json: bool) -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let terminal = stdout.is_terminal();
        let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|_| terminal);
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = terminal && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { words, clock: Clock::here(), json, columns, colour, stdout, stderr }
    }

    /// The terminal's width, or a page's where there is none.
    pub(crate) fn page_width(&self) -> usize {
        const PAGE: usize = 100;
        self.columns.unwrap_or(PAGE).max(40)
    }

    /// A text in its colours, whole.
    pub(crate) fn painted(&self, text: &Painted) -> String {
        text.show(usize::MAX, self.colour)
    }

    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        self.lines(std::iter::once(line))
    }

    pub(crate) fn lines<L: AsRef<str>>(&self, lines: impl IntoIterator<Item = L>) -> Result<(), Failure> {
        let mut out = self.stdout.lock();
        for line in lines {
            written(writeln!(out, "{}", line.as_ref()))?;
        }
        written(out.flush())
    }

    /// Bytes as they are: only for what a person asked to have raw.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = self.stdout.lock();
        written(out.write_all(bytes))?;
        written(out.flush())
    }

    /// The table, or `empty` if it has no rows.
    pub(crate) fn table(&self, table: &Table, empty: &str) -> Result<(), Failure> {
        if table.is_empty() {
            self.line(&self.words.t(empty))
        } else {
            self.lines(table.render(self.columns, self.colour))
        }
    }

    /// The message as one line of JSON.
    pub(crate) fn message<M: Message + Name>(&self, message: &M) -> Result<(), Failure> {
        let json = relevo_proto::json::to_json(message).map_err(|error| Failure::Output(error.to_string()))?;
        self.line(&json)
    }

    /// Begins a new picture of what is watched: over the old one on a terminal, below it into a file.
    pub(crate) fn frame(&self) -> Result<(), Failure> {
        if self.columns.is_some() {
            return self.bytes(b"\x1b[H\x1b[2J");
        }
        Ok(())
    }

    /// A line beside the answer, on stderr: what a person has to do meanwhile.
    pub(crate) fn aside(&self, text: &str) {
        // Whoever closed stderr does not want to know.
        writeln!(self.stderr.lock(), "{text}").ok();
    }

    /// Progress of long work: over itself on a terminal, not at all into a file.
    pub(crate) fn progress(&self, text: &str) {
        let mut err = self.stderr.lock();
        if err.is_terminal() {
            // Progress that cannot be shown is no reason to stop the work.
            write!(err, "\r\u{1b}[2K{text}").and_then(|()| err.flush()).ok();
        }
    }

    /// Ends a line of progress.
    pub(crate) fn progress_done(&self) {
        self.progress("");
    }
}

/// What went wrong, on stderr.
pub(crate) fn failure(failure: &Failure, words: Words, json: bool, command_id: Option<&str>) {
    let text = if json {
        failure.json(words, command_id).to_string()
    } else {
        format!("relevo: {}", failure.lines(words, command_id).join("\n"))
    };
    // Nowhere is left to tell that this could not be told.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Output(error.to_string())),
    }
}
