//! A filter and a caller's access, in a tenant's numbers: what decides for a whole chunk at once.

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{Caller, Role, Scope, TagId, TenantId};

use super::chunk::{Chunk, NOBODY};
use super::mask::Mask;
use super::tenant::TenantColumns;
use crate::reader::{BotFilter, Filter, Status, Tab};

/// Conversations that match and that the caller may see; all but the search.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    now: i64,
    statuses: Vec<Status>,
    access: Access,
    bot: Option<BotFilter>,
    /// Any of these; empty: whatever it is.
    media: Vec<Medium>,
    priorities: Vec<Priority>,
    channels: Vec<u32>,
    tags: Vec<u32>,
    teams: Vec<u32>,
    agents: Vec<u32>,
    /// The tab's; beside the filter of agents.
    holder: Option<u32>,
    unread: bool,
    problem: bool,
    waiting_since_before: Option<i64>,
}

/// `Caller::sees`, in numbers.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    All,
    Granted {
        /// `None` if the caller holds nothing.
        me: Option<u32>,
        /// `None`: every one.
        channels: Option<Vec<u32>>,
        /// With [`NOBODY`].
        teams: Vec<u32>,
    },
}

impl Access {
    /// `None` if the caller sees nothing of this tenant.
    pub(crate) fn of(caller: &Caller, tenant: &TenantId, columns: &TenantColumns) -> Option<Self> {
        if caller.tenant != *tenant || caller.role == Role::Service {
            return None;
        }
        Some(match &caller.scope {
            Scope::Tenant => Self::All,
            Scope::Granted { channels, teams } => Self::Granted {
                me: columns.agent(caller.name.as_str()),
                channels: (!channels.is_empty())
                    .then(|| channels.iter().filter_map(|channel| columns.channel(channel.as_str())).collect()),
                teams: std::iter::once(NOBODY)
                    .chain(teams.iter().filter_map(|team| columns.team(team.as_str())))
                    .collect(),
            },
        })
    }

    /// Whether the caller sees what is there whoever holds it.
    pub(crate) fn grants(&self, channel: u32, team: u32) -> bool {
        match self {
            Self::All => true,
            Self::Granted { me: _, channels, teams } => {
                teams.contains(&team) && channels.as_ref().is_none_or(|channels| channels.contains(&channel))
            }
        }
    }

    /// Conversations of a chunk that the caller may see, of these.
    pub(crate) fn of_chunk(&self, chunk: &Chunk, mask: Mask) -> Mask {
        match self {
            Self::All => mask,
            Self::Granted { me, channels, teams } => {
                let granted = mask & chunk.teams.any_of(teams);
                let granted = channels.as_ref().map_or(granted, |channels| granted & chunk.channels.any_of(channels));
                let mine = me.map_or(Mask::EMPTY, |me| mask & chunk.agents.of(me));
                granted | mine
            }
        }
    }
}

impl Plan {
    /// `None` if nothing can match. `tags` are those of the filter that the workspace has.
    pub(crate) fn of(
        filter: &Filter,
        tags: &[TagId],
        access: Access,
        columns: &TenantColumns,
        now: i64,
    ) -> Option<Self> {
        let holder = match &filter.tab {
            Tab::All => None,
            Tab::Unassigned => Some(NOBODY),
            Tab::Mine(agent) => Some(columns.agent(agent.as_str())?),
        };
        let statuses =
            if filter.statuses.is_empty() { vec![Status::Open, Status::Pending] } else { filter.statuses.clone() };
        Some(Self {
            now,
            statuses,
            access,
            bot: filter.bot,
            media: filter.media.clone(),
            priorities: filter.priorities.clone(),
            channels: known(filter.channels.iter().map(|channel| columns.channel(channel.as_str())))?,
            tags: if filter.tags.is_empty() {
                Vec::new()
            } else {
                // All of them may have been deleted.
                Some(known(tags.iter().map(|tag| columns.tag(tag.bytes())))?).filter(|tags| !tags.is_empty())?
            },
            teams: known(filter.teams.iter().map(|team| columns.team(team.as_str())))?,
            agents: known(filter.agents.iter().map(|agent| columns.agent(agent.as_str())))?,
            holder,
            unread: filter.unread,
            problem: filter.problem,
            waiting_since_before: filter.waiting_since_before.map(relevo_domain::Timestamp::as_millis),
        })
    }

    /// The conversations of a chunk that match.
    pub(crate) fn of_chunk(&self, chunk: &Chunk) -> Mask {
        // What most conversations of most chunks do not have comes first: then the rest is not even looked at.
        let mut mask = self.holder.map_or(Mask::ALL, |holder| chunk.agents.of(holder));
        for (values, facet) in [
            (&self.channels, &chunk.channels),
            (&self.tags, &chunk.tags),
            (&self.agents, &chunk.agents),
            (&self.teams, &chunk.teams),
        ] {
            if !values.is_empty() {
                mask &= facet.any_of(values);
            }
            if mask.is_empty() {
                return mask;
            }
        }
        mask &= chunk.with_status(&self.statuses, self.now);
        match self.bot {
            None => {}
            Some(BotFilter::Paused) => mask &= chunk.paused,
            Some(BotFilter::Active) => mask &= !chunk.paused,
        }
        if self.unread {
            mask &= chunk.unread;
        }
        if self.problem {
            mask &= chunk.problem;
        }
        if !self.media.is_empty() {
            mask &= chunk.with_medium(&self.media);
        }
        if !self.priorities.is_empty() {
            mask &= chunk.with_priority(&self.priorities);
        }
        if mask.is_empty() {
            return mask;
        }
        if let Some(time) = self.waiting_since_before {
            mask &= chunk.waiting_since(time);
        }
        self.access.of_chunk(chunk, mask)
    }
}

/// The numbers of a filter's values that any conversation ever had; `None` if there are values, and none is known.
fn known(values: impl ExactSizeIterator<Item = Option<u32>>) -> Option<Vec<u32>> {
    let asked = values.len();
    let known: Vec<u32> = values.flatten().collect();
    (asked == 0 || !known.is_empty()).then_some(known)
}
