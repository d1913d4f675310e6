//! Assignments and loads as the API shows them.

use relevo_domain::conversation::AssignmentHow;
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
    }
}

/// Agents first, then teams, each by name.
pub(crate) fn loads(names: Names<'_>, loads: assignment::Loads) -> Vec<wire::Load> {
    let agents = loads.agents.into_iter().map(|load| (names.assignee(Some(&load.holder), None), load.open));
    let teams = loads.teams.into_iter().map(|load| (names.assignee(None, Some(&load.holder)), load.open));
    // A holder whose last conversation was resolved is not a holder.
    let held = agents.chain(teams).filter(|(_, open)| *open > 0);
    held.map(|(assignee, open)| wire::Load { assignee: Some(assignee), open }).collect()
}

const fn how(how: AssignmentHow) -> wire::AssignmentHow {
    match how {
        AssignmentHow::Manual => wire::AssignmentHow::Manual,
        AssignmentHow::Claim => wire::AssignmentHow::Claim,
    }
}
