//! Working through the raw stream: one durable consumer for all nodes, one active node at a time, handed out in order.
//!
//! The server pins one of the waiting clients and delivers to it alone until it stops pulling. That is a convenience, not a
//! lock: for a moment two workers may hold the same items, and the compare-and-set of the events log is what keeps that
//! harmless. An item is delivered again until it is acknowledged. Many are in hand at the same time; what comes again comes
//! behind its successors, so [`window`] puts everything back in order: an item is handed out after all before it were, and
//! acknowledged after all before it were. A message of several items is handed out item by item, and acknowledged when all of
//! them are done; if one of them is not, all of them come again.

mod delivery;
mod window;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, Info, PriorityPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Message};
use async_nats::subject::Subject;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::delivery::{Hand, InHand};
use self::window::Window;
use super::{IntakeLog, RawItem};
use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{Backoff, Which, leader_get};
use crate::streams::StreamName;
use crate::subject::INTAKE_PREFIX;

pub use self::delivery::Delivery;

const CONSUMER: &str = "relevo-intake";
const GROUP: &str = "active";
/// Messages that are delivered and not acknowledged: what a hundred POSTs in flight for each of a few fsyncs come to, each alone.
/// More would only make the wait after a failure longer.
pub const ITEMS_IN_FLIGHT_MAX: usize = 512;
/// Messages asked for at a time: each may hold many items, and what waits here longer than [`WorkerOptions::ack_wait`] is delivered
/// again for nothing.
const PULL_ITEMS: usize = 64;
/// Bytes asked for at a time: a message has up to 4 MiB, and two such requests may be under way.
const PULL_BYTES: usize = 8 * 1024 * 1024;
/// One active worker and its successors: more waiting pulls than nodes that anybody will run.
const WAITING_MAX: i64 = 64;
/// How often the server is told which items are being worked on.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// How often an idle worker pulls again, so that the server keeps it pinned.
const PULL_EXPIRES: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_millis(800);
/// After this long without any sign a worker starts over.
const SILENT_AFTER: Duration = Duration::from_secs(10);
/// An item counts as unreadable at this delivery: a replica of the object store that is behind has had its time by then.
const UNREADABLE_AT: u64 = 3;
/// Pause before an item that cannot be read is delivered again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(1);
/// How often a worker that waits for an item asks why it does not come.
const MISSING_ASKED_EVERY: Duration = Duration::from_secs(1);
/// After so many times the wait for an acknowledgement an item that does not come is passed over: the server delivers what
/// is not acknowledged after one. Its successors would wait for ever.
const MISSING_WAITS_MAX: u32 = 3;
/// Acknowledgements that are sent again on a new connection: what the old one may have swallowed.
const ACKS_REPEATED_MAX: usize = 2 * ITEMS_IN_FLIGHT_MAX;
/// How long a worker that stops waits for its last acknowledgements to leave.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// How quickly another worker takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// An item whose worker has not given a sign for this long is delivered again.
    pub ack_wait: Duration,
    /// A worker that has not pulled for this long loses its place. Longer than a pull.
    pub pin_timeout: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { ack_wait: Duration::from_secs(5), pin_timeout: Duration::from_secs(4) }
    }
}

/// How far the workers have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Every item up to this sequence was worked through.
    pub ack_floor: u64,
    /// Items that wait for delivery.
    pub pending: u64,
    /// Items that were delivered and are not acknowledged.
    pub in_flight: u64,
}

/// One node's part in working through the raw stream.
pub struct Worker {
    intake: IntakeLog,
    options: WorkerOptions,
    epoch: watch::Receiver<u64>,
    live: Option<(u64, pull::Stream)>,
    backoff: Backoff,
    hand: Arc<Hand>,
    /// Items of the last message that are not handed out yet.
    rest: VecDeque<Delivery>,
    /// When the consumer was made that the items in hand are of.
    created: Option<i128>,
    /// What is waited for, since when, and when the server was last asked about it.
    missing: Option<Missing>,
    _signs: Signs,
}

/// What a wait for an item ended with.
enum Event {
    Arrived(Box<Message>),
    Missing,
    /// A new connection, or silence. Waiting for one's turn is silent too: the server answers only the pinned client's heartbeat.
    StartOver,
    Broken(Option<String>),
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    asked: Instant,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Worker {
    pub(super) async fn start(intake: IntakeLog, options: WorkerOptions) -> Result<Self, LogError> {
        let epoch = intake.connection.shared.epoch.clone();
        let hand = Arc::new(Hand::new());
        let signs = Signs::start(&intake.connection, &hand);
        let (live, created, missing, backoff) = (None, None, None, Backoff::new());
        let rest = VecDeque::new();
        let mut worker = Self { intake, options, epoch, live, backoff, hand, rest, created, missing, _signs: signs };
        worker.live = Some(worker.open().await?);
        Ok(worker)
    }

    /// The next item, when it is this worker's turn: in the order of the stream, many at a time until they are acknowledged.
    /// Reconnects by itself, for ever. Safe to cancel: an item that was on its way is delivered again.
    pub async fn next(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.take() {
                (self.missing, self.backoff) = (None, Backoff::new());
                return delivery;
            }
            let Some((epoch, messages)) = &mut self.live else {
                match self.open().await {
                    Ok(live) => self.live = Some(live),
                    Err(error) => {
                        tracing::debug!(%error, "intake worker cannot start yet");
                        self.backoff.pause().await;
                    }
                }
                continue;
            };
            let started = *epoch;
            let missing = self.hand.state().window.missing();
            let ask = self.missing.filter(|known| missing == Some(known.sequence)).map(|known| known.asked);
            let ask = ask.map_or_else(Instant::now, |asked| asked + MISSING_ASKED_EVERY);
            let event = tokio::select! {
                biased;
                message = tokio::time::timeout(SILENT_AFTER, messages.next()) => match message {
                    Ok(Some(Ok(message))) => Event::Arrived(Box::new(message)),
                    Ok(other) => Event::Broken(other.and_then(Result::err).map(|error| error.to_string())),
                    Err(_silent) => Event::StartOver,
                },
                _ = self.epoch.wait_for(|now| *now != started) => Event::StartOver,
                () = tokio::time::sleep_until(ask), if missing.is_some() => Event::Missing,
            };
            match event {
                Event::Arrived(message) => self.accept(*message).await,
                Event::StartOver => self.live = None,
                Event::Missing => self.look_for_missing().await,
                Event::Broken(error) => {
                    tracing::debug!(error, "intake worker starts over");
                    self.live = None;
                    self.backoff.pause().await;
                }
            }
        }
    }

    /// Gives the place up at once, so that another worker need not wait for a time-out.
    pub async fn stop(mut self) {
        let shared = &self.intake.connection.shared;
        let acks = self.hand.state().window.acks();
        let leave = async {
            for reply in acks {
                shared.client.publish(reply, AckKind::Ack.into()).await.ok();
            }
            shared.client.flush().await.ok();
        };
        if tokio::time::timeout(STOP_WITHIN, leave).await.is_err() {
            tracing::debug!("what is not acknowledged is delivered again");
        }
        if self.live.take().is_none() {
            return;
        }
        let Ok(stream) = shared.context.get_stream_no_info(StreamName::Intake.as_str()).await else { return };
        if let Err(error) = stream.unpin_consumer(CONSUMER, GROUP).await {
            tracing::debug!(%error, "intake worker was not pinned");
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        loop {
            while let Some(delivery) = self.rest.pop_front() {
                // Those of a message that comes again come again.
                if delivery.message.counts() {
                    return Some(delivery);
                }
            }
            let (turn, generation) = {
                let mut state = self.hand.state();
                (state.window.take()?, state.generation)
            };
            self.rest.extend(InHand::deliveries(&self.hand, generation, turn));
        }
    }

    async fn open(&mut self) -> Result<(u64, pull::Stream), LogError> {
        let epoch = *self.epoch.borrow_and_update();
        let context = &self.intake.connection.shared.context;
        let unavailable = |error: String| LogError::Unavailable(error);
        // Also how an installation is upgraded whose consumer had one item in flight.
        let consumer: PullConsumer = context
            .create_consumer_on_stream(config(&self.intake.connection, self.options), StreamName::Intake.as_str())
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        self.go_on(&consumer.cached_info().clone());
        let messages = consumer
            .stream()
            .group(GROUP)
            .max_messages_per_batch(PULL_ITEMS)
            .max_bytes_per_batch(PULL_BYTES)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        Ok((epoch, messages))
    }

    /// Keeps what is in hand, if the server still knows it; gives everything up if it has another consumer or an older store.
    fn go_on(&mut self, info: &Info) {
        let created = info.created.unix_timestamp_nanos();
        let mut state = self.hand.state();
        let older = info.delivered.stream_sequence < state.window.floor();
        if self.created.replace(created) != Some(created) || older {
            state.generation += 1;
            state.window = Window::above(info.ack_floor.stream_sequence);
        }
    }

    async fn accept(&self, message: Message) {
        let Ok(info) = message.info() else { return };
        let (sequence, attempt) = (info.stream_sequence, u64::try_from(info.delivered).unwrap_or(1));
        let Some(reply) = message.reply.clone() else { return };
        let items = self.intake.items(sequence, &message.subject, message.headers.as_ref(), &message.payload).await;
        match items {
            Ok(items) => match items.as_slice() {
                [RawItem::Unreadable(unreadable)] if attempt < UNREADABLE_AT && unreadable.payload.is_empty() => {
                    tracing::warn!(sequence, reason = unreadable.reason, "raw item cannot be read and is tried again");
                }
                _ => {
                    self.hand.state().window.arrive(sequence, attempt, items, reply);
                    self.hand.done.notify_one();
                    return;
                }
            },
            Err(error) => tracing::warn!(sequence, %error, "raw item cannot be read yet"),
        }
        if let Err(error) = message.ack_with(AckKind::Nak(Some(UNREADABLE_PAUSE))).await {
            tracing::warn!(sequence, %error, "raw item will be delivered again");
        }
    }

    /// Asks why an item does not come whose successors are here: another worker has done it, it is not kept any more, or it is on
    /// its way and comes as soon as its former worker's time is over.
    async fn look_for_missing(&mut self) {
        let Some(sequence) = self.hand.state().window.missing() else { return };
        let now = Instant::now();
        let known = self.missing.filter(|known| known.sequence == sequence);
        let since = known.map_or(now, |known| known.since);
        self.missing = Some(Missing { sequence, since, asked: now });
        let shared = &self.intake.connection.shared;
        match info(&self.intake.connection).await {
            Ok(info) => self.hand.state().window.reached(info.ack_floor.stream_sequence),
            Err(error) => {
                tracing::debug!(%error, "intake worker cannot tell how far the others came");
                return;
            }
        }
        if self.hand.state().window.missing() != Some(sequence) {
            return;
        }
        let kept = Which::Next { subject: format!("{INTAKE_PREFIX}>"), from: sequence };
        let Ok(kept) = leader_get(&shared.context, StreamName::Intake.as_str(), &kept).await else { return };
        let first = kept.map_or(sequence, |message| message.sequence);
        let mut state = self.hand.state();
        if first > sequence {
            tracing::warn!(from = sequence, before = first, "raw items are gone and are passed over");
            state.window.pass(first);
        } else if now.duration_since(since) >= self.options.ack_wait * MISSING_WAITS_MAX {
            tracing::warn!(sequence, "raw item does not come and is passed over for now");
            state.window.pass(sequence + 1);
        }
    }
}

/// Sends acknowledgements and signs of life, until it is dropped.
struct Signs([JoinHandle<()>; 2]);

impl Signs {
    fn start(connection: &Connection, hand: &Arc<Hand>) -> Self {
        let acks = acknowledge(connection.clone(), Arc::clone(hand));
        let alive = keep_alive(connection.clone(), Arc::clone(hand));
        Self([tokio::spawn(acks), tokio::spawn(alive)])
    }
}

impl Drop for Signs {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
/// Acknowledges what is done, without waiting for the server's word: what gets lost is delivered again, and known then.
async fn acknowledge(connection: Connection, hand: Arc<Hand>) {
    let shared = &connection.shared;
    let mut epoch = shared.epoch.clone();
    epoch.mark_unchanged();
    let mut recent: VecDeque<Subject> = VecDeque::with_capacity(ACKS_REPEATED_MAX);
    loop {
        let reconnected = tokio::select! {
            () = hand.done.notified() => false,
            changed = epoch.changed() => {
                if changed.is_err() {
                    return;
                }
                true
            }
        };
        // What the old connection swallowed would leave holes among what is acknowledged.
        let again = if reconnected { recent.iter().cloned().collect() } else { Vec::new() };
        let acks = hand.state().window.acks();
        for reply in again.into_iter().chain(acks.iter().cloned()) {
            if shared.client.publish(reply, AckKind::Ack.into()).await.is_err() {
                return;
            }
        }
        for reply in acks {
            if recent.len() >= ACKS_REPEATED_MAX {
                recent.pop_front();
            }
            recent.push_back(reply);
        }
    }
}

/// Says what is being worked on, so that it is not delivered to another worker meanwhile.
async fn keep_alive(connection: Connection, hand: Arc<Hand>) {
    let mut tick = interval(KEEPALIVE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: BTreeSet<Subject> = BTreeSet::new();
    loop {
        tick.tick().await;
        let in_hand: BTreeSet<Subject> = hand.state().window.in_hand().into_iter().collect();
        // What came since the last time has its time still.
        for reply in in_hand.intersection(&before) {
            // A lost sign is made good by the next; if none arrives, the item goes to another worker, as it should.
            let payload: Bytes = AckKind::Progress.into();
            if connection.shared.client.publish(reply.clone(), payload).await.is_err() {
                return;
            }
        }
        before = in_hand;
    }
}

pub(super) async fn progress(connection: &Connection) -> Result<Progress, LogError> {
    let info = info(connection).await?;
    Ok(Progress {
        ack_floor: info.ack_floor.stream_sequence,
        pending: info.num_pending,
        in_flight: info.num_ack_pending as u64,
    })
}

async fn info(connection: &Connection) -> Result<Info, LogError> {
    let unavailable = |error: String| LogError::Unavailable(error);
    let context = &connection.shared.context;
    let stream: Stream<()> = context
        .get_stream_no_info(StreamName::Intake.as_str())
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    stream.consumer_info(CONSUMER).await.map_err(|error| unavailable(error.to_string()))
}

fn config(connection: &Connection, options: WorkerOptions) -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        max_ack_pending: i64::try_from(ITEMS_IN_FLIGHT_MAX).unwrap_or(i64::MAX),
        max_waiting: WAITING_MAX,
        num_replicas: connection.shared.options.replicas,
        priority_policy: PriorityPolicy::PinnedClient,
        priority_groups: vec![GROUP.to_owned()],
        priority_timeout: options.pin_timeout,
        ..pull::Config::default()
    }
}
