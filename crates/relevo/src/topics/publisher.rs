//! Follows the metrics view and appends what is new to the topics, on every node at once.
//!
//! Facts are read from a snapshot of the view, so that nothing is published that the view does not show, and only while the view is
//! live: one that is still being built has forgotten less, and shows less, than it will. Each append is conditional
//! on the topic's last message; a node that is not the quickest reads that message and goes on after it. So kills, rebuilds and
//! further nodes add nothing. A log that is away costs nobody anything: the facts wait in the view.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use relevo_domain::{Position, TenantId, Timestamp};
use relevo_eventlog::{Appended, CloudEvent, Log, LogError, TOPIC_BATCH_MAX};
use relevo_projection::row::ReadError;
use relevo_projection::{View, ViewError, ViewSnapshot, ViewState};
use relevo_projector_metrics::{DEFINITIONS, FactPlace, Head, MetricFact, facts_after, forgotten, heads};
use relevo_readstore::StoreError;
use tokio::sync::watch;
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

/// Bytes of the first commit's hash in the name of a history: two logs made in the same millisecond are still told apart.
const HISTORY_HASH_BYTES: usize = 8;

/// Publishes the facts of one view.
pub(crate) struct Publisher {
    view: Arc<View>,
    /// Tells of a state of the view that came and went between two rounds, too: it may have another history since.
    states: watch::Receiver<ViewState>,
    log: Arc<dyn Log>,
    topics: Arc<dyn TopicLog>,
    checkpoints: Checkpoints,
    series: Series,
    age: Age,
    lines: HashMap<(TenantId, &'static str), Line>,
    /// Topics that could not be published to in the last round.
    stuck: HashSet<(TenantId, &'static str)>,
    /// Topics on which a newer Relevo publishes.
    outdated: HashSet<(TenantId, &'static str)>,
    /// When the stream of the topics was made; absent until it was asked.
    stream_made: Option<Timestamp>,
    /// Which history of events the view is folded from; absent until the log was asked.
    history: Option<String>,
    /// Every fact up to here is on its topic.
    published: Position,
    /// Whether the last round failed as a whole.
    waiting: bool,
}

/// What a topic that has nothing yet begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    /// How long the stream keeps a fact.
    pub(crate) keep: Duration,
    pub(crate) now: fn() -> Timestamp,
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
    /// The view is not live.
    Building,
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
        age: Age,
    ) -> Self {
        Self {
            states: view.states(),
            view,
            log,
            topics,
            checkpoints,
            series,
            age,
            lines: HashMap::new(),
            stuck: HashSet::new(),
            outdated: HashSet::new(),
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
                Ok(Round::Building) => {
                    backoff = BACKOFF_FIRST;
                    // A copy: that the state changed is still news to the next round.
                    let mut states = self.states.clone();
                    if timeout(IDLE_MAX, states.changed()).await.is_ok() {
                        sleep(GATHER).await;
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
        if self.states.has_changed().unwrap_or(true) {
            self.states.mark_unchanged();
            self.forget();
        }
        let snapshot = self.view.snapshot()?;
        if snapshot.position() < self.published {
            self.published = Position::START;
            self.forget();
        }
        if self.view.state() != ViewState::Live || self.states.has_changed().unwrap_or(true) {
            return Ok(Round::Building);
        }
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
        self.series.stuck.set(i64::try_from(stuck.len() + self.outdated.len()).unwrap_or(i64::MAX));
        self.stuck = stuck;
        if round == Round::Done {
            self.published = snapshot.position();
        }
        Ok(round)
    }

    /// The log may have been replaced, and the view with it: nothing that was known is certain.
    fn forget(&mut self) {
        self.lines.clear();
        self.outdated.clear();
        (self.stream_made, self.history) = (None, None);
    }

    /// Appends the next facts of one topic. Whatever fails forgets what was known of it: its last message is read again.
    async fn topic(&mut self, snapshot: &ViewSnapshot, head: &Head) -> Result<Round, PublishError> {
        let Some(definition) = DEFINITIONS.iter().find(|definition| definition.name == head.metric) else {
            return Ok(Round::Done);
        };
        let newest = Mark { version: definition.version, place: head.last };
        let mut line = self.line(head).await?;
        // Once a topic and life of the process, whatever the checkpoint says.
        let expected = match line.expected() {
            Some(expected) => expected,
            None => self.learn(&mut line, snapshot.position()).await?,
        };
        let mut round = Round::Done;
        match line.next(definition.version) {
            Next::Nothing => {
                if self.outdated.insert((head.tenant.clone(), head.metric)) {
                    tracing::warn!(
                        tenant = %head.tenant,
                        metric = head.metric,
                        version = definition.version,
                        "metric topic has a newer definition: this node publishes nothing there"
                    );
                }
            }
            Next::After(_) if line.reached(newest) => {}
            Next::After(after) => {
                let mut facts = facts_after(snapshot, &head.tenant, head.metric, after, TOPIC_BATCH_MAX)?;
                let gap = !line.begins() && gap(snapshot, head, after)?;
                let old = if line.begins() { self.too_old(&mut line, &mut facts) } else { 0 };
                round = self.append(&mut line, expected, &facts).await?;
                if round == Round::Done && gap {
                    self.series.gaps.inc();
                    tracing::warn!(
                        tenant = %head.tenant,
                        metric = head.metric,
                        "facts were forgotten before they were published: publish the span again"
                    );
                }
                if round == Round::Done && old + facts.len() > 0 && !line.reached(newest) {
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
        let history = self.history().await?;
        let checkpoint = self.checkpoints.load(&line.topic, made, &history)?;
        Ok(line.with_checkpoint(checkpoint))
    }

    /// Reads a topic's last message; answers with the condition of the next append.
    async fn learn(&mut self, line: &mut Line, seen: Position) -> Result<u64, PublishError> {
        let made = self.topics.created_at(&line.topic).await?;
        if self.stream_made != Some(made) {
            // The stream was made anew under our feet: nothing that was known is true.
            self.stream_made = Some(made);
            self.lines.clear();
            *line = Line::new(line.tenant.clone(), line.metric)?;
        }
        let history = self.history().await?;
        let last = self.topics.last(&line.topic).await?;
        let expected = line.learned(last.as_ref(), &history)?;
        if line.beyond(seen.sequence()) {
            // Another node is ahead of this one's view; or the log is not the one that was published from.
            line.check_end(self.log.identity().await?.last_sequence)?;
        }
        Ok(expected)
    }

    /// Takes away what the stream of a topic that begins would not have kept; answers with how many.
    fn too_old(&self, line: &mut Line, facts: &mut Vec<MetricFact>) -> usize {
        let from = (self.age.now)() - self.age.keep;
        let old = facts.iter().take_while(|fact| fact.recorded_at < from).count();
        if let Some(newest) = facts.drain(..old).next_back() {
            line.passed(Mark::of(&newest));
        }
        old
    }

    async fn append(&mut self, line: &mut Line, expected: u64, facts: &[MetricFact]) -> Result<Round, PublishError> {
        let Some(newest) = facts.last().map(Mark::of) else { return Ok(Round::Done) };
        let history = self.history().await?;
        let events = events(facts, &history)?;
        match self.topics.append(&line.topic, expected, &events).await? {
            Appended::Stored(sequence) => {
                line.stored(sequence, newest);
                self.series.facts.inc_by(events.len() as u64);
                if let Some(made) = self.stream_made {
                    self.checkpoints.save(&line.topic, newest, made, &history)?;
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
            (Self::Building, _) | (_, Self::Building) => Self::Building,
            (Self::Stuck, _) | (_, Self::Stuck) => Self::Stuck,
            (Self::Again, _) | (_, Self::Again) => Self::Again,
            (Self::More, _) | (_, Self::More) => Self::More,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// Whether the view has forgotten facts that come after this one.
fn gap(snapshot: &ViewSnapshot, head: &Head, after: Option<FactPlace>) -> Result<bool, ReadError> {
    let Some(after) = after else { return Ok(false) };
    Ok(forgotten(snapshot, &head.tenant, head.metric)?.is_some_and(|newest| newest > after))
}

/// Which history of events a log holds: when it was made, in milliseconds since 1970, and the beginning of its first commit's hash.
pub(super) async fn history_of(log: &dyn Log) -> Result<String, LogError> {
    let made = log.identity().await?.created_at.as_millis();
    match log.get(1).await {
        Ok(Some(first)) => Ok(format!("{made}-{}", hex::encode(&first.hash[..HISTORY_HASH_BYTES]))),
        // A log that is empty made no facts. One that cannot be read from its beginning is still that log.
        Ok(None) | Err(LogError::Undecodable { .. }) => Ok(made.to_string()),
        Err(error) => Err(error),
    }
}

/// The messages of facts.
pub(super) fn events(facts: &[MetricFact], history: &str) -> Result<Vec<CloudEvent>, serde_json::Error> {
    facts.iter().map(|fact| event::of(fact, history)).collect()
}
