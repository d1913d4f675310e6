//! How long messages took to arrive and to be read, by the provider's own times.

use std::time::Duration;

use relevo_domain::Timestamp;
use relevo_domain::conversation::{DeliveryReport, DeliveryStatus};

use super::span;
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, DeliveryRow, FactRow};

pub(crate) static DELIVERY_TO_DELIVERED: Definition = Definition {
    number: 18,
    name: "delivery_to_delivered",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From the earlier of a message's `accepted` and `sent` to its `delivered`, by the provider's times (clamped to eight \
              days before and five minutes after Relevo's), once a message, counted at the delivery, for the agent and team \
              that had the conversation when it was reported. Reports may come in any order: the fact comes when both are known, \
              and an earlier time that comes later supersedes it. Of repeated reports the earliest time counts. Times that \
              contradict each other give 0, never less. A message without either report is not in it.",
};

pub(crate) static DELIVERY_TO_READ: Definition = Definition {
    number: 19,
    name: "delivery_to_read",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From a message's `delivered` to its `read`, otherwise as `delivery_to_delivered`, counted at the reading. Customers \
              who do not tell that they read are not in it.",
};

/// As the times of messages are clamped.
const EARLIEST: Duration = Duration::from_hours(8 * 24);
const LATEST: Duration = Duration::from_mins(5);

/// One report about the message of `row`, told at `recorded_at`. False if it says nothing about delays.
pub(crate) fn observe(
    row: &mut DeliveryRow,
    talk: &ConversationRow,
    report: &DeliveryReport,
    recorded_at: Timestamp,
    facts: &mut Facts<'_>,
) -> bool {
    let time = match report.status {
        DeliveryStatus::Accepted | DeliveryStatus::Sent => &mut row.sent_at,
        DeliveryStatus::Delivered => &mut row.delivered_at,
        DeliveryStatus::Read => &mut row.read_at,
        DeliveryStatus::Queued
        | DeliveryStatus::Played
        | DeliveryStatus::Failed
        | DeliveryStatus::Deleted
        | DeliveryStatus::Warning
        | DeliveryStatus::Other(_) => return false,
    };
    let at = report.reported_at.clamp(recorded_at - EARLIEST, recorded_at + LATEST).as_millis();
    *time = Some(time.map_or(at, |earlier| earlier.min(at)));
    let DeliveryRow { sent_at, delivered_at, read_at, to_delivered, to_read } = row;
    measure(&DELIVERY_TO_DELIVERED, to_delivered, (*sent_at, *delivered_at), talk, facts);
    measure(&DELIVERY_TO_READ, to_read, (*delivered_at, *read_at), talk, facts);
    true
}

fn measure(
    definition: &'static Definition,
    fact: &mut Option<FactRow>,
    times: (Option<i64>, Option<i64>),
    talk: &ConversationRow,
    facts: &mut Facts<'_>,
) {
    let (Some(from), Some(to)) = times else { return };
    let took = span(from, to);
    if fact.as_ref().is_none_or(|fact| (fact.value, fact.at) != (took, to)) {
        // The sender is not on the log yet; until then the agent is who has the conversation.
        facts.correct(definition, fact, Draft::of(talk, to, took));
    }
}
