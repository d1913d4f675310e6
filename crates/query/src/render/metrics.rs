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
        },
        None => wire::DurationFigure { state: wire::FigureState::Undefined.into(), ..wire::DurationFigure::default() },
    }
}
