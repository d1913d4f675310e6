//! Follows the metrics view and appends what is new to the topics, on every node at once.
//!
//! Facts are read from a snapshot of the view, so that nothing is published that the view does not show. Each append is conditional
//! on the topic's last message; a node that is not the quickest reads that message and goes on after it. So kills, rebuilds and
//! further nodes add nothing. A log that is away costs nobody anything: the facts wait in the view.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use relevo_domain::{Position, TenantId, Timestamp};
use relevo_eventlog::{Appended, CloudEvent, Log, LogError, TOPIC_BATCH_MAX};
use relevo_projection::row::ReadError;
use relevo_projection::{View, ViewError, ViewSnapshot};
use relevo_projector_metrics::{DEFINITIONS, Head, MetricFact, facts_after, heads};
use relevo_readstore::StoreError;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::checkpoint::Checkpoints;
use super::event;
use super::line::{Foreign, Line, Next};
use super::mark::Mark;
use super::port::TopicLog;
use super::series::Series;

/// How long changes of the view are gathered, so that a busy minute is a few appends and not hundreds.
const GATHER: Duration = Duration::from_millis(100);
/// The view is looked at this often when nothing says that it has changed: its state may have.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Pauses after a round that achieved nothing: they double, with jitter.
const BACKOFF_FIRST: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Publishes the facts of one view.
pub(crate) struct Publisher {
    view: Arc<View>,
    log: Arc<dyn Log>,
    topics: Arc<dyn TopicLog>,
    checkpoints: Checkpoints,
    series: Series,
    lines: HashMap<(TenantId, &'static str), Line>,
    /// Topics that could not be published to in the last round.
    stuck: HashSet<(TenantId, &'static str)>,
    /// When the stream of the topics was made; absent until it was asked.
    stream_made: Option<Timestamp>,
    /// Which history of events the view is folded from; absent until the log was asked.
    history: Option<String>,
    /// Every fact up to here is on its topic.
    published: Position,
    /// Whether the last round failed as a whole.
    waiting: bool,
}

/// What came of looking at every topic once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Every fact of the snapshot is on its topic.
    Done,
    /// There is more to publish.
    More,
    /// Somebody else was quicker, or an outcome is unknown: the last messages have to be read.
    Again,
    /// Some topics cannot be published to.
    Stuck,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error("metrics view cannot be read: {0}")]
    Rows(#[from] ReadError),
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Foreign(#[from] Foreign),
    #[error("fact cannot be written: {0}")]
    Fact(#[from] serde_json::Error),
}

impl Publisher {
    pub(crate) fn new(
        view: Arc<View>,
        log: Arc<dyn Log>,
        topics: Arc<dyn TopicLog>,
        checkpoints: Checkpoints,
        series: Series,
    ) -> Self {
        Self {
            view,
            log,
            topics,
            checkpoints,
            series,
            lines: HashMap::new(),
            stuck: HashSet::new(),
            stream_made: None,
            history: None,
            published: Position::START,
            waiting: false,
        }
    }

    /// Publishes until it is told to end.
    pub(crate) async fn run(mut self, token: CancellationToken) {
        token.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        let mut changes = self.view.changes();
        let mut backoff = BACKOFF_FIRST;
        loop {
            let round = self.round().await;
            self.tell(&round);
            match round {
                Ok(Round::More) => backoff = BACKOFF_FIRST,
                Ok(Round::Done) => {
                    backoff = BACKOFF_FIRST;
                    // A change, a lag and an end are all the same here: the view is looked at again.
                    if timeout(IDLE_MAX, changes.recv()).await.is_ok() {
                        sleep(GATHER).await;
                        changes = changes.resubscribe();
                    }
                }
                Ok(Round::Again | Round::Stuck) | Err(_) => {
                    sleep(jittered(backoff)).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// Looks at every topic once.
    async fn round(&mut self) -> Result<Round, PublishError> {
        let snapshot = self.view.snapshot()?;
        if snapshot.version() != relevo_projector_metrics::VERSION {
            // Rows of an older layout, until the new version is built.
            return Ok(Round::Stuck);
        }
        let mut round = Round::Done;
        let mut stuck = HashSet::new();
        for head in heads(&snapshot)? {
            let outcome = match self.topic(&snapshot, &head).await {
                Err(PublishError::Log(LogError::Unavailable(reason))) => {
                    return Err(LogError::Unavailable(reason).into());
                }
                Ok(outcome) => outcome,
                // The other topics are not its concern; it is tried again later.
                Err(error) => {
                    let topic = (head.tenant.clone(), head.metric);
                    if !self.stuck.contains(&topic) {
                        tracing::error!(tenant = %head.tenant, metric = head.metric, %error, "metric topic is stuck");
                    }
                    stuck.insert(topic);
                    Round::Stuck
                }
            };
            round = round.worse(outcome);
        }
        self.series.stuck.set(i64::try_from(stuck.len()).unwrap_or(i64::MAX));
        self.stuck = stuck;
        if round == Round::Done {
            self.published = snapshot.position();
        }
        Ok(round)
    }

    /// Appends the next facts of one topic. Whatever fails forgets what was known of it: its last message is read again.
    async fn topic(&mut self, snapshot: &ViewSnapshot, head: &Head) -> Result<Round, PublishError> {
        let Some(definition) = DEFINITIONS.iter().find(|definition| definition.name == head.metric) else {
            return Ok(Round::Done);
        };
        let newest = Mark { version: definition.version, place: head.last };
        let mut line = self.line(head).await?;
        let mut round = Round::Done;
        if !line.reached(newest) {
            let expected = match line.expected() {
                Some(expected) => expected,
                None => self.learn(&mut line).await?,
            };
            if let Next::After(after) = line.next(definition.version) {
                let facts = facts_after(snapshot, &head.tenant, head.metric, after, TOPIC_BATCH_MAX)?;
                round = self.append(&mut line, expected, &facts).await?;
                if round == Round::Done && !facts.is_empty() && !line.reached(newest) {
                    round = Round::More;
                }
            }
        }
        self.lines.insert((head.tenant.clone(), head.metric), line);
        Ok(round)
    }

    /// What is known of a topic. It is not known any more until it is put back.
    async fn line(&mut self, head: &Head) -> Result<Line, PublishError> {
        if let Some(line) = self.lines.remove(&(head.tenant.clone(), head.metric)) {
            return Ok(line);
        }
        let line = Line::new(head.tenant.clone(), head.metric)?;
        let made = match self.stream_made {
            Some(made) => made,
            None => *self.stream_made.insert(self.topics.created_at(&line.topic).await?),
        };
        let checkpoint = self.checkpoints.load(&line.topic, made)?;
        Ok(line.with_checkpoint(checkpoint))
    }

    /// Reads a topic's last message; answers with the condition of the next append.
    async fn learn(&mut self, line: &mut Line) -> Result<u64, PublishError> {
        let made = self.topics.created_at(&line.topic).await?;
        if self.stream_made != Some(made) {
            // The stream was made anew under our feet: nothing that was known is true.
            self.stream_made = Some(made);
            self.lines.clear();
            *line = Line::new(line.tenant.clone(), line.metric)?;
        }
        let history = self.history().await?;
        let last = self.topics.last(&line.topic).await?;
        Ok(line.learned(last.as_ref(), &history)?)
    }

    async fn append(&mut self, line: &mut Line, expected: u64, facts: &[MetricFact]) -> Result<Round, PublishError> {
        let Some(newest) = facts.last().map(Mark::of) else { return Ok(Round::Done) };
        let events = events(facts, &self.history().await?)?;
        match self.topics.append(&line.topic, expected, &events).await? {
            Appended::Stored(sequence) => {
                line.stored(sequence, newest);
                self.series.facts.inc_by(events.len() as u64);
                if let Some(made) = self.stream_made {
                    self.checkpoints.save(&line.topic, newest, made)?;
                }
                Ok(Round::Done)
            }
            Appended::Conflict | Appended::Unknown => {
                line.unsure();
                self.series.conflicts.inc();
                Ok(Round::Again)
            }
        }
    }

    async fn history(&mut self) -> Result<String, LogError> {
        if let Some(history) = &self.history {
            return Ok(history.clone());
        }
        let history = history_of(self.log.as_ref()).await?;
        Ok(self.history.insert(history).clone())
    }

    /// Sets the lag, and says when facts begin to wait and when they do not wait any more.
    fn tell(&mut self, round: &Result<Round, PublishError>) {
        let lag = self.view.position().sequence().saturating_sub(self.published.sequence());
        self.series.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
        let waits = match round {
            Ok(_) | Err(PublishError::View(ViewError::Starting { .. })) => None,
            Err(error) => Some(error),
        };
        match (waits, self.waiting) {
            (Some(error), false) => tracing::warn!(%error, lag, "metric facts wait"),
            (None, true) => tracing::info!(lag, "metric facts are published again"),
            (Some(_), true) | (None, false) => {}
        }
        self.waiting = waits.is_some();
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}

impl Round {
    /// The one of two outcomes that needs more.
    const fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stuck, _) | (_, Self::Stuck) => Self::Stuck,
            (Self::Again, _) | (_, Self::Again) => Self::Again,
            (Self::More, _) | (_, Self::More) => Self::More,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// Which history of events a log holds: when it was made, in milliseconds since 1970.
pub(super) async fn history_of(log: &dyn Log) -> Result<String, LogError> {
    Ok(log.identity().await?.created_at.as_millis().to_string())
}

/// The messages of facts.
pub(super) fn events(facts: &[MetricFact], history: &str) -> Result<Vec<CloudEvent>, serde_json::Error> {
    facts.iter().map(|fact| event::of(fact, history)).collect()
}
