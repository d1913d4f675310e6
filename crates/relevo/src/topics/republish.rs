//! Publishes a span of facts again, to a place that somebody named and that is no live topic.
//!
//! The facts come from the metrics view where it has all of the span, and from the log, folded once more, where it does not. They
//! keep their ids. A fact that corrects one of the span goes with it, so that whoever reads the place comes to the right figures.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::{Position, Recorded, TenantId, Timestamp};
use relevo_eventlog::{Appended, Log, LogError, TOPIC_BATCH_MAX, Topic, TopicFacts};
use relevo_projection::{View, ViewError};
use relevo_projector_metrics::{FactPlace, MetricFact, OUTBOX_KEEPS, facts_after};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::fold::{Fold, FoldError};
use super::mark::Mark;
use super::port::TopicLog;
use super::publisher::{events, history_of};

/// What the folders of a fold are called. Nobody else's begin so.
const SCRATCH_PREFIX: &str = "topics-fold-";
/// Commits that are folded in one go, on a thread where blocking is allowed.
const STRETCH_COMMITS: usize = 64;
/// How long the view may take to have what the log has. Beyond it nothing is published: a part of a span is no span.
const VIEW_PATIENCE: Duration = Duration::from_secs(10);
/// The metrics that state a fact again in the place of an earlier one. A test compares them with what they do.
const CORRECTED: [&str; 4] = ["resolution_full", "intervention", "delivery_to_delivered", "delivery_to_read"];
/// How much earlier than what it corrects a correction can have happened: providers' times are clamped to eight days before and
/// five minutes after Relevo's.
const EARLIER_MAX: Duration = Duration::from_hours(9 * 24);
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

    /// Removes what a fold left behind that was killed. Before anything is folded.
    pub(crate) fn sweep(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.scratch)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(SCRATCH_PREFIX) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
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
            self.read_view(span, &mut put).await?;
        } else {
            self.fold_log(span, &mut put).await?;
        }
        put.flush().await?;
        Ok(put.progress)
    }

    async fn read_view<T: FnMut(Progress)>(&self, span: &Span, put: &mut Put<'_, T>) -> Result<(), RepublishError> {
        let last = Position::new(self.log.identity().await?.last_sequence);
        let reached = self.view.reached(last, Instant::now() + VIEW_PATIENCE).await;
        reached.map_err(|_stale| RepublishError::Building)?;
        // One for all: what is forgotten meanwhile is still in it, and a view that is exchanged is not.
        let snapshot = self.view.snapshot()?;
        if snapshot.version() != relevo_projector_metrics::VERSION || snapshot.position() < last {
            return Err(RepublishError::Building);
        }
        for metric in &span.metrics {
            let mut after: Option<FactPlace> = None;
            loop {
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

    async fn fold_log<T: FnMut(Progress)>(&self, span: &Span, put: &mut Put<'_, T>) -> Result<(), RepublishError> {
        let last = self.log.identity().await?.last_sequence;
        if last == 0 {
            return Ok(());
        }
        let folder = self.scratch.join(format!("{SCRATCH_PREFIX}{:016x}", rand::random::<u64>()));
        let mut fold = Fold::new(&folder, span.tenant.clone())?;
        let mut commits = self.log.read(1).await?;
        let mut stretch = Vec::with_capacity(STRETCH_COMMITS);
        while let Some(commit) = commits.next().await {
            let sequence = match commit {
                Ok(recorded) => {
                    let sequence = recorded.sequence;
                    if recorded.commit.tenant == span.tenant {
                        stretch.push(recorded);
                    }
                    sequence
                }
                // The view leaves it out too.
                Err(LogError::Undecodable { sequence, .. }) => sequence,
                Err(error) => return Err(error.into()),
            };
            if stretch.len() >= STRETCH_COMMITS || sequence >= last {
                let facts;
                (fold, facts) = folded(fold, std::mem::take(&mut stretch), span.metrics.clone()).await?;
                put.progress.sequence = sequence.min(last);
                for fact in facts {
                    put.offer(fact).await?;
                }
            }
            if sequence >= last {
                break;
            }
        }
        Ok(())
    }
}

/// The facts of a few commits, and the fold to go on with.
async fn folded(
    mut fold: Fold,
    stretch: Vec<Recorded>,
    metrics: Vec<&'static str>,
) -> Result<(Fold, Vec<MetricFact>), RepublishError> {
    let work = spawn_blocking(move || {
        let mut facts = Vec::new();
        for recorded in &stretch {
            facts.append(&mut fold.facts(recorded, &metrics)?);
        }
        Ok::<_, FoldError>((fold, facts))
    });
    Ok(work.await.map_err(|_ended| RepublishError::Fold("work ended unexpectedly".to_owned()))??)
}

/// Which facts belong to the span.
struct Chosen {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// Those that were chosen so far and whose correction may stand outside of the span: it is chosen too.
    open: HashSet<(&'static str, Mark)>,
}

impl Chosen {
    fn new(span: &Span) -> Self {
        Self { from: span.from, to: span.to, open: HashSet::new() }
    }

    fn takes(&mut self, fact: &MetricFact) -> bool {
        let inside = self.from.is_none_or(|from| from <= fact.at) && self.to.is_none_or(|to| fact.at < to);
        let Some(metric) = CORRECTED.into_iter().find(|metric| *metric == fact.metric) else { return inside };
        let corrects = fact.supersedes.as_deref().and_then(|id| Mark::parse(metric, id));
        let corrects = corrects.is_some_and(|mark| self.open.remove(&(metric, mark)));
        let taken = corrects || inside;
        if taken && self.may_leave(fact.at) {
            self.open.insert((metric, Mark::of(fact)));
        }
        taken
    }

    /// Whether a correction of what happened at this time may stand outside of the span: later than any end, or a little earlier
    /// than the beginning.
    fn may_leave(&self, at: Timestamp) -> bool {
        self.to.is_some() || self.from.is_some_and(|from| at < from + EARLIER_MAX)
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
            let part = TopicFacts { topic: &self.place, expected: self.expected, facts: &events };
            match self.topics.append(&[part]).await {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use relevo_projection::testing::{fold, history};
    use relevo_projector_metrics::{MetricsProjector, heads};

    use super::*;
    use crate::topics::tests::fact;

    fn span(from: Option<i64>, to: Option<i64>) -> Chosen {
        let tenant = TenantId::new("demo").unwrap();
        let [from, to] = [from, to].map(|at| at.map(Timestamp::from_millis));
        Chosen::new(&Span { tenant, metrics: Vec::new(), from, to })
    }

    #[test]
    fn the_metrics_that_correct_are_the_ones_that_are_remembered() {
        let (mut corrected, mut metrics) = (BTreeSet::new(), BTreeSet::new());
        for seed in 1..=6 {
            let (_folder, view) = fold(MetricsProjector, &history(seed, 600));
            let snapshot = view.snapshot().unwrap();
            for head in heads(&snapshot).unwrap() {
                metrics.insert(head.metric);
                let facts = facts_after(&snapshot, &head.tenant, head.metric, None, usize::MAX).unwrap();
                corrected.extend(facts.iter().any(|fact| fact.supersedes.is_some()).then_some(head.metric));
            }
        }
        assert!(metrics.len() > 15, "{metrics:?}");
        assert!(corrected.len() > 1 && corrected.iter().all(|metric| CORRECTED.contains(metric)), "{corrected:?}");
    }

    #[test]
    fn only_what_may_still_be_corrected_is_remembered() {
        let taken = |chosen: &mut Chosen, metric: &str| {
            assert!(chosen.takes(&fact("demo", metric, 1, 0)));
            chosen.open.len()
        };
        let (long_ago, late) = (Some(0), Some(i64::MAX));
        assert_eq!(taken(&mut span(None, None), "intervention"), 0);
        assert_eq!(taken(&mut span(long_ago, None), "intervention"), 0);
        assert_eq!(taken(&mut span(long_ago, late), "messages_in"), 0);
        assert_eq!(taken(&mut span(None, late), "intervention"), 1);
        let at = fact("demo", "intervention", 1, 0).at.as_millis();
        let mut chosen = span(Some(at), None);
        assert_eq!(taken(&mut chosen, "intervention"), 1);
        let mut correction = fact("demo", "intervention", 2, 0);
        (correction.at, correction.supersedes) =
            (Timestamp::from_millis(at - 1), Some("intervention.v1.1.0".to_owned()));
        assert!(chosen.takes(&correction), "an earlier correction goes with what it corrects");
        correction.supersedes = None;
        assert!(!chosen.takes(&correction));
    }
}
