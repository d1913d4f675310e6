//! Key layout of the decision store.
//!
//! ```text
//! 01 tenant 00 entity(1+16)                     state of an entity
//! 02 tenant 00 command-id 00                    where a command was applied first
//! 02 tenant 00 command-id 00 entity(1+16)       the same for each further entity that it was applied to
//! 03 tenant 00 channel 00 sha256(Message-ID)    the conversation and message of a mail
//! 04 tenant 00 conversation(16) sha256(addr)    a participant of a mail conversation
//! 05 tenant 00 contact(16) conversation(16)     a contact's conversations
//! 06 tenant 00 conversation(16) identity(16)    the identifiers bound to a conversation
//! 07 tenant 00 contact(16) channel 00 conv(16)  a contact's conversations whose bot is paused
//! 08 tenant 00 message(16)                      where a message of a thread stands on the log
//! 09 tenant 00 alias(16)                        which message of ours a provider's id names
//! 10 tenant 00 message(16)                      the commit with which a provider took a message of ours
//! 11 tenant 00 bulk(16)                         a bulk that is not finished
//! 12 tenant 00                                  what is detected, once the tenant has changed something
//! ```
//! Names and command ids are ASCII without NUL, so 00 ends them and no prefix is another's beginning.

use relevo_domain::{ChannelId, CommandId, EntityId, EntityKind, MessageId, TenantId};
use sha2::{Digest, Sha256};

const STATE: u8 = 1;
const COMMAND: u8 = 2;
const MAIL: u8 = 3;
const PARTICIPANT: u8 = 4;
const CONTACT: u8 = 5;
const BOUND: u8 = 6;
const PAUSED: u8 = 7;
const MESSAGE: u8 = 8;
const SENT: u8 = 9;
const ACCEPTED: u8 = 10;
const UNFINISHED: u8 = 11;
const DETECTION: u8 = 12;

/// Bytes of an entity inside a key or a row: its kind and its id.
const ENTITY_BYTES: usize = 17;

pub(super) fn state(tenant: &TenantId, entity: &EntityId) -> Vec<u8> {
    let mut key = table(STATE, tenant);
    key.extend(entity_bytes(entity));
    key
}

/// The key of a command's first row, and what the keys of its further ones begin with. A command that has none here has none at
/// all, so that one look at one key tells that it is fresh.
pub(super) fn commands(tenant: &TenantId, command: &CommandId) -> Vec<u8> {
    let mut key = table(COMMAND, tenant);
    key.extend(command.as_str().as_bytes());
    key.push(0);
    key
}

/// The key of a command's row for one of its further entities, behind what [`commands`] begins it with.
pub(super) fn further(mut commands: Vec<u8>, entity: &EntityId) -> Vec<u8> {
    commands.extend(entity_bytes(entity));
    commands
}

pub(super) fn mail(tenant: &TenantId, channel: &ChannelId, message_id: &str) -> Vec<u8> {
    let mut key = table(MAIL, tenant);
    key.extend(channel.as_str().as_bytes());
    key.push(0);
    key.extend(Sha256::digest(message_id.as_bytes()));
    key
}

pub(super) fn participant(tenant: &TenantId, conversation: &EntityId, address: &str) -> Vec<u8> {
    let mut key = table(PARTICIPANT, tenant);
    key.extend(conversation.bytes());
    key.extend(Sha256::digest(address.to_lowercase().as_bytes()));
    key
}

pub(super) fn conversations_of(tenant: &TenantId, contact: &EntityId) -> Vec<u8> {
    let mut key = table(CONTACT, tenant);
    key.extend(contact.bytes());
    key
}

pub(super) fn conversation_of(tenant: &TenantId, contact: &EntityId, conversation: &EntityId) -> Vec<u8> {
    let mut key = conversations_of(tenant, contact);
    key.extend(conversation.bytes());
    key
}

pub(super) fn bound_to(tenant: &TenantId, conversation: &EntityId) -> Vec<u8> {
    let mut key = table(BOUND, tenant);
    key.extend(conversation.bytes());
    key
}

pub(super) fn bound(tenant: &TenantId, conversation: &EntityId, identity: &EntityId) -> Vec<u8> {
    let mut key = bound_to(tenant, conversation);
    key.extend(identity.bytes());
    key
}

pub(super) fn paused_of(tenant: &TenantId, contact: &EntityId) -> Vec<u8> {
    let mut key = table(PAUSED, tenant);
    key.extend(contact.bytes());
    key
}

pub(super) fn paused_on(tenant: &TenantId, contact: &EntityId, channel: &ChannelId) -> Vec<u8> {
    let mut key = paused_of(tenant, contact);
    key.extend(channel.as_str().as_bytes());
    key.push(0);
    key
}

pub(super) fn paused(tenant: &TenantId, contact: &EntityId, channel: &ChannelId, conversation: &EntityId) -> Vec<u8> {
    let mut key = paused_on(tenant, contact, channel);
    key.extend(conversation.bytes());
    key
}

pub(super) fn message(tenant: &TenantId, message: MessageId) -> Vec<u8> {
    let mut key = table(MESSAGE, tenant);
    key.extend(message.bytes());
    key
}

pub(super) fn sent(tenant: &TenantId, alias: MessageId) -> Vec<u8> {
    let mut key = table(SENT, tenant);
    key.extend(alias.bytes());
    key
}

pub(super) fn accepted(tenant: &TenantId, message: MessageId) -> Vec<u8> {
    let mut key = table(ACCEPTED, tenant);
    key.extend(message.bytes());
    key
}

pub(super) fn detection(tenant: &TenantId) -> Vec<u8> {
    table(DETECTION, tenant)
}

/// All tenants' bulks that are not finished.
pub(super) fn unfinished_all() -> Vec<u8> {
    vec![UNFINISHED]
}

pub(super) fn unfinished(tenant: &TenantId, bulk: &EntityId) -> Vec<u8> {
    let mut key = table(UNFINISHED, tenant);
    key.extend(bulk.bytes());
    key
}

/// Tenant and id in a key of the table of bulks that are not finished.
pub(super) fn read_unfinished(key: &[u8]) -> Option<(TenantId, EntityId)> {
    let id = trailing_id(key)?;
    let name = key.get(1..key.len().checked_sub(id.len() + 1)?)?;
    let tenant = TenantId::new(std::str::from_utf8(name).ok()?).ok()?;
    Some((tenant, EntityId::new(EntityKind::Bulk, id)))
}

/// The name of the channel in a key of the table of pauses, behind what [`paused_of`] begins it with.
pub(super) fn paused_channel<'k>(key: &'k [u8], prefix: &[u8]) -> Option<&'k str> {
    let rest = key.strip_prefix(prefix)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// The entity at the end of a key of a command's further row.
pub(super) fn trailing_entity(key: &[u8]) -> Option<EntityId> {
    read_entity(key.get(key.len().checked_sub(ENTITY_BYTES)?..)?)
}

/// The entity that [`entity_bytes`] wrote.
pub(super) fn read_entity(bytes: &[u8]) -> Option<EntityId> {
    let (stored, id) = bytes.split_first()?;
    let kind = EntityKind::ALL.into_iter().find(|kind| kind_byte(*kind) == *stored)?;
    Some(EntityId::new(kind, id.try_into().ok()?))
}

/// The sixteen bytes at the end of a key.
pub(super) fn trailing_id(key: &[u8]) -> Option<[u8; 16]> {
    key.get(key.len().checked_sub(16)?..)?.try_into().ok()
}

fn table(table: u8, tenant: &TenantId) -> Vec<u8> {
    let mut key = Vec::with_capacity(96);
    key.push(table);
    key.extend(tenant.as_str().as_bytes());
    key.push(0);
    key
}

pub(super) fn entity_bytes(entity: &EntityId) -> [u8; ENTITY_BYTES] {
    let mut bytes = [0; ENTITY_BYTES];
    bytes[0] = kind_byte(entity.kind());
    bytes[1..].copy_from_slice(entity.bytes());
    bytes
}

/// Fixed for ever: they stand in keys.
const fn kind_byte(kind: EntityKind) -> u8 {
    match kind {
        EntityKind::Conversation => 1,
        EntityKind::Contact => 2,
        EntityKind::Identity => 3,
        EntityKind::Channel => 4,
        EntityKind::Workspace => 5,
        EntityKind::Bulk => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_read_as_it_was_written() {
        for kind in EntityKind::ALL {
            let entity = EntityId::new(kind, [9; 16]);
            let bytes = entity_bytes(&entity);
            assert_eq!((read_entity(&bytes), trailing_entity(&bytes)), (Some(entity), Some(entity)));
            assert_eq!((read_entity(&bytes[..16]), read_entity(&[])), (None, None));
        }
        assert_eq!(read_entity(&[99; ENTITY_BYTES]), None, "a kind that nobody wrote");
    }

    #[test]
    fn one_tenants_prefix_is_not_anothers_beginning() {
        let (a, b) = (TenantId::new("demo").unwrap(), TenantId::new("demo-b").unwrap());
        let (x, y) = (CommandId::new("c").unwrap(), CommandId::new("cc").unwrap());
        let entity = EntityId::new(EntityKind::Conversation, [0; 16]);
        let own = commands(&a, &x);
        assert!(further(own.clone(), &entity).starts_with(&own));
        for other in [commands(&b, &x), commands(&a, &y)] {
            assert!(!other.starts_with(&own));
            assert!(!further(other, &entity).starts_with(&own));
        }
    }
}
