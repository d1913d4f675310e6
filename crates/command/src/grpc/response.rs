//! The state of a conversation after a command, as the API shows it.

use relevo_domain::conversation::{Bot, Opened, PauseReason, Priority, Status};
use relevo_domain::workspace::Tag;
use relevo_domain::{Actor, TagId, TenantId, Timestamp};
use relevo_proto::command::v1 as proto;
use relevo_proto::query::v1 as words;
use relevo_proto::time::to_wire;

use super::Staff;
use crate::conversation::Now;
use crate::execute::Answer;

/// The conversation of an answer, as it reads at the moment `at`.
pub(super) fn state(
    id: &str,
    answer: &Answer<Now>,
    at: Timestamp,
    tenant: &TenantId,
    staff: &dyn Staff,
) -> proto::ConversationState {
    let now = &answer.now.opened;
    let (bot, pause) = match &now.bot {
        Bot::Active => (words::BotState::Active, None),
        Bot::Paused { reason, by, since, terms } => {
            let pause = words::Pause {
                reason: self::reason(*reason).into(),
                // Who merges two contacts causes a pause, and does not choose it.
                automatic: !matches!(by, Actor::Staff(_)) || *reason == PauseReason::Linked,
                by: Some(actor(by, tenant, staff)),
                since: Some(to_wire(*since)),
                note: String::new(),
                until: terms.until.map(to_wire),
                locked: terms.locked,
                // The rules do not remember it; the views do.
                escalation: None,
                alerts: Vec::new(),
                detection: None,
            };
            (words::BotState::Paused, Some(pause))
        }
    };
    let (status, snoozed_until) = match now.status {
        Status::Open => (words::ConversationStatus::Open, None),
        Status::Pending => (words::ConversationStatus::Pending, None),
        Status::Snoozed { until } => (words::ConversationStatus::Snoozed, until),
        Status::Resolved { .. } => (words::ConversationStatus::Resolved, None),
    };
    let due = snoozed_until.is_some_and(|until| until <= at);
    let status = if due { words::ConversationStatus::Open } else { status };
    proto::ConversationState {
        conversation_id: id.to_owned(),
        status: status.into(),
        episode: now.episode,
        bot: bot.into(),
        pause,
        assignee: Some(assignee(now, tenant, staff)),
        snoozed_until: snoozed_until.map(to_wire),
        due,
        priority: priority(now.priority).into(),
        tags: answer.now.tags.iter().map(|(id, tag)| self::tag(*id, tag)).collect(),
        unread: now.customer_wrote > now.read_through,
        version: answer.version_now,
    }
}

pub(super) fn tag(id: TagId, tag: &Tag) -> words::Tag {
    words::Tag { tag_id: id.to_string(), name: tag.name.to_string(), colour: tag.colour.to_string() }
}

const fn priority(priority: Priority) -> words::Priority {
    match priority {
        Priority::None => words::Priority::None,
        Priority::Low => words::Priority::Low,
        Priority::Normal => words::Priority::Normal,
        Priority::High => words::Priority::High,
        Priority::Urgent => words::Priority::Urgent,
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
