//! Rows of the view `timers`.

use prost::Message;
use relevo_command::{Timer, TimerKind};
use relevo_domain::{EntityId, TenantId, Timestamp};

/// What a conversation has pending.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct PendingRow {
    /// When its pause ends by itself.
    #[prost(message, optional, tag = "1")]
    pub(crate) pause: Option<SetRow>,
    /// When it wakes from its snooze.
    #[prost(message, optional, tag = "2")]
    pub(crate) snooze: Option<SetRow>,
}

/// A time that was set.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct SetRow {
    /// Milliseconds since 1970.
    #[prost(sint64, tag = "1")]
    pub(crate) at: i64,
    /// Version of the conversation with the event that set it.
    #[prost(uint64, tag = "2")]
    pub(crate) set_by: u64,
}

impl PendingRow {
    /// The row as timers of its conversation.
    pub(crate) fn timers(&self, tenant: &TenantId, conversation: EntityId) -> Vec<Timer> {
        let pause = self.pause.map(|set| (TimerKind::EndPause, set));
        let snooze = self.snooze.map(|set| (TimerKind::WakeSnoozed, set));
        let timer = |(kind, SetRow { at, set_by })| {
            let (tenant, scheduled) = (tenant.clone(), Timestamp::from_millis(at));
            Timer { scheduled, tenant, conversation, kind, set_by }
        };
        pause.into_iter().chain(snooze).map(timer).collect()
    }
}
