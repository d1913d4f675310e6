//! Looks things up in the decision store, by key, in one snapshot.

use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{ChannelId, CommandId, EntityId, EntityKind, IntakePointer, MessageId, TenantId};
use relevo_projection::ViewSnapshot;
use relevo_readstore::{Direction, Entry, KeyRange, Snapshot};

use super::keys;
use super::row::{self, BadRow, CommandRow, Entity, EntityState, InForceRow, MailRow, MessageRow, SentRow};

/// The most conversations of one contact that one look-up gives; the next one goes on behind them.
pub const CONVERSATIONS_PAGE: usize = 256;
/// The most identifiers of one conversation that a look-up considers.
const BINDINGS_MAX: usize = 256;
/// The most channels on which one contact's pauses are looked for: more than a business has.
const CHANNELS_MAX: usize = 1_024;
/// The most entities that one command can have been applied to: a merge pauses up to 128 conversations, a first message makes
/// at most nine commits.
const ENTITIES_PER_COMMAND_MAX: usize = 256;
/// Since this version of the rows a command has a first row. What an older program wrote is still served while the rows are built
/// anew, and a command that was applied must be known all that time.
const FIRST_ROWS_SINCE: u32 = 6;

/// Where a command was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub entity: EntityId,
    pub sequence: u64,
    pub version: u64,
    pub intake: Option<IntakePointer>,
    /// Name of the commit's last event.
    pub event: String,
}

/// What is known of a Message-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailKnown {
    pub conversation: EntityId,
    /// Present if the mail itself was stored; absent if another mail only refers to it.
    pub message: Option<MessageId>,
}

/// Reads one snapshot of the decision store.
pub struct DecisionReader<'s> {
    snapshot: &'s Snapshot,
    /// Whether commands have a first row.
    first_rows: bool,
}

impl<'s> DecisionReader<'s> {
    pub fn new(snapshot: &'s ViewSnapshot) -> Self {
        Self { snapshot: snapshot.rows(), first_rows: snapshot.version() >= FIRST_ROWS_SINCE }
    }

    pub fn entity(&self, tenant: &TenantId, entity: &EntityId) -> Result<Entity, BadRow> {
        match self.get(&keys::state(tenant, entity))? {
            Some(bytes) => row::decode(entity.kind(), &bytes),
            None => Ok(Entity::absent(entity.kind())),
        }
    }

    /// The entity, if the store has anything newer of it than the commit at this sequence.
    pub(crate) fn newer(&self, tenant: &TenantId, entity: &EntityId, than: u64) -> Result<Option<Entity>, BadRow> {
        match self.get(&keys::state(tenant, entity))? {
            Some(bytes) if row::sequence(&bytes)? > than => row::decode(entity.kind(), &bytes).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Where the command was applied to this entity.
    pub fn command(&self, tenant: &TenantId, id: &CommandId, entity: &EntityId) -> Result<Option<Applied>, BadRow> {
        let key = keys::commands(tenant, id);
        if self.first_rows {
            let Some(bytes) = self.get(&key)? else { return Ok(None) };
            let first = applied(&key, &bytes)?;
            if first.entity == *entity {
                return Ok(Some(first));
            }
        }
        let key = keys::further(key, entity);
        self.get(&key)?.map(|bytes| applied(&key, &bytes)).transpose()
    }

    /// Where the command was applied at all, first where it was applied first.
    pub fn commands(&self, tenant: &TenantId, id: &CommandId) -> Result<Vec<Applied>, BadRow> {
        let key = keys::commands(tenant, id);
        // Nearly every command is fresh: a filter knows that a key is absent, while a scan has to look into every file.
        if self.first_rows && self.get(&key)?.is_none() {
            return Ok(Vec::new());
        }
        let rows = self.scan(&key, ENTITIES_PER_COMMAND_MAX)?;
        rows.iter().map(|(key, bytes)| applied(key, bytes)).collect()
    }

    /// Bulks of all tenants that are not finished, at most so many.
    pub fn unfinished_bulks(&self, limit: usize) -> Result<Vec<(TenantId, EntityId)>, BadRow> {
        let rows = self.scan(&keys::unfinished_all(), limit)?;
        let read = |(key, _): &Entry| keys::read_unfinished(key).ok_or_else(|| BadRow("bulk key".to_owned()));
        rows.iter().map(read).collect()
    }

    /// What the tenant wants detected; absent if it has never changed anything.
    pub(crate) fn detection(&self, tenant: &TenantId) -> Result<Option<InForceRow>, BadRow> {
        let Some(bytes) = self.get(&keys::detection(tenant))? else { return Ok(None) };
        prost::Message::decode(bytes.as_slice()).map(Some).map_err(unreadable)
    }

    pub fn mail(&self, tenant: &TenantId, channel: &ChannelId, message_id: &str) -> Result<Option<MailKnown>, BadRow> {
        let Some(bytes) = self.get(&keys::mail(tenant, channel, message_id))? else { return Ok(None) };
        let row: MailRow = prost::Message::decode(bytes.as_slice()).map_err(unreadable)?;
        let id = |bytes: Vec<u8>| <[u8; 16]>::try_from(bytes).map_err(|_bytes| BadRow("mail row".to_owned()));
        Ok(Some(MailKnown {
            conversation: EntityId::new(EntityKind::Conversation, id(row.conversation)?),
            message: row.message.map(id).transpose()?.map(MessageId::new),
        }))
    }

    /// The conversation that has this message, and the sequence of the commit that holds it.
    pub fn message(&self, tenant: &TenantId, message: MessageId) -> Result<Option<(EntityId, u64)>, BadRow> {
        self.place(&keys::message(tenant, message))
    }

    /// The same for the commit with which a provider took a message of ours.
    pub fn accepted(&self, tenant: &TenantId, message: MessageId) -> Result<Option<(EntityId, u64)>, BadRow> {
        self.place(&keys::accepted(tenant, message))
    }

    fn place(&self, key: &[u8]) -> Result<Option<(EntityId, u64)>, BadRow> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        let row: MessageRow = prost::Message::decode(bytes.as_slice()).map_err(unreadable)?;
        let conversation = row.conversation.try_into().map_err(|_bytes| BadRow("message row".to_owned()))?;
        Ok(Some((EntityId::new(EntityKind::Conversation, conversation), row.sequence)))
    }

    /// The conversation and message of ours that a provider's id names.
    pub fn sent(&self, tenant: &TenantId, alias: MessageId) -> Result<Option<(EntityId, MessageId)>, BadRow> {
        let Some(bytes) = self.get(&keys::sent(tenant, alias))? else { return Ok(None) };
        let row: SentRow = prost::Message::decode(bytes.as_slice()).map_err(unreadable)?;
        let id = |bytes: Vec<u8>| <[u8; 16]>::try_from(bytes).map_err(|_bytes| BadRow("sent row".to_owned()));
        let conversation = EntityId::new(EntityKind::Conversation, id(row.conversation)?);
        Ok(Some((conversation, MessageId::new(id(row.message)?))))
    }

    /// Whether this address has written in this mail conversation before.
    pub fn participates(&self, tenant: &TenantId, conversation: &EntityId, address: &str) -> Result<bool, BadRow> {
        Ok(self.get(&keys::participant(tenant, conversation, address))?.is_some())
    }

    /// Conversations of a contact behind `after`, at most [`CONVERSATIONS_PAGE`]; fewer only if there are no more.
    pub fn conversations_of(
        &self,
        tenant: &TenantId,
        contact: &EntityId,
        after: Option<&EntityId>,
    ) -> Result<Vec<EntityId>, BadRow> {
        self.page(&keys::conversations_of(tenant, contact), after)
    }

    /// Conversations of a contact on a channel whose bot is paused, behind `after`, paged as [`Self::conversations_of`].
    pub fn paused_on(
        &self,
        tenant: &TenantId,
        contact: &EntityId,
        channel: &ChannelId,
        after: Option<&EntityId>,
    ) -> Result<Vec<EntityId>, BadRow> {
        self.page(&keys::paused_on(tenant, contact, channel), after)
    }

    /// The channels on which a contact has a conversation whose bot is paused: one look at each, however many there are on it.
    pub fn paused_channels(&self, tenant: &TenantId, contact: &EntityId) -> Result<Vec<ChannelId>, BadRow> {
        let prefix = keys::paused_of(tenant, contact);
        let mut range = KeyRange::prefix(prefix.clone());
        let mut channels = Vec::new();
        while channels.len() < CHANNELS_MAX {
            let found = self.snapshot.scan(&range, Direction::Forward, 1).map_err(unreadable)?;
            let Some((key, _)) = found.first() else { break };
            let name = keys::paused_channel(key, &prefix).ok_or_else(|| BadRow("key of a pause".to_owned()))?;
            let channel = ChannelId::new(name).map_err(unreadable)?;
            let of_channel = KeyRange::prefix(keys::paused_on(tenant, contact, &channel));
            range.start = of_channel.end.ok_or_else(|| BadRow("key of a pause".to_owned()))?;
            channels.push(channel);
        }
        Ok(channels)
    }

    /// The identifiers bound to a conversation and their kinds, at most 256.
    pub fn bindings_of(
        &self,
        tenant: &TenantId,
        conversation: &EntityId,
    ) -> Result<Vec<(EntityId, IdentifierKind)>, BadRow> {
        let rows = self.scan(&keys::bound_to(tenant, conversation), BINDINGS_MAX)?;
        let mut bindings = Vec::new();
        for identity in ids(&rows, EntityKind::Identity) {
            if let EntityState::Identity(Some(IdentityEvent::Bound { kind, .. })) =
                self.entity(tenant, &identity)?.state
            {
                bindings.push((identity, kind));
            }
        }
        Ok(bindings)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BadRow> {
        self.snapshot.get(key).map_err(unreadable)
    }

    fn page(&self, prefix: &[u8], after: Option<&EntityId>) -> Result<Vec<EntityId>, BadRow> {
        let mut range = KeyRange::prefix(prefix);
        if let Some(after) = after {
            range = range.after(&[prefix, after.bytes().as_slice()].concat());
        }
        let rows = self.snapshot.scan(&range, Direction::Forward, CONVERSATIONS_PAGE).map_err(unreadable)?;
        Ok(ids(&rows, EntityKind::Conversation))
    }

    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, BadRow> {
        self.snapshot.scan(&KeyRange::prefix(prefix), Direction::Forward, limit).map_err(unreadable)
    }
}

fn applied(key: &[u8], bytes: &[u8]) -> Result<Applied, BadRow> {
    let row: CommandRow = prost::Message::decode(bytes).map_err(unreadable)?;
    // Before there were first rows, the key alone had it.
    let entity = if row.entity.is_empty() { keys::trailing_entity(key) } else { keys::read_entity(&row.entity) };
    let entity = entity.ok_or_else(|| BadRow("entity of a command".to_owned()))?;
    let pointer = IntakePointer { sequence: row.intake_sequence, part: row.intake_part, ordinal: row.intake_ordinal };
    Ok(Applied {
        entity,
        sequence: row.sequence,
        version: row.version,
        intake: (row.intake_sequence > 0).then_some(pointer),
        event: row.event,
    })
}

fn ids(rows: &[Entry], kind: EntityKind) -> Vec<EntityId> {
    rows.iter().filter_map(|(key, _)| keys::trailing_id(key)).map(|bytes| EntityId::new(kind, bytes)).collect()
}

fn unreadable(error: impl std::fmt::Display) -> BadRow {
    BadRow(error.to_string())
}
