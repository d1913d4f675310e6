//! What people call things: names of agents, teams and channels, and each tenant's time zone, as the configuration has them.
//!
//! The binary fills it once. What the configuration no longer has is shown by its id.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use relevo_domain::{AgentId, ChannelId, TeamId, TenantId};

/// All tenants.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub tenants: BTreeMap<TenantId, TenantDirectory>,
}

/// One tenant.
#[derive(Clone, Debug)]
pub struct TenantDirectory {
    /// The zone in which the tenant's days begin.
    pub time_zone: TimeZone,
    /// Agents, bots and other holders of keys, by their name in the configuration.
    pub agents: BTreeMap<AgentId, String>,
    pub teams: BTreeMap<TeamId, String>,
    pub channels: BTreeMap<ChannelId, String>,
}

impl Default for TenantDirectory {
    fn default() -> Self {
        Self { time_zone: TimeZone::UTC, agents: BTreeMap::new(), teams: BTreeMap::new(), channels: BTreeMap::new() }
    }
}

impl Directory {
    pub fn agent_name(&self, tenant: &TenantId, agent: &AgentId) -> String {
        let known = self.tenants.get(tenant).and_then(|tenant| tenant.agents.get(agent));
        known.map_or_else(|| agent.to_string(), Clone::clone)
    }

    pub fn team_name(&self, tenant: &TenantId, team: &TeamId) -> String {
        let known = self.tenants.get(tenant).and_then(|tenant| tenant.teams.get(team));
        known.map_or_else(|| team.to_string(), Clone::clone)
    }

    pub fn channel_label(&self, tenant: &TenantId, channel: &ChannelId) -> String {
        let known = self.tenants.get(tenant).and_then(|tenant| tenant.channels.get(channel));
        known.map_or_else(|| channel.to_string(), Clone::clone)
    }

    /// The tenant's zone; UTC for a tenant that the configuration does not have.
    pub fn time_zone(&self, tenant: &TenantId) -> TimeZone {
        self.tenants.get(tenant).map_or(TimeZone::UTC, |tenant| tenant.time_zone.clone())
    }
}
