//! What each event changes in what is pending.

use std::collections::BTreeSet;

use relevo_domain::conversation::{Alert, Author, ConversationEvent, MessageKind, PauseTerms};
use relevo_domain::{Event, MessageId, Recorded, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use super::keys;
use super::row::{AnsweredRow, PendingRow, SetRow};

/// What an event says about times.
#[derive(Clone, Copy)]
enum Change {
    /// The bot is paused, until then if a time is set.
    Paused(Option<Timestamp>),
    /// The pause goes on, until then.
    PausedUntil(Option<Timestamp>),
    Resumed,
    Snooze(Option<Timestamp>),
    /// It is closed: it does not sleep, and nobody waits.
    Resolved,
    /// The customer wrote.
    Wrote,
    /// A person answered.
    Answered,
    /// The bot did.
    BotAnswered(MessageId),
    /// What became of a message on its way: whether the provider took it.
    Settled(MessageId, bool),
    Alerted(Alert, Timestamp),
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
    let (tenant, conversation) = (&commit.tenant, commit.entity);
    let key = keys::pending(tenant, conversation);
    let before: PendingRow = load(&*rows, "pending", &key)?.unwrap_or_default();
    let mut after = before.clone();
    for (set_by, change) in changes {
        after.changed(change, set_by, commit.occurred_at.as_millis());
    }
    if before == after {
        return Ok(());
    }
    // Most changes are of who waits for whom, and leave the times as they are: what stands is not written again.
    let keys_of = |row: &PendingRow| -> BTreeSet<Vec<u8>> {
        let timers = row.timers(tenant, conversation).into_iter().map(|timer| keys::timer(&timer));
        let alarms = row.alarming().into_iter();
        timers.chain(alarms.map(|(kind, since)| keys::alarm(tenant, kind, since, conversation))).collect()
    };
    let (gone, set) = (keys_of(&before), keys_of(&after));
    for key in gone.difference(&set) {
        rows.delete(key.clone());
    }
    for key in set.difference(&gone) {
        rows.put(key.clone(), Vec::new());
    }
    if after == PendingRow::default() {
        rows.delete(key);
    } else {
        store(rows, key, &after);
    }
    Ok(())
}

impl PendingRow {
    /// As the domain's state does it.
    fn changed(&mut self, change: Change, set_by: u64, at: i64) {
        let set = |at: Option<Timestamp>| at.map(|at| SetRow { at: at.as_millis(), set_by });
        match change {
            Change::Paused(until) => (self.pause, self.paused_since) = (set(until), Some(at)),
            Change::PausedUntil(until) => self.pause = set(until),
            Change::Resumed => (self.pause, self.paused_since) = (None, None),
            Change::Snooze(until) => self.snooze = set(until),
            Change::Resolved => {
                self.snooze = None;
                (self.waiting_since, self.answered) = (None, None);
            }
            Change::Wrote => {
                self.waiting_since.get_or_insert(at);
            }
            Change::Answered => (self.waiting_since, self.answered) = (None, None),
            Change::BotAnswered(message) => self.bot_answered(message),
            Change::Settled(message, taken) => self.settled(message, taken),
            Change::Alerted(Alert::PausedUnanswered, since) => self.alerted_unanswered = Some(since.as_millis()),
            Change::Alerted(Alert::PausedTooLong, since) => self.alerted_too_long = Some(since.as_millis()),
        }
    }

    /// While it is paused, what the bot says answers nobody.
    fn bot_answered(&mut self, message: MessageId) {
        if self.paused_since.is_none()
            && let Some(since) = self.waiting_since.take()
        {
            self.answered = Some(AnsweredRow { message: message.bytes().to_vec(), since });
        }
    }

    /// An answer that the customer never got is none.
    fn settled(&mut self, message: MessageId, taken: bool) {
        if let Some(answered) = self.answered.take_if(|answered| answered.message == message.bytes())
            && !taken
        {
            let waiting = self.waiting_since.map_or(answered.since, |waiting| waiting.min(answered.since));
            self.waiting_since = Some(waiting);
        }
    }
}

/// What the event says about times, if anything: as the domain's state has it.
fn change(event: &Event) -> Option<Change> {
    match event {
        Event::Conversation(event) => conversation_event(event),
        // Only conversations wait for a time.
        Event::Contact(_) | Event::Identity(_) | Event::Channel(_) | Event::Workspace(_) | Event::Bulk(_) => None,
    }
}

fn conversation_event(event: &ConversationEvent) -> Option<Change> {
    match event {
        ConversationEvent::BotPaused { terms: PauseTerms { until, locked: _ }, .. } => Some(Change::Paused(*until)),
        ConversationEvent::PauseChanged { terms: PauseTerms { until, locked: _ }, .. } => {
            Some(Change::PausedUntil(*until))
        }
        ConversationEvent::BotResumed { .. } => Some(Change::Resumed),
        ConversationEvent::Snoozed { until, .. } => Some(Change::Snooze(*until)),
        ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::MarkedPending { .. } => Some(Change::Snooze(None)),
        ConversationEvent::Resolved { .. } => Some(Change::Resolved),
        ConversationEvent::MessageReceived(message) => {
            let waits = message.content.kind != MessageKind::System && message.flags.by_a_person();
            waits.then_some(Change::Wrote)
        }
        ConversationEvent::MessageEchoed(_) => Some(Change::Answered),
        ConversationEvent::MessageQueued(outgoing) => match outgoing.author {
            Author::Staff => Some(Change::Answered),
            Author::Bot => Some(Change::BotAnswered(outgoing.id)),
            Author::System | Author::Customer | Author::PhoneApp => None,
        },
        ConversationEvent::MessageAccepted { message, .. } => Some(Change::Settled(*message, true)),
        ConversationEvent::SendFailed { message, retry_at: None, .. }
        | ConversationEvent::SendCancelled { message, .. } => Some(Change::Settled(*message, false)),
        ConversationEvent::AlertRaised { alert, since } => Some(Change::Alerted(*alert, *since)),
        ConversationEvent::Opened { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::BotSignalled { .. }
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
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::SendFailed { retry_at: Some(_), .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::MediumFetched { .. } => None,
    }
}
