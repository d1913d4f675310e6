//! Reads the inbox view: what callers see, with their access applied and every limit enforced.
//!
//! All functions work on one snapshot, so that everything that a caller makes of it shows one moment. What a caller may not
//! see does not exist for them. Nothing here waits, writes or knows a wire format.

mod contact;
mod list;
mod thread;

use relevo_domain::conversation::{Medium, PauseReason};
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_readstore::{KeyError, Snapshot, StoreError};

use crate::conversation::{OPEN, RESOLVED, WINDOW, unanswered};
use crate::keys;
use crate::row::{ContactRow, ConversationRow, PauseRow, decode};

pub use contact::{CONTACT_CONVERSATIONS_MAX, Contact, ContactLink, LINKED_CONTACTS_MAX, contact};
pub use list::{BotFilter, Cursor, LIST_LIMIT_MAX, LIST_ROWS_EXAMINED_MAX, ListQuery, Page, Tab, list};
pub use thread::{THREAD_LIMIT_MAX, THREAD_PAGE_BYTES_MAX, ThreadCursor, ThreadEntry, ThreadPage, thread};

/// Why the view could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("inbox view cannot be read")]
    Store(#[source] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("inbox view holds a row that cannot be read: {0}")]
    BadRow(String),
}

/// A conversation as a list shows it. `contact_name`, `address`, `preview` and the pause's note are personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the id is called after its entity everywhere")]
pub struct Conversation {
    pub conversation: EntityId,
    pub contact: EntityId,
    /// As the provider last gave it; empty if unknown.
    pub contact_name: String,
    /// What the customer last wrote from; replies go there. Empty before the first message.
    pub address: String,
    pub channel: ChannelId,
    pub medium: Medium,
    pub status: Status,
    pub episode: u32,
    pub bot: Bot,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    /// Messages of the customer that the business has not answered.
    pub unread: u64,
    /// One line of the latest message; empty if it has no text.
    pub preview: String,
    /// Kind of the latest message; empty if there is none.
    pub preview_kind: String,
    pub last_activity: Timestamp,
    /// When the oldest unanswered message was written.
    pub waiting_since: Option<Timestamp>,
    /// Until when WhatsApp accepts free text; absent elsewhere, and before the customer's first message.
    pub window_expires_at: Option<Timestamp>,
    pub version: u64,
    /// Sequence of the last commit in this row.
    pub sequence: u64,
}

/// The status axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Open,
    Resolved,
}

/// The bot axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bot {
    Active,
    Paused(Pause),
}

/// A pause that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub reason: PauseReason,
    pub automatic: bool,
    pub by: Actor,
    pub since: Timestamp,
    /// Personal data.
    pub note: Option<String>,
}

impl Status {
    pub const ALL: [Self; 2] = [Self::Open, Self::Resolved];

    const fn number(self) -> u32 {
        match self {
            Self::Open => OPEN,
            Self::Resolved => RESOLVED,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.number() == number)
    }
}

/// One conversation, if it exists and `visible` may see it.
pub fn conversation(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Conversation>, ReadError> {
    match visible_row(snapshot, tenant, conversation, visible)? {
        Some(row) => read_conversation(snapshot, tenant, conversation, row).map(Some),
        None => Ok(None),
    }
}

fn visible_row(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<ConversationRow>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let row: Option<ConversationRow> = load(snapshot, "conversation", &keys::conversation(tenant, conversation))?;
    match row {
        Some(row) if sees(visible, &row)? => Ok(Some(row)),
        Some(_) | None => Ok(None),
    }
}

fn sees(visible: &Caller, row: &ConversationRow) -> Result<bool, ReadError> {
    let channel = ChannelId::new(row.channel.as_str()).map_err(|_name| bad("channel"))?;
    Ok(visible.sees(&channel, agent_of(row)?.as_ref(), team_of(row)?.as_ref()))
}

/// The row as readers get it, with its contact's name.
fn read_conversation(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    row: ConversationRow,
) -> Result<Conversation, ReadError> {
    let contact =
        EntityId::new(EntityKind::Contact, row.contact.as_slice().try_into().map_err(|_length| bad("contact"))?);
    let contact_row: Option<ContactRow> = load(snapshot, "contact", &keys::contact(tenant, contact))?;
    let medium = medium_of(&row.medium).ok_or_else(|| bad("medium"))?;
    let window = row.last_customer_at.filter(|_| medium == Medium::WhatsApp);
    let (agent, team) = (agent_of(&row)?, team_of(&row)?);
    let unanswered = row.unanswered.unwrap_or_default();
    let preview = row.preview.unwrap_or_default();
    Ok(Conversation {
        conversation,
        contact,
        contact_name: contact_row.unwrap_or_default().name,
        address: row.address,
        channel: ChannelId::new(row.channel).map_err(|_name| bad("channel"))?,
        medium,
        status: Status::from_number(row.status).ok_or_else(|| bad("status"))?,
        episode: row.episode,
        bot: row.pause.map_or(Ok(Bot::Active), |pause| read_pause(pause).map(Bot::Paused))?,
        agent,
        team,
        unread: unanswered::count(&unanswered),
        preview: preview.text,
        preview_kind: preview.kind,
        last_activity: Timestamp::from_millis(row.last_activity),
        waiting_since: unanswered::since(&unanswered).map(Timestamp::from_millis),
        window_expires_at: window.map(|last| Timestamp::from_millis(last) + WINDOW),
        version: row.version,
        sequence: row.sequence,
    })
}

fn read_pause(row: PauseRow) -> Result<Pause, ReadError> {
    Ok(Pause {
        reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("pause reason"))?,
        automatic: row.automatic,
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
        since: Timestamp::from_millis(row.since),
        note: Some(row.note).filter(|note| !note.is_empty()),
    })
}

fn agent_of(row: &ConversationRow) -> Result<Option<AgentId>, ReadError> {
    let agent = Some(row.agent.as_str()).filter(|agent| !agent.is_empty());
    agent.map(AgentId::new).transpose().map_err(|_name| bad("agent"))
}

fn team_of(row: &ConversationRow) -> Result<Option<TeamId>, ReadError> {
    let team = Some(row.team.as_str()).filter(|team| !team.is_empty());
    team.map(TeamId::new).transpose().map_err(|_name| bad("team"))
}

fn medium_of(word: &str) -> Option<Medium> {
    [Medium::WhatsApp, Medium::Sms, Medium::Email].into_iter().find(|medium| medium.as_str() == word)
}

fn load<T: prost::Message + Default>(snapshot: &Snapshot, table: &str, key: &[u8]) -> Result<Option<T>, ReadError> {
    let stored = snapshot.get(key).map_err(ReadError::Store)?;
    stored.map(|bytes| decode(table, &bytes).map_err(ReadError::BadRow)).transpose()
}

fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}

fn bad_key(error: KeyError) -> ReadError {
    ReadError::BadRow(error.to_string())
}
