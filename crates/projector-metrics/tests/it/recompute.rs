//! The figures once more, slowly and obviously: every conversation is a list of what happened, and every metric a search in it.
//!
//! Shares nothing with the view but the names of the metrics: no row, no remembered state, no fact that corrects another.

mod observe;

use std::collections::BTreeMap;

use relevo_projection::RowSource;
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{fold, history};
use relevo_projector_metrics::{
    Bucket, DEFINITIONS, Definition, Figure, Kind, MetricsProjector, Only, RELATIVE_ERROR_DIVISOR, Selection, Span,
    series,
};

use crate::support::{ALL_APART, TOGETHER, days};

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
        let caller = supervisor(tenant);
        let ask = |span: Span, bucket, split| {
            let (metrics, only) = (vec![metric], Only::default());
            let asked = Selection { metrics, span, bucket, split, only, visible: &caller };
            series(source, &caller.tenant, &asked).unwrap()
        };
        let about = format!("{tenant} {}", metric.name);

        let mut apart: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for counted in &self.0 {
            apart.entry((counted.whose.clone(), counted.labels.clone())).or_default().push(counted.value);
        }
        apart.retain(|_, values| metric.kind != Kind::Gauge || values.iter().sum::<i64>() != 0);
        let found = ask(year("UTC"), Bucket::Whole, ALL_APART);
        assert_eq!(found.len(), apart.len(), "{about}: {:?}", apart.keys());
        for series in found {
            let whose = [series.channel, series.team, series.agent].map(Option::unwrap);
            let labels = series.labels.into_iter().map(|(_, value)| value).collect();
            let values = apart.remove(&(whose.clone(), labels)).unwrap_or_default();
            expect(&series.points[0].figure, values, &format!("{about} {whose:?}"));
        }

        let by_day = ask(days("2026-01-01", "2026-06-30", "America/Argentina/Buenos_Aires"), Bucket::Day, TOGETHER);
        assert_eq!((by_day.len(), by_day[0].points.len()), (1, 181), "{about}");
        for point in &by_day[0].points {
            let (from, to) = (point.stretch.from.as_millis(), point.stretch.to.as_millis());
            let in_time = |at: i64| if metric.kind == Kind::Gauge { at < to } else { from <= at && at < to };
            let values = self.0.iter().filter(|counted| in_time(counted.at)).map(|counted| counted.value).collect();
            expect(&point.figure, values, &format!("{about} {:?}", point.stretch.day));
        }
    }
}

/// The year in which histories happen.
fn year(zone: &str) -> Span {
    days("2026-01-01", "2026-12-31", zone)
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

#[test]
fn every_figure_is_what_a_slow_search_of_the_log_finds() {
    let mut met = BTreeMap::<&str, usize>::new();
    for seed in [21, 22] {
        let commits = history(seed, 4_000);
        let (_folder, view) = fold(MetricsProjector, &commits);
        assert_eq!(view.degraded().unwrap().parked, []);
        let snapshot = view.snapshot().unwrap();
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
    }
    // A comparison of nothing with nothing would prove nothing.
    let rare: Vec<_> = DEFINITIONS.iter().filter(|metric| met[metric.name] < 10).map(|metric| metric.name).collect();
    assert_eq!(rare, [] as [&str; 0], "{met:?}");
}
