//! Names of the configuration, for services that show ids with the names that people use.

use std::sync::Arc;

use jiff::tz::TimeZone;
use relevo_command::grpc::Staff;
use relevo_domain::{AgentId, TeamId, TenantId};
use relevo_query::{Directory, TenantDirectory};

use crate::channels::Channels;
use crate::config::{Config, Tenant};

/// Every tenant's names and time zone.
pub(super) fn directory(config: &Config, channels: &Channels) -> Directory {
    let tenants = config.tenants.iter().map(|tenant| (tenant.name.clone(), of_tenant(tenant, channels)));
    Directory { tenants: tenants.collect() }
}

fn of_tenant(tenant: &Tenant, channels: &Channels) -> TenantDirectory {
    TenantDirectory {
        time_zone: tenant.time_zone.clone(),
        agents: tenant.agents.iter().map(|agent| (agent.id.clone(), agent.name.clone())).collect(),
        teams: tenant.teams.iter().map(|team| (team.id.clone(), team.name.clone())).collect(),
        channels: channels.labels(&tenant.name),
    }
}

/// The same for commands, which ask whether somebody exists.
pub(super) struct Names(pub(super) Arc<Directory>);

impl Staff for Names {
    fn agent_name(&self, tenant: &TenantId, agent: &AgentId) -> Option<String> {
        self.0.tenants.get(tenant)?.agents.get(agent).cloned()
    }

    fn team_name(&self, tenant: &TenantId, team: &TeamId) -> Option<String> {
        self.0.tenants.get(tenant)?.teams.get(team).cloned()
    }

    fn time_zone(&self, tenant: &TenantId) -> TimeZone {
        self.0.time_zone(tenant)
    }
}
