//! Assignments, queues and loads as the API shows them.

use relevo_domain::conversation::{AssignmentHow, Priority};
use relevo_projector_assignment as assignment;
use relevo_proto::query::v1 as wire;

use super::words::{self, Names};

/// One assignment.
pub(crate) fn assignment(names: Names<'_>, row: &assignment::Assignment, contact_name: String) -> wire::Assignment {
    wire::Assignment {
        conversation_id: row.conversation.to_string(),
        channel_id: row.channel.to_string(),
        channel_label: names.directory.channel_label(names.tenant, &row.channel),
        assignee: Some(names.assignee(row.agent.as_ref(), row.team.as_ref())),
        since: Some(words::time(row.since)),
        how: how(row.how).into(),
        by: Some(names.actor(&row.by)),
        contact_name,
        status: status(row.status).into(),
        due: row.due,
        snoozed_until: row.snoozed_until.map(words::time),
        priority: priority(row.priority).into(),
        waiting_since: row.waiting_since.map(words::time),
    }
}

/// One conversation of a queue.
pub(crate) fn queued(names: Names<'_>, row: &assignment::Queued, contact_name: String) -> wire::QueuedConversation {
    wire::QueuedConversation {
        conversation_id: row.conversation.to_string(),
        channel_id: row.channel.to_string(),
        channel_label: names.directory.channel_label(names.tenant, &row.channel),
        assignee: Some(names.assignee(None, row.team.as_ref())),
        priority: priority(row.priority).into(),
        waiting_since: row.waiting_since.map(words::time),
        unassigned_since: Some(words::time(row.since)),
        due: row.due,
        contact_name,
    }
}

/// Agents first, then teams, each by name.
pub(crate) fn loads(names: Names<'_>, loads: &assignment::Loads) -> Vec<wire::Load> {
    let agents = loads.agents.iter().map(|held| load(held, names.assignee(Some(&held.holder), None)));
    let teams = loads.teams.iter().map(|held| load(held, names.assignee(None, Some(&held.holder))));
    agents.chain(teams).collect()
}

fn load<T>(held: &assignment::Load<T>, assignee: wire::Assignee) -> wire::Load {
    wire::Load { assignee: Some(assignee), open: held.open, pending: held.pending, snoozed: held.snoozed }
}

/// Nobody's first, then by team.
pub(crate) fn queues(names: Names<'_>, loads: &assignment::Loads) -> Vec<wire::QueueLength> {
    let length = |queue: &assignment::QueueLength| {
        let team = names.assignee(None, queue.team.as_ref());
        wire::QueueLength { team_id: team.team_id, team_name: team.team_name, open: queue.open }
    };
    loads.queues.iter().map(length).collect()
}

/// One change of hands.
pub(crate) fn history(names: Names<'_>, row: &assignment::HistoryEntry) -> wire::AssignmentHistoryEntry {
    wire::AssignmentHistoryEntry {
        at: Some(words::time(row.at)),
        by: Some(names.actor(&row.by)),
        how: how(row.how).into(),
        from: Some(names.assignee(row.from_agent.as_ref(), row.from_team.as_ref())),
        to: Some(names.assignee(row.agent.as_ref(), row.team.as_ref())),
    }
}

/// The status that a filter of assignments names; `None` for what is in no list of them.
pub(crate) const fn asked_status(asked: wire::ConversationStatus) -> Option<assignment::Status> {
    match asked {
        wire::ConversationStatus::Open => Some(assignment::Status::Open),
        wire::ConversationStatus::Pending => Some(assignment::Status::Pending),
        wire::ConversationStatus::Snoozed => Some(assignment::Status::Snoozed),
        wire::ConversationStatus::Unspecified | wire::ConversationStatus::Resolved => None,
    }
}

/// The order that a request names.
pub(crate) const fn asked_order(asked: wire::QueueOrder) -> Option<assignment::Order> {
    match asked {
        wire::QueueOrder::Unspecified => None,
        wire::QueueOrder::Priority => Some(assignment::Order::Priority),
        wire::QueueOrder::Longest => Some(assignment::Order::Longest),
    }
}

const fn status(status: assignment::Status) -> wire::ConversationStatus {
    match status {
        assignment::Status::Open => wire::ConversationStatus::Open,
        assignment::Status::Pending => wire::ConversationStatus::Pending,
        assignment::Status::Snoozed => wire::ConversationStatus::Snoozed,
        assignment::Status::Resolved => wire::ConversationStatus::Resolved,
    }
}

const fn priority(priority: Priority) -> wire::Priority {
    match priority {
        Priority::None => wire::Priority::None,
        Priority::Low => wire::Priority::Low,
        Priority::Normal => wire::Priority::Normal,
        Priority::High => wire::Priority::High,
        Priority::Urgent => wire::Priority::Urgent,
    }
}

const fn how(how: AssignmentHow) -> wire::AssignmentHow {
    match how {
        AssignmentHow::Manual => wire::AssignmentHow::Manual,
        AssignmentHow::Claim => wire::AssignmentHow::Claim,
    }
}
