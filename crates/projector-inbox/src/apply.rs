//! From a commit to rows: which event goes where. The rules themselves stand in `conversation`, `thread`, `contact`, `channel`
//! and `workspace`; `count` and `changed` follow whatever they do to a row.

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::identity::IdentityEvent;
use relevo_domain::{Actor, EntityId, Event, Recorded, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::row::{ConversationRow, Entry, LooseKind, MessageRow, NumbersRow};
use crate::{channel, contact, conversation, count, keys, thread, workspace};

/// One event's where, when and who.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) entity: EntityId,
    pub(crate) sequence: u64,
    /// Of the event in its commit.
    pub(crate) ordinal: u32,
    /// Of the entity after the event.
    pub(crate) version: u64,
    /// `occurred_at` in milliseconds.
    pub(crate) at: i64,
    pub(crate) by: &'a Actor,
}

pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    for (ordinal, event) in (0..).zip(&commit.events) {
        let moment = Moment {
            tenant: &commit.tenant,
            entity: commit.entity,
            sequence: recorded.sequence,
            ordinal,
            version: commit.first_version + u64::from(ordinal),
            at: commit.occurred_at.as_millis(),
            by: &commit.actor,
        };
        match event {
            Event::Conversation(event) => conversation_event(rows, moment, event)?,
            Event::Contact(event) => contact::apply(rows, moment, event)?,
            Event::Workspace(event) => workspace::apply(rows, moment, event)?,
            Event::Channel(event) => channel::apply(rows, moment, event)?,
            // A binding decides to whom a message belongs; what the inbox shows comes with the message.
            Event::Identity(IdentityEvent::Bound { .. }) => {}
        }
    }
    Ok(())
}

fn conversation_event(rows: &mut dyn Rows, moment: Moment<'_>, event: &ConversationEvent) -> Result<(), ApplyError> {
    let key = keys::conversation(moment.tenant, moment.entity);
    let before: Option<ConversationRow> = load(&*rows, "conversation", &key)?;
    let mut row = match (&before, event) {
        (None, ConversationEvent::Opened { channel, medium, contact }) => {
            rows.put(keys::of_contact(moment.tenant, *contact, moment.sequence), moment.entity.bytes().to_vec());
            let contact_ordinal = contact::ordinal(rows, moment.tenant, *contact)?;
            let ordinal = number(rows, moment.tenant, |numbers| &mut numbers.conversations)?;
            let row = conversation::opened(moment, channel, *medium, *contact);
            ConversationRow { ordinal, contact_ordinal, ..row }
        }
        (Some(before), _) => before.clone(),
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    };
    change(rows, moment, &mut row, event)?;
    conversation::answers(&mut row, moment, event);
    row.version = moment.version;
    row.sequence = moment.sequence;
    row.waiting_since = row.unanswered.as_ref().and_then(conversation::unanswered::since);
    row.unread = conversation::unread::count(&row.unread_runs);
    count::moved(rows, moment.tenant, before.as_ref(), &row)?;
    changed(rows, moment, moment.entity, before.map_or(0, |before| before.sequence));
    store(rows, key, &row);
    Ok(())
}

/// Thread first, list row second: what a list shows of a message is what the thread has made of it.
fn change(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    row: &mut ConversationRow,
    event: &ConversationEvent,
) -> Result<(), ApplyError> {
    if let Some(entry) = thread::timeline::entry(moment, event) {
        thread::put(rows, moment, Entry::Timeline(entry));
    }
    match event {
        ConversationEvent::MessageReceived(message) => {
            let stored = thread::message(rows, moment, message)?;
            conversation::message_received(row, moment, message, &stored);
        }
        ConversationEvent::MessageEchoed(message) => {
            let stored = thread::message(rows, moment, message)?;
            conversation::message_echoed(row, moment, message, &stored);
        }
        ConversationEvent::MessageEdited { message, content } => {
            let stored = thread::amend(rows, moment, *message, LooseKind::Edited, |about| {
                thread::edit(about, content, moment.at);
            })?;
            conversation::message_changed(row, stored.as_ref());
        }
        ConversationEvent::MessageRevoked { message } => {
            let stored = thread::amend(rows, moment, *message, LooseKind::Revoked, |about| {
                thread::revoke(about, moment.at);
            })?;
            conversation::message_changed(row, stored.as_ref());
        }
        ConversationEvent::ReactionChanged { message, personal } => {
            let reaction = thread::reaction(moment, personal);
            thread::amend(rows, moment, *message, LooseKind::Reaction, |about| thread::react(about, &reaction))?;
            conversation::reacted(row, moment);
        }
        ConversationEvent::DeliveryReported(report) => {
            let reported = thread::report(report);
            let stored = thread::amend(rows, moment, report.message, LooseKind::Delivery, |about| {
                thread::deliver(about, &reported);
            })?;
            conversation::message_changed(row, stored.as_ref());
        }
        ConversationEvent::MessageQueued(outgoing) => {
            let stored = thread::sent::queued(rows, moment, outgoing)?;
            conversation::message_queued(row, moment, outgoing, &stored);
        }
        ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. } => {
            let stored = on_its_way(rows, moment, event)?;
            conversation::message_changed(row, stored.as_ref());
        }
        ConversationEvent::NoteAdded { message, personal } => thread::note(rows, moment, *message, personal)?,
        ConversationEvent::Opened { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Resolved { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => conversation::changed(row, moment, event),
    }
    Ok(())
}

/// What becomes of a message that was queued, and of a file that was received.
fn on_its_way(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    event: &ConversationEvent,
) -> Result<Option<MessageRow>, ApplyError> {
    match event {
        ConversationEvent::SendStarted { message, attempt, .. } => {
            thread::sent::started(rows, moment, *message, *attempt)
        }
        ConversationEvent::MessageAccepted { message, alias, personal, .. } => {
            thread::sent::accepted(rows, moment, *message, *alias, &personal.provider_id)
        }
        ConversationEvent::SendFailed { message, attempt, failure, retry_at } => {
            thread::sent::failed(rows, moment, *message, *attempt, failure, *retry_at)
        }
        ConversationEvent::SendOutcomeUnknown { message, .. } => thread::sent::unknown(rows, moment, *message),
        ConversationEvent::SendCancelled { message, cause } => thread::sent::cancelled(rows, moment, *message, *cause),
        ConversationEvent::MediumFetched { message, index, medium, outcome } => {
            thread::sent::fetched(rows, moment, *message, *index, *medium, outcome)
        }
        ConversationEvent::Opened { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
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
        | ConversationEvent::MarkedRead { .. } => Ok(None),
    }
}

/// Moves an entity in CHANGED from where it stood to this commit; 0 stands for nowhere.
pub(crate) fn changed(rows: &mut dyn Rows, moment: Moment<'_>, entity: EntityId, before: u64) {
    if before == moment.sequence {
        return;
    }
    if before != 0 {
        rows.delete(keys::changed(moment.tenant, before, entity));
    }
    rows.put(keys::changed(moment.tenant, moment.sequence, entity), Vec::new());
}

/// The next number of its kind, which is given once.
pub(crate) fn number(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    kind: impl FnOnce(&mut NumbersRow) -> &mut u32,
) -> Result<u32, ApplyError> {
    let key = keys::numbers(tenant);
    let mut numbers: NumbersRow = load(&*rows, "numbers", &key)?.unwrap_or_default();
    let next = kind(&mut numbers);
    let given = *next;
    *next = given.checked_add(1).ok_or_else(|| ApplyError::BadRow("numbers: there are no more".to_owned()))?;
    store(rows, key, &numbers);
    Ok(given)
}
