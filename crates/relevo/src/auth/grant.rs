//! What a token may grant: what the configuration gives the agent, within what it lets the issuer of the token grant, within what
//! was asked for. Pure; the same rule answers MintToken and every request that a token makes later.

use std::collections::{BTreeSet, HashMap};

use relevo_domain::{AgentId, Caller, ChannelId, Role, Scope, TeamId, TenantId};

use relevo_query::ChannelLabels;

use crate::channels::Channels;
use crate::config::Config;

/// Teams, and channels, that one token may name: more than any installation's agents have, and bounded, because they travel in
/// the token.
pub(super) const NAMES_MAX: usize = 64;

/// Who exists, and what the configuration gives them.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    tenants: HashMap<TenantId, Members>,
}

/// A tenant of the configuration.
#[derive(Clone, Debug)]
struct Members {
    agents: HashMap<AgentId, Known>,
    /// Those of now: they come and go while Relevo runs.
    channels: ChannelLabels,
}

/// An agent of the configuration.
#[derive(Clone, Debug)]
struct Known {
    role: Role,
    teams: BTreeSet<TeamId>,
}

/// What an issuer of tokens may grant at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling {
    pub(crate) roles: BTreeSet<Role>,
    /// Empty: every channel.
    pub(crate) channels: BTreeSet<ChannelId>,
    /// Empty: every team.
    pub(crate) teams: BTreeSet<TeamId>,
}

/// Who a token is wanted for, and what it is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) agent: String,
    /// Absent: the agent's own.
    pub(super) role: Option<Role>,
    /// Empty: all that can be had.
    pub(super) teams: Vec<String>,
    /// Empty: all that can be had.
    pub(super) channels: Vec<String>,
}

/// Why a wish is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is no such agent in the tenant.
    NoAgent,
    /// The role is more than the agent has or the issuer may grant.
    Role,
    Team(String),
    Channel(String),
    /// Teams or channels for a role that sees everything: the field.
    Pointless(&'static str),
    /// More than [`NAMES_MAX`]: the field.
    TooMany(&'static str),
}

impl Grants {
    pub(super) fn new(config: &Config) -> Self {
        let tenant = |tenant: &crate::config::Tenant| {
            let known = |agent: &crate::config::Agent| {
                let of = tenant.teams.iter().filter(|team| team.members.contains(&agent.id));
                (agent.id.clone(), Known { role: agent.role, teams: of.map(|team| team.id.clone()).collect() })
            };
            let agents = tenant.agents.iter().map(known).collect();
            let channels = tenant.channels.iter().map(|channel| (channel.id.clone(), channel.label.clone())).collect();
            (tenant.name.clone(), Members { agents, channels })
        };
        Self { tenants: config.tenants.iter().map(tenant).collect() }
    }

    /// Looks at the channels that are in force, from now on.
    pub(super) fn follow(&mut self, channels: &Channels) {
        for (tenant, members) in &mut self.tenants {
            members.channels = channels.labels(tenant);
        }
    }

    /// The caller that a token with this wish makes.
    pub(super) fn grant(&self, tenant: &TenantId, ceiling: &Ceiling, wish: &Wish) -> Result<Caller, Denied> {
        for (field, names) in [("teams", &wish.teams), ("channels", &wish.channels)] {
            if names.len() > NAMES_MAX {
                return Err(Denied::TooMany(field));
            }
        }
        let members = self.tenants.get(tenant).ok_or(Denied::NoAgent)?;
        let found = members.agents.iter().find(|(name, _)| name.as_str() == wish.agent);
        let (name, known) = found.ok_or(Denied::NoAgent)?;
        let role = wish.role.unwrap_or(known.role);
        if !at_most(role, known.role) || !ceiling.roles.contains(&role) {
            return Err(Denied::Role);
        }
        let scope = if role.sees_tenant() { whole(ceiling, wish)? } else { granted(members, known, ceiling, wish)? };
        Ok(Caller { tenant: tenant.clone(), role, name: name.clone(), scope })
    }
}

/// Whether somebody whose role is `own` may act as `wanted`.
const fn at_most(wanted: Role, own: Role) -> bool {
    match own {
        Role::Admin => matches!(wanted, Role::Admin | Role::Supervisor | Role::Agent | Role::Analyst),
        Role::Supervisor => matches!(wanted, Role::Supervisor | Role::Agent | Role::Analyst),
        Role::Agent => matches!(wanted, Role::Agent),
        Role::Analyst => matches!(wanted, Role::Analyst),
        // Bots, operators and services are not people who sign in at a frontend.
        Role::Bot | Role::Ops | Role::Service => false,
    }
}

/// A role that sees the tenant cannot be narrowed, so an issuer that is confined to channels or teams cannot grant it.
fn whole(ceiling: &Ceiling, wish: &Wish) -> Result<Scope, Denied> {
    if !ceiling.channels.is_empty() || !ceiling.teams.is_empty() {
        return Err(Denied::Role);
    }
    for (field, names) in [("teams", &wish.teams), ("channels", &wish.channels)] {
        if !names.is_empty() {
            return Err(Denied::Pointless(field));
        }
    }
    Ok(Scope::Tenant)
}

fn granted(members: &Members, known: &Known, ceiling: &Ceiling, wish: &Wish) -> Result<Scope, Denied> {
    let may = |team: &&TeamId| ceiling.teams.is_empty() || ceiling.teams.contains(*team);
    let own: BTreeSet<TeamId> = known.teams.iter().filter(may).cloned().collect();
    let teams = if wish.teams.is_empty() { own } else { narrowed(&wish.teams, |name| find(&own, name), Denied::Team)? };
    let may_channel = |name: &str| {
        let channel = ChannelId::new(name).ok()?;
        let may = if ceiling.channels.is_empty() {
            members.channels.get(&channel).is_some()
        } else {
            ceiling.channels.contains(&channel)
        };
        may.then_some(channel)
    };
    // An empty set means every channel: the wish is empty here, or every name of it is granted.
    let channels = if wish.channels.is_empty() {
        ceiling.channels.clone()
    } else {
        narrowed(&wish.channels, may_channel, Denied::Channel)?
    };
    Ok(Scope::Granted { channels, teams })
}

fn find<I: Clone + ToString>(among: &BTreeSet<I>, name: &str) -> Option<I> {
    among.iter().find(|id| id.to_string() == name).cloned()
}

fn narrowed<I: Ord>(
    wanted: &[String],
    find: impl Fn(&str) -> Option<I>,
    denied: fn(String) -> Denied,
) -> Result<BTreeSet<I>, Denied> {
    wanted.iter().map(|name| find(name).ok_or_else(|| denied(name.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, check, load};

    fn grants() -> Grants {
        Grants::new(&check::check(&load(&Layers { demo: true, ..Layers::default() }).unwrap()).unwrap())
    }

    fn demo() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn any() -> Ceiling {
        let roles = [Role::Agent, Role::Supervisor, Role::Admin, Role::Analyst].into();
        Ceiling { roles, channels: BTreeSet::new(), teams: BTreeSet::new() }
    }

    fn wish(agent: &str) -> Wish {
        Wish { agent: agent.to_owned(), ..Wish::default() }
    }

    fn names<I: ToString>(ids: &BTreeSet<I>) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    fn scope(ceiling: &Ceiling, wish: &Wish) -> Result<(Vec<String>, Vec<String>), Denied> {
        match grants().grant(&demo(), ceiling, wish)?.scope {
            Scope::Granted { channels, teams } => Ok((names(&channels), names(&teams))),
            Scope::Tenant => panic!("sees the tenant"),
        }
    }

    #[test]
    fn an_agent_has_its_teams_and_every_channel_and_can_be_narrowed() {
        assert_eq!(scope(&any(), &wish("martin")), Ok((vec![], vec!["recepcion".into(), "ventas".into()])));
        let narrow = Wish { teams: vec!["ventas".into()], channels: vec!["wa-main".into()], ..wish("martin") };
        assert_eq!(scope(&any(), &narrow), Ok((vec!["wa-main".into()], vec!["ventas".into()])));
        let stranger = Wish { teams: vec!["ventas".into()], ..wish("laura") };
        assert_eq!(scope(&any(), &stranger), Err(Denied::Team("ventas".into())));
    }

    #[test]
    fn a_confined_issuer_grants_its_part_and_never_the_tenant() {
        let confined = Ceiling {
            channels: [ChannelId::new("wa-main").unwrap()].into(),
            teams: [TeamId::new("ventas").unwrap()].into(),
            ..any()
        };
        assert_eq!(scope(&confined, &wish("martin")), Ok((vec!["wa-main".into()], vec!["ventas".into()])));
        assert_eq!(scope(&confined, &wish("laura")), Ok((vec!["wa-main".into()], vec![])));
        let other = Wish { channels: vec!["wa-second".into()], ..wish("laura") };
        assert_eq!(scope(&confined, &other), Err(Denied::Channel("wa-second".into())));
        assert_eq!(grants().grant(&demo(), &confined, &wish("carla")), Err(Denied::Role));
        let teams_alone = Ceiling { channels: BTreeSet::new(), ..confined };
        assert_eq!(grants().grant(&demo(), &teams_alone, &wish("admin")), Err(Denied::Role));
    }

    #[test]
    fn nobody_becomes_more_than_they_are() {
        use Role::{Admin, Agent, Analyst, Supervisor};
        let people = [
            ("laura", Role::Agent),
            ("carla", Role::Supervisor),
            ("admin", Role::Admin),
            ("analista", Role::Analyst),
            ("operaciones", Role::Ops),
            ("asistente", Role::Bot),
        ];
        let mut granted = Vec::new();
        for (agent, own) in people {
            for role in Role::ALL {
                let wished = Wish { role: Some(role), ..wish(agent) };
                if grants().grant(&demo(), &any(), &wished).is_ok() {
                    granted.push((own, role));
                }
            }
        }
        let expected = [
            (Agent, Agent),
            (Supervisor, Agent),
            (Supervisor, Supervisor),
            (Supervisor, Analyst),
            (Admin, Agent),
            (Admin, Supervisor),
            (Admin, Admin),
            (Admin, Analyst),
            (Analyst, Analyst),
        ];
        assert_eq!(granted, expected);
    }

    #[test]
    fn what_the_key_may_not_grant_is_refused_whoever_the_agent_is() {
        let agents_only = Ceiling { roles: [Role::Agent].into(), ..any() };
        assert_eq!(grants().grant(&demo(), &agents_only, &wish("carla")), Err(Denied::Role));
        let as_agent = Wish { role: Some(Role::Agent), ..wish("carla") };
        assert!(grants().grant(&demo(), &agents_only, &as_agent).is_ok());
        assert_eq!(grants().grant(&demo(), &any(), &wish("bea")), Err(Denied::NoAgent));
        let other = TenantId::new("elsewhere").unwrap();
        assert_eq!(grants().grant(&other, &any(), &wish("laura")), Err(Denied::NoAgent));
        let pointless = Wish { channels: vec!["wa-main".into()], ..wish("carla") };
        assert_eq!(grants().grant(&demo(), &any(), &pointless), Err(Denied::Pointless("channels")));
        let many = Wish { teams: vec!["ventas".into(); NAMES_MAX + 1], ..wish("laura") };
        assert_eq!(grants().grant(&demo(), &any(), &many), Err(Denied::TooMany("teams")));
    }
}
