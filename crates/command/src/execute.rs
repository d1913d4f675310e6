//! One command of a client, whatever entity it is about: find an earlier answer, decide, append, and say what became of it.
//!
//! What is particular to a kind of entity (who may see it, what is decided, what a repeated command looks like) is an [`Intent`];
//! everything that makes a decision right stands here, once.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::{Caller, CommandId, EntityId, Position, Recorded, TenantId, Timestamp};
use relevo_domain::{bulk, channel, contact, conversation, workspace};

use crate::decision::{Applied, Entity};
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};
use crate::send::{SendRefused, StoredFilesError};

/// How often a command is decided anew when others write to its entities at the same time. Each round lost means that somebody
/// else's command was stored, so an entity that never stops changing is the only way to reach the limit.
const ATTEMPTS_MAX: u32 = 32;

/// Who asks, under which id, and when: the same for every entity.
#[derive(Clone, Debug)]
pub struct Asked {
    pub caller: Caller,
    pub command_id: CommandId,
    /// Version that the entity must be at; absent if any will do.
    pub expected_version: Option<u64>,
    pub now: Timestamp,
}

/// What a client's command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<N> {
    /// Everything that the command did is visible at this position.
    pub position: Position,
    /// Version of the entity that the answer speaks of.
    pub version: u64,
    /// Nothing was written: the entity was like that already.
    pub already_so: bool,
    /// The same command id was applied before; nothing was written now.
    pub repeated: bool,
    /// Entities that this call wrote to; none if it wrote nothing.
    pub wrote: Vec<EntityId>,
    /// Version of the entity as it is now.
    pub version_now: u64,
    /// The entity as it is now. As the command left it, for somebody who repeats one and may not see the entity any more.
    pub now: N,
}

/// Why the rules said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Conversation(conversation::Rejection),
    Contact(contact::Rejection),
    Workspace(workspace::Rejection),
    Channel(channel::Rejection),
    Bulk(bulk::Rejection),
    /// A message cannot be queued as it is.
    Send(SendRefused),
    /// The entity is not at the version that the caller expected.
    VersionConflict {
        expected: u64,
        actual: u64,
    },
}

/// Why a client's command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    #[error("command was rejected: {0:?}")]
    Rejected(Refused),
    /// The command id belongs to another command on this entity.
    #[error("command id was used for a command that led to {event}")]
    CommandIdReused { event: String },
    /// Others wrote to the entity each time; nothing of this command is stored.
    #[error("entity changed {ATTEMPTS_MAX} times while the command was decided")]
    Contention,
    /// The command may or may not be stored.
    #[error("log did not say whether the command is stored")]
    Unknown,
    #[error("ledger failed")]
    Ledger(#[from] LedgerError),
    /// What is known of stored files cannot be had now. Nothing is stored.
    #[error("stored files failed")]
    Files(#[from] StoredFilesError),
}

impl From<Refused> for ExecuteError {
    fn from(refused: Refused) -> Self {
        Self::Rejected(refused)
    }
}

impl From<SendRefused> for ExecuteError {
    fn from(refused: SendRefused) -> Self {
        Self::Rejected(Refused::Send(refused))
    }
}

impl From<bulk::Rejection> for ExecuteError {
    fn from(rejection: bulk::Rejection) -> Self {
        Self::Rejected(Refused::Bulk(rejection))
    }
}

impl From<channel::Rejection> for ExecuteError {
    fn from(rejection: channel::Rejection) -> Self {
        Self::Rejected(Refused::Channel(rejection))
    }
}

impl From<conversation::Rejection> for ExecuteError {
    fn from(rejection: conversation::Rejection) -> Self {
        Self::Rejected(Refused::Conversation(rejection))
    }
}

impl From<contact::Rejection> for ExecuteError {
    fn from(rejection: contact::Rejection) -> Self {
        Self::Rejected(Refused::Contact(rejection))
    }
}

impl From<workspace::Rejection> for ExecuteError {
    fn from(rejection: workspace::Rejection) -> Self {
        Self::Rejected(Refused::Workspace(rejection))
    }
}

/// What a command leads to, if it is not rejected.
pub(crate) enum Plan {
    /// These drafts, all or nothing. The entity of the intent, if it is among them, is the last: its position is the command's.
    Append(Vec<Draft>),
    AlreadySo,
}

/// Entities as they were read for one decision. What was read here is confirmed against the leader before a command is
/// answered without an append.
pub(crate) struct Reading<'l> {
    ledger: &'l Arc<Ledger>,
    tenant: &'l TenantId,
    read: Vec<(EntityId, Entity)>,
}

impl<'l> Reading<'l> {
    pub(crate) fn entity(&mut self, id: &EntityId) -> Result<Entity, LedgerError> {
        if let Some((_, entity)) = self.read.iter().find(|(read, _)| read == id) {
            return Ok(entity.clone());
        }
        let entity = self.ledger.load(self.tenant, id)?;
        self.read.push((*id, entity.clone()));
        Ok(entity)
    }

    pub(crate) const fn ledger(&self) -> &'l Arc<Ledger> {
        self.ledger
    }

    pub(crate) const fn tenant(&self) -> &'l TenantId {
        self.tenant
    }

    /// Whether the log has nothing newer of anything that was read.
    async fn confirmed(&self) -> Result<bool, LedgerError> {
        for (id, entity) in &self.read {
            if !self.ledger.confirm(self.tenant, id, entity).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A command, as far as it differs from others.
#[async_trait]
pub(crate) trait Intent: Sync {
    /// The entity that the command is about: its version is expected and answered.
    fn entity(&self) -> EntityId;

    /// Other entities on which alone the command can have been applied.
    fn elsewhere(&self) -> Option<EntityId> {
        None
    }

    /// Refuses callers who may not know that the entity exists.
    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError>;

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError>;

    /// Whether a commit of the same caller under the same command id is what this command leads to.
    async fn led_to(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError>;
}

/// Executes one command. The answer holds the entity as the ledger knows it; whoever asks makes of it what callers are shown.
pub(crate) async fn execute(
    ledger: &Arc<Ledger>,
    asked: &Asked,
    intent: &dyn Intent,
) -> Result<Answer<Entity>, ExecuteError> {
    let mut stored = false;
    match attempts(ledger, asked, intent, &mut stored).await {
        Err(ExecuteError::Ledger(error)) if stored => Err(unknown(asked, &error)),
        Err(ExecuteError::Contention) if stored => Err(ExecuteError::Unknown),
        outcome => outcome,
    }
}

/// What went wrong after something was stored under the command's id must not be read as "not applied".
fn unknown(asked: &Asked, error: &LedgerError) -> ExecuteError {
    tracing::error!(command_id = %asked.command_id, error = ?error, "command was stored, its answer failed");
    ExecuteError::Unknown
}

/// `stored` is set as soon as something is known to be stored under the command's id.
async fn attempts(
    ledger: &Arc<Ledger>,
    asked: &Asked,
    intent: &dyn Intent,
    stored: &mut bool,
) -> Result<Answer<Entity>, ExecuteError> {
    let tenant = &asked.caller.tenant;
    for _attempt in 0..ATTEMPTS_MAX {
        let mut reading = Reading { ledger, tenant, read: Vec::new() };
        let base = reading.entity(&intent.entity())?;
        if let Some(applied) = earlier(ledger, asked, intent)? {
            *stored = true;
            return repeated(asked, intent, &base, &applied, &mut reading).await;
        }
        match plan(asked, intent, &base, &mut reading).await {
            Ok(Plan::Append(drafts)) => {
                only_ours(ledger, asked, intent, &drafts)?;
                let entities: Vec<EntityId> = drafts.iter().map(|draft| draft.entity).collect();
                let committed = ledger.append(&origin(asked), drafts).await?;
                *stored |= matches!(committed, Committed::Applied { .. });
                match committed {
                    Committed::Applied { at, fresh: true } => {
                        return applied(ledger, asked, intent, &base, entities, &at).await;
                    }
                    // An earlier attempt had been stored. Reading the entities' tails brings those commits into memory, and
                    // the next round answers from them.
                    Committed::Applied { fresh: false, .. } => {
                        for entity in &entities {
                            let known = ledger.load(tenant, entity)?;
                            ledger.confirm(tenant, entity, &known).await?;
                        }
                    }
                    Committed::Conflict => {}
                    Committed::Unknown => return Err(ExecuteError::Unknown),
                }
            }
            Ok(Plan::AlreadySo) => {
                if reading.confirmed().await? {
                    let (sequence, version) = (base.sequence, base.version);
                    return Ok(Answer { already_so: true, ..answer(base, sequence, version) });
                }
            }
            Err(rejected @ ExecuteError::Rejected(_)) => {
                if reading.confirmed().await? {
                    return Err(rejected);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(ExecuteError::Contention)
}

async fn plan(
    asked: &Asked,
    intent: &dyn Intent,
    base: &Entity,
    reading: &mut Reading<'_>,
) -> Result<Plan, ExecuteError> {
    intent.admit(reading).await?;
    if let Some(expected) = asked.expected_version
        && expected != base.version
    {
        return Err(ExecuteError::Rejected(Refused::VersionConflict { expected, actual: base.version }));
    }
    intent.decide(reading).await
}

/// Where the command was applied before, if this node knows.
fn earlier(ledger: &Ledger, asked: &Asked, intent: &dyn Intent) -> Result<Option<Applied>, LedgerError> {
    for entity in std::iter::once(intent.entity()).chain(intent.elsewhere()) {
        if let Some(applied) = ledger.command(&asked.caller.tenant, &asked.command_id, &entity)? {
            return Ok(Some(applied));
        }
    }
    Ok(None)
}

/// The answer to a command that was applied before: where it was stored, with the state of now. Only who sent it, and only with
/// the same command, gets it: an id that is used twice must not tell a second claimant that they won. Who could see the entity
/// then and cannot now (they gave it away with this very command) is told what they were told then.
async fn repeated(
    asked: &Asked,
    intent: &dyn Intent,
    base: &Entity,
    applied: &Applied,
    reading: &mut Reading<'_>,
) -> Result<Answer<Entity>, ExecuteError> {
    let (ledger, position) = (reading.ledger(), Position::new(applied.sequence));
    let same = match ledger.recorded(position).await? {
        Some(stored) => stored.commit.actor == asked.caller.actor() && intent.led_to(ledger, &stored).await?,
        None => false,
    };
    let admitted = intent.admit(reading).await;
    if !same {
        return Err(admitted.err().unwrap_or_else(|| ExecuteError::CommandIdReused { event: applied.event.clone() }));
    }
    let now = match admitted {
        Ok(()) if applied.entity == intent.entity() => {
            not_before(ledger, asked, &intent.entity(), base.clone(), applied.sequence).await?
        }
        Ok(()) => base.clone(),
        // Where that is not to be had for little, they are told of it what they may know now: nothing.
        Err(refused @ ExecuteError::Rejected(_)) => {
            ledger.short_past(&asked.caller.tenant, &intent.entity(), position).await?.ok_or(refused)?
        }
        Err(error) => return Err(error),
    };
    let version = if applied.entity == intent.entity() { applied.version } else { now.version };
    Ok(Answer { repeated: true, ..answer(now, applied.sequence, version) })
}

/// A command id that another command has used on one of the further entities would be taken for that command there.
fn only_ours(ledger: &Ledger, asked: &Asked, intent: &dyn Intent, drafts: &[Draft]) -> Result<(), ExecuteError> {
    for draft in drafts.iter().filter(|draft| draft.entity != intent.entity()) {
        if let Some(applied) = ledger.command(&asked.caller.tenant, &asked.command_id, &draft.entity)? {
            return Err(ExecuteError::CommandIdReused { event: applied.event });
        }
    }
    Ok(())
}

async fn applied(
    ledger: &Ledger,
    asked: &Asked,
    intent: &dyn Intent,
    base: &Entity,
    entities: Vec<EntityId>,
    at: &[(Position, u64)],
) -> Result<Answer<Entity>, ExecuteError> {
    let position = at.iter().map(|(position, _)| *position).max().ok_or(ExecuteError::Unknown)?;
    let own = entities.iter().zip(at).find(|(entity, _)| **entity == intent.entity());
    let version = own.map_or(base.version, |(_, (_, version))| *version);
    let known = ledger.load(&asked.caller.tenant, &intent.entity())?;
    let written = own.map_or(0, |(_, (position, _))| position.sequence());
    let now = not_before(ledger, asked, &intent.entity(), known, written).await?;
    Ok(Answer { wrote: entities, ..answer(now, position.sequence(), version) })
}

/// The entity with this commit of its own at least. What this node has read may be older: the answer to a pause would then
/// leave out what is on its way to the provider.
async fn not_before(
    ledger: &Ledger,
    asked: &Asked,
    id: &EntityId,
    known: Entity,
    sequence: u64,
) -> Result<Entity, LedgerError> {
    if known.sequence >= sequence {
        return Ok(known);
    }
    let since = ledger.since(&asked.caller.tenant, id, known.sequence).await?;
    Ok(since.iter().fold(known, Entity::evolve))
}

fn answer(now: Entity, sequence: u64, version: u64) -> Answer<Entity> {
    let position = Position::new(sequence);
    Answer { position, version, already_so: false, repeated: false, wrote: Vec::new(), version_now: now.version, now }
}

/// What is said of an entity that nothing was done to.
pub(crate) fn unwritten(now: Entity) -> Answer<Entity> {
    let (sequence, version) = (now.sequence, now.version);
    Answer { already_so: true, ..answer(now, sequence, version) }
}

fn origin(asked: &Asked) -> Origin {
    Origin {
        tenant: asked.caller.tenant.clone(),
        command_id: asked.command_id.clone(),
        actor: asked.caller.actor(),
        occurred_at: asked.now,
        recorded_at: asked.now,
        correlation: Some(asked.command_id.to_string()),
        intake: None,
    }
}

impl<N> Answer<N> {
    /// The answer, with what callers are shown of the entity.
    pub(crate) fn map<M>(self, shown: impl FnOnce(N) -> M) -> Answer<M> {
        let Self { position, version, already_so, repeated, wrote, version_now, now } = self;
        Answer { position, version, already_so, repeated, wrote, version_now, now: shown(now) }
    }

    /// What is read to complete the answer: if that fails, what was stored stays stored.
    pub(crate) fn completed<T>(&self, asked: &Asked, read: Result<T, LedgerError>) -> Result<T, ExecuteError> {
        read.map_err(|error| if self.already_so { error.into() } else { unknown(asked, &error) })
    }
}
