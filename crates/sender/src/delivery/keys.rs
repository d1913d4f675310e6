//! Keys of the delivery view. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant conversation(16)                                 OUTBOX   what a conversation has on its way
//! 02 tenant channel act(1) time(8) conversation(16)          TURN     when something has to be done about its first message
//! 03 tenant channel conversation(16) message(16) index(4)    MEDIUM   a medium that is to be fetched
//! 04 tenant channel-entity(16)                               CHANNEL  whether the channel sends, when its templates changed
//! 05 tenant channel                                          LANE     when anything of the channel changed, how much waits
//! ```
//! `tenant` and `channel` are terminated texts. A channel's entity is named by a keyed id, so its name cannot be read from it.

use relevo_domain::{ChannelId, EntityId, EntityKind, MessageId, TenantId, Timestamp};
use relevo_readstore::{Key, KeyError, KeyReader};

const OUTBOX: u8 = 0x01;
const TURN: u8 = 0x02;
const MEDIUM: u8 = 0x03;
const CHANNEL: u8 = 0x04;
const LANE: u8 = 0x05;

/// What has to be done about the first message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// It waits to be handed over: from this time on.
    HandOver,
    /// A sender has claimed it: until this time it may begin the call.
    Doubt,
    /// It waits to be handed over: after this time it is too late.
    Expire,
}

impl Act {
    /// Stored, so never changed.
    const fn byte(self) -> u8 {
        match self {
            Self::HandOver => 0,
            Self::Doubt => 1,
            Self::Expire => 2,
        }
    }
}

pub(crate) fn outbox(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(OUTBOX).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

pub(crate) fn turns(tenant: &TenantId, channel: &str, act: Act) -> Key {
    Key::new(TURN).text(tenant.as_str()).text(channel).u8(act.byte())
}

pub(crate) fn turn(tenant: &TenantId, channel: &str, act: Act, at: i64, conversation: EntityId) -> Vec<u8> {
    turns(tenant, channel, act).i64(at).bytes(conversation.bytes()).finish()
}

/// Time and conversation of a TURN.
pub(crate) fn read_turn(key: &[u8]) -> Result<(Timestamp, EntityId), KeyError> {
    let mut reader = KeyReader::new(TURN, key)?;
    let (_tenant, _channel, _act) = (reader.text()?, reader.text()?, reader.u8()?);
    let read = (Timestamp::from_millis(reader.i64()?), EntityId::new(EntityKind::Conversation, reader.bytes()?));
    reader.finish()?;
    Ok(read)
}

pub(crate) fn media(tenant: &TenantId, channel: &str) -> Key {
    Key::new(MEDIUM).text(tenant.as_str()).text(channel)
}

pub(crate) fn medium(
    tenant: &TenantId,
    channel: &str,
    conversation: EntityId,
    message: MessageId,
    index: u32,
) -> Vec<u8> {
    media(tenant, channel).bytes(conversation.bytes()).bytes(message.bytes()).u32(index).finish()
}

/// Conversation, message and index of a MEDIUM.
pub(crate) fn read_medium(key: &[u8]) -> Result<(EntityId, MessageId, u32), KeyError> {
    let mut reader = KeyReader::new(MEDIUM, key)?;
    let (_tenant, _channel) = (reader.text()?, reader.text()?);
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    let read = (conversation, MessageId::new(reader.bytes()?), reader.u32()?);
    reader.finish()?;
    Ok(read)
}

pub(crate) fn channel(tenant: &TenantId, channel: EntityId) -> Vec<u8> {
    Key::new(CHANNEL).text(tenant.as_str()).bytes(channel.bytes()).finish()
}

pub(crate) fn lanes() -> Key {
    Key::new(LANE)
}

pub(crate) fn lane(tenant: &TenantId, channel: &str) -> Vec<u8> {
    lanes().text(tenant.as_str()).text(channel).finish()
}

/// Tenant and channel of a LANE.
pub(crate) fn read_lane(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(LANE, key)?;
    let read = (reader.text()?, reader.text()?);
    reader.finish()?;
    Ok(read)
}

/// A name that was stored, as one; what is not one was not written by us.
pub(crate) fn name<T>(read: Result<T, relevo_domain::NameError>) -> Result<T, KeyError> {
    read.map_err(|_name| KeyError::Text)
}

/// The channel of a LANE as names.
pub(crate) fn read_lane_names(key: &[u8]) -> Result<(TenantId, ChannelId), KeyError> {
    let (tenant, channel) = read_lane(key)?;
    Ok((name(TenantId::new(tenant))?, name(ChannelId::new(channel))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn conversation(byte: u8) -> EntityId {
        EntityId::new(EntityKind::Conversation, [byte; 16])
    }

    #[test]
    fn channels_and_acts_do_not_overlap() {
        let channels = ["wa", "wa-2", "w"];
        for (index, channel) in channels.into_iter().enumerate() {
            for act in [Act::HandOver, Act::Doubt, Act::Expire] {
                let key = turn(&tenant(), channel, act, i64::MAX, conversation(255));
                for (other, prefix) in channels.into_iter().enumerate() {
                    let same = key.starts_with(turns(&tenant(), prefix, act).as_slice());
                    assert_eq!(same, index == other);
                }
                let others = [Act::HandOver, Act::Doubt, Act::Expire].into_iter().filter(|other| *other != act);
                for other in others {
                    assert!(!key.starts_with(turns(&tenant(), channel, other).as_slice()));
                }
            }
        }
    }

    #[test]
    fn keys_read_back() {
        let message = MessageId::new([9; 16]);
        let key = medium(&tenant(), "wa", conversation(7), message, u32::MAX);
        assert_eq!(read_medium(&key), Ok((conversation(7), message, u32::MAX)));
        let key = lane(&tenant(), "wa");
        assert_eq!(read_lane(&key), Ok(("demo".to_owned(), "wa".to_owned())));
        assert!(key.starts_with(lanes().as_slice()));
        assert!(read_turn(&key).is_err());
    }

    proptest! {
        #[test]
        fn whose_time_comes_first_is_first(a in any::<(i64, u8)>(), b in any::<(i64, u8)>()) {
            let key = |(at, id): (i64, u8)| turn(&tenant(), "wa", Act::HandOver, at, conversation(id));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(read_turn(&key(a)), Ok((Timestamp::from_millis(a.0), conversation(a.1))));
        }
    }
}
