//! What a bot does in a turn: one path for streams, single calls, webhooks and rules.
//!
//! Everything ends at the same commands as through the other doors; what is refused is refused there.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use relevo_command::grpc::{Did, InTurn, refuse, refuse_field};
use relevo_command::send::BotMark;
use relevo_domain::conversation::TurnEnd;
use relevo_domain::{AgentId, Caller, ErrorCode, TenantId};
use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use tokio::time::Instant;
use tonic::Status;

use crate::dispatch::{Bots, Inner};

/// Actions of one bot on one node: at once, and then so many a second. Below what a node's log takes, so that others have room.
const OF_A_BOT: Pace = Pace { burst: 256, a_second: 100 };
/// Actions in one conversation: more than any customer reads.
const OF_A_CONVERSATION: Pace = Pace { burst: 20, a_second: 4 };
/// Conversations and bots whose pace is remembered; a forgotten one begins anew.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(8_192).unwrap();
/// What LIMIT_REACHED calls these limits.
const ACTIONS: &str = "actions";

/// How often something may happen.
#[derive(Clone, Copy, Debug)]
struct Pace {
    burst: u32,
    a_second: u32,
}

/// How much of a pace is left.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Whose pace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Bot(TenantId, AgentId),
    Conversation(TenantId, AgentId, String),
}

/// How fast the bots of a node are.
#[derive(Debug)]
pub(crate) struct Paces(Mutex<LruCache<Whose, Bucket>>);

impl Bots {
    /// Does something in a turn, for a bot. `language` is an `accept-language`.
    pub async fn act(
        &self,
        caller: &Caller,
        language: &str,
        request: pb::ActRequest,
    ) -> Result<pb::ActResponse, Status> {
        act(&self.inner, caller, language, request).await
    }
}

pub(crate) async fn act(
    inner: &Arc<Inner>,
    caller: &Caller,
    language: &str,
    request: pb::ActRequest,
) -> Result<pb::ActResponse, Status> {
    let pb::ActRequest { command_id, conversation_id, turn, action } = request;
    if let Err(wait) = inner.paces.goes(caller, &conversation_id, Instant::now()) {
        let problem = Problem::new(ErrorCode::LimitReached).about("what", ACTIONS).about("limit", wait.limit);
        return Err(refuse(language, problem.retry_after(wait.pause)));
    }
    let Some(action) = action else { return Err(refuse_field(language, "action", "field-required", 1)) };
    let (caller, language) = (caller.clone(), language.to_owned());
    let said = InTurn { caller, language, command_id: command_id.clone(), conversation_id, turn };
    let commands = &inner.parts.commands;
    let did = match action {
        Action::Reply(pb::Reply { message, more }) => commands.reply(&said, message, more).await,
        Action::Typing(pb::Typing {}) => commands.mark(&said, BotMark::Typing).await,
        Action::MarkRead(pb::MarkRead {}) => commands.mark(&said, BotMark::Read).await,
        Action::Handoff(pb::Handoff { note }) => commands.hand_off(&said, &note).await,
        Action::Done(pb::Done {}) => commands.end(&said, TurnEnd::Done).await,
        Action::Failed(pb::Failed {}) => commands.end(&said, TurnEnd::Failed).await,
    };
    let Did { position, message, goes_on } = did?;
    Ok(pb::ActResponse {
        command_id,
        position: position.to_string(),
        message_id: message.map(|id| id.to_string()).unwrap_or_default(),
        turn_goes_on: goes_on,
        refusal: None,
    })
}

/// A refusal as a stream tells it.
pub(crate) fn refusal(command_id: String, status: &Status) -> pb::ActResponse {
    let refusal = match Problem::from_status(status) {
        Some(problem) => pb::Refusal {
            code: problem.code.as_str().to_owned(),
            message: problem.text().to_owned(),
            retryable: problem.code.retryable() || problem.retry_after.is_some(),
            paused: (problem.code == ErrorCode::BotPaused).then(|| paused(&problem)),
        },
        None => pb::Refusal { code: ErrorCode::Internal.as_str().to_owned(), ..pb::Refusal::default() },
    };
    pb::ActResponse { command_id, refusal: Some(refusal), ..pb::ActResponse::default() }
}

fn paused(problem: &Problem) -> pb::PausedBy {
    let subject = |key| problem.subject(key).unwrap_or_default().to_owned();
    pb::PausedBy { reason: subject("reason"), by: subject("by"), since: subject("since").parse().ok() }
}

/// It is too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    limit: u32,
    pause: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED_MAX)))
    }
}

impl Paces {
    /// One more action.
    fn goes(&self, caller: &Caller, conversation: &str, now: Instant) -> Result<(), Wait> {
        let (tenant, bot) = (caller.tenant.clone(), caller.name.clone());
        // What is no id is as good as any other that is none; nobody makes this memory large with long ones.
        let conversation = conversation.chars().take(64).collect();
        let whose = Whose::Conversation(tenant.clone(), bot.clone(), conversation);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, pace) in [(whose, OF_A_CONVERSATION), (Whose::Bot(tenant, bot), OF_A_BOT)] {
            let full = Bucket { left: f64::from(pace.burst), at: now };
            let bucket = buckets.get_or_insert_mut(whose, || full);
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            bucket.left = f64::from(pace.a_second).mul_add(since, bucket.left).min(f64::from(pace.burst));
            bucket.at = now;
            if bucket.left < 1.0 {
                let pause = Duration::from_secs_f64((1.0 - bucket.left) / f64::from(pace.a_second));
                return Err(Wait { limit: pace.burst, pause });
            }
            bucket.left -= 1.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{Role, Scope};

    use super::*;

    fn caller(name: &str) -> Caller {
        let (tenant, name) = (TenantId::new("demo").unwrap(), AgentId::new(name).unwrap());
        Caller { tenant, role: Role::Bot, name, scope: Scope::Tenant }
    }

    #[test]
    fn a_bot_that_floods_a_conversation_is_held_up_there_and_nowhere_else() {
        let (paces, now) = (Paces::default(), Instant::now());
        let allowed =
            |who: &str, talk: &str, now| (0..1_000).filter(|_| paces.goes(&caller(who), talk, now).is_ok()).count();
        assert_eq!(allowed("helper", "a", now), 20);
        assert_eq!(allowed("helper", "b", now), 20);
        assert_eq!(allowed("other", "a", now), 20);
        assert_eq!(allowed("helper", "a", now + Duration::from_secs(2)), 8);
    }

    #[test]
    fn a_bot_that_floods_is_held_up_everywhere_and_others_are_not() {
        let (paces, now) = (Paces::default(), Instant::now());
        let flood = (0..1_000).filter(|n| paces.goes(&caller("helper"), &n.to_string(), now).is_ok()).count();
        assert_eq!(flood, 256);
        assert_eq!(paces.goes(&caller("other"), "a", now), Ok(()));
        let wait = paces.goes(&caller("helper"), "new", now).unwrap_err();
        assert_eq!(wait, Wait { limit: 256, pause: Duration::from_millis(10) });
    }
}
