//! Keys of the inbox view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                                     CONVERSATION  what a list shows of it
//! 02 tenant facet(1) agent status(1) last_activity↓(8) conv(16)  LIST          empty; newest first
//! 03 tenant conversation(16) sequence(8) ordinal(4)              THREAD        one entry, oldest first
//! 04 tenant conversation(16) message(16)                         MESSAGE       where in the thread the message stands
//! 05 tenant contact(16)                                          CONTACT       name and identifiers
//! 06 tenant contact(16) sequence↓(8)                             OF_CONTACT    id of a conversation, newest first
//! 07 tenant contact(16) other(16)                                LINK          these two are one person
//! ```
//! `tenant` and `agent` are terminated texts; ↓ is inverted. Every conversation stands in LIST exactly twice: under ALL, and
//! under its agent or UNASSIGNED.

use relevo_domain::{EntityId, EntityKind, MessageId, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CONVERSATION: u8 = 0x01;
const LIST: u8 = 0x02;
const THREAD: u8 = 0x03;
const MESSAGE: u8 = 0x04;
const CONTACT: u8 = 0x05;
const OF_CONTACT: u8 = 0x06;
const LINK: u8 = 0x07;

/// Which list of the inbox an entry of LIST belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet<'a> {
    All,
    Unassigned,
    Agent(&'a str),
}

pub(crate) fn conversation(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CONVERSATION).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

/// Every entry of one list with one status.
pub(crate) fn list_prefix(tenant: &TenantId, facet: Facet<'_>, status: u8) -> Key {
    let (tag, agent) = match facet {
        Facet::All => (0, ""),
        Facet::Unassigned => (1, ""),
        Facet::Agent(agent) => (2, agent),
    };
    Key::new(LIST).text(tenant.as_str()).u8(tag).text(agent).u8(status)
}

pub(crate) fn list(tenant: &TenantId, facet: Facet<'_>, status: u8, activity: i64, conversation: EntityId) -> Vec<u8> {
    list_prefix(tenant, facet, status).i64_desc(activity).bytes(conversation.bytes()).finish()
}

/// Last activity and conversation of a LIST key.
pub(crate) fn read_list(key: &[u8]) -> Result<(i64, EntityId), KeyError> {
    let mut reader = KeyReader::new(LIST, key)?;
    reader.text()?;
    reader.u8()?;
    reader.text()?;
    reader.u8()?;
    let activity = reader.i64_desc()?;
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    reader.finish()?;
    Ok((activity, conversation))
}

pub(crate) fn thread_prefix(tenant: &TenantId, conversation: EntityId) -> Key {
    Key::new(THREAD).text(tenant.as_str()).bytes(conversation.bytes())
}

pub(crate) fn thread(tenant: &TenantId, conversation: EntityId, sequence: u64, ordinal: u32) -> Vec<u8> {
    thread_prefix(tenant, conversation).u64(sequence).u32(ordinal).finish()
}

/// Sequence and ordinal of a THREAD key.
pub(crate) fn read_thread(key: &[u8]) -> Result<(u64, u32), KeyError> {
    let mut reader = KeyReader::new(THREAD, key)?;
    reader.text()?;
    reader.bytes::<16>()?;
    let place = (reader.u64()?, reader.u32()?);
    reader.finish()?;
    Ok(place)
}

pub(crate) fn message(tenant: &TenantId, conversation: EntityId, message: MessageId) -> Vec<u8> {
    Key::new(MESSAGE).text(tenant.as_str()).bytes(conversation.bytes()).bytes(message.bytes()).finish()
}

pub(crate) fn contact(tenant: &TenantId, contact: EntityId) -> Vec<u8> {
    Key::new(CONTACT).text(tenant.as_str()).bytes(contact.bytes()).finish()
}

pub(crate) fn of_contact_prefix(tenant: &TenantId, contact: EntityId) -> Key {
    Key::new(OF_CONTACT).text(tenant.as_str()).bytes(contact.bytes())
}

pub(crate) fn of_contact(tenant: &TenantId, contact: EntityId, sequence: u64) -> Vec<u8> {
    of_contact_prefix(tenant, contact).u64_desc(sequence).finish()
}

pub(crate) fn link_prefix(tenant: &TenantId, contact: EntityId) -> Key {
    Key::new(LINK).text(tenant.as_str()).bytes(contact.bytes())
}

pub(crate) fn link(tenant: &TenantId, contact: EntityId, other: EntityId) -> Vec<u8> {
    link_prefix(tenant, contact).bytes(other.bytes()).finish()
}

/// The other contact of a LINK key.
pub(crate) fn read_link(key: &[u8]) -> Result<EntityId, KeyError> {
    let mut reader = KeyReader::new(LINK, key)?;
    reader.text()?;
    reader.bytes::<16>()?;
    let other = EntityId::new(EntityKind::Contact, reader.bytes()?);
    reader.finish()?;
    Ok(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn conversation_id(byte: u8) -> EntityId {
        EntityId::new(EntityKind::Conversation, [byte; 16])
    }

    #[test]
    fn a_tenant_whose_name_begins_like_another_has_its_own_range() {
        let (short, long) = (TenantId::new("demo").unwrap(), TenantId::new("demo-b").unwrap());
        let prefix = list_prefix(&short, Facet::All, 1).finish();
        assert!(!list(&long, Facet::All, 1, 0, conversation_id(1)).starts_with(&prefix));
        let prefix = thread_prefix(&short, conversation_id(1)).finish();
        assert!(!thread(&long, conversation_id(1), 1, 0).starts_with(&prefix));
    }

    #[test]
    fn lists_of_one_tenant_do_not_overlap() {
        let (ana, anabel) = ("ana", "anabel");
        let facets = [Facet::All, Facet::Unassigned, Facet::Agent(ana), Facet::Agent(anabel)];
        for (index, facet) in facets.into_iter().enumerate() {
            let key = list(&tenant(), facet, 1, i64::MAX, conversation_id(255));
            for (other, prefix) in facets.into_iter().map(|facet| list_prefix(&tenant(), facet, 1).finish()).enumerate()
            {
                assert_eq!(key.starts_with(&prefix), index == other, "{facet:?}");
            }
        }
    }

    #[test]
    fn bounds_read_back() {
        for activity in [i64::MIN, -1, 0, i64::MAX] {
            for byte in [0, 255] {
                let key = list(&tenant(), Facet::All, 1, activity, conversation_id(byte));
                assert_eq!(read_list(&key), Ok((activity, conversation_id(byte))));
            }
        }
        let key = thread(&tenant(), conversation_id(0), u64::MAX, u32::MAX);
        assert_eq!(read_thread(&key), Ok((u64::MAX, u32::MAX)));
        let other = EntityId::new(EntityKind::Contact, [7; 16]);
        assert_eq!(read_link(&link(&tenant(), other, other)), Ok(other));
        assert_eq!(read_list(&key), Err(KeyError::Table));
    }

    proptest! {
        #[test]
        fn a_list_is_newest_first_then_by_conversation(a in any::<(i64, [u8; 16])>(), b in any::<(i64, [u8; 16])>()) {
            let key = |(activity, id)| list(&tenant(), Facet::All, 1, activity, EntityId::new(EntityKind::Conversation, id));
            let wanted = b.0.cmp(&a.0).then(a.1.cmp(&b.1));
            prop_assert_eq!(key(a).cmp(&key(b)), wanted);
        }

        #[test]
        fn a_thread_is_oldest_first(a in any::<(u64, u32)>(), b in any::<(u64, u32)>()) {
            let key = |(sequence, ordinal)| thread(&tenant(), conversation_id(1), sequence, ordinal);
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
