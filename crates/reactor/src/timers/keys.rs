//! Keys of the view `timers`. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 time(8) tenant conversation(16) kind(1) version(8)     TIMER     what is pending, the earliest first
//! 02 tenant conversation(16)                                PENDING   what one conversation has pending; absent if nothing
//! ```
//! `tenant` is a terminated text. A TIMER says everything in its key; its value is empty.

use relevo_command::{Timer, TimerKind};
use relevo_domain::{EntityId, EntityKind, TenantId, Timestamp};
use relevo_readstore::{Key, KeyError, KeyReader};

const TIMER: u8 = 0x01;
const PENDING: u8 = 0x02;

pub(crate) fn timers() -> Key {
    Key::new(TIMER)
}

pub(crate) fn timer(timer: &Timer) -> Vec<u8> {
    let Timer { scheduled, tenant, conversation, kind, set_by } = timer;
    let key = timers().i64(scheduled.as_millis()).text(tenant.as_str()).bytes(conversation.bytes());
    key.u8(byte(*kind)).u64(*set_by).finish()
}

pub(crate) fn read_timer(key: &[u8]) -> Result<Timer, KeyError> {
    let mut reader = KeyReader::new(TIMER, key)?;
    let scheduled = Timestamp::from_millis(reader.i64()?);
    let tenant = TenantId::new(reader.text()?).map_err(|_name| KeyError::Text)?;
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    // A byte that no kind has is as foreign as a table of another layout.
    let stored = reader.u8()?;
    let kind = TimerKind::ALL.into_iter().find(|kind| byte(*kind) == stored).ok_or(KeyError::Table)?;
    let set_by = reader.u64()?;
    reader.finish()?;
    Ok(Timer { scheduled, tenant, conversation, kind, set_by })
}

pub(crate) fn pending(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(PENDING).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

/// Stored, so never changed.
const fn byte(kind: TimerKind) -> u8 {
    match kind {
        TimerKind::EndPause => 1,
        TimerKind::WakeSnoozed => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timers() -> impl Strategy<Value = Timer> {
        let kind = prop::sample::select(TimerKind::ALL.as_slice());
        (any::<i64>(), "[a-z0-9][a-z0-9-]{0,31}", any::<[u8; 16]>(), kind, any::<u64>()).prop_map(
            |(at, tenant, id, kind, set_by)| Timer {
                scheduled: Timestamp::from_millis(at),
                tenant: TenantId::new(tenant).unwrap(),
                conversation: EntityId::new(EntityKind::Conversation, id),
                kind,
                set_by,
            },
        )
    }

    proptest! {
        #[test]
        fn a_key_says_everything_and_the_earliest_is_first(a in timers(), b in timers()) {
            prop_assert_eq!(read_timer(&timer(&a)), Ok(a.clone()));
            if a.scheduled != b.scheduled {
                prop_assert_eq!(timer(&a).cmp(&timer(&b)), a.scheduled.cmp(&b.scheduled));
            }
            prop_assert!(read_timer(&pending(&a.tenant, a.conversation)).is_err());
        }
    }

    #[test]
    fn a_kind_that_nobody_wrote_is_not_read() {
        let demo = TenantId::new("demo").unwrap();
        let conversation = EntityId::new(EntityKind::Conversation, [1; 16]);
        let key = Key::new(TIMER).i64(5).text(demo.as_str()).bytes(conversation.bytes()).u8(99).u64(1).finish();
        assert_eq!(read_timer(&key), Err(KeyError::Table));
    }
}
