//! API keys: whose they are and what they grant. Only hashes are ever written down.

use std::collections::{BTreeMap, BTreeSet};

use relevo_domain::{AgentId, Caller, ChannelId, Role, Scope, TeamId, TenantId};

use super::super::file;
use super::super::{ApiKey, Problem, Problems, Tenant};
use super::server::one_of;
use super::tenants::{role, unknown};
use super::{name, once};

/// What stands before a hash, so that another function can follow one day.
pub(crate) const HASH_PREFIX: &str = "sha256:";

pub(super) fn api_keys(keys: &[file::ApiKey], tenants: &[Tenant], problems: &mut Problems) -> Vec<ApiKey> {
    let at = |index: usize| format!("api_keys[{index}]");
    once(
        keys.iter().enumerate().map(|(index, key)| (format!("{}.key_hash", at(index)), key.key_hash.as_str())),
        problems,
    );
    let checked = keys.iter().enumerate().map(|(index, key)| (at(index), api_key(&at(index), key, tenants, problems)));
    let checked: Vec<(String, ApiKey)> = checked.filter_map(|(at, key)| Some((at, key?))).collect();
    one_grant_a_service(&checked, problems);
    checked.into_iter().map(|(_, key)| key).collect()
}

/// A token names the service that minted it, not the key: keys of one service, while one is being rotated, must grant the same.
/// Otherwise a token of the lesser key would be as good as one of the greater.
fn one_grant_a_service(keys: &[(String, ApiKey)], problems: &mut Problems) {
    let mut first: BTreeMap<(&TenantId, &AgentId), &(String, ApiKey)> = BTreeMap::new();
    for one in keys.iter().filter(|(_, key)| key.caller.role == Role::Service) {
        let (at, key) = one;
        let (other_at, other) = *first.entry((&key.caller.tenant, &key.caller.name)).or_insert(one);
        let (mine, theirs) = (limits(&key.caller.scope), limits(&other.caller.scope));
        let differ = [
            ("roles", key.mints != other.mints),
            ("channels", mine.map(|(channels, _)| channels) != theirs.map(|(channels, _)| channels)),
            ("teams", mine.map(|(_, teams)| teams) != theirs.map(|(_, teams)| teams)),
        ];
        for (list, differs) in differ {
            if differs {
                let problem = Problem::new(format!("{at}.{list}"), "config-service-keys-differ");
                problems.add(problem.with("value", key.caller.name.as_str()).with("other", other_at.as_str()));
            }
        }
    }
}

fn api_key(at: &str, key: &file::ApiKey, tenants: &[Tenant], problems: &mut Problems) -> Option<ApiKey> {
    let hash = problems.keep(hash(&format!("{at}.key_hash"), &key.key_hash));
    let role = problems.keep(role(&format!("{at}.role"), &key.role));
    let name = problems.keep(name(format!("{at}.name"), &key.name, AgentId::new));
    let tenant = tenants.iter().find(|tenant| tenant.name.as_str() == key.tenant);
    let tenant = problems.keep(tenant.ok_or_else(|| unknown(format!("{at}.tenant"), &key.tenant, "tenants")));
    let (hash, role, name, tenant) = (hash?, role?, name?, tenant?);
    if role.is_staff() && !tenant.agents.iter().any(|agent| agent.id == name) {
        let problem = Problem::new(format!("{at}.name"), "config-unknown-agent").with("value", &key.name);
        problems
            .add(problem.with("list", format!("tenants.{}.agents", tenant.name)).with("tenant", tenant.name.as_str()));
    }
    let scope = if role.sees_tenant() { Scope::Tenant } else { granted(at, key, role, &name, tenant, problems) };
    let mints = mints(at, key, role, problems);
    Some(ApiKey { hash, caller: Caller { tenant: tenant.name.clone(), role, name, scope }, mints })
}

const fn limits(scope: &Scope) -> Option<(&BTreeSet<ChannelId>, &BTreeSet<TeamId>)> {
    match scope {
        Scope::Granted { channels, teams } => Some((channels, teams)),
        Scope::Tenant => None,
    }
}

/// What a service key may give. Nobody but a service gives roles.
fn mints(at: &str, key: &file::ApiKey, role: Role, problems: &mut Problems) -> BTreeSet<Role> {
    let at = format!("{at}.roles");
    match (role, &key.roles) {
        (Role::Service, roles) => mintable(&at, roles.as_deref(), problems),
        (_, None) => BTreeSet::new(),
        (_, Some(_)) => {
            problems.add(Problem::new(at, "config-needs").with("other", "role = \"service\""));
            BTreeSet::new()
        }
    }
}

/// Roles that an issuer of tokens may give; agent alone if nothing is said.
pub(super) fn mintable(at: &str, roles: Option<&[String]>, problems: &mut Problems) -> BTreeSet<Role> {
    const MINTABLE: [Role; 4] = [Role::Agent, Role::Supervisor, Role::Admin, Role::Analyst];
    let Some(roles) = roles else { return [Role::Agent].into() };
    if roles.is_empty() {
        problems.add(Problem::new(at, "config-empty-list"));
    }
    let one = |(index, text): (usize, &String)| {
        let role = MINTABLE.into_iter().find(|role| role.as_str() == text);
        let known = MINTABLE.map(Role::as_str).join(", ");
        problems.keep(role.ok_or_else(|| one_of(&format!("{at}[{index}]"), text, &known)))
    };
    roles.iter().enumerate().filter_map(one).collect()
}

/// An agent has the teams that it is a member of and those that the key adds; a bot without teams serves all of them.
fn granted(
    at: &str,
    key: &file::ApiKey,
    role: Role,
    name: &AgentId,
    tenant: &Tenant,
    problems: &mut Problems,
) -> Scope {
    let channels = channels(at, &key.channels, problems);
    let mut teams: BTreeSet<TeamId> = known(at, "teams", &key.teams, tenant.teams.iter().map(|one| &one.id), problems);
    let everywhere = role == Role::Bot && key.teams.is_empty();
    let own = tenant.teams.iter().filter(|team| everywhere || team.members.contains(name));
    teams.extend(own.map(|team| team.id.clone()));
    Scope::Granted { channels, teams }
}

/// A channel may be added later, at this node or at another: until then its name grants nothing.
fn channels(at: &str, wanted: &[String], problems: &mut Problems) -> BTreeSet<ChannelId> {
    let one =
        |(index, id): (usize, &String)| problems.keep(name(format!("{at}.channels[{index}]"), id, ChannelId::new));
    wanted.iter().enumerate().filter_map(one).collect()
}

fn known<'i, I>(
    at: &str,
    list: &str,
    wanted: &[String],
    present: impl Iterator<Item = &'i I> + Clone,
    problems: &mut Problems,
) -> BTreeSet<I>
where
    I: Clone + Ord + std::fmt::Display + 'i,
{
    let mut found = BTreeSet::new();
    for (index, name) in wanted.iter().enumerate() {
        match present.clone().find(|id| id.to_string() == *name) {
            Some(id) => {
                found.insert(id.clone());
            }
            None => problems.add(unknown(format!("{at}.{list}[{index}]"), name, list)),
        }
    }
    found
}

fn hash(at: &str, text: &str) -> Result<[u8; 32], Problem> {
    let hash =
        text.strip_prefix(HASH_PREFIX).and_then(|hex| hex::decode(hex).ok()).and_then(|hash| hash.try_into().ok());
    hash.ok_or_else(|| Problem::new(at, "config-key-hash"))
}
