//! MetricsService: figures over hours and days of the tenant. Read whole from one snapshot; an undefined figure is said to be
//! undefined. Which series are meant is parsed here, once for queries and watches.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use prost::Message as _;
use prost_types::Timestamp as WireTime;
use relevo_catalogue::Language;
use relevo_domain::{Caller, ChannelId, Position, Timestamp};
use relevo_projection::RowSource;
use relevo_projector_metrics as metrics;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::metrics_service_server::MetricsService;
use relevo_proto::query::v1::watch_metrics_response::Event;
use tonic::{Request, Response, Status};

use crate::access;
use crate::error::{QueryError, Rule};
use crate::render;
use crate::request::{Fields, Session, answer, answer_session};
use crate::watch::{Lane, Seen, Step, WatchStream, Watched};
use crate::{Query, moment, read};

/// The longest time asked for at once, in days: what the view puts together.
const DAYS_MAX: i32 = 366;
/// The same by hours.
const HOURS_DAYS_MAX: i32 = 31;
const _: () = assert!(DAYS_MAX as usize == metrics::DAYS_MAX && HOURS_DAYS_MAX as usize == metrics::HOURS_DAYS_MAX);

#[tonic::async_trait]
impl MetricsService for Query {
    async fn get_metrics(
        &self,
        request: Request<wire::GetMetricsRequest>,
    ) -> Result<Response<wire::GetMetricsResponse>, Status> {
        answer(request, |caller, request| self.metrics(caller, request)).await
    }

    async fn query_metrics(
        &self,
        request: Request<wire::QueryMetricsRequest>,
    ) -> Result<Response<wire::QueryMetricsResponse>, Status> {
        answer(request, |caller, request| self.series(caller, request)).await
    }

    async fn list_metrics(
        &self,
        request: Request<wire::ListMetricsRequest>,
    ) -> Result<Response<wire::ListMetricsResponse>, Status> {
        answer_session(request, |session, _request| std::future::ready(list(&session))).await
    }

    type WatchMetricsStream = WatchStream<wire::WatchMetricsResponse>;

    async fn watch_metrics(
        &self,
        request: Request<wire::WatchMetricsRequest>,
    ) -> Result<Response<Self::WatchMetricsStream>, Status> {
        answer_session(request, |session, request| self.watch_series(session, request)).await
    }
}

impl Query {
    async fn metrics(
        &self,
        caller: Caller,
        request: wire::GetMetricsRequest,
    ) -> Result<wire::GetMetricsResponse, QueryError> {
        let mut fields = Fields::default();
        let (from, to) = days(&mut fields, &request.from_day, &request.to_day, DAYS_MAX);
        let channel: Option<ChannelId> = fields.name("channel_id", &request.channel_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        access::may_read_metrics(&caller)?;

        let snapshot = moment::take(&self.inner.views.metrics, freshness).await?;
        let position = snapshot.position();

        let zone = self.inner.directory.time_zone(&caller.tenant);
        let time_zone = name_of(&zone);
        let (tenant, channel_id) = (caller.tenant.clone(), request.channel_id);
        let report = read(move || {
            let asked = metrics::Query { from, to, zone, channel, visible: &caller };
            Ok(metrics::metrics(&snapshot, &caller.tenant, &asked)?)
        })
        .await?;

        tracing::debug!(%tenant, days = report.days.len(), "metrics read");
        let about = render::metrics::About { from, to, time_zone, channel_id, position };
        Ok(render::metrics::report(about, report))
    }

    async fn series(
        &self,
        caller: Caller,
        request: wire::QueryMetricsRequest,
    ) -> Result<wire::QueryMetricsResponse, QueryError> {
        let mut fields = Fields::default();
        let zone = self.inner.directory.time_zone(&caller.tenant);
        let asked = Asked::parse(&mut fields, request.selection, zone);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;
        let asked = asked.ok_or(metrics::ReadError::Days)?;

        access::may_read_metrics(&caller)?;

        let snapshot = moment::take(&self.inner.views.metrics, freshness).await?;
        let (position, time_zone) = (snapshot.position().to_string(), asked.time_zone());
        let series = read(move || asked.read(&snapshot, &caller)).await?;
        Ok(wire::QueryMetricsResponse { time_zone, series, position })
    }

    async fn watch_series(
        &self,
        session: Session,
        request: wire::WatchMetricsRequest,
    ) -> Result<WatchStream<wire::WatchMetricsResponse>, QueryError> {
        let mut fields = Fields::default();
        let zone = self.inner.directory.time_zone(&session.caller.tenant);
        let asked = Asked::parse(&mut fields, request.selection, zone);
        let from = fields.freshness(&request.from_position, 0).position;
        fields.finish()?;
        let asked = asked.ok_or(metrics::ReadError::Days)?;

        access::may_read_metrics(&session.caller)?;

        let watched = MetricsWatch { asked, caller: session.caller.clone(), told: None };
        self.watch(session, Arc::clone(&self.inner.views.metrics), watched, from).await
    }
}

fn list(session: &Session) -> Result<wire::ListMetricsResponse, QueryError> {
    access::may_read_metrics(&session.caller)?;
    let title = |language: Language, name: &str| {
        relevo_catalogue::text(language, &format!("metric-{}", name.replace('_', "-")), &[])
    };
    let definition = |metric: &&metrics::Definition| wire::MetricDefinition {
        name: metric.name.to_owned(),
        version: metric.version,
        kind: render::metrics::kind(metric.kind).into(),
        unit: metric.kind.unit().to_owned(),
        labels: metric.labels.iter().map(|label| (*label).to_owned()).collect(),
        title: title(session.language, metric.name),
        meaning: metric.meaning.to_owned(),
    };
    Ok(wire::ListMetricsResponse { metrics: metrics::DEFINITIONS.iter().map(definition).collect() })
}

fn name_of(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

// === which series ===

/// A selection that can be read.
struct Asked {
    metrics: Vec<&'static metrics::Definition>,
    span: metrics::Span,
    bucket: metrics::Bucket,
    split: metrics::Split,
    only: metrics::Only,
}

impl Asked {
    /// `None` only if something was refused, or the calendar does not have the days.
    fn parse(fields: &mut Fields, selection: Option<wire::MetricsSelection>, zone: TimeZone) -> Option<Self> {
        let Some(selection) = selection else {
            fields.refuse("selection", Rule::Required);
            return None;
        };
        let bucket = fields.word("bucket", selection.bucket, |word| Some(bucket(word))).unwrap_or_default();
        let mut split = metrics::Split::default();
        for word in fields.words("split_by", &selection.split_by, Some::<wire::MetricSplit>) {
            match word {
                wire::MetricSplit::Unspecified => fields.refuse("split_by", Rule::UnknownWord),
                wire::MetricSplit::Channel => split.channel = true,
                wire::MetricSplit::Team => split.team = true,
                wire::MetricSplit::Agent => split.agent = true,
                wire::MetricSplit::Labels => split.labels = true,
            }
        }
        let only = metrics::Only {
            channel: fields.name("channel_id", &selection.channel_id),
            team: fields.name("team_id", &selection.team_id),
            agent: fields.name("agent_id", &selection.agent_id),
        };
        let metrics = definitions(fields, &selection.metrics);
        let span = span(fields, &selection, bucket, zone)?;
        Some(Self { metrics, span, bucket, split, only })
    }

    fn time_zone(&self) -> String {
        name_of(&self.span.zone)
    }

    fn read(&self, rows: &impl RowSource, caller: &Caller) -> Result<Vec<wire::MetricSeries>, QueryError> {
        let selection = metrics::Selection {
            metrics: self.metrics.clone(),
            span: self.span.clone(),
            bucket: self.bucket,
            split: self.split,
            only: self.only.clone(),
            visible: caller,
        };
        let series = metrics::series(rows, &caller.tenant, &selection)?;
        Ok(series.into_iter().map(render::metrics::series).collect())
    }
}

const fn bucket(word: wire::MetricBucket) -> metrics::Bucket {
    match word {
        wire::MetricBucket::Unspecified => metrics::Bucket::Whole,
        wire::MetricBucket::Hour => metrics::Bucket::Hour,
        wire::MetricBucket::Day => metrics::Bucket::Day,
        wire::MetricBucket::HourOfDay => metrics::Bucket::HourOfDay,
    }
}

/// The metrics of these names, each once.
fn definitions(fields: &mut Fields, names: &[String]) -> Vec<&'static metrics::Definition> {
    if names.is_empty() {
        fields.refuse("metrics", Rule::Required);
    }
    let mut found: Vec<&'static metrics::Definition> = Vec::new();
    for name in names.iter().take(metrics::DEFINITIONS.len() + 1) {
        match metrics::definition(name) {
            Some(metric) if found.contains(&metric) => {}
            Some(metric) => found.push(metric),
            None => {
                fields.refuse("metrics", Rule::UnknownWord);
                break;
            }
        }
    }
    if names.len() > metrics::DEFINITIONS.len() {
        fields.refuse("metrics", Rule::TooMany(metrics::DEFINITIONS.len() as u64));
    }
    found
}

fn span(
    fields: &mut Fields,
    selection: &wire::MetricsSelection,
    bucket: metrics::Bucket,
    zone: TimeZone,
) -> Option<metrics::Span> {
    let longest = if bucket == metrics::Bucket::Hour { HOURS_DAYS_MAX } else { DAYS_MAX };
    let by_instants = selection.from.is_some() || selection.to.is_some();
    if !by_instants {
        let (from, to) = days(fields, &selection.from_day, &selection.to_day, longest);
        // A bad day was refused above; what stands here then is never read.
        return metrics::Span::days(from, to, zone).ok();
    }
    if !selection.from_day.is_empty() || !selection.to_day.is_empty() {
        fields.refuse("from", Rule::NotTogether("from_day"));
        return None;
    }
    let from = instant(fields, "from", selection.from)?;
    let to = instant(fields, "to", selection.to)?;
    let long = Duration::from_hours(24).saturating_mul(longest.unsigned_abs());
    if to <= from {
        fields.refuse("to", Rule::Span);
    } else if to.since(from) > long {
        fields.refuse("to", Rule::DaysAbove(u64::from(longest.unsigned_abs())));
    }
    Some(metrics::Span { from, to, zone })
}

/// A time inside the years that a calendar has, so that no zone shifts it out.
fn instant(fields: &mut Fields, field: &'static str, time: Option<WireTime>) -> Option<Timestamp> {
    let Some(time) = time else {
        fields.refuse(field, Rule::Required);
        return None;
    };
    let (first, last) = (0, 253_339_228_800);
    if !(first..last).contains(&time.seconds) || !(0..1_000_000_000).contains(&time.nanos) {
        fields.refuse(field, Rule::Time);
        return None;
    }
    Some(Timestamp::from_millis(time.seconds * 1000 + i64::from(time.nanos / 1_000_000)))
}

/// First and last day; a bad one is refused by `fields`, and what stands here then is never used.
fn days(fields: &mut Fields, from_day: &str, to_day: &str, longest: i32) -> (Date, Date) {
    let mut day = |field: &'static str, text: &str| {
        let day = parse_day(text);
        if day.is_none() {
            fields.refuse(field, if text.is_empty() { Rule::Required } else { Rule::Day });
        }
        day
    };
    let from = day("from_day", from_day);
    let to = if to_day.is_empty() { from } else { day("to_day", to_day) };
    let (Some(from), Some(to)) = (from, to) else { return Default::default() };
    if to < from {
        fields.refuse("to_day", Rule::DayOrder);
    } else if from.until(to).map_or(i32::MAX, |span| span.get_days()) >= longest {
        fields.refuse("to_day", Rule::DaysAbove(u64::from(longest.unsigned_abs())));
    }
    (from, to)
}

/// `YYYY-MM-DD` and nothing else: what the calendar of a person has, so that no figure lies outside of time.
fn parse_day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: Date = if shape { text.parse().ok()? } else { return None };
    // The edges of the calendar have no day before or after, and zones could not shift them.
    ((1970..=9998).contains(&day.year())).then_some(day)
}

// === watching ===

/// Watched series, and a hash of what the client has got of them: they are small or many, and never sent in parts.
struct MetricsWatch {
    asked: Asked,
    caller: Caller,
    told: Option<u64>,
}

impl Watched for MetricsWatch {
    type Message = wire::WatchMetricsResponse;

    /// A dashboard needs no more, and every look reads the whole span.
    const INTERVAL: Duration = Duration::from_secs(1);
    const LANE: Lane = Lane::Figures;

    fn look(&mut self, seen: &Seen<'_>) -> Result<Step<Self::Message>, QueryError> {
        let series = self.asked.read(seen.rows, &self.caller)?;
        let snapshot = wire::MetricsSnapshot { time_zone: self.asked.time_zone(), series };
        let mut hasher = DefaultHasher::new();
        snapshot.encode_to_vec().hash(&mut hasher);
        if self.told.replace(hasher.finish()) == Some(hasher.finish()) {
            return Ok(Step::Nothing);
        }
        let event = Some(Event::Snapshot(snapshot));
        Ok(Step::Say(wire::WatchMetricsResponse { position: seen.rows.position().to_string(), event }))
    }

    fn heartbeat(&self, position: Position) -> Self::Message {
        let event = Some(Event::Heartbeat(wire::WatchHeartbeat {}));
        wire::WatchMetricsResponse { position: position.to_string(), event }
    }
}
