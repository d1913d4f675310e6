//! What each event changes in what is pending.

use relevo_domain::conversation::{ConversationEvent, PauseTerms};
use relevo_domain::{Event, Recorded, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use super::keys;
use super::row::{PendingRow, SetRow};

/// What an event says about a time.
#[derive(Clone, Copy)]
enum Change {
    Pause(Option<Timestamp>),
    Snooze(Option<Timestamp>),
}

pub(super) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let changes: Vec<(u64, Change)> = (commit.first_version..)
        .zip(&commit.events)
        .filter_map(|(version, event)| Some((version, change(event)?)))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let key = keys::pending(&commit.tenant, commit.entity);
    let before: PendingRow = load(&*rows, "pending", &key)?.unwrap_or_default();
    let mut after = before;
    for (set_by, change) in changes {
        let set = |at: Option<Timestamp>| at.map(|at| SetRow { at: at.as_millis(), set_by });
        match change {
            Change::Pause(until) => after.pause = set(until),
            Change::Snooze(until) => after.snooze = set(until),
        }
    }
    if before == after {
        return Ok(());
    }
    for timer in before.timers(&commit.tenant, commit.entity) {
        rows.delete(keys::timer(&timer));
    }
    for timer in after.timers(&commit.tenant, commit.entity) {
        rows.put(keys::timer(&timer), Vec::new());
    }
    if after == PendingRow::default() {
        rows.delete(key);
    } else {
        store(rows, key, &after);
    }
    Ok(())
}

/// What the event says about a time, if anything: as the domain's state has it.
fn change(event: &Event) -> Option<Change> {
    match event {
        Event::Conversation(event) => conversation_event(event),
        // Only conversations wait for a time.
        Event::Contact(_) | Event::Identity(_) | Event::Channel(_) | Event::Workspace(_) => None,
    }
}

const fn conversation_event(event: &ConversationEvent) -> Option<Change> {
    match event {
        ConversationEvent::BotPaused { terms: PauseTerms { until, locked: _ }, .. }
        | ConversationEvent::PauseChanged { terms: PauseTerms { until, locked: _ }, .. } => Some(Change::Pause(*until)),
        ConversationEvent::BotResumed { .. } => Some(Change::Pause(None)),
        ConversationEvent::Snoozed { until, .. } => Some(Change::Snooze(*until)),
        ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Resolved { .. } => Some(Change::Snooze(None)),
        ConversationEvent::Opened { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. }
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. } => None,
    }
}
