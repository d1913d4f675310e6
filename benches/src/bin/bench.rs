//! The speed that the issue asks for, at a million conversations, in one table.
//!
//! `bench [CONVERSATIONS] [pairs] [rare] [deep] [counters] [watch]`; without a word all of them. The first run fills a folder of
//! views under `CARGO_TARGET_DIR`, later ones open it. Fails if a limit is not held.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness for the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use relevo_benches::measure::table;
use relevo_benches::server::Bench;
use relevo_benches::world::World;
use relevo_benches::{cases, watching};

/// As the broker has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CONVERSATIONS: u64 = 1_000_000;
/// Changes that one folder has room for, and those of one run: it is filled again after some hundreds of runs.
const CHANGES_MAX: usize = 20_000;
const CHANGES: u64 = 60;
/// Calls of a case, and how long all pairs together may take.
const PAIR_ROUNDS: usize = 40;
const PAIRS_WITHIN: Duration = Duration::from_secs(90);
const ROUNDS: usize = 400;
const COUNTER_ROUNDS: usize = 2_000;
/// Between two lines about the filling of the folder, in commits.
const TELL_EVERY: u64 = 200_000;

#[tokio::main]
async fn main() -> ExitCode {
    let conversations = std::env::args().nth(1).and_then(|given| given.parse().ok()).unwrap_or(CONVERSATIONS);
    let parts: Vec<String> = std::env::args().skip(2).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|given| given == part);
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let started = Instant::now();
    let world = Arc::new(World::new(conversations, CHANGES_MAX));
    let told = AtomicU64::new(0);
    let progress = |position: u64, target: u64| {
        if position >= told.load(Ordering::Relaxed) + TELL_EVERY {
            told.store(position, Ordering::Relaxed);
            eprintln!("bench: {position} of {target} commits applied, {:.0} s", started.elapsed().as_secs_f64());
        }
    };
    // One change more than are measured: the first one warms up.
    let bench = Bench::start(&folder.join("relevo-bench"), Arc::clone(&world), CHANGES + 1, progress).await;
    eprintln!(
        "bench: view of {conversations} conversations open after {:.1} s, {} MiB",
        started.elapsed().as_secs_f64(),
        memory()
    );
    let mut lines = Vec::new();
    if wanted("pairs") {
        lines.extend(cases::pairs(&bench, PAIR_ROUNDS, PAIRS_WITHIN).await);
    }
    if wanted("rare") {
        lines.extend(cases::rare(&bench, conversations, ROUNDS).await);
    }
    if wanted("deep") {
        lines.extend(cases::deep(&bench, ROUNDS).await);
    }
    if wanted("counters") {
        lines.extend(cases::counters(&bench, COUNTER_ROUNDS).await);
    }
    if wanted("watch") {
        lines.extend(watching::fan_out(&bench, &world, CHANGES).await);
    }
    let bytes = bench.view.approximate_bytes() >> 20;
    println!(
        "\n{conversations} conversations, {bytes} MiB on disk, {} MiB in memory, {:.0} s",
        memory(),
        started.elapsed().as_secs_f64()
    );
    println!("{}", table(&lines));
    bench.stop().await;
    if lines.iter().all(relevo_benches::measure::Line::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Resident memory of this process, in MiB; 0 where the system does not tell.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib >> 10)
}
