//! Who does not read: watches, a metric subscription and a bot's stream that take one message and then nothing, while a busy desk goes on.
//! Memory stays bounded, the others are not slowed, and who reads again is shown everything as it is.

use std::time::{Duration, SystemTime};

use relevo_proto::bot::v1 as bot;
use relevo_proto::bot::v1::bot_service_client::BotServiceClient;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::metrics_service_client::MetricsServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};

use super::Report;
use super::promises::Findings;
use crate::storm::{Plan, Storm, Until};
use crate::{Broker, Client};

/// What a client that does not read lets the server send of one stream, in bytes.
const WINDOW_BYTES: u32 = 4 << 10;
/// The broker may grow by so much in the storm, in bytes: caches fill; a queue for each that does not read would be more.
const GROWTH_MAX: u64 = 160 << 20;

/// The span of the metrics that are watched, before and behind now.
const SPAN: Duration = Duration::from_hours(1);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Storming {
    pub watchers: usize,
    pub stalled: usize,
    pub changes: u64,
    pub seed: u64,
}

/// Streams that stay open and are not read. What is in them is never looked at.
struct Unread {
    _metrics: Streaming<query::WatchMetricsResponse>,
    _bot: Streaming<bot::ConverseResponse>,
    _says: mpsc::Sender<bot::ConverseRequest>,
}

/// Runs it. Panics if somebody who reads missed something or the broker grew.
pub async fn run(storming: Storming) -> Report {
    let mut broker = Broker::start().await;
    let plan = Plan { watchers: storming.watchers, stalled: storming.stalled, seed: storming.seed };
    let storm = Storm::prepare(&broker, plan).await;
    let mut unread = Vec::new();
    for _ in 0..storming.stalled {
        unread.push(Unread::open(&broker).await);
    }
    let before = resident(broker.pid());
    Box::pin(storm.traffic.run(Until::Changes(storming.changes))).await;
    let grown = resident(broker.pid()).saturating_sub(before);
    assert!(grown < GROWTH_MAX, "{grown} bytes more while {} do not read", unread.len());
    drop(unread);
    let report = storm.finish().await;
    assert_eq!(report.missed.count, 0, "{:#?}", report.missed.named);
    let stalled = u64::try_from(storming.stalled).unwrap();
    assert_eq!(report.stalled_messages, stalled, "who does not read has got one message: {report:?}");
    assert!(report.messages > report.changes, "{report:?}");
    broker.stop();
    Report::of("slow consumers", 0, Findings::default())
}

impl Unread {
    async fn open(broker: &Broker) -> Self {
        let channel = Endpoint::from_shared(broker.grpc.clone()).unwrap().initial_stream_window_size(WINDOW_BYTES);
        let client = Client::over(channel.connect_lazy(), "relevo-demo-supervisor");
        let now = SystemTime::now();
        let selection = query::MetricsSelection {
            metrics: vec!["messages_in".to_owned(), "pauses".to_owned()],
            from: Some((now - SPAN).into()),
            to: Some((now + SPAN).into()),
            ..Default::default()
        };
        let watch = query::WatchMetricsRequest { selection: Some(selection), ..Default::default() };
        let metrics = MetricsServiceClient::new(client.channel()).watch_metrics(client.request(watch)).await.unwrap();
        let bot = Client::over(client.channel(), "relevo-demo-bot");
        let (says, receiver) = mpsc::channel(8);
        let hello = bot::converse_request::Message::Hello(bot::Hello::default());
        says.send(bot::ConverseRequest { message: Some(hello) }).await.unwrap();
        let mut request = Request::new(ReceiverStream::new(receiver));
        *request.metadata_mut() = bot.request(()).metadata().clone();
        let told = BotServiceClient::new(bot.channel()).converse(request).await.unwrap().into_inner();
        Self { _metrics: metrics.into_inner(), _bot: told, _says: says }
    }
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the broker runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
