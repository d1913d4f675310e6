//! The overview of some days: the figures that everybody asks for first, in one answer.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use relevo_domain::conversation::PauseReason;
use relevo_domain::{Caller, ChannelId, TenantId};
use relevo_projection::RowSource;

use super::{Bucket, DurationFigure, Figure, Only, ReadError, Selection, Series, Span, Split, series};
use crate::definition::Definition;
use crate::metric::response::FIRST_RESPONSE_HUMAN;
use crate::metric::volume::{
    CONVERSATIONS_OPENED, DELIVERY_REPORTS, EPISODES_REOPENED, EPISODES_RESOLVED, EPISODES_STARTED, MESSAGES_IN,
    MESSAGES_OUT, PAUSES,
};

/// Which figures.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    pub from: Date,
    /// Included.
    pub to: Date,
    pub zone: TimeZone,
    /// `None`: all, and what belongs to no channel.
    pub channel: Option<ChannelId>,
    /// Whose access applies.
    pub visible: &'a Caller,
}

/// Figures over some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub totals: Volumes,
    /// Every day asked for, in order.
    pub days: Vec<DayVolumes>,
    /// The 24 hours of the day, over all days.
    pub hours: Vec<HourVolumes>,
    /// `None`: no episode had its first response in these days, so there is no figure.
    pub first_response: Option<DurationFigure>,
    /// In the order of the reasons; those without a pause are left out.
    pub pauses: Vec<PauseCount>,
    /// By name; those without a report are left out.
    pub statuses: Vec<StatusCount>,
}

/// Counts. What each one means: `DEFINITIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Volumes {
    pub messages_in: u64,
    pub messages_out: u64,
    pub conversations_opened: u64,
    pub episodes_started: u64,
    pub resolved: u64,
    pub reopened: u64,
}

/// One day of the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayVolumes {
    pub day: Date,
    pub volumes: Volumes,
}

/// One hour of the day in the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourVolumes {
    /// 0 to 23.
    pub hour: u8,
    pub messages_in: u64,
    pub messages_out: u64,
}

/// Pauses for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PauseCount {
    pub reason: PauseReason,
    pub manual: u64,
    pub automatic: u64,
}

/// Reports of one status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCount {
    pub status: String,
    pub count: u64,
}

/// The figures of some days. A day is one of the zone, so it may have 23 or 25 hours.
pub fn metrics(source: &(impl RowSource + ?Sized), tenant: &TenantId, query: &Query<'_>) -> Result<Report, ReadError> {
    let span = Span::days(query.from, query.to, query.zone.clone())?;
    let ask = |metrics: &[&'static Definition], bucket: Bucket, labels: bool| {
        let (split, metrics) = (Split { labels, ..Split::default() }, metrics.to_vec());
        let only = Only { channel: query.channel.clone(), ..Only::default() };
        series(source, tenant, &Selection { metrics, span: span.clone(), bucket, split, only, visible: query.visible })
    };
    let volumes: [&'static Definition; 6] =
        [&MESSAGES_IN, &MESSAGES_OUT, &CONVERSATIONS_OPENED, &EPISODES_STARTED, &EPISODES_RESOLVED, &EPISODES_REOPENED];
    let days = days(&ask(&volumes, Bucket::Day, false)?);
    let hours = hours(&ask(&[&MESSAGES_IN, &MESSAGES_OUT], Bucket::HourOfDay, false)?);
    let first_response = ask(&[&FIRST_RESPONSE_HUMAN], Bucket::Whole, false)?.iter().find_map(duration);
    let pauses = pauses(&ask(&[&PAUSES], Bucket::Whole, true)?)?;
    let statuses = ask(&[&DELIVERY_REPORTS], Bucket::Whole, true)?;
    let statuses = statuses.iter().map(|series| StatusCount { status: label(series, 0), count: counts(series).sum() });
    Ok(Report { totals: totals(&days), days, hours, first_response, pauses, statuses: statuses.collect() })
}

fn days(found: &[Series]) -> Vec<DayVolumes> {
    let mut days: BTreeMap<Date, Volumes> = BTreeMap::new();
    for series in found {
        for (point, count) in series.points.iter().zip(counts(series)) {
            let Some(day) = point.stretch.day else { continue };
            let volumes = days.entry(day).or_default();
            *field(volumes, series.metric) += count;
        }
    }
    days.into_iter().map(|(day, volumes)| DayVolumes { day, volumes }).collect()
}

/// The field of a count; what is no volume of its own counts as a reopening, the last of them.
fn field<'a>(volumes: &'a mut Volumes, metric: &Definition) -> &'a mut u64 {
    if metric.number == MESSAGES_IN.number {
        &mut volumes.messages_in
    } else if metric.number == MESSAGES_OUT.number {
        &mut volumes.messages_out
    } else if metric.number == CONVERSATIONS_OPENED.number {
        &mut volumes.conversations_opened
    } else if metric.number == EPISODES_STARTED.number {
        &mut volumes.episodes_started
    } else if metric.number == EPISODES_RESOLVED.number {
        &mut volumes.resolved
    } else {
        &mut volumes.reopened
    }
}

fn totals(days: &[DayVolumes]) -> Volumes {
    let mut totals = Volumes::default();
    for DayVolumes { volumes, .. } in days {
        totals.messages_in += volumes.messages_in;
        totals.messages_out += volumes.messages_out;
        totals.conversations_opened += volumes.conversations_opened;
        totals.episodes_started += volumes.episodes_started;
        totals.resolved += volumes.resolved;
        totals.reopened += volumes.reopened;
    }
    totals
}

fn hours(found: &[Series]) -> Vec<HourVolumes> {
    let mut hours: Vec<_> = (0..24).map(|hour| HourVolumes { hour, messages_in: 0, messages_out: 0 }).collect();
    for series in found {
        for (hour, count) in hours.iter_mut().zip(counts(series)) {
            if series.metric.number == MESSAGES_IN.number {
                hour.messages_in += count;
            } else {
                hour.messages_out += count;
            }
        }
    }
    hours
}

fn pauses(found: &[Series]) -> Result<Vec<PauseCount>, ReadError> {
    let mut pauses: BTreeMap<PauseReason, PauseCount> = BTreeMap::new();
    for series in found {
        let reason = PauseReason::parse(&label(series, 0));
        let reason = reason.ok_or_else(|| ReadError::BadRow("pause reason is not one".to_owned()))?;
        let pause = pauses.entry(reason).or_insert(PauseCount { reason, manual: 0, automatic: 0 });
        let count: u64 = counts(series).sum();
        if label(series, 1) == "automatic" {
            pause.automatic += count;
        } else {
            pause.manual += count;
        }
    }
    Ok(pauses.into_values().collect())
}

fn counts(series: &Series) -> impl Iterator<Item = u64> {
    series.points.iter().map(|point| match &point.figure {
        Figure::Sum(count) => *count,
        Figure::Duration(_) | Figure::Share(_) | Figure::Gauge(_) => 0,
    })
}

fn duration(series: &Series) -> Option<DurationFigure> {
    series.points.iter().find_map(|point| match &point.figure {
        Figure::Duration(figure) => *figure,
        Figure::Sum(_) | Figure::Share(_) | Figure::Gauge(_) => None,
    })
}

fn label(series: &Series, index: usize) -> String {
    series.labels.get(index).map(|(_, value)| value.clone()).unwrap_or_default()
}
