//! How long `PauseBot` takes while 400 messages a second come in, next to one raw append.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use relevo_testkit::NatsServer;
use relevo_tests::pausing::{Plan, percentile, run as pause};

use crate::limits::raw_publish;
use crate::measure::ms;
use crate::parts::Options;
use crate::report::{Row, Section, Target, shown};

const PER_SECOND: u32 = 400;
const PAUSES: usize = 600;
const BRIEF_PER_SECOND: u32 = 50;
const BRIEF_PAUSES: usize = 20;
const LIMIT: Duration = Duration::from_secs(3);
const BRIEF_LIMIT: Duration = Duration::from_millis(200);
/// About as long as a pause's commit, in bytes.
const PAYLOAD_BYTES: usize = 350;
const FACTOR: f64 = 25.0;

/// Pauses conversations while customers write.
pub async fn run(options: &Options) -> io::Result<Section> {
    let began = Instant::now();
    let payload = [Bytes::from(vec![b'x'; PAYLOAD_BYTES])];
    let limit = async || {
        let nats = NatsServer::sync_always().await;
        raw_publish(&nats.url(), &payload, 1, options.pick(LIMIT, BRIEF_LIMIT)).await
    };
    let mut raw = limit().await?.times;
    let per_second = options.pick(PER_SECOND, BRIEF_PER_SECOND);
    let measured = pause(Plan { per_second, pauses: options.pick(PAUSES, BRIEF_PAUSES) }).await;
    raw.extend(&limit().await?.times);
    let mut section = options.section("pausing", "A pause while customers write", began);
    let row =
        Row::new(format!("PauseBot p99 under {per_second}/s"), ms(percentile(&measured.pauses, 99)), "ms", "always");
    let row = row.against(ms(raw.percentile(50)), "p50 of one raw append, in turn");
    section.rows = vec![if options.short { row } else { row.should(Target::RatioAtMost(FACTOR)) }];
    section.text = format!(
        "{} conversations paused, one every 40 ms, while the broker took {}/s ({} messages found no free connection). `PauseBot`: p50 {} ms, p99 {} ms. \
         An append by Relevo's own client under compare-and-set in the same moments: p50 {} ms, p99 {} ms.",
        measured.pauses.len(),
        shown(measured.per_second),
        measured.late,
        shown(ms(percentile(&measured.pauses, 50))),
        shown(ms(percentile(&measured.pauses, 99))),
        shown(ms(percentile(&measured.appends, 50))),
        shown(ms(percentile(&measured.appends, 99))),
    );
    Ok(section)
}
