//! Figures over days.

use std::time::Duration;

use relevo_domain::conversation::PauseReason;
use relevo_domain::{ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::metrics_service_server::MetricsService as _;

use super::world::{Told, World, ask, caller, code, granted, refused, supervisor};

/// Noon of Monday in Buenos Aires; the last message comes after midnight there.
fn given() -> Told {
    World::new()
        .writes("demo", 1, "wa-main", "Hola")
        .after(Duration::from_secs(119))
        .echoes("demo", 1, "Buen día")
        .paused("demo", 1, PauseReason::Complaint, "")
        .writes("demo", 2, "mail", "Presupuesto")
        .resolved("demo", 1)
        .after(Duration::from_hours(13))
        .writes("demo", 2, "mail", "¿Hay novedades?")
        .told()
}

fn over(from_day: &str, to_day: &str) -> wire::GetMetricsRequest {
    wire::GetMetricsRequest { from_day: from_day.to_owned(), to_day: to_day.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn days_are_those_of_the_tenants_zone() {
    let told = given();

    let answer = told.query.get_metrics(ask(&supervisor(), over("2026-03-02", "2026-03-04"))).await.unwrap();

    let answer = answer.into_inner();
    assert_eq!(answer.time_zone, "America/Argentina/Buenos_Aires");
    let days: Vec<_> = answer.days.iter().map(|day| (day.day.as_str(), day.volumes.unwrap().messages_in)).collect();
    assert_eq!(days, [("2026-03-02", 2), ("2026-03-03", 1), ("2026-03-04", 0)]);
    let totals = answer.totals.unwrap();
    assert_eq!((totals.messages_in, totals.messages_out), (3, 1));
    assert_eq!((totals.conversations_opened, totals.resolved, totals.reopened), (2, 1, 0));
    assert_eq!(answer.hours.len(), 24);
    assert_eq!((answer.hours[12].messages_in, answer.hours[1].messages_in), (2, 1));
    assert_eq!(answer.pauses[0].manual, 1);
    assert_eq!(answer.position, format!("p1-{}", told.last));
}

#[tokio::test]
async fn the_first_response_is_measured_and_undefined_where_nothing_was() {
    let told = given();
    let measured = told.query.get_metrics(ask(&supervisor(), over("2026-03-02", ""))).await.unwrap().into_inner();
    let figure = measured.first_response.unwrap();
    assert_eq!((figure.state(), figure.n, figure.mean_ms), (wire::FigureState::Defined, 1, Some(120_000)));

    let nothing = told.query.get_metrics(ask(&supervisor(), over("2026-03-04", ""))).await.unwrap().into_inner();
    let figure = nothing.first_response.unwrap();
    assert_eq!((figure.state(), figure.n), (wire::FigureState::Undefined, 0));
    assert_eq!((figure.mean_ms, figure.p50_ms, figure.p90_ms), (None, None, None));
    assert_eq!(nothing.days.len(), 1);
}

#[tokio::test]
async fn one_channel_can_be_asked_for() {
    let told = given();
    let request = wire::GetMetricsRequest { channel_id: "mail".to_owned(), ..over("2026-03-02", "2026-03-03") };
    let answer = told.query.get_metrics(ask(&supervisor(), request)).await.unwrap().into_inner();
    assert_eq!(answer.totals.unwrap().messages_in, 2);
    assert_eq!(answer.channel_id, "mail");
}

#[tokio::test]
async fn days_that_are_none_are_refused() {
    let told = given();
    for (from, to, field) in [
        ("", "", "from_day"),
        ("2026-13-01", "", "from_day"),
        ("2026-3-1", "", "from_day"),
        ("2026-03-02T00:00", "", "from_day"),
        ("-009999-01-01", "", "from_day"),
        ("9999-12-31", "", "from_day"),
        ("2026-03-02", "mañana", "to_day"),
        ("2026-03-02", "2026-03-01", "to_day"),
        ("2026-01-01", "2027-01-02", "to_day"),
        ("1970-01-01", "9998-12-31", "to_day"),
    ] {
        let problem = refused(told.query.get_metrics(ask(&supervisor(), over(from, to))).await);
        assert_eq!(problem.code, ErrorCode::InvalidArgument, "{from} {to}");
        assert_eq!(problem.violations[0].field, field, "{from} {to}");
    }
    let year = told.query.get_metrics(ask(&supervisor(), over("2028-01-01", "2028-12-31"))).await.unwrap();
    assert_eq!(year.into_inner().days.len(), 366);
}

#[tokio::test]
async fn figures_are_for_who_sees_the_whole_tenant() {
    let told = given();
    for role in [Role::Supervisor, Role::Admin, Role::Analyst, Role::Ops] {
        let answer = told.query.get_metrics(ask(&caller("demo", "x", role), over("2026-03-02", ""))).await;
        assert!(answer.is_ok(), "{role:?}");
    }
    let agent = granted("laura", "wa-main", "ventas");
    assert_eq!(code(told.query.get_metrics(ask(&agent, over("2026-03-02", ""))).await), ErrorCode::Forbidden);
    let bot = caller("demo", "helper", Role::Bot);
    assert_eq!(code(told.query.get_metrics(ask(&bot, over("2026-03-02", ""))).await), ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_position_from_the_future_is_a_stale_read() {
    let told = given();
    let request =
        wire::GetMetricsRequest { min_position: "p1-999999".to_owned(), deadline_ms: 20, ..over("2026-03-02", "") };
    assert_eq!(code(told.query.get_metrics(ask(&supervisor(), request)).await), ErrorCode::StaleRead);
}
