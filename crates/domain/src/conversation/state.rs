//! The smallest state of a conversation that can answer the rules.

use std::collections::BTreeSet;

use crate::actor::Actor;
use crate::conversation::event::{ConversationEvent, Medium, PauseReason, Priority};
use crate::id::{AgentId, ChannelId, EntityId, TagId, TeamId};
use crate::time::Timestamp;

/// What the rules need to know of a conversation. `Default` is a conversation that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    /// Present once the conversation was opened.
    pub opened: Option<Opened>,
}

/// A conversation that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub channel: ChannelId,
    pub contact: EntityId,
    pub medium: Medium,
    pub status: Status,
    pub episode: u32,
    pub bot: Bot,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub tags: BTreeSet<TagId>,
    pub priority: Priority,
    /// How many events the conversation has had: its version.
    pub version: u64,
    /// Version of the customer's last message that somebody has to read; 0 if there is none.
    pub customer_wrote: u64,
    /// Version up to which staff has read.
    pub read_through: u64,
}

/// The status axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    /// Waits for the customer or for a third party.
    Pending,
    /// Out of sight until then; without a time, until the customer writes.
    Snoozed {
        until: Option<Timestamp>,
    },
    Resolved {
        at: Timestamp,
    },
}

/// The bot axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bot {
    Active,
    Paused { reason: PauseReason, by: Actor, since: Timestamp },
}

impl State {
    /// The state after one more event. Total: the past is not up for debate.
    #[must_use]
    pub fn evolve(mut self, event: &ConversationEvent, at: Timestamp, by: &Actor) -> Self {
        if let ConversationEvent::Opened { channel, contact, medium } = event {
            self.opened = Some(Opened::new(channel.clone(), *contact, *medium));
            return self;
        }
        // Without `Opened` first there is nothing to change; a log that has this is caught by the version check.
        let Some(opened) = &mut self.opened else { return self };
        opened.version += 1;
        match event {
            ConversationEvent::EpisodeStarted { episode, .. } => {
                opened.episode = *episode;
                opened.status = Status::Open;
            }
            ConversationEvent::Reopened { .. } | ConversationEvent::ReturnedToOpen { .. } => {
                opened.status = Status::Open;
            }
            ConversationEvent::Resolved { .. } => opened.status = Status::Resolved { at },
            ConversationEvent::BotPaused { reason, .. } => {
                opened.bot = Bot::Paused { reason: *reason, by: by.clone(), since: at };
            }
            ConversationEvent::BotResumed { .. } => opened.bot = Bot::Active,
            ConversationEvent::Assigned { agent, team, .. } => {
                opened.agent.clone_from(agent);
                opened.team.clone_from(team);
            }
            ConversationEvent::MarkedPending { .. } => opened.status = Status::Pending,
            ConversationEvent::Snoozed { until, .. } => opened.status = Status::Snoozed { until: *until },
            ConversationEvent::TagAdded { tag } => {
                opened.tags.insert(*tag);
            }
            ConversationEvent::TagRemoved { tag } => {
                opened.tags.remove(tag);
            }
            ConversationEvent::PrioritySet { priority } => opened.priority = *priority,
            ConversationEvent::MarkedRead { through } => opened.read_through = opened.read_through.max(*through),
            ConversationEvent::MessageReceived(message) if message.is_a_persons_words() => {
                opened.customer_wrote = opened.version;
            }
            // What the business answered was read.
            ConversationEvent::MessageEchoed(_) => opened.read_through = opened.version,
            ConversationEvent::Opened { .. }
            | ConversationEvent::MessageReceived(_)
            | ConversationEvent::MessageEdited { .. }
            | ConversationEvent::MessageRevoked { .. }
            | ConversationEvent::ReactionChanged { .. }
            | ConversationEvent::DeliveryReported(_)
            | ConversationEvent::NoteAdded { .. } => {}
        }
        self
    }
}

impl Opened {
    fn new(channel: ChannelId, contact: EntityId, medium: Medium) -> Self {
        Self {
            channel,
            contact,
            medium,
            status: Status::Open,
            episode: 0,
            bot: Bot::Active,
            agent: None,
            team: None,
            tags: BTreeSet::new(),
            priority: Priority::None,
            version: 1,
            customer_wrote: 0,
            read_through: 0,
        }
    }
}
