//! Reads the metrics view: figures over days of a time zone, put together from quarters of an hour.
//!
//! All of it on one snapshot. Only for callers who see the whole tenant: a part of the conversations has no meaningful figures.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use relevo_domain::conversation::PauseReason;
use relevo_domain::{Caller, ChannelId, Scope, TenantId};
use relevo_readstore::{Direction, KeyError, Snapshot, StoreError};

use crate::keys::{self, SLOT_MILLIS};
use crate::row::{BucketRow, SketchRow, decode};
use crate::sketch;

/// The longest time asked for at once, in days: a year with its leap day.
pub const DAYS_MAX: usize = 366;

/// Why figures could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("metrics view cannot be read")]
    Store(#[source] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("metrics view holds a row that cannot be read: {0}")]
    BadRow(String),
    /// The days are not in order, are more than [`DAYS_MAX`], or lie outside what a calendar has.
    #[error("figures need 1 to {DAYS_MAX} days in order")]
    Days,
    /// The caller does not see the whole tenant.
    #[error("figures are for callers who see the whole tenant")]
    Forbidden,
}

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

/// A distribution of durations that were measured at least once. The quantiles are at most 1/32 off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationFigure {
    pub n: u64,
    pub mean_ms: u64,
    pub p50_ms: u64,
    pub p90_ms: u64,
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
pub fn metrics(snapshot: &Snapshot, tenant: &TenantId, query: &Query<'_>) -> Result<Report, ReadError> {
    if visible_tenant(query.visible) != Some(tenant) {
        return Err(ReadError::Forbidden);
    }
    let mut sum = Sum::over(query.from, query.to)?;
    let range = keys::buckets(tenant, first_slot(query.from, &query.zone)?, first_slot(after(query.to)?, &query.zone)?);
    let mut outcome = Ok(());
    let visited = snapshot.for_each(&range, Direction::Forward, |key, value| {
        outcome = sum.bucket(query, key, value);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    visited.map_err(ReadError::Store)?;
    outcome?;
    Ok(sum.report())
}

fn visible_tenant(visible: &Caller) -> Option<&TenantId> {
    match visible.scope {
        Scope::Tenant => Some(&visible.tenant),
        Scope::Granted { .. } => None,
    }
}

/// The slot in which a day of the zone begins; a day without midnight begins later.
fn first_slot(day: Date, zone: &TimeZone) -> Result<i64, ReadError> {
    let start = day.to_zoned(zone.clone()).map_err(|_range| ReadError::Days)?;
    Ok(keys::slot_of(start.timestamp().as_millisecond()))
}

fn after(day: Date) -> Result<Date, ReadError> {
    day.tomorrow().map_err(|_range| ReadError::Days)
}

/// Figures while buckets are added up.
struct Sum {
    days: BTreeMap<Date, Volumes>,
    hours: Vec<HourVolumes>,
    first_response: SketchRow,
    pauses: BTreeMap<PauseReason, PauseCount>,
    statuses: BTreeMap<String, u64>,
}

impl Sum {
    fn over(from: Date, to: Date) -> Result<Self, ReadError> {
        let mut days = BTreeMap::new();
        let mut day = from;
        while day <= to {
            days.insert(day, Volumes::default());
            if days.len() > DAYS_MAX {
                return Err(ReadError::Days);
            }
            day = after(day)?;
        }
        if days.is_empty() {
            return Err(ReadError::Days);
        }
        let hours = (0..24).map(|hour| HourVolumes { hour, messages_in: 0, messages_out: 0 }).collect();
        let (pauses, statuses) = Default::default();
        Ok(Self { days, hours, first_response: SketchRow::default(), pauses, statuses })
    }

    fn bucket(&mut self, query: &Query<'_>, key: &[u8], value: &[u8]) -> Result<(), ReadError> {
        let (slot, channel) = keys::read_bucket(key).map_err(bad_key)?;
        if query.channel.as_ref().is_some_and(|wanted| wanted.as_str() != channel) {
            return Ok(());
        }
        let row: BucketRow = decode("bucket", value).map_err(ReadError::BadRow)?;
        let start = slot.checked_mul(SLOT_MILLIS).and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let local = query.zone.to_datetime(start.ok_or_else(|| bad("slot"))?);
        // A zone that once differed from UTC by less than a quarter could put an edge's slot into the day before.
        let Some(day) = self.days.get_mut(&local.date()) else { return Ok(()) };
        add(day, &row);
        if let Some(hour) = self.hours.get_mut(usize::from(local.hour().unsigned_abs())) {
            hour.messages_in += row.messages_in;
            hour.messages_out += row.messages_out;
        }
        if let Some(first_response) = &row.first_response {
            sketch::merge(&mut self.first_response, first_response);
        }
        for pause in row.pauses {
            let reason = PauseReason::parse(&pause.reason).ok_or_else(|| bad("pause reason"))?;
            let count = self.pauses.entry(reason).or_insert(PauseCount { reason, manual: 0, automatic: 0 });
            count.manual += pause.manual;
            count.automatic += pause.automatic;
        }
        for status in row.statuses {
            *self.statuses.entry(status.status).or_default() += status.count;
        }
        Ok(())
    }

    fn report(self) -> Report {
        let mut totals = Volumes::default();
        for day in self.days.values() {
            totals.messages_in += day.messages_in;
            totals.messages_out += day.messages_out;
            totals.conversations_opened += day.conversations_opened;
            totals.episodes_started += day.episodes_started;
            totals.resolved += day.resolved;
            totals.reopened += day.reopened;
        }
        Report {
            totals,
            days: self.days.into_iter().map(|(day, volumes)| DayVolumes { day, volumes }).collect(),
            hours: self.hours,
            first_response: figure(&self.first_response),
            pauses: self.pauses.into_values().collect(),
            statuses: self.statuses.into_iter().map(|(status, count)| StatusCount { status, count }).collect(),
        }
    }
}

fn add(into: &mut Volumes, row: &BucketRow) {
    into.messages_in += row.messages_in;
    into.messages_out += row.messages_out;
    into.conversations_opened += row.conversations_opened;
    into.episodes_started += row.episodes_started;
    into.resolved += row.resolved;
    into.reopened += row.reopened;
}

fn figure(measured: &SketchRow) -> Option<DurationFigure> {
    Some(DurationFigure {
        n: measured.n,
        mean_ms: sketch::mean(measured)?,
        p50_ms: sketch::quantile(measured, 500)?,
        p90_ms: sketch::quantile(measured, 900)?,
    })
}

fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}

fn bad_key(error: KeyError) -> ReadError {
    ReadError::BadRow(error.to_string())
}
