//! What nats-server alone does with messages of a commit's size, synced and not: the scale on which everything else is read.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use relevo_testkit::NatsServer;

use crate::limits::raw_publish;
use crate::measure::ms;
use crate::parts::Options;
use crate::report::{Row, Section, shown};

const CONCURRENCY: [usize; 4] = [1, 16, 64, 256];
const LASTS: Duration = Duration::from_secs(3);
const BRIEF: Duration = Duration::from_millis(200);
/// About as long as a commit with a message, in bytes.
const PAYLOAD_BYTES: usize = 700;

/// Publishes to a server that syncs, and to one that does not.
pub async fn run(options: &Options) -> io::Result<Section> {
    let began = Instant::now();
    let payload = [Bytes::from(vec![b'x'; PAYLOAD_BYTES])];
    let (mut rows, mut text) = (Vec::new(), String::new());
    text.push_str("| on their way | sync | appends/s | p50 ms | p99 ms |\n|---|---|---|---|---|\n");
    for sync in ["always", "os"] {
        let nats = if sync == "always" { NatsServer::sync_always().await } else { NatsServer::start().await };
        for concurrency in CONCURRENCY {
            let raw = raw_publish(&nats.url(), &payload, concurrency, options.pick(LASTS, BRIEF)).await?;
            let [p50, p99] = [50, 99].map(|percent| shown(ms(raw.times.percentile(percent))));
            // Writing to a `String` cannot fail.
            writeln!(text, "| {concurrency} | {sync} | {} | {p50} | {p99} |", shown(raw.per_s)).ok();
            if concurrency == 1 || concurrency == 256 {
                let name = format!("raw appends, {concurrency} on their way, sync {sync}");
                rows.push(Row::new(name, raw.per_s, "appends/s", sync));
            }
        }
    }
    let mut section = options.section("limits", "The limits of the log", began);
    let lead = format!(
        "Single publishes of {PAYLOAD_BYTES} bytes to a stream on file, each acknowledged by itself, one connection."
    );
    (section.rows, section.text) = (rows, format!("{lead}\n\n{text}"));
    Ok(section)
}
