//! One stream of a bot, from `hello` to its end.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use relevo_command::grpc::{refuse, refuse_field};
use relevo_domain::{Caller, ErrorCode, Position, Timestamp};
use relevo_projection::StaleRead;
use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::converse_request::Message as Says;
use relevo_proto::bot::v1::converse_response::Message as Told;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::HISTORY_MAX;
use crate::act::{act, refusal};
use crate::dispatch::{Desk, Gone, Holder, Inner, Sink};
use crate::taker::HISTORY_DEFAULT;

/// Answers that wait to be written: a few, so that what is not read is noticed.
pub(crate) const ANSWERS_MAX: usize = 16;
/// How long a bot may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How long a node may take to know as much as the bot does.
const RESUMED_WITHIN: Duration = Duration::from_secs(10);
/// Actions that are carried out at the same time; those of one conversation one after the other.
const LANES: usize = 8;
/// Actions that wait in a lane; then the stream is not read.
const LANE_MAX: usize = 16;
/// Turns at the same time if the bot does not say, and at most.
const TURNS_DEFAULT: u32 = 16;
const TURNS_MAX: u32 = 256;

type Answers = mpsc::Sender<Result<pb::ConverseResponse, Status>>;

/// One stream.
pub(crate) struct Session {
    pub(crate) inner: Arc<Inner>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) caller: Caller,
    pub(crate) language: String,
    pub(crate) valid_until: Option<Timestamp>,
    pub(crate) answers: Answers,
}

/// What a bot asks for.
struct Hello {
    turns_max: usize,
    history: usize,
}

impl Session {
    pub(crate) async fn run(self, mut messages: Streaming<pb::ConverseRequest>) {
        let ended = match self.hello(&mut messages).await {
            Ok(hello) => self.converse(hello, messages).await,
            Err(status) => Some(status),
        };
        if let Some(status) = ended {
            // Somebody who reads nothing does not read this.
            timeout(self.inner.parts.options.read_within, self.answers.send(Err(status))).await.ok();
        }
    }

    /// The first message; the answer says where this node stands.
    async fn hello(&self, messages: &mut Streaming<pb::ConverseRequest>) -> Result<Hello, Status> {
        let first = tokio::select! {
            first = timeout(HELLO_WITHIN, messages.message()) => first,
            () = self.inner.parts.ending.cancelled() => return Err(self.stopping()),
        };
        let Ok(Ok(Some(pb::ConverseRequest { message: Some(Says::Hello(hello)) }))) = first else {
            return Err(refuse_field(&self.language, "hello", "field-required", 1));
        };
        let pb::Hello { max_turns, history, resume_position } = hello;
        if max_turns > TURNS_MAX {
            return Err(refuse_field(&self.language, "max_turns", "field-above", TURNS_MAX as usize));
        }
        let history = history.unwrap_or(HISTORY_DEFAULT);
        if history > HISTORY_MAX {
            return Err(refuse_field(&self.language, "history", "field-above", HISTORY_MAX as usize));
        }
        if !resume_position.is_empty() {
            let position = resume_position.parse::<Position>();
            let position = position.map_err(|_bad| refuse(&self.language, Problem::new(ErrorCode::PositionInvalid)))?;
            self.catches_up(position).await?;
        }
        let welcome =
            pb::Welcome { bot: self.caller.name.to_string(), position: self.inner.parts.view.position().to_string() };
        self.tell(Told::Welcome(welcome)).await.map_err(|Gone| self.stopping())?;
        let turns_max = if max_turns == 0 { TURNS_DEFAULT } else { max_turns };
        Ok(Hello { turns_max: turns_max as usize, history: history as usize })
    }

    /// Waits until this node knows what the bot has handled.
    async fn catches_up(&self, position: Position) -> Result<(), Status> {
        let reached = self.inner.parts.view.reached(position, Instant::now() + RESUMED_WITHIN).await;
        reached.map_err(|StaleRead { applied, wanted }| {
            let problem = Problem::new(ErrorCode::StaleRead).about("applied", applied).about("wanted", wanted);
            refuse(&self.language, problem.retry_after(Duration::from_secs(1)))
        })
    }

    /// Gives turns and takes actions until either side ends it.
    async fn converse(&self, hello: Hello, messages: Streaming<pb::ConverseRequest>) -> Option<Status> {
        let Hello { turns_max, history } = hello;
        let token = CancellationToken::new();
        let holder = Holder {
            inner: Arc::clone(&self.inner),
            desk: Arc::clone(&self.desk),
            caller: self.caller.clone(),
            claim: format!("{}/{}", self.inner.parts.node, self.desk.number()),
            turns_max,
            history,
            sink: Arc::new(self.wire()),
        };
        // It gives back what it has, whatever becomes of this stream.
        let mut holding = self.inner.tasks.spawn(holder.run(token.clone()));
        let ended = tokio::select! {
            ended = self.listen(messages) => ended,
            // Nobody reads.
            _ = &mut holding => None,
            () = self.answers.closed() => None,
            () = self.expires() => Some(self.expired()),
            () = self.inner.parts.ending.cancelled() => Some(self.stopping()),
        };
        token.cancel();
        if !holding.is_finished()
            && let Err(error) = holding.await
        {
            tracing::error!(panicked = error.is_panic(), "a stream's turns were not given back");
        }
        ended
    }

    /// Carries out what the bot says, in order for each conversation.
    async fn listen(&self, mut messages: Streaming<pb::ConverseRequest>) -> Option<Status> {
        let mut lanes = JoinSet::new();
        let queues: Vec<mpsc::Sender<pb::ActRequest>> = (0..LANES)
            .map(|_lane| {
                let (queue, actions) = mpsc::channel(LANE_MAX);
                let (inner, caller) = (Arc::clone(&self.inner), self.caller.clone());
                lanes.spawn(lane(inner, caller, self.language.clone(), actions, self.wire()));
                queue
            })
            .collect();
        let ended = loop {
            match messages.message().await {
                Ok(Some(pb::ConverseRequest { message: Some(Says::Act(action)) })) => {
                    let mut hasher = DefaultHasher::new();
                    action.conversation_id.hash(&mut hasher);
                    let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0);
                    if queues[lane].send(action).await.is_err() {
                        break None;
                    }
                }
                Ok(Some(pb::ConverseRequest { message: Some(Says::Hello(_)) })) => {
                    break Some(refuse_field(&self.language, "hello", "field-hello-twice", 1));
                }
                Ok(Some(pb::ConverseRequest { message: None })) => {
                    break Some(refuse_field(&self.language, "message", "field-required", 1));
                }
                // It has nothing more to say, or it is gone; or it said something that is too large.
                Ok(None) => break None,
                Err(status) => break Some(status),
            }
        };
        // What it said before is carried out.
        drop(queues);
        while lanes.join_next().await.is_some() {}
        ended
    }

    async fn tell(&self, told: Told) -> Result<(), Gone> {
        self.wire().tell(told).await
    }

    fn wire(&self) -> Wire {
        Wire { answers: self.answers.clone(), within: self.inner.parts.options.read_within }
    }

    /// Ends when the credential does.
    async fn expires(&self) {
        match self.valid_until {
            Some(until) => sleep(until.since((self.inner.parts.clock)())).await,
            None => std::future::pending().await,
        }
    }

    fn expired(&self) -> Status {
        let position = self.inner.parts.view.position();
        refuse(&self.language, Problem::new(ErrorCode::TokenExpired).about("position", position))
    }

    fn stopping(&self) -> Status {
        refuse(&self.language, Problem::new(ErrorCode::LogUnavailable).retry_after(Duration::from_secs(1)))
    }
}

/// Actions of the same conversations, one after the other.
async fn lane(
    inner: Arc<Inner>,
    caller: Caller,
    language: String,
    mut actions: mpsc::Receiver<pb::ActRequest>,
    wire: Wire,
) {
    while let Some(action) = actions.recv().await {
        let command_id = action.command_id.clone();
        let answer = act(&inner, &caller, &language, action).await;
        let answer = answer.unwrap_or_else(|status| refusal(command_id, &status));
        if wire.tell(Told::Result(answer)).await.is_err() {
            return;
        }
    }
}

/// Where a stream's answers go.
struct Wire {
    answers: Answers,
    within: Duration,
}

impl Wire {
    async fn tell(&self, told: Told) -> Result<(), Gone> {
        let answer = pb::ConverseResponse { message: Some(told) };
        match timeout(self.within, self.answers.send(Ok(answer))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

#[async_trait]
impl Sink for Wire {
    async fn give(&self, turn: pb::Turn) -> Result<(), Gone> {
        self.tell(Told::Turn(turn)).await
    }

    async fn over(&self, over: pb::TurnOver) -> Result<(), Gone> {
        self.tell(Told::Over(over)).await
    }
}
