//! The publisher against the real view, on a log of topics on which everything goes wrong, and killed at any await.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::{Commit, Recorded, TenantId, Timestamp};
use relevo_eventlog::{Append, Appended, CloudEvent, LastMessage, Log, LogError, MemoryLog, Topic, TopicFacts};
use relevo_projection::View;
use relevo_projection::testing::{LiveView, fold, history};
use relevo_projector_metrics::{MetricFact, MetricsProjector, facts_after, heads};
use relevo_testkit::eventually_within;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::port::TopicLog;
use super::{Age, Checkpoints, Publisher, RepublishError, Republisher, Series, Span};

/// Of a clock that tests let run ahead whenever nobody of the runtime works: a thread of a view on a busy machine must not be late by it.
pub(super) const SETTLED_WITHIN: Duration = Duration::from_mins(10);
/// 2030-01-01, after every history.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_893_456_000);
/// From before every history.
const FOR_EVER: Duration = Duration::from_hours(10 * 365 * 24);

/// A fact of a metric, for tests.
pub(super) fn fact(tenant: &str, metric: &str, sequence: u64, ordinal: u32) -> MetricFact {
    let at = Timestamp::from_millis(1_790_000_000_000);
    MetricFact {
        id: format!("{metric}.v1.{sequence}.{ordinal}"),
        metric: metric.to_owned(),
        version: 1,
        sequence,
        ordinal,
        tenant: tenant.to_owned(),
        at,
        recorded_at: at,
        conversation_id: Some("cnv_00000000000000000000000000".to_owned()),
        channel_id: Some("wa-main".to_owned()),
        team_id: None,
        agent_id: None,
        kind: "sum".to_owned(),
        unit: "count".to_owned(),
        value: 1,
        labels: BTreeMap::new(),
        supersedes: None,
    }
}

// === a log of topics ===

/// Topics in memory, with seeded faults.
pub(super) struct Topics {
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) messages: HashMap<String, Vec<(u64, CloudEvent)>>,
    pub(super) last: u64,
    created_at: i64,
    random: StdRng,
    /// Of each call, in percent.
    faults: u32,
    /// The server does not answer.
    away: bool,
    /// Whatever has a fact of this topic is refused for good.
    pub(super) refused: Option<String>,
    /// Appends that were stored, and the topics in them.
    pub(super) appends: usize,
    pub(super) parts: usize,
}

impl Topics {
    pub(super) fn new(seed: u64, faults: u32) -> Arc<Self> {
        let random = StdRng::seed_from_u64(seed);
        let messages = HashMap::new();
        let state = State {
            messages,
            last: 0,
            created_at: 1,
            random,
            faults,
            away: false,
            refused: None,
            appends: 0,
            parts: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every message in the order of its topic.
    pub(super) fn messages(&self, subject: &str) -> Vec<CloudEvent> {
        self.state().messages.get(subject).into_iter().flatten().map(|(_, event)| event.clone()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.state().messages.values().map(Vec::len).sum()
    }

    /// A few turns for the others, so that every await is a place to be killed at.
    async fn yields(&self) {
        let turns = self.state().random.random_range(0..3);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

impl State {
    fn fails(&mut self) -> bool {
        let percent = self.faults;
        self.random.random_range(0..100) < percent
    }

    fn expected(&self, topic: &Topic) -> u64 {
        self.messages.get(topic.subject()).and_then(|messages| messages.last()).map_or(0, |(sequence, _)| *sequence)
    }
}

#[async_trait]
impl TopicLog for Topics {
    async fn last(&self, topic: &Topic) -> Result<Option<LastMessage>, LogError> {
        self.yields().await;
        let mut state = self.state();
        if state.away || state.fails() {
            return Err(LogError::Unavailable("away".to_owned()));
        }
        let last = state.messages.get(topic.subject()).and_then(|messages| messages.last());
        Ok(last.map(|(sequence, event)| LastMessage {
            sequence: *sequence,
            id: event.id.clone(),
            log: event.log.clone(),
        }))
    }

    async fn append(&self, topics: &[TopicFacts<'_>]) -> Result<Appended, LogError> {
        self.yields().await;
        let appended = {
            let mut state = self.state();
            if state.away {
                return Err(LogError::Unavailable("away".to_owned()));
            }
            if state.fails() {
                // Lost on its way.
                return Ok(Appended::Unknown);
            }
            if state.refused.as_ref().is_some_and(|refused| topics.iter().any(|part| part.topic.subject() == refused)) {
                return Err(LogError::Refused("not taken".to_owned()));
            }
            if topics.iter().any(|part| state.expected(part.topic) != part.expected) {
                return Ok(Appended::Conflict);
            }
            for (part, fact) in topics.iter().flat_map(|part| part.facts.iter().map(move |fact| (part, fact))) {
                state.last += 1;
                let sequence = state.last;
                state.messages.entry(part.topic.subject().to_owned()).or_default().push((sequence, fact.clone()));
            }
            state.appends += 1;
            state.parts += topics.len();
            // The answer may be lost.
            if state.fails() { Appended::Unknown } else { Appended::Stored(state.last) }
        };
        self.yields().await;
        Ok(appended)
    }

    async fn created_at(&self, _topic: &Topic) -> Result<Timestamp, LogError> {
        let state = self.state();
        if state.away {
            return Err(LogError::Unavailable("away".to_owned()));
        }
        Ok(Timestamp::from_millis(state.created_at))
    }
}

// === nodes ===

/// One node's publisher and what it keeps on its disk.
pub(super) struct Node {
    folder: TempDir,
    running: Option<JoinHandle<()>>,
    pub(super) series: Series,
    pub(super) log: Arc<dyn Log>,
    pub(super) keep: Duration,
}

impl Node {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let series = Series::register(&mut Registry::default());
        Self { folder, running: None, series, log: Arc::new(MemoryLog::new()), keep: FOR_EVER }
    }

    pub(super) fn of(log: &Arc<MemoryLog>) -> Self {
        Self { log: Arc::clone(log) as Arc<dyn Log>, ..Self::new() }
    }

    pub(super) fn start(&mut self, view: &Arc<View>, topics: &Arc<Topics>) {
        let checkpoints = Checkpoints::open(&self.folder.path().join("checkpoints")).unwrap();
        let log = Arc::clone(&self.log);
        let topics = Arc::clone(topics) as Arc<dyn TopicLog>;
        let age = Age { keep: self.keep, now: || NOW };
        let publisher = Publisher::new(Arc::clone(view), log, topics, checkpoints, self.series.clone(), age);
        self.running = Some(tokio::spawn(publisher.run(CancellationToken::new())));
    }

    /// Ends it wherever it is.
    pub(super) async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled(), "the publisher ended by itself");
        }
    }
}

/// Every fact of a view by subject, in order.
pub(super) fn facts_of(view: &View) -> BTreeMap<String, Vec<MetricFact>> {
    let snapshot = view.snapshot().unwrap();
    let all = heads(&snapshot).unwrap().into_iter().map(|head| {
        let subject = format!("relevo.metrics.{}.{}", head.tenant, head.metric);
        (subject, facts_after(&snapshot, &head.tenant, head.metric, None, usize::MAX).unwrap())
    });
    all.collect()
}

/// Whether the topics hold the view's facts, each once, in order.
fn same(topics: &Topics, facts: &BTreeMap<String, Vec<MetricFact>>) -> bool {
    facts.iter().all(|(subject, facts)| {
        let published: Vec<String> = topics.messages(subject).into_iter().map(|event| event.id).collect();
        let wanted: Vec<&str> = facts.iter().map(|fact| fact.id.as_str()).collect();
        published == wanted
    })
}

pub(super) async fn published(topics: &Topics, facts: &BTreeMap<String, Vec<MetricFact>>) {
    eventually_within("every fact is published", SETTLED_WITHIN, async || same(topics, facts).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn kills_faults_rebuilds_and_further_nodes_add_nothing() {
    for seed in 1..=4 {
        let commits = history(seed, 400);
        let topics = Topics::new(seed, 10);
        let mut random = StdRng::seed_from_u64(seed);
        let mut live = LiveView::new(MetricsProjector);
        let log = log_of(&commits).await;
        let mut nodes = [Node::of(&log), Node::of(&log)];
        for stretch in commits.chunks(20) {
            for node in &mut nodes {
                if random.random_bool(0.7) {
                    node.kill().await;
                    node.start(&live.view(), &topics);
                }
            }
            live.apply(stretch);
            for _ in 0..random.random_range(0..60) {
                tokio::task::yield_now().await;
            }
        }
        let facts = facts_of(&live.view());
        assert!(
            facts.len() > 5 && facts.values().map(Vec::len).sum::<usize>() > 300,
            "too few facts to prove anything"
        );
        for node in &mut nodes {
            node.kill().await;
            node.start(&live.view(), &topics);
        }
        published(&topics, &facts).await;
        // A node with a view of its own, built anew, and without a checkpoint.
        let (_folder, rebuilt) = fold(MetricsProjector, &commits);
        let mut third = Node::of(&log);
        third.start(&rebuilt, &topics);
        eventually_within("the third node is done", SETTLED_WITHIN, async || {
            (third.series.lag.get() == 0 && nodes.iter().all(|node| node.series.lag.get() == 0)).then_some(())
        })
        .await;
        assert!(same(&topics, &facts), "seed {seed}");
        assert_eq!(topics.count(), facts.values().map(Vec::len).sum::<usize>(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn facts_wait_while_the_log_is_away() {
    let commits = history(5, 100);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let topics = Topics::new(5, 0);
    topics.state().away = true;
    let mut node = Node::new();
    node.start(&view, &topics);
    eventually_within("the lag is told", SETTLED_WITHIN, async || (node.series.lag.get() == 100).then_some(())).await;
    topics.state().away = false;
    published(&topics, &facts_of(&view)).await;
}

#[tokio::test(start_paused = true)]
async fn what_grew_too_old_for_the_stream_is_not_published_again_and_a_new_stream_gets_all() {
    let commits = history(6, 100);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let topics = Topics::new(6, 0);
    let mut node = Node::new();
    node.start(&view, &topics);
    published(&topics, &facts_of(&view)).await;
    settled(&node).await;
    node.kill().await;
    topics.state().messages.clear();
    node.start(&view, &topics);
    settled(&node).await;
    assert_eq!(topics.count(), 0);
    node.kill().await;
    topics.state().created_at = 2;
    node.start(&view, &topics);
    published(&topics, &facts_of(&view)).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_somebody_else_wrote_to_stops_alone() {
    let commits = history(7, 100);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let mut facts = facts_of(&view);
    let (subject, theirs) = facts.pop_first().unwrap();
    let topics = Topics::new(7, 0);
    let foreign = CloudEvent { log: "another".to_owned(), ..super::event::of(&theirs[0], "another").unwrap() };
    topics.state().messages.insert(subject.clone(), vec![(1, foreign)]);
    topics.state().last = 1;
    let mut node = Node::new();
    node.start(&view, &topics);
    published(&topics, &facts).await;
    eventually_within("it is told", SETTLED_WITHIN, async || (node.series.stuck.get() == 1).then_some(())).await;
    assert_eq!(topics.messages(&subject).len(), 1);
}

/// Waits until a node has nothing left to do.
pub(super) async fn settled(node: &Node) {
    node.series.lag.set(-1);
    eventually_within("nothing is left to do", SETTLED_WITHIN, async || (node.series.lag.get() == 0).then_some(()))
        .await;
}

// === publishing again ===

pub(super) async fn log_of(commits: &[Recorded]) -> Arc<MemoryLog> {
    let log = MemoryLog::new();
    for recorded in commits {
        let expected = log.last_of(&recorded.commit.tenant, &recorded.commit.entity).await.unwrap();
        // A made-up history has made-up hashes.
        let previous_hash = log.get(expected).await.unwrap().map_or([0; 32], |last| last.hash);
        log.append(vec![Append { commit: Commit { previous_hash, ..recorded.commit.clone() }, expected }])
            .await
            .unwrap();
    }
    Arc::new(log)
}

#[tokio::test(start_paused = true)]
async fn a_span_from_the_log_and_from_the_view_is_the_same() {
    let commits = history(8, 300);
    let (folder, view) = fold(MetricsProjector, &commits);
    let topics = Topics::new(8, 10);
    let port = Arc::clone(&topics) as Arc<dyn TopicLog>;
    let republisher = Republisher::new(Arc::clone(&view), log_of(&commits).await, port, folder.path().to_owned());
    let head = heads(&view.snapshot().unwrap()).unwrap().remove(0);
    let tenant = head.tenant.clone();
    let facts = facts_after(&view.snapshot().unwrap(), &tenant, head.metric, None, usize::MAX).unwrap();
    let (middle, newest) = (facts[facts.len() / 2].at, commits.last().unwrap().commit.recorded_at);
    let span = |from, to| Span { tenant: tenant.clone(), metrics: vec![head.metric], from, to };
    let ids = |name: &str| {
        let mut ids: Vec<String> =
            topics.messages(&format!("relevo.republish.{tenant}.{name}")).into_iter().map(|event| event.id).collect();
        ids.sort();
        ids
    };
    let publish = async |name: &str, span: &Span, now: Timestamp| {
        let place = Topic::republished(&tenant, name).unwrap();
        republisher.republish(span, place, now, |_progress| {}).await.unwrap()
    };
    let whole = publish("whole", &span(None, None), newest).await;
    assert_eq!((whole.facts, whole.sequence), (facts.len() as u64, commits.len() as u64));
    let mut all: Vec<String> = facts.iter().map(|fact| fact.id.clone()).collect();
    all.sort();
    assert_eq!(ids("whole"), all);
    // The same span, once so long after that the view may have forgotten it.
    let from_view = publish("from-view", &span(Some(middle), None), middle).await;
    let from_log = publish("from-log", &span(Some(middle), None), middle + Duration::from_hours(24 * 60)).await;
    assert!(from_view.sequence == 0 && from_log.sequence > 0 && from_view.facts == from_log.facts);
    assert_eq!(ids("from-view"), ids("from-log"));
    assert!(from_view.facts > 0 && from_view.facts < whole.facts);
    assert!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .all(|entry| { !entry.file_name().to_string_lossy().starts_with("topics-fold-") })
    );
}

#[tokio::test(start_paused = true)]
async fn another_tenants_facts_are_never_among_them() {
    let commits = history(9, 200);
    let (folder, view) = fold(MetricsProjector, &commits);
    let topics = Topics::new(9, 0);
    let port = Arc::clone(&topics) as Arc<dyn TopicLog>;
    let republisher = Republisher::new(view, log_of(&commits).await, port, folder.path().to_owned());
    let tenant = TenantId::new("nobody").unwrap();
    let metrics = relevo_projector_metrics::metric_names().collect();
    let span = Span { tenant: tenant.clone(), metrics, from: None, to: None };
    let place = Topic::republished(&tenant, "all").unwrap();
    let done = republisher.republish(&span, place, Timestamp::from_millis(0), |_progress| {}).await.unwrap();
    assert_eq!((done.facts, topics.count()), (0, 0));

    // What a killed fold left goes at the next start, and nothing else.
    let names = ["topics-fold-00", "metrics-v2"].map(|name| folder.path().join(name));
    for name in &names {
        std::fs::create_dir_all(name).unwrap();
    }
    republisher.sweep().unwrap();
    assert_eq!(names.map(|name| name.exists()), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_span_is_not_done_while_the_view_has_only_a_part_of_it() {
    let commits = history(17, 400);
    let folder = tempfile::tempdir().unwrap();
    let mut live = LiveView::new(MetricsProjector);
    live.apply(&commits[..100]);
    let topics = Topics::new(17, 0);
    let port = Arc::clone(&topics) as Arc<dyn TopicLog>;
    let republisher = Republisher::new(live.view(), log_of(&commits).await, port, folder.path().to_owned());
    let tenant = heads(&live.view().snapshot().unwrap()).unwrap().remove(0).tenant;
    let from = commits[0].commit.recorded_at;
    let metrics = relevo_projector_metrics::metric_names().collect();
    let span = Span { tenant: tenant.clone(), metrics, from: Some(from), to: None };
    let publish = async || {
        let place = Topic::republished(&tenant, "part").unwrap();
        republisher.republish(&span, place, from, |_progress| {}).await
    };
    let refused = publish().await;
    assert!(matches!(refused, Err(RepublishError::Building)), "{refused:?}");
    assert_eq!(topics.count(), 0);
    live.apply(&commits[100..]);
    let done = publish().await.unwrap();
    let all: usize = facts_of(&live.view())
        .iter()
        .filter(|(subject, _)| subject.starts_with(&format!("relevo.metrics.{tenant}.")))
        .map(|(_, facts)| facts.iter().filter(|fact| fact.at >= from).count())
        .sum();
    assert!(done.facts >= all as u64 && all > 100, "{done:?} of {all}");
}
