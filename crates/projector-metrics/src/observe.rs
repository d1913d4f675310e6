//! What a commit says: loads what the metrics remember, shows them each event, and keeps what they remember now.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::{ConversationEvent, DeliveryReport, EpisodeCause, ReopenCause};
use relevo_domain::{AgentId, Event, Recorded, TeamId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::facts::{Draft, Facts, Observed};
use crate::keys;
use crate::metric::{self, Moment, volume};
use crate::row::{ConversationRow, StatusRow};
use crate::{way, words};

/// The facts of one commit.
pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<Vec<Observed>, ApplyError> {
    let mut facts = Facts::of(recorded);
    let mut talk: Option<ConversationRow> = None;
    let history = brings_history(recorded);
    for event in &recorded.commit.events {
        match event {
            Event::Conversation(event) => {
                let row = match talk.take() {
                    Some(row) => row,
                    None => conversation(rows, recorded, event)?,
                };
                talk = Some(if history {
                    followed(ConversationRow { imported: true, ..row }, recorded, event)
                } else {
                    conversation_event(rows, recorded, row, event, &mut facts)?
                });
            }
            Event::Channel(ChannelEvent::DeliveryReported(report)) => {
                loose_report(rows, recorded, report, &mut facts)?;
            }
            // No metric depends on these. Named by their kinds: what they say is for other views.
            Event::Channel(
                ChannelEvent::ProviderUpdated { .. }
                | ChannelEvent::TemplateChanged(_)
                | ChannelEvent::TemplateStatusChanged { .. }
                | ChannelEvent::TemplateRemoved { .. }
                | ChannelEvent::ChannelPaused
                | ChannelEvent::ChannelResumed,
            )
            | Event::Contact(_)
            | Event::Identity(_)
            | Event::Workspace(_)
            | Event::Bulk(_) => {}
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
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::MarkedRead { .. } => String::new(),
    };
    let at = commit.occurred_at.as_millis();
    let begun = begun(&mut talk, event, at, facts);
    metric::observe(&mut talk, Moment { event: begun.as_ref().unwrap_or(event), at, word: &word }, facts);
    way::event(rows, recorded, &mut talk, event, facts)?;
    Ok(followed(talk, recorded, event))
}

/// Whether the commit brings a conversation in as history. Nothing in it counts.
fn brings_history(recorded: &Recorded) -> bool {
    recorded.commit.events.iter().any(|event| {
        matches!(event, Event::Conversation(ConversationEvent::EpisodeStarted { cause: EpisodeCause::Imported, .. }))
    })
}

/// Somebody speaks in what came in as history: for figures the conversation comes into being now, with an episode that begins.
fn begun(
    talk: &mut ConversationRow,
    event: &ConversationEvent,
    at: i64,
    facts: &mut Facts<'_>,
) -> Option<ConversationEvent> {
    let (episode, cause) = if let ConversationEvent::EpisodeStarted { episode, cause } = event {
        (*episode, *cause)
    } else if let ConversationEvent::Reopened { episode, cause } = event {
        let cause = match cause {
            ReopenCause::CustomerMessage => EpisodeCause::CustomerMessage,
            ReopenCause::Staff => EpisodeCause::BusinessMessage,
        };
        (*episode, cause)
    } else {
        return None;
    };
    if !std::mem::take(&mut talk.imported) {
        return None;
    }
    talk.opened_at = at;
    facts.add(&volume::CONVERSATIONS_OPENED, Draft::of(talk, at, 1));
    Some(ConversationEvent::EpisodeStarted { episode, cause })
}

/// The conversation after an event: whose it is and its status, and when these changed.
fn followed(mut talk: ConversationRow, recorded: &Recorded, event: &ConversationEvent) -> ConversationRow {
    let before = (talk.status, talk.team.clone(), talk.agent.clone());
    evolve(&mut talk, event);
    if (before.0, before.1.as_str(), before.2.as_str()) != (talk.status, talk.team.as_str(), talk.agent.as_str()) {
        talk.changed_at = talk.changed_at.max(recorded.commit.occurred_at.as_millis());
    }
    talk
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
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
}
