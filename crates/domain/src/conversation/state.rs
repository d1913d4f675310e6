//! The smallest state of a conversation that can answer the rules.

use crate::actor::Actor;
use crate::conversation::event::{ConversationEvent, Medium, PauseReason};
use crate::id::{AgentId, ChannelId, EntityId, TeamId};
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
}

/// The status axis. Pending and snoozed come with their commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    Resolved { at: Timestamp },
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
        match event {
            ConversationEvent::EpisodeStarted { episode, .. } => {
                opened.episode = *episode;
                opened.status = Status::Open;
            }
            ConversationEvent::Reopened { .. } => opened.status = Status::Open,
            ConversationEvent::Resolved { .. } => opened.status = Status::Resolved { at },
            ConversationEvent::BotPaused { reason, .. } => {
                opened.bot = Bot::Paused { reason: *reason, by: by.clone(), since: at };
            }
            ConversationEvent::BotResumed { .. } => opened.bot = Bot::Active,
            ConversationEvent::Assigned { agent, team, .. } => {
                opened.agent.clone_from(agent);
                opened.team.clone_from(team);
            }
            ConversationEvent::Opened { .. }
            | ConversationEvent::MessageReceived(_)
            | ConversationEvent::MessageEchoed(_)
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
        Self { channel, contact, medium, status: Status::Open, episode: 0, bot: Bot::Active, agent: None, team: None }
    }
}
