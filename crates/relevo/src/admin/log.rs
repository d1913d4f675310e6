//! `relevo.admin.v1.LogService`: commits as they are stored, of the caller's tenant.

pub(super) mod audit;
pub(crate) mod line;
mod replay;
mod span;
mod verify;
#[cfg(test)]
mod verify_tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use prost::Message;
use relevo_domain::{Actor, EntityId, ErrorCode, Recorded, TenantId};
use relevo_eventlog::{Log, LogError, ReplaySubject, codec};
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::log_service_server::{LogService, LogServiceServer};
use relevo_proto::admin::v1::show_log_request::Of;
use relevo_proto::query::v1 as words;
use relevo_proto::time::to_wire;
use relevo_proto::{Problem, event, json};
use relevo_query::Directory;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use self::replay::{Ended, Replay, SPEED_MAX, Target};
use self::span::{Filter, Span};
use super::busy::{AUDITS_MAX, Places, REPLAYS_MAX, VERIFICATIONS_MAX};
use super::refusal::Operator;
use crate::serve::Installation;

/// Commits of one entity in one answer.
const SHOW_DEFAULT: usize = 100;
const SHOW_MAX: usize = 1_000;
/// Commits that a tail without `follow` gives if nothing is said, and the most that can be asked for.
const TAIL_DEFAULT: usize = 100;
const TAIL_MAX: usize = 100_000;
/// Commits of all tenants that are looked at to find the last ones of one tenant: some seconds of reading, a hundred MB or so.
pub(super) const LOOK_BACK_MAX: u64 = 100_000;
/// The first stretch that is looked at, and how many times longer than the last each further one is: most tenants are found in
/// the first, and a quiet one costs few readers.
const STRETCH_FIRST: u64 = 1_000;
const STRETCH_GROWTH: u64 = 4;
/// Commits that a slow client may be behind; then the reading waits.
const TAIL_QUEUE: usize = 64;

pub(crate) struct Service {
    installation: Installation,
    verifications: Places,
    replays: Places,
    audits: Places,
}

impl Service {
    pub(crate) fn new(installation: Installation) -> Self {
        Self {
            installation,
            verifications: Places::new("log_verifications", VERIFICATIONS_MAX),
            replays: Places::new("log_replays", REPLAYS_MAX),
            audits: Places::new("log_audits", AUDITS_MAX),
        }
    }

    pub(crate) fn into_server(self) -> LogServiceServer<Self> {
        LogServiceServer::new(self)
    }

    async fn one(&self, operator: &Operator, sequence: u64) -> Result<proto::LogCommit, Status> {
        let missing = || operator.say(Problem::new(ErrorCode::CommitNotFound).about("sequence", sequence));
        match self.installation.log.get(sequence).await {
            Ok(Some(recorded)) if recorded.commit.tenant == operator.caller.tenant => {
                render(&recorded, &self.installation.directory).map_err(|error| operator.internal(&error))
            }
            Ok(_) => Err(missing()),
            Err(LogError::Undecodable { sequence, reason }) => Ok(unreadable(operator, sequence, &reason)),
            Err(error) => Err(operator.log_failed(&error)),
        }
    }

    async fn of_entity(
        &self,
        operator: &Operator,
        entity: &str,
        after: u64,
        limit: usize,
    ) -> Result<proto::ShowLogResponse, Status> {
        let entity: EntityId = entity.parse().map_err(|_refused| operator.invalid("entity_id", "field-id"))?;
        // One more than is shown, to know whether there are more.
        let found = self.installation.log.page(&operator.caller.tenant, &entity, after, limit + 1).await;
        let found = found.map_err(|error| operator.log_failed(&error))?;
        if found.is_empty() && after == 0 {
            return Err(operator.say(Problem::new(ErrorCode::CommitNotFound).about("entity_id", entity)));
        }
        let directory = &self.installation.directory;
        let more = found.len() > limit;
        let commits = found.into_iter().take(limit).map(|item| match item {
            Ok(recorded) => render(&recorded, directory).map_err(|error| operator.internal(&error)),
            Err(LogError::Undecodable { sequence, reason }) => Ok(unreadable(operator, sequence, &reason)),
            Err(error) => Err(operator.log_failed(&error)),
        });
        Ok(proto::ShowLogResponse { commits: commits.collect::<Result<_, _>>()?, more })
    }
}

impl Service {
    async fn replay_of(
        &self,
        operator: &Operator,
        request: proto::ReplayLogRequest,
        answers: mpsc::Sender<Result<proto::ReplayLogResponse, Status>>,
    ) -> Result<Replay, Status> {
        if !(0.0..=SPEED_MAX).contains(&request.speed) {
            return Err(operator.invalid("speed", "field-speed"));
        }
        let Installation { log, directory, connection, .. } = self.installation.clone();
        let target = if request.subject.is_empty() {
            Target::Caller
        } else {
            let subject = ReplaySubject::parse(&operator.caller.tenant, &request.subject);
            let subject = subject.ok_or_else(|| operator.invalid("subject", "field-replay-subject"))?;
            Target::Subject(connection, subject)
        };
        let filter = Filter::parse(operator, request.filter.unwrap_or_default())?;
        let span = Span::find(operator, &*log, request.from.as_ref(), request.to.as_ref()).await?;
        let (speed, without_personal) = (request.speed, request.without_personal);
        Ok(Replay { log, directory, span, filter, speed, target, without_personal, answers })
    }

    /// What the streams are set to, and how the server writes, as far as anybody here knows.
    async fn settings(&self) -> Result<Vec<proto::StreamSetting>, LogError> {
        let found = self.installation.connection.settings().await?;
        let settings = found.into_iter().map(|setting| proto::StreamSetting {
            stream: setting.stream.as_str().to_owned(),
            setting: setting.name.to_owned(),
            found: setting.found,
            wanted: setting.wanted,
            state: if setting.good { proto::SettingState::Ok } else { proto::SettingState::Differs }.into(),
        });
        let sync = match self.installation.sync_interval {
            Some(word) => (word, word, proto::SettingState::Ok),
            None => ("", "always", proto::SettingState::Unknown),
        };
        let (found, wanted, state) = sync;
        let sync = proto::StreamSetting {
            stream: String::new(),
            setting: "sync_interval".to_owned(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
            state: state.into(),
        };
        Ok(settings.chain([sync]).collect())
    }
}

#[tonic::async_trait]
impl LogService for Service {
    async fn show(&self, request: Request<proto::ShowLogRequest>) -> Result<Response<proto::ShowLogResponse>, Status> {
        let operator = Operator::of(&request)?;
        let request = request.into_inner();
        let limit = bounded(request.limit, SHOW_DEFAULT, SHOW_MAX);
        let answer = match request.of {
            Some(Of::EntityId(entity)) => self.of_entity(&operator, &entity, request.after_sequence, limit).await?,
            Some(Of::Sequence(sequence)) => {
                proto::ShowLogResponse { commits: vec![self.one(&operator, sequence).await?], more: false }
            }
            None => return Err(operator.invalid("entity_id", "field-required")),
        };
        Ok(Response::new(answer))
    }

    type TailStream = Pin<Box<dyn Stream<Item = Result<proto::TailLogResponse, Status>> + Send>>;

    async fn tail(&self, request: Request<proto::TailLogRequest>) -> Result<Response<Self::TailStream>, Status> {
        let operator = Operator::of(&request)?;
        let request = request.into_inner();
        let identity = self.installation.log.identity().await.map_err(|error| operator.log_failed(&error))?;
        let wanted = bounded(request.limit, TAIL_DEFAULT, TAIL_MAX);
        let plan = Plan {
            last: identity.last_sequence,
            from: request.from_sequence,
            wanted,
            follow: request.follow,
            limit: if request.follow && request.limit == 0 { None } else { Some(wanted) },
        };
        let (answers, stream) = mpsc::channel(TAIL_QUEUE);
        let Installation { log, directory, ending, .. } = self.installation.clone();
        tokio::spawn(async move {
            let tailer = Tailer { operator, log, directory, plan, answers: answers.clone() };
            tokio::select! {
                outcome = tailer.run() => if let Err(error) = outcome {
                    answers.send(Err(tailer.operator.log_failed(&error))).await.ok();
                },
                () = answers.closed() => {}
                () = ending.cancelled() => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    type VerifyStream = Pin<Box<dyn Stream<Item = Result<proto::VerifyLogResponse, Status>> + Send>>;

    async fn verify(&self, request: Request<proto::VerifyLogRequest>) -> Result<Response<Self::VerifyStream>, Status> {
        let operator = Operator::of(&request)?;
        let place = self.verifications.take(&operator)?;
        let settings = self.settings().await.map_err(|error| operator.log_failed(&error))?;
        let (answers, stream) = mpsc::channel(TAIL_QUEUE);
        let Installation { log, ending, .. } = self.installation.clone();
        let tenant = operator.caller.tenant.clone();
        tokio::spawn(async move {
            let _place = place;
            let work = verify::Verify { log, tenant, settings, answers: answers.clone() };
            tokio::select! {
                outcome = work.run() => if let Err(error) = outcome {
                    answers.send(Err(operator.log_failed(&error))).await.ok();
                },
                () = answers.closed() => {}
                () = ending.cancelled() => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    type ReplayStream = Pin<Box<dyn Stream<Item = Result<proto::ReplayLogResponse, Status>> + Send>>;

    async fn replay(&self, request: Request<proto::ReplayLogRequest>) -> Result<Response<Self::ReplayStream>, Status> {
        let operator = Operator::of(&request)?;
        let place = self.replays.take(&operator)?;
        let (answers, stream) = mpsc::channel(TAIL_QUEUE);
        let replay = self.replay_of(&operator, request.into_inner(), answers.clone()).await?;
        let ending = self.installation.ending.clone();
        tokio::spawn(async move {
            let _place = place;
            let ended = tokio::select! {
                outcome = replay.run() => outcome,
                () = answers.closed() => return,
                () = ending.cancelled() => return,
            };
            let refusal = match ended {
                Ok(()) | Err(Ended::Gone) => return,
                Err(Ended::Log(error)) => operator.log_failed(&error),
                Err(Ended::Json(error)) => operator.internal(&error),
            };
            // Nobody may wait for it any more.
            answers.send(Err(refusal)).await.ok();
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn audit(
        &self,
        request: Request<proto::AuditLogRequest>,
    ) -> Result<Response<proto::AuditLogResponse>, Status> {
        let operator = Operator::of(&request)?;
        let _place = self.audits.take(&operator)?;
        let Installation { log, directory, .. } = &self.installation;
        let audit = audit::Audit { operator: &operator, log, directory };
        audit.page(request.into_inner()).await.map(Response::new)
    }
}

/// Which commits a tail gives.
pub(super) struct Plan {
    /// The log's last sequence when the tail began.
    pub(super) last: u64,
    /// The first sequence; 0 to look back for the last `wanted` commits.
    pub(super) from: u64,
    pub(super) wanted: usize,
    pub(super) follow: bool,
    pub(super) limit: Option<usize>,
}

pub(super) struct Tailer {
    pub(super) operator: Operator,
    pub(super) log: Arc<dyn Log>,
    pub(super) directory: Arc<Directory>,
    pub(super) plan: Plan,
    pub(super) answers: mpsc::Sender<Result<proto::TailLogResponse, Status>>,
}

impl Tailer {
    /// Gives the commits; ends early without an error if nobody listens any more.
    pub(super) async fn run(&self) -> Result<(), LogError> {
        let from = if self.plan.from == 0 {
            let found = self.look_back().await?;
            if let Some(sequence) = found.bounded_at {
                let said = proto::TailLogResponse { commit: None, looked_back_to: sequence };
                if self.answers.send(Ok(said)).await.is_err() {
                    return Ok(());
                }
            }
            found.from
        } else {
            self.plan.from
        };
        if from > self.plan.last && !self.plan.follow {
            return Ok(());
        }
        let mut commits = self.log.read(from).await?;
        let mut given = 0;
        while let Some(item) = commits.next().await {
            let (sequence, commit) = match item {
                Ok(recorded) => (recorded.sequence, self.own(&recorded)),
                Err(LogError::Undecodable { sequence, reason }) => {
                    (sequence, Some(unreadable(&self.operator, sequence, &reason)))
                }
                Err(error) => return Err(error),
            };
            if !self.plan.follow && sequence > self.plan.last {
                return Ok(());
            }
            if let Some(commit) = commit {
                given += 1;
                let answer = proto::TailLogResponse { commit: Some(commit), looked_back_to: 0 };
                if self.answers.send(Ok(answer)).await.is_err() {
                    return Ok(());
                }
            }
            let enough = self.plan.limit.is_some_and(|limit| given >= limit);
            if enough || (!self.plan.follow && sequence >= self.plan.last) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads backwards, stretch by stretch, until the last commits are found that the caller may see.
    async fn look_back(&self) -> Result<Found, LogError> {
        let (wanted, last) = (self.plan.wanted, self.plan.last);
        // Only where they are: what they hold is read again, in order, when it is given.
        let mut found: VecDeque<u64> = VecDeque::new();
        let mut stretch = STRETCH_FIRST.max(wanted as u64);
        let (mut end, mut left) = (last, LOOK_BACK_MAX);
        while end > 0 && left > 0 && found.len() < wanted {
            let length = stretch.min(left).min(end);
            let begin = end - length + 1;
            let mut own = self.own_between(begin, end).await?;
            own.append(&mut found);
            found = own;
            (end, left) = (begin - 1, left - length);
            stretch = stretch.saturating_mul(STRETCH_GROWTH);
        }
        let surplus = found.len().saturating_sub(wanted);
        let from = found.get(surplus).copied().unwrap_or(last + 1);
        Ok(Found { from, bounded_at: (found.len() < wanted && end > 0).then_some(end + 1) })
    }

    /// Sequences in the stretch, ends included, of what the caller may see.
    async fn own_between(&self, begin: u64, end: u64) -> Result<VecDeque<u64>, LogError> {
        let mut own = VecDeque::new();
        let mut commits = self.log.read(begin).await?;
        while let Some(item) = commits.next().await {
            let (sequence, seen) = match item {
                Ok(recorded) => (recorded.sequence, recorded.commit.tenant == self.operator.caller.tenant),
                Err(LogError::Undecodable { sequence, .. }) => (sequence, true),
                Err(error) => return Err(error),
            };
            if seen && sequence <= end {
                own.push_back(sequence);
            }
            if sequence >= end {
                break;
            }
        }
        Ok(own)
    }

    /// The commit, if it is the caller's to see.
    fn own(&self, recorded: &Recorded) -> Option<proto::LogCommit> {
        if recorded.commit.tenant != self.operator.caller.tenant {
            return None;
        }
        let shown = render(recorded, &self.directory);
        Some(shown.unwrap_or_else(|error| unreadable(&self.operator, recorded.sequence, &error.to_string())))
    }
}

/// What looking back found.
struct Found {
    /// Where to begin; after the log's end if there is nothing.
    from: u64,
    /// The oldest sequence that was looked at, if there may be more before it.
    bounded_at: Option<u64>,
}

fn bounded(wanted: u32, default: usize, most: usize) -> usize {
    match usize::try_from(wanted).unwrap_or(most) {
        0 => default,
        wanted => wanted.min(most),
    }
}

/// A commit that cannot be decoded does not say whose it is: everybody learns where it is, the operator's log why.
fn unreadable(operator: &Operator, sequence: u64, reason: &str) -> proto::LogCommit {
    tracing::warn!(sequence, reason, "commit cannot be shown");
    let undecodable = operator.text("cli-log-unreadable");
    proto::LogCommit { sequence, undecodable, ..proto::LogCommit::default() }
}

fn render(recorded: &Recorded, directory: &Directory) -> Result<proto::LogCommit, json::JsonError> {
    let commit = &recorded.commit;
    // The log's own form of the events, so that what is shown is what is stored.
    let stored = event::v1::Commit::decode(codec::encode(commit).as_slice())
        .map_err(|error| json::JsonError::Write(error.to_string()))?;
    let mut events = Vec::with_capacity(commit.events.len());
    for (index, (event, wire)) in commit.events.iter().zip(&stored.events).enumerate() {
        events.push(proto::LogEvent {
            name: event.name().to_owned(),
            version: commit.first_version + index as u64,
            json: content(wire)?,
        });
    }
    let first = commit.previous_hash == [0; 32];
    Ok(proto::LogCommit {
        sequence: recorded.sequence,
        commit_id: commit.id.to_string(),
        tenant: commit.tenant.to_string(),
        entity_id: commit.entity.to_string(),
        first_version: commit.first_version,
        last_version: commit.last_version(),
        command_id: commit.command_id.to_string(),
        occurred_at: Some(to_wire(commit.occurred_at)),
        recorded_at: Some(to_wire(commit.recorded_at)),
        actor: Some(actor(&commit.actor, &commit.tenant, directory)),
        causation_id: commit.causation.map(|id| id.to_string()).unwrap_or_default(),
        correlation_id: commit.correlation.clone().unwrap_or_default(),
        hash: hex::encode(recorded.hash),
        previous_hash: if first { String::new() } else { hex::encode(commit.previous_hash) },
        intake_sequence: commit.intake.map_or(0, |pointer| pointer.sequence),
        intake_part: commit.intake.map_or(0, |pointer| pointer.part),
        intake_ordinal: commit.intake.map_or(0, |pointer| pointer.ordinal),
        events,
        undecodable: String::new(),
    })
}

/// The event without its wrapping: its name stands beside it.
fn content(event: &event::v1::Event) -> Result<String, json::JsonError> {
    Ok(match json::to_value(event)? {
        serde_json::Value::Object(fields) if fields.len() == 1 => {
            fields.into_iter().map(|(_, content)| content.to_string()).collect()
        }
        other => other.to_string(),
    })
}

fn actor(actor: &Actor, tenant: &TenantId, directory: &Directory) -> words::Actor {
    let (kind, id) = match actor {
        Actor::Customer => (words::ActorKind::Customer, None),
        Actor::Staff(id) => (words::ActorKind::Staff, Some(id)),
        Actor::Bot(id) => (words::ActorKind::Bot, Some(id)),
        Actor::PhoneApp => (words::ActorKind::PhoneApp, None),
        Actor::Provider => (words::ActorKind::Provider, None),
        Actor::System => (words::ActorKind::System, None),
    };
    words::Actor {
        kind: kind.into(),
        id: id.map(ToString::to_string).unwrap_or_default(),
        name: id.map(|id| directory.agent_name(tenant, id)).unwrap_or_default(),
    }
}
