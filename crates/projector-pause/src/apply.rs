//! What each event changes in where the bot is silent.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{ConversationEvent, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, AgentId, EntityId, Event, Recorded, TeamId, TenantId, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows, waiting};

use crate::row::{CurrentRow, HistoryRow, PauseRow, ResumedRow};
use crate::{bulk, keys, lists, suggest};

/// One event's where, when and who.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    tenant: &'a TenantId,
    conversation: EntityId,
    sequence: u64,
    ordinal: u32,
    pub(crate) version: u64,
    pub(crate) at: i64,
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
            Event::Bulk(event) => bulk::apply(rows, recorded, event)?,
            // Only conversations have a bot.
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
            ) => {}
        }
    }
    Ok(())
}

fn conversation_event(rows: &mut dyn Rows, moment: Moment<'_>, event: &ConversationEvent) -> Result<(), ApplyError> {
    let key = keys::current(moment.tenant, moment.conversation);
    let before: Option<CurrentRow> = load(&*rows, "current", &key)?;
    let mut row = known(before.as_ref(), event)?;
    match event {
        ConversationEvent::BotPaused { reason, automatic, terms, personal } => {
            let pause = on_terms(bot_paused(moment, *reason, *automatic, personal), *terms);
            silenced(rows, moment, &mut row, pause);
        }
        ConversationEvent::PauseChanged { terms, personal } => {
            row.pause = row.pause.map(|pause| changed(rows, moment, pause, *terms, personal));
        }
        ConversationEvent::BotResumed { cause: _, catch_up: _, personal } => {
            let resumed = bot_resumed(moment, personal, row.silent_since.take());
            remember(rows, moment, HistoryRow { resumed: Some(resumed), ..HistoryRow::default() });
            row.pause = None;
        }
        ConversationEvent::Assigned { agent, team, how: _ } => assigned(&mut row, agent.as_ref(), team.as_ref()),
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
        ConversationEvent::SituationDetected(found) => suggest::detected(&mut row, moment, found),
        ConversationEvent::SuggestionClosed { suggestion, accepted: _ } => {
            row.suggestions.retain(|open| open.number != *suggestion);
        }
        ConversationEvent::EpisodeStarted { .. } => row.suggestions.clear(),
        ConversationEvent::Resolved { .. } => {
            waiting::settled(row.waiting.get_or_insert_default());
            row.suggestions.clear();
        }
        // Nothing else pauses, resumes, changes who may see it, or whether the customer waits. Only the version moves.
        ConversationEvent::Opened { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    row.version = moment.version;
    lists::moved(rows, moment.tenant, moment.conversation, before.as_ref(), &row)?;
    store(rows, key, &row);
    Ok(())
}

fn known(before: Option<&CurrentRow>, event: &ConversationEvent) -> Result<CurrentRow, ApplyError> {
    match (before, event) {
        (None, ConversationEvent::Opened { channel, .. }) => {
            Ok(CurrentRow { channel: channel.to_string(), ..CurrentRow::default() })
        }
        (Some(before), _) => Ok(before.clone()),
        (None, _) => Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    }
}

/// What was detected in the same commit is why.
fn silenced(rows: &mut dyn Rows, moment: Moment<'_>, row: &mut CurrentRow, pause: PauseRow) {
    let pause = PauseRow { detected: row.detected.take(), ..pause };
    row.suggestions.clear();
    remember(rows, moment, HistoryRow { paused: Some(pause.clone()), ..HistoryRow::default() });
    row.silent_since.get_or_insert(moment.at);
    row.pause = Some(pause);
}

/// The pause goes on, on these terms; that they were changed is remembered.
fn changed(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    pause: PauseRow,
    terms: PauseTerms,
    personal: &NotePersonal,
) -> PauseRow {
    let pause = on_terms(pause, terms);
    let change = PauseRow {
        automatic: false,
        by: moment.by.to_word(),
        since: moment.at,
        note: personal.text.clone().unwrap_or_default(),
        ..pause.clone()
    };
    remember(rows, moment, HistoryRow { paused: Some(change), changed: true, ..HistoryRow::default() });
    pause
}

fn on_terms(pause: PauseRow, terms: PauseTerms) -> PauseRow {
    PauseRow { until: terms.until.map(Timestamp::as_millis), locked: terms.locked, ..pause }
}

fn bot_paused(moment: Moment<'_>, reason: PauseReason, automatic: bool, personal: &NotePersonal) -> PauseRow {
    PauseRow {
        reason: reason.as_str().to_owned(),
        automatic,
        by: moment.by.pausing(automatic).to_word(),
        since: moment.at,
        note: personal.text.clone().unwrap_or_default(),
        until: None,
        locked: false,
        detected: None,
    }
}

fn bot_resumed(moment: Moment<'_>, personal: &NotePersonal, silent_since: Option<i64>) -> ResumedRow {
    ResumedRow {
        by: moment.by.to_word(),
        at: moment.at,
        note: personal.text.clone().unwrap_or_default(),
        // A resumption of what was not paused ends nothing.
        silent_since: silent_since.unwrap_or(moment.at),
    }
}

fn assigned(row: &mut CurrentRow, agent: Option<&AgentId>, team: Option<&TeamId>) {
    row.agent = agent.map(ToString::to_string).unwrap_or_default();
    row.team = team.map(ToString::to_string).unwrap_or_default();
}

fn remember(rows: &mut dyn Rows, moment: Moment<'_>, entry: HistoryRow) {
    store(rows, keys::history(moment.tenant, moment.conversation, moment.sequence, moment.ordinal), &entry);
}
