//! `relevo metrics definitions`: what every metric means.

use clap::Args;
use relevo_proto::query::v1::{ListMetricsRequest, MetricKind};

use super::super::table::{Shrink, Table};
use super::super::{Context, Failure, Output, text};

#[derive(Debug, Args)]
pub(crate) struct Definitions {
    /// Name of a metric: its formula and edge cases, in English. Default: a table of all.
    #[arg(value_name = "METRIC")]
    metric: Option<String>,
}

/// How far the lines of a formula are moved in, in columns.
const INDENT: usize = 2;

impl Definitions {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let mut metrics = client.metrics();
        let mut answer = client.once(metrics.list_metrics(client.request(ListMetricsRequest {}))).await?;
        if let Some(name) = &self.metric {
            answer.metrics.retain(|metric| metric.name == *name);
            if answer.metrics.is_empty() {
                return Err(Failure::bad_value("METRIC", name, "relevo metrics definitions"));
            }
        }
        if out.json {
            return out.message(&answer);
        }
        let words = out.words;
        let mut table = Table::new(vec![
            (words.t("table-metric"), Shrink::Never),
            (words.t("table-version"), Shrink::Never),
            (words.t("table-kind"), Shrink::Never),
            (words.t("table-labels"), Shrink::Never),
            (words.t("table-detail"), Shrink::First(10)),
        ]);
        for metric in &answer.metrics {
            let kind = kind(out, metric.kind);
            let labels = metric.labels.join(", ");
            table.row([metric.name.clone(), metric.version.to_string(), kind, labels, metric.title.clone()]);
        }
        out.table(&table, "list-empty")?;
        if self.metric.is_none() {
            return Ok(());
        }
        out.line("")?;
        for metric in &answer.metrics {
            let lines = text::wrap(&text::one_line(&metric.meaning), out.page_width() - INDENT);
            out.lines(lines.iter().map(|line| format!("{}{line}", " ".repeat(INDENT))))?;
        }
        Ok(())
    }
}

pub(super) fn kind(out: &Output, kind: i32) -> String {
    match MetricKind::try_from(kind) {
        Ok(MetricKind::Sum) => out.words.t("kind-metric-sum"),
        Ok(MetricKind::Duration) => out.words.t("kind-metric-duration"),
        Ok(MetricKind::Share) => out.words.t("kind-metric-share"),
        Ok(MetricKind::Gauge) => out.words.t("kind-metric-gauge"),
        Ok(MetricKind::Unspecified) | Err(_) => format!("?{kind}"),
    }
}
