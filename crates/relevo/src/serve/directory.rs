//! Names of the configuration, for services that show ids with the names that people use.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use relevo_command::grpc::Staff;
use relevo_domain::{AgentId, Role, TeamId, TenantId};
use relevo_query::{Directory, TenantDirectory};

use crate::channels::Channels;
use crate::config::{Agent, Config, Tenant};

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

/// The same for commands, which ask whether somebody exists, and who leads.
pub(super) struct Names {
    directory: Arc<Directory>,
    roles: BTreeMap<(TenantId, AgentId), Role>,
}

impl Names {
    pub(super) fn new(config: &Config, directory: Arc<Directory>) -> Self {
        let of = |tenant: &Tenant| {
            let named = |agent: &Agent| ((tenant.name.clone(), agent.id.clone()), agent.role);
            tenant.agents.iter().map(named).collect::<Vec<_>>()
        };
        Self { directory, roles: config.tenants.iter().flat_map(of).collect() }
    }
}

impl Staff for Names {
    fn agent_name(&self, tenant: &TenantId, agent: &AgentId) -> Option<String> {
        self.directory.tenants.get(tenant)?.agents.get(agent).cloned()
    }

    fn team_name(&self, tenant: &TenantId, team: &TeamId) -> Option<String> {
        self.directory.tenants.get(tenant)?.teams.get(team).cloned()
    }

    fn time_zone(&self, tenant: &TenantId) -> TimeZone {
        self.directory.time_zone(tenant)
    }

    fn agent_role(&self, tenant: &TenantId, agent: &AgentId) -> Option<Role> {
        self.roles.get(&(tenant.clone(), agent.clone())).copied()
    }
}
