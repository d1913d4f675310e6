//! One command to one conversation: find an earlier answer, decide, append, and say what became of it.

use std::sync::Arc;

use relevo_domain::conversation::{self, Command, Decision, Envelope, Opened, Rejection};
use relevo_domain::{Caller, CommandId, EntityId, Event, MessageId, Position, TenantId, Timestamp};

use crate::decision::{Applied, Entity, EntityState};
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};
use crate::repeat;

/// How often a command is decided anew when others write to its conversation at the same time. Each round lost means that
/// somebody else's command was stored, so a conversation that never stops changing is the only way to reach the limit.
const ATTEMPTS_MAX: u32 = 32;

/// A command of a client.
#[derive(Clone, Debug)]
pub struct Request {
    pub caller: Caller,
    pub command_id: CommandId,
    pub conversation: EntityId,
    pub command: Command,
    pub now: Timestamp,
    pub new_message: MessageId,
}

/// What a client's command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Everything that the command did is visible at this position.
    pub position: Position,
    /// Version of the conversation that the answer speaks of.
    pub version: u64,
    /// Nothing was written: the conversation was like that already.
    pub already_so: bool,
    /// The same command id was applied before; nothing was written now.
    pub repeated: bool,
    /// The conversation as it is now.
    pub now: Opened,
}

/// Why a client's command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    #[error("command was rejected: {0:?}")]
    Rejected(Rejection),
    /// The command id belongs to another command on this conversation.
    #[error("command id was used for a command that led to {event}")]
    CommandIdReused { event: String },
    /// Others wrote to the conversation each time; nothing of this command is stored.
    #[error("conversation changed {ATTEMPTS_MAX} times while the command was decided")]
    Contention,
    /// The command may or may not be stored.
    #[error("log did not say whether the command is stored")]
    Unknown,
    #[error("ledger failed")]
    Ledger(#[from] LedgerError),
}

/// Executes clients' commands.
#[derive(Clone)]
pub struct Conversations {
    ledger: Arc<Ledger>,
}

impl Conversations {
    pub const fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }

    pub async fn execute(&self, request: &Request) -> Result<Answer, ExecuteError> {
        let tenant = &request.caller.tenant;
        for _attempt in 0..ATTEMPTS_MAX {
            let base = self.ledger.load(tenant, &request.conversation)?;
            let EntityState::Conversation(state) = &base.state else {
                return Err(ExecuteError::Rejected(Rejection::NotFound));
            };
            if let Some(applied) = self.ledger.command(tenant, &request.command_id, &request.conversation)? {
                return self.repeated(request, state, &base, &applied).await;
            }
            match decide(request, state) {
                Ok(Decision::Append(events)) => match self.append(request, &base, events).await? {
                    Committed::Applied { at, fresh: true } => return self.applied(request, at.first().copied()),
                    // An earlier attempt had been stored. Reading the entity's tail brings that commit into memory, and the
                    // next round answers from it.
                    Committed::Applied { fresh: false, .. } => {
                        self.ledger.confirm(tenant, &request.conversation, &base).await?;
                    }
                    Committed::Conflict => {}
                    Committed::Unknown => return Err(ExecuteError::Unknown),
                },
                Ok(Decision::AlreadySo) => {
                    if self.ledger.confirm(tenant, &request.conversation, &base).await? {
                        return answer(&base, base.sequence, base.version)
                            .map(|answer| Answer { already_so: true, ..answer });
                    }
                }
                Err(rejection) => {
                    if self.ledger.confirm(tenant, &request.conversation, &base).await? {
                        return Err(ExecuteError::Rejected(rejection));
                    }
                }
            }
        }
        Err(ExecuteError::Contention)
    }

    async fn append(
        &self,
        request: &Request,
        base: &Entity,
        events: Vec<conversation::ConversationEvent>,
    ) -> Result<Committed, LedgerError> {
        let origin = origin(&request.caller.tenant, request);
        let events = events.into_iter().map(Event::Conversation).collect();
        let draft = Draft { entity: request.conversation, base: base.clone(), events };
        self.ledger.append(&origin, vec![draft]).await
    }

    /// The answer to a command that was applied before: where it was stored, with the state of now. Only who sent it, and only
    /// with the same command, gets it: an id that is used twice must not tell a second claimant that they won.
    async fn repeated(
        &self,
        request: &Request,
        state: &conversation::State,
        entity: &Entity,
        applied: &Applied,
    ) -> Result<Answer, ExecuteError> {
        if !visible(request, state) {
            return Err(ExecuteError::Rejected(Rejection::NotFound));
        }
        let stored = self.ledger.recorded(Position::new(applied.sequence)).await?;
        let same = stored.is_some_and(|stored| {
            stored.commit.actor == request.caller.actor() && repeat::led_to(&request.command, &stored.commit.events)
        });
        if !same {
            return Err(ExecuteError::CommandIdReused { event: applied.event.clone() });
        }
        answer(entity, applied.sequence, applied.version).map(|answer| Answer { repeated: true, ..answer })
    }

    fn applied(&self, request: &Request, at: Option<(Position, u64)>) -> Result<Answer, ExecuteError> {
        let (position, version) = at.ok_or(ExecuteError::Unknown)?;
        let entity = self.ledger.load(&request.caller.tenant, &request.conversation)?;
        answer(&entity, position.sequence(), version)
    }
}

fn origin(tenant: &TenantId, request: &Request) -> Origin {
    Origin {
        tenant: tenant.clone(),
        command_id: request.command_id.clone(),
        actor: request.caller.actor(),
        occurred_at: request.now,
        recorded_at: request.now,
        correlation: Some(request.command_id.to_string()),
        intake: None,
    }
}

/// What the caller may not see does not exist for them.
fn visible(request: &Request, state: &conversation::State) -> bool {
    let opened = state.opened.as_ref();
    opened.is_none_or(|opened| request.caller.sees(&opened.channel, opened.agent.as_ref(), opened.team.as_ref()))
}

fn decide(request: &Request, state: &conversation::State) -> Result<Decision, Rejection> {
    if !visible(request, state) {
        return Err(Rejection::NotFound);
    }
    let envelope = Envelope {
        actor: request.caller.actor(),
        role: Some(request.caller.role),
        now: request.now,
        new_message: request.new_message,
    };
    conversation::decide(state, &envelope, &request.command)
}

fn answer(entity: &Entity, sequence: u64, version: u64) -> Result<Answer, ExecuteError> {
    match &entity.state {
        EntityState::Conversation(conversation::State { opened: Some(now) }) => {
            let position = Position::new(sequence);
            Ok(Answer { position, version, already_so: false, repeated: false, now: now.clone() })
        }
        EntityState::Conversation(conversation::State { opened: None })
        | EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Channel
        | EntityState::Workspace(_) => Err(ExecuteError::Rejected(Rejection::NotFound)),
    }
}
