//! Keys of the inbox view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                                     CONVERSATION  what a list shows of it
//! 02                                                             reserved: an index of lists, before there were columns
//! 03 tenant conversation(16) sequence(8) ordinal(4)              THREAD        one entry, oldest first
//! 04 tenant conversation(16) message(16)                         MESSAGE       where in the thread the message stands
//! 05 tenant contact(16)                                          CONTACT       name, identifiers, customer
//! 06 tenant contact(16) sequence↓(8)                             OF_CONTACT    id of a conversation, newest first
//! 07 tenant contact(16) other(16)                                LINK          these two are one person
//! 08 tenant                                                      NUMBERS       what is numbered next
//! 09 tenant holder(1) agent channel team                         COUNT         conversations by status
//! 0a tenant sequence(8) kind(1) id(16)                           CHANGED       empty; what changed last in this commit
//! 0b tenant term(not terminated) 00 contact ordinal↓(4)          TERM          id of a contact that is found by this term
//! 0c tenant tag(16)                                              TAG           name and colour
//! 0d tenant channel(16) name language                            TEMPLATE      a template of a channel
//! 0e tenant channel(16)                                          CHANNEL       whether it sends now
//! 0f tenant name                                                 QUICK_REPLY   title and text
//! ```
//! `tenant`, `agent`, `channel`, `team`, `name` and `language` are terminated texts; ↓ is inverted. Terms are letters and digits only, so that the
//! zero behind one ends it. Every conversation is counted in COUNT exactly twice (under ALL, and under its agent or
//! UNASSIGNED), and every entity that changed stands in CHANGED exactly once.

use relevo_domain::{EntityId, EntityKind, MessageId, TagId, TenantId};
use relevo_readstore::{Key, KeyError, KeyReader};

const CONVERSATION: u8 = 0x01;
const THREAD: u8 = 0x03;
const MESSAGE: u8 = 0x04;
const CONTACT: u8 = 0x05;
const OF_CONTACT: u8 = 0x06;
const LINK: u8 = 0x07;
const NUMBERS: u8 = 0x08;
const COUNT: u8 = 0x09;
const CHANGED: u8 = 0x0a;
const TERM: u8 = 0x0b;
const TAG: u8 = 0x0c;
const TEMPLATE: u8 = 0x0d;
const CHANNEL: u8 = 0x0e;
const QUICK_REPLY: u8 = 0x0f;

/// Whose conversations a cell of COUNT counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder<'a> {
    All,
    Unassigned,
    Agent(&'a str),
}

pub(crate) fn conversation(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(CONVERSATION).text(tenant.as_str()).bytes(conversation.bytes()).finish()
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

pub(crate) fn numbers(tenant: &TenantId) -> Vec<u8> {
    Key::new(NUMBERS).text(tenant.as_str()).finish()
}

pub(crate) fn count(tenant: &TenantId, holder: Holder<'_>, channel: &str, team: &str) -> Vec<u8> {
    let (kind, agent) = match holder {
        Holder::All => (0, ""),
        Holder::Unassigned => (1, ""),
        Holder::Agent(agent) => (2, agent),
    };
    Key::new(COUNT).text(tenant.as_str()).u8(kind).text(agent).text(channel).text(team).finish()
}

/// A COUNT key, read back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CountKey {
    pub(crate) tenant: String,
    /// 0 all, 1 unassigned, 2 an agent's.
    pub(crate) holder: (u8, String),
    pub(crate) channel: String,
    pub(crate) team: String,
}

pub(crate) fn read_count(key: &[u8]) -> Result<CountKey, KeyError> {
    let mut reader = KeyReader::new(COUNT, key)?;
    let tenant = reader.text()?;
    let holder = (reader.u8()?, reader.text()?);
    let cell = CountKey { tenant, holder, channel: reader.text()?, team: reader.text()? };
    reader.finish()?;
    Ok(cell)
}

pub(crate) fn changed_prefix(tenant: &TenantId) -> Key {
    Key::new(CHANGED).text(tenant.as_str())
}

pub(crate) fn changed(tenant: &TenantId, sequence: u64, entity: EntityId) -> Vec<u8> {
    changed_prefix(tenant).u64(sequence).u8(kind_byte(entity.kind())).bytes(entity.bytes()).finish()
}

/// Where a scan of CHANGED goes on behind everything of this commit.
pub(crate) fn changed_after(tenant: &TenantId, sequence: u64) -> Vec<u8> {
    changed_prefix(tenant).u64(sequence.saturating_add(1)).finish()
}

/// Entity of a CHANGED key.
pub(crate) fn read_changed(key: &[u8]) -> Result<EntityId, KeyError> {
    let mut reader = KeyReader::new(CHANGED, key)?;
    reader.text()?;
    reader.u64()?;
    let kind = reader.u8()?;
    let id = reader.bytes()?;
    reader.finish()?;
    let kind = EntityKind::ALL.into_iter().find(|known| kind_byte(*known) == kind).ok_or(KeyError::Table)?;
    Ok(EntityId::new(kind, id))
}

/// Every contact that a term beginning like this finds.
pub(crate) fn term_prefix(tenant: &TenantId, beginning: &str) -> Vec<u8> {
    let mut key = Key::new(TERM).text(tenant.as_str()).finish();
    key.extend(beginning.bytes());
    key
}

pub(crate) fn term(tenant: &TenantId, term: &str, contact_ordinal: u32) -> Vec<u8> {
    let mut key = term_prefix(tenant, term);
    key.push(0);
    key.extend((!contact_ordinal).to_be_bytes());
    key
}

/// Contact's number in a TERM key.
pub(crate) fn read_term(key: &[u8]) -> Result<u32, KeyError> {
    key.last_chunk().map(|ordinal| !u32::from_be_bytes(*ordinal)).ok_or(KeyError::Short)
}

pub(crate) fn tag_prefix(tenant: &TenantId) -> Key {
    Key::new(TAG).text(tenant.as_str())
}

pub(crate) fn tag(tenant: &TenantId, tag: TagId) -> Vec<u8> {
    tag_prefix(tenant).bytes(tag.bytes()).finish()
}

pub(crate) fn template_prefix(tenant: &TenantId, channel: EntityId) -> Key {
    Key::new(TEMPLATE).text(tenant.as_str()).bytes(channel.bytes())
}

pub(crate) fn template(tenant: &TenantId, channel: EntityId, name: &str, language: &str) -> Vec<u8> {
    template_prefix(tenant, channel).text(name).text(language).finish()
}

pub(crate) fn channel(tenant: &TenantId, channel: EntityId) -> Vec<u8> {
    Key::new(CHANNEL).text(tenant.as_str()).bytes(channel.bytes()).finish()
}

pub(crate) fn quick_reply_prefix(tenant: &TenantId) -> Key {
    Key::new(QUICK_REPLY).text(tenant.as_str())
}

pub(crate) fn quick_reply(tenant: &TenantId, name: &str) -> Vec<u8> {
    quick_reply_prefix(tenant).text(name).finish()
}

/// Name of a QUICK_REPLY key.
pub(crate) fn read_quick_reply(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(QUICK_REPLY, key)?;
    reader.text()?;
    let name = reader.text()?;
    reader.finish()?;
    Ok(name)
}

/// Tag of a TAG key.
pub(crate) fn read_tag(key: &[u8]) -> Result<TagId, KeyError> {
    let mut reader = KeyReader::new(TAG, key)?;
    reader.text()?;
    let tag = reader.bytes()?;
    reader.finish()?;
    Ok(TagId::new(tag))
}

/// Rows that columns are made of.
pub(crate) fn of_columns() -> Vec<Vec<u8>> {
    [CONVERSATION, LINK, COUNT].map(|table| vec![table]).to_vec()
}

/// What a row that columns are made of is about.
pub(crate) enum ColumnKey {
    Conversation { tenant: String, conversation: [u8; 16] },
    Link { tenant: String, contact: [u8; 16], other: [u8; 16] },
    Count(CountKey),
}

pub(crate) fn read_column(key: &[u8]) -> Result<ColumnKey, KeyError> {
    match key.first() {
        Some(&CONVERSATION) => {
            let mut reader = KeyReader::new(CONVERSATION, key)?;
            let (tenant, conversation) = (reader.text()?, reader.bytes()?);
            reader.finish()?;
            Ok(ColumnKey::Conversation { tenant, conversation })
        }
        Some(&LINK) => {
            let mut reader = KeyReader::new(LINK, key)?;
            let (tenant, contact, other) = (reader.text()?, reader.bytes()?, reader.bytes()?);
            reader.finish()?;
            Ok(ColumnKey::Link { tenant, contact, other })
        }
        Some(&COUNT) => read_count(key).map(ColumnKey::Count),
        Some(_) => Err(KeyError::Table),
        None => Err(KeyError::Short),
    }
}

/// Stored, so never changed.
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
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn conversation_id(byte: u8) -> EntityId {
        EntityId::new(EntityKind::Conversation, [byte; 16])
    }

    #[test]
    fn keys_read_back() {
        let key = thread(&tenant(), conversation_id(0), u64::MAX, u32::MAX);
        assert_eq!(read_thread(&key), Ok((u64::MAX, u32::MAX)));
        assert_eq!(read_changed(&key), Err(KeyError::Table));
        let other = EntityId::new(EntityKind::Contact, [7; 16]);
        assert_eq!(read_link(&link(&tenant(), other, other)), Ok(other));
        for entity in EntityKind::ALL.map(|kind| EntityId::new(kind, [3; 16])) {
            assert_eq!(read_changed(&changed(&tenant(), 5, entity)), Ok(entity));
        }
        let id = TagId::new([9; 16]);
        assert_eq!(read_tag(&tag(&tenant(), id)), Ok(id));
        assert_eq!(read_term(&term(&tenant(), "ana", 0x0001_0200)), Ok(0x0001_0200));
        let cell = read_count(&count(&tenant(), Holder::Agent("laura"), "wa-main", "")).unwrap();
        assert_eq!((cell.holder, cell.channel.as_str(), cell.team.as_str()), ((2, "laura".to_owned()), "wa-main", ""));
    }

    proptest! {
        #[test]
        fn a_thread_is_oldest_first(a in any::<(u64, u32)>(), b in any::<(u64, u32)>()) {
            let key = |(sequence, ordinal)| thread(&tenant(), conversation_id(1), sequence, ordinal);
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn a_term_is_found_by_every_beginning_and_by_nothing_else(
            text in "[a-z0-9ñ]{1,8}", other in "[a-z0-9ñ]{1,8}", ordinal in any::<u32>(),
        ) {
            let key = term(&tenant(), &text, ordinal);
            prop_assert_eq!(key.starts_with(&term_prefix(&tenant(), &other)), text.starts_with(&other));
        }

        #[test]
        fn changes_are_in_the_order_of_the_log(a in any::<u64>(), b in 0..u64::MAX) {
            let key = changed(&tenant(), a, conversation_id(1));
            prop_assert_eq!(key >= changed_after(&tenant(), b), a > b);
        }
    }
}
