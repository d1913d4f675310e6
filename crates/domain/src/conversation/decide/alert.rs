//! Alerts: what has been so for longer than the tenant wants.

use std::time::Duration;

use super::{Decided, Decision, Rejection};
use crate::access::Role;
use crate::actor::Actor;
use crate::conversation::command::Envelope;
use crate::conversation::event::{Alert, ConversationEvent};
use crate::conversation::state::Opened;
use crate::time::Timestamp;

/// A timer that comes late, twice, or for what has changed since, finds nothing to do.
pub(super) fn raise(opened: &Opened, envelope: &Envelope, alert: Alert, since: Timestamp, after: Duration) -> Decided {
    if envelope.actor != Actor::System {
        return Err(Rejection::Forbidden { role: envelope.role.unwrap_or(Role::Service) });
    }
    let stands = opened.alarming_since(alert) == Some(since) && envelope.now >= since + after;
    Ok(if stands && opened.alerts.last(alert) != Some(since) {
        Decision::Append(vec![ConversationEvent::AlertRaised { alert, since }])
    } else {
        Decision::AlreadySo
    })
}
