//! Writes the decision store from commits. A projector like any other, under the same laws.

use std::time::Duration;

use relevo_domain::bulk::BulkEvent;
use relevo_domain::conversation::{Body, ConversationEvent, Message, Outgoing};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Commit, EntityId, EntityKind, Event, MessageId, Recorded};
use relevo_projection::{ApplyError, Projector, Rows};

use super::keys;
use super::row::{self, CommandRow, Entity, EntityState, InForceRow, MailRow, MessageRow, SentRow};

/// How long a commit may wait for others before it is applied, while nobody waits for it. What this node has written it
/// remembers until it is here; what others have written is found out by the compare-and-set.
const LINGER: Duration = Duration::from_millis(5);

/// The projector of the decision store.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecisionProjector;

impl DecisionProjector {
    /// Name of the view.
    pub const NAME: &'static str = "decision";
    /// Raise when bytes or meaning of the rows change.
    pub const VERSION: u32 = 6;
}

impl Projector for DecisionProjector {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        Self::VERSION
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
        let commit = &recorded.commit;
        let key = keys::state(&commit.tenant, &commit.entity);
        let entity = match rows.get(&key)? {
            Some(bytes) => row::decode(commit.entity.kind(), &bytes).map_err(|bad| ApplyError::BadRow(bad.0))?,
            None => Entity::absent(commit.entity.kind()),
        };
        let before = paused_key(commit, &entity);
        let entity = entity.evolve(recorded);
        remember_pause(rows, before, paused_key(commit, &entity));
        remember_command(rows, recorded)?;
        for event in &commit.events {
            match event {
                Event::Conversation(event) => conversation_event(rows, recorded, &entity, event)?,
                Event::Identity(IdentityEvent::Bound { conversation: Some(conversation), .. }) => {
                    rows.put(keys::bound(&commit.tenant, conversation, &commit.entity), Vec::new());
                }
                Event::Workspace(WorkspaceEvent::DetectionSet(policy)) => {
                    let row = InForceRow::of(recorded.sequence, policy);
                    rows.put(keys::detection(&commit.tenant), prost::Message::encode_to_vec(&row));
                }
                Event::Bulk(BulkEvent::Started { .. }) => {
                    rows.put(keys::unfinished(&commit.tenant, &commit.entity), Vec::new());
                }
                Event::Bulk(BulkEvent::Finished { .. }) => {
                    rows.delete(keys::unfinished(&commit.tenant, &commit.entity));
                }
                Event::Bulk(BulkEvent::Taken { .. } | BulkEvent::Progressed { .. })
                | Event::Identity(IdentityEvent::Bound { conversation: None, .. })
                | Event::Contact(_)
                | Event::Channel(_)
                | Event::Workspace(
                    WorkspaceEvent::IdKeyFingerprinted { .. }
                    | WorkspaceEvent::TagCreated { .. }
                    | WorkspaceEvent::TagChanged { .. }
                    | WorkspaceEvent::TagDeleted { .. }
                    | WorkspaceEvent::QuickReplySet { .. }
                    | WorkspaceEvent::QuickReplyRemoved { .. },
                ) => {}
            }
        }
        rows.put(key, row::encode(&entity));
        Ok(())
    }
}

fn remember_command(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let row = CommandRow {
        sequence: recorded.sequence,
        intake_sequence: commit.intake.map_or(0, |pointer| pointer.sequence),
        intake_part: commit.intake.map_or(0, |pointer| pointer.part),
        intake_ordinal: commit.intake.map_or(0, |pointer| pointer.ordinal),
        event: commit.events.last().map_or("", Event::name).to_owned(),
        version: commit.last_version(),
        entity: keys::entity_bytes(&commit.entity).to_vec(),
    };
    let key = keys::commands(&commit.tenant, &commit.command_id);
    let first = match rows.get(&key)? {
        Some(bytes) => {
            <CommandRow as prost::Message>::decode(bytes.as_slice())
                .map_err(|error| ApplyError::BadRow(error.to_string()))?
                .entity
                == row.entity
        }
        None => true,
    };
    let key = if first { key } else { keys::further(key, &commit.entity) };
    rows.put(key, prost::Message::encode_to_vec(&row));
    Ok(())
}

/// The key under which the conversation is listed while its bot is paused.
fn paused_key(commit: &Commit, entity: &Entity) -> Option<Vec<u8>> {
    let opened = entity.paused()?;
    Some(keys::paused(&commit.tenant, &opened.contact, &opened.channel, &commit.entity))
}

fn remember_pause(rows: &mut dyn Rows, before: Option<Vec<u8>>, now: Option<Vec<u8>>) {
    match (before, now) {
        (None, Some(key)) => rows.put(key, Vec::new()),
        (Some(key), None) => rows.delete(key),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn conversation_event(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    entity: &Entity,
    event: &ConversationEvent,
) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    match event {
        ConversationEvent::Opened { contact, .. } => {
            rows.put(keys::conversation_of(&commit.tenant, contact, &commit.entity), Vec::new());
        }
        ConversationEvent::MessageReceived(message) => {
            remember_message(rows, recorded, message.id);
            remember_mail(rows, commit, entity, message)?;
        }
        ConversationEvent::MessageEchoed(message) => remember_message(rows, recorded, message.id),
        ConversationEvent::MessageQueued(outgoing) => {
            remember_message(rows, recorded, outgoing.id);
            remember_own_mail(rows, commit, entity, outgoing);
        }
        ConversationEvent::MessageAccepted { message, alias, .. } => {
            let row = SentRow { conversation: commit.entity.bytes().to_vec(), message: message.bytes().to_vec() };
            rows.put(keys::sent(&commit.tenant, *alias), prost::Message::encode_to_vec(&row));
            rows.put(keys::accepted(&commit.tenant, *message), message_row(recorded));
        }
        ConversationEvent::EpisodeStarted { .. }
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
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. } => {}
    }
    Ok(())
}

fn remember_message(rows: &mut dyn Rows, recorded: &Recorded, message: MessageId) {
    rows.put(keys::message(&recorded.commit.tenant, message), message_row(recorded));
}

fn message_row(recorded: &Recorded) -> Vec<u8> {
    let row = MessageRow { conversation: recorded.commit.entity.bytes().to_vec(), sequence: recorded.sequence };
    prost::Message::encode_to_vec(&row)
}

/// A mail of ours is known by its Message-ID from the moment that it is queued, and whom we write to belongs to the thread.
fn remember_own_mail(rows: &mut dyn Rows, commit: &Commit, entity: &Entity, outgoing: &Outgoing) {
    let (Body::Mail(mail), EntityState::Conversation(state)) = (&outgoing.body, &entity.state) else { return };
    let Some(opened) = &state.opened else { return };
    for address in std::iter::once(&outgoing.personal.to.value).chain(&mail.cc) {
        rows.put(keys::participant(&commit.tenant, &commit.entity, address), Vec::new());
    }
    rows.put(
        keys::mail(&commit.tenant, &opened.channel, &mail.message_id),
        mail_row(&commit.entity, Some(outgoing.id)),
    );
}

/// A mail makes its Message-ID known, and (weakly) the ids that it refers to, so that a parent that arrives after its child
/// still finds the thread. The first conversation to know an id keeps it: another's thread cannot be taken over.
fn remember_mail(rows: &mut dyn Rows, commit: &Commit, entity: &Entity, message: &Message) -> Result<(), ApplyError> {
    let (Some(mail), EntityState::Conversation(state)) = (&message.content.personal.mail, &entity.state) else {
        return Ok(());
    };
    let Some(opened) = &state.opened else { return Ok(()) };
    debug_assert_eq!(commit.entity.kind(), EntityKind::Conversation);
    // Who came in by our own token alone has not shown to belong to the thread.
    if let Some(address) = &message.content.personal.sender_address
        && !message.flags.unverified
    {
        rows.put(keys::participant(&commit.tenant, &commit.entity, address), Vec::new());
    }
    let known = |rows: &dyn Rows, key: &[u8]| -> Result<Option<MailRow>, ApplyError> {
        let Some(bytes) = rows.get(key)? else { return Ok(None) };
        prost::Message::decode(bytes.as_slice()).map(Some).map_err(|error| ApplyError::BadRow(error.to_string()))
    };
    if let Some(id) = &mail.message_id {
        let key = keys::mail(&commit.tenant, &opened.channel, id);
        let stored = known(rows, &key)?;
        // A weak row gives way to the mail itself; the first mail of that id stays (a reused id is another message).
        if stored.is_none_or(|row| row.message.is_none()) {
            rows.put(key, mail_row(&commit.entity, Some(message.id)));
        }
    }
    for id in mail.in_reply_to.iter().chain(&mail.references) {
        let key = keys::mail(&commit.tenant, &opened.channel, id);
        if rows.get(&key)?.is_none() {
            rows.put(key, mail_row(&commit.entity, None));
        }
    }
    Ok(())
}

fn mail_row(conversation: &EntityId, message: Option<MessageId>) -> Vec<u8> {
    let row = MailRow {
        conversation: conversation.bytes().to_vec(),
        message: message.map(|message| message.bytes().to_vec()),
    };
    prost::Message::encode_to_vec(&row)
}
