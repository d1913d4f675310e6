//! `relevo.admin.v1.TopicService`: publishing metric facts again.

use std::pin::Pin;

use futures::Stream;
use relevo_domain::ErrorCode;
use relevo_eventlog::Topic;
use relevo_eventlog::subject::REPUBLISH_PREFIX;
use relevo_projector_metrics::metric_names;
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::topic_service_server::{TopicService, TopicServiceServer};
use relevo_proto::time::from_wire;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::busy::{Places, REPUBLICATIONS_MAX};
use super::refusal::Operator;
use crate::serve::{Installation, now};
use crate::topics::{Progress, RepublishError, Span};

/// How often long work says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Messages that a slow client may be behind; beyond it progress is left out, the end waits.
const PROGRESS_QUEUE: usize = 16;

pub(crate) struct Service {
    installation: Installation,
    republications: Places,
}

impl Service {
    pub(crate) fn new(installation: Installation) -> Self {
        Self { installation, republications: Places::new("republications", REPUBLICATIONS_MAX) }
    }

    pub(crate) fn into_server(self) -> TopicServiceServer<Self> {
        TopicServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl TopicService for Service {
    type RepublishStream = Pin<Box<dyn Stream<Item = Result<proto::RepublishFactsResponse, Status>> + Send>>;

    async fn republish(
        &self,
        request: Request<proto::RepublishFactsRequest>,
    ) -> Result<Response<Self::RepublishStream>, Status> {
        let operator = Operator::of(&request)?;
        let (span, place) = read(&operator, request.into_inner())?;
        let work = self.republications.take(&operator)?;
        let (answers, stream) = mpsc::channel(PROGRESS_QUEUE);
        let Installation { republisher, ending, .. } = self.installation.clone();
        tokio::spawn(async move {
            let _work = work;
            let mut told = Instant::now();
            let tell = |progress: Progress| {
                if told.elapsed() >= PROGRESS_EVERY {
                    told = Instant::now();
                    answers.try_send(Ok(render(progress, false))).ok();
                }
            };
            let outcome = tokio::select! {
                outcome = republisher.republish(&span, place, now(), tell) => outcome,
                () = answers.closed() => return,
                () = ending.cancelled() => return,
            };
            let last = match outcome {
                Ok(progress) => Ok(render(progress, true)),
                Err(error) => Err(failed(&operator, &error)),
            };
            // Nobody may wait for it any more.
            answers.send(last).await.ok();
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

fn read(operator: &Operator, request: proto::RepublishFactsRequest) -> Result<(Span, Topic), Status> {
    let tenant = operator.caller.tenant.clone();
    let own = format!("{REPUBLISH_PREFIX}{tenant}.");
    let place = request.subject.strip_prefix(&own).and_then(|name| Topic::republished(&tenant, name).ok());
    let place = place.ok_or_else(|| operator.invalid("subject", "field-republish-subject"))?;
    let known: Vec<&'static str> = metric_names().collect();
    let mut metrics = Vec::with_capacity(request.metrics.len());
    for name in &request.metrics {
        let found = known.iter().find(|metric| *metric == name);
        metrics.push(*found.ok_or_else(|| operator.invalid("metrics", "field-metric"))?);
    }
    metrics.sort_unstable();
    metrics.dedup();
    let (from, to) = (request.from.map(from_wire), request.to.map(from_wire));
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Err(operator.invalid("to", "field-span"));
    }
    let metrics = if metrics.is_empty() { known } else { metrics };
    Ok((Span { tenant, metrics, from, to }, place))
}

fn render(progress: Progress, done: bool) -> proto::RepublishFactsResponse {
    proto::RepublishFactsResponse { facts: progress.facts, sequence: progress.sequence, done }
}

fn failed(operator: &Operator, error: &RepublishError) -> Status {
    match error {
        RepublishError::Log(error) => operator.log_failed(error),
        RepublishError::Taken => operator.say(Problem::new(ErrorCode::Contention)),
        RepublishError::View(_) | RepublishError::Building => {
            tracing::warn!(%error, "facts cannot be published again yet");
            operator.say(Problem::new(ErrorCode::StaleRead))
        }
        RepublishError::Rows(_) | RepublishError::Fold(_) | RepublishError::Fact(_) => operator.internal(error),
    }
}
