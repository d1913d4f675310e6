//! `make chaos`: everything is broken on purpose, and what was promised is counted. Ends with one line:
//! `chaos: seed S, K kills, P partitions, F full disks, H histories linearizable, 0 lost, 0 doubled`.
//!
//! Arguments: the seed, then the parts that are wanted (all, if none is named).
#![expect(clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use relevo_tests::chaos::{Report, away, clocks, disk, kills, slow, torn};
use relevo_tests::cluster;

/// Kills of one server's part; the cluster has its own.
const KILLS: u64 = 50;
/// Rounds in which files of views are damaged.
const TORN_ROUNDS: u32 = 12;
/// How long the log is away.
const AWAY: Duration = Duration::from_mins(1);
const STORMING: slow::Storming = slow::Storming { watchers: 60, stalled: 20, changes: 4_000, seed: 1 };
/// The parts, in their order.
const PARTS: [&str; 8] = ["kills", "views", "log", "swap", "disks", "clocks", "away", "slow"];
const CLUSTER: &str = "cluster";

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let seed = args.next().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let wanted: Vec<String> = args.collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    let mut all = Report::default();
    for part in PARTS.into_iter().filter(|part| wants(part)) {
        let begun = Instant::now();
        let report = Box::pin(run(part, seed)).await;
        tell(&report, begun.elapsed());
        all.kills += report.kills;
        all.full_disks += report.full_disks;
        all.findings.add(report.findings);
    }
    let mut cluster = cluster::Report::default();
    if wants(CLUSTER) {
        let begun = Instant::now();
        cluster = Box::pin(cluster::run(seed, false)).await;
        println!("chaos: cluster: {cluster:?}, {} s", begun.elapsed().as_secs());
    }
    let lost = all.findings.lost.len() as u64 + cluster.lost;
    let doubled = all.findings.doubled.len() as u64 + cluster.doubled;
    println!(
        "chaos: seed {seed}, {} kills, {} partitions, {} full disks, {} histories linearizable, {lost} lost, {doubled} doubled",
        all.kills + cluster.kills,
        cluster.partitions,
        all.full_disks,
        cluster.histories
    );
    if lost + doubled == 0 && all.findings.none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(part: &str, seed: u64) -> Report {
    match part {
        "kills" => kills::run(kills::Plan { kills: KILLS, seed, ends: true }).await,
        "views" => torn::views(seed, TORN_ROUNDS).await,
        "log" => torn::log(seed, &torn::TEARS).await,
        "swap" => torn::log_under_a_running_broker().await,
        "disks" => disk::run().await,
        "clocks" => clocks::run().await,
        "away" => away::run(away::Plan { seed, away: AWAY }).await,
        _ => slow::run(slow::Storming { seed, ..STORMING }).await,
    }
}

fn tell(report: &Report, took: Duration) {
    println!(
        "chaos: {}: {} kills, {} full disks, {} lost, {} doubled, {} otherwise wrong, {} s",
        report.part,
        report.kills,
        report.full_disks,
        report.findings.lost.len(),
        report.findings.doubled.len(),
        report.findings.wrong.len(),
        took.as_secs()
    );
    let findings = &report.findings;
    for found in findings.lost.iter().chain(&findings.doubled).chain(&findings.wrong) {
        println!("chaos: {}: {found}", report.part);
    }
}
