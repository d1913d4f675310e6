//! Reads the inbox view: what callers see, with their access applied and every limit enforced.
//!
//! Lists and counters work on a view's snapshot, whose rows and columns are of one moment. What is asked for by id works on any
//! source of rows, so that the same functions answer reads of the past from folded rows. What a caller may not see does not
//! exist for them. `now` is the caller's: it decides which snoozed conversations are due. Nothing here waits, writes or knows a
//! wire format.

mod changes;
mod contact;
mod counters;
mod list;
mod query;
mod tags;
mod thread;
mod turn;
mod writing;

use relevo_domain::conversation::{Alert, Medium, PauseReason, PauseTerms, Priority};
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TagId, TeamId, TenantId, Timestamp};
use relevo_projection::RowSource;
use relevo_projection::row::{self, BadRow};
use relevo_readstore::{KeyError, StoreError};

use crate::conversation::{OPEN, PENDING, RESOLVED, SNOOZED, WINDOW};
use crate::keys;
use crate::row::{AlertRow, ContactRow, ConversationRow, EscalationRow, PauseRow, SendState};

pub use changes::{CHANGED_OF_CONTACT_MAX, CHANGES_LIMIT_MAX, Changes, changed_since, touched_since};
pub use contact::{
    CONTACT_CONVERSATIONS_MAX, Contact, ContactLink, LINKED_CONTACTS_MAX, contact, contact_conversations, linked_to,
    sees_contact,
};
pub use counters::{Counters, TabCounts, counters};
pub use list::{Matching, Page, Placed, list, matching, place};
pub use query::{BotFilter, Cursor, Filter, LIST_LIMIT_MAX, ListQuery, SEARCH_CHARS_MAX, Sort, Tab};
pub use tags::{Tag, tags};
pub use thread::{
    THREAD_LIMIT_MAX, THREAD_PAGE_BYTES_MAX, ThreadChanges, ThreadCursor, ThreadEntry, ThreadPage, thread,
    thread_before, thread_changed_since, thread_message,
};
pub use turn::{next_due, next_waiting};
pub use writing::{channel_paused_since, quick_replies, templates};

/// Why the view could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("inbox view cannot be read")]
    Store(#[from] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("inbox view holds a row that cannot be read: {0}")]
    BadRow(String),
    /// An older version of the view is served while this one is built; lists are not possible until then.
    #[error("inbox view has no columns yet: it is being built anew")]
    Building,
}

/// A conversation as a list shows it. `contact_name`, `customer`, `address`, `preview` and the pause's note are personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the id is called after its entity everywhere")]
pub struct Conversation {
    pub conversation: EntityId,
    pub contact: EntityId,
    /// As the provider last gave it; empty if unknown.
    pub contact_name: String,
    /// The customer record that the contact is linked to.
    pub customer: Option<Customer>,
    /// What the customer last wrote from; replies go there. Empty before the first message.
    pub address: String,
    pub channel: ChannelId,
    pub medium: Medium,
    /// As it reads now: a snooze whose time has come reads as open.
    pub status: Status,
    /// It is snoozed and its time has come: `status` says open.
    pub due: bool,
    /// Of a conversation that is snoozed (due or not); absent if it sleeps until the customer writes.
    pub snoozed_until: Option<Timestamp>,
    pub priority: Priority,
    /// By id; tags that the workspace has deleted are not here.
    pub tags: Vec<Tag>,
    pub episode: u32,
    pub bot: Bot,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    /// Messages of the customer that came after what staff has read or answered. Exact up to 256 separate bursts; beyond, what
    /// is left of a burst that was read in its middle counts as unread, up to its number of versions.
    pub unread: u64,
    /// One line of the latest message; empty if it has no text.
    pub preview: String,
    /// Kind of the latest message; empty if there is none.
    pub preview_kind: String,
    /// How the latest message stands, if it was sent with Relevo.
    pub preview_state: SendState,
    /// What the business sent last failed, or nobody knows.
    pub problem: bool,
    pub last_activity: Timestamp,
    /// When the oldest message was written that no person (or active bot) has answered since. Reading answers nothing.
    pub waiting_since: Option<Timestamp>,
    /// Until when WhatsApp accepts free text; absent elsewhere, and before the customer's first message or reaction.
    pub window_expires_at: Option<Timestamp>,
    pub version: u64,
    /// Sequence of the last commit in this row.
    pub sequence: u64,
}

/// A customer record of the business. Both fields are personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its key in the business's own records.
    pub id: String,
    /// Empty if nobody gave one.
    pub name: String,
}

/// The status axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Open,
    /// Waits for the customer or for a third party.
    Pending,
    /// Out of sight until a time, or until the customer writes.
    Snoozed,
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
    pub terms: PauseTerms,
    /// The last since it began.
    pub escalation: Option<Escalation>,
    /// The last of each kind since it began, in the order of the log.
    pub alerts: Vec<RaisedAlert>,
}

/// Staff was alerted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaisedAlert {
    pub alert: Alert,
    /// Since when it had been so.
    pub since: Timestamp,
    pub at: Timestamp,
    /// Of its commit.
    pub sequence: u64,
}

/// Somebody was asked to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    pub to: AgentId,
    pub by: Actor,
    pub at: Timestamp,
    pub reason: PauseReason,
    /// Of its commit.
    pub sequence: u64,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Open, Self::Pending, Self::Snoozed, Self::Resolved];

    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Open => OPEN,
            Self::Pending => PENDING,
            Self::Snoozed => SNOOZED,
            Self::Resolved => RESOLVED,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.number() == number)
    }
}

/// One conversation, if it exists and `visible` may see it.
pub fn conversation(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    now: Timestamp,
) -> Result<Option<Conversation>, ReadError> {
    match visible_row(source, tenant, conversation, visible)? {
        Some(row) => Shower::new(source, tenant, now).show(conversation, row).map(Some),
        None => Ok(None),
    }
}

fn visible_row(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<ConversationRow>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let row: Option<ConversationRow> = load(source, "conversation", &keys::conversation(tenant, conversation))?;
    match row {
        Some(row) if sees(visible, &row)? => Ok(Some(row)),
        Some(_) | None => Ok(None),
    }
}

fn sees(visible: &Caller, row: &ConversationRow) -> Result<bool, ReadError> {
    let channel = ChannelId::new(row.channel.as_str()).map_err(|_name| bad("channel"))?;
    Ok(visible.sees(&channel, agent_of(row)?.as_ref(), team_of(row)?.as_ref()))
}

/// Makes what readers get of rows, with the contact's name and the tags joined. One a read: it remembers the tags.
struct Shower<'a> {
    source: &'a dyn RowSource,
    tenant: &'a TenantId,
    now: Timestamp,
    tags: tags::Cache,
}

impl<'a> Shower<'a> {
    fn new(source: &'a dyn RowSource, tenant: &'a TenantId, now: Timestamp) -> Self {
        Self { source, tenant, now, tags: tags::Cache::default() }
    }

    fn show(&mut self, conversation: EntityId, row: ConversationRow) -> Result<Conversation, ReadError> {
        let known = load(self.source, "contact", &keys::contact(self.tenant, contact_of(&row)?))?;
        self.show_with(conversation, row, known)
    }

    /// Many of them: what they need beside their rows is read at once.
    fn show_all(&mut self, rows: Vec<(EntityId, ConversationRow)>) -> Result<Vec<Conversation>, ReadError> {
        self.tags.load(self.source, self.tenant, rows.iter().flat_map(|(_, row)| &row.tags))?;
        let mut contacts = Vec::with_capacity(rows.len());
        for (_, row) in &rows {
            contacts.push(keys::contact(self.tenant, contact_of(row)?));
        }
        let known = load_many(self.source, "contact", &contacts)?;
        rows.into_iter().zip(known).map(|((id, row), known)| self.show_with(id, row, known)).collect()
    }

    fn show_with(
        &mut self,
        conversation: EntityId,
        row: ConversationRow,
        known: Option<ContactRow>,
    ) -> Result<Conversation, ReadError> {
        let (contact, known) = (contact_of(&row)?, known.unwrap_or_default());
        let medium = medium_of(&row.medium).ok_or_else(|| bad("medium"))?;
        let window = row.last_customer_at.filter(|_| medium == Medium::WhatsApp);
        let (agent, team) = (agent_of(&row)?, team_of(&row)?);
        let due = is_due(&row, self.now);
        let status = Status::from_number(row.status).ok_or_else(|| bad("status"))?;
        let tags = self.tags.named(self.source, self.tenant, &row.tags)?;
        let preview = row.preview.unwrap_or_default();
        Ok(Conversation {
            conversation,
            contact,
            contact_name: known.name,
            customer: known.customer.map(|customer| Customer { id: customer.id, name: customer.name }),
            address: row.address,
            channel: ChannelId::new(row.channel).map_err(|_name| bad("channel"))?,
            medium,
            status: if due { Status::Open } else { status },
            due,
            snoozed_until: row.snoozed_until.map(Timestamp::from_millis),
            priority: priority_of(row.priority).ok_or_else(|| bad("priority"))?,
            tags,
            episode: row.episode,
            bot: row.pause.map_or(Ok(Bot::Active), |pause| read_pause(pause).map(Bot::Paused))?,
            agent,
            team,
            unread: row.unread,
            preview_state: SendState::try_from(preview.state).map_err(|_number| bad("send state"))?,
            problem: row.problem,
            preview: preview.text,
            preview_kind: preview.kind,
            last_activity: Timestamp::from_millis(row.last_activity),
            waiting_since: row.waiting_since.map(Timestamp::from_millis),
            window_expires_at: window.map(|last| Timestamp::from_millis(last) + WINDOW),
            version: row.version,
            sequence: row.sequence,
        })
    }
}

fn contact_of(row: &ConversationRow) -> Result<EntityId, ReadError> {
    let bytes = row.contact.as_slice().try_into().map_err(|_length| bad("contact"))?;
    Ok(EntityId::new(EntityKind::Contact, bytes))
}

fn is_due(row: &ConversationRow, now: Timestamp) -> bool {
    row.status == SNOOZED && row.snoozed_until.is_some_and(|until| until <= now.as_millis())
}

fn read_escalation(row: EscalationRow) -> Result<Escalation, ReadError> {
    Ok(Escalation {
        to: AgentId::new(row.to).map_err(|_name| bad("agent"))?,
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
        at: Timestamp::from_millis(row.at),
        reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("pause reason"))?,
        sequence: row.sequence,
    })
}

fn read_alert(row: &AlertRow) -> Result<RaisedAlert, ReadError> {
    Ok(RaisedAlert {
        alert: Alert::parse(&row.alert).ok_or_else(|| bad("alert"))?,
        since: Timestamp::from_millis(row.since),
        at: Timestamp::from_millis(row.at),
        sequence: row.sequence,
    })
}

fn read_pause(row: PauseRow) -> Result<Pause, ReadError> {
    Ok(Pause {
        escalation: row.escalation.map(read_escalation).transpose()?,
        alerts: row.alerts.iter().map(read_alert).collect::<Result<_, _>>()?,
        reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("pause reason"))?,
        automatic: row.automatic,
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
        since: Timestamp::from_millis(row.since),
        note: Some(row.note).filter(|note| !note.is_empty()),
        terms: PauseTerms { until: row.until.map(Timestamp::from_millis), locked: row.locked },
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

fn priority_of(number: u32) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| *priority as u32 == number)
}

fn tag_of(bytes: &[u8]) -> Result<TagId, ReadError> {
    bytes.try_into().map(TagId::new).map_err(|_length| bad("tag"))
}

fn load<T: prost::Message + Default>(source: &dyn RowSource, table: &str, key: &[u8]) -> Result<Option<T>, ReadError> {
    let stored = source.get(key)?;
    stored.map(|bytes| row::decode(table, &bytes).map_err(ReadError::from)).transpose()
}

/// In the order of the keys.
fn load_many<T: prost::Message + Default>(
    source: &dyn RowSource,
    table: &str,
    keys: &[Vec<u8>],
) -> Result<Vec<Option<T>>, ReadError> {
    let decoded =
        |row: Option<Vec<u8>>| row.map(|bytes| row::decode(table, &bytes).map_err(ReadError::from)).transpose();
    source.get_many(keys)?.into_iter().map(decoded).collect()
}

impl From<BadRow> for ReadError {
    fn from(bad: BadRow) -> Self {
        Self::BadRow(bad.0)
    }
}

impl From<KeyError> for ReadError {
    fn from(error: KeyError) -> Self {
        Self::BadRow(error.to_string())
    }
}

fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}
