//! Rows of the view `timers`.

use std::time::Duration;

use prost::Message;
use relevo_command::{Timer, TimerKind};
use relevo_domain::{EntityId, TenantId, Timestamp};

/// What a conversation has pending, and what it takes to tell.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PendingRow {
    /// When its pause ends by itself.
    #[prost(message, optional, tag = "1")]
    pub(crate) pause: Option<SetRow>,
    /// When it wakes from its snooze.
    #[prost(message, optional, tag = "2")]
    pub(crate) snooze: Option<SetRow>,
    /// Since when its bot is paused. Times are in milliseconds since 1970.
    #[prost(sint64, optional, tag = "3")]
    pub(crate) paused_since: Option<i64>,
    /// When the customer wrote the oldest message that has no answer, as the domain's state has it.
    #[prost(sint64, optional, tag = "4")]
    pub(crate) waiting_since: Option<i64>,
    /// The bot's answer to it that may still be taken back.
    #[prost(message, optional, tag = "5")]
    pub(crate) answered: Option<AnsweredRow>,
    /// Of what staff was alerted last: since when it had been so.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) alerted_unanswered: Option<i64>,
    #[prost(sint64, optional, tag = "7")]
    pub(crate) alerted_too_long: Option<i64>,
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

/// A bot's answer to a customer who waited.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AnsweredRow {
    /// Sixteen bytes of a `MessageId`.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) message: Vec<u8>,
    /// Since when they had waited.
    #[prost(sint64, tag = "2")]
    pub(crate) since: i64,
}

impl PendingRow {
    /// The times that were set, as timers of their conversation.
    pub(crate) fn timers(&self, tenant: &TenantId, conversation: EntityId) -> Vec<Timer> {
        let pause = self.pause.map(|set| (TimerKind::EndPause, set));
        let snooze = self.snooze.map(|set| (TimerKind::WakeSnoozed, set));
        let timer = |(kind, SetRow { at, set_by })| {
            let (tenant, scheduled) = (tenant.clone(), Timestamp::from_millis(at));
            Timer { scheduled, tenant, conversation, kind, set_by, after: Duration::ZERO }
        };
        pause.into_iter().chain(snooze).map(timer).collect()
    }

    /// What staff is alerted to if it stays so, and since when it is. What they were alerted to is not among it.
    pub(crate) fn alarming(&self) -> Vec<(TimerKind, Timestamp)> {
        let Some(paused) = self.paused_since else { return Vec::new() };
        let unanswered = self.waiting_since.map(|waiting| waiting.max(paused));
        let found = [
            (TimerKind::PausedUnanswered, unanswered.filter(|since| self.alerted_unanswered != Some(*since))),
            (TimerKind::PausedTooLong, Some(paused).filter(|since| self.alerted_too_long != Some(*since))),
        ];
        let stands = |(kind, since): (TimerKind, Option<i64>)| since.map(|since| (kind, Timestamp::from_millis(since)));
        found.into_iter().filter_map(stands).collect()
    }
}
