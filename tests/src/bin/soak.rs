//! Two hundred watchers for ten minutes, three of whom do not read, while the inbox changes all the time: the broker's memory
//! must not grow, and nobody may miss anything.
//!
//! Usage: `soak [minutes] [seed] [watchers]`; with no watchers it tells what the changes alone cost. The memory is that of the broker's process alone, without its nats-server; its growth is
//! the most that any sample after the first fifth of the time is above the sample at its end. Ends with one line:
//! `soak: W watchers, S stalled, C changes, RSS +X MB between minutes 2 and 10, M missed`.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use relevo_tests::Broker;
use relevo_tests::storm::{Plan, Report, Storm, Until};
use tokio::time::Instant;

const WATCHERS: usize = 200;
const STALLED: usize = 3;
const MINUTES: u32 = 10;
/// Attempts; some commands are refused or change nothing.
const ATTEMPTS_PER_SECOND: u32 = 30;
/// With less the soak says nothing.
const CHANGES_PER_SECOND_MIN: u64 = 20;
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// What the broker may grow by after it has warmed up, in bytes.
const GROWTH_MAX: i64 = 32 << 20;
const MIB: f64 = (1 << 20) as f64;

/// The broker at one moment.
#[derive(Clone, Copy)]
struct Sample {
    at: Duration,
    resident: i64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<u32> = std::env::args().skip(1).map(|arg| arg.parse().expect("a number")).collect();
    let minutes = args.first().copied().unwrap_or(MINUTES).max(1);
    let seed = u64::from(args.get(1).copied().unwrap_or(1));
    let watchers = args.get(2).map_or(WATCHERS, |watchers| *watchers as usize);
    let stalled = STALLED.min(watchers);
    let length = Duration::from_mins(u64::from(minutes));
    let mut broker = Broker::start().await;
    println!("soak: seed {seed}, {watchers} watchers, {stalled} of them stalled, {minutes} minutes");
    let storm = Storm::prepare(&broker, Plan { watchers, stalled, seed }).await;
    let until = Until::Time { length, per_second: ATTEMPTS_PER_SECOND };
    let (samples, ()) = tokio::join!(sample(&broker, &storm, length), storm.traffic.run(until));
    let report = storm.finish().await;
    broker.stop();
    tell(&report, &samples, length)
}

/// Prints a row and keeps a sample every five seconds.
async fn sample(broker: &Broker, storm: &Storm<'_>, length: Duration) -> Vec<Sample> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut every = tokio::time::interval(SAMPLE_EVERY);
    println!("{:>8} {:>9} {:>10}", "time", "changes", "RSS MB");
    while samples.last().is_none_or(|last: &Sample| last.at < length) {
        every.tick().await;
        let sample = Sample { at: begun.elapsed(), resident: resident(broker.pid()) };
        println!("{:>6} s {:>9} {:>10.1}", sample.at.as_secs(), storm.changes(), sample.resident as f64 / MIB);
        samples.push(sample);
    }
    samples
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the broker runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    let kib: i64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// The last lines, and whether all is well.
fn tell(report: &Report, samples: &[Sample], length: Duration) -> ExitCode {
    let warm = length / 5;
    let after: Vec<_> = samples.iter().filter(|sample| sample.at >= warm).map(|sample| sample.resident).collect();
    let base = after.first().copied().unwrap_or_default();
    let growth = after.iter().copied().max().unwrap_or(base) - base;
    let at_end = after.last().copied().unwrap_or(base) - base;
    let mb = |bytes: i64| bytes as f64 / MIB;
    println!(
        "{} messages ({} snapshots) to those who read; {} to the stalled ones, and {} when they read again; without effect: {:?}",
        report.messages, report.snapshots, report.stalled_messages, report.resumed_messages, report.without_effect
    );
    println!("RSS: {:+.1} MB at the end, {:+.1} MB at most", mb(at_end), mb(growth));
    for missed in &report.missed.named {
        println!("missed: {missed}");
    }
    let enough = report.changes >= length.as_secs() * CHANGES_PER_SECOND_MIN;
    if !enough {
        println!("soak: fewer than {CHANGES_PER_SECOND_MIN} changes a second, this run proves nothing");
    }
    println!(
        "soak: {} watchers, {} stalled, {} changes, RSS {:+.1} MB between minutes {} and {}, {} missed",
        report.plan.watchers,
        report.plan.stalled,
        report.changes,
        mb(growth),
        warm.as_secs_f64() / 60.0,
        length.as_secs() / 60,
        report.missed.count
    );
    let well = enough && growth < GROWTH_MAX && report.missed.count == 0;
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
