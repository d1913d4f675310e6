//! From a commit to rows: which event goes where. The rules themselves stand in `conversation`, `thread`, `contact`, `channel`
//! and `workspace`; `count` and `changed` follow whatever they do to a row.

use relevo_domain::conversation::{ConversationEvent, DeliveryReport};
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
    let mut talk: Option<Talk> = None;
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
            Event::Conversation(event) => {
                let known = match talk.take() {
                    Some(talk) => talk,
                    None => conversation_before(rows, moment, event)?,
                };
                talk = Some(conversation_event(rows, moment, known, event)?);
            }
            Event::Contact(event) => contact::apply(rows, moment, event)?,
            Event::Workspace(event) => workspace::apply(rows, moment, event)?,
            Event::Channel(event) => channel::apply(rows, moment, event)?,
            // What a bulk does to conversations are events of these. A binding decides to whom a message belongs; what the
            // inbox shows comes with the message.
            Event::Bulk(_) | Event::Identity(IdentityEvent::Bound { .. }) => {}
        }
    }
    let Some(Talk { before, row }) = talk else { return Ok(()) };
    count::moved(rows, &commit.tenant, before.as_ref(), &row)?;
    let stood_at = before.map_or(0, |before| before.sequence);
    changed(rows, &commit.tenant, recorded.sequence, commit.entity, stood_at);
    store(rows, keys::conversation(&commit.tenant, commit.entity), &row);
    Ok(())
}

/// A commit's conversation: as it was stored before the commit, and as the events so far have made it. Read and written once a
/// commit, however many events it has.
struct Talk {
    before: Option<ConversationRow>,
    row: ConversationRow,
}

fn conversation_before(rows: &mut dyn Rows, moment: Moment<'_>, first: &ConversationEvent) -> Result<Talk, ApplyError> {
    let before: Option<ConversationRow> =
        load(&*rows, "conversation", &keys::conversation(moment.tenant, moment.entity))?;
    let row = match (&before, first) {
        (None, ConversationEvent::Opened { channel, medium, contact }) => {
            rows.put(keys::of_contact(moment.tenant, *contact, moment.sequence), moment.entity.bytes().to_vec());
            let contact_ordinal = contact::ordinal(rows, moment.tenant, *contact)?;
            let ordinal = number(rows, moment.tenant, |numbers| &mut numbers.conversations)?;
            let row = conversation::opened(moment, channel, *medium, *contact);
            ConversationRow { ordinal, contact_ordinal, ..row }
        }
        (Some(before), _) => before.clone(),
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", first.name()))),
    };
    Ok(Talk { before, row })
}

fn conversation_event(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    Talk { before, mut row }: Talk,
    event: &ConversationEvent,
) -> Result<Talk, ApplyError> {
    change(rows, moment, &mut row, event)?;
    conversation::answers(&mut row, moment, event);
    row.version = moment.version;
    row.sequence = moment.sequence;
    row.waiting_since = row.unanswered.as_ref().and_then(conversation::unanswered::since);
    row.unread = conversation::unread::count(&row.unread_runs);
    Ok(Talk { before, row })
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
            conversation::message_changed(row, reported(rows, moment, report)?.as_ref());
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
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
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

fn reported(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    report: &DeliveryReport,
) -> Result<Option<MessageRow>, ApplyError> {
    let reported = thread::report(report);
    thread::amend(rows, moment, report.message, LooseKind::Delivery, |about| thread::deliver(about, &reported))
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
        | ConversationEvent::MarkedRead { .. } => Ok(None),
    }
}

/// Moves an entity in CHANGED from where it stood to this commit; 0 stands for nowhere.
pub(crate) fn changed(rows: &mut dyn Rows, tenant: &TenantId, sequence: u64, entity: EntityId, before: u64) {
    if before == sequence {
        return;
    }
    if before != 0 {
        rows.delete(keys::changed(tenant, before, entity));
    }
    rows.put(keys::changed(tenant, sequence, entity), Vec::new());
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
