//! The assignee axis: to whom the conversation belongs.

use super::{Decided, Decision, Rejection, staff_only};
use crate::conversation::command::Envelope;
use crate::conversation::event::{AssignmentHow, ConversationEvent};
use crate::conversation::state::{Opened, Status};
use crate::id::{AgentId, TeamId};

pub(super) fn assign(opened: &Opened, envelope: &Envelope, agent: Option<&AgentId>, team: Option<&TeamId>) -> Decided {
    staff_only(envelope)?;
    if agent.is_none() && team.is_none() {
        return Err(Rejection::Invalid { field: "agent", limit: 1 });
    }
    if opened.agent.as_ref() == agent && opened.team.as_ref() == team {
        return Ok(Decision::AlreadySo);
    }
    let (agent, team) = (agent.cloned(), team.cloned());
    Ok(Decision::Append(vec![ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual }]))
}

pub(super) fn claim(opened: &Opened, envelope: &Envelope, agent: &AgentId) -> Decided {
    staff_only(envelope)?;
    match &opened.agent {
        Some(holder) if holder == agent => Ok(Decision::AlreadySo),
        Some(holder) => Err(Rejection::AlreadyAssigned { agent: holder.clone() }),
        None if matches!(opened.status, Status::Resolved { .. }) => Err(Rejection::Resolved),
        // The team stays: the conversation came to the agent through it.
        None => Ok(Decision::Append(vec![ConversationEvent::Assigned {
            agent: Some(agent.clone()),
            team: opened.team.clone(),
            how: AssignmentHow::Claim,
        }])),
    }
}

pub(super) fn unassign(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    if opened.agent.is_none() && opened.team.is_none() {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual }]))
}
