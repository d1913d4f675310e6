//! How a bulk begins: the list is stored, then the wish is on the log. The one that takes another back lists what that one paused.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::bulk::{self, Asker, BulkEvent, Chosen, Command, Decision, Outcome, Rejection, Start, What};
use relevo_domain::conversation::{CatchUp, PauseTerms};
use relevo_domain::{Caller, EntityId, Event, Position, Recorded, TenantId};
use relevo_proto::query::v1::ConversationFilter;
use tonic::Status;

use super::{BulkPorts, Matched, bulk_of, hex, job_of, list_of, sees};
use crate::decision::Entity;
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading};
use crate::ids::IdKey;
use crate::ledger::{Draft, Ledger, LedgerError};

/// How often a bulk that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 8;

/// A bulk that somebody asks for.
#[derive(Clone, Debug)]
pub struct BulkStart {
    pub asked: Asked,
    pub what: What,
    pub chosen: Chosen,
    pub conversations: Vec<EntityId>,
    /// What was known when they were listed.
    pub position: Position,
    pub note: Option<String>,
}

/// A bulk that is to be taken back.
#[derive(Clone, Debug)]
pub struct BulkUndo {
    pub asked: Asked,
    pub of: EntityId,
    pub catch_up: CatchUp,
    pub note: Option<String>,
}

/// A bulk that began, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub bulk: EntityId,
    pub total: u32,
    pub position: Position,
    pub already_so: bool,
}

/// Lets bulks begin.
#[derive(Clone)]
pub struct Bulks {
    ledger: Arc<Ledger>,
    ports: BulkPorts,
}

impl Bulks {
    pub const fn new(ledger: Arc<Ledger>, ports: BulkPorts) -> Self {
        Self { ledger, ports }
    }

    /// What a filter shows to the caller; `None`: everything.
    pub async fn matching(
        &self,
        caller: &Caller,
        filter: Option<ConversationFilter>,
        min_position: &str,
    ) -> Result<Matched, Status> {
        self.ports.matching.matching(caller, filter, min_position).await
    }

    /// Whether a command has begun its bulk before: then nothing needs to be listed for it.
    pub fn begun(&self, asked: &Asked) -> Result<bool, ExecuteError> {
        let bulk = self.key(&asked.caller.tenant)?.bulk_of_command(&asked.command_id);
        Ok(self.ledger.command(&asked.caller.tenant, &asked.command_id, &bulk)?.is_some())
    }

    /// Begins it. Conversations that are named twice count once.
    pub async fn start(&self, mut start: BulkStart) -> Result<Begun, ExecuteError> {
        let role = start.asked.caller.role;
        if !role.is_staff() {
            return Err(Rejection::Forbidden { role }.into());
        }
        let bulk = self.key(&start.asked.caller.tenant)?.bulk_of_command(&start.asked.command_id);
        let mut met = HashSet::with_capacity(start.conversations.len());
        start.conversations.retain(|id| met.insert(*id));
        self.begin(bulk, start).await
    }

    /// Takes a bulk back.
    pub async fn undo(&self, undo: BulkUndo) -> Result<Begun, ExecuteError> {
        let (caller, of) = (&undo.asked.caller, undo.of);
        let role = caller.role;
        if !role.is_staff() {
            return Err(Rejection::Forbidden { role }.into());
        }
        let base = self.confirmed(&caller.tenant, of).await?;
        let job = job_of(&base).filter(|job| sees(caller, job)).ok_or(Rejection::NotFound)?;
        match job.what {
            What::Pause { .. } => {}
            What::Resume { .. } | What::Undo { .. } => return Err(Rejection::NotAPause.into()),
        }
        if !job.finished {
            return Err(Rejection::Running.into());
        }
        let bulk = self.key(&caller.tenant)?.bulk_of_undo(&of);
        let BulkUndo { asked, of, catch_up, note } = undo;
        let (conversations, position) = self.paused_by(&asked.caller.tenant, of).await?;
        let what = What::Undo { of, catch_up };
        self.begin(bulk, BulkStart { asked, what, chosen: Chosen::Bulk, conversations, position, note }).await
    }

    async fn begin(&self, bulk: EntityId, start: BulkStart) -> Result<Begun, ExecuteError> {
        let (bytes, list) = list_of(&start.conversations);
        let command = Command::Start(Box::new(Start {
            what: start.what,
            total: start.conversations.len(),
            list,
            chosen: start.chosen,
            position: start.position,
            by: Asker::of(&start.asked.caller),
            note: start.note.clone(),
            now: start.asked.now,
        }));
        // What would be refused is refused before its list is stored.
        let decided = bulk::decide(&bulk_of(&self.ledger.load(&start.asked.caller.tenant, &bulk)?), &command)?;
        if matches!(decided, Decision::Append(_)) && !bytes.is_empty() {
            let stored = self.ports.blobs.put(&start.asked.caller.tenant, bytes).await.map_err(LedgerError::Log)?;
            if stored != hex(list) {
                return Err(LedgerError::Store("list was stored under another hash".to_owned()).into());
            }
        }
        let intent = Starting { bulk, start: &start, command };
        let answer: Answer<Entity> = execute::execute(&self.ledger, &start.asked, &intent).await?;
        let job = job_of(&answer.now).ok_or(Rejection::NotFound)?;
        let already_so = answer.already_so || answer.repeated;
        Ok(Begun { bulk, total: job.total, position: answer.position, already_so })
    }

    /// What a bulk paused, in the order of its list, and where it ended.
    async fn paused_by(&self, tenant: &TenantId, bulk: EntityId) -> Result<(Vec<EntityId>, Position), LedgerError> {
        let commits = self.ledger.since(tenant, &bulk, 0).await?;
        let position = commits.last().map_or(Position::START, Recorded::position);
        let mut paused = Vec::new();
        for event in commits.iter().flat_map(|recorded| &recorded.commit.events) {
            if let Event::Bulk(BulkEvent::Progressed { results, .. }) = event {
                let done = results.iter().filter(|one| one.outcome == Outcome::Paused);
                paused.extend(done.map(|one| one.conversation));
            }
        }
        Ok((paused, position))
    }

    async fn confirmed(&self, tenant: &TenantId, bulk: EntityId) -> Result<Entity, ExecuteError> {
        for _look in 0..LOOKS_MAX {
            let base = self.ledger.load(tenant, &bulk)?;
            if self.ledger.confirm(tenant, &bulk, &base).await? {
                return Ok(base);
            }
        }
        Err(ExecuteError::Contention)
    }

    fn key(&self, tenant: &TenantId) -> Result<&IdKey, LedgerError> {
        self.ports.keys.get(tenant).ok_or_else(|| LedgerError::Store(format!("no id key for tenant {tenant}")))
    }
}

/// The command that puts a bulk on the log.
struct Starting<'s> {
    bulk: EntityId,
    start: &'s BulkStart,
    command: Command,
}

#[async_trait]
impl Intent for Starting<'_> {
    fn entity(&self) -> EntityId {
        self.bulk
    }

    async fn admit(&self, _reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        Ok(())
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&self.bulk)?;
        match bulk::decide(&bulk_of(&base), &self.command)? {
            Decision::AlreadySo => Ok(Plan::AlreadySo),
            Decision::Append(events) => {
                let events = events.into_iter().map(Event::Bulk).collect();
                Ok(Plan::Append(vec![Draft { entity: self.bulk, base, events }]))
            }
        }
    }

    /// The list is not compared: what matched then may not match now.
    async fn led_to(&self, _ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let [Event::Bulk(BulkEvent::Started { what, chosen, personal, .. }), ..] = stored.commit.events.as_slice()
        else {
            return Ok(false);
        };
        let note = self.start.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        Ok(same(self.start.what, *what) && self.start.chosen == *chosen && note == personal.text.as_deref())
    }
}

/// The same wish. When a pause ends was counted from the time of the request, so only whether it ends is compared.
fn same(asked: What, stored: What) -> bool {
    match (asked, stored) {
        (What::Pause { reason, terms }, What::Pause { reason: stored, terms: on }) => {
            let shape = |terms: PauseTerms| (terms.until.is_some(), terms.locked);
            reason == stored && shape(terms) == shape(on)
        }
        (What::Pause { .. } | What::Resume { .. } | What::Undo { .. }, stored) => asked == stored,
    }
}
