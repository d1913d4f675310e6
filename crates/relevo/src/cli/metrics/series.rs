//! `relevo metrics series`: any metric over time, split by whose it is.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use relevo_proto::query::v1::watch_metrics_response::Event;
use relevo_proto::query::v1::{
    FigureState, MetricBucket, MetricKind, MetricPoint, MetricSeries, MetricSplit, MetricsSelection,
    QueryMetricsRequest, WatchMetricsRequest,
};

use super::super::table::{Shrink, Table};
use super::super::{Context, Failure, Output, Read, text};
use super::show::days;

#[derive(Debug, Args)]
pub(crate) struct Series {
    /// Names of metrics; `relevo metrics definitions` lists them.
    #[arg(value_name = "METRIC", required = true, num_args = 1..=19)]
    metrics: Vec<String>,
    /// First day, `YYYY-MM-DD`. Default: six days before the last one.
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// Last day, included, at most 366 days after the first (31 by hours). Default: today on this machine.
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// How the span is divided. Default: not at all.
    #[arg(long, value_enum, value_name = "BUCKET")]
    bucket: Option<Bucket>,
    /// What has a series of its own; can be given several times or with commas. Default: nothing.
    #[arg(long, value_enum, value_name = "SPLIT", value_delimiter = ',')]
    split: Vec<Split>,
    /// Only this channel (name in the configuration). Default: all.
    #[arg(long, value_name = "CHANNEL", default_value = "", hide_default_value = true)]
    channel: String,
    /// Only this team. Default: all.
    #[arg(long, value_name = "TEAM", default_value = "", hide_default_value = true)]
    team: String,
    /// Only this agent. Default: all.
    #[arg(long, value_name = "AGENT", default_value = "", hide_default_value = true)]
    agent: String,
    /// Goes on, and prints the figures again whenever they change (at most once a second), until it is ended.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    read: Read,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bucket {
    /// Hours of the tenant's clock.
    Hour,
    /// Days of the tenant.
    Day,
    /// The 24 hours of the clock, each over all days: peak hours.
    HourOfDay,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Split {
    /// Channels.
    Channel,
    /// Teams.
    Team,
    /// Agents.
    Agent,
    /// The metric's labels.
    Labels,
}

impl Series {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let selection = self.selection(out)?;
        let position = self.read.min_position.clone().unwrap_or_default();
        if self.watch {
            return watch(context, selection, position).await;
        }
        let request = QueryMetricsRequest {
            selection: Some(selection),
            min_position: position,
            deadline_ms: client.position_wait_ms(),
        };
        let mut metrics = client.metrics();
        let answer = client.once(metrics.query_metrics(client.request(request))).await?;
        if out.json { out.message(&answer) } else { print(out, &answer.series) }
    }

    fn selection(&self, out: &Output) -> Result<MetricsSelection, Failure> {
        let (from, to) = days(out, self.from, self.to)?;
        let bucket = match self.bucket {
            None => MetricBucket::Unspecified,
            Some(Bucket::Hour) => MetricBucket::Hour,
            Some(Bucket::Day) => MetricBucket::Day,
            Some(Bucket::HourOfDay) => MetricBucket::HourOfDay,
        };
        let split = |split: &Split| match split {
            Split::Channel => MetricSplit::Channel.into(),
            Split::Team => MetricSplit::Team.into(),
            Split::Agent => MetricSplit::Agent.into(),
            Split::Labels => MetricSplit::Labels.into(),
        };
        Ok(MetricsSelection {
            metrics: self.metrics.clone(),
            from_day: from.to_string(),
            to_day: to.to_string(),
            bucket: bucket.into(),
            split_by: self.split.iter().map(split).collect(),
            channel_id: self.channel.clone(),
            team_id: self.team.clone(),
            agent_id: self.agent.clone(),
            ..MetricsSelection::default()
        })
    }
}

async fn watch(context: &Context, selection: MetricsSelection, from_position: String) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let request = WatchMetricsRequest { selection: Some(selection), from_position };
    let mut metrics = client.metrics();
    let mut steps = client.stream(metrics.watch_metrics(client.request(request))).await?;
    while let Some(step) = steps.next().await? {
        match &step.event {
            Some(Event::Snapshot(_)) if out.json => out.message(&step)?,
            Some(Event::Snapshot(snapshot)) => {
                out.frame()?;
                print(out, &snapshot.series)?;
            }
            // Nothing for a person; a script asked for figures.
            Some(Event::Heartbeat(_)) | None => {}
        }
    }
    Ok(())
}

fn print(out: &Output, series: &[MetricSeries]) -> Result<(), Failure> {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-metric"), Shrink::Never),
        (words.t("table-group"), Shrink::Then(10)),
        (words.t("table-from"), Shrink::Never),
        (words.t("table-value"), Shrink::Never),
        (words.t("table-n"), Shrink::Never),
        (words.t("table-mean"), Shrink::Never),
        (words.t("table-p50"), Shrink::Never),
        (words.t("table-p90"), Shrink::Never),
        (words.t("table-p99"), Shrink::Never),
    ]);
    for one in series {
        for point in &one.points {
            let [value, n, mean, p50, p90, p99] = figures(out, one.kind, point);
            let when = when(out, point);
            table.row([one.metric.clone(), group(one), when, value, n, mean, p50, p90, p99]);
        }
    }
    out.table(&table, "list-empty")
}

/// Whose figures they are: `wa-main · laura · reason=complaint`.
fn group(series: &MetricSeries) -> String {
    let nobody = |name: &String| if name.is_empty() { "—".to_owned() } else { name.clone() };
    let named = [&series.channel_id, &series.team_id, &series.agent_id].into_iter().flatten().map(nobody);
    let labels = series.labels.iter().map(|label| format!("{}={}", label.key, label.value));
    named.chain(labels).collect::<Vec<_>>().join(" · ")
}

fn when(out: &Output, point: &MetricPoint) -> String {
    match point.hour_of_day {
        Some(hour) => format!("{hour:02}"),
        None => out.clock.short(point.from.as_ref()),
    }
}

/// Value, number, mean and quantiles; what is undefined says so and is not 0.
fn figures(out: &Output, kind: i32, point: &MetricPoint) -> [String; 6] {
    let nothing = || [const { String::new() }; 6];
    if point.state != i32::from(FigureState::Defined) {
        let [_, _, mean, p50, p90, p99] = nothing();
        return [out.words.t("figure-undefined"), "0".to_owned(), mean, p50, p90, p99];
    }
    let time = |millis: Option<u64>| millis.map(text::duration).unwrap_or_default();
    let count = point.value.unwrap_or_default();
    match MetricKind::try_from(kind) {
        Ok(MetricKind::Duration) => [
            String::new(),
            point.n.to_string(),
            time(point.mean_ms),
            time(point.p50_ms),
            time(point.p90_ms),
            time(point.p99_ms),
        ],
        Ok(MetricKind::Share) => {
            let basis = point.share_basis_points.unwrap_or_default();
            let [_, _, mean, p50, p90, p99] = nothing();
            let share = format!("{}.{:02} % ({count})", basis / 100, basis % 100);
            [share, point.n.to_string(), mean, p50, p90, p99]
        }
        Ok(MetricKind::Sum | MetricKind::Gauge | MetricKind::Unspecified) | Err(_) => {
            let [_, n, mean, p50, p90, p99] = nothing();
            [count.to_string(), n, mean, p50, p90, p99]
        }
    }
}
