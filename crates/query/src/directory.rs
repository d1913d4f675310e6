//! What people call things: names of agents, teams and channels, and each tenant's time zone, as the configuration has them.
//!
//! The binary fills it once; channels alone come and go while it runs. What the configuration no longer has is shown by its id.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

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
    pub channels: ChannelLabels,
}

/// Labels of a tenant's channels: those that are in force. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ChannelLabels(Arc<RwLock<BTreeMap<ChannelId, String>>>);

impl ChannelLabels {
    pub fn get(&self, channel: &ChannelId) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// Puts these in force instead.
    pub fn replace(&self, labels: impl IntoIterator<Item = (ChannelId, String)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = labels.into_iter().collect();
    }
}

impl FromIterator<(ChannelId, String)> for ChannelLabels {
    fn from_iter<I: IntoIterator<Item = (ChannelId, String)>>(labels: I) -> Self {
        Self(Arc::new(RwLock::new(labels.into_iter().collect())))
    }
}

impl<const N: usize> From<[(ChannelId, String); N]> for ChannelLabels {
    fn from(labels: [(ChannelId, String); N]) -> Self {
        labels.into_iter().collect()
    }
}

impl Default for TenantDirectory {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            agents: BTreeMap::new(),
            teams: BTreeMap::new(),
            channels: ChannelLabels::default(),
        }
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
        known.unwrap_or_else(|| channel.to_string())
    }

    /// The tenant's zone; UTC for a tenant that the configuration does not have.
    pub fn time_zone(&self, tenant: &TenantId) -> TimeZone {
        self.tenants.get(tenant).map_or(TimeZone::UTC, |tenant| tenant.time_zone.clone())
    }
}
