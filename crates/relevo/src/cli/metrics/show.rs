//! `relevo metrics show`: volumes, first response and pauses over some days of the tenant.

use clap::Args;
use jiff::ToSpan as _;
use jiff::civil::Date;
use relevo_proto::query::v1::{DurationFigure, FigureState, GetMetricsRequest, GetMetricsResponse, Volumes};

use super::super::table::{Shrink, Table};
use super::super::{Context, Failure, Output, Read, text};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// First day, `YYYY-MM-DD`. Default: six days before the last one.
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// Last day, included, at most 366 days after the first. Default: today on this machine.
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// Only this channel (name in the configuration). Default: all.
    #[arg(long, value_name = "CHANNEL", default_value = "", hide_default_value = true)]
    channel: String,
    /// Also prints messages by hour of the day.
    #[arg(long)]
    hours: bool,
    #[command(flatten)]
    read: Read,
}

/// The first and the last day that are meant.
pub(super) fn days(out: &Output, from: Option<Date>, to: Option<Date>) -> Result<(Date, Date), Failure> {
    let to = to.unwrap_or_else(|| out.clock.today());
    let early = |_before_time| Failure::bad_value("--to", &to.to_string(), "YYYY-MM-DD");
    let from = from.map_or_else(|| to.checked_sub((DAYS_DEFAULT - 1).days()).map_err(early), Ok)?;
    Ok((from, to))
}

/// Days of a metrics report if nobody says otherwise, the last one included.
const DAYS_DEFAULT: i32 = 7;

impl Show {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let (from, to) = days(out, self.from, self.to)?;
        let mut metrics = context.client.metrics();
        let request = GetMetricsRequest {
            from_day: from.to_string(),
            to_day: to.to_string(),
            channel_id: self.channel,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let answer = context.client.once(metrics.get_metrics(context.client.request(request))).await?;
        if out.json { out.message(&answer) } else { print(out, &answer, self.hours) }
    }
}

fn print(out: &Output, answer: &GetMetricsResponse, with_hours: bool) -> Result<(), Failure> {
    let words = out.words;
    let channel = if answer.channel_id.is_empty() { String::new() } else { format!(" · {}", answer.channel_id) };
    out.line(&text::one_line(&format!("{} … {} · {}{channel}", answer.from_day, answer.to_day, answer.time_zone)))?;
    out.line("")?;

    let number = |key: &str| (words.t(key), Shrink::Never);
    let mut days = Table::new(vec![
        number("table-day"),
        number("table-in"),
        number("table-out"),
        number("table-opened"),
        number("table-episodes"),
        number("table-resolved"),
        number("table-reopened"),
    ]);
    for day in &answer.days {
        days.row(volume_cells(&day.day, day.volumes.as_ref()));
    }
    days.row(volume_cells("Σ", answer.totals.as_ref()));
    out.table(&days, "list-empty")?;

    out.line("")?;
    let figure = figure(out, answer.first_response.as_ref());
    out.line(&format!("{}: {figure}", words.t("figure-first-response")))?;

    if !answer.pauses.is_empty() {
        let mut pauses = Table::new(vec![number("table-reason"), number("table-manual"), number("table-automatic")]);
        for pause in &answer.pauses {
            pauses.row([words.reason(pause.reason), pause.manual.to_string(), pause.automatic.to_string()]);
        }
        out.line("")?;
        out.table(&pauses, "list-empty")?;
    }
    if !answer.statuses.is_empty() {
        let mut statuses = Table::new(vec![number("table-statuses"), number("table-count")]);
        for status in &answer.statuses {
            statuses.row([words.delivery(&status.status), status.count.to_string()]);
        }
        out.line("")?;
        out.table(&statuses, "list-empty")?;
    }
    if with_hours {
        let mut hours = Table::new(vec![number("table-hour"), number("table-in"), number("table-out")]);
        for hour in &answer.hours {
            hours.row([format!("{:02}", hour.hour), hour.messages_in.to_string(), hour.messages_out.to_string()]);
        }
        out.line("")?;
        out.table(&hours, "list-empty")?;
    }
    Ok(())
}

fn volume_cells(label: &str, volumes: Option<&Volumes>) -> [String; 7] {
    let volumes = volumes.copied().unwrap_or_default();
    [
        label.to_owned(),
        volumes.messages_in.to_string(),
        volumes.messages_out.to_string(),
        volumes.conversations_opened.to_string(),
        volumes.episodes_started.to_string(),
        volumes.resolved.to_string(),
        volumes.reopened.to_string(),
    ]
}

/// `n 12 · promedio 4 min 5 s · la mitad en 3 min 0 s · …`, or undefined: nothing measured is not zero.
fn figure(out: &Output, figure: Option<&DurationFigure>) -> String {
    let words = out.words;
    let Some(figure) = figure.filter(|figure| figure.state == i32::from(FigureState::Defined)) else {
        return format!("{} (n 0)", words.t("figure-undefined"));
    };
    let mut parts = vec![format!("n {}", figure.n)];
    for (key, value) in [
        ("figure-mean", figure.mean_ms),
        ("figure-median", figure.p50_ms),
        ("figure-p90", figure.p90_ms),
        ("figure-p99", figure.p99_ms),
    ] {
        if let Some(value) = value {
            parts.push(format!("{} {}", words.t(key), text::duration(value)));
        }
    }
    parts.join(" · ")
}
