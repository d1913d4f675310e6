//! The state of a conversation after a command, as the API shows it.

use relevo_domain::conversation::{Bot, Opened, PauseReason, Status};
use relevo_domain::{Actor, TenantId};
use relevo_proto::command::v1 as proto;
use relevo_proto::query::v1 as words;
use relevo_proto::time::to_wire;

use super::Staff;

pub(super) fn state(id: &str, now: &Opened, tenant: &TenantId, staff: &dyn Staff) -> proto::ConversationState {
    let (bot, pause) = match &now.bot {
        Bot::Active => (words::BotState::Active, None),
        Bot::Paused { reason, by, since } => {
            let pause = words::Pause {
                reason: self::reason(*reason).into(),
                automatic: !matches!(by, Actor::Staff(_)),
                by: Some(actor(by, tenant, staff)),
                since: Some(to_wire(*since)),
                note: String::new(),
            };
            (words::BotState::Paused, Some(pause))
        }
    };
    let status = match now.status {
        Status::Open => words::ConversationStatus::Open,
        Status::Pending => words::ConversationStatus::Pending,
        Status::Snoozed { .. } => words::ConversationStatus::Snoozed,
        Status::Resolved { .. } => words::ConversationStatus::Resolved,
    };
    proto::ConversationState {
        conversation_id: id.to_owned(),
        status: status.into(),
        episode: now.episode,
        bot: bot.into(),
        pause,
        assignee: Some(assignee(now, tenant, staff)),
    }
}

fn assignee(now: &Opened, tenant: &TenantId, staff: &dyn Staff) -> words::Assignee {
    let agent = now.agent.as_ref();
    let team = now.team.as_ref();
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    words::Assignee {
        agent_id: text(agent.map(relevo_domain::AgentId::as_str)),
        agent_name: agent
            .map(|agent| staff.agent_name(tenant, agent).unwrap_or_else(|| agent.to_string()))
            .unwrap_or_default(),
        team_id: text(team.map(relevo_domain::TeamId::as_str)),
        team_name: team
            .map(|team| staff.team_name(tenant, team).unwrap_or_else(|| team.to_string()))
            .unwrap_or_default(),
    }
}

fn actor(actor: &Actor, tenant: &TenantId, staff: &dyn Staff) -> words::Actor {
    let (kind, id) = match actor {
        Actor::Customer => (words::ActorKind::Customer, None),
        Actor::Staff(id) => (words::ActorKind::Staff, Some(id)),
        Actor::Bot(id) => (words::ActorKind::Bot, Some(id)),
        Actor::PhoneApp => (words::ActorKind::PhoneApp, None),
        Actor::Provider => (words::ActorKind::Provider, None),
        Actor::System => (words::ActorKind::System, None),
    };
    words::Actor {
        kind: kind.into(),
        id: id.map(ToString::to_string).unwrap_or_default(),
        name: id.map(|id| staff.agent_name(tenant, id).unwrap_or_else(|| id.to_string())).unwrap_or_default(),
    }
}

const fn reason(reason: PauseReason) -> words::PauseReason {
    match reason {
        PauseReason::ComplexQuery => words::PauseReason::ComplexQuery,
        PauseReason::FrustratedCustomer => words::PauseReason::FrustratedCustomer,
        PauseReason::Complaint => words::PauseReason::Complaint,
        PauseReason::BotError => words::PauseReason::BotError,
        PauseReason::ProactiveMessage => words::PauseReason::ProactiveMessage,
        PauseReason::HumanTakeover => words::PauseReason::HumanTakeover,
        PauseReason::BotHandoff => words::PauseReason::BotHandoff,
        PauseReason::Echo => words::PauseReason::Echo,
        PauseReason::Linked => words::PauseReason::Linked,
        PauseReason::Other => words::PauseReason::Other,
    }
}
