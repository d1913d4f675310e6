//! `relevo metrics republish`: facts of a span once more, for a consumer that lost them or came too late.

use clap::Args;
use relevo_proto::admin::v1::{RepublishFactsRequest, RepublishFactsResponse};

use super::super::text::instant;
use super::super::{Context, Failure, Output};

#[derive(Debug, Args)]
pub(crate) struct Republish {
    /// Name of a metric, for example `pauses`; can be given several times. Default: every metric.
    #[arg(long = "metric", value_name = "METRIC")]
    metrics: Vec<String>,
    /// Facts that happened at this time or later: `2026-03-01` (midnight UTC) or `2026-03-01T10:00:00Z`. Default: from the first.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<jiff::Timestamp>,
    /// Facts that happened before this time. Default: up to now.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Option<jiff::Timestamp>,
    /// Where to: `relevo.republish.<tenant>.<name>`, kept for 7 days on the stream RELEVO_REPUBLISH.
    #[arg(long, value_name = "SUBJECT")]
    subject: String,
}

impl Republish {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = RepublishFactsRequest {
            metrics: self.metrics,
            from: self.from.map(wire),
            to: self.to.map(wire),
            subject: self.subject.clone(),
        };
        let mut topics = client.topics();
        let mut steps = client.stream(topics.republish(client.request(request))).await?;
        while let Some(step) = steps.next().await? {
            if out.json {
                out.message(&step)?;
            } else if step.done {
                out.progress_done();
                out.line(&told(out, "metrics-republished", &step, &self.subject))?;
            } else {
                out.progress(&told(out, "metrics-republishing", &step, &self.subject));
            }
        }
        Ok(())
    }
}

fn told(out: &Output, key: &str, step: &RepublishFactsResponse, subject: &str) -> String {
    let (facts, sequence) = (step.facts.to_string(), step.sequence.to_string());
    out.words.with(key, &[("facts", &facts), ("sequence", &sequence), ("subject", subject)])
}

/// An instant as the API has it.
pub(crate) fn wire(at: jiff::Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
