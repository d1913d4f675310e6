//! Commits to test with.

use relevo_domain::conversation::event::{ConversationEvent, NotePersonal};
use relevo_domain::{Actor, CommandId, Commit, CommitId, EntityId, EntityKind, Event, MessageId, TenantId, Timestamp};
use relevo_eventlog::{Append, Log, Outcome, Stored};

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn conversation(number: u8) -> EntityId {
    EntityId::new(EntityKind::Conversation, [number; 16])
}

/// A commit with one note, by command `command`, as version `version`.
pub(crate) fn commit(tenant_name: &str, entity: EntityId, version: u64, command: &str) -> Commit {
    let note = ConversationEvent::NoteAdded {
        message: MessageId::new([1; 16]),
        personal: NotePersonal { text: Some(command.to_owned()) },
    };
    Commit {
        id: CommitId::new(rand::random()),
        tenant: tenant(tenant_name),
        entity,
        first_version: version,
        command_id: CommandId::new(command).unwrap(),
        occurred_at: Timestamp::from_millis(1_000),
        recorded_at: Timestamp::from_millis(2_000),
        actor: Actor::System,
        causation: None,
        correlation: None,
        previous_hash: [0; 32],
        intake: None,
        events: vec![Event::Conversation(note)],
    }
}

pub(crate) fn append(commit: Commit, expected: u64) -> Append {
    Append { commit, expected }
}

/// Appends and insists that it was stored by this call.
pub(crate) async fn must_apply(log: &dyn Log, batch: Vec<Append>) -> Vec<Stored> {
    for _ in 0..50 {
        match log.append(batch.clone()).await {
            Ok(Outcome::Applied { stored, .. }) => return stored,
            Ok(Outcome::Unknown) | Err(_) => {}
            Ok(other @ Outcome::NotApplied { .. }) => panic!("expected Applied, got {other:?}"),
        }
    }
    panic!("the log never applied the append");
}

/// Appends until the outcome is certain, as an internal writer does.
pub(crate) async fn certain(log: &dyn Log, batch: Vec<Append>) -> Outcome {
    for _ in 0..50 {
        match log.append(batch.clone()).await {
            Ok(Outcome::Unknown) | Err(relevo_eventlog::LogError::Unavailable(_)) => {}
            Ok(outcome) => return outcome,
            Err(error) => panic!("expected an outcome, got {error}"),
        }
    }
    panic!("the outcome stayed unknown");
}
