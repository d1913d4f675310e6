//! A filter and a caller's access, in a tenant's numbers: what decides for one conversation, and for 65,536 at once.

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{Caller, Role, Scope, TagId, TenantId};

use super::bits::{self, WORDS, Words};
use super::facets::Facets;
use super::table::{NOBODY, Row};
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

    /// Whether the caller may see this conversation.
    pub(crate) fn sees(&self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Granted { me, .. } => *me == Some(row.agent) || self.grants(row.channel, row.team),
        }
    }

    /// Leaves what the caller may see, in one segment.
    fn narrow(&self, facets: &Facets, segment: usize, out: &mut Words) {
        match self {
            Self::All => {}
            Self::Granted { me, channels, teams } => {
                let mut seen = [0; WORDS];
                facets.teams.add_to(teams, segment, &mut seen);
                if let Some(channels) = channels {
                    facets.channels.narrow(channels, segment, &mut seen);
                }
                facets.agents.add_to(me.as_slice(), segment, &mut seen);
                bits::intersect(out, &seen);
            }
        }
    }
}

/// What depends on the clock, as bits of a whole tenant; `None` where nobody asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// Snoozed ones whose time has come.
    due: Option<Vec<u64>>,
    /// Those who have waited for long enough.
    waiting: Option<Vec<u64>>,
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

    /// Whether a conversation matches.
    pub(crate) fn matches(&self, columns: &TenantColumns, ordinal: u32) -> bool {
        let Some(row) = columns.table().row(ordinal) else { return false };
        let any = |wanted: &[u32], value| wanted.is_empty() || wanted.contains(&value);
        self.holder.is_none_or(|holder| holder == row.agent)
            && any(&self.channels, row.channel)
            && any(&self.agents, row.agent)
            && any(&self.teams, row.team)
            && self.statuses.contains(&row.reads_as(self.now))
            && self.bot.is_none_or(|bot| (bot == BotFilter::Paused) == row.paused())
            && (!self.unread || row.unread())
            && (!self.problem || row.problem())
            && (self.media.is_empty() || self.media.contains(&row.medium))
            && (self.priorities.is_empty() || self.priorities.contains(&row.priority))
            && self.waiting_since_before.is_none_or(|time| row.waiting_since <= time)
            && self.access.sees(row)
            && (self.tags.is_empty() || columns.table().has_tag(ordinal, &self.tags))
    }

    /// What [`Plan::narrow`] needs of the clock, for the whole tenant.
    pub(crate) fn times(&self, columns: &TenantColumns) -> Times {
        let wants = |status| self.statuses.contains(&status);
        // Under both or neither of the two it does not matter what is due.
        let due = (wants(Status::Open) != wants(Status::Snoozed)).then(|| columns.due(self.now));
        Times { due, waiting: self.waiting_since_before.map(|time| columns.waiting_since(time)) }
    }

    /// Leaves the conversations of a segment that match.
    pub(crate) fn narrow(&self, columns: &TenantColumns, times: &Times, segment: usize, out: &mut Words) {
        let facets = columns.facets();
        // What most conversations do not have comes first: then the rest is not even looked at.
        for (values, facet) in [
            (self.holder.as_slice(), &facets.agents),
            (&self.tags, &facets.tags),
            (&self.agents, &facets.agents),
            (&self.channels, &facets.channels),
            (&self.teams, &facets.teams),
            (&self.priorities.iter().map(|priority| *priority as u32).collect::<Vec<_>>(), &facets.priorities),
            (&self.media.iter().map(|medium| *medium as u32).collect::<Vec<_>>(), &facets.media),
        ] {
            if !values.is_empty() {
                facet.narrow(values, segment, out);
                if bits::is_empty(out) {
                    return;
                }
            }
        }
        if let Some(bot) = self.bot {
            match bot {
                BotFilter::Paused => facets.paused.narrow(segment, out),
                BotFilter::Active => facets.paused.narrow_to_others(segment, out),
            }
        }
        if self.unread {
            facets.unread.narrow(segment, out);
        }
        if self.problem {
            facets.problem.narrow(segment, out);
        }
        if let Some(waiting) = &times.waiting {
            bits::intersect(out, bits::segment(waiting, segment));
        }
        self.narrow_to_status(facets, times, segment, out);
        if !bits::is_empty(out) {
            self.access.narrow(facets, segment, out);
        }
    }

    /// Leaves those whose status reads as one of these.
    fn narrow_to_status(&self, facets: &Facets, times: &Times, segment: usize, out: &mut Words) {
        let mut stored = [0; WORDS];
        for status in &self.statuses {
            facets.statuses.add_to(&[*status as u32], segment, &mut stored);
        }
        if let Some(due) = &times.due {
            let due = bits::segment(due, segment);
            if self.statuses.contains(&Status::Open) {
                stored.iter_mut().zip(due).for_each(|(word, due)| *word |= due);
            } else {
                stored.iter_mut().zip(due).for_each(|(word, due)| *word &= !due);
            }
        }
        bits::intersect(out, &stored);
    }
}

/// The numbers of a filter's values that any conversation ever had; `None` if there are values, and none is known.
fn known(values: impl ExactSizeIterator<Item = Option<u32>>) -> Option<Vec<u32>> {
    let asked = values.len();
    let known: Vec<u32> = values.flatten().collect();
    (asked == 0 || !known.is_empty()).then_some(known)
}
