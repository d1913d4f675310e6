//! What a million conversations cost in memory: the broker's, and nats-server's by its subjects.
//!
//! The log is filled with made-up commits, published raw, as the codec stores them, to a server that does not sync; then the server is
//! started again with syncing, as it is in production, and a broker builds its views.

use std::io;
use std::time::{Duration, Instant};

use relevo_eventlog::{Connection, Options as LogOptions, codec, subject};
use relevo_proto::query::v1 as query;
use relevo_testkit::NatsServer;
use relevo_tests::{Client, eventually_within};
use serde_json::json;

use crate::parts::Options;
use crate::procs::{rss_file, rss_peak};
use crate::report::{Row, Section, Target, shown};
use crate::rig::Rig;
use crate::wire::Wire;
use crate::world::World;

/// Publishes that are on their way while the log is filled.
const FILL_AT_ONCE: u64 = 1_024;
/// How long the views may take to be built.
const BUILT_WITHIN: Duration = Duration::from_mins(45);
/// Pages that are read before memory is looked at, so that caches are as warm as in use.
const PAGES: usize = 200;
const BROKER_MB: f64 = 300.0;
/// What nats-server needs for a subject, as it was first measured, in bytes.
const SUBJECT_BYTES: f64 = 325.0;
const NATS_FACTOR: f64 = 2.0;
const TELL_EVERY: u64 = 400_000;

/// What is due in the made-up past would come to pass at once, and fill the log with what nobody measures.
const QUIET: [(&str, &str); 3] =
    [("RELEVO__TIMERS__ENABLED", "false"), ("RELEVO__TOPICS__PUBLISH", "false"), ("RELEVO__BOTS__ENABLED", "false")];

/// Bytes of broker and nats-server.
type Resident = (u64, u64);

/// What was looked at, in this order.
struct Seen {
    /// As soon as the views were built, and how long that took.
    built: Resident,
    build: Duration,
    /// Once the broker had nothing left to merge, and had read pages.
    warm: Resident,
    /// The most that the broker had until then.
    peak: u64,
    /// The same broker, started again over its views, after the same pages.
    again: Resident,
    /// Of the broker's, what is the program itself.
    program: u64,
}

/// Fills, builds, reads, and looks.
pub async fn run(options: &Options) -> io::Result<Section> {
    let began = Instant::now();
    let mut nats = NatsServer::start().await;
    // Makes the streams as the product has them.
    drop(Connection::connect(LogOptions::new(nats.url())).await.map_err(io::Error::other)?);
    let world = World::new(options.conversations, 0);
    fill(&nats.url(), &world).await?;
    let filled = began.elapsed();
    crate::tell(&format!("log of {} commits filled, {:.0} s", world.past(), filled.as_secs_f64()));
    nats.set_sync_always(true);
    nats.restart_in_order().await;
    let started = Instant::now();
    let mut rig = Rig::over(nats, &QUIET).await;
    let seen = look(&mut rig, started, options).await;
    let subjects = subjects(&rig.nats.url()).await?;

    let mut section = options.section("memory", "Memory", began);
    let broker = |when: &str, (bytes, _): Resident| {
        let row = Row::new(format!("memory of the broker, {when}"), mb(bytes), "MB", "always");
        if options.short { row } else { row.should(Target::ValueAtMost(BROKER_MB)) }
    };
    let server = seen.warm.1.max(seen.again.1);
    let server = Row::new("memory of nats-server", mb(server), "MB", "always")
        .against(subjects as f64 * SUBJECT_BYTES / 1e6, "325 bytes a subject");
    let server = if options.short { server } else { server.should(Target::RatioAtMost(NATS_FACTOR)) };
    section.rows = vec![broker("views just built", seen.warm), broker("started again", seen.again), server];
    section.text = format!(
        "{} conversations, {} commits, {} subjects. The log was filled in {:.0} s without syncing; the broker started over it and had \
         built all views after {:.0} s. Resident then: broker {:.0} MB (at most {:.0} MB until the pages were read), nats-server {:.0} MB. \
         What counts is \
         looked at once the broker rests and {PAGES} pages of 200 rows were read: after the building, and after it was stopped and started \
         again over its views. {:.0} MB of it are the program itself, mapped from its file; the caches of blocks and of rows may take 48 MB, \
         the appliers' rows 16 MB, and the inbox's columns take about 100 bytes a conversation. What the first figure has beyond the second \
         is what building leaves behind in the process. \
         Timers, topics and bots were off: what is due in the made-up past would otherwise come to pass at once.",
        shown(options.conversations as f64),
        shown(world.past() as f64),
        shown(subjects as f64),
        filled.as_secs_f64(),
        seen.build.as_secs_f64(),
        mb(seen.built.0),
        mb(seen.peak),
        mb(seen.built.1),
        mb(seen.program),
    );
    Ok(section)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

async fn look(rig: &mut Rig, started: Instant, options: &Options) -> Seen {
    built(&rig.client("admin"), options.conversations).await;
    let (build, built) = (started.elapsed(), rig.rss());
    let warm = at_rest(rig, options).await;
    let peak = rss_peak(rig.broker.pid());
    rig.broker.stop();
    rig.broker.restart().await;
    let again = at_rest(rig, options).await;
    Seen { built, build, warm, peak, again, program: rss_file(rig.broker.pid()) }
}

/// With caches as warm as in use, and nothing on its way to the disk.
async fn at_rest(rig: &Rig, options: &Options) -> Resident {
    options.rested(rig.broker.pid()).await;
    read(&rig.client("admin")).await;
    rig.rss()
}

/// Publishes every commit of the made-up past, many on their way.
async fn fill(url: &str, world: &World) -> io::Result<()> {
    let mut wire = Wire::connect(url).await?;
    wire.subscribe("_INBOX.fill").await?;
    let (mut out, mut stored, mut sent) = (Vec::new(), 0, 0);
    while stored < world.past() {
        out.clear();
        while sent < world.past() && sent < stored + FILL_AT_ONCE {
            sent += 1;
            let commit = world.commit(sent).commit;
            let (subject, payload) = (subject::entity(&commit.tenant, &commit.entity), codec::encode(&commit));
            out.extend_from_slice(format!("PUB {subject} _INBOX.fill {}\r\n", payload.len()).as_bytes());
            out.extend_from_slice(&payload);
            out.extend_from_slice(b"\r\n");
        }
        wire.send(&out).await?;
        let mut heard = Some(wire.next().await?);
        while let Some(ack) = heard {
            if ack.payload.windows(7).any(|seven| seven == b"\"error\"") {
                return Err(io::Error::other(String::from_utf8_lossy(&ack.payload).into_owned()));
            }
            stored += 1;
            if stored % TELL_EVERY == 0 {
                crate::tell(&format!("{stored} of {} commits on the log", world.past()));
            }
            heard = wire.waiting().await?;
        }
    }
    Ok(())
}

/// Waits until the inbox shows all of them.
async fn built(client: &Client, conversations: u64) {
    let request = query::ListConversationsRequest {
        filter: Some(query::ConversationFilter { statuses: (1..=4).collect(), ..query::ConversationFilter::default() }),
        page_size: 1,
        ..query::ListConversationsRequest::default()
    };
    eventually_within("the views are built", BUILT_WITHIN, async || {
        let page = client.inbox().list_conversations(client.request(request.clone())).await.ok()?.into_inner();
        (page.total == conversations).then_some(())
    })
    .await;
}

/// Reads what a desk reads.
async fn read(client: &Client) {
    let mut page_token = String::new();
    for _page in 0..PAGES {
        let request = query::ListConversationsRequest {
            page_size: 200,
            page_token: page_token.clone(),
            ..query::ListConversationsRequest::default()
        };
        let answer = client.inbox().list_conversations(client.request(request)).await;
        page_token = answer.map(|page| page.into_inner().next_page_token).unwrap_or_default();
    }
}

/// Subjects of the events stream.
async fn subjects(url: &str) -> io::Result<u64> {
    let answer = Wire::connect(url).await?.ask("$JS.API.STREAM.INFO.RELEVO_EVENTS", &json!({})).await?;
    Ok(answer["state"]["num_subjects"].as_u64().unwrap_or(0))
}
