//! `relevo.admin.v1.ViewService`: how far the views are, rebuilding and verifying them.

use std::pin::Pin;

use futures::Stream;
use relevo_domain::{ErrorCode, Position, TenantId};
use relevo_projection::{Degraded, FirstDifference, MaintenanceError, Progress, Verification, ViewState, ViewStatus};
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::view_service_server::{ViewService, ViewServiceServer};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::refusal::Operator;
use crate::serve::Installation;

/// How often long work says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Messages that a slow client may be behind; beyond it progress is left out, results wait.
const PROGRESS_QUEUE: usize = 16;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(crate) struct Service {
    installation: Installation,
}

impl Service {
    pub(crate) const fn new(installation: Installation) -> Self {
        Self { installation }
    }

    pub(crate) fn into_server(self) -> ViewServiceServer<Self> {
        ViewServiceServer::new(self)
    }

    /// The wanted views, all of them if none is named.
    fn names(&self, operator: &Operator, wanted: Vec<String>) -> Result<Vec<String>, Status> {
        let known: Vec<String> = self.installation.views.all().map(|view| view.name().to_owned()).collect();
        if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
            return Err(operator.say(Problem::new(ErrorCode::ViewNotFound).about("view", unknown)));
        }
        Ok(if wanted.is_empty() { known } else { wanted })
    }
}

#[tonic::async_trait]
impl ViewService for Service {
    async fn get_status(
        &self,
        request: Request<proto::GetViewStatusRequest>,
    ) -> Result<Response<proto::GetViewStatusResponse>, Status> {
        let operator = Operator::of(&request)?;
        let identity = self.installation.log.identity().await.map_err(|error| operator.log_failed(&error))?;
        let views = &self.installation.views;
        let statuses = views.status();
        let mut answers = Vec::with_capacity(statuses.len());
        for status in statuses {
            let mut answer = describe(&status, identity.last_sequence, &operator.caller.tenant);
            if request.get_ref().digest
                && let Some(view) = views.get(status.name)
                && let Ok(digest) = view.digest().await
            {
                answer.digest = digest.digest.hex();
                answer.digest_position = digest.position.to_string();
            }
            answers.push(answer);
        }
        let log_position = Position::new(identity.last_sequence).to_string();
        Ok(Response::new(proto::GetViewStatusResponse { views: answers, log_position }))
    }

    type RebuildStream = Answers<proto::RebuildViewsResponse>;

    async fn rebuild(
        &self,
        request: Request<proto::RebuildViewsRequest>,
    ) -> Result<Response<Self::RebuildStream>, Status> {
        let operator = Operator::of(&request)?;
        let names = self.names(&operator, request.into_inner().names)?;
        let (answers, stream) = mpsc::channel(PROGRESS_QUEUE);
        let installation = self.installation.clone();
        tokio::spawn(async move {
            for name in names {
                let say = |progress| proto::RebuildViewsResponse { name: name.clone(), progress: Some(progress) };
                let mut pace = Pace::default();
                let work = installation.views.rebuild(&name, |progress| {
                    if pace.due() {
                        answers.try_send(Ok(say(render(&progress, false)))).ok();
                    }
                });
                let outcome = until(&installation, &answers, work).await;
                let last = match outcome {
                    None => return,
                    Some(Ok(position)) => Ok(say(done(position))),
                    Some(Err(error)) => Err(operator.maintenance_failed(&name, &error)),
                };
                let failed = last.is_err();
                if answers.send(last).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    type VerifyStream = Answers<proto::VerifyViewsResponse>;

    async fn verify(
        &self,
        request: Request<proto::VerifyViewsRequest>,
    ) -> Result<Response<Self::VerifyStream>, Status> {
        let operator = Operator::of(&request)?;
        let names = self.names(&operator, request.into_inner().names)?;
        let (answers, stream) = mpsc::channel(PROGRESS_QUEUE);
        let installation = self.installation.clone();
        tokio::spawn(async move {
            for name in names {
                let say = |progress, result| proto::VerifyViewsResponse {
                    name: name.clone(),
                    progress: Some(progress),
                    result,
                };
                let mut pace = Pace::default();
                let work = installation.views.verify(&name, |progress| {
                    if pace.due() {
                        answers.try_send(Ok(say(render(&progress, false), None))).ok();
                    }
                });
                let last = match until(&installation, &answers, work).await {
                    None => return,
                    Some(Ok(found)) => {
                        let (position, result) = verdict(&found);
                        Ok(say(done(position), Some(result)))
                    }
                    Some(Err(error)) => Err(operator.maintenance_failed(&name, &error)),
                };
                let failed = last.is_err();
                if answers.send(last).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Lets progress through about once a second.
#[derive(Default)]
struct Pace {
    last: Option<Instant>,
}

impl Pace {
    fn due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.last.is_none_or(|last| now.duration_since(last) >= PROGRESS_EVERY);
        if due {
            self.last = Some(now);
        }
        due
    }
}

/// The work's outcome; nothing if nobody waits for it any more or the broker stops. Dropping the work leaves the live view.
async fn until<T, A>(
    installation: &Installation,
    answers: &mpsc::Sender<A>,
    work: impl Future<Output = Result<T, MaintenanceError>>,
) -> Option<Result<T, MaintenanceError>> {
    tokio::select! {
        outcome = work => Some(outcome),
        () = answers.closed() => None,
        () = installation.ending.cancelled() => None,
    }
}

fn describe(status: &ViewStatus, last: u64, tenant: &TenantId) -> proto::ViewStatus {
    let (state, error) = match &status.state {
        ViewState::Starting => (proto::ViewState::Starting, String::new()),
        ViewState::CatchingUp { .. } => (proto::ViewState::CatchingUp, String::new()),
        ViewState::Live => (proto::ViewState::Live, String::new()),
        ViewState::Diverged(divergence) => (proto::ViewState::Diverged, divergence.to_string()),
        ViewState::Stopped { error } => (proto::ViewState::Stopped, error.clone()),
    };
    proto::ViewStatus {
        name: status.name.to_owned(),
        version: status.version,
        state: state.into(),
        position: status.position.to_string(),
        lag: last.saturating_sub(status.position.sequence()),
        degraded: degraded(&status.degraded, tenant),
        size_bytes: status.bytes,
        digest: String::new(),
        digest_position: String::new(),
        error,
    }
}

/// What is another tenant's is not shown. Whose a commit is that cannot be read, nobody knows: of it, only where it is.
fn degraded(degraded: &Degraded, tenant: &TenantId) -> Vec<proto::DegradedEntity> {
    let own = degraded.parked.iter().filter(|parked| parked.tenant == *tenant);
    let entities = own.map(|parked| proto::DegradedEntity {
        tenant: parked.tenant.to_string(),
        entity_id: parked.entity.to_string(),
        sequence: parked.since.sequence(),
        reason: parked.reason.clone(),
    });
    let undecodable = degraded.undecodable.iter().map(|commit| proto::DegradedEntity {
        tenant: String::new(),
        entity_id: String::new(),
        sequence: commit.at.sequence(),
        reason: String::new(),
    });
    entities.chain(undecodable).collect()
}

fn render(progress: &Progress, done: bool) -> proto::Progress {
    proto::Progress {
        position: progress.applied.to_string(),
        target: progress.target.to_string(),
        commits_done: progress.applied.sequence(),
        commits_total: progress.target.sequence(),
        commits_per_second: rate(progress.commits_per_second),
        seconds_left: progress.left.map(|left| left.as_secs()),
        done,
    }
}

/// A rate is never negative, and nobody reads its decimals.
#[expect(clippy::cast_sign_loss, reason = "cut at zero just before; a float cast saturates")]
fn rate(commits_per_second: f64) -> u64 {
    commits_per_second.max(0.0).round() as u64
}

fn done(position: Position) -> proto::Progress {
    proto::Progress {
        position: position.to_string(),
        target: position.to_string(),
        commits_done: position.sequence(),
        commits_total: position.sequence(),
        commits_per_second: 0,
        seconds_left: Some(0),
        done: true,
    }
}

fn verdict(found: &Verification) -> (Position, proto::VerifyResult) {
    match found {
        Verification::Same { digest, position } => {
            let result = proto::VerifyResult {
                same: true,
                position: position.to_string(),
                live_digest: digest.hex(),
                rebuilt_digest: digest.hex(),
                keys: digest.keys,
                ..proto::VerifyResult::default()
            };
            (*position, result)
        }
        Verification::Different(difference) => {
            let kind = match difference.first {
                FirstDifference::OnlyLive => proto::DifferenceKind::OnlyLive,
                FirstDifference::OnlyRebuilt => proto::DifferenceKind::OnlyRebuilt,
                FirstDifference::Value => proto::DifferenceKind::Value,
            };
            let result = proto::VerifyResult {
                same: false,
                position: difference.position.to_string(),
                live_digest: difference.live.hex(),
                rebuilt_digest: difference.rebuilt.hex(),
                keys: difference.rebuilt.keys,
                first_difference: difference.first_key_hex(),
                difference: kind.into(),
            };
            (difference.position, result)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::{EntityId, EntityKind};
    use relevo_projection::{Parked, Undecodable};

    #[test]
    fn of_other_tenants_nothing_is_shown() {
        let parked = |tenant: &str, at| Parked {
            tenant: TenantId::new(tenant).unwrap(),
            entity: EntityId::new(EntityKind::Conversation, [1; 16]),
            since: Position::new(at),
            reason: format!("because of {tenant}"),
            skipped: 1,
            last: Position::new(at),
        };
        let undecodable = Undecodable { at: Position::new(9), reason: "because of b".to_owned() };
        let found = Degraded {
            parked: vec![parked("a", 3), parked("b", 5)],
            undecodable: vec![undecodable],
            ..Degraded::default()
        };
        let shown = degraded(&found, &TenantId::new("a").unwrap());
        assert_eq!(shown.iter().map(|entity| entity.sequence).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(shown[0].reason, "because of a");
        assert!(!format!("{shown:?}").contains("because of b"), "{shown:?}");
    }
}
