//! The way of a message that the business sends: what is remembered of it, from the queue to what its provider reports.

use relevo_domain::conversation::{ConversationEvent, DeliveryReport};
use relevo_domain::{MessageId, Recorded};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::facts::Facts;
use crate::keys;
use crate::metric::{delivery, sent};
use crate::row::{ConversationRow, DeliveryRow};
use crate::words;

/// What an event says about the way of a message.
pub(crate) fn event(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    talk: &mut ConversationRow,
    event: &ConversationEvent,
    facts: &mut Facts<'_>,
) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let at = commit.occurred_at.as_millis();
    match event {
        ConversationEvent::MessageQueued(outgoing) => {
            if let Some(queued) = sent::queued(talk, outgoing, at, &commit.actor) {
                let row = stored(rows, recorded, outgoing.id)?.unwrap_or_default();
                store(rows, key(recorded, outgoing.id), &DeliveryRow { sent: Some(queued), ..row });
            }
            Ok(())
        }
        ConversationEvent::SendStarted { message, attempt, .. } => {
            amend(rows, recorded, *message, |row| sent::started(row, *attempt))
        }
        ConversationEvent::MessageAccepted { message, alias, personal, .. } => {
            accepted(rows, recorded, talk, (*message, *alias, &personal.provider_id), facts)
        }
        ConversationEvent::SendFailed { message, failure, retry_at, .. } => {
            let code = words::code(rows, &commit.tenant, failure.code.as_deref().unwrap_or_default())?;
            let what = (failure.class.as_str(), code.as_str(), retry_at.is_none());
            amend(rows, recorded, *message, |row| sent::failed(talk, row, what, at, facts))
        }
        ConversationEvent::SendOutcomeUnknown { message, .. } => {
            amend(rows, recorded, *message, |row| sent::unknown(talk, row, facts))
        }
        ConversationEvent::DeliveryReported(report) => reported(rows, recorded, talk, report, facts),
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
        | ConversationEvent::Resolved { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. } => Ok(()),
    }
}

/// The provider has it, and what it reported under its own name for it is about it.
fn accepted(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    talk: &mut ConversationRow,
    (message, alias, provider_id): (MessageId, MessageId, &str),
    facts: &mut Facts<'_>,
) -> Result<(), ApplyError> {
    let Some(mut row) = stored(rows, recorded, message)?.filter(|row| row.sent.is_some()) else { return Ok(()) };
    let early = stored(rows, recorded, alias)?.unwrap_or_default();
    // An id that is another message's own goes on naming that one.
    if alias != message && early.sent.is_none() && early.alias_of.is_empty() {
        delivery::merge(&mut row, early);
        let alias_of = message.bytes().to_vec();
        store(rows, key(recorded, alias), &DeliveryRow { alias_of, ..DeliveryRow::default() });
    }
    sent::accepted(talk, &mut row, (recorded.commit.occurred_at.as_millis(), provider_id), facts);
    store(rows, key(recorded, message), &row);
    Ok(())
}

fn reported(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    talk: &ConversationRow,
    report: &DeliveryReport,
    facts: &mut Facts<'_>,
) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let mut message = report.message;
    let mut row = stored(rows, recorded, message)?.unwrap_or_default();
    if let Ok(own) = <[u8; 16]>::try_from(row.alias_of.as_slice()) {
        message = MessageId::new(own);
        row = stored(rows, recorded, message)?.unwrap_or_default();
    }
    // It cannot be about this one.
    if sent::is_untried(&row) {
        return Ok(());
    }
    let code = words::code(rows, &commit.tenant, report.error_code.as_deref().unwrap_or_default())?;
    if delivery::observe(&mut row, talk, report, (commit.recorded_at, &code), facts) {
        store(rows, key(recorded, message), &row);
    }
    Ok(())
}

/// Changes what is known of a message, if it is one that counts.
fn amend(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    message: MessageId,
    change: impl FnOnce(&mut DeliveryRow),
) -> Result<(), ApplyError> {
    if let Some(mut row) = stored(rows, recorded, message)? {
        change(&mut row);
        store(rows, key(recorded, message), &row);
    }
    Ok(())
}

fn stored(rows: &dyn Rows, recorded: &Recorded, message: MessageId) -> Result<Option<DeliveryRow>, ApplyError> {
    load(rows, "delivery", &key(recorded, message))
}

fn key(recorded: &Recorded, message: MessageId) -> Vec<u8> {
    keys::delivery(&recorded.commit.tenant, recorded.commit.entity, message)
}
