//! What the decision store keeps: an entity's state, and where a command was applied.

mod bots;
mod bulk;
mod detection;
mod lists;
mod people;
mod places;
mod sending;

pub(crate) use detection::InForceRow;
pub(super) use places::{CommandRow, MailRow, MessageRow, SentRow};

use relevo_domain::bulk as bulk_domain;
use relevo_domain::conversation::{self, Bot, Medium, Opened, PauseReason, PauseTerms, Priority, Status};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{
    Actor, AgentId, ChannelId, CommitHash, EntityKind, Event, Recorded, TagId, TagName, TeamId, Timestamp, channel,
    contact, workspace,
};

/// The decision state of an entity of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "most entities that are kept are conversations")]
pub enum EntityState {
    Conversation(conversation::State),
    Contact(contact::State),
    /// The binding, once there is one.
    Identity(Option<IdentityEvent>),
    Channel(channel::State),
    Workspace(workspace::State),
    Bulk(bulk_domain::State),
}

/// An entity as the log left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub state: EntityState,
    /// Stream sequence of its last commit; 0 if there is none.
    pub sequence: u64,
    /// Version after its last event; 0 if there is none.
    pub version: u64,
    /// Hash of its last commit; all zero if there is none.
    pub hash: CommitHash,
}

impl Entity {
    /// An entity without a commit.
    pub fn absent(kind: EntityKind) -> Self {
        let state = match kind {
            EntityKind::Conversation => EntityState::Conversation(conversation::State::default()),
            EntityKind::Contact => EntityState::Contact(contact::State::default()),
            EntityKind::Identity => EntityState::Identity(None),
            EntityKind::Channel => EntityState::Channel(channel::State::default()),
            EntityKind::Workspace => EntityState::Workspace(workspace::State::default()),
            EntityKind::Bulk => EntityState::Bulk(bulk_domain::State::default()),
        };
        Self { state, sequence: 0, version: 0, hash: [0; 32] }
    }

    /// The entity after one more commit of it.
    #[must_use]
    pub fn evolve(mut self, recorded: &Recorded) -> Self {
        let commit = &recorded.commit;
        for event in &commit.events {
            self.state = self.state.evolve(event, commit.occurred_at, &commit.actor);
        }
        self.sequence = recorded.sequence;
        self.version = commit.last_version();
        self.hash = recorded.hash;
        self
    }
}

impl Entity {
    /// The conversation, if its bot is paused.
    pub const fn paused(&self) -> Option<&Opened> {
        match &self.state {
            EntityState::Conversation(conversation::State { opened: Some(opened) })
                if matches!(opened.bot, Bot::Paused { .. }) =>
            {
                Some(opened)
            }
            EntityState::Conversation(_)
            | EntityState::Contact(_)
            | EntityState::Identity(_)
            | EntityState::Channel(_)
            | EntityState::Workspace(_)
            | EntityState::Bulk(_) => None,
        }
    }
}

impl EntityState {
    /// Total: an event of another kind of entity changes nothing.
    fn evolve(self, event: &Event, at: Timestamp, by: &Actor) -> Self {
        match (self, event) {
            (Self::Conversation(state), Event::Conversation(event)) => Self::Conversation(state.evolve(event, at, by)),
            (Self::Contact(state), Event::Contact(event)) => Self::Contact(state.evolve(event)),
            (Self::Identity(None), Event::Identity(event)) => Self::Identity(Some(event.clone())),
            (Self::Channel(state), Event::Channel(event)) => Self::Channel(state.evolve(event)),
            (Self::Workspace(state), Event::Workspace(event)) => Self::Workspace(state.evolve(event)),
            (Self::Bulk(state), Event::Bulk(event)) => Self::Bulk(state.evolve(event)),
            (state, _) => state,
        }
    }
}

// === stored form ===

/// A stored row that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("decision row cannot be read: {0}")]
pub struct BadRow(pub String);

#[derive(Clone, PartialEq, prost::Message)]
struct EntityRow {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(bytes = "vec", tag = "3")]
    hash: Vec<u8>,
    #[prost(oneof = "StateRow", tags = "4, 5, 6, 9, 10, 11")]
    state: Option<StateRow>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
#[expect(clippy::large_enum_variant, reason = "most rows that are read are conversations")]
enum StateRow {
    #[prost(message, tag = "4")]
    Conversation(ConversationRow),
    #[prost(message, tag = "5")]
    Contact(people::ContactRow),
    #[prost(message, tag = "6")]
    Identity(people::IdentityRow),
    // 7 was the channel of version 3, which had no state; 8 was the fingerprint of version 1.
    #[prost(message, tag = "9")]
    Workspace(WorkspaceRow),
    #[prost(message, tag = "10")]
    Channel(lists::ChannelRow),
    #[prost(message, tag = "11")]
    Bulk(bulk::BulkRow),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConversationRow {
    #[prost(string, tag = "1")]
    channel: String,
    #[prost(string, tag = "2")]
    contact: String,
    #[prost(string, tag = "3")]
    medium: String,
    /// Absent while open.
    #[prost(int64, optional, tag = "4")]
    resolved_at: Option<i64>,
    #[prost(uint32, tag = "5")]
    episode: u32,
    /// Absent while the bot is active.
    #[prost(message, optional, tag = "6")]
    pause: Option<PauseRow>,
    #[prost(string, optional, tag = "7")]
    agent: Option<String>,
    #[prost(string, optional, tag = "8")]
    team: Option<String>,
    #[prost(bool, tag = "9")]
    pending: bool,
    #[prost(bool, tag = "10")]
    snoozed: bool,
    /// Absent if it is not snoozed, or snoozed until the customer writes.
    #[prost(int64, optional, tag = "11")]
    snoozed_until: Option<i64>,
    #[prost(bytes = "vec", repeated, tag = "12")]
    tags: Vec<Vec<u8>>,
    #[prost(string, tag = "13")]
    priority: String,
    #[prost(uint64, tag = "14")]
    version: u64,
    #[prost(uint64, tag = "15")]
    customer_wrote: u64,
    #[prost(uint64, tag = "16")]
    read_through: u64,
    #[prost(message, optional, tag = "17")]
    sending: Option<sending::SendingRow>,
    #[prost(message, optional, tag = "18")]
    bots: Option<bots::BotsRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PauseRow {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    by_kind: String,
    #[prost(string, tag = "3")]
    by_name: String,
    #[prost(int64, tag = "4")]
    since: i64,
    #[prost(int64, optional, tag = "5")]
    until: Option<i64>,
    #[prost(bool, tag = "6")]
    locked: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WorkspaceRow {
    #[prost(string, optional, tag = "1")]
    id_key: Option<String>,
    #[prost(message, repeated, tag = "2")]
    tags: Vec<TagRow>,
    #[prost(message, repeated, tag = "3")]
    quick_replies: Vec<lists::QuickReplyRow>,
    #[prost(message, optional, tag = "4")]
    detection: Option<detection::PolicyRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TagRow {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    colour: String,
}

pub(super) fn encode(entity: &Entity) -> Vec<u8> {
    let state = match &entity.state {
        EntityState::Conversation(state) => {
            state.opened.as_ref().map(|opened| StateRow::Conversation(conversation_row(opened)))
        }
        EntityState::Contact(state) => Some(StateRow::Contact(people::contact_row(state))),
        EntityState::Identity(binding) => {
            binding.as_ref().map(|binding| StateRow::Identity(people::identity_row(binding)))
        }
        EntityState::Channel(state) => Some(StateRow::Channel(lists::channel_row(state))),
        EntityState::Workspace(state) => Some(StateRow::Workspace(workspace_row(state))),
        EntityState::Bulk(state) => state.job.as_ref().map(|job| StateRow::Bulk(bulk::row(job))),
    };
    let row = EntityRow { sequence: entity.sequence, version: entity.version, hash: entity.hash.to_vec(), state };
    prost::Message::encode_to_vec(&row)
}

/// The sequence of an entity's last commit, without reading the rest of its row.
#[derive(Clone, PartialEq, prost::Message)]
struct SequenceRow {
    #[prost(uint64, tag = "1")]
    sequence: u64,
}

pub(super) fn sequence(bytes: &[u8]) -> Result<u64, BadRow> {
    let row = <SequenceRow as prost::Message>::decode(bytes).map_err(|error| BadRow(error.to_string()))?;
    Ok(row.sequence)
}

pub(super) fn decode(kind: EntityKind, bytes: &[u8]) -> Result<Entity, BadRow> {
    let row = <EntityRow as prost::Message>::decode(bytes).map_err(|error| BadRow(error.to_string()))?;
    let mut entity = Entity::absent(kind);
    entity.sequence = row.sequence;
    entity.version = row.version;
    entity.hash = row.hash.try_into().map_err(|_bytes| BadRow("hash is not 32 bytes".to_owned()))?;
    match row.state {
        Some(StateRow::Conversation(row)) => {
            entity.state = EntityState::Conversation(conversation::State { opened: Some(opened(row)?) });
        }
        Some(StateRow::Contact(row)) => entity.state = EntityState::Contact(people::contact(row)?),
        Some(StateRow::Identity(row)) => entity.state = EntityState::Identity(Some(people::identity(row)?)),
        Some(StateRow::Workspace(row)) => entity.state = EntityState::Workspace(workspace(row)?),
        Some(StateRow::Channel(row)) => entity.state = EntityState::Channel(lists::channel(row)?),
        Some(StateRow::Bulk(row)) => entity.state = EntityState::Bulk(bulk::read(row)?),
        None => {}
    }
    Ok(entity)
}

fn conversation_row(opened: &Opened) -> ConversationRow {
    let pause = match &opened.bot {
        Bot::Active => None,
        Bot::Paused { reason, by, since, terms } => {
            let (by_kind, by_name) = actor_words(by);
            Some(PauseRow {
                reason: reason.as_str().to_owned(),
                by_kind,
                by_name,
                since: since.as_millis(),
                until: terms.until.map(Timestamp::as_millis),
                locked: terms.locked,
            })
        }
    };
    ConversationRow {
        channel: opened.channel.to_string(),
        contact: opened.contact.to_string(),
        medium: opened.medium.as_str().to_owned(),
        resolved_at: match opened.status {
            Status::Open | Status::Pending | Status::Snoozed { .. } => None,
            Status::Resolved { at } => Some(at.as_millis()),
        },
        pending: opened.status == Status::Pending,
        snoozed: matches!(opened.status, Status::Snoozed { .. }),
        snoozed_until: match opened.status {
            Status::Snoozed { until } => until.map(Timestamp::as_millis),
            Status::Open | Status::Pending | Status::Resolved { .. } => None,
        },
        tags: opened.tags.iter().map(|tag| tag.bytes().to_vec()).collect(),
        priority: opened.priority.as_str().to_owned(),
        version: opened.version,
        customer_wrote: opened.customer_wrote,
        read_through: opened.read_through,
        episode: opened.episode,
        pause,
        agent: opened.agent.as_ref().map(AgentId::to_string),
        team: opened.team.as_ref().map(TeamId::to_string),
        sending: Some(sending::row(opened)),
        bots: Some(bots::row(opened)),
    }
}

fn opened(row: ConversationRow) -> Result<Opened, BadRow> {
    let bot = match row.pause {
        None => Bot::Active,
        Some(pause) => Bot::Paused {
            reason: PauseReason::parse(&pause.reason).ok_or_else(|| bad("pause reason"))?,
            by: actor(&pause.by_kind, &pause.by_name)?,
            since: Timestamp::from_millis(pause.since),
            terms: PauseTerms { until: pause.until.map(Timestamp::from_millis), locked: pause.locked },
        },
    };
    let medium =
        [Medium::WhatsApp, Medium::Sms, Medium::Email].into_iter().find(|medium| medium.as_str() == row.medium);
    let status = match (row.resolved_at, row.pending, row.snoozed) {
        (Some(at), _, _) => Status::Resolved { at: Timestamp::from_millis(at) },
        (None, true, _) => Status::Pending,
        (None, false, true) => Status::Snoozed { until: row.snoozed_until.map(Timestamp::from_millis) },
        (None, false, false) => Status::Open,
    };
    let bots = row.bots.map(bots::read).transpose()?.unwrap_or_default();
    let sending = row.sending.map(sending::read).transpose()?.unwrap_or_default();
    Ok(Opened {
        channel: ChannelId::new(row.channel).map_err(unreadable)?,
        contact: row.contact.parse().map_err(unreadable)?,
        medium: medium.ok_or_else(|| bad("medium"))?,
        status,
        episode: row.episode,
        bot,
        agent: row.agent.map(AgentId::new).transpose().map_err(unreadable)?,
        team: row.team.map(TeamId::new).transpose().map_err(unreadable)?,
        tags: row.tags.iter().map(|bytes| tag_id(bytes)).collect::<Result<_, _>>()?,
        priority: Priority::parse(&row.priority).ok_or_else(|| bad("priority"))?,
        version: row.version,
        customer_wrote: row.customer_wrote,
        read_through: row.read_through,
        customer_spoke_at: sending.customer_spoke_at,
        reply_address: sending.reply_address,
        last_received: sending.last_received,
        last_answer: sending.last_answer,
        outbox: sending.outbox,
        turns: bots.turns,
        waiting_since: bots.waiting_since,
        watch: bots.watch,
        alerts: bots.alerts,
        answered_by: bots.answered_by,
        locked_by: bots.locked_by,
        signal: bots.signal,
    })
}

fn tag_id(bytes: &[u8]) -> Result<TagId, BadRow> {
    bytes.try_into().map(TagId::new).map_err(|_length| bad("tag id"))
}

fn workspace_row(state: &workspace::State) -> WorkspaceRow {
    let tags = state.tags.iter().map(|(id, tag)| TagRow {
        id: id.bytes().to_vec(),
        name: tag.name.to_string(),
        colour: tag.colour.to_string(),
    });
    WorkspaceRow {
        id_key: state.id_key.clone(),
        tags: tags.collect(),
        quick_replies: state.quick_replies.iter().map(lists::quick_reply_row).collect(),
        detection: detection::row(&state.detection),
    }
}

fn workspace(row: WorkspaceRow) -> Result<workspace::State, BadRow> {
    let tags = row.tags.iter().map(|tag| {
        let name = TagName::new(&tag.name).map_err(|_name| bad("tag name"))?;
        let colour = tag.colour.parse().map_err(|_colour| bad("tag colour"))?;
        Ok((tag_id(&tag.id)?, workspace::Tag { name, colour }))
    });
    Ok(workspace::State {
        tags: tags.collect::<Result<_, BadRow>>()?,
        id_key: row.id_key,
        quick_replies: row.quick_replies.into_iter().map(lists::quick_reply).collect(),
        detection: detection::read(row.detection)?,
    })
}

fn actor_words(actor: &Actor) -> (String, String) {
    let (kind, name) = match actor {
        Actor::Customer => ("customer", ""),
        Actor::Staff(name) => ("staff", name.as_str()),
        Actor::Bot(name) => ("bot", name.as_str()),
        Actor::PhoneApp => ("phone_app", ""),
        Actor::Provider => ("provider", ""),
        Actor::System => ("system", ""),
    };
    (kind.to_owned(), name.to_owned())
}

fn actor(kind: &str, name: &str) -> Result<Actor, BadRow> {
    let agent = || AgentId::new(name).map_err(unreadable);
    Ok(match kind {
        "customer" => Actor::Customer,
        "staff" => Actor::Staff(agent()?),
        "bot" => Actor::Bot(agent()?),
        "phone_app" => Actor::PhoneApp,
        "provider" => Actor::Provider,
        "system" => Actor::System,
        _ => return Err(bad("actor")),
    })
}

fn identifier_kind(word: &str) -> Result<IdentifierKind, BadRow> {
    IdentifierKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| bad("identifier kind"))
}

fn bad(what: &str) -> BadRow {
    BadRow(format!("unknown {what}"))
}

fn unreadable(error: impl std::fmt::Display) -> BadRow {
    BadRow(error.to_string())
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
