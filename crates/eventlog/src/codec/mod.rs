//! The codec: commits to the bytes that the log stores, and back.
//!
//! Encoding is total: every event of the domain has a form on the log. Decoding refuses what it does not understand (an
//! unknown event, an unknown enum value, a malformed id) instead of skipping it, and never repeats the bytes in its errors,
//! because they may be personal.

mod bot;
mod bulk;
mod conversation;
mod detection;
mod entity;
mod field;
mod message;
mod outgoing;
mod pause;
mod template;

use prost::Message as _;
use relevo_domain::{
    Actor, AgentId, CommandId, Commit, CommitHash, CommitId, Event, IntakePointer, TenantId, Timestamp,
};
use relevo_proto::event::v1 as wire;
use sha2::{Digest as _, Sha256};

use wire::event::Kind;

/// Why stored bytes are not a commit. Says where, never what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not a commit in protobuf")]
    Malformed,
    #[error("event {index} is of a type that this version does not know")]
    UnknownEvent { index: usize },
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` is not acceptable")]
    Invalid(&'static str),
}

/// The bytes that the log stores for a commit. The same commit always gives the same bytes.
pub fn encode(commit: &Commit) -> Vec<u8> {
    let zero: CommitHash = [0; 32];
    wire::Commit {
        commit_id: commit.id.bytes().to_vec(),
        command_id: commit.command_id.as_str().to_owned(),
        tenant: commit.tenant.to_string(),
        entity: commit.entity.to_string(),
        first_version: commit.first_version,
        occurred_at_ms: commit.occurred_at.as_millis(),
        recorded_at_ms: commit.recorded_at.as_millis(),
        actor: Some(encode_actor(&commit.actor)),
        causation_id: commit.causation.map(|id| id.bytes().to_vec()),
        correlation_id: commit.correlation.clone(),
        previous_hash: if commit.previous_hash == zero { Vec::new() } else { commit.previous_hash.to_vec() },
        intake: commit.intake.map(encode_pointer),
        events: commit.events.iter().map(|event| wire::Event { kind: Some(encode_event(event)) }).collect(),
    }
    .encode_to_vec()
}

/// SHA-256 of stored bytes: what the entity's next commit names.
pub fn hash(stored: &[u8]) -> CommitHash {
    Sha256::digest(stored).into()
}

/// The commit that stored bytes hold.
pub fn decode(stored: &[u8]) -> Result<Commit, DecodeError> {
    let commit = wire::Commit::decode(stored).map_err(|_malformed| DecodeError::Malformed)?;
    if commit.events.is_empty() {
        return Err(DecodeError::Missing("events"));
    }
    if commit.first_version == 0 || commit.first_version.checked_add(commit.events.len() as u64).is_none() {
        return Err(DecodeError::Invalid("first_version"));
    }
    let previous_hash = match commit.previous_hash.as_slice() {
        [] => [0; 32],
        bytes => bytes.try_into().map_err(|_length| DecodeError::Invalid("previous_hash"))?,
    };
    // Not collected: that would keep the wire's events' room, which is ten times as much, for as long as the commit is in memory.
    let mut events = Vec::with_capacity(commit.events.len());
    for (index, event) in commit.events.into_iter().enumerate() {
        events.push(decode_event(event.kind.ok_or(DecodeError::UnknownEvent { index })?)?);
    }
    Ok(Commit {
        id: CommitId::new(field::bytes16("commit_id", &commit.commit_id)?),
        tenant: TenantId::new(commit.tenant).map_err(|_name| DecodeError::Invalid("tenant"))?,
        entity: field::entity("entity", &commit.entity)?,
        first_version: commit.first_version,
        command_id: CommandId::new(commit.command_id).map_err(|_name| DecodeError::Invalid("command_id"))?,
        occurred_at: Timestamp::from_millis(commit.occurred_at_ms),
        recorded_at: Timestamp::from_millis(commit.recorded_at_ms),
        actor: decode_actor(commit.actor.ok_or(DecodeError::Missing("actor"))?)?,
        causation: commit.causation_id.map(|id| field::bytes16("causation_id", &id).map(CommitId::new)).transpose()?,
        correlation: commit.correlation_id,
        previous_hash,
        intake: commit.intake.map(decode_pointer),
        events,
    })
}

const fn encode_pointer(pointer: IntakePointer) -> wire::IntakePointer {
    let IntakePointer { sequence, part, ordinal } = pointer;
    wire::IntakePointer { sequence, ordinal, part }
}

const fn decode_pointer(pointer: wire::IntakePointer) -> IntakePointer {
    let wire::IntakePointer { sequence, ordinal, part } = pointer;
    IntakePointer { sequence, part, ordinal }
}

fn encode_actor(actor: &Actor) -> wire::Actor {
    let (kind, id) = match actor {
        Actor::Customer => (wire::ActorKind::Customer, None),
        Actor::Staff(id) => (wire::ActorKind::Staff, Some(id)),
        Actor::Bot(id) => (wire::ActorKind::Bot, Some(id)),
        Actor::PhoneApp => (wire::ActorKind::PhoneApp, None),
        Actor::Provider => (wire::ActorKind::Provider, None),
        Actor::System => (wire::ActorKind::System, None),
    };
    wire::Actor { kind: kind.into(), id: id.map(AgentId::to_string).unwrap_or_default() }
}

fn decode_actor(actor: wire::Actor) -> Result<Actor, DecodeError> {
    let id = |id: String| AgentId::new(id).map_err(|_name| DecodeError::Invalid("actor.id"));
    match wire::ActorKind::try_from(actor.kind) {
        Ok(wire::ActorKind::Customer) => Ok(Actor::Customer),
        Ok(wire::ActorKind::Staff) => id(actor.id).map(Actor::Staff),
        Ok(wire::ActorKind::Bot) => id(actor.id).map(Actor::Bot),
        Ok(wire::ActorKind::PhoneApp) => Ok(Actor::PhoneApp),
        Ok(wire::ActorKind::Provider) => Ok(Actor::Provider),
        Ok(wire::ActorKind::System) => Ok(Actor::System),
        Ok(wire::ActorKind::Unspecified) | Err(_) => Err(DecodeError::Invalid("actor.kind")),
    }
}

fn encode_event(event: &Event) -> Kind {
    match event {
        Event::Conversation(event) => conversation::encode(event),
        Event::Contact(event) => entity::encode_contact(event),
        Event::Identity(event) => entity::encode_identity(event),
        Event::Channel(event) => entity::encode_channel(event),
        Event::Workspace(event) => entity::encode_workspace(event),
        Event::Bulk(event) => bulk::encode(event),
    }
}

fn decode_event(kind: Kind) -> Result<Event, DecodeError> {
    match kind {
        Kind::ConversationOpened(_)
        | Kind::EpisodeStarted(_)
        | Kind::MessageReceived(_)
        | Kind::MessageEchoed(_)
        | Kind::MessageEdited(_)
        | Kind::MessageRevoked(_)
        | Kind::ReactionChanged(_)
        | Kind::DeliveryReported(_)
        | Kind::BotPaused(_)
        | Kind::PauseChanged(_)
        | Kind::BotResumed(_)
        | Kind::Escalated(_)
        | Kind::SituationDetected(_)
        | Kind::SuggestionClosed(_)
        | Kind::BotTurnStarted(_)
        | Kind::BotTurnEnded(_)
        | Kind::AlertRaised(_)
        | Kind::BotSignalled(_)
        | Kind::Assigned(_)
        | Kind::Resolved(_)
        | Kind::Reopened(_)
        | Kind::NoteAdded(_)
        | Kind::MarkedPending(_)
        | Kind::Snoozed(_)
        | Kind::ReturnedToOpen(_)
        | Kind::TagAdded(_)
        | Kind::TagRemoved(_)
        | Kind::PrioritySet(_)
        | Kind::MarkedRead(_) => conversation::decode(kind).map(Event::Conversation),
        Kind::MessageQueued(_)
        | Kind::SendStarted(_)
        | Kind::MessageAccepted(_)
        | Kind::SendFailed(_)
        | Kind::SendOutcomeUnknown(_)
        | Kind::SendCancelled(_)
        | Kind::MediumFetched(_) => outgoing::decode(kind).map(Event::Conversation),
        Kind::ContactCreated(_)
        | Kind::IdentifierLearned(_)
        | Kind::ContactRenamed(_)
        | Kind::ContactsMerged(_)
        | Kind::ContactsUnmerged(_)
        | Kind::CustomerLinked(_)
        | Kind::CustomerUnlinked(_) => entity::decode_contact(kind).map(Event::Contact),
        Kind::IdentifierBound(bound) => entity::decode_identity(bound).map(Event::Identity),
        Kind::ChannelDeliveryReported(_)
        | Kind::ProviderUpdated(_)
        | Kind::TemplateChanged(_)
        | Kind::TemplateStatusChanged(_)
        | Kind::TemplateRemoved(_)
        | Kind::ChannelPaused(_)
        | Kind::ChannelResumed(_) => entity::decode_channel(kind).map(Event::Channel),
        Kind::IdKeyFingerprinted(_)
        | Kind::TagCreated(_)
        | Kind::TagChanged(_)
        | Kind::TagDeleted(_)
        | Kind::QuickReplySet(_)
        | Kind::QuickReplyRemoved(_)
        | Kind::DetectionSet(_) => entity::decode_workspace(kind).map(Event::Workspace),
        Kind::BulkStarted(_) | Kind::BulkTaken(_) | Kind::BulkProgressed(_) | Kind::BulkFinished(_) => {
            bulk::decode(kind).map(Event::Bulk)
        }
    }
}
