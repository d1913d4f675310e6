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
use crate::row::{ConversationRow, DeliveryRow, SentRow};

pub(crate) static SEND_FAILURES: Definition = Definition {
    number: 20,
    name: "send_failures",
    version: 1,
    kind: Kind::Sum,
    labels: &["class", "code", "end"],
    meaning: "Attempts to send a message that failed, at the time of the failure, for the message's sender and the team that had \
              the conversation when it was queued. `class`: `auth`, `throttled`, `pair_limit`, `quality`, `integrity`, \
              `transient`, `window`, `recipient`, `content`, `template`, `account`, `file`, `expired`, `unknown`, or `reported` \
              if the provider said it after it had taken the message (its first such report counts, by the provider's time, \
              clamped as in `delivery_to_delivered`). `code`: the provider's, digits and dots, at most 12; empty if it gave none, \
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
        accepted_at: None,
        failed: false,
    })
}

/// The provider took it. Told twice, it changes nothing.
pub(crate) fn accepted(talk: &mut ConversationRow, row: &mut DeliveryRow, at: i64, facts: &mut Facts<'_>) {
    let Some(sent) = row.sent.as_mut().filter(|sent| sent.accepted_at.is_none()) else { return };
    sent.accepted_at = Some(at);
    let sent = sent.clone();
    row.sent_at = Some(row.sent_at.map_or(at, |reported| reported.min(at)));
    let whose = |at, value| Draft::of(talk, at, value).whose(&sent.team, &sent.agent);
    facts.add(&MESSAGES_OUT, whose(sent.queued_at, 1).label(&sent.by));
    facts.add(&DELIVERY_TO_ACCEPTED, whose(at, span(sent.queued_at, at)).label(&sent.by));
    if let Some(voice) = voice_of(&sent.by) {
        response::taken(talk, &sent, voice, facts);
    }
    reported_failed(talk, row, facts);
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
    sent.failed = is_final;
    let end = if is_final { "final" } else { "retried" };
    let draft = Draft::of(talk, at, 1).whose(&sent.team, &sent.agent);
    facts.add(&SEND_FAILURES, draft.label(class).label(code).label(end));
}

/// The provider says that it failed, if it does: counted once, and not for what failed before.
pub(crate) fn reported_failed(talk: &ConversationRow, row: &mut DeliveryRow, facts: &mut Facts<'_>) {
    if let Some(failure) = row.reported_failure.clone() {
        failed(talk, row, (REPORTED, &failure.code, true), failure.at, facts);
    }
}
