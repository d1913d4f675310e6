//! Figures as the API shows them.

use jiff::civil::Date;
use relevo_domain::Position;
use relevo_projector_metrics as metrics;
use relevo_proto::query::v1 as wire;

use super::words;

/// What a report is about.
pub(crate) struct About {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) time_zone: String,
    pub(crate) channel_id: String,
    pub(crate) position: Position,
}

/// A whole report.
pub(crate) fn report(about: About, report: metrics::Report) -> wire::GetMetricsResponse {
    let day =
        |row: metrics::DayVolumes| wire::DayVolumes { day: row.day.to_string(), volumes: Some(volumes(row.volumes)) };
    let hour = |row: metrics::HourVolumes| wire::HourVolumes {
        hour: row.hour.into(),
        messages_in: row.messages_in,
        messages_out: row.messages_out,
    };
    let pause = |row: metrics::PauseCount| wire::PauseCount {
        reason: words::reason(row.reason).into(),
        manual: row.manual,
        automatic: row.automatic,
    };
    let status = |row: metrics::StatusCount| wire::StatusCount { status: row.status, count: row.count };
    wire::GetMetricsResponse {
        from_day: about.from.to_string(),
        to_day: about.to.to_string(),
        time_zone: about.time_zone,
        channel_id: about.channel_id,
        totals: Some(volumes(report.totals)),
        days: report.days.into_iter().map(day).collect(),
        hours: report.hours.into_iter().map(hour).collect(),
        first_response: Some(duration(report.first_response)),
        pauses: report.pauses.into_iter().map(pause).collect(),
        statuses: report.statuses.into_iter().map(status).collect(),
        position: about.position.to_string(),
    }
}

const fn volumes(row: metrics::Volumes) -> wire::Volumes {
    wire::Volumes {
        messages_in: row.messages_in,
        messages_out: row.messages_out,
        conversations_opened: row.conversations_opened,
        episodes_started: row.episodes_started,
        resolved: row.resolved,
        reopened: row.reopened,
    }
}

/// Nothing measured is undefined, which is not zero.
fn duration(figure: Option<metrics::DurationFigure>) -> wire::DurationFigure {
    match figure {
        Some(figure) => wire::DurationFigure {
            state: wire::FigureState::Defined.into(),
            n: figure.n,
            mean_ms: Some(figure.mean_ms),
            p50_ms: Some(figure.p50_ms),
            p90_ms: Some(figure.p90_ms),
            p99_ms: Some(figure.p99_ms),
        },
        None => wire::DurationFigure { state: wire::FigureState::Undefined.into(), ..wire::DurationFigure::default() },
    }
}

// === series ===

/// One series.
pub(crate) fn series(row: metrics::Series) -> wire::MetricSeries {
    let label = |(key, value): (&str, String)| wire::MetricLabel { key: key.to_owned(), value };
    wire::MetricSeries {
        metric: row.metric.name.to_owned(),
        version: row.metric.version,
        kind: kind(row.metric.kind).into(),
        channel_id: row.channel,
        team_id: row.team,
        agent_id: row.agent,
        labels: row.labels.into_iter().map(label).collect(),
        points: row.points.into_iter().map(point).collect(),
    }
}

pub(crate) const fn kind(kind: metrics::Kind) -> wire::MetricKind {
    match kind {
        metrics::Kind::Sum => wire::MetricKind::Sum,
        metrics::Kind::Duration => wire::MetricKind::Duration,
        metrics::Kind::Share => wire::MetricKind::Share,
        metrics::Kind::Gauge => wire::MetricKind::Gauge,
    }
}

fn point(row: metrics::Point) -> wire::MetricPoint {
    let metrics::Point { stretch, figure } = row;
    let point = wire::MetricPoint {
        from: Some(words::time(stretch.from)),
        to: Some(words::time(stretch.to)),
        day: stretch.day.map(|day| day.to_string()).unwrap_or_default(),
        hour_of_day: stretch.hour_of_day.map(u32::from),
        state: wire::FigureState::Defined.into(),
        ..wire::MetricPoint::default()
    };
    match figure {
        metrics::Figure::Sum(count) => {
            wire::MetricPoint { value: Some(i64::try_from(count).unwrap_or(i64::MAX)), ..point }
        }
        metrics::Figure::Gauge(level) => wire::MetricPoint { value: Some(level), ..point },
        metrics::Figure::Duration(Some(figure)) => wire::MetricPoint {
            n: figure.n,
            sum_ms: Some(figure.sum_ms),
            mean_ms: Some(figure.mean_ms),
            p50_ms: Some(figure.p50_ms),
            p90_ms: Some(figure.p90_ms),
            p99_ms: Some(figure.p99_ms),
            ..point
        },
        metrics::Figure::Share(Some(figure)) => wire::MetricPoint {
            n: figure.n,
            value: Some(i64::try_from(figure.count).unwrap_or(i64::MAX)),
            share_basis_points: Some(u32::try_from(figure.basis_points()).unwrap_or(u32::MAX)),
            band: band(figure.band()).into(),
            ..point
        },
        metrics::Figure::Duration(None) | metrics::Figure::Share(None) => {
            wire::MetricPoint { state: wire::FigureState::Undefined.into(), ..point }
        }
    }
}

const fn band(band: metrics::ShareBand) -> wire::ShareBand {
    match band {
        metrics::ShareBand::Under5 => wire::ShareBand::Under5,
        metrics::ShareBand::From5To15 => wire::ShareBand::ShareBand5To15,
        metrics::ShareBand::Over15 => wire::ShareBand::Over15,
    }
}
