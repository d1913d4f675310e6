//! The trace through the real webhook: throughput, times, CPU, disk, and the four counters.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::counts::{self, Counters};
use crate::limits::{Raw, raw_publish};
use crate::load::{self, Measured, Pace, Part};
use crate::measure::ms;
use crate::parts::Options;
use crate::report::{Row, Section, Target, shown};
use crate::rig::{Disk, Rig};

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const RATES: [u32; 2] = [400, 2_000];
/// How long each loop lasts, and each look at the limit before and after it.
const CLOSED: Duration = Duration::from_secs(12);
const OPEN: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(4);
const PROFILED: Duration = Duration::from_secs(6);
/// In the short form.
const BRIEF: Duration = Duration::from_millis(1_500);
const BRIEF_LIMIT: Duration = Duration::from_millis(300);
/// Lines a second that are prepared for a closed loop, each client together: more than it can hand in.
const LINES_PER_S: u64 = 14_000;
const BRIEF_LINES_PER_S: u64 = 4_000;
const LINES_PER_CLIENT_S: u64 = 700;
/// Factors of the targets.
const P99_FACTOR: f64 = 40.0;
const DISK_FACTOR: f64 = 4.0;

/// A measurement and the limit around it.
struct Beside {
    measured: Measured,
    /// At the same concurrency; of an open loop: one at a time.
    raw: Raw,
    rss: (u64, u64),
}

/// Runs all loops on one broker.
pub async fn run(options: &Options) -> io::Result<(Section, Counters)> {
    let began = Instant::now();
    let rig = Rig::start(&[]).await;
    let (fresh, mut all) = (rig.disk(), Vec::new());
    let lasts = |full: Duration| options.pick(full, BRIEF);
    let warm = part(options, Pace::Closed(16), lasts(WARM_UP), 1);
    let warm = load::run(&rig, warm).await?;
    let samples = warm.samples.clone();
    let mut done = Vec::new();
    for (nth, pace) in paces(options.short).into_iter().enumerate() {
        let lasts = match pace {
            Pace::Closed(_) => lasts(CLOSED),
            Pace::Open(_) => lasts(OPEN),
        };
        let part = part(options, pace, lasts, nth as u64 + 2);
        let beside = beside(options, &rig, &samples, part).await?;
        tell(&beside);
        done.push(beside);
    }
    all.push(warm);
    let pictures = profiled(options, &rig, done.len() as u64 + 2, &mut all).await?;
    let disk = rig.disk().since(fresh);
    all.extend(done.iter().map(|beside| beside.measured.clone()));
    let (counters, read) = counts::count(&rig.nats.url(), &all).await.map_err(io::Error::other)?;
    let payload: u64 = all.iter().map(|measured| measured.payload_bytes).sum();

    let title = "The trace through the webhook";
    let mut section = options.section("trace", title, began);
    section.rows = rows(&done, options);
    let disk_row = disk_row(disk, payload, read.messages);
    section.rows.push(if options.short { Row { target: None, ..disk_row } } else { disk_row });
    section.rows.extend(counter_rows(counters));
    section.text = text(&done, &all, disk, read, payload) + &pictures;
    Ok((section, counters))
}

/// One more loop while both servers are sampled: samples cost time, so no figure is taken from it but the counters.
async fn profiled(options: &Options, rig: &Rig, nth: u64, all: &mut Vec<Measured>) -> io::Result<String> {
    if options.profile.is_none() {
        return Ok(String::new());
    }
    let broker = options.record("trace", rig.broker.pid());
    let nats = options.record("nats-server", rig.nats.pid().unwrap_or_default());
    let part = part(options, Pace::Closed(64), options.pick(PROFILED, BRIEF), nth);
    all.push(load::run(rig, part).await?);
    let nats = options.drawn("nats-server", "nats-server, 64 clients", nats)?;
    Ok(options.drawn("trace", "the broker (webhook, intake, views), 64 clients", broker)? + &nats)
}

/// All of it, or one of each.
fn paces(short: bool) -> Vec<Pace> {
    if short {
        return vec![Pace::Closed(16), Pace::Open(RATES[0] / 4)];
    }
    CLIENTS.map(Pace::Closed).into_iter().chain(RATES.map(Pace::Open)).collect()
}

fn part(options: &Options, pace: Pace, lasts: Duration, number: u64) -> Part {
    let per_s = match pace {
        Pace::Closed(clients) => options.pick(LINES_PER_S, BRIEF_LINES_PER_S).min(clients as u64 * LINES_PER_CLIENT_S),
        Pace::Open(per_s) => u64::from(per_s),
    };
    let lines = per_s * lasts.as_millis() as u64 / 1_000 + 1;
    Part { pace, lasts, seed: options.seed, number, lines }
}

/// The limit, the measurement, the limit again: what the machine does beside it meets both.
async fn beside(options: &Options, rig: &Rig, samples: &[Bytes], part: Part) -> io::Result<Beside> {
    let concurrency = match part.pace {
        Pace::Closed(clients) => clients,
        Pace::Open(_) => 1,
    };
    let lasts = options.pick(LIMIT, BRIEF_LIMIT);
    let url = rig.nats.url();
    let before = raw_publish(&url, samples, concurrency, lasts).await?;
    let measured = load::run(rig, part).await?;
    let rss = rig.rss();
    let after = raw_publish(&url, samples, concurrency, lasts).await?;
    let mut times = before.times;
    times.extend(&after.times);
    let raw = Raw { concurrency, per_s: f64::midpoint(before.per_s, after.per_s), times };
    Ok(Beside { measured, raw, rss })
}

fn name(pace: Pace) -> String {
    match pace {
        Pace::Closed(1) => "closed loop, 1 client".to_owned(),
        Pace::Closed(clients) => format!("closed loop, {clients} clients"),
        Pace::Open(per_s) => format!("open loop, {}/s", shown(f64::from(per_s))),
    }
}

fn rows(done: &[Beside], options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for Beside { measured, raw, .. } in done {
        let name = name(measured.part.pace);
        match measured.part.pace {
            Pace::Closed(clients) => {
                let against = format!("raw appends, {clients} on their way");
                let row =
                    Row::new(format!("webhook to visible, {name}"), measured.visible_per_s, "messages/s", "always");
                let row = row.against(raw.per_s, &against);
                rows.push(match clients {
                    256 => row.should(Target::RatioAtLeast(1.6)),
                    64 => row.should(Target::RatioAtLeast(0.8)),
                    _ => row,
                });
            }
            Pace::Open(per_s) => {
                let row = Row::new(
                    format!("webhook to visible p99, {name}"),
                    ms(measured.times.percentile(99)),
                    "ms",
                    "always",
                );
                let row = row.against(ms(raw.times.percentile(50)), "p50 of one raw append, in turn");
                rows.push(if per_s == RATES[0] { row.should(Target::RatioAtMost(P99_FACTOR)) } else { row });
            }
        }
    }
    if options.short {
        for row in &mut rows {
            row.target = None;
        }
    }
    rows
}

fn disk_row(disk: Disk, payload: u64, messages: u64) -> Row {
    let each = |bytes: u64| bytes as f64 / messages.max(1) as f64;
    Row::new("bytes on disk a message", each(disk.counted()), "bytes", "always")
        .against(each(payload), "its raw payload")
        .should(Target::RatioAtMost(DISK_FACTOR))
}

fn counter_rows(counters: Counters) -> [Row; 4] {
    let row = |name: &str, count: u64| Row::new(name, count as f64, "", "always").should(Target::ValueAtMost(0.0));
    [
        row("lost", counters.lost),
        row("duplicated", counters.duplicated),
        row("mis-ordered", counters.misordered),
        row("double-assigned", counters.double_assigned),
    ]
}

fn text(done: &[Beside], all: &[Measured], disk: Disk, read: counts::Read, payload: u64) -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n| loop | messages/s | posts/s | p50 ms | p99 ms | p99.9 ms | answer p50 ms | answer p99 ms | refused |\n|---|---|---|---|---|---|---|---|---|\n");
    for Beside { measured, .. } in done {
        let time = |permille: usize| shown(ms(measured.times.permille(permille)));
        let answer = |percent: usize| shown(ms(measured.answers.percentile(percent)));
        // Writing to a `String` cannot fail.
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            name(measured.part.pace),
            shown(measured.visible_per_s),
            shown(measured.posts_per_s),
            time(500),
            time(990),
            time(999),
            answer(50),
            answer(99),
            measured.refused
        )
        .ok();
    }
    text.push_str("\nCPU a visible message, and memory at the end of each loop:\n\n| loop | broker µs | nats-server µs | load generator µs | cores busy | broker MB | nats-server MB | raw appends/s | raw p50 ms |\n|---|---|---|---|---|---|---|---|---|\n");
    for beside in done {
        writeln!(text, "{}", usage_line(beside)).ok();
    }
    let each = |bytes: u64| shown(bytes as f64 / read.messages.max(1) as f64);
    writeln!(
        text,
        "\nBytes on disk a message: intake {}, events {}, decision store {}, views {}; beside the target: topics and other streams {}. Raw payload {}, \
         duplicates and statuses with it.\nOn the log: {} commits, {} messages, {} conversations, {} claims won of {} that two agents raced for; pages of the inbox asked for: {}, answered with an error: {}.",
        each(disk.intake),
        each(disk.events),
        each(disk.decision),
        each(disk.views),
        each(disk.other),
        each(payload),
        shown(read.commits as f64),
        shown(read.messages as f64),
        shown(read.conversations as f64),
        read.claims,
        all.iter().map(|measured| measured.counted.raced).sum::<u64>(),
        shown(all.iter().map(|measured| measured.counted.asked).sum::<u64>() as f64),
        all.iter().map(|measured| measured.counted.refused).sum::<u64>(),
    )
    .ok();
    text
}

const INTRODUCTION: &str = "\
A real `relevo serve` (demo workspace, defaults otherwise) and a real nats-server that syncs each write before it acknowledges it share the machine
with the load generator. The trace is seeded: 70 % WhatsApp (one in seven by Twilio), 30 % mail; 10 % of the lines are statuses; 5 % of
the messages come twice and 5 % late; a customer writes 8 messages on average. Closed loop: a client posts a line, waits until it is visible (a duplicate or a status: until it is
answered) and takes the next; all that one customer writes goes through one client. Open loop: a time begins when the line was due.

*Visible* is: the first answer to `ListConversations` that says a position at or after the message's commit, when its reader has it. One
reader asks without end, at most every 2 ms, for the first page at a position beyond its last one; at which sequence a message stands
is heard from the events stream. Only messages count, each once; duplicates and statuses cost what they cost. Both lookers are part of
the load generator. The limit: the same bodies and commits published raw to a stream of the same server, as many on their way as
there are clients, before and after each loop.
";

fn usage_line(Beside { measured, raw, rss }: &Beside) -> String {
    let cpu = measured.cpu;
    let each = |seconds: f64| shown(seconds * 1e6 / measured.messages.max(1) as f64);
    let counted = measured.part.lasts.as_secs_f64() * 0.8;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        name(measured.part.pace),
        each(cpu.broker),
        each(cpu.nats),
        each(cpu.generator),
        shown((cpu.broker + cpu.nats + cpu.generator) / counted),
        rss.0 >> 20,
        rss.1 >> 20,
        shown(raw.per_s),
        shown(ms(raw.times.percentile(50)))
    )
}

/// A line for whoever waits for the run.
fn tell(Beside { measured, raw, .. }: &Beside) {
    crate::tell(&format!(
        "{}: {} messages/s visible (raw {}/s), p50 {} ms, p99 {} ms",
        name(measured.part.pace),
        shown(measured.visible_per_s),
        shown(raw.per_s),
        shown(ms(measured.times.percentile(50))),
        shown(ms(measured.times.percentile(99)))
    ));
}
