//! The figures once more, slowly and obviously: every conversation is a list of what happened, and every metric a search in it.
//!
//! Shares nothing with the view but the names of the metrics: no row, no remembered state, no fact that corrects another.

mod observe;
mod reports;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::conversation::{
    Author, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, FailureClass, Outgoing,
    SendFailure,
};
use relevo_domain::{Actor, AgentId, EntityId, MessageId, Recorded};
use relevo_projection::testing::story::{outgoing, supervisor};
use relevo_projection::testing::{Story, fold, history, long_history};
use relevo_projection::{RowSource, fold_commits};
use relevo_projector_metrics::{
    Bucket, DEFINITIONS, Definition, Figure, Kind, MetricsProjector, Only, RELATIVE_ERROR_DIVISOR, Selection, Series,
    Span, Split, series,
};

use crate::support::{ALL_APART, TOGETHER, assign, days, import, new_episode, open, reopen, resolve};

/// One thing that counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) at: i64,
    /// Channel, team, agent; empty for none.
    pub(crate) whose: [String; 3],
    /// In the order of the definition.
    pub(crate) labels: Vec<String>,
    pub(crate) value: i64,
}

/// Everything of one metric in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Expected(pub(crate) Vec<Counted>);

impl Expected {
    /// The view says the same: for everybody and every label apart over the whole year, and together by the days of a zone.
    pub(crate) fn check(&self, source: &impl RowSource, tenant: &str, metric: &'static Definition) {
        self.check_apart(source, tenant, metric);
        let about = format!("{tenant} {}", metric.name);
        let zone = "America/Argentina/Buenos_Aires";
        let by_day = ask(source, tenant, metric, (days("2026-01-01", "2026-06-30", zone), Bucket::Day, TOGETHER));
        assert_eq!((by_day.len(), by_day[0].points.len()), (1, 181), "{about}");
        for point in &by_day[0].points {
            let (from, to) = (point.stretch.from.as_millis(), point.stretch.to.as_millis());
            let in_time = |at: i64| if metric.kind == Kind::Gauge { at < to } else { from <= at && at < to };
            let values = self.0.iter().filter(|counted| in_time(counted.at)).map(|counted| counted.value).collect();
            expect(&point.figure, values, &format!("{about} {:?}", point.stretch.day));
        }
    }

    /// For everybody and every label apart over all time that the history tells of. It begins with the year, but providers may
    /// date what they report up to eight days earlier.
    fn check_apart(&self, source: &impl RowSource, tenant: &str, metric: &'static Definition) {
        let about = format!("{tenant} {}", metric.name);
        let mut apart: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for counted in &self.0 {
            apart.entry((counted.whose.clone(), counted.labels.clone())).or_default().push(counted.value);
        }
        apart.retain(|_, values| metric.kind != Kind::Gauge || values.iter().sum::<i64>() != 0);
        let all_time = days("2025-12-01", "2026-11-30", "UTC");
        let asked = |at: i64| all_time.from.as_millis() <= at && at < all_time.to.as_millis();
        assert!(self.0.iter().all(|counted| asked(counted.at)), "{about}: what is not asked for is not compared");
        let found = ask(source, tenant, metric, (all_time, Bucket::Whole, ALL_APART));
        for series in found {
            let whose = [series.channel, series.team, series.agent].map(Option::unwrap);
            let labels: Vec<String> = series.labels.into_iter().map(|(_, value)| value).collect();
            let values = apart.remove(&(whose.clone(), labels.clone()));
            let values = values.unwrap_or_else(|| panic!("{about}: the view alone has {whose:?} {labels:?}"));
            expect(&series.points[0].figure, values, &format!("{about} {whose:?} {labels:?}"));
        }
        assert!(apart.is_empty(), "{about}: the search alone has {apart:?}");
    }
}

fn ask(
    source: &impl RowSource,
    tenant: &str,
    metric: &'static Definition,
    (span, bucket, split): (Span, Bucket, Split),
) -> Vec<Series> {
    let caller = supervisor(tenant);
    let (metrics, only) = (vec![metric], Only::default());
    series(source, &caller.tenant, &Selection { metrics, span, bucket, split, only, visible: &caller }).unwrap()
}

#[track_caller]
fn expect(found: &Figure, mut values: Vec<i64>, about: &str) {
    let (n, sum) = (values.len() as u64, values.iter().sum::<i64>());
    match found {
        Figure::Sum(count) => assert_eq!(*count, sum.unsigned_abs(), "{about}"),
        Figure::Gauge(level) => assert_eq!(*level, sum, "{about}"),
        Figure::Share(None) | Figure::Duration(None) => assert_eq!(n, 0, "{about}: undefined"),
        Figure::Share(Some(share)) => assert_eq!((share.n, share.count), (n, sum.unsigned_abs()), "{about}"),
        Figure::Duration(Some(figure)) => {
            assert_eq!((figure.n, figure.sum_ms), (n, sum.unsigned_abs()), "{about}");
            assert_eq!(figure.mean_ms, (sum.unsigned_abs() + n / 2) / n, "{about}");
            values.sort_unstable();
            for (found, permille) in [(figure.p50_ms, 500), (figure.p90_ms, 900), (figure.p99_ms, 990)] {
                let rank = (n * permille).div_ceil(1000).max(1);
                let exact = values[rank as usize - 1].unsigned_abs();
                assert!(found.abs_diff(exact) * RELATIVE_ERROR_DIVISOR <= exact, "{about}: {found} instead of {exact}");
            }
        }
    }
}

/// The view of a history says what the search finds. How many things counted in each metric.
fn compare(commits: &[Recorded]) -> BTreeMap<&'static str, usize> {
    let (_folder, view) = fold(MetricsProjector, commits);
    assert_eq!(view.degraded().unwrap().parked, []);
    let snapshot = view.snapshot().unwrap();
    let mut met = BTreeMap::new();
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let own: Vec<_> = commits.iter().filter(|recorded| recorded.commit.tenant.as_str() == tenant).collect();
        let mut expected = observe::everything(&own);
        for metric in DEFINITIONS {
            let expected = expected.remove(metric.name).unwrap_or_default();
            *met.entry(metric.name).or_default() += expected.0.len();
            expected.check(&snapshot, tenant, metric);
        }
        assert!(expected.is_empty(), "no metric of these names: {:?}", expected.keys());
    }
    met
}

/// A comparison of nothing with nothing would prove nothing.
fn each_at_least(times: usize, met: &BTreeMap<&'static str, usize>) {
    let rare: Vec<_> = DEFINITIONS.iter().filter(|metric| met[metric.name] < times).map(|metric| metric.name).collect();
    assert_eq!(rare, [] as [&str; 0], "{met:?}");
}

#[test]
fn every_figure_is_what_a_slow_search_of_the_log_finds() {
    let mut met = BTreeMap::new();
    for seed in [21, 22] {
        for (name, times) in compare(&history(seed, 4_000)) {
            *met.entry(name).or_default() += times;
        }
    }
    each_at_least(10, &met);
}

#[test]
#[ignore = "a busy business's months: for whoever changes a metric, by name"]
fn every_figure_of_a_hundred_thousand_commits_is_what_a_slow_search_of_the_log_finds() {
    each_at_least(100, &compare(&long_history(23, 100_000)));
}

type Step = (u8, u8, i8);

fn queue_by_bot(story: &mut Story, id: EntityId) -> MessageId {
    let message = story.message(Author::Bot, "").id;
    let queued = Outgoing { author: Author::Bot, ..outgoing(message, "hola") };
    let bot = Actor::Bot(AgentId::new("asistente").unwrap());
    story.tell(id, bot, [ConversationEvent::MessageQueued(Box::new(queued))]);
    message
}

fn fail(story: &mut Story, id: EntityId, message: MessageId) {
    let failure = SendFailure { class: FailureClass::Window, code: Some("131047".to_owned()), detail: None };
    let failed = ConversationEvent::SendFailed { message, attempt: 1, failure, retry_at: None };
    story.tell(id, Actor::System, [failed]);
}

/// The provider reports on what it took; before that, it names a message that nobody has.
fn told(story: &mut Story, id: EntityId, message: MessageId) {
    let status = [DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Read, DeliveryStatus::Failed];
    let status = status[story.commits().len() % 4].clone();
    let personal = DeliveryReportPersonal::default();
    let report = DeliveryReport { message, status, reported_at: story.now(), error_code: None, personal };
    story.tell(id, Actor::Provider, [ConversationEvent::DeliveryReported(report)]);
}

/// What providers tell in any order, and what staff do meanwhile; times go back as often as not.
fn disorder(steps: &[Step]) -> Story {
    let mut story = Story::new();
    let mut ids: Vec<_> = (1..=2).map(|number| open(&mut story, number)).collect();
    ids.push(import(&mut story, 3));
    let mut episodes = [1; 3];
    let mut sent: [Vec<(MessageId, Option<MessageId>)>; 3] = Default::default();
    for (number, what, quarters) in steps {
        let number = usize::from(number % 3);
        let id = ids[number];
        let time = Duration::from_mins(5) * u32::from(quarters.unsigned_abs() % 8);
        story.at(if *quarters < 0 { story.now() - time } else { story.now() + time });
        match what % 20 {
            0..=2 => drop(story.customer(id, "hola")),
            3..=4 => drop(story.phone(id, "hola")),
            5 => assign(&mut story, id, "laura", "ventas"),
            6 => assign(&mut story, id, "bruno", "ventas"),
            7 => assign(&mut story, id, "-", "-"),
            8 => resolve(&mut story, id, "sold"),
            9 | 10 => reopen(&mut story, id),
            11 | 12 => sent[number].push((story.queue(id, "laura", "hola"), None)),
            13 => sent[number].push((queue_by_bot(&mut story, id), None)),
            14..=16 => {
                // Whatever waits longest, or what was taken already once more.
                if let Some((message, alias)) = sent[number].iter_mut().find(|(_, alias)| alias.is_none()) {
                    *alias = Some(story.accept(id, *message));
                }
            }
            17 => {
                let waiting = sent[number].iter().position(|(_, alias)| alias.is_none());
                let message = waiting.map(|place| sent[number].remove(place).0);
                if let Some(message) = message {
                    fail(&mut story, id, message);
                }
            }
            18 => {
                let last = sent[number].last().copied();
                if let Some((message, alias)) = last {
                    told(&mut story, id, alias.unwrap_or(message));
                }
            }
            _ => {
                episodes[number] += 1;
                new_episode(&mut story, id, episodes[number]);
            }
        }
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_figure_is_what_a_search_finds_in_whatever_order_providers_tell(
        steps in prop::collection::vec(any::<Step>(), 0..100),
    ) {
        let story = disorder(&steps);
        let rows = fold_commits(&MetricsProjector, story.commits()).unwrap();
        let mut expected = observe::everything(&story.commits().iter().collect::<Vec<_>>());
        for metric in DEFINITIONS {
            expected.remove(metric.name).unwrap_or_default().check_apart(&rows, "demo", metric);
        }
    }
}
