//! Follows the metrics view and appends what is new to the topics, on every node at once.
//!
//! Facts are read from a snapshot of the view, so that nothing is published that the view does not show, and only while the view is
//! live: one that is still being built has forgotten less, and shows less, than it will. The next facts of all topics are
//! appended together; each append is conditional on the last message of every topic in it, and a node that is not the quickest reads
//! those messages and goes on after them. So kills, rebuilds and further nodes add nothing. A log that is away costs nobody
//! anything: the facts wait in the view.

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
use super::parcel::{Parcel, Part};
use super::port::TopicLog;
use super::round::Round;
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
/// After so many appends of several topics that were not stored, one after the other, each topic is appended by itself until
/// something is stored: whatever keeps one of them back does not keep the others back.
const TOGETHER_TRIES_MAX: u32 = 2;

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
    lines: HashMap<Key, Line>,
    /// Topics that could not be published to in the last round.
    stuck: HashSet<Key>,
    /// Topics on which a newer Relevo publishes.
    outdated: HashSet<Key>,
    /// When the stream of the topics was made; absent until it was asked.
    stream_made: Option<Timestamp>,
    /// Which history of events the view is folded from; absent until the log was asked.
    history: Option<String>,
    /// Every fact up to here is on its topic.
    published: Position,
    /// Whether the last round failed as a whole.
    waiting: bool,
    /// Appends of several topics that were not stored since the last one that was.
    refused: u32,
}

/// What a topic that has nothing yet begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    /// How long the stream keeps a fact.
    pub(crate) keep: Duration,
    pub(crate) now: fn() -> Timestamp,
}

/// Names a topic.
type Key = (TenantId, &'static str);

/// What came of looking at one topic.
enum Step {
    /// These facts are to be appended.
    Next(Box<Part>),
    /// There is nothing to append.
    Outcome(Round),
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
            refused: 0,
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
        let mut parcel = Parcel::default();
        for head in heads(&snapshot)? {
            let (topic, made) = ((head.tenant.clone(), head.metric), self.stream_made);
            let step = self.topic(&snapshot, &head).await;
            if made.is_some() && made != self.stream_made {
                // What was gathered goes on after messages of a stream that is no more.
                (parcel, round) = (Parcel::default(), round.worse(Round::Again));
            }
            match step {
                Ok(Step::Outcome(outcome)) => round = round.worse(outcome),
                // What was refused a moment ago may be again, and with it everything beside it.
                Ok(Step::Next(part)) if self.refused >= TOGETHER_TRIES_MAX || self.stuck.contains(&topic) => {
                    round = round.worse(self.single(*part, &mut stuck).await?);
                }
                Ok(Step::Next(part)) => {
                    if let Some(full) = parcel.push(*part) {
                        round = round.worse(self.send(full, &mut stuck).await?);
                    }
                }
                Err(error) => round = round.worse(self.fails(topic, error, &mut stuck)?),
            }
        }
        round = round.worse(self.send(parcel, &mut stuck).await?);
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

    /// A topic cannot be published to. The others are not its concern; it is tried again later. Only a log that is away ends the
    /// round.
    fn fails(&self, topic: Key, error: PublishError, stuck: &mut HashSet<Key>) -> Result<Round, PublishError> {
        if let PublishError::Log(LogError::Unavailable(_)) = error {
            return Err(error);
        }
        if !self.stuck.contains(&topic) {
            tracing::error!(tenant = %topic.0, metric = topic.1, %error, "metric topic is stuck");
        }
        stuck.insert(topic);
        Ok(Round::Stuck)
    }

    /// Looks for the next facts of one topic. Whatever fails, here or later, forgets what was known of it: its last message is
    /// read again.
    async fn topic(&mut self, snapshot: &ViewSnapshot, head: &Head) -> Result<Step, PublishError> {
        let Some(definition) = DEFINITIONS.iter().find(|definition| definition.name == head.metric) else {
            return Ok(Step::Outcome(Round::Done));
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
                if let Some(mark) = facts.last().map(Mark::of) {
                    let events = events(&facts, &self.history().await?)?;
                    return Ok(Step::Next(Box::new(Part { line, expected, events, mark, newest, gap })));
                }
                if gap {
                    self.gap(&line);
                }
                if old > 0 && !line.reached(newest) {
                    round = Round::More;
                }
            }
        }
        self.keep(line);
        Ok(Step::Outcome(round))
    }

    /// What is known of a topic is known again.
    fn keep(&mut self, line: Line) {
        self.lines.insert((line.tenant.clone(), line.metric), line);
    }

    fn gap(&self, line: &Line) {
        self.series.gaps.inc();
        tracing::warn!(
            tenant = %line.tenant,
            metric = line.metric,
            "facts were forgotten before they were published: publish the span again"
        );
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

    /// Appends what is gathered, all of it or nothing. What is refused for good names nobody guilty: each topic goes by itself then.
    async fn send(&mut self, parcel: Parcel, stuck: &mut HashSet<Key>) -> Result<Round, PublishError> {
        let mut parts = parcel.into_parts();
        if parts.len() <= 1 {
            return match parts.pop() {
                Some(part) => self.single(part, stuck).await,
                None => Ok(Round::Done),
            };
        }
        match self.append(&mut parts).await {
            Ok(round) => {
                self.refused = if round == Round::Again { self.refused.saturating_add(1) } else { 0 };
                for part in parts {
                    self.keep(part.line);
                }
                Ok(round)
            }
            Err(PublishError::Log(error @ LogError::Unavailable(_))) => Err(error.into()),
            Err(PublishError::Log(_)) => {
                let mut round = Round::Done;
                for part in parts {
                    round = round.worse(self.single(part, stuck).await?);
                }
                Ok(round)
            }
            Err(error) => {
                let mut topics = parts.into_iter().map(|part| (part.line.tenant, part.line.metric));
                let round = topics.next().map_or(Ok(Round::Stuck), |first| self.fails(first, error, stuck));
                stuck.extend(topics);
                round
            }
        }
    }

    /// Appends the next facts of one topic.
    async fn single(&mut self, part: Part, stuck: &mut HashSet<Key>) -> Result<Round, PublishError> {
        let mut parts = [part];
        let outcome = self.append(&mut parts).await;
        let [Part { line, .. }] = parts;
        match outcome {
            Ok(round) => {
                if round != Round::Again {
                    self.refused = 0;
                }
                self.keep(line);
                Ok(round)
            }
            Err(error) => self.fails((line.tenant, line.metric), error, stuck),
        }
    }

    async fn append(&mut self, parts: &mut [Part]) -> Result<Round, PublishError> {
        let facts: Vec<_> = parts.iter().map(Part::facts).collect();
        match self.topics.append(&facts).await? {
            Appended::Stored(last) => {
                let mut round = Round::Done;
                for (part, sequence) in Part::sequences(parts, last) {
                    part.line.stored(sequence, part.mark);
                    self.series.facts.inc_by(part.events.len() as u64);
                    if part.gap {
                        self.gap(&part.line);
                    }
                    if !part.line.reached(part.newest) {
                        round = Round::More;
                    }
                }
                let history = self.history().await?;
                if let Some(made) = self.stream_made {
                    self.checkpoints.save(parts.iter().map(|part| (&part.line.topic, part.mark)), made, &history)?;
                }
                Ok(round)
            }
            Appended::Conflict | Appended::Unknown => {
                for part in &mut *parts {
                    part.line.unsure();
                }
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
