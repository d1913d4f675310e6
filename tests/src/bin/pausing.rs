//! How long `PauseBot` takes under 400 messages a second, next to the log's own append, in one table.
//!
//! `pausing [PAUSES] [PER_SECOND]`. It measures and judges nothing: the log's append is the floor, and what lies above it is ours.
#![expect(clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use relevo_tests::pausing::{Plan, percentile, run};

const PAUSES: usize = 600;
const PER_SECOND: u32 = 400;

fn main() -> ExitCode {
    let given = |place: usize| std::env::args().nth(place);
    let pauses = given(1).and_then(|given| given.parse().ok()).unwrap_or(PAUSES);
    let per_second = given(2).and_then(|given| given.parse().ok()).unwrap_or(PER_SECOND);
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    let measured = runtime.block_on(run(Plan { per_second, pauses }));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{:<44} {:>6} {:>8} {:>8} {:>11} {:>11} {:>6} {:>6}",
        "", "n", "p50 ms", "p99 ms", "append p50", "append p99", "x p50", "x p99"
    );
    let [p50, p99] = [50, 99].map(|percent| percentile(&measured.pauses, percent));
    let [append50, append99] = [50, 99].map(|percent| percentile(&measured.appends, percent));
    println!(
        "{:<44} {:>6} {:>8} {:>8} {:>11} {:>11} {:>6} {:>6}",
        format!("PauseBot under {per_second}/s (took {:.0}/s, {cores} cores)", measured.per_second),
        measured.pauses.len(),
        ms(p50),
        ms(p99),
        ms(append50),
        ms(append99),
        times(p50, append50),
        times(p99, append99),
    );
    if measured.late > 0 {
        println!("{} messages were not sent: the broker did not keep up", measured.late);
    }
    ExitCode::SUCCESS
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

fn times(ours: Duration, floor: Duration) -> String {
    if floor.is_zero() { "-".to_owned() } else { format!("{:.1}", ours.as_secs_f64() / floor.as_secs_f64()) }
}
