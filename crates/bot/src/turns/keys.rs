//! Keys of the view `turns`. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 tenant channel time(8) conversation(16)    DUE      what may be given from that time on, the earliest first
//! 02 tenant conversation(16)                    TALK     what is known of a conversation
//! ```
//! `tenant` and `channel` are terminated texts.

use relevo_domain::{ChannelId, EntityId, EntityKind, TenantId, Timestamp};
use relevo_readstore::{Key, KeyError, KeyReader};

const DUE: u8 = 0x01;
const TALK: u8 = 0x02;

/// Every conversation of the tenant.
pub(crate) fn tenant(tenant: &TenantId) -> Key {
    Key::new(DUE).text(tenant.as_str())
}

/// Every conversation of the channel.
pub(crate) fn channel(of: &TenantId, channel: &str) -> Key {
    tenant(of).text(channel)
}

pub(crate) fn from(of: &TenantId, channel: &str, at: Timestamp) -> Vec<u8> {
    self::channel(of, channel).i64(at.as_millis()).finish()
}

pub(crate) fn due(of: &TenantId, channel: &str, at: Timestamp, conversation: EntityId) -> Vec<u8> {
    self::channel(of, channel).i64(at.as_millis()).bytes(conversation.bytes()).finish()
}

pub(crate) fn read_due(key: &[u8]) -> Result<(ChannelId, Timestamp, EntityId), KeyError> {
    let mut reader = KeyReader::new(DUE, key)?;
    let _tenant = reader.text()?;
    let channel = ChannelId::new(reader.text()?).map_err(|_name| KeyError::Text)?;
    let at = Timestamp::from_millis(reader.i64()?);
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    reader.finish()?;
    Ok((channel, at, conversation))
}

pub(crate) fn talk(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(TALK).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_says_everything_and_of_a_channel_the_earliest_is_first(
            a in any::<i64>(), b in any::<i64>(), id in any::<[u8; 16]>(), name in "[a-z0-9][a-z0-9-]{0,31}",
        ) {
            let (demo, id) = (TenantId::new("demo").unwrap(), EntityId::new(EntityKind::Conversation, id));
            let key = |at| due(&demo, &name, Timestamp::from_millis(at), id);
            let expected = (ChannelId::new(name.as_str()).unwrap(), Timestamp::from_millis(a), id);
            prop_assert_eq!(read_due(&key(a)), Ok(expected));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert!(key(a) > from(&demo, &name, Timestamp::from_millis(a)));
            prop_assert!(read_due(&talk(&demo, id)).is_err());
        }
    }
}
