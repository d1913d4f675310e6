//! The domain's words as the API's: reasons, actors, assignees.

use relevo_catalogue::Language;
use relevo_domain::conversation::{Alert, Medium, PauseReason, Priority, SnoozePreset};
use relevo_domain::{Actor, AgentId, TeamId, TenantId, Timestamp};
use relevo_proto::query::v1 as wire;
use relevo_proto::time::to_wire;

use crate::directory::Directory;

/// Names of one tenant while an answer is rendered.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) tenant: &'a TenantId,
    /// For what is explained: failures.
    pub(crate) language: Language,
}

impl Names<'_> {
    pub(crate) fn assignee(&self, agent: Option<&AgentId>, team: Option<&TeamId>) -> wire::Assignee {
        wire::Assignee {
            agent_id: agent.map(ToString::to_string).unwrap_or_default(),
            agent_name: agent.map(|agent| self.directory.agent_name(self.tenant, agent)).unwrap_or_default(),
            team_id: team.map(ToString::to_string).unwrap_or_default(),
            team_name: team.map(|team| self.directory.team_name(self.tenant, team)).unwrap_or_default(),
        }
    }

    pub(crate) fn actor(&self, actor: &Actor) -> wire::Actor {
        let (kind, name) = match actor {
            Actor::Customer => (wire::ActorKind::Customer, None),
            Actor::Staff(name) => (wire::ActorKind::Staff, Some(name)),
            Actor::Bot(name) => (wire::ActorKind::Bot, Some(name)),
            Actor::PhoneApp => (wire::ActorKind::PhoneApp, None),
            Actor::Provider => (wire::ActorKind::Provider, None),
            Actor::System => (wire::ActorKind::System, None),
        };
        wire::Actor {
            kind: kind.into(),
            id: name.map(ToString::to_string).unwrap_or_default(),
            name: name.map(|name| self.directory.agent_name(self.tenant, name)).unwrap_or_default(),
        }
    }
}

pub(crate) const fn medium(medium: Medium) -> wire::Medium {
    match medium {
        Medium::WhatsApp => wire::Medium::Whatsapp,
        Medium::Sms => wire::Medium::Sms,
        Medium::Email => wire::Medium::Email,
    }
}

pub(crate) const fn priority(priority: Priority) -> wire::Priority {
    match priority {
        Priority::None => wire::Priority::None,
        Priority::Low => wire::Priority::Low,
        Priority::Normal => wire::Priority::Normal,
        Priority::High => wire::Priority::High,
        Priority::Urgent => wire::Priority::Urgent,
    }
}

pub(crate) const fn preset(preset: SnoozePreset) -> wire::SnoozePreset {
    match preset {
        SnoozePreset::OneHour => wire::SnoozePreset::OneHour,
        SnoozePreset::TwoHours => wire::SnoozePreset::TwoHours,
        SnoozePreset::FourHours => wire::SnoozePreset::FourHours,
        SnoozePreset::TomorrowMorning => wire::SnoozePreset::TomorrowMorning,
        SnoozePreset::NextMonday => wire::SnoozePreset::NextMonday,
    }
}

pub(crate) const fn alert(alert: Alert) -> wire::AlertKind {
    match alert {
        Alert::PausedUnanswered => wire::AlertKind::PausedUnanswered,
        Alert::PausedTooLong => wire::AlertKind::PausedTooLong,
    }
}

pub(crate) const fn reason(reason: PauseReason) -> wire::PauseReason {
    match reason {
        PauseReason::ComplexQuery => wire::PauseReason::ComplexQuery,
        PauseReason::FrustratedCustomer => wire::PauseReason::FrustratedCustomer,
        PauseReason::Complaint => wire::PauseReason::Complaint,
        PauseReason::BotError => wire::PauseReason::BotError,
        PauseReason::ProactiveMessage => wire::PauseReason::ProactiveMessage,
        PauseReason::HumanTakeover => wire::PauseReason::HumanTakeover,
        PauseReason::BotHandoff => wire::PauseReason::BotHandoff,
        PauseReason::Echo => wire::PauseReason::Echo,
        PauseReason::Linked => wire::PauseReason::Linked,
        PauseReason::Other => wire::PauseReason::Other,
    }
}

/// The reason that a filter names; `None` for "unspecified".
pub(crate) fn asked_reason(asked: wire::PauseReason) -> Option<PauseReason> {
    PauseReason::ALL.into_iter().find(|known| reason(*known) == asked)
}

pub(crate) fn time(time: Timestamp) -> prost_types::Timestamp {
    to_wire(time)
}
