//! From a commit to rows: which event goes where. The rules themselves stand in `conversation`, `thread` and `contact`.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::ConversationEvent;
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, EntityId, Event, Recorded, TenantId};
use relevo_projection::{ApplyError, Rows};

use crate::row::{ConversationRow, LooseKind, load, store};
use crate::{contact, conversation, keys, thread};

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
            // A binding decides to whom a message belongs; what the inbox shows comes with the message.
            Event::Identity(IdentityEvent::Bound { .. })
            // A report that no conversation has, and what a provider says about an account: there is no thread for it.
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
    let key = keys::conversation(moment.tenant, moment.entity);
    let before: Option<ConversationRow> = load(&*rows, "conversation", &key)?;
    let mut row = match (&before, event) {
        (None, ConversationEvent::Opened { channel, medium, contact }) => {
            rows.put(keys::of_contact(moment.tenant, *contact, moment.sequence), moment.entity.bytes().to_vec());
            conversation::opened(moment, channel, *medium, *contact)
        }
        (Some(before), _) => before.clone(),
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    };
    change(rows, moment, &mut row, event)?;
    row.version = moment.version;
    row.sequence = moment.sequence;
    move_in_lists(rows, moment, before.as_ref(), &row);
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
    match event {
        // The row is new; `EpisodeStarted` follows and is what the thread shows.
        ConversationEvent::Opened { .. } => {}
        ConversationEvent::EpisodeStarted { episode, .. } => {
            thread::episode_started(rows, moment, *episode);
            conversation::episode_started(row, *episode);
        }
        ConversationEvent::MessageReceived(message) => {
            let stored = thread::message(rows, moment, message)?;
            conversation::message_received(row, moment, message, &stored);
        }
        ConversationEvent::MessageEchoed(message) => {
            let stored = thread::message(rows, moment, message)?;
            conversation::message_echoed(row, moment, &stored);
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
        }
        ConversationEvent::DeliveryReported(report) => {
            let reported = thread::report(report);
            thread::amend(rows, moment, report.message, LooseKind::Delivery, |about| {
                thread::deliver(about, &reported);
            })?;
        }
        ConversationEvent::BotPaused { reason, automatic, personal } => {
            thread::bot_paused(rows, moment, *reason, *automatic, personal);
            conversation::bot_paused(row, moment, *reason, *automatic, personal);
        }
        ConversationEvent::BotResumed { personal } => {
            thread::bot_resumed(rows, moment, personal);
            conversation::bot_resumed(row);
        }
        ConversationEvent::Assigned { agent, team, how } => {
            thread::assigned(rows, moment, agent.as_ref(), team.as_ref(), *how);
            conversation::assigned(row, agent.as_ref(), team.as_ref());
        }
        ConversationEvent::Resolved { episode, reason, personal } => {
            thread::resolved(rows, moment, *episode, reason.as_deref(), personal);
            conversation::resolved(row);
        }
        ConversationEvent::Reopened { episode, .. } => {
            thread::reopened(rows, moment, *episode);
            conversation::reopened(row, *episode);
        }
        ConversationEvent::NoteAdded { message, personal } => thread::note(rows, moment, *message, personal)?,
        ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    Ok(())
}

/// Takes the conversation out of the lists where it was and puts it into those where it is.
fn move_in_lists(rows: &mut dyn Rows, moment: Moment<'_>, before: Option<&ConversationRow>, after: &ConversationRow) {
    let old = before.map(|before| list_keys(moment, before));
    let new = list_keys(moment, after);
    if old.as_ref() == Some(&new) {
        return;
    }
    for key in old.into_iter().flatten() {
        rows.delete(key);
    }
    for key in new {
        rows.put(key, Vec::new());
    }
}

fn list_keys(moment: Moment<'_>, row: &ConversationRow) -> [Vec<u8>; 2] {
    let holder = if row.agent.is_empty() { keys::Facet::Unassigned } else { keys::Facet::Agent(&row.agent) };
    // Statuses are a handful of small numbers.
    let status = row.status as u8;
    [keys::Facet::All, holder].map(|facet| keys::list(moment.tenant, facet, status, row.last_activity, moment.entity))
}
