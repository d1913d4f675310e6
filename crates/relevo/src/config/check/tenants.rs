//! Tenants with their channels, agents and teams.

use jiff::tz::TimeZone;
use relevo_catalogue::Language;
use relevo_domain::{AgentId, Role, TeamId, TenantId};

use super::super::file;
use super::super::{Agent, Problem, Problems, Team, Tenant};
use super::server::one_of;
use super::{channels, name, once};

pub(super) fn tenants(tenants: &[file::Tenant], problems: &mut Problems) -> Vec<Tenant> {
    let at = |index: usize| format!("tenants[{index}]");
    once(
        tenants.iter().enumerate().map(|(index, tenant)| (format!("{}.name", at(index)), tenant.name.as_str())),
        problems,
    );
    tenants.iter().enumerate().filter_map(|(index, one)| tenant(&at(index), one, problems)).collect()
}

fn tenant(at: &str, tenant: &file::Tenant, problems: &mut Problems) -> Option<Tenant> {
    let id = problems.keep(name(format!("{at}.name"), &tenant.name, TenantId::new));
    let time_zone = problems.keep(TimeZone::get(&tenant.time_zone).map_err(|_unknown| {
        Problem::new(format!("{at}.time_zone"), "config-time-zone").with("value", &tenant.time_zone)
    }));
    if Language::parse(&tenant.language).is_none() {
        problems.add(one_of(&format!("{at}.language"), &tenant.language, "es, en"));
    }
    let channels = channels::channels(at, &tenant.channels, problems);
    let agents = agents(at, &tenant.agents, problems);
    let teams = teams(at, &tenant.teams, &agents, problems);
    Some(Tenant { name: id?, time_zone: time_zone?, channels, agents, teams })
}

fn agents(at: &str, agents: &[file::Agent], problems: &mut Problems) -> Vec<Agent> {
    let at = |index: usize| format!("{at}.agents[{index}]");
    once(agents.iter().enumerate().map(|(index, agent)| (format!("{}.id", at(index)), agent.id.as_str())), problems);
    let mut checked = Vec::with_capacity(agents.len());
    for (index, agent) in agents.iter().enumerate() {
        let id = problems.keep(name(format!("{}.id", at(index)), &agent.id, AgentId::new));
        let role = problems.keep(role(&format!("{}.role", at(index)), &agent.role));
        if let (Some(id), Some(role)) = (id, role) {
            checked.push(Agent { id, name: agent.name.clone(), role });
        }
    }
    checked
}

fn teams(at: &str, teams: &[file::Team], agents: &[Agent], problems: &mut Problems) -> Vec<Team> {
    let at = |index: usize| format!("{at}.teams[{index}]");
    once(teams.iter().enumerate().map(|(index, team)| (format!("{}.id", at(index)), team.id.as_str())), problems);
    let mut checked = Vec::with_capacity(teams.len());
    for (index, team) in teams.iter().enumerate() {
        let members = team.members.iter().enumerate().filter_map(|(place, member)| {
            let found = agents.iter().find(|agent| agent.id.as_str() == member).map(|agent| agent.id.clone());
            let at = format!("{}.members[{place}]", at(index));
            problems.keep(found.ok_or_else(|| unknown(at, member, "agents")))
        });
        let members = members.collect();
        if let Some(id) = problems.keep(name(format!("{}.id", at(index)), &team.id, TeamId::new)) {
            checked.push(Team { id, name: team.name.clone(), members });
        }
    }
    checked
}

pub(super) fn role(at: &str, text: &str) -> Result<Role, Problem> {
    Role::parse(text).ok_or_else(|| one_of(at, text, &Role::ALL.map(Role::as_str).join(", ")))
}

/// A reference to something that is not there.
pub(super) fn unknown(at: String, value: &str, list: &str) -> Problem {
    Problem::new(at, "config-unknown").with("value", value).with("list", list)
}
