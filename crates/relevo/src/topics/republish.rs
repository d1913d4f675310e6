//! Publishes a span of facts again, to a place that somebody named and that is no live topic.
//!
//! The facts come from the metrics view where it has all of the span, and from the log, folded once more, where it does not. They
//! keep their ids. A fact that corrects one of the span goes with it, so that whoever reads the place comes to the right figures.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::{TenantId, Timestamp};
use relevo_eventlog::{Appended, Log, LogError, TOPIC_BATCH_MAX, Topic};
use relevo_projection::{View, ViewError};
use relevo_projector_metrics::{FactPlace, MetricFact, OUTBOX_KEEPS, facts_after};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::fold::{Fold, FoldError};
use super::mark::Mark;
use super::port::TopicLog;
use super::publisher::{events, history_of};

/// Commits that are folded before others have their turn.
const COMMITS_PER_TURN: u64 = 64;
/// Facts that are read from the view at a time.
const READ_FACTS: usize = 1_000;
/// The time between a fact and its commit that is allowed for, beyond what the view keeps: provider clocks are clamped to five
/// minutes into the future.
const CLOCKS_DIFFER_MAX: Duration = Duration::from_hours(1);
/// How long one batch is tried before the re-publication gives up; it can be started again.
const PUT_PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PUT_AGAIN: Duration = Duration::from_millis(100);

/// What to publish again.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) tenant: TenantId,
    /// Names of metrics.
    pub(crate) metrics: Vec<&'static str>,
    /// Facts that happened at or after this time; absent: from the beginning.
    pub(crate) from: Option<Timestamp>,
    /// Facts that happened before this time; absent: up to now.
    pub(crate) to: Option<Timestamp>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Facts that were published.
    pub(crate) facts: u64,
    /// Sequence on the events stream that was looked at; 0 while facts are read from the view.
    pub(crate) sequence: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RepublishError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error("metrics view cannot be read: {0}")]
    Rows(#[from] relevo_projection::row::ReadError),
    #[error("metrics view is being built")]
    Building,
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("another one publishes to the same place")]
    Taken,
    #[error("facts cannot be folded: {0}")]
    Fold(String),
    #[error("fact cannot be written: {0}")]
    Fact(#[from] serde_json::Error),
}

impl From<FoldError> for RepublishError {
    fn from(error: FoldError) -> Self {
        Self::Fold(error.to_string())
    }
}

/// Publishes again. Clones share everything.
#[derive(Clone)]
pub(crate) struct Republisher {
    view: Arc<View>,
    log: Arc<dyn Log>,
    topics: Arc<dyn TopicLog>,
    /// Where rows stand while facts are folded from the log.
    scratch: PathBuf,
}

impl Republisher {
    pub(crate) fn new(view: Arc<View>, log: Arc<dyn Log>, topics: Arc<dyn TopicLog>, scratch: PathBuf) -> Self {
        Self { view, log, topics, scratch }
    }

    /// Publishes a span to `place`, telling how far it is now and then. Dropping the future stops it; what was published stays.
    pub(crate) async fn republish(
        &self,
        span: &Span,
        place: Topic,
        now: Timestamp,
        tell: impl FnMut(Progress),
    ) -> Result<Progress, RepublishError> {
        let expected = self.topics.last(&place).await?.map_or(0, |last| last.sequence);
        let history = history_of(self.log.as_ref()).await?;
        let (topics, chosen) = (self.topics.as_ref(), Chosen::new(span));
        let (queue, progress) = (Vec::new(), Progress::default());
        let mut put = Put { topics, place, history, expected, chosen, queue, progress, tell };
        let kept_from = now - OUTBOX_KEEPS + CLOCKS_DIFFER_MAX;
        if span.from.is_some_and(|from| from >= kept_from) {
            self.from_view(span, &mut put).await?;
        } else {
            self.from_log(span, &mut put).await?;
        }
        put.flush().await?;
        Ok(put.progress)
    }

    async fn from_view<T: FnMut(Progress)>(&self, span: &Span, put: &mut Put<'_, T>) -> Result<(), RepublishError> {
        for metric in &span.metrics {
            let mut after: Option<FactPlace> = None;
            loop {
                // A snapshot a page: nobody is held up, and facts never change.
                let snapshot = self.view.snapshot()?;
                if snapshot.version() != relevo_projector_metrics::VERSION {
                    return Err(RepublishError::Building);
                }
                let facts = facts_after(&snapshot, &span.tenant, metric, after, READ_FACTS)?;
                let Some(last) = facts.last() else { break };
                after = Some(last.place());
                for fact in facts {
                    put.offer(fact).await?;
                }
            }
        }
        Ok(())
    }

    async fn from_log<T: FnMut(Progress)>(&self, span: &Span, put: &mut Put<'_, T>) -> Result<(), RepublishError> {
        let last = self.log.identity().await?.last_sequence;
        if last == 0 {
            return Ok(());
        }
        let folder = self.scratch.join(format!("topics-fold-{:016x}", rand::random::<u64>()));
        let mut fold = Fold::new(&folder, span.tenant.clone())?;
        let mut commits = self.log.read(1).await?;
        while let Some(commit) = commits.next().await {
            let sequence = match commit {
                Ok(recorded) => {
                    put.progress.sequence = recorded.sequence;
                    for fact in fold.facts(&recorded, &span.metrics)? {
                        put.offer(fact).await?;
                    }
                    recorded.sequence
                }
                // The view leaves it out too.
                Err(LogError::Undecodable { sequence, .. }) => sequence,
                Err(error) => return Err(error.into()),
            };
            if sequence >= last {
                break;
            }
            if sequence % COMMITS_PER_TURN == 0 {
                yield_now().await;
            }
        }
        Ok(())
    }
}

/// Which facts belong to the span.
struct Chosen {
    from: Timestamp,
    to: Timestamp,
    /// Those that were chosen so far: a correction of one of them is chosen too.
    ids: HashSet<(String, Mark)>,
}

impl Chosen {
    fn new(span: &Span) -> Self {
        let from = span.from.unwrap_or(Timestamp::from_millis(i64::MIN));
        let to = span.to.unwrap_or(Timestamp::from_millis(i64::MAX));
        Self { from, to, ids: HashSet::new() }
    }

    fn takes(&mut self, fact: &MetricFact) -> bool {
        let corrects = fact.supersedes.as_deref().and_then(|id| Mark::parse(&fact.metric, id));
        let corrects = corrects.is_some_and(|mark| self.ids.remove(&(fact.metric.clone(), mark)));
        let taken = corrects || (self.from <= fact.at && fact.at < self.to);
        if taken {
            self.ids.insert((fact.metric.clone(), Mark::of(fact)));
        }
        taken
    }
}

/// The writing side.
struct Put<'a, T> {
    topics: &'a dyn TopicLog,
    place: Topic,
    history: String,
    expected: u64,
    chosen: Chosen,
    queue: Vec<MetricFact>,
    progress: Progress,
    tell: T,
}

impl<T: FnMut(Progress)> Put<'_, T> {
    async fn offer(&mut self, fact: MetricFact) -> Result<(), RepublishError> {
        if self.chosen.takes(&fact) {
            self.queue.push(fact);
        }
        if self.queue.len() == TOPIC_BATCH_MAX { self.flush().await } else { Ok(()) }
    }

    /// Appends what is gathered, once.
    async fn flush(&mut self) -> Result<(), RepublishError> {
        let facts = std::mem::take(&mut self.queue);
        let Some(last) = facts.last().map(|fact| fact.id.clone()) else { return Ok(()) };
        let events = events(&facts, &self.history)?;
        let deadline = Instant::now() + PUT_PATIENCE;
        loop {
            let outcome = self.topics.append(&self.place, self.expected, &events).await;
            match outcome {
                Ok(Appended::Stored(sequence)) => {
                    self.expected = sequence;
                    break;
                }
                Ok(Appended::Conflict | Appended::Unknown) | Err(LogError::Unavailable(_)) => {}
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= deadline {
                return Err(LogError::Unavailable("re-publication was not stored in time".to_owned()).into());
            }
            // An unknown outcome, or another one's message: the last one tells which.
            match self.topics.last(&self.place).await {
                Ok(found) if found.as_ref().map_or(0, |found| found.sequence) == self.expected => {}
                Ok(Some(found)) if found.id == last && found.log == self.history => {
                    self.expected = found.sequence;
                    break;
                }
                Ok(_) => return Err(RepublishError::Taken),
                Err(LogError::Unavailable(_)) => {}
                Err(error) => return Err(error.into()),
            }
            sleep(PUT_AGAIN).await;
        }
        self.progress.facts += facts.len() as u64;
        (self.tell)(self.progress);
        Ok(())
    }
}
