//! One conversation of a bulk: decided like anybody's command to it, under an id that the bulk derives.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::bulk::{Changed, Job, OneResult, Outcome, What};
use relevo_domain::conversation::{self, Command, ConversationEvent, Decision, Envelope, PauseWish, Rejection};
use relevo_domain::{Caller, Clock, CommandId, EntityId, Event, MessageId, Recorded};
use tokio::time::Instant;

use crate::conversation::{opened_of, sees, state_of};
use crate::decision::Entity;
use crate::execute::ExecuteError;
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, Origin};

/// How long a conversation is decided anew when others write to it at the same time; then its result is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bulk, as far as each of its conversations needs it.
pub(super) struct Ones {
    pub(super) ledger: Arc<Ledger>,
    pub(super) key: IdKey,
    pub(super) clock: Clock,
    pub(super) bulk: EntityId,
    pub(super) job: Job,
    pub(super) caller: Caller,
}

/// What the rules say of one conversation.
enum Said {
    Append(Vec<ConversationEvent>),
    Nothing(Outcome),
    Changed(Changed),
}

impl Ones {
    /// Does it, or finds it done. An error is the log's or this node's: nothing is known of the conversation then.
    pub(super) async fn one(&self, conversation: EntityId) -> Result<OneResult, ExecuteError> {
        let tenant = &self.caller.tenant;
        let id = self.key.command_of_bulk(&self.bulk, &conversation);
        let result = |outcome, version| OneResult { conversation, outcome, version, changed: None };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // First the state, then the look-up: what the state knows of this very command, the look-up finds.
            let base = self.ledger.load(tenant, &conversation)?;
            if let Some(applied) = self.ledger.command(tenant, &id, &conversation)? {
                return Ok(result(self.done(), applied.version));
            }
            let events = match self.decide(&base, conversation).await? {
                Said::Append(events) => events,
                Said::Nothing(outcome) if self.ledger.confirm(tenant, &conversation, &base).await? => {
                    return Ok(result(outcome, 0));
                }
                Said::Changed(changed) if self.ledger.confirm(tenant, &conversation, &base).await? => {
                    return Ok(OneResult { changed: Some(changed), ..result(Outcome::ChangedSince, 0) });
                }
                Said::Nothing(_) | Said::Changed(_) => continue,
            };
            let events = events.into_iter().map(Event::Conversation).collect();
            let draft = Draft { entity: conversation, base, events };
            match self.ledger.append(&self.origin(id.clone()), vec![draft]).await? {
                Committed::Applied { at, fresh: true } => {
                    return Ok(result(self.done(), at.first().map_or(0, |(_, version)| *version)));
                }
                // An earlier try had been stored; the next look finds it.
                Committed::Applied { fresh: false, .. } => {
                    let known = self.ledger.load(tenant, &conversation)?;
                    self.ledger.confirm(tenant, &conversation, &known).await?;
                }
                Committed::Conflict => {}
                Committed::Unknown => return Err(ExecuteError::Unknown),
            }
        }
        Ok(result(Outcome::Error, 0))
    }

    const fn done(&self) -> Outcome {
        match self.job.what {
            What::Pause { .. } => Outcome::Paused,
            What::Resume { .. } | What::Undo { .. } => Outcome::Resumed,
        }
    }

    async fn decide(&self, base: &Entity, conversation: EntityId) -> Result<Said, ExecuteError> {
        let note = self.job.personal.text.clone();
        let command = match self.job.what {
            What::Pause { reason, terms } => Command::PauseBot(PauseWish { reason, note, terms }),
            What::Resume { catch_up } => Command::ResumeBot { catch_up, note, farewell: None },
            What::Undo { of, catch_up } => {
                // What they may not see any more, they are not told of.
                if opened_of(base).is_some_and(|opened| sees(&self.caller, opened)) {
                    match self.since(of, conversation).await? {
                        Since::Same => {}
                        Since::Changed(changed) => return Ok(Said::Changed(changed)),
                        Since::NotFound => return Ok(Said::Nothing(Outcome::Error)),
                    }
                }
                Command::ResumeBot { catch_up, note, farewell: None }
            }
        };
        Ok(self.plain(base, &command))
    }

    fn plain(&self, base: &Entity, command: &Command) -> Said {
        if opened_of(base).is_none_or(|opened| !sees(&self.caller, opened)) {
            return Said::Nothing(Outcome::Forbidden);
        }
        let envelope = Envelope {
            actor: self.caller.actor(),
            role: Some(self.caller.role),
            now: (self.clock)(),
            new_message: MessageId::new([0; 16]),
        };
        match conversation::decide(&state_of(base), &envelope, command) {
            Ok(Decision::Append(events)) => Said::Append(events),
            Ok(Decision::AlreadySo) => Said::Nothing(Outcome::Already),
            Err(Rejection::NotFound | Rejection::Forbidden { .. } | Rejection::PauseLocked { .. }) => {
                Said::Nothing(Outcome::Forbidden)
            }
            Err(_other) => Said::Nothing(Outcome::Error),
        }
    }

    /// Whether the pause that a bulk set is still that one, by what the leader has. Whoever changes it afterwards makes the append
    /// conflict.
    async fn since(&self, of: EntityId, conversation: EntityId) -> Result<Since, ExecuteError> {
        let (tenant, id) = (&self.caller.tenant, self.key.command_of_bulk(&of, &conversation));
        let Some(applied) = self.ledger.command(tenant, &id, &conversation)? else { return Ok(Since::NotFound) };
        let later = self.ledger.since(tenant, &conversation, applied.sequence).await?;
        Ok(later.iter().find(|recorded| touches_pause(recorded)).map_or(Since::Same, |recorded| {
            Since::Changed(Changed { by: recorded.commit.actor.clone(), at: recorded.commit.occurred_at })
        }))
    }

    fn origin(&self, command_id: CommandId) -> Origin {
        let now = (self.clock)();
        Origin {
            tenant: self.caller.tenant.clone(),
            command_id,
            actor: self.caller.actor(),
            occurred_at: now,
            recorded_at: now,
            correlation: Some(self.bulk.to_string()),
            intake: None,
        }
    }
}

/// What became of a pause since a bulk set it.
enum Since {
    Same,
    Changed(Changed),
    /// This node does not know the command yet; who is confirmed to be up to date and does not either, never will.
    NotFound,
}

/// Whether a commit ended a pause, or put it on other terms.
fn touches_pause(recorded: &Recorded) -> bool {
    recorded.commit.events.iter().any(|event| {
        matches!(
            event,
            Event::Conversation(
                ConversationEvent::BotResumed { .. }
                    | ConversationEvent::BotPaused { .. }
                    | ConversationEvent::PauseChanged { .. }
            )
        )
    })
}
