//! What each event changes in who has what.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{AssignmentHow, ConversationEvent};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, AgentId, EntityId, Event, Recorded, TeamId, TenantId};
use relevo_projection::{ApplyError, Rows};

use crate::keys::{self, Facet};
use crate::row::{AssignmentRow, CurrentRow, LoadRow, load, store};

/// One event's where, when and who.
#[derive(Clone, Copy)]
struct Moment<'a> {
    tenant: &'a TenantId,
    conversation: EntityId,
    sequence: u64,
    ordinal: u32,
    version: u64,
    at: i64,
    by: &'a Actor,
}

pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    for (ordinal, event) in (0..).zip(&commit.events) {
        match event {
            Event::Conversation(event) => {
                let moment = Moment {
                    tenant: &commit.tenant,
                    conversation: commit.entity,
                    sequence: recorded.sequence,
                    ordinal,
                    version: commit.first_version + u64::from(ordinal),
                    at: commit.occurred_at.as_millis(),
                    by: &commit.actor,
                };
                conversation_event(rows, moment, event)?;
            }
            // Only conversations are assigned.
            Event::Contact(
                ContactEvent::Created { .. }
                | ContactEvent::IdentifierLearned { .. }
                | ContactEvent::Renamed { .. }
                | ContactEvent::Merged { .. }
                | ContactEvent::Unmerged { .. }
                | ContactEvent::CustomerLinked { .. }
                | ContactEvent::CustomerUnlinked,
            )
            | Event::Identity(IdentityEvent::Bound { .. })
            | Event::Channel(ChannelEvent::DeliveryReported(_) | ChannelEvent::ProviderUpdated { .. })
            | Event::Workspace(
                WorkspaceEvent::IdKeyFingerprinted { .. }
                | WorkspaceEvent::TagCreated { .. }
                | WorkspaceEvent::TagChanged { .. }
                | WorkspaceEvent::TagDeleted { .. },
            ) => {}
        }
    }
    Ok(())
}

fn conversation_event(rows: &mut dyn Rows, moment: Moment<'_>, event: &ConversationEvent) -> Result<(), ApplyError> {
    let key = keys::current(moment.tenant, moment.conversation);
    let before: Option<CurrentRow> = load(&*rows, "current", &key)?;
    let mut row = match (&before, event) {
        (None, ConversationEvent::Opened { channel, .. }) => {
            CurrentRow { channel: channel.to_string(), ..CurrentRow::default() }
        }
        (Some(before), _) => before.clone(),
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    };
    match event {
        ConversationEvent::Assigned { agent, team, how } => {
            let assignment = assigned(moment, agent.as_ref(), team.as_ref(), *how);
            let history = keys::history(moment.tenant, moment.conversation, moment.sequence, moment.ordinal);
            store(rows, history, &assignment);
            row.assignment = Some(assignment);
        }
        ConversationEvent::Resolved { .. } => row.resolved = true,
        ConversationEvent::EpisodeStarted { .. } | ConversationEvent::Reopened { .. } => row.resolved = false,
        // Nothing else gives a conversation to somebody or takes it away. Only the version moves.
        ConversationEvent::Opened { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    row.version = moment.version;
    hand_over(rows, moment, before.as_ref(), &row)?;
    store(rows, key, &row);
    Ok(())
}

fn assigned(moment: Moment<'_>, agent: Option<&AgentId>, team: Option<&TeamId>, how: AssignmentHow) -> AssignmentRow {
    AssignmentRow {
        agent: agent.map(ToString::to_string).unwrap_or_default(),
        team: team.map(ToString::to_string).unwrap_or_default(),
        at: moment.at,
        claimed: match how {
            AssignmentHow::Claim => true,
            AssignmentHow::Manual => false,
        },
        by: moment.by.to_word(),
    }
}

/// Moves the conversation from the lists and loads of who had it to those of who has it.
fn hand_over(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    before: Option<&CurrentRow>,
    after: &CurrentRow,
) -> Result<(), ApplyError> {
    let (old, new) = (before.and_then(held), held(after));
    if old == new {
        return Ok(());
    }
    if let (Some(assignment), Some(before)) = (old, before) {
        for facet in facets(assignment) {
            rows.delete(keys::held(moment.tenant, facet, assignment.at, moment.conversation));
        }
        count(rows, moment, &before.channel, assignment, Step::Down)?;
    }
    if let Some(assignment) = new {
        for facet in facets(assignment) {
            rows.put(keys::held(moment.tenant, facet, assignment.at, moment.conversation), Vec::new());
        }
        count(rows, moment, &after.channel, assignment, Step::Up)?;
    }
    Ok(())
}

/// The assignment, if the conversation is open and somebody has it.
fn held(row: &CurrentRow) -> Option<&AssignmentRow> {
    let nobodys = |held: &AssignmentRow| held.agent.is_empty() && held.team.is_empty();
    row.assignment.as_ref().filter(|held| !row.resolved && !nobodys(held))
}

fn facets(assignment: &AssignmentRow) -> impl Iterator<Item = Facet<'_>> {
    let agent = (!assignment.agent.is_empty()).then_some(Facet::Agent(&assignment.agent));
    let team = (!assignment.team.is_empty()).then_some(Facet::Team(&assignment.team));
    std::iter::once(Facet::All).chain(agent).chain(team)
}

#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

fn count(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    channel: &str,
    assignment: &AssignmentRow,
    step: Step,
) -> Result<(), ApplyError> {
    let key = keys::load(moment.tenant, channel, &assignment.agent, &assignment.team);
    let row: LoadRow = load(&*rows, "load", &key)?.unwrap_or_default();
    let open = match step {
        Step::Up => row.open + 1,
        Step::Down => row.open.checked_sub(1).ok_or_else(|| ApplyError::BadRow("load: fewer than none".to_owned()))?,
    };
    if open == 0 {
        rows.delete(key);
    } else {
        store(rows, key, &LoadRow { open });
    }
    Ok(())
}
