//! Who is calling and what they may see and do. The caller comes from the credential, never from the request.

use std::collections::BTreeSet;

use crate::actor::Actor;
use crate::id::{AgentId, ChannelId, TeamId, TenantId};
use crate::time::Timestamp;

/// What an API key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Answers customers, on the channels and teams granted.
    Agent,
    /// Sees and directs the whole tenant.
    Supervisor,
    /// A supervisor who also operates the installation for the tenant.
    Admin,
    /// A bot's client: reads and writes as a bot, never as staff.
    Bot,
    /// Reads lists and figures; changes nothing.
    Analyst,
    /// Operates: intake, log and views; does not answer customers.
    Ops,
    /// A frontend's own server: mints tokens for the agents that it has signed in, and does nothing else.
    Service,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Agent, Self::Supervisor, Self::Admin, Self::Bot, Self::Analyst, Self::Ops, Self::Service];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
            Self::Bot => "bot",
            Self::Analyst => "analyst",
            Self::Ops => "ops",
            Self::Service => "service",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Agents, supervisors and admins: the people who attend to customers.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Agent | Self::Supervisor | Self::Admin)
    }

    /// Whether the role works on the whole tenant, whatever channels and teams are granted.
    pub const fn sees_tenant(self) -> bool {
        matches!(self, Self::Supervisor | Self::Admin | Self::Analyst | Self::Ops)
    }

    /// Whether the role may use the operators' services (intake, log, views).
    pub const fn operates(self) -> bool {
        matches!(self, Self::Admin | Self::Ops)
    }
}

/// What somebody may see inside a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything of the tenant.
    Tenant,
    /// Conversations of these channels that are no team's or one of these teams', and the caller's own wherever they are.
    /// An empty set of channels means every channel.
    Granted { channels: BTreeSet<ChannelId>, teams: BTreeSet<TeamId> },
}

/// Until when a caller's credential is good; absent for one that does not expire. Stands next to the caller in a request's
/// extensions, so that a stream that outlives it can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidUntil(pub Timestamp);

/// The caller of a request, made from its API key or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: TenantId,
    pub role: Role,
    /// The agent or bot that the key belongs to.
    pub name: AgentId,
    pub scope: Scope,
}

impl Caller {
    /// The actor that this caller's commits carry.
    pub fn actor(&self) -> Actor {
        match self.role {
            Role::Bot => Actor::Bot(self.name.clone()),
            Role::Agent | Role::Supervisor | Role::Admin | Role::Analyst | Role::Ops | Role::Service => {
                Actor::Staff(self.name.clone())
            }
        }
    }

    /// Whether this caller may see a conversation of `channel` that is assigned as given.
    ///
    /// An agent sees what is their own, and on granted channels everything that is no team's or one of their teams': whoever
    /// works on a channel sees what colleagues there hold, unless it was given to a team that is not theirs.
    pub fn sees(&self, channel: &ChannelId, agent: Option<&AgentId>, team: Option<&TeamId>) -> bool {
        if self.role == Role::Service {
            return false;
        }
        match &self.scope {
            Scope::Tenant => true,
            Scope::Granted { channels, teams } => {
                let channel_granted = channels.is_empty() || channels.contains(channel);
                let mine = agent == Some(&self.name);
                let team_granted = team.is_none_or(|team| teams.contains(team));
                mine || (channel_granted && team_granted)
            }
        }
    }
}
