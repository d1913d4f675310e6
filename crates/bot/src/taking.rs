//! Bots inside of the broker: each of them holds turns like a stream does, and its answers are actions like any other's.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::conversation::TurnEnd;
use relevo_domain::{Caller, EntityId, EntityKind, ErrorCode};
use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::time::from_wire;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::act::act;
use crate::dispatch::{Bots, Gone, Holder, Inner, Sink};
use crate::taker::{Ready, Taker};

/// Turns that one bot inside of the broker works on at the same time: a webhook makes as many calls.
const TURNS_MAX: usize = 32;

/// Gives turns to a taker.
struct Hand {
    inner: Arc<Inner>,
    caller: Caller,
    language: String,
    taker: Arc<dyn Taker>,
}

impl Bots {
    /// Lets a taker work as this bot until it is told to end. `language` is that of what it is told of refusals.
    pub async fn take(&self, caller: Caller, language: &str, taker: Arc<dyn Taker>, token: CancellationToken) {
        let inner = Arc::clone(&self.inner);
        let desk = inner.desk(&caller);
        let claim = format!("{}/{}", inner.parts.node, desk.number());
        let history = usize::try_from(taker.history()).unwrap_or(usize::MAX);
        let (language, of) = (language.to_owned(), caller.clone());
        let sink = Arc::new(Hand { inner: Arc::clone(&inner), caller: of, language, taker });
        let (turns_max, history) = (TURNS_MAX, history.min(crate::HISTORY_MAX as usize));
        let tasks = inner.tasks.clone();
        let holder = Holder { inner, desk, caller, claim, turns_max, history, sink };
        // It gives back what it has, whoever stops waiting here.
        if let Err(error) = tasks.spawn(holder.run(token)).await {
            tracing::error!(panicked = error.is_panic(), "a bot ended unexpectedly");
        }
    }
}

#[async_trait]
impl Sink for Hand {
    async fn give(&self, turn: pb::Turn) -> Result<(), Gone> {
        let (inner, caller, language) = (Arc::clone(&self.inner), self.caller.clone(), self.language.clone());
        let taker = Arc::clone(&self.taker);
        self.inner.tasks.spawn(async move { take(&inner, &caller, &language, taker.as_ref(), &turn).await });
        Ok(())
    }

    async fn over(&self, _over: pb::TurnOver) -> Result<(), Gone> {
        // What it still says is refused.
        Ok(())
    }

    fn ready(&self) -> Ready {
        self.taker.ready()
    }
}

/// One turn: the taker's actions in order. A turn that none of them ends, ends with the last one; one without any stays open.
async fn take(inner: &Arc<Inner>, caller: &Caller, language: &str, taker: &dyn Taker, turn: &pb::Turn) {
    let Ok(conversation) = EntityId::parse(EntityKind::Conversation, &turn.conversation_id) else { return };
    let bot = &caller.name;
    let how = match taker.take(turn).await {
        Ok(actions) if actions.is_empty() => return,
        Ok(actions) => match carry_out(inner, caller, language, turn, actions).await {
            Some(how) => how,
            None => return,
        },
        Err(error) => {
            tracing::warn!(tenant = %caller.tenant, %bot, %conversation, %error, "a bot did not take its turn");
            TurnEnd::Failed
        }
    };
    if !inner.parts.commands.runs(caller, conversation, turn.turn) {
        return;
    }
    if let Err(error) = inner.parts.commands.close(caller, conversation, turn.turn, how).await {
        tracing::warn!(tenant = %caller.tenant, %bot, %conversation, %error, "a turn was not ended: its time will do it");
    }
}

/// How the turn is to end, if it has not ended.
async fn carry_out(
    inner: &Arc<Inner>,
    caller: &Caller,
    language: &str,
    turn: &pb::Turn,
    actions: Vec<pb::ActRequest>,
) -> Option<TurnEnd> {
    for action in actions {
        let shows = matches!(action.action, Some(Action::Typing(_) | Action::MarkRead(_)));
        let Err(status) = patiently(inner, caller, language, turn, action).await else { continue };
        let problem = Problem::from_status(&status);
        let code = problem.as_ref().map(|problem| problem.code);
        // Somebody was faster: a person, a pause, or another holder.
        if matches!(code, Some(ErrorCode::BotPaused | ErrorCode::TurnEnded | ErrorCode::ConversationNotFound)) {
            return None;
        }
        // A channel that shows no signs is no reason to leave the customer without an answer.
        if shows {
            continue;
        }
        let code = code.map_or("INTERNAL", |code| code.as_str());
        // Said once: it is given again.
        if turn.attempt == 1 {
            tracing::warn!(tenant = %caller.tenant, bot = %caller.name, code, "what a bot wants to do was refused");
        }
        // What is refused for good is so the fifth time as well: people answer now, and not minutes later.
        let again = problem.is_none_or(|problem| {
            problem.code == ErrorCode::Internal || problem.code.retryable() || problem.retry_after.is_some()
        });
        return Some(if again { TurnEnd::Failed } else { TurnEnd::GivenUp });
    }
    Some(TurnEnd::Done)
}

/// One action. What is too fast for a limit of ours is done when there is room again, as long as the turn lasts: else a busy hour
/// would use up the attempts of turns that nothing is wrong with.
async fn patiently(
    inner: &Arc<Inner>,
    caller: &Caller,
    language: &str,
    turn: &pb::Turn,
    action: pb::ActRequest,
) -> Result<pb::ActResponse, Status> {
    loop {
        let done = act(inner, caller, language, action.clone()).await;
        let Err(status) = &done else { return done };
        let problem = Problem::from_status(status).filter(|problem| problem.code == ErrorCode::LimitReached);
        let Some(pause) = problem.and_then(|problem| problem.retry_after) else { return done };
        let over = turn.until.is_none_or(|until| from_wire(until) <= (inner.parts.clock)() + pause);
        if over {
            return done;
        }
        tokio::time::sleep(pause).await;
    }
}
