//! What the business sends with Relevo: how long until the provider takes it, and what fails.
//!
//! A message is remembered from when it was queued, with its sender, the team and since when the customer had waited; the facts
//! come when the provider has taken it, or says that it failed. A reaction is no message here.

use relevo_domain::Actor;
use relevo_domain::conversation::{Body, Outgoing};
use relevo_projection::waiting;

use super::volume::MESSAGES_OUT;
use super::{delivery, response, span, voice, voice_of};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, DeliveryRow, ReportedFailureRow, SentRow};

pub(crate) static SEND_FAILURES: Definition = Definition {
    number: 20,
    name: "send_failures",
    version: 2,
    kind: Kind::Sum,
    labels: &["class", "code", "end"],
    meaning: "Attempts to send a message that failed, at the time of the failure, for the message's sender and the team that had \
              the conversation when it was queued. `class`: `auth`, `throttled`, `pair_limit`, `quality`, `integrity`, \
              `transient`, `window`, `recipient`, `content`, `template`, `account`, `file`, `expired`, `unknown`, or `reported` \
              if the provider said it after it had taken the message (its first such report counts, by the provider's time, \
              clamped as in `delivery_to_delivered`; while an attempt is being made it counts once that one's outcome is known, \
              and of several attempts not if it is about another one than the provider took). `code`: the provider's, digits and dots, at most 12; empty if it gave none, \
              `other` for anything else and for a tenant's different codes after the first 256. `end`: `final`, or `retried` if \
              it is tried again. A message fails for good at most once. A message that was taken back or of which nobody knows \
              has not failed; a reaction is no message.",
};

pub(crate) static DELIVERY_TO_ACCEPTED: Definition = Definition {
    number: 21,
    name: "delivery_to_accepted",
    version: 1,
    kind: Kind::Duration,
    labels: &["by"],
    meaning: "From when a message was queued to when the provider was known to have taken it, both by Relevo's clock, waiting, \
              retries and back-off included; once a message that was sent with Relevo, counted when it was taken, for its sender \
              and the team that had the conversation when it was queued, by who wrote it (`staff`, `bot`, `system`). A message \
              that was not taken is not in it, nor is a reaction.",
};

/// Names of a provider that reports of failures are remembered for: more than a message has attempts.
const FAILURES_MAX: usize = 8;
/// The class of what a provider reported.
const REPORTED: &str = "reported";

/// A message is to be sent.
pub(crate) fn queued(talk: &ConversationRow, outgoing: &Outgoing, at: i64, by: &Actor) -> Option<SentRow> {
    let voice = voice(outgoing.author).filter(|_| !matches!(outgoing.body, Body::Reaction { .. }))?;
    let agent = match by {
        Actor::Staff(name) | Actor::Bot(name) => name.to_string(),
        Actor::Customer | Actor::PhoneApp | Actor::Provider | Actor::System => String::new(),
    };
    Some(SentRow {
        queued_at: at,
        by: voice.word.to_owned(),
        agent,
        team: talk.team.clone(),
        episode: talk.episode,
        waited_since: waiting::since(&talk.waiting).filter(|since| *since <= at),
        one_name: matches!(outgoing.body, Body::Mail(_)),
        ..SentRow::default()
    })
}

/// A sender is about to hand it to the provider.
pub(crate) fn started(row: &mut DeliveryRow, attempt: u32) {
    if let Some(sent) = &mut row.sent {
        (sent.attempts, sent.claimed) = (attempt, true);
    }
}

/// Nobody knows whether the provider has it; if a failure was reported, that is what is known.
pub(crate) fn unknown(talk: &ConversationRow, row: &mut DeliveryRow, facts: &mut Facts<'_>) {
    if let Some(sent) = &mut row.sent {
        sent.claimed = false;
    }
    held_failure(talk, row, facts);
}

/// The provider took it, and calls it that. Told twice, it changes nothing.
pub(crate) fn accepted(
    talk: &mut ConversationRow,
    row: &mut DeliveryRow,
    (at, provider_id): (i64, &str),
    facts: &mut Facts<'_>,
) {
    let Some(sent) = row.sent.as_mut().filter(|sent| sent.accepted_at.is_none()) else { return };
    (sent.accepted_at, sent.accepted_as, sent.claimed) = (Some(at), mark(provider_id), false);
    let sent = sent.clone();
    row.sent_at = Some(row.sent_at.map_or(at, |reported| reported.min(at)));
    let whose = |at, value| Draft::of(talk, at, value).whose(&sent.team, &sent.agent);
    facts.add(&MESSAGES_OUT, whose(sent.queued_at, 1).label(&sent.by));
    facts.add(&DELIVERY_TO_ACCEPTED, whose(at, span(sent.queued_at, at)).label(&sent.by));
    if let Some(voice) = voice_of(&sent.by) {
        response::taken(talk, &sent, voice, facts);
    }
    held_failure(talk, row, facts);
    delivery::measure_all(row, talk, facts);
}

/// An attempt failed.
pub(crate) fn failed(
    talk: &ConversationRow,
    row: &mut DeliveryRow,
    (class, code, is_final): (&str, &str, bool),
    at: i64,
    facts: &mut Facts<'_>,
) {
    let Some(sent) = row.sent.as_mut().filter(|sent| !sent.failed) else { return };
    (sent.failed, sent.claimed) = (is_final, false);
    let end = if is_final { "final" } else { "retried" };
    let draft = Draft::of(talk, at, 1).whose(&sent.team, &sent.agent);
    facts.add(&SEND_FAILURES, draft.label(class).label(code).label(end));
}

/// The provider says that it failed. That is the end of what it has taken and of what waits after an attempt; while an attempt
/// is being made, that one has an outcome of its own, and only then this may be about it (`State::evolve`).
pub(crate) fn reported_failed(
    talk: &ConversationRow,
    row: &mut DeliveryRow,
    failure: ReportedFailureRow,
    facts: &mut Facts<'_>,
) {
    keep(row, failure.clone());
    if row.sent.as_ref().is_some_and(|sent| !sent.claimed && is_about(sent, &failure)) {
        failed(talk, row, (REPORTED, &failure.code, true), failure.at, facts);
    }
}

/// Remembers what may turn out to be the end: of each name the earliest report.
pub(crate) fn keep(row: &mut DeliveryRow, failure: ReportedFailureRow) {
    let has_room = row.failures.len() < FAILURES_MAX;
    match row.failures.iter_mut().find(|known| known.failed_as == failure.failed_as) {
        Some(known) if order(&failure) < order(known) => *known = failure,
        None if has_room => row.failures.push(failure),
        Some(_) | None => {}
    }
}

/// Whether nobody has handed the message to a provider yet: whatever a provider reports, it cannot be about it.
pub(crate) fn is_untried(row: &DeliveryRow) -> bool {
    row.sent.as_ref().is_some_and(|sent| sent.attempts == 0 && sent.accepted_at.is_none())
}

/// What tells a provider's names of messages apart: a hash (FNV-1a, 64 bits) of the name, which itself may hold a number; 0 if
/// there is none. It stands in rows alone.
pub(crate) fn mark(provider_id: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    if provider_id.is_empty() {
        return 0;
    }
    provider_id.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// A failure that was reported before the outcome of an attempt was known is the end, if it is about that attempt.
fn held_failure(talk: &ConversationRow, row: &mut DeliveryRow, facts: &mut Facts<'_>) {
    let Some(sent) = &row.sent else { return };
    let about = row.failures.iter().filter(|failure| is_about(sent, failure));
    if let Some(failure) = about.min_by_key(|failure| order(failure)).cloned() {
        failed(talk, row, (REPORTED, &failure.code, true), failure.at, facts);
    }
}

/// Of several attempts a provider names each apart: whether this is about the one that it took, if it took one. Where nobody can
/// tell, it is.
fn is_about(sent: &SentRow, failure: &ReportedFailureRow) -> bool {
    let names = [sent.accepted_as, failure.failed_as];
    sent.accepted_at.is_none() || sent.attempts <= 1 || sent.one_name || names.contains(&0) || names[0] == names[1]
}

/// The earliest by the provider's time counts.
fn order(failure: &ReportedFailureRow) -> (i64, &str) {
    (failure.at, &failure.code)
}
