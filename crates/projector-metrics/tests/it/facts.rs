//! Facts: the outbox is what the figures are made of, in the order of the log, and old facts go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{Story, fold, history};
use relevo_projection::{FoldedRows, RowSource, fold_commits};
use relevo_projector_metrics::{
    DEFINITIONS, Definition, FactPlace, Figure, MetricFact, MetricsProjector, OUTBOX_KEEPS, facts_after, heads,
    metric_names,
};

use crate::recompute::{Counted, Expected};
use crate::support::{Folded, demo, open, resolve};

const TENANTS: [&str; 3] = ["demo", "demo-b", "peluqueria-sol"];

/// All facts of a history, as somebody who tells them again gets them.
fn told_again(commits: &[Recorded]) -> Vec<MetricFact> {
    let mut rows = FoldedRows::new();
    commits.iter().flat_map(|recorded| MetricsProjector::observe(&mut rows, recorded).unwrap()).collect()
}

/// What a consumer does that keeps one message an id.
fn not_superseded(facts: impl IntoIterator<Item = MetricFact>) -> Vec<MetricFact> {
    let by_id: BTreeMap<String, MetricFact> = facts.into_iter().map(|fact| (fact.id.clone(), fact)).collect();
    let gone: BTreeSet<String> = by_id.values().filter_map(|fact| fact.supersedes.clone()).collect();
    assert!(gone.iter().all(|id| by_id.contains_key(id)), "nothing is superseded that was not told");
    by_id.into_values().filter(|fact| !gone.contains(&fact.id)).collect()
}

#[test]
fn a_consumer_of_the_facts_has_exactly_the_figures() {
    let commits = history(11, 3_000);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let snapshot = view.snapshot().unwrap();
    for tenant in TENANTS {
        // Each message comes twice: at least once is what a stream promises.
        let facts: Vec<_> = told_again(&commits).into_iter().filter(|fact| fact.tenant == tenant).collect();
        let kept = not_superseded(facts.clone().into_iter().chain(facts));
        for metric in DEFINITIONS {
            let own = kept.iter().filter(|fact| fact.metric == metric.name);
            Expected(own.map(|fact| counted(metric, fact)).collect()).check(&snapshot, tenant, metric);
        }
    }
}

fn counted(metric: &Definition, fact: &MetricFact) -> Counted {
    let whose = [&fact.channel_id, &fact.team_id, &fact.agent_id].map(|name| name.clone().unwrap_or_default());
    let labels = metric.labels.iter().map(|key| fact.labels[*key].clone()).collect();
    Counted { at: fact.at.as_millis(), whose, labels, value: fact.value }
}

#[test]
fn the_outbox_has_the_facts_in_order_and_pages_go_on_after_a_place() {
    let commits = history(12, 1_500);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let snapshot = view.snapshot().unwrap();
    let mut told: HashMap<(String, String), Vec<MetricFact>> = HashMap::new();
    for fact in told_again(&commits) {
        told.entry((fact.tenant.clone(), fact.metric.clone())).or_default().push(fact);
    }
    let mut topics = 0;
    for tenant in TENANTS.map(|name| supervisor(name).tenant) {
        for metric in metric_names() {
            let told = told.remove(&(tenant.to_string(), metric.to_owned())).unwrap_or_default();
            assert!(
                told.is_sorted_by_key(MetricFact::place) && told.windows(2).all(|two| two[0].place() < two[1].place())
            );
            let all = facts_after(&snapshot, &tenant, metric, None, usize::MAX).unwrap();
            // What is older than the outbox keeps is gone, from the front.
            assert!(all.len() <= told.len() && told.ends_with(&all), "{tenant} {metric}");
            let mut paged = Vec::new();
            let mut after = None;
            loop {
                let page = facts_after(&snapshot, &tenant, metric, after, 7).unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.place());
                paged.extend(page);
            }
            assert_eq!(paged, all);
            let head =
                heads(&snapshot).unwrap().into_iter().find(|head| (&head.tenant, head.metric) == (&tenant, metric));
            assert_eq!(head.map(|head| head.last), told.last().map(MetricFact::place), "{tenant} {metric}");
            topics += usize::from(!all.is_empty());
        }
    }
    assert!(topics > 40, "the history has facts of nearly every metric and tenant, not {topics}");
    assert_eq!(facts_after(&snapshot, &demo(), "no_such_metric", None, 10), Ok(Vec::new()));
}

fn of_demo(source: &impl RowSource) -> Vec<MetricFact> {
    metric_names().flat_map(|metric| facts_after(source, &demo(), metric, None, 10_000).unwrap()).collect()
}

#[test]
fn facts_are_the_same_in_memory_and_in_a_view() {
    let commits = history(13, 400);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let in_memory = fold_commits(&MetricsProjector, &commits).unwrap();
    let snapshot = view.snapshot().unwrap();
    assert_eq!(of_demo(&in_memory), of_demo(&snapshot));
}

#[test]
fn facts_go_when_they_are_old_and_figures_stay() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for _ in 0..20 {
        story.customer(id, "hola");
    }
    resolve(&mut story, id, "");
    let first = Folded::of(&story).facts("messages_in");
    assert_eq!(first.len(), 20);
    story.wait(OUTBOX_KEEPS);
    story.customer(id, "hola");
    assert_eq!(Folded::of(&story).facts("messages_in").len(), 21, "exactly as old as it may be");
    story.wait(Duration::from_millis(1));
    for expected in [19, 16, 13] {
        story.customer(id, "hola");
        let kept = Folded::of(&story).facts("messages_in").len();
        assert!(kept <= expected, "{kept} facts are kept, not {expected}: a few commits' facts go with each commit");
    }
    for _ in 0..10 {
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    let kept = folded.facts("messages_in");
    assert_eq!((kept.len(), kept[0].sequence > first[19].sequence), (14, true), "only what is not old");
    assert_eq!(folded.figure("messages_in"), Figure::Sum(20), "January's are still counted");
    assert_eq!(folded.facts("resolution_full").len(), 0);
    // What corrects a fact that is gone still names it, and the figure is still right.
    resolve(&mut story, id, "");
    let folded = Folded::of(&story);
    let correction = folded.facts("resolution_full").remove(0);
    assert!(correction.supersedes.is_some());
    assert_eq!(folded.duration("resolution_full"), None, "it counts now, not in January");
    let head = heads(&folded.snapshot).unwrap().into_iter().find(|head| head.metric == "resolution_full").unwrap();
    assert_eq!(head.last, FactPlace { sequence: correction.sequence, ordinal: 0 });
}

#[test]
fn facts_carry_nothing_that_a_customer_wrote() {
    let facts = told_again(&history(14, 1_000));
    let json = serde_json::to_string(&facts).unwrap();
    for hint in ["@", "+54", "wamid", "http"] {
        assert!(!json.contains(hint), "{hint}");
    }
    for fact in &facts {
        let keys: Vec<_> = fact.labels.keys().map(String::as_str).collect();
        let metric = DEFINITIONS.into_iter().find(|metric| metric.name == fact.metric).unwrap();
        let mut expected = metric.labels.to_vec();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!((fact.kind.as_str(), fact.unit.as_str()), (metric.kind.as_str(), metric.kind.unit()));
        assert_eq!(fact.id, format!("{}.v{}.{}.{}", fact.metric, fact.version, fact.sequence, fact.ordinal));
    }
}
