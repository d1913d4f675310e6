//! Lists, counters and watches at a million conversations, next to gRPC alone with the same bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::measure::{Line, ms, table};
use crate::parts::Options;
use crate::report::{Row, Section, Target};
use crate::server::Bench;
use crate::world::World;
use crate::{cases, watching};

/// Changes that one folder has room for, and those of one run: it is filled again after some hundreds of runs.
const CHANGES_MAX: usize = 20_000;
const CHANGES: u64 = 60;
const BRIEF_CHANGES: u64 = 3;
/// Calls of a case, and how long all pairs together may take.
const PAIR_ROUNDS: usize = 40;
const PAIRS_WITHIN: Duration = Duration::from_mins(1);
const ROUNDS: usize = 400;
const BRIEF_ROUNDS: usize = 10;
const COUNTER_ROUNDS: usize = 2_000;
/// Between two lines about the filling of the folder, in commits.
const TELL_EVERY: u64 = 200_000;
/// Factors of the targets: of the echo's speed, and of the list's own median.
const SPEED: f64 = 0.7;
const TAIL: f64 = 4.0;

/// Fills or opens the view and asks.
pub async fn run(options: &Options) -> std::io::Result<Section> {
    let began = Instant::now();
    let world = Arc::new(World::new(options.conversations, CHANGES_MAX));
    let told = AtomicU64::new(0);
    let progress = |position: u64, target: u64| {
        if position >= told.load(Ordering::Relaxed) + TELL_EVERY {
            told.store(position, Ordering::Relaxed);
            crate::tell(&format!("{position} of {target} commits applied, {:.0} s", began.elapsed().as_secs_f64()));
        }
    };
    let changes = options.pick(CHANGES, BRIEF_CHANGES);
    // One change more than are measured: the first one warms up.
    let bench = Bench::start(&options.folder, Arc::clone(&world), changes + 1, progress).await;
    // A store that was filled just now still merges its files, beside which nothing else is as fast as it is later.
    let rest = options.rested(std::process::id()).await;
    let rounds = options.pick(ROUNDS, BRIEF_ROUNDS);
    let mut lines = cases::pairs(&bench, options.pick(PAIR_ROUNDS, 1), PAIRS_WITHIN, rounds).await;
    let pairs = lines.first().cloned();
    let rare = cases::rare(&bench, options.conversations, rounds).await;
    let first = rare.iter().find(|line| line.what.contains("no filter")).cloned();
    lines.extend(rare);
    if !options.short {
        lines.extend(cases::deep(&bench, rounds).await);
    }
    lines.extend(cases::counters(&bench, options.pick(COUNTER_ROUNDS, BRIEF_ROUNDS)).await);
    lines.extend(watching::fan_out(&bench, &world, changes).await);
    let recording = options.record("lists", std::process::id());
    if recording.is_some() {
        cases::rare(&bench, options.conversations, rounds).await;
    }
    let pictures = options.drawn("lists", "lists, client and server in one process", recording)?;
    let bytes = bench.view.approximate_bytes() >> 20;
    bench.stop().await;

    let title = format!("Lists of {} conversations", crate::report::shown(options.conversations as f64));
    let mut section = options.section("lists", &title, began);
    section.rows = first.iter().flat_map(|line| rows("first page", line)).collect();
    section.rows.extend(pairs.iter().flat_map(|line| rows("pairs of filters", line)));
    if options.short {
        for row in &mut section.rows {
            row.target = None;
        }
    }
    section.text = format!(
        "The real query service over a real view ({bytes} MiB on disk) in the benchmark's own process, one call at a time through gRPC on \
         loopback, {} s after the view was there, when nothing was merged any more; the echo answers the same bytes and does nothing else; of both, the client takes the bytes and decodes nothing in the time that counts. `limit`: milliseconds that the 99th percentile was allowed when the lists were built.\n\n\
         ```text\n{}```",
        rest.as_secs(),
        table(&lines)
    ) + "\n"
        + &pictures;
    Ok(section)
}

/// Speed against the echo, and the tail against the median.
fn rows(what: &str, line: &Line) -> [Row; 2] {
    let [p50, p99, echo] = [line.ours.percentile(50), line.ours.percentile(99), line.echo.percentile(50)];
    let per_s = |time: Duration| 1.0 / time.as_secs_f64().max(f64::MIN_POSITIVE);
    [
        Row::new(format!("list page, {what}"), per_s(p50), "pages/s", "none")
            .against(per_s(echo), "tonic echo of the same bytes")
            .should(Target::RatioAtLeast(SPEED)),
        Row::new(format!("list page p99, {what}"), ms(p99), "ms", "none")
            .against(ms(p50), "its p50")
            .should(Target::RatioAtMost(TAIL)),
    ]
}
