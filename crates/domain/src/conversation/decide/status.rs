//! The status axis: open, pending, snoozed, resolved.

use std::time::Duration;

use super::{Decided, Decision, Rejection, note_text, staff_only};
use crate::conversation::command::Envelope;
use crate::conversation::event::{ConversationEvent, OpenCause, ReopenCause, SnoozePreset};
use crate::conversation::state::{Opened, Status};
use crate::time::Timestamp;

/// The longest reason for resolving, in characters: reasons are counted, so they are words, not stories.
pub const REASON_CHARS_MAX: usize = 64;
/// The longest snooze, in days: what is put off for longer than a year is not put off.
pub const SNOOZE_DAYS_MAX: usize = 366;
const SNOOZE_MAX: Duration = Duration::from_hours(24 * SNOOZE_DAYS_MAX as u64);

pub(super) fn resolve(opened: &Opened, envelope: &Envelope, reason: Option<&str>, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "reason", limit: REASON_CHARS_MAX });
    }
    let personal = note_text(note)?;
    match opened.status {
        Status::Resolved { .. } => Ok(Decision::AlreadySo),
        Status::Open | Status::Pending | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::Resolved {
                episode: opened.episode,
                reason: reason.map(str::to_owned),
                personal,
            }]))
        }
    }
}

pub(super) fn reopen(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    match opened.status {
        Status::Open => Ok(Decision::AlreadySo),
        Status::Pending | Status::Snoozed { .. } => returned_to_open(OpenCause::Staff),
        Status::Resolved { .. } => Ok(Decision::Append(vec![ConversationEvent::Reopened {
            episode: opened.episode,
            cause: ReopenCause::Staff,
        }])),
    }
}

pub(super) fn set_pending(opened: &Opened, envelope: &Envelope, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.status {
        Status::Pending => Ok(Decision::AlreadySo),
        Status::Resolved { .. } => Err(Rejection::Resolved),
        Status::Open | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::MarkedPending { personal }]))
        }
    }
}

/// A snooze that is asked for again with another time replaces the first; with the same time it is already so.
pub(super) fn snooze(
    opened: &Opened,
    envelope: &Envelope,
    until: Option<Timestamp>,
    preset: Option<SnoozePreset>,
    note: Option<&str>,
) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    let latest = envelope.now + SNOOZE_MAX;
    if until.is_some_and(|until| until <= envelope.now || until > latest) {
        return Err(Rejection::Invalid { field: "until", limit: SNOOZE_DAYS_MAX });
    }
    match opened.status {
        Status::Resolved { .. } => Err(Rejection::Resolved),
        Status::Snoozed { until: current } if current == until => Ok(Decision::AlreadySo),
        Status::Open | Status::Pending | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::Snoozed { until, preset, personal }]))
        }
    }
}

pub(super) fn unsnooze(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    match opened.status {
        Status::Snoozed { .. } => returned_to_open(OpenCause::Staff),
        Status::Open | Status::Pending | Status::Resolved { .. } => Ok(Decision::AlreadySo),
    }
}

/// A timer that comes late, twice, or for a snooze that was changed since, finds nothing to do.
pub(super) fn wake(opened: &Opened, envelope: &Envelope, scheduled: Timestamp) -> Decided {
    match opened.status {
        Status::Snoozed { until: Some(until) } if until == scheduled && envelope.now >= scheduled => {
            returned_to_open(OpenCause::Timer)
        }
        Status::Snoozed { .. } | Status::Open | Status::Pending | Status::Resolved { .. } => Ok(Decision::AlreadySo),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
fn returned_to_open(cause: OpenCause) -> Decided {
    Ok(Decision::Append(vec![ConversationEvent::ReturnedToOpen { cause }]))
}
