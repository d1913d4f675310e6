//! What the operator's commands (`serve`, `config`, `key`) print. The clients' tables are in `cli`.
//!
//! A closed pipe is not an error of ours: what cannot be written is dropped.

use std::io::Write;

/// A line for the person or the pipe that started the command.
pub(crate) fn line(text: &str) {
    write(std::io::stdout().lock(), text);
}

/// A line about what went wrong.
pub(crate) fn error(text: &str) {
    write(std::io::stderr().lock(), text);
}

fn write(mut to: impl Write, text: &str) {
    if writeln!(to, "{text}").is_ok() {
        to.flush().ok();
    }
}
