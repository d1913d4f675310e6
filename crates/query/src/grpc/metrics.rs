//! MetricsService: figures over days of the tenant. Read whole from one snapshot; an undefined figure is said to be undefined.

use jiff::civil::Date;
use relevo_domain::{Caller, ChannelId};
use relevo_projector_metrics as metrics;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::metrics_service_server::MetricsService;
use tonic::{Request, Response, Status};

use crate::access;
use crate::error::{QueryError, Rule};
use crate::render;
use crate::request::{Fields, answer};
use crate::{Query, moment, read};

/// The longest time asked for at once, in days: what the view puts together.
const DAYS_MAX: i32 = 366;
const _: () = assert!(DAYS_MAX as usize == metrics::DAYS_MAX);

#[tonic::async_trait]
impl MetricsService for Query {
    async fn get_metrics(
        &self,
        request: Request<wire::GetMetricsRequest>,
    ) -> Result<Response<wire::GetMetricsResponse>, Status> {
        answer(request, |caller, request| self.metrics(caller, request)).await
    }
}

impl Query {
    async fn metrics(
        &self,
        caller: Caller,
        request: wire::GetMetricsRequest,
    ) -> Result<wire::GetMetricsResponse, QueryError> {
        let mut fields = Fields::default();
        let (from, to) = days(&mut fields, &request);
        let channel: Option<ChannelId> = fields.name("channel_id", &request.channel_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        access::may_read_metrics(&caller)?;

        let snapshot = moment::take(&self.inner.views.metrics, freshness).await?;
        let position = snapshot.position();

        let zone = self.inner.directory.time_zone(&caller.tenant);
        let time_zone = zone.iana_name().unwrap_or("UTC").to_owned();
        let (tenant, channel_id) = (caller.tenant.clone(), request.channel_id);
        let report = read(move || {
            let asked = metrics::Query { from, to, zone, channel, visible: &caller };
            Ok(metrics::metrics(snapshot.rows(), &caller.tenant, &asked)?)
        })
        .await?;

        tracing::debug!(%tenant, days = report.days.len(), "metrics read");
        let about = render::metrics::About { from, to, time_zone, channel_id, position };
        Ok(render::metrics::report(about, report))
    }
}

/// First and last day; a bad one is refused by `fields`, and what stands here then is never used.
fn days(fields: &mut Fields, request: &wire::GetMetricsRequest) -> (Date, Date) {
    let mut day = |field: &'static str, text: &str| {
        let day = parse_day(text);
        if day.is_none() {
            fields.refuse(field, if text.is_empty() { Rule::Required } else { Rule::Day });
        }
        day
    };
    let from = day("from_day", &request.from_day);
    let to = if request.to_day.is_empty() { from } else { day("to_day", &request.to_day) };
    let (Some(from), Some(to)) = (from, to) else { return Default::default() };
    if to < from {
        fields.refuse("to_day", Rule::DayOrder);
    } else if from.until(to).map_or(i32::MAX, |span| span.get_days()) >= DAYS_MAX {
        fields.refuse("to_day", Rule::DaysAbove(metrics::DAYS_MAX as u64));
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
