//! Entities as they are now, and the one way to add to them: load, decide elsewhere, append under compare-and-set.
//!
//! What this node has appended itself is ahead of its decision store for a moment. The ledger keeps that lead in memory, so
//! that the next command of the same entity does not conflict with its own predecessor. The lead is only a saving: the
//! compare-and-set on the log is what makes a decision right.

mod detection;
mod known;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use relevo_domain::detection::Policy;
use relevo_domain::{
    Actor, ChannelId, CommandId, Commit, CommitId, EntityId, Event, IntakePointer, MessageId, Position, Recorded,
    TenantId, Timestamp,
};
use relevo_eventlog::{Append, Log, LogError, Outcome};
use relevo_projection::{View, ViewError, ViewSnapshot, ViewState};
use tokio::time::{Instant, timeout_at};

use crate::decision::{Applied, BadRow, CONVERSATIONS_PAGE, DecisionReader, Entity};
use crate::end::End;
use crate::lead::Lead;
use known::{Known, Moment};

/// Entities kept in memory: a busy installation's open conversations, about 1 KiB each.
const ENTITIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// Tenants whose policy of the detection is kept in memory: a broker's, and room.
const POLICIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Commits of an entity that are read to answer one command: each is a round trip, so this is about a second.
pub const PAST_MAX: usize = 1_000;
/// How long the decision store may take to reach what this node has written, before a caller is told that it lags.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// Why a command could not be decided or stored. Nothing is known to be written unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("log failed")]
    Log(#[from] LogError),
    #[error("decision store failed: {0}")]
    Store(String),
    /// The decision store is starting, diverged from the log, or stopped.
    #[error("decision store cannot be read")]
    View(#[from] ViewError),
    #[error("decision store lags behind the log")]
    Lagging,
}

/// What is common to all commits of one command.
#[derive(Clone, Debug)]
pub struct Origin {
    pub tenant: TenantId,
    pub command_id: CommandId,
    pub actor: Actor,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub correlation: Option<String>,
    pub intake: Option<IntakePointer>,
}

/// Events for one entity, decided against `base`.
#[derive(Clone, Debug)]
pub struct Draft {
    pub entity: EntityId,
    pub base: Entity,
    pub events: Vec<Event>,
}

/// What became of drafts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Stored; one position and version a draft. `fresh` is false if an earlier attempt had stored them.
    Applied { at: Vec<(Position, u64)>, fresh: bool },
    /// An entity had moved on. Nothing is stored; load and decide again.
    Conflict,
    /// May or may not be stored. Only the same command id may be tried again.
    Unknown,
}

/// What is shown conversations one by one; breaking ends it.
pub type Look<'l> = &'l mut dyn FnMut(EntityId) -> Result<ControlFlow<()>, LedgerError>;

/// Conversations behind one of them, at most [`CONVERSATIONS_PAGE`].
type Page<'p> = &'p dyn Fn(&DecisionReader<'_>, Option<&EntityId>) -> Result<Vec<EntityId>, BadRow>;

/// Entities that are kept in memory.
type Entities = LruCache<(TenantId, EntityId), Known<Arc<Entity>>>;

/// A policy of the detection, after the sequence that set it.
type InForce = (u64, Arc<Policy>);

/// The ledger of a node.
pub struct Ledger {
    log: Arc<dyn Log>,
    decision: Arc<View>,
    cache: Mutex<Entities>,
    lead: Mutex<Lead>,
    /// What tenants want detected, with the sequence that set it: read for every message, and changed a few times a year.
    policies: Mutex<LruCache<TenantId, Known<InForce>>>,
    end: End,
}

impl Ledger {
    pub fn new(log: Arc<dyn Log>, decision: Arc<View>) -> Self {
        let cache = Mutex::new(LruCache::new(ENTITIES_CACHED_MAX));
        let policies = Mutex::new(LruCache::new(POLICIES_CACHED_MAX));
        Self { log, decision, cache, lead: Mutex::new(Lead::default()), policies, end: End::default() }
    }

    /// The entity as this node knows it; possibly behind the log, never ahead of it.
    pub fn load(&self, tenant: &TenantId, entity: &EntityId) -> Result<Entity, LedgerError> {
        self.shared(tenant, entity).map(Arc::unwrap_or_clone)
    }

    /// The same for who only looks at it: a conversation is some kilobytes, and looked at several times for every message.
    pub fn shared(&self, tenant: &TenantId, entity: &EntityId) -> Result<Arc<Entity>, LedgerError> {
        let snapshot = self.snapshot()?;
        let now = Moment::of(&snapshot);
        let key = (tenant.clone(), *entity);
        let known = self.cache().get(&key).cloned();
        // No row of the store is newer than its position.
        if let Some(known) = &known
            && (known.value.sequence >= now.position.sequence() || known.is_of(now) || known.is_final(now))
        {
            return Ok(Arc::clone(&known.value));
        }
        let since = known.as_ref().map_or(0, |known| known.value.sequence);
        let newer = look(&snapshot, |reader| reader.newer(tenant, entity, since))?.map(Arc::new);
        let value =
            newer.or_else(|| known.map(|known| known.value)).unwrap_or_else(|| Arc::new(Entity::absent(entity.kind())));
        let mut cache = self.cache();
        match cache.peek_mut(&key) {
            // Somebody has put a newer one there meanwhile.
            Some(cached) if cached.value.sequence > value.sequence => {}
            Some(cached) if cached.value.sequence == value.sequence => cached.seen = Some(now),
            Some(_) | None => {
                cache.put(key, Known { value: Arc::clone(&value), seen: Some(now) });
            }
        }
        Ok(value)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Entities> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the log has nothing newer of this entity. If it has, it is read, and the caller must decide again.
    pub async fn confirm(&self, tenant: &TenantId, entity: &EntityId, base: &Entity) -> Result<bool, LedgerError> {
        if self.log.last_of(tenant, entity).await? == base.sequence {
            return Ok(true);
        }
        let tail = self.log.tail(tenant, entity, base.sequence).await?;
        self.absorb(tenant, *entity, base.clone(), &tail);
        Ok(tail.is_empty())
    }

    /// The entity as it was at a position, read from the log: for what the present does not tell any more.
    pub async fn as_of(&self, tenant: &TenantId, entity: &EntityId, at: Position) -> Result<Entity, LedgerError> {
        let whole = self.log.tail(tenant, entity, 0).await?;
        let past = whole.iter().take_while(|recorded| recorded.sequence <= at.sequence());
        Ok(past.fold(Entity::absent(entity.kind()), Entity::evolve))
    }

    /// The same for whom it must not cost more than [`PAST_MAX`] commits; `None` if as many or more lead there.
    pub async fn short_past(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        at: Position,
    ) -> Result<Option<Entity>, LedgerError> {
        let wanted = |recorded: &Recorded| recorded.sequence <= at.sequence();
        let past = self.log.beginning(tenant, entity, PAST_MAX, &wanted).await?;
        Ok((past.len() < PAST_MAX).then(|| past.iter().fold(Entity::absent(entity.kind()), Entity::evolve)))
    }

    /// Where a command was applied to an entity, if this node knows.
    pub fn command(
        &self,
        tenant: &TenantId,
        id: &CommandId,
        entity: &EntityId,
    ) -> Result<Option<Applied>, LedgerError> {
        if let Some(applied) = self.lead().find(tenant, id).iter().find(|applied| applied.entity == *entity) {
            return Ok(Some(applied.clone()));
        }
        self.read(|reader| reader.command(tenant, id, entity))
    }

    /// Where a command was applied at all, if this node knows.
    pub fn commands(&self, tenant: &TenantId, id: &CommandId) -> Result<Vec<Applied>, LedgerError> {
        // First what is ahead: what the store reaches in between is then in the second answer.
        let mut all = self.lead().find(tenant, id).to_vec();
        for stored in self.read(|reader| reader.commands(tenant, id))? {
            if !all.iter().any(|known| known.entity == stored.entity) {
                all.push(stored);
            }
        }
        Ok(all)
    }

    /// The conversation that has this message (received, echoed or queued) and the sequence of its commit, if this node knows.
    pub fn message(&self, tenant: &TenantId, message: MessageId) -> Result<Option<(EntityId, u64)>, LedgerError> {
        if let Some(found) = self.lead().message(tenant, message) {
            return Ok(Some(found));
        }
        self.read(|reader| reader.message(tenant, message))
    }

    /// The conversation of a message of ours and the sequence of the commit with which a provider took it, if this node knows.
    pub fn accepted(&self, tenant: &TenantId, message: MessageId) -> Result<Option<(EntityId, u64)>, LedgerError> {
        if let Some(found) = self.lead().accepted(tenant, message) {
            return Ok(Some(found));
        }
        self.read(|reader| reader.accepted(tenant, message))
    }

    /// The conversation and message of ours that a provider's id names, by the id that it derives, if this node knows.
    pub fn sent(&self, tenant: &TenantId, alias: MessageId) -> Result<Option<(EntityId, MessageId)>, LedgerError> {
        if let Some(found) = self.lead().sent(tenant, alias) {
            return Ok(Some(found));
        }
        self.read(|reader| reader.sent(tenant, alias))
    }

    /// Shows every conversation of a contact to `look`, those included that the decision store does not hold yet, until it
    /// breaks. One that is just being opened may come twice.
    pub fn each_conversation_of(
        &self,
        tenant: &TenantId,
        contact: &EntityId,
        look: Look<'_>,
    ) -> Result<(), LedgerError> {
        let ahead = self.lead().opened_by(tenant, contact);
        self.each(ahead, &|reader, after| reader.conversations_of(tenant, contact, after), look)
    }

    /// Whether a contact has a conversation on this channel whose bot is paused, `except` aside.
    pub fn paused_on(
        &self,
        tenant: &TenantId,
        contact: &EntityId,
        channel: &ChannelId,
        except: Option<&EntityId>,
    ) -> Result<bool, LedgerError> {
        let mut paused = false;
        let ahead = self.lead().paused_of(tenant, contact);
        self.each(ahead, &|reader, after| reader.paused_on(tenant, contact, channel, after), &mut |conversation| {
            // The store may not know yet that one was resumed.
            paused = Some(&conversation) != except
                && self.load(tenant, &conversation)?.paused().is_some_and(|opened| opened.channel == *channel);
            Ok(if paused { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(paused)
    }

    /// The channels on which a contact has a conversation whose bot is paused.
    pub fn paused_channels(&self, tenant: &TenantId, contact: &EntityId) -> Result<BTreeSet<ChannelId>, LedgerError> {
        let mut candidates = BTreeSet::new();
        let ahead = self.lead().paused_of(tenant, contact);
        for conversation in ahead {
            candidates.extend(self.load(tenant, &conversation)?.paused().map(|opened| opened.channel.clone()));
        }
        candidates.extend(self.read(|reader| reader.paused_channels(tenant, contact))?);
        let mut paused = BTreeSet::new();
        for channel in candidates {
            if self.paused_on(tenant, contact, &channel, None)? {
                paused.insert(channel);
            }
        }
        Ok(paused)
    }

    /// What is ahead of the decision store, then what it holds, page by page: it ends with the contact's last conversation.
    fn each(&self, ahead: Vec<EntityId>, page: Page<'_>, look: Look<'_>) -> Result<(), LedgerError> {
        for conversation in ahead {
            if look(conversation)?.is_break() {
                return Ok(());
            }
        }
        let mut after = None;
        loop {
            let found = self.read(|reader| page(reader, after.as_ref()))?;
            for conversation in &found {
                if look(*conversation)?.is_break() {
                    return Ok(());
                }
            }
            match found.last() {
                Some(last) if found.len() >= CONVERSATIONS_PAGE => after = Some(*last),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// The entity's commits after a sequence, in order, read from the leader.
    pub async fn since(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        sequence: u64,
    ) -> Result<Vec<Recorded>, LedgerError> {
        Ok(self.log.tail(tenant, entity, sequence).await?)
    }

    /// The commit at a position.
    pub async fn recorded(&self, position: Position) -> Result<Option<Recorded>, LedgerError> {
        Ok(self.log.get(position.sequence()).await?)
    }

    /// Whether one of these commits was made from this update.
    pub async fn made_by(&self, positions: &[Position], pointer: IntakePointer) -> Result<bool, LedgerError> {
        for position in positions {
            if let Some(recorded) = self.log.get(position.sequence()).await?
                && recorded.commit.intake == Some(pointer)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the decision store.
    pub fn read<T, E: std::fmt::Display>(
        &self,
        look: impl FnOnce(&DecisionReader<'_>) -> Result<T, E>,
    ) -> Result<T, LedgerError> {
        self::look(&self.snapshot()?, look)
    }

    fn snapshot(&self) -> Result<ViewSnapshot, LedgerError> {
        // A store that has stopped still shows its rows, but it falls behind for good: what was applied since would be decided
        // again.
        if let ViewState::Stopped { .. } = self.decision.state() {
            return Err(LedgerError::Lagging);
        }
        Ok(self.decision.snapshot()?)
    }

    /// The newest position that this node has seen.
    pub fn newest(&self) -> Position {
        Position::new(self.lead().newest()).max(self.decision.position())
    }

    /// Waits until the decision store holds everything that this node has seen: for look-ups that are not by entity.
    pub async fn settle(&self) -> Result<(), LedgerError> {
        let target = self.lead().newest();
        self.reached(Position::new(target)).await
    }

    /// Waits until the decision store holds everything that the log holds now: for a node that takes intake over.
    ///
    /// Many ask at the same time under load; the log is asked once for all who came before the question.
    pub async fn catch_up(&self) -> Result<(), LedgerError> {
        let end = self.end.of(self.log.as_ref()).await?;
        self.reached(end).await
    }

    /// Waits while the decision store is so far behind that this node must not write more.
    async fn has_room(&self) -> Result<(), LedgerError> {
        let deadline = Instant::now() + SETTLE_WITHIN;
        loop {
            let Some(oldest) = self.lead().full() else { return Ok(()) };
            let reached = self.decision.reached(Position::new(oldest), deadline).await;
            reached.map_err(|_stale| LedgerError::Lagging)?;
        }
    }

    async fn reached(&self, position: Position) -> Result<(), LedgerError> {
        let deadline = Instant::now() + SETTLE_WITHIN;
        // Position 0 is reached by a store that is not open yet.
        let mut states = self.decision.states();
        let open = states.wait_for(|state| *state != ViewState::Starting);
        timeout_at(deadline, open)
            .await
            .map_err(|_elapsed| LedgerError::Lagging)?
            .map_err(|_gone| LedgerError::Lagging)?;
        self.decision.reached(position, deadline).await.map_err(|_stale| LedgerError::Lagging)
    }

    /// Appends drafts, all or nothing.
    pub async fn append(&self, origin: &Origin, mut drafts: Vec<Draft>) -> Result<Committed, LedgerError> {
        self.has_room().await?;
        let batch: Vec<Append> = drafts
            .iter_mut()
            .map(|draft| Append { expected: draft.base.sequence, commit: commit(origin, draft) })
            .collect();
        match self.log.append(batch.clone()).await? {
            Outcome::Applied { stored, fresh } => {
                let mut at = Vec::with_capacity(stored.len());
                for ((draft, append), stored) in drafts.into_iter().zip(batch).zip(stored) {
                    let version = append.commit.last_version();
                    at.push((Position::new(stored.sequence), version));
                    let recorded = Recorded { sequence: stored.sequence, hash: stored.hash, commit: append.commit };
                    if fresh {
                        self.absorb(&origin.tenant, draft.entity, draft.base, std::slice::from_ref(&recorded));
                    } else {
                        // What was stored earlier may not be what was decided now: the log knows, this node does not.
                        self.forget(&origin.tenant, draft.entity);
                    }
                }
                Ok(Committed::Applied { at, fresh })
            }
            Outcome::NotApplied { tails } => {
                for (draft, tail) in drafts.into_iter().zip(&tails) {
                    self.absorb(&origin.tenant, draft.entity, draft.base, tail);
                }
                Ok(Committed::Conflict)
            }
            Outcome::Unknown => {
                for draft in drafts {
                    self.forget(&origin.tenant, draft.entity);
                }
                Ok(Committed::Unknown)
            }
        }
    }

    /// Takes commits into memory that follow `base`.
    fn absorb(&self, tenant: &TenantId, id: EntityId, base: Entity, tail: &[Recorded]) {
        let entity =
            tail.iter().fold(
                base,
                |entity, recorded| {
                    if recorded.sequence > entity.sequence { entity.evolve(recorded) } else { entity }
                },
            );
        {
            let mut lead = self.lead();
            for recorded in tail {
                lead.remember(recorded);
            }
            if let (Some(opened), false) = (entity.paused(), tail.is_empty()) {
                lead.remember_paused(tenant, opened.contact, id, entity.sequence);
            }
        }
        let mut cache = self.cache();
        let key = (tenant.clone(), id);
        if cache.peek(&key).is_none_or(|cached| cached.value.sequence < entity.sequence) {
            cache.put(key, Known { value: Arc::new(entity), seen: None });
        }
    }

    fn forget(&self, tenant: &TenantId, entity: EntityId) {
        self.cache().pop(&(tenant.clone(), entity));
    }

    fn lead(&self) -> std::sync::MutexGuard<'_, Lead> {
        let mut lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner);
        lead.prune(self.decision.position().sequence());
        lead
    }
}

fn look<T, E: std::fmt::Display>(
    snapshot: &ViewSnapshot,
    look: impl FnOnce(&DecisionReader<'_>) -> Result<T, E>,
) -> Result<T, LedgerError> {
    look(&DecisionReader::new(snapshot)).map_err(|error| LedgerError::Store(error.to_string()))
}

/// Runs a look-up of many rows where it keeps no other request waiting.
pub(crate) async fn aside<T, E>(look: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<LedgerError> + Send + 'static,
{
    let ended = |error: tokio::task::JoinError| LedgerError::Store(error.to_string());
    tokio::task::spawn_blocking(look).await.map_err(ended)?
}

/// The commit of a draft, which gives its events away to it.
fn commit(origin: &Origin, draft: &mut Draft) -> Commit {
    Commit {
        id: CommitId::new(*uuid::Uuid::now_v7().as_bytes()),
        tenant: origin.tenant.clone(),
        entity: draft.entity,
        first_version: draft.base.version + 1,
        command_id: origin.command_id.clone(),
        occurred_at: origin.occurred_at,
        recorded_at: origin.recorded_at,
        actor: origin.actor.clone(),
        causation: None,
        correlation: origin.correlation.clone(),
        previous_hash: draft.base.hash,
        intake: origin.intake,
        events: std::mem::take(&mut draft.events),
    }
}
