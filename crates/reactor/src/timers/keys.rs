//! Keys of the view `timers`. A table byte that was ever written stays reserved.
//!
//! ```text
//! 01 time(8) tenant conversation(16) kind(1) version(8)     TIMER     what is pending, the earliest first
//! 02 tenant conversation(16)                                PENDING   what one conversation has pending; absent if nothing
//! 03 tenant kind(1) since(8) conversation(16)               ALARMING  what staff is alerted to if it stays so, the longest first
//! ```
//! `tenant` is a terminated text. A TIMER and an ALARMING say everything in their keys; their values are empty.

use std::time::Duration;

use relevo_command::{Timer, TimerKind};
use relevo_domain::{EntityId, EntityKind, TenantId, Timestamp};
use relevo_readstore::{Key, KeyError, KeyReader};

const TIMER: u8 = 0x01;
const PENDING: u8 = 0x02;
const ALARMING: u8 = 0x03;

pub(crate) fn timers() -> Key {
    Key::new(TIMER)
}

/// What comes at this time.
pub(crate) fn timers_at(scheduled: Timestamp) -> Key {
    timers().i64(scheduled.as_millis())
}

pub(crate) fn timer(timer: &Timer) -> Vec<u8> {
    let Timer { scheduled, tenant, conversation, kind, set_by, after: _ } = timer;
    let key = timers_at(*scheduled).text(tenant.as_str()).bytes(conversation.bytes());
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
    Ok(Timer { scheduled, tenant, conversation, kind, set_by, after: Duration::ZERO })
}

/// What staff of a tenant is alerted to if it stays so.
pub(crate) fn alarming(tenant: &TenantId, kind: TimerKind) -> Key {
    Key::new(ALARMING).text(tenant.as_str()).u8(byte(kind))
}

/// What has been so since then.
pub(crate) fn alarming_since(tenant: &TenantId, kind: TimerKind, since: Timestamp) -> Key {
    alarming(tenant, kind).i64(since.as_millis())
}

pub(crate) fn alarm(tenant: &TenantId, kind: TimerKind, since: Timestamp, conversation: EntityId) -> Vec<u8> {
    alarming_since(tenant, kind, since).bytes(conversation.bytes()).finish()
}

/// The time and the conversation of an ALARMING.
pub(crate) fn read_alarm(key: &[u8]) -> Result<(Timestamp, EntityId), KeyError> {
    let mut reader = KeyReader::new(ALARMING, key)?;
    reader.text()?;
    reader.u8()?;
    let since = Timestamp::from_millis(reader.i64()?);
    let conversation = EntityId::new(EntityKind::Conversation, reader.bytes()?);
    reader.finish()?;
    Ok((since, conversation))
}

pub(crate) fn pending(tenant: &TenantId, conversation: EntityId) -> Vec<u8> {
    Key::new(PENDING).text(tenant.as_str()).bytes(conversation.bytes()).finish()
}

/// Stored, so never changed.
const fn byte(kind: TimerKind) -> u8 {
    match kind {
        TimerKind::EndPause => 1,
        TimerKind::WakeSnoozed => 2,
        TimerKind::PausedUnanswered => 3,
        TimerKind::PausedTooLong => 4,
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
                after: Duration::ZERO,
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
    fn what_is_alarming_reads_back_the_longest_first_and_keeps_to_its_tenant_and_kind() {
        let (demo, longer) = (TenantId::new("demo").unwrap(), TenantId::new("demo-b").unwrap());
        let conversation = EntityId::new(EntityKind::Conversation, [255; 16]);
        let key = |tenant, kind, millis| alarm(tenant, kind, Timestamp::from_millis(millis), conversation);
        for millis in [i64::MIN, -1, 0, i64::MAX] {
            let stored = key(&demo, TimerKind::PausedTooLong, millis);
            assert_eq!(read_alarm(&stored), Ok((Timestamp::from_millis(millis), conversation)));
            assert!(stored.starts_with(&alarming(&demo, TimerKind::PausedTooLong).finish()));
            assert!(!stored.starts_with(&alarming(&demo, TimerKind::PausedUnanswered).finish()));
        }
        assert!(key(&demo, TimerKind::PausedTooLong, -1) < key(&demo, TimerKind::PausedTooLong, 0));
        let other = key(&longer, TimerKind::PausedTooLong, 0);
        assert!(!other.starts_with(&alarming(&demo, TimerKind::PausedTooLong).finish()));
    }

    #[test]
    fn a_kind_that_nobody_wrote_is_not_read() {
        let demo = TenantId::new("demo").unwrap();
        let conversation = EntityId::new(EntityKind::Conversation, [1; 16]);
        let key = Key::new(TIMER).i64(5).text(demo.as_str()).bytes(conversation.bytes()).u8(99).u64(1).finish();
        assert_eq!(read_timer(&key), Err(KeyError::Table));
    }
}
