//! Following a stream from a sequence, in order and without gaps, for ever.
//!
//! A consumer of our own on every (re)start, without acks: what was delivered last is known here and nowhere else. A new
//! connection, a missing heartbeat, a gap or a stall starts it over at the next sequence.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use futures::StreamExt as _;
use tokio::sync::watch;

use crate::connection::Connection;
use crate::log::LogError;
use crate::request::Backoff;
use crate::streams::StreamName;

/// How often an idle server must say that it is there; it is given up after two.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long one pull waits on the server for messages.
const PULL_EXPIRES: Duration = Duration::from_secs(20);
/// After this long without a message it is checked whether there are any.
const STALL_AFTER: Duration = Duration::from_secs(10);
/// How long the server keeps a consumer that nobody pulls from.
const INACTIVE_AFTER: Duration = Duration::from_secs(10);

/// A reader of one stream.
pub(crate) struct Follow {
    connection: Connection,
    stream: StreamName,
    /// The next sequence to hand out.
    next: u64,
    read_ahead: usize,
    epoch: watch::Receiver<u64>,
    live: Option<Live>,
    backoff: Backoff,
}

/// A consumer that delivers.
struct Live {
    messages: pull::Stream,
    delivered: u64,
    epoch: u64,
}

/// What one wait for a message ended with.
enum Event {
    Message(Box<jetstream::Message>),
    Broken(String),
    Reconnected,
    Silent,
}

impl Follow {
    pub(crate) fn new(connection: Connection, stream: StreamName, from: u64, read_ahead: usize) -> Self {
        let epoch = connection.shared.epoch.clone();
        Self { connection, stream, next: from.max(1), read_ahead, epoch, live: None, backoff: Backoff::new() }
    }

    /// The next message and its sequence. Waits until there is one.
    pub(crate) async fn next(&mut self) -> (u64, jetstream::Message) {
        loop {
            let Some(live) = &mut self.live else {
                self.live = match self.open().await {
                    Ok(live) => Some(live),
                    Err(error) => {
                        tracing::debug!(stream = self.stream.as_str(), %error, "reader cannot start yet");
                        self.backoff.pause().await;
                        None
                    }
                };
                continue;
            };
            match wait(live, &mut self.epoch).await {
                Event::Message(message) => {
                    if let Some(found) = self.accept(*message) {
                        return found;
                    }
                }
                Event::Reconnected => self.live = None,
                Event::Broken(reason) => {
                    tracing::debug!(stream = self.stream.as_str(), reason, "reader starts over");
                    self.live = None;
                    self.backoff.pause().await;
                }
                Event::Silent => {
                    if self.stalled().await {
                        tracing::warn!(
                            stream = self.stream.as_str(),
                            next = self.next,
                            "reader stalled; starting over"
                        );
                        self.live = None;
                    }
                }
            }
        }
    }

    async fn open(&mut self) -> Result<Live, LogError> {
        let epoch = *self.epoch.borrow_and_update();
        let unavailable = |error: String| LogError::Unavailable(error);
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.next },
            ack_policy: AckPolicy::None,
            inactive_threshold: INACTIVE_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer: PullConsumer = self
            .connection
            .shared
            .context
            .create_consumer_on_stream(config, self.stream.as_str())
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(self.read_ahead)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        Ok(Live { messages, delivered: 0, epoch })
    }

    /// Takes a message that is the consumer's next and not one that was handed out before.
    fn accept(&mut self, message: jetstream::Message) -> Option<(u64, jetstream::Message)> {
        let (consumer_sequence, sequence) = match message.info() {
            Ok(info) => (info.consumer_sequence, info.stream_sequence),
            Err(_foreign) => return None,
        };
        let live = self.live.as_mut()?;
        if consumer_sequence != live.delivered + 1 {
            tracing::debug!(stream = self.stream.as_str(), next = self.next, "delivery has a gap; reading it again");
            self.live = None;
            return None;
        }
        live.delivered = consumer_sequence;
        if sequence < self.next {
            return None;
        }
        self.next = sequence + 1;
        self.backoff.reset();
        Some((sequence, message))
    }

    /// Whether the stream has what this reader waits for.
    async fn stalled(&self) -> bool {
        match self.connection.shared.context.get_stream(self.stream.as_str()).await {
            Ok(stream) => stream.cached_info().state.last_sequence >= self.next,
            // The next heartbeat or reconnect will tell.
            Err(_away) => false,
        }
    }
}

async fn wait(live: &mut Live, epoch: &mut watch::Receiver<u64>) -> Event {
    let started = live.epoch;
    let reconnected = async {
        if epoch.wait_for(|now| *now != started).await.is_err() {
            // The client is closed; nothing will ever come, and nothing else is to be done.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        message = tokio::time::timeout(STALL_AFTER, live.messages.next()) => match message {
            Ok(Some(Ok(message))) => Event::Message(Box::new(message)),
            Ok(Some(Err(error))) => Event::Broken(error.to_string()),
            Ok(None) => Event::Broken("delivery ended".to_owned()),
            Err(_elapsed) => Event::Silent,
        },
        () = reconnected => Event::Reconnected,
    }
}
