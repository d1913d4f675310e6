//! What comes to pass by itself at a time that was agreed before: Relevo's own commands to conversations.
//!
//! Any number of nodes may try the same timer, at the same time and again: the conversation's compare-and-set lets one of them do
//! it, and the others find nothing left to do. Nothing here reads a clock or waits for a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::{self, Alert, CatchUp, Command, Decision, Envelope};
use relevo_domain::{Actor, CommandId, EntityId, Event, MessageId, TenantId, Timestamp};
use tokio::time::Instant;

use crate::conversation::state_of;
use crate::execute::ExecuteError;
use crate::ids::IdKey;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};

/// How long a timer is decided anew when others write to its conversation at the same time: a storm of reports ends before.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how long staff is alerted to a paused conversation that nobody answers, unless the tenant says otherwise.
pub const ALERT_UNANSWERED: Duration = Duration::from_mins(10);
/// After how long staff is alerted to a bot that is still paused, unless the tenant says otherwise.
pub const ALERT_TOO_LONG: Duration = Duration::from_hours(24);

/// What comes to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// A pause ends.
    EndPause,
    /// A snoozed conversation is open again.
    WakeSnoozed,
    /// Staff is alerted: the bot is paused, and nobody answers the customer.
    PausedUnanswered,
    /// Staff is alerted: the bot has been paused for long.
    PausedTooLong,
}

impl TimerKind {
    pub const ALL: [Self; 4] = [Self::EndPause, Self::WakeSnoozed, Self::PausedUnanswered, Self::PausedTooLong];
    /// Those that come as long after something began as the tenant wants.
    pub const ALERTS: [Self; 2] = [Self::PausedUnanswered, Self::PausedTooLong];

    /// Part of derived command ids, so never changed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndPause => "end-pause",
            Self::WakeSnoozed => "wake-snoozed",
            Self::PausedUnanswered => "paused-unanswered",
            Self::PausedTooLong => "paused-too-long",
        }
    }
}

/// What a tenant wants of its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerPolicy {
    /// What becomes of what the customer wrote during a pause that ends by itself.
    pub catch_up: CatchUp,
    /// How long a paused conversation may wait for an answer before staff is alerted; without it, for ever.
    pub unanswered: Option<Duration>,
    /// How long a bot may be paused before staff is alerted; without it, for ever.
    pub too_long: Option<Duration>,
}

impl TimerPolicy {
    /// How long this may be so before staff is alerted; absent if they are not to be, and of timers that are no alerts.
    pub const fn after(&self, kind: TimerKind) -> Option<Duration> {
        match kind {
            TimerKind::PausedUnanswered => self.unanswered,
            TimerKind::PausedTooLong => self.too_long,
            TimerKind::EndPause | TimerKind::WakeSnoozed => None,
        }
    }
}

impl Default for TimerPolicy {
    fn default() -> Self {
        let (unanswered, too_long) = (Some(ALERT_UNANSWERED), Some(ALERT_TOO_LONG));
        Self { catch_up: CatchUp::default(), unanswered, too_long }
    }
}

/// What each tenant wants, as it is configured now.
pub type TimerPolicies = Arc<dyn Fn(&TenantId) -> TimerPolicy + Send + Sync>;

/// Something that comes to pass at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    pub scheduled: Timestamp,
    pub tenant: TenantId,
    pub conversation: EntityId,
    pub kind: TimerKind,
    /// Version of the conversation with the event that set the timer. The same time can be set twice: what became of the first
    /// must not be taken for what became of the second. 0 for an alert, which is named by what it is about and since when.
    pub set_by: u64,
    /// Of an alert: how long it has been so at `scheduled`, as the tenant wants. Otherwise zero.
    pub after: Duration,
}

impl Timer {
    /// The time that the log has for it: of an alert since when it is so, otherwise when it comes to pass.
    pub fn stored(&self) -> Timestamp {
        self.scheduled - self.after
    }
}

/// What became of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// It came to pass now.
    Now,
    /// It had come to pass before, under the same id.
    Before,
    /// There was nothing to do, by what the leader has: somebody was there first, it was set to another time, or its time has not come.
    NothingToDo,
}

/// Lets timers come to pass.
#[derive(Clone)]
pub struct Timers {
    ledger: Arc<Ledger>,
    keys: Arc<HashMap<TenantId, IdKey>>,
    policies: TimerPolicies,
}

impl Timers {
    pub fn new(ledger: Arc<Ledger>, keys: Arc<HashMap<TenantId, IdKey>>, policies: TimerPolicies) -> Self {
        Self { ledger, keys, policies }
    }

    /// What the tenant wants now.
    pub fn policy(&self, tenant: &TenantId) -> TimerPolicy {
        (self.policies)(tenant)
    }

    /// The tenants whose timers can come to pass here.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.keys.keys()
    }

    /// Whether this node can derive ids of the tenant: without, none of its timers can come to pass here.
    pub fn knows(&self, tenant: &TenantId) -> bool {
        self.keys.contains_key(tenant)
    }

    /// Lets a timer come to pass, if its time has come and it still stands. The commit's `occurred_at` is the time that was agreed
    /// and its `recorded_at` is `now`: figures count a pause, and lists an open conversation, from the time that people were told,
    /// and the difference of the two says how late it was. The rules are asked as of `now`, so nothing comes before its time. May be
    /// repeated after any error.
    pub async fn fire(&self, timer: &Timer, now: Timestamp) -> Result<Fired, ExecuteError> {
        let Timer { scheduled, tenant, conversation, kind, set_by, after } = timer;
        let key = self.keys.get(tenant).ok_or_else(|| LedgerError::Store(format!("no id key for tenant {tenant}")))?;
        // Of an alert the time since when it is so: nodes that are configured differently for a moment still alert once.
        let id = key.command_of_timer(conversation, kind.as_str(), timer.stored(), *set_by);
        let alert = |alert| Command::RaiseAlert { alert, since: timer.stored(), after: *after };
        let command = match kind {
            TimerKind::EndPause => Command::EndPause { scheduled: *scheduled, catch_up: self.policy(tenant).catch_up },
            TimerKind::WakeSnoozed => Command::WakeSnoozed { scheduled: *scheduled },
            TimerKind::PausedUnanswered => alert(Alert::PausedUnanswered),
            TimerKind::PausedTooLong => alert(Alert::PausedTooLong),
        };
        let envelope = Envelope { actor: Actor::System, role: None, now, new_message: MessageId::new([0; 16]) };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // First the state, then the look-up: what the state knows of this very command, the look-up finds.
            let base = self.ledger.load(tenant, conversation)?;
            if self.ledger.command(tenant, &id, conversation)?.is_some() {
                return Ok(Fired::Before);
            }
            let events = match conversation::decide(&state_of(&base), &envelope, &command) {
                Ok(Decision::Append(events)) => events,
                Ok(Decision::AlreadySo) if self.ledger.confirm(tenant, conversation, &base).await? => {
                    return Ok(Fired::NothingToDo);
                }
                Err(rejection) if self.ledger.confirm(tenant, conversation, &base).await? => {
                    return Err(rejection.into());
                }
                Ok(Decision::AlreadySo) | Err(_) => continue,
            };
            let events = events.into_iter().map(Event::Conversation).collect();
            let draft = Draft { entity: *conversation, base, events };
            match self.ledger.append(&origin(timer, id.clone(), now), vec![draft]).await? {
                Committed::Applied { fresh: true, .. } => return Ok(Fired::Now),
                // Another node's, or an earlier try of ours. It is ours by its id: nobody else derives it.
                Committed::Applied { fresh: false, .. } => return Ok(Fired::Before),
                Committed::Conflict => {}
                Committed::Unknown => return Err(ExecuteError::Unknown),
            }
        }
        Err(ExecuteError::Contention)
    }
}

fn origin(timer: &Timer, command_id: CommandId, now: Timestamp) -> Origin {
    Origin {
        tenant: timer.tenant.clone(),
        command_id,
        actor: Actor::System,
        occurred_at: timer.scheduled,
        recorded_at: now,
        correlation: None,
        intake: None,
    }
}
