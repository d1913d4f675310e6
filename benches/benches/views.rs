//! What one commit costs each view, and what a page of the inbox costs, without a log and without a server.
//!
//! `cargo bench -p relevo-benches --bench views`. A few seconds a case: to compare before and after, not to report.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on must fail")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use relevo_benches::rebuild::projectors;
use relevo_domain::{AgentId, Caller, Recorded, Role, Scope, TenantId};
use relevo_projection::ViewSnapshot;
use relevo_projection::testing::{Writer, fold, long_history};
use relevo_projector_inbox::{Filter, InboxProjector, ListQuery, Sort};

/// Commits that are applied before and while a view is measured.
const BEFORE: usize = 20_000;
const COMMITS: usize = 4_000;
/// Of a page, as people see it.
const PAGE: usize = 50;

fn apply(criterion: &mut Criterion) {
    let history = long_history(1, BEFORE + COMMITS);
    let mut group = criterion.benchmark_group("apply");
    group.throughput(Throughput::Elements(COMMITS as u64));
    for projector in projectors() {
        group.bench_function(projector.name(), |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| {
                        let folder = tempfile::tempdir().unwrap();
                        let mut writer = Writer::new(Arc::clone(&projector), folder.path());
                        writer.apply(&history[..BEFORE], &mut |_| {});
                        timed(|| writer.apply(&history[BEFORE..], &mut |_| {}))
                    })
                    .sum()
            });
        });
    }
    group.finish();
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn lists(criterion: &mut Criterion) {
    let history = long_history(1, BEFORE);
    let (_folder, view) = fold(InboxProjector, &history);
    let snapshot = view.snapshot().unwrap();
    let mut group = criterion.benchmark_group("list");
    for sort in [Sort::LastActivity, Sort::Waiting, Sort::Priority] {
        group.bench_function(format!("{sort:?}"), |bencher| bencher.iter(|| page(&snapshot, &history, sort)));
    }
    group.finish();
}

fn page(snapshot: &ViewSnapshot, history: &[Recorded], sort: Sort) {
    let tenant = TenantId::new("demo").unwrap();
    let name = AgentId::new("sofia").unwrap();
    let visible = Caller { tenant: tenant.clone(), role: Role::Supervisor, name, scope: Scope::Tenant };
    let now = history[history.len() - 1].commit.recorded_at;
    let filter = Filter::default();
    let query = ListQuery { filter: &filter, sort, visible: &visible, now, after: None, limit: PAGE };
    black_box(relevo_projector_inbox::list(snapshot, &tenant, &query).unwrap());
}

criterion_group! {
    name = views;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(2));
    targets = apply, lists
}
criterion_main!(views);
