//! Working through the raw stream: one durable consumer for all nodes, one active node at a time, strictly in order.
//!
//! The server pins one of the waiting clients and delivers to it alone until it stops pulling. That is a convenience, not a
//! lock: for a moment two workers may hold the same item, and the compare-and-set of the events log is what keeps that
//! harmless. An item is delivered again until it is acknowledged, and nothing behind it is delivered before.

use std::fmt;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PriorityPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{IntakeLog, RawItem};
use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{Backoff, ask};
use crate::streams::StreamName;

const CONSUMER: &str = "relevo-intake";
const GROUP: &str = "active";
/// One: a second item in flight would overtake the first when that is delivered again.
const IN_FLIGHT_MAX: i64 = 1;
/// One active worker and its successors: more waiting pulls than nodes that anybody will run.
const WAITING_MAX: i64 = 64;
/// How often a held item tells the server that it is being worked on.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// How often an idle worker pulls again, so that the server keeps it pinned.
const PULL_EXPIRES: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_millis(800);
/// After this long without any sign a worker starts over.
const SILENT_AFTER: Duration = Duration::from_secs(10);
/// How long an acknowledgement is sent again and again before it counts as lost; shorter than the wait for it.
const ACK_DEADLINE: Duration = Duration::from_secs(3);
/// How long one attempt of it waits for the server's word.
const ACK_ATTEMPT: Duration = Duration::from_secs(1);
/// An item counts as unreadable at this delivery: a replica of the object store that is behind has had its time by then.
const UNREADABLE_AT: u64 = 3;
/// Pause before an item that cannot be read is delivered again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(1);

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
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("options", &self.options).finish_non_exhaustive()
    }
}

/// An item to work on. Dropped without an answer, it is delivered again.
pub struct Delivery {
    pub item: RawItem,
    /// How often it was delivered, this time included.
    pub attempt: u64,
    message: Message,
    keepalive: Keepalive,
    connection: Connection,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("item", &self.item).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl Worker {
    pub(super) async fn start(intake: IntakeLog, options: WorkerOptions) -> Result<Self, LogError> {
        let epoch = intake.connection.shared.epoch.clone();
        let mut worker = Self { intake, options, epoch, live: None, backoff: Backoff::new() };
        worker.live = Some(worker.open().await?);
        Ok(worker)
    }

    /// The next item, when it is this worker's turn. Reconnects by itself, for ever. Safe to cancel: an item that was on its way
    /// is delivered again.
    pub async fn next(&mut self) -> Delivery {
        loop {
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
            let message = tokio::select! {
                biased;
                message = tokio::time::timeout(SILENT_AFTER, messages.next()) => message,
                _ = self.epoch.wait_for(|now| *now != started) => {
                    self.live = None;
                    continue;
                }
            };
            match message {
                Ok(Some(Ok(message))) => {
                    if let Some(delivery) = self.accept(message).await {
                        self.backoff.reset();
                        return delivery;
                    }
                }
                // Waiting for its turn is silent too: the server answers only the pinned client's heartbeat.
                Err(_silent) => self.live = None,
                Ok(other) => {
                    tracing::debug!(error = ?other.and_then(Result::err), "intake worker starts over");
                    self.live = None;
                    self.backoff.pause().await;
                }
            }
        }
    }

    /// Gives the place up at once, so that another worker need not wait for a time-out.
    pub async fn stop(mut self) {
        if self.live.take().is_none() {
            return;
        }
        let context = &self.intake.connection.shared.context;
        let Ok(stream) = context.get_stream_no_info(StreamName::Intake.as_str()).await else { return };
        if let Err(error) = stream.unpin_consumer(CONSUMER, GROUP).await {
            tracing::debug!(%error, "intake worker was not pinned");
        }
    }

    async fn open(&mut self) -> Result<(u64, pull::Stream), LogError> {
        let epoch = *self.epoch.borrow_and_update();
        let context = &self.intake.connection.shared.context;
        let unavailable = |error: String| LogError::Unavailable(error);
        let consumer: PullConsumer = context
            .create_consumer_on_stream(config(&self.intake.connection, self.options), StreamName::Intake.as_str())
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let messages = consumer
            .stream()
            .group(GROUP)
            .max_messages_per_batch(1)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        Ok((epoch, messages))
    }

    async fn accept(&self, message: Message) -> Option<Delivery> {
        let (sequence, attempt) = match message.info() {
            Ok(info) => (info.stream_sequence, u64::try_from(info.delivered).unwrap_or(1)),
            Err(_foreign) => return None,
        };
        let keepalive = Keepalive::start(&self.intake.connection, &message);
        let item = self.intake.item(sequence, &message.subject, message.headers.as_ref(), &message.payload).await;
        match item {
            Ok(RawItem::Unreadable(unreadable)) if attempt < UNREADABLE_AT && unreadable.payload.is_empty() => {
                tracing::warn!(sequence, reason = unreadable.reason, "raw item cannot be read and is tried again");
            }
            Ok(item) => {
                let connection = self.intake.connection.clone();
                return Some(Delivery { item, attempt, message, keepalive, connection });
            }
            Err(error) => tracing::warn!(sequence, %error, "raw item cannot be read yet"),
        }
        keepalive.stop();
        if let Err(error) = message.ack_with(AckKind::Nak(Some(UNREADABLE_PAUSE))).await {
            tracing::warn!(sequence, %error, "raw item will be delivered again");
        }
        None
    }
}

impl Delivery {
    /// The item is done. Waits until the server has said so; an error means that it may be delivered again.
    pub async fn ack(self) -> Result<(), LogError> {
        self.answer(AckKind::Ack).await
    }

    /// The item is to be delivered again after `delay`; nothing behind it is delivered before.
    pub async fn nak(self, delay: Duration) -> Result<(), LogError> {
        self.keepalive.stop();
        self.answer(AckKind::Nak(Some(delay))).await
    }

    async fn answer(&self, kind: AckKind) -> Result<(), LogError> {
        let lost = || LogError::Unavailable("the server did not confirm the acknowledgement".to_owned());
        let subject = self.message.reply.as_ref().ok_or_else(lost)?;
        let payload: Bytes = kind.into();
        let deadline = Instant::now() + ACK_DEADLINE;
        let mut backoff = Backoff::new();
        loop {
            let reply = ask(&self.connection, subject, HeaderMap::new(), payload.clone(), ACK_ATTEMPT).await;
            if matches!(reply, Some(Ok(_))) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(lost());
            }
            backoff.pause().await;
        }
    }
}

/// Says that an item is being worked on, until it is dropped.
struct Keepalive(JoinHandle<()>);

impl Keepalive {
    fn start(connection: &Connection, message: &Message) -> Self {
        let client = connection.shared.client.clone();
        let reply = message.reply.clone();
        Self(tokio::spawn(async move {
            let Some(reply) = reply else { return };
            loop {
                tokio::time::sleep(KEEPALIVE).await;
                // A lost sign is made good by the next; if none arrives, the item goes to another worker, as it should.
                if client.publish(reply.clone(), AckKind::Progress.into()).await.is_err() {
                    return;
                }
            }
        }))
    }

    fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Keepalive {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(super) async fn progress(connection: &Connection) -> Result<Progress, LogError> {
    let unavailable = |error: String| LogError::Unavailable(error);
    let context = &connection.shared.context;
    let stream = context
        .get_stream_no_info(StreamName::Intake.as_str())
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    let info = stream.consumer_info(CONSUMER).await.map_err(|error| unavailable(error.to_string()))?;
    Ok(Progress {
        ack_floor: info.ack_floor.stream_sequence,
        pending: info.num_pending,
        in_flight: info.num_ack_pending as u64,
    })
}

fn config(connection: &Connection, options: WorkerOptions) -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        max_ack_pending: IN_FLIGHT_MAX,
        max_waiting: WAITING_MAX,
        num_replicas: connection.shared.options.replicas,
        priority_policy: PriorityPolicy::PinnedClient,
        priority_groups: vec![GROUP.to_owned()],
        priority_timeout: options.pin_timeout,
        ..pull::Config::default()
    }
}
