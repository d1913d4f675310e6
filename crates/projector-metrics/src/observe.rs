//! What a commit says: loads what the metrics remember, shows them each event, and keeps what they remember now.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::{ConversationEvent, DeliveryReport};
use relevo_domain::{AgentId, Event, Recorded, TeamId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::facts::{Draft, Facts, Observed};
use crate::keys;
use crate::metric::{self, Moment, delivery, volume};
use crate::row::{ConversationRow, DeliveryRow, StatusRow};
use crate::words;

/// The facts of one commit.
pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<Vec<Observed>, ApplyError> {
    let mut facts = Facts::of(recorded);
    let mut talk: Option<ConversationRow> = None;
    for event in &recorded.commit.events {
        match event {
            Event::Conversation(event) => {
                let row = match talk.take() {
                    Some(row) => row,
                    None => conversation(rows, recorded, event)?,
                };
                talk = Some(conversation_event(rows, recorded, row, event, &mut facts)?);
            }
            Event::Channel(ChannelEvent::DeliveryReported(report)) => {
                loose_report(rows, recorded, report, &mut facts)?;
            }
            // No metric depends on these. Named by their kinds: what they say is for other views.
            Event::Channel(ChannelEvent::ProviderUpdated { .. })
            | Event::Contact(_)
            | Event::Identity(_)
            | Event::Workspace(_) => {}
        }
    }
    if let Some(mut row) = talk {
        metric::settle(&mut row, &mut facts);
        row.version = recorded.commit.last_version();
        store(rows, keys::conversation(&recorded.commit.tenant, recorded.commit.entity), &row);
    }
    Ok(facts.finish())
}

/// What is known of the commit's conversation.
fn conversation(
    rows: &dyn Rows,
    recorded: &Recorded,
    first: &ConversationEvent,
) -> Result<ConversationRow, ApplyError> {
    let commit = &recorded.commit;
    let stored = load(rows, "conversation", &keys::conversation(&commit.tenant, commit.entity))?;
    match (stored, first) {
        (Some(row), _) => Ok(row),
        (None, ConversationEvent::Opened { channel, .. }) => Ok(ConversationRow {
            channel: channel.to_string(),
            opened_at: commit.occurred_at.as_millis(),
            changed_at: commit.occurred_at.as_millis(),
            ..ConversationRow::default()
        }),
        (None, _) => Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", first.name()))),
    }
}

fn conversation_event(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    mut talk: ConversationRow,
    event: &ConversationEvent,
    facts: &mut Facts<'_>,
) -> Result<ConversationRow, ApplyError> {
    let commit = &recorded.commit;
    let word = match event {
        ConversationEvent::Resolved { reason, .. } => {
            words::close_reason(rows, &commit.tenant, reason.as_deref().unwrap_or_default())?
        }
        ConversationEvent::DeliveryReported(report) => words::status(rows, &commit.tenant, &report.status)?,
        ConversationEvent::Opened { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => String::new(),
    };
    metric::observe(&mut talk, Moment { event, at: commit.occurred_at.as_millis(), word: &word }, facts);
    if let ConversationEvent::DeliveryReported(report) = event {
        let key = keys::delivery(&commit.tenant, commit.entity, report.message);
        let mut row: DeliveryRow = load(&*rows, "delivery", &key)?.unwrap_or_default();
        if delivery::observe(&mut row, &talk, report, commit.recorded_at, facts) {
            store(rows, key, &row);
        }
    }
    let before = (talk.status, talk.team.clone(), talk.agent.clone());
    evolve(&mut talk, event);
    if (before.0, before.1.as_str(), before.2.as_str()) != (talk.status, talk.team.as_str(), talk.agent.as_str()) {
        talk.changed_at = talk.changed_at.max(commit.occurred_at.as_millis());
    }
    Ok(talk)
}

/// A report that no conversation has is counted, and that is all: whose it is nobody knows.
fn loose_report(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    report: &DeliveryReport,
    facts: &mut Facts<'_>,
) -> Result<(), ApplyError> {
    let word = words::status(rows, &recorded.commit.tenant, &report.status)?;
    let nobodys = ConversationRow::default();
    let draft = Draft::of(&nobodys, recorded.commit.occurred_at.as_millis(), 1).label(&word);
    facts.add(&volume::DELIVERY_REPORTS, draft);
    Ok(())
}

/// Whose the conversation is, and its status, after an event.
fn evolve(talk: &mut ConversationRow, event: &ConversationEvent) {
    match event {
        ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::ReturnedToOpen { .. } => talk.set_status(StatusRow::Open),
        ConversationEvent::Resolved { .. } => talk.set_status(StatusRow::Resolved),
        ConversationEvent::MarkedPending { .. } => talk.set_status(StatusRow::Pending),
        ConversationEvent::Snoozed { .. } => talk.set_status(StatusRow::Snoozed),
        ConversationEvent::Assigned { agent, team, .. } => {
            talk.agent = agent.as_ref().map(AgentId::to_string).unwrap_or_default();
            talk.team = team.as_ref().map(TeamId::to_string).unwrap_or_default();
        }
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
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
}
