//! What each event changes in who has what.

use relevo_domain::bulk::BulkEvent;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Priority};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, AgentId, EntityId, Event, Recorded, TeamId, TenantId, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows, waiting};

use crate::row::{AssignmentRow, CurrentRow, HistoryRow, OPEN, PENDING, RESOLVED, SNOOZED};
use crate::{keys, lists};

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
            | Event::Channel(
                ChannelEvent::DeliveryReported(_)
                | ChannelEvent::ProviderUpdated { .. }
                | ChannelEvent::TemplateChanged(_)
                | ChannelEvent::TemplateStatusChanged { .. }
                | ChannelEvent::TemplateRemoved { .. }
                | ChannelEvent::ChannelPaused
                | ChannelEvent::ChannelResumed,
            )
            | Event::Workspace(
                WorkspaceEvent::IdKeyFingerprinted { .. }
                | WorkspaceEvent::TagCreated { .. }
                | WorkspaceEvent::TagChanged { .. }
                | WorkspaceEvent::TagDeleted { .. }
                | WorkspaceEvent::QuickReplySet { .. }
                | WorkspaceEvent::QuickReplyRemoved { .. }
                | WorkspaceEvent::DetectionSet(_),
            )
            | Event::Bulk(
                BulkEvent::Started { .. }
                | BulkEvent::Taken { .. }
                | BulkEvent::Progressed { .. }
                | BulkEvent::Finished { .. },
            ) => {}
        }
    }
    Ok(())
}

fn conversation_event(rows: &mut dyn Rows, moment: Moment<'_>, event: &ConversationEvent) -> Result<(), ApplyError> {
    let key = keys::current(moment.tenant, moment.conversation);
    let before: Option<CurrentRow> = load(&*rows, "current", &key)?;
    let mut row = before_it(moment, before.as_ref(), event)?;
    match event {
        ConversationEvent::Assigned { agent, team, how } => {
            let history = keys::history(moment.tenant, moment.conversation, moment.sequence, moment.ordinal);
            store(rows, history, &assigned(&mut row, moment, agent.as_ref(), team.as_ref(), *how));
        }
        ConversationEvent::Resolved { .. } => {
            status(&mut row, moment, RESOLVED, None);
            waiting::settled(row.waiting.get_or_insert_default());
        }
        ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::ReturnedToOpen { .. } => status(&mut row, moment, OPEN, None),
        ConversationEvent::MarkedPending { .. } => status(&mut row, moment, PENDING, None),
        ConversationEvent::Snoozed { until, .. } => {
            status(&mut row, moment, SNOOZED, until.map(Timestamp::as_millis));
        }
        ConversationEvent::PrioritySet { priority } => row.priority = rank(*priority),
        ConversationEvent::MessageReceived(message) => {
            if message.is_a_persons_words() {
                waiting::wrote(row.waiting.get_or_insert_default(), moment.at);
            }
        }
        ConversationEvent::MessageEchoed(message) => {
            // Imported history answers nobody.
            if !message.flags.imported {
                waiting::answered(row.waiting.get_or_insert_default(), moment.at);
            }
        }
        ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::DeliveryReported(_) => {
            waiting::sent(row.waiting.get_or_insert_default(), event, moment.at);
        }
        // Nothing else gives a conversation to somebody, takes it away or orders a queue. Only the version moves.
        ConversationEvent::Opened { .. }
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    if before.as_ref().is_some_and(|before| held(before) != held(&row)) {
        row.changed_at = row.changed_at.max(moment.at);
    }
    row.version = moment.version;
    lists::moved(rows, moment.tenant, moment.conversation, before.as_ref(), &row)?;
    store(rows, key, &row);
    Ok(())
}

/// The row that the event changes.
fn before_it(
    moment: Moment<'_>,
    before: Option<&CurrentRow>,
    event: &ConversationEvent,
) -> Result<CurrentRow, ApplyError> {
    match (before, event) {
        (None, ConversationEvent::Opened { channel, .. }) => Ok(CurrentRow {
            channel: channel.to_string(),
            status: OPEN,
            without_agent_since: moment.at,
            changed_at: moment.at,
            ..CurrentRow::default()
        }),
        (Some(before), _) => Ok(before.clone()),
        (None, _) => Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    }
}

/// Gives the conversation to whom the event says; answers with what the history keeps of it.
fn assigned(
    row: &mut CurrentRow,
    moment: Moment<'_>,
    agent: Option<&AgentId>,
    team: Option<&TeamId>,
    how: AssignmentHow,
) -> HistoryRow {
    let to = AssignmentRow {
        agent: agent.map(ToString::to_string).unwrap_or_default(),
        team: team.map(ToString::to_string).unwrap_or_default(),
        at: moment.at,
        claimed: match how {
            AssignmentHow::Claim => true,
            AssignmentHow::Manual => false,
        },
        by: moment.by.to_word(),
    };
    let from = row.assignment.replace(to.clone()).unwrap_or_default();
    // From one team's queue to another's it has been without an agent all the time.
    if to.agent.is_empty() && !from.agent.is_empty() {
        row.without_agent_since = moment.at.max(row.changed_at);
    }
    HistoryRow { to: Some(to), from_agent: from.agent, from_team: from.team }
}

/// Status, team and agent.
fn held(row: &CurrentRow) -> (u32, &str, &str) {
    let (team, agent) = row.assignment.as_ref().map_or(("", ""), |held| (&held.team, &held.agent));
    (row.status, team, agent)
}

fn status(row: &mut CurrentRow, moment: Moment<'_>, status: u32, until: Option<i64>) {
    // Nobody was without an agent while there was nothing to do, also if what reopens it was written before it was resolved.
    if row.status == RESOLVED && status != RESOLVED {
        row.without_agent_since = moment.at.max(row.changed_at);
    }
    row.status = status;
    row.until = until;
}

const fn rank(priority: Priority) -> u32 {
    match priority {
        Priority::None => 0,
        Priority::Low => 1,
        Priority::Normal => 2,
        Priority::High => 3,
        Priority::Urgent => 4,
    }
}
