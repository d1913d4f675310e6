//! What people run today, fed with the same lines: `benches/peers/run.sh`, and Relevo beside it in the same minutes.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::counts::{self, Counters};
use crate::load::{self, Pace, Part};
use crate::measure::ms;
use crate::parts::Options;
use crate::report::{Row, Section, Target, shown};
use crate::request::export;
use crate::rig::Rig;
use crate::trace::Plan;

/// Lines that both get; the peer comes as far as it comes.
const LINES: u64 = 150_000;
const CLIENTS: usize = 64;
const LASTS: Duration = Duration::from_secs(10);
const PEER_CLIENTS: &str = "1,16,64";
const PEER_SECONDS: &str = "20";
const FACTOR: f64 = 20.0;
/// Which part of the trace it is: that of an export.
pub const PART: u64 = 1;

/// Runs the peer's script and then Relevo. `None` where it cannot run: the short form, or no script.
pub async fn run(options: &Options) -> io::Result<Option<(Section, Counters)>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/run.sh");
    if options.short || !script.is_file() {
        return Ok(None);
    }
    let began = Instant::now();
    let temp = tempfile::tempdir()?;
    let (trace, out) = (temp.path().join("trace.jsonl"), temp.path().join("peer.jsonl"));
    let plan = Plan { seed: options.seed, part: PART, lines: LINES };
    export(&trace, plan)?;
    let mut command = Command::new(script);
    command
        .arg("--trace")
        .arg(&trace)
        .args(["--clients", PEER_CLIENTS, "--seconds", PEER_SECONDS])
        .arg("--out")
        .arg(&out);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("the peer's script ended with {status}")));
    }
    let figures = figures(&out)?;

    let rig = Rig::start(&[]).await;
    let part = Part { pace: Pace::Closed(CLIENTS), lasts: LASTS, seed: plan.seed, number: PART, lines: plan.lines };
    let ours = load::run(&rig, part).await?;
    let (counters, _read) =
        counts::count(&rig.nats.url(), std::slice::from_ref(&ours)).await.map_err(io::Error::other)?;
    let best = figures.iter().map(|figure| number(figure, "messages_per_s")).fold(0.0, f64::max);
    let mut section = options.section("peer", "Beside django-helpdesk", began);
    let row = Row::new("webhook to visible against the peer, same lines", ours.visible_per_s, "messages/s", "always");
    section.rows = vec![row.against(best, "the peer's best").should(Target::RatioAtLeast(FACTOR))];
    section.text = text(&figures, &ours, counters);
    Ok(Some((section, counters)))
}

fn figures(out: &Path) -> io::Result<Vec<Value>> {
    let lines = BufReader::new(std::fs::File::open(out)?).lines();
    lines.map(|line| serde_json::from_str(&line?).map_err(io::Error::other)).collect()
}

fn number(figure: &Value, key: &str) -> f64 {
    figure[key].as_f64().unwrap_or(0.0)
}

fn text(figures: &[Value], ours: &load::Measured, counters: Counters) -> String {
    let mut text = "| what | clients | messages/s | p50 ms | p99 ms | lost | duplicated | mis-ordered | double-assigned |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for figure in figures {
        let plain = |key: &str| figure[key].as_str().unwrap_or_default();
        let cell = |key: &str| shown(number(figure, key));
        // Writing to a `String` cannot fail.
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            plain("name"),
            cell("clients"),
            cell("messages_per_s"),
            cell("p50_ms"),
            cell("p99_ms"),
            cell("lost"),
            cell("duplicated"),
            cell("misordered"),
            cell("double_assigned")
        )
        .ok();
    }
    let time = |percent: usize| shown(ms(ours.times.percentile(percent)));
    writeln!(
        text,
        "| Relevo | {CLIENTS} | {} | {} | {} | {} | {} | {} | {} |",
        shown(ours.visible_per_s),
        time(50),
        time(99),
        counters.lost,
        counters.duplicated,
        counters.misordered,
        counters.double_assigned
    )
    .ok();
    let told = |key: &str| figures.first().and_then(|figure| figure[key].as_str()).unwrap_or_default().to_owned();
    format!(
        "{text}\nPeer: {}; {}. How it is fed and what is kind to it: [benches/peers](../benches/peers/README.md).",
        told("version"),
        told("settings")
    )
}
