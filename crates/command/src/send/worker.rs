//! What the sender and the media worker record: Relevo's own commands to conversations.
//!
//! Each has a command id that is derived from what it says, so that one whose answer got lost can be recorded again.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::{
    self, Command, ConversationEvent, Decision, Envelope, FetchOutcome, Rejection, SendFailure, StoredFile,
};
use relevo_domain::{Actor, ChannelId, CommandId, EntityId, Event, MessageId, TenantId, Timestamp};
use tokio::time::Instant;

use super::ports::Keys;
use crate::conversation::{opened_of, state_of};
use crate::execute::ExecuteError;
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};

/// How long a record is decided anew when others write to its conversation at the same time: a storm of reports ends before.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is recorded of media, in derived command ids: never changed.
const MEDIUM: &str = "medium";

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The message is this claim's, for this attempt, which must begin before `until`: the time that is stored, which an earlier
    /// try has asked for if its answer got lost.
    Yes { attempt: u32, until: Timestamp },
    /// It is not, or not now: it is somebody else's, another message's turn, cancelled, or silenced.
    Lost,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendRef {
    pub tenant: TenantId,
    pub conversation: EntityId,
    pub message: MessageId,
}

/// A medium of a message, as it was to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumTurn {
    /// Which attachment of the message, from 0.
    pub index: u32,
    /// Which medium stood there: `relevo_domain::conversation::medium_mark`.
    pub mark: Option<u64>,
    /// Position of the commit that brought it: the message, or an edit of it. What comes of each is recorded once.
    pub sequence: u64,
}

impl MediumTurn {
    /// Names what is recorded of it.
    fn name(self) -> String {
        format!("{}-{}", self.index, self.sequence)
    }
}

/// Records what becomes of messages.
#[derive(Clone)]
pub struct Sends {
    ledger: Arc<Ledger>,
    keys: Keys,
}

/// What a record came to.
enum Recorded {
    /// It is stored, now or before; what was stored under its id.
    Stored(Vec<ConversationEvent>),
    /// There was nothing to store.
    AlreadySo,
    Rejected(Rejection),
}

impl Sends {
    pub const fn new(ledger: Arc<Ledger>, keys: Keys) -> Self {
        Self { ledger, keys }
    }

    /// Takes the message for one attempt. Only whoever is answered `Yes` may hand it over, and must begin before the time of the
    /// answer. A claim whose answer was an error may be asked for again under the same name, with a time of its own.
    pub async fn claim(
        &self,
        of: &SendRef,
        claim: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Claimed, ExecuteError> {
        let command = Command::ClaimSend { message: of.message, claim: claim.to_owned(), until };
        match self.record(of, "claim", claim, command, now).await? {
            Recorded::Stored(events) => {
                let started = events.into_iter().find_map(|event| {
                    let ConversationEvent::SendStarted { attempt, until, .. } = event else { return None };
                    Some(Claimed::Yes { attempt, until })
                });
                Ok(started.unwrap_or(Claimed::Lost))
            }
            Recorded::AlreadySo | Recorded::Rejected(_) => Ok(Claimed::Lost),
        }
    }

    /// The provider took it under this id.
    pub async fn accepted(
        &self,
        of: &SendRef,
        attempt: u32,
        channel: &ChannelId,
        provider_id: &str,
        now: Timestamp,
    ) -> Result<(), ExecuteError> {
        let alias = self.key(&of.tenant)?.message(channel, provider_id);
        let provider_id = provider_id.to_owned();
        let command = Command::RecordAccepted { message: of.message, attempt, alias, provider_id };
        self.stored(of, "accepted", &attempt.to_string(), command, now).await
    }

    /// The attempt failed; with `retry_at` the message goes back to the queue.
    pub async fn failed(
        &self,
        of: &SendRef,
        attempt: u32,
        failure: SendFailure,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ExecuteError> {
        let command = Command::RecordSendFailed { message: of.message, attempt, failure, retry_at };
        self.stored(of, "failed", &attempt.to_string(), command, now).await
    }

    /// Nobody knows what became of the attempt.
    pub async fn unknown(&self, of: &SendRef, attempt: u32, now: Timestamp) -> Result<(), ExecuteError> {
        let command = Command::RecordSendUnknown { message: of.message, attempt };
        self.stored(of, "unknown", &attempt.to_string(), command, now).await
    }

    /// The message waited for too long, or cannot be sent at all. Nothing happens to one that is being handed over.
    pub async fn give_up(&self, of: &SendRef, failure: SendFailure, now: Timestamp) -> Result<(), ExecuteError> {
        self.stored(of, "give-up", "", Command::GiveUpSend { message: of.message, failure }, now).await
    }

    /// What became of a medium of a customer's message.
    pub async fn medium(
        &self,
        of: &SendRef,
        medium: MediumTurn,
        outcome: FetchOutcome,
        now: Timestamp,
    ) -> Result<(), ExecuteError> {
        let MediumTurn { index, mark, sequence: _ } = medium;
        let command = Command::RecordMedium { message: of.message, index, medium: mark, outcome };
        self.stored(of, MEDIUM, &medium.name(), command, now).await
    }

    /// What was stored of the very medium that an edit brings again, when it came with the message: a new caption is no new file.
    pub async fn stored_before(&self, of: &SendRef, medium: MediumTurn) -> Result<Option<StoredFile>, ExecuteError> {
        let Some((conversation, sequence)) = self.ledger.message(&of.tenant, of.message)? else { return Ok(None) };
        if conversation != of.conversation || sequence >= medium.sequence || medium.mark.is_none() {
            return Ok(None);
        }
        let first = MediumTurn { sequence, ..medium };
        let id = self.key(&of.tenant)?.command_of_send(of.message, MEDIUM, &first.name());
        let stored = |event| {
            let ConversationEvent::MediumFetched { message, index, medium: mark, outcome } = event else { return None };
            let same = message == of.message && index == medium.index && mark == medium.mark;
            if let (true, FetchOutcome::Stored(file)) = (same, outcome) { Some(file) } else { None }
        };
        Ok(self.earlier(of, &id).await?.into_iter().flatten().find_map(stored))
    }

    /// A record whose rejection means that the conversation has moved on.
    async fn stored(
        &self,
        of: &SendRef,
        what: &str,
        turn: &str,
        command: Command,
        now: Timestamp,
    ) -> Result<(), ExecuteError> {
        match self.record(of, what, turn, command, now).await? {
            Recorded::Stored(_) | Recorded::AlreadySo | Recorded::Rejected(Rejection::AlreadyHandedOver) => Ok(()),
            Recorded::Rejected(rejection) => Err(rejection.into()),
        }
    }

    async fn record(
        &self,
        of: &SendRef,
        what: &str,
        turn: &str,
        command: Command,
        now: Timestamp,
    ) -> Result<Recorded, ExecuteError> {
        let id = self.key(&of.tenant)?.command_of_send(of.message, what, turn);
        let envelope = Envelope { actor: Actor::System, role: None, now, new_message: MessageId::new([0; 16]) };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // First the state, then the look-up: what the state knows of this very command, the look-up finds.
            let base = self.ledger.load(&of.tenant, &of.conversation)?;
            if let Some(events) = self.earlier(of, &id).await? {
                return Ok(Recorded::Stored(events));
            }
            let events = match conversation::decide(&state_of(&base), &envelope, &command) {
                Ok(Decision::Append(events)) => events,
                Ok(Decision::AlreadySo) if self.confirmed(of, &base).await? => return Ok(Recorded::AlreadySo),
                Err(rejection) if self.confirmed(of, &base).await? => return Ok(Recorded::Rejected(rejection)),
                Ok(Decision::AlreadySo) | Err(_) => continue,
            };
            let drafted = events.iter().cloned().map(Event::Conversation).collect();
            let draft = Draft { entity: of.conversation, base, events: drafted };
            match self.ledger.append(&origin(of, &id, now), vec![draft]).await? {
                Committed::Applied { fresh: true, .. } => return Ok(Recorded::Stored(events)),
                // An earlier try was stored: the conversation's tail says what it was.
                Committed::Applied { fresh: false, .. } => {
                    let known = self.ledger.load(&of.tenant, &of.conversation)?;
                    self.ledger.confirm(&of.tenant, &of.conversation, &known).await?;
                }
                Committed::Conflict => {}
                Committed::Unknown => return Err(ExecuteError::Unknown),
            }
        }
        Err(ExecuteError::Contention)
    }

    async fn confirmed(&self, of: &SendRef, base: &crate::decision::Entity) -> Result<bool, LedgerError> {
        self.ledger.confirm(&of.tenant, &of.conversation, base).await
    }

    /// What was stored under this command id, if it was.
    async fn earlier(&self, of: &SendRef, id: &CommandId) -> Result<Option<Vec<ConversationEvent>>, LedgerError> {
        let Some(applied) = self.ledger.command(&of.tenant, id, &of.conversation)? else { return Ok(None) };
        let stored = self.ledger.recorded(relevo_domain::Position::new(applied.sequence)).await?;
        let events = stored.into_iter().flat_map(|stored| stored.commit.events);
        Ok(Some(
            events
                .filter_map(|event| if let Event::Conversation(event) = event { Some(event) } else { None })
                .collect(),
        ))
    }

    fn key(&self, tenant: &TenantId) -> Result<&IdKey, ExecuteError> {
        self.keys.get(tenant).ok_or_else(|| LedgerError::Store(format!("no id key for tenant {tenant}")).into())
    }

    /// The channel of a conversation, if there is such a conversation.
    pub fn channel_of(&self, tenant: &TenantId, conversation: &EntityId) -> Result<Option<ChannelId>, LedgerError> {
        let entity = self.ledger.load(tenant, conversation)?;
        Ok(opened_of(&entity).map(|opened| opened.channel.clone()))
    }
}

fn origin(of: &SendRef, id: &CommandId, now: Timestamp) -> Origin {
    Origin {
        tenant: of.tenant.clone(),
        command_id: id.clone(),
        actor: Actor::System,
        occurred_at: now,
        recorded_at: now,
        correlation: None,
        intake: None,
    }
}
