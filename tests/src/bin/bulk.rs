//! The proof of bulks at the size that was promised: ten thousand conversations, a kill half-way, an exact undo.
//!
//! Ends with one line, and with 0 only if everything held.
#![expect(clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;

use relevo_tests::bulk::prove;

/// What was promised.
const CONVERSATIONS: usize = 10_000;

fn main() -> ExitCode {
    let conversations = std::env::args().nth(1).and_then(|many| many.parse().ok()).unwrap_or(CONVERSATIONS);
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    let proof = runtime.block_on(prove(conversations));
    println!(
        "bulk: {} conversations, killed at {}, {} messages of progress, paused in {:.1} s, taken back in {:.1} s, {} changed since",
        proof.conversations,
        proof.at_kill,
        proof.progress,
        proof.paused_in.as_secs_f64(),
        proof.undone_in.as_secs_f64(),
        proof.changed_since
    );
    ExitCode::SUCCESS
}
