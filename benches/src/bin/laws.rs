//! The laws of every projector at full size: a busy business's history of a hundred thousand commits, applied in every way.
//!
//! `laws [COMMITS] [SEED]`. Says what it does on standard error; ends with one line on standard output,
//! `laws: P projectors, C commits, D differences`, and fails if there is a difference.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness for the terminal")]

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use relevo_command::DecisionProjector;
use relevo_domain::Recorded;
use relevo_projection::Projector;
use relevo_projection::testing::{Effort, broken_laws, long_history};
use relevo_projector_assignment::AssignmentProjector;
use relevo_projector_inbox::InboxProjector;
use relevo_projector_metrics::MetricsProjector;
use relevo_projector_pause::PauseProjector;

const COMMITS: usize = 100_000;
const SEED: u64 = 1;

/// Each run resumes with a projector of its own, as a process that starts does.
type Make = fn() -> Arc<dyn Projector>;

const PROJECTORS: [Make; 5] = [
    || Arc::new(DecisionProjector),
    || Arc::new(InboxProjector),
    || Arc::new(AssignmentProjector),
    || Arc::new(PauseProjector),
    || Arc::new(MetricsProjector),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let commits = arguments.next().and_then(|commits| commits.parse().ok()).unwrap_or(COMMITS);
    let seed = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let started = Instant::now();
    let history = long_history(seed, commits);
    eprintln!(
        "laws: history of {} commits made in {:.1} s (seed {seed})",
        history.len(),
        started.elapsed().as_secs_f64()
    );
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(PROJECTORS.len());
    let differences: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&next, &history))).collect();
        // A thread that could not go on has proved nothing.
        workers.into_iter().map(|worker| worker.join().unwrap_or(1)).sum()
    });
    eprintln!("laws: {:.1} s", started.elapsed().as_secs_f64());
    println!("laws: {} projectors, {} commits, {differences} differences", PROJECTORS.len(), history.len());
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Takes one projector after the other until none is left; answers how many laws were broken.
fn work(next: &AtomicUsize, history: &[Recorded]) -> usize {
    let mut broken = 0;
    while let Some(make) = PROJECTORS.get(next.fetch_add(1, Ordering::Relaxed)) {
        let (name, started) = (make().name(), Instant::now());
        let found = broken_laws(make, history, Effort::FULL);
        eprintln!("laws: {name}: {} differences in {:.1} s", found.len(), started.elapsed().as_secs_f64());
        for sentence in &found {
            eprintln!("laws: {name}: {sentence}");
        }
        broken += found.len();
    }
    broken
}
