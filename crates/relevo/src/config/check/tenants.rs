//! Tenants with their channels, agents and teams.

use std::time::Duration;

use jiff::tz::TimeZone;
use relevo_catalogue::Language;
use relevo_command::{ALERT_TOO_LONG, ALERT_UNANSWERED};
use relevo_domain::{AgentId, Role, TeamId, TenantId};

use super::super::file;
use super::super::{Agent, Problem, Problems, Team, Tenant};
use super::server::one_of;
use super::{bots, channels, name, once};
use crate::span;

/// The longest time after which staff is alerted: a year, as the longest pause.
const ALERT_MAX: Duration = Duration::from_hours(24 * 365);
/// Turns an alert off; `0` does, too.
const OFF: &str = "off";

/// A signature is a line or two under a message, not a message.
const SIGNATURE_CHARS_MAX: usize = 256;

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
    let language = Language::parse(&tenant.language);
    if language.is_none() {
        problems.add(one_of(&format!("{at}.language"), &tenant.language, "es, en"));
    }
    let business_name = tenant.business_name.clone();
    if business_name.as_deref().is_some_and(|name| name.trim().is_empty() || name.contains(char::is_control)) {
        problems.add(Problem::new(format!("{at}.business_name"), "config-one-line"));
    }
    let alert = |field: &str, text: Option<&str>, usual| alert_after(&format!("{at}.{field}"), text, usual);
    let unanswered = alert("alert_unanswered", tenant.alert_unanswered.as_deref(), ALERT_UNANSWERED);
    let alert_unanswered = problems.keep(unanswered);
    let alert_paused = problems.keep(alert("alert_paused", tenant.alert_paused.as_deref(), ALERT_TOO_LONG));
    let on_resume = problems.keep(bots::on_resume(&format!("{at}.on_resume"), tenant.on_resume.as_deref()));
    let channels = channels::channels(at, &tenant.channels, problems);
    let agents = agents(at, &tenant.agents, problems);
    let teams = teams(at, &tenant.teams, &agents, problems);
    let bots = bots::bots(at, &tenant.bots, problems);
    Some(Tenant {
        name: id?,
        time_zone: time_zone?,
        language: language?,
        pause_bot_on_send: tenant.pause_bot_on_send,
        send_read_receipts: tenant.send_read_receipts,
        alert_unanswered: alert_unanswered?,
        alert_paused: alert_paused?,
        on_resume: on_resume?,
        business_name,
        channels,
        agents,
        teams,
        bots,
    })
}

/// After how long staff is alerted; `None` if never.
fn alert_after(at: &str, text: Option<&str>, usual: Duration) -> Result<Option<Duration>, Problem> {
    let Some(text) = text else { return Ok(Some(usual)) };
    if text == OFF {
        return Ok(None);
    }
    let wrong = || Problem::new(at.to_owned(), "config-span").with("value", text);
    let seconds = span::seconds(text).map_err(|_known| wrong())?;
    match Duration::from_secs(seconds.into()) {
        Duration::ZERO => Ok(None),
        after if after <= ALERT_MAX => Ok(Some(after)),
        _too_long => Err(wrong()),
    }
}

fn agents(at: &str, agents: &[file::Agent], problems: &mut Problems) -> Vec<Agent> {
    let at = |index: usize| format!("{at}.agents[{index}]");
    once(agents.iter().enumerate().map(|(index, agent)| (format!("{}.id", at(index)), agent.id.as_str())), problems);
    let mut checked = Vec::with_capacity(agents.len());
    for (index, agent) in agents.iter().enumerate() {
        let id = problems.keep(name(format!("{}.id", at(index)), &agent.id, AgentId::new));
        let role = problems.keep(role(&format!("{}.role", at(index)), &agent.role));
        let long = agent.signature.as_deref().is_some_and(|line| line.chars().count() > SIGNATURE_CHARS_MAX);
        if long || agent.signature.as_deref().is_some_and(|line| line.contains(|c: char| c.is_control() && c != '\n')) {
            let problem = Problem::new(format!("{}.signature", at(index)), "config-signature");
            problems.add(problem.with("most", SIGNATURE_CHARS_MAX.to_string()));
        }
        if let (Some(id), Some(role)) = (id, role) {
            checked.push(Agent { id, name: agent.name.clone(), role, signature: agent.signature.clone() });
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
