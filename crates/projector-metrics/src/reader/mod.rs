//! Reads the metrics view: figures over spans of a time zone, put together from quarters of an hour.
//!
//! All of it on one moment. Only for callers who see the whole tenant: a part of the conversations has no meaningful figures.

mod figure;
mod gauge;
mod report;
mod time;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use relevo_domain::{AgentId, Caller, ChannelId, Scope, TeamId, TenantId};
use relevo_projection::RowSource;
use relevo_projection::row::{self, BadRow};
use relevo_readstore::{Direction, KeyError, StoreError};

pub use figure::{DurationFigure, Figure, ShareBand, ShareFigure};
pub use report::{DayVolumes, HourVolumes, PauseCount, Query, Report, StatusCount, Volumes, metrics};
pub use time::{Bucket, DAYS_MAX, HOURS_DAYS_MAX, Span};

use crate::definition::{Definition, Kind};
use crate::keys::{self, Whose};
use crate::row::BucketRow;
use figure::Sum;
use time::{Points, Stretch};

/// Points of all series of one answer: what a screen of charts can use, and few megabytes.
pub const POINTS_MAX: usize = 50_000;

/// Why figures could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("metrics view cannot be read")]
    Store(#[from] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("metrics view holds a row that cannot be read: {0}")]
    BadRow(String),
    /// The span is not in order, is longer than [`DAYS_MAX`] ([`HOURS_DAYS_MAX`] by hours), or lies outside what a calendar has.
    #[error("figures need 1 to {DAYS_MAX} days in order")]
    Days,
    /// The answer would have more than [`POINTS_MAX`] points.
    #[error("figures have at most {POINTS_MAX} points")]
    TooMany,
    /// The caller does not see the whole tenant.
    #[error("figures are for callers who see the whole tenant")]
    Forbidden,
}

/// Which figures.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    pub metrics: Vec<&'static Definition>,
    pub span: Span,
    pub bucket: Bucket,
    pub split: Split,
    pub only: Only,
    /// Whose access applies.
    pub visible: &'a Caller,
}

/// What has a series of its own. What is not split is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Split {
    pub channel: bool,
    pub team: bool,
    pub agent: bool,
    /// Every label of the metric's definition.
    pub labels: bool,
}

/// What counts; absent is everything, also what is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Only {
    pub channel: Option<ChannelId>,
    pub team: Option<TeamId>,
    pub agent: Option<AgentId>,
}

/// The figures of one metric for one channel, team, agent and set of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub metric: &'static Definition,
    /// `None` if channels are not split; empty for what has no channel.
    pub channel: Option<String>,
    /// `None` if teams are not split; empty for no team.
    pub team: Option<String>,
    /// `None` if agents are not split; empty for nobody.
    pub agent: Option<String>,
    /// Empty if labels are not split.
    pub labels: Vec<(&'static str, String)>,
    /// Every point of the span, in order, quiet ones included.
    pub points: Vec<Point>,
}

/// The figure of one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub stretch: Stretch,
    pub figure: Figure,
}

/// What tells series of one metric apart, in the order in which they are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    channel: Option<String>,
    team: Option<String>,
    agent: Option<String>,
    labels: Vec<String>,
}

/// The series of the metrics asked for, in that order. A metric without a fact in the span has one series of quiet points, unless
/// something is split.
pub fn series(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    selection: &Selection<'_>,
) -> Result<Vec<Series>, ReadError> {
    if visible_tenant(selection.visible) != Some(tenant) {
        return Err(ReadError::Forbidden);
    }
    let points = Points::of(&selection.span, selection.bucket)?;
    let mut found = Vec::new();
    let mut room = POINTS_MAX;
    for metric in &selection.metrics {
        let figures = match metric.kind {
            Kind::Gauge => gauge::figures(source, tenant, metric, selection, &points, room)?,
            Kind::Sum | Kind::Share | Kind::Duration => figures(source, tenant, metric, selection, &points, room)?,
        };
        let used = figures.len().saturating_mul(points.len());
        room = room.checked_sub(used).ok_or(ReadError::TooMany)?;
        found.extend(figures.into_iter().map(|(group, figures)| of_group(metric, group, &points, figures)));
    }
    Ok(found)
}

/// Figures of each group, one for each point.
type Figures = BTreeMap<Group, Vec<Figure>>;

fn figures(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    metric: &Definition,
    selection: &Selection<'_>,
    points: &Points,
    room: usize,
) -> Result<Figures, ReadError> {
    let mut sums: BTreeMap<Group, Vec<Sum>> = BTreeMap::new();
    if !selection.split.any(metric) {
        sums.insert(Group::whole(), points.each());
    }
    let range = keys::buckets(tenant, metric.number, points.first_slot(), points.end_slot());
    let mut add = |key: &[u8], value: &[u8]| -> Result<(), ReadError> {
        let (slot, whose) = keys::read_bucket(key)?;
        let (true, Some(point)) = (selection.only.has(&whose), points.of_slot(slot)) else { return Ok(()) };
        let bucket: BucketRow = row::decode("bucket", value)?;
        for group in bucket.groups {
            let place = selection.split.group(&whose, &group.labels);
            if !sums.contains_key(&place) && (sums.len() + 1).saturating_mul(points.len()) > room {
                return Err(ReadError::TooMany);
            }
            sums.entry(place).or_insert_with(|| points.each())[point].add(&group);
        }
        Ok(())
    };
    visit(source, &range, &mut add)?;
    let figure = |sums: Vec<Sum>| sums.iter().map(|sum| sum.figure(metric.kind)).collect();
    Ok(sums.into_iter().map(|(group, sums)| (group, figure(sums))).collect())
}

/// What every row of a range is shown to, key and value.
type Show<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), ReadError>;

/// Shows every row of a range until one fails.
fn visit(
    source: &(impl RowSource + ?Sized),
    range: &relevo_readstore::KeyRange,
    show: Show<'_>,
) -> Result<(), ReadError> {
    let mut outcome = Ok(());
    source.visit(range, Direction::Forward, &mut |key, value| {
        outcome = show(key, value);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome
}

fn of_group(metric: &'static Definition, group: Group, points: &Points, figures: Vec<Figure>) -> Series {
    let Group { channel, team, agent, labels } = group;
    let points = points.stretches().iter().zip(figures);
    Series {
        metric,
        channel,
        team,
        agent,
        labels: metric.labels.iter().copied().zip(labels).collect(),
        points: points.map(|(stretch, figure)| Point { stretch: *stretch, figure }).collect(),
    }
}

fn visible_tenant(visible: &Caller) -> Option<&TenantId> {
    match visible.scope {
        Scope::Tenant => Some(&visible.tenant),
        Scope::Granted { .. } => None,
    }
}

// === impl Split, Only, Group ===

impl Split {
    /// Whether a metric can have more than one series.
    const fn any(self, metric: &Definition) -> bool {
        self.channel || self.team || self.agent || (self.labels && !metric.labels.is_empty())
    }

    fn group(self, whose: &Whose, labels: &[String]) -> Group {
        Group {
            channel: self.channel.then(|| whose.channel.clone()),
            team: self.team.then(|| whose.team.clone()),
            agent: self.agent.then(|| whose.agent.clone()),
            labels: if self.labels { labels.to_vec() } else { Vec::new() },
        }
    }
}

impl Only {
    fn has(&self, whose: &Whose) -> bool {
        self.channel.as_ref().is_none_or(|channel| channel.as_str() == whose.channel)
            && self.team.as_ref().is_none_or(|team| team.as_str() == whose.team)
            && self.agent.as_ref().is_none_or(|agent| agent.as_str() == whose.agent)
    }
}

impl Group {
    const fn whole() -> Self {
        Self { channel: None, team: None, agent: None, labels: Vec::new() }
    }
}

// === errors ===

impl From<KeyError> for ReadError {
    fn from(error: KeyError) -> Self {
        Self::BadRow(error.to_string())
    }
}

impl From<BadRow> for ReadError {
    fn from(bad: BadRow) -> Self {
        Self::BadRow(bad.0)
    }
}
