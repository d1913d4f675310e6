//! Series of metrics, their definitions, and watching them.

use std::time::Duration;

use prost_types::Timestamp as WireTime;
use relevo_domain::conversation::PauseReason;
use relevo_domain::{Caller, ErrorCode, Role};
use relevo_projection::testing::LiveView;
use relevo_projector_metrics::{DEFINITIONS, MetricsProjector};
use relevo_proto::Problem;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::metrics_service_server::MetricsService as _;
use relevo_proto::query::v1::watch_metrics_response::Event;

use super::live::next;
use super::world::{Told, World, ask, caller, code, directory, granted, ports, refused, supervisor};
use crate::{Query, QueryViews};

/// Noon of Monday in Buenos Aires; the last message comes after midnight there.
fn given() -> World {
    World::new()
        .writes("demo", 1, "wa-main", "Hola")
        .assigned("demo", 1, Some("laura"), Some("ventas"))
        .after(Duration::from_secs(118))
        .echoes("demo", 1, "Buen día")
        .paused("demo", 1, PauseReason::Complaint, "")
        .writes("demo", 2, "mail", "Presupuesto")
        .resolved("demo", 1)
        .after(Duration::from_hours(13))
        .writes("demo", 2, "mail", "¿Hay novedades?")
}

fn over(metrics: &[&str], from_day: &str, to_day: &str) -> wire::MetricsSelection {
    wire::MetricsSelection {
        metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
        from_day: from_day.to_owned(),
        to_day: to_day.to_owned(),
        ..Default::default()
    }
}

fn request(selection: wire::MetricsSelection) -> wire::QueryMetricsRequest {
    wire::QueryMetricsRequest { selection: Some(selection), ..Default::default() }
}

async fn series(told: &Told, selection: wire::MetricsSelection) -> Vec<wire::MetricSeries> {
    told.query.query_metrics(ask(&supervisor(), request(selection))).await.unwrap().into_inner().series
}

#[tokio::test]
async fn days_are_those_of_the_tenants_zone_and_what_is_not_measured_is_undefined() {
    let told = given().told();
    let mut selection = over(&["messages_in", "first_response_human", "backlog"], "2026-03-02", "2026-03-03");
    selection.bucket = wire::MetricBucket::Day.into();

    let answer = told.query.query_metrics(ask(&supervisor(), request(selection))).await.unwrap().into_inner();

    assert_eq!(answer.time_zone, "America/Argentina/Buenos_Aires");
    assert_eq!(answer.position, format!("p1-{}", told.last));
    let names: Vec<_> = answer.series.iter().map(|series| (series.metric.as_str(), series.kind())).collect();
    let kinds = [wire::MetricKind::Sum, wire::MetricKind::Duration, wire::MetricKind::Gauge];
    assert_eq!(names, [("messages_in", kinds[0]), ("first_response_human", kinds[1]), ("backlog", kinds[2])]);
    let points: Vec<_> = answer.series.iter().flat_map(|series| &series.points).collect();
    let day = 24 * 3600;
    let long = |point: &wire::MetricPoint| point.to.unwrap().seconds - point.from.unwrap().seconds;
    assert!(points.iter().all(|point| long(point) == day && point.hour_of_day.is_none()));
    assert_eq!(
        points.iter().map(|point| point.day.as_str()).collect::<Vec<_>>(),
        ["2026-03-02", "2026-03-03"].repeat(3)
    );
    assert_eq!([points[0].value, points[1].value], [Some(2), Some(1)]);
    let (measured, nothing) = (points[2], points[3]);
    assert_eq!((measured.state(), measured.n, measured.mean_ms), (wire::FigureState::Defined, 1, Some(120_000)));
    assert!(measured.p50_ms.is_some() && measured.p90_ms.is_some() && measured.p99_ms.is_some());
    assert_eq!((nothing.state(), nothing.n, nothing.mean_ms), (wire::FigureState::Undefined, 0, None));
    assert_eq!((nothing.p50_ms, nothing.sum_ms, nothing.value), (None, None, None));
    assert_eq!([points[4].value, points[5].value], [Some(1), Some(1)]);
}

#[tokio::test]
async fn series_are_split_by_whose_they_are_and_by_labels() {
    let told = given().told();
    let mut selection = over(&["pauses"], "2026-03-02", "");
    let splits =
        [wire::MetricSplit::Channel, wire::MetricSplit::Team, wire::MetricSplit::Agent, wire::MetricSplit::Labels];
    selection.split_by = splits.map(i32::from).into();
    let found = series(&told, selection).await;
    assert_eq!(found.len(), 1);
    let whose = [&found[0].channel_id, &found[0].team_id, &found[0].agent_id].map(|name| name.as_deref());
    assert_eq!(whose, [Some("wa-main"), Some("ventas"), Some("laura")]);
    let labels: Vec<_> = found[0].labels.iter().map(|label| (label.key.as_str(), label.value.as_str())).collect();
    assert_eq!(labels, [("reason", "complaint"), ("how", "manual")]);

    let selection = wire::MetricsSelection { team_id: "soporte".to_owned(), ..over(&["pauses"], "2026-03-02", "") };
    let found = series(&told, selection).await;
    assert_eq!((found.len(), found[0].points[0].value, found[0].channel_id.as_ref()), (1, Some(0), None));
}

#[tokio::test]
async fn a_share_says_its_cohort_and_its_band() {
    let told = given().told();
    let found = series(&told, over(&["intervention"], "2026-03-02", "")).await;
    let point = &found[0].points[0];
    assert_eq!((point.value, point.n, point.share_basis_points), (Some(1), 2, Some(5000)));
    assert_eq!(point.band(), wire::ShareBand::Over15);
    let nobody = &series(&told, over(&["intervention"], "2026-03-04", "")).await[0].points[0];
    assert_eq!((nobody.state(), nobody.share_basis_points, nobody.value), (wire::FigureState::Undefined, None, None));
    assert_eq!(nobody.band(), wire::ShareBand::Unspecified);
}

#[tokio::test]
async fn a_span_can_be_of_instants() {
    let told = given().told();
    let time = |seconds| Some(WireTime { seconds, nanos: 0 });
    // 2026-03-02T15:00Z and four hours later.
    let (from, to) = (time(1_772_463_600), time(1_772_463_600 + 4 * 3600));
    let bucket = wire::MetricBucket::HourOfDay.into();
    let selection = wire::MetricsSelection { from, to, bucket, ..over(&["messages_in"], "", "") };
    let found = series(&told, selection).await;
    let hours: Vec<_> = found[0].points.iter().map(|point| point.hour_of_day.unwrap()).collect();
    assert_eq!(hours, (0..24).collect::<Vec<_>>());
    assert_eq!(found[0].points[12].value, Some(2));
}

#[tokio::test]
async fn selections_that_make_no_sense_are_refused() {
    let told = given().told();
    let time = |seconds, nanos| Some(WireTime { seconds, nanos });
    let good = || over(&["messages_in"], "2026-03-02", "");
    let by = |from, to| wire::MetricsSelection { from, to, ..over(&["messages_in"], "", "") };
    let hourly = wire::MetricsSelection {
        bucket: wire::MetricBucket::Hour.into(),
        ..over(&["messages_in"], "2026-03-01", "2026-04-01")
    };
    for (selection, field) in [
        (over(&[], "2026-03-02", ""), "metrics"),
        (over(&["messages_in", "happiness"], "2026-03-02", ""), "metrics"),
        (over(&["messages_in"; 1000], "2026-03-02", ""), "metrics"),
        (over(&["messages_in"], "", ""), "from_day"),
        (over(&["messages_in"], "2026-03-02", "2026-03-01"), "to_day"),
        (over(&["messages_in"], "2026-01-01", "2027-01-02"), "to_day"),
        (hourly, "to_day"),
        (by(time(10, 0), None), "to"),
        (by(None, time(10, 0)), "from"),
        (by(time(10, 0), time(10, 0)), "to"),
        (by(time(i64::MIN, 0), time(10, 0)), "from"),
        (by(time(0, 0), time(i64::MAX, 0)), "to"),
        (by(time(0, -1), time(10, 0)), "from"),
        (by(time(0, 0), time(400 * 24 * 3600, 0)), "to"),
        (wire::MetricsSelection { from: time(0, 0), ..good() }, "from"),
        (wire::MetricsSelection { bucket: 99, ..good() }, "bucket"),
        (wire::MetricsSelection { split_by: vec![99], ..good() }, "split_by"),
        (wire::MetricsSelection { channel_id: "Ventas 1".to_owned(), ..good() }, "channel_id"),
        (wire::MetricsSelection { agent_id: "*".to_owned(), ..good() }, "agent_id"),
    ] {
        let about = format!("{selection:?}");
        let problem = refused(told.query.query_metrics(ask(&supervisor(), request(selection))).await);
        assert_eq!(problem.code, ErrorCode::InvalidArgument, "{about}");
        assert_eq!(problem.violations[0].field, field, "{about}");
    }
    let none = wire::QueryMetricsRequest::default();
    assert_eq!(refused(told.query.query_metrics(ask(&supervisor(), none)).await).violations[0].field, "selection");
}

#[tokio::test]
async fn figures_are_for_who_sees_the_whole_tenant() {
    let told = given().told();
    let watch = || wire::WatchMetricsRequest {
        selection: request(over(&["pauses"], "2026-03-02", "")).selection,
        ..Default::default()
    };
    let refused_watch = async |caller: &Caller| {
        let Err(status) = told.query.watch_metrics(ask(caller, watch())).await else { panic!("accepted") };
        Problem::from_status(&status).unwrap().code
    };
    for caller in [granted("laura", "wa-main", "ventas"), caller("demo", "helper", Role::Bot)] {
        let series = told.query.query_metrics(ask(&caller, request(over(&["pauses"], "2026-03-02", "")))).await;
        assert_eq!(code(series), ErrorCode::Forbidden);
        let list = told.query.list_metrics(ask(&caller, wire::ListMetricsRequest {})).await;
        assert_eq!(code(list), ErrorCode::Forbidden);
        assert_eq!(refused_watch(&caller).await, ErrorCode::Forbidden);
    }
    let other = caller("demo-b", "ana", Role::Analyst);
    let found = told.query.query_metrics(ask(&other, request(over(&["pauses"], "2026-03-02", "")))).await.unwrap();
    assert_eq!(found.into_inner().series[0].points[0].value, Some(0), "another tenant's figures are its own");
}

#[tokio::test]
async fn every_metric_is_listed_with_its_meaning_and_a_title_in_both_languages() {
    let told = World::new().told();
    let proto = include_str!("../../../../proto/relevo/query/v1/metrics.proto").replace("//", " ");
    let proto = proto.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut titles = Vec::new();
    for language in ["en", "es"] {
        let mut asked = ask(&supervisor(), wire::ListMetricsRequest {});
        asked.metadata_mut().insert("accept-language", language.parse().unwrap());
        let metrics = told.query.list_metrics(asked).await.unwrap().into_inner().metrics;
        assert_eq!(metrics.len(), DEFINITIONS.len());
        for (metric, definition) in metrics.iter().zip(DEFINITIONS) {
            assert_eq!((metric.name.as_str(), metric.version), (definition.name, definition.version));
            let meaning = metric.meaning.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(proto.contains(&meaning), "{}: the proto says something else", metric.name);
            assert!(!metric.title.contains(&metric.name.replace('_', "-")), "{} has no title", metric.name);
        }
        titles.push(metrics.into_iter().map(|metric| metric.title).collect::<Vec<_>>());
    }
    assert!(titles[0].iter().zip(&titles[1]).all(|(english, spanish)| english != spanish));
}

/// The services over a metrics view that moves.
fn live(world: &World) -> (Query, LiveView, Vec<tempfile::TempDir>) {
    let mut metrics = LiveView::new(MetricsProjector);
    metrics.apply(world.commits());
    let (folders, rest) = world.views();
    let views = QueryViews { metrics: metrics.view(), ..rest };
    (Query::new(views, directory(), [7; 32], ports(world.commits())), metrics, folders)
}

#[tokio::test(start_paused = true)]
async fn a_watch_shows_the_series_and_then_what_has_changed_at_most_once_a_second() {
    let world = given();
    let (query, mut view, _folders) = live(&world);
    let selection = Some(over(&["messages_in"], "2026-03-02", "2026-03-04"));
    let request = wire::WatchMetricsRequest { selection, ..Default::default() };
    let mut stream = query.watch_metrics(ask(&supervisor(), request)).await.unwrap().into_inner();
    let count = |message: &wire::WatchMetricsResponse| match message.event.as_ref().unwrap() {
        Event::Snapshot(snapshot) => snapshot.series[0].points[0].value,
        Event::Heartbeat(wire::WatchHeartbeat {}) => None,
    };
    let first = next(&mut stream).await.unwrap();
    assert_eq!((count(&first), first.position), (Some(3), format!("p1-{}", world.commits().len())));

    // A conversation of another tenant, and then two messages within the second.
    let applied = world.commits().len();
    let world = world.writes("demo-b", 9, "wa-main", "ajeno").writes("demo", 1, "wa-main", "uno");
    view.apply(&world.commits()[applied..applied + 2]);
    view.apply(&world.commits()[applied + 2..]);
    let applied = world.commits().len();
    let world = world.writes("demo", 1, "wa-main", "dos");
    view.apply(&world.commits()[applied..]);
    let told_at = tokio::time::Instant::now();
    let second = next(&mut stream).await.unwrap();
    assert_eq!((count(&second), second.position), (Some(5), format!("p1-{}", world.commits().len())));
    assert!(told_at.elapsed() <= Duration::from_millis(1_500), "{:?}", told_at.elapsed());

    // What changes nothing of it is told by nothing; the connection stays alive.
    let applied = world.commits().len();
    let world = world.resumed("demo", 1);
    view.apply(&world.commits()[applied..]);
    let third = next(&mut stream).await.unwrap();
    assert_eq!((count(&third), third.position), (None, format!("p1-{}", world.commits().len())));
}
