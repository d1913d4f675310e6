//! How long messages took to arrive and to be read, by the provider's own times.

use std::time::Duration;

use relevo_domain::Timestamp;
use relevo_domain::conversation::{DeliveryReport, DeliveryStatus};

use super::{sent, span};
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, DeliveryRow, FactRow, ReportedFailureRow, SentRow};

pub(crate) static DELIVERY_TO_DELIVERED: Definition = Definition {
    number: 18,
    name: "delivery_to_delivered",
    version: 2,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From the earlier of a message's `accepted` and `sent` to its `delivered`, by the provider's times (clamped to eight \
              days before and five minutes after Relevo's) or, if that is earlier, from when Relevo knew that the provider had \
              taken it; once a message, counted at the delivery, for its sender and the team that had the conversation when it \
              was queued, and for a message that was not sent with Relevo for the agent and team that had the conversation when \
              it was reported. Reports may come in any order, also before the provider's own answer: the fact comes when both \
              times are known, and an earlier time that comes later supersedes it. Of repeated reports the earliest time \
              counts. Times that contradict each other give 0, never less. A message without either report is not in it.",
};

pub(crate) static DELIVERY_TO_READ: Definition = Definition {
    number: 19,
    name: "delivery_to_read",
    version: 2,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From a message's `delivered` to its `read`, otherwise as `delivery_to_delivered`, counted at the reading. Customers \
              who do not tell that they read are not in it.",
};

pub(crate) static DELIVERY_TO_SENT: Definition = Definition {
    number: 22,
    name: "delivery_to_sent",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "From when Relevo knew that the provider had taken a message to the provider's `sent`, for messages that were sent \
              with Relevo, otherwise as `delivery_to_delivered`, counted at the sending. Providers tell whole seconds, so it is \
              often 0.",
};

/// As the times of messages are clamped.
const EARLIEST: Duration = Duration::from_hours(8 * 24);
const LATEST: Duration = Duration::from_mins(5);

/// One report about the message of `row`, told at `recorded_at`; `code` is that of a failure as figures tell codes apart. False
/// if it says nothing that is counted.
pub(crate) fn observe(
    row: &mut DeliveryRow,
    talk: &ConversationRow,
    report: &DeliveryReport,
    (recorded_at, code): (Timestamp, &str),
    facts: &mut Facts<'_>,
) -> bool {
    let at = report.reported_at.clamp(recorded_at - EARLIEST, recorded_at + LATEST).as_millis();
    match report.status {
        DeliveryStatus::Accepted => earliest(&mut row.sent_at, Some(at)),
        DeliveryStatus::Sent => {
            earliest(&mut row.sent_at, Some(at));
            earliest(&mut row.reported_sent_at, Some(at));
        }
        DeliveryStatus::Delivered => earliest(&mut row.delivered_at, Some(at)),
        DeliveryStatus::Read => earliest(&mut row.read_at, Some(at)),
        DeliveryStatus::Failed => {
            let failed_as = sent::mark(&report.personal.provider_id);
            let failure = ReportedFailureRow { at, code: code.to_owned(), failed_as };
            sent::reported_failed(talk, row, failure, facts);
        }
        DeliveryStatus::Queued
        | DeliveryStatus::Played
        | DeliveryStatus::Deleted
        | DeliveryStatus::Warning
        | DeliveryStatus::Other(_) => return false,
    }
    measure_all(row, talk, facts);
    true
}

/// Takes over what was reported under the name that the provider has for the message.
pub(crate) fn merge(row: &mut DeliveryRow, early: DeliveryRow) {
    earliest(&mut row.sent_at, early.sent_at);
    earliest(&mut row.reported_sent_at, early.reported_sent_at);
    earliest(&mut row.delivered_at, early.delivered_at);
    earliest(&mut row.read_at, early.read_at);
    row.to_delivered = row.to_delivered.take().or(early.to_delivered);
    row.to_read = row.to_read.take().or(early.to_read);
    early.failures.into_iter().for_each(|failure| sent::keep(row, failure));
}

fn earliest(known: &mut Option<i64>, other: Option<i64>) {
    *known = match (*known, other) {
        (Some(known), Some(other)) => Some(known.min(other)),
        (known, other) => known.or(other),
    };
}

/// States what is known by now, where it differs from what was stated.
pub(crate) fn measure_all(row: &mut DeliveryRow, talk: &ConversationRow, facts: &mut Facts<'_>) {
    let DeliveryRow { sent_at, delivered_at, read_at, to_delivered, to_read, sent, reported_sent_at, to_sent, .. } =
        row;
    let sent = sent.as_ref();
    if let Some(accepted_at) = sent.and_then(|sent| sent.accepted_at) {
        measure(&DELIVERY_TO_SENT, to_sent, (Some(accepted_at), *reported_sent_at), (talk, sent), facts);
    }
    measure(&DELIVERY_TO_DELIVERED, to_delivered, (*sent_at, *delivered_at), (talk, sent), facts);
    measure(&DELIVERY_TO_READ, to_read, (*delivered_at, *read_at), (talk, sent), facts);
}

fn measure(
    definition: &'static Definition,
    fact: &mut Option<FactRow>,
    times: (Option<i64>, Option<i64>),
    (talk, sent): (&ConversationRow, Option<&SentRow>),
    facts: &mut Facts<'_>,
) {
    let (Some(from), Some(to)) = times else { return };
    let took = span(from, to);
    // Of what was not sent with Relevo the sender is not known: it is whose the conversation was when this was first so.
    let same = |fact: &FactRow| {
        let whose = sent.is_none_or(|sent| fact.team == sent.team && fact.agent == sent.agent);
        (fact.value, fact.at) == (took, to) && whose
    };
    if !fact.as_ref().is_some_and(same) {
        let draft = Draft::of(talk, to, took);
        let draft = match sent {
            Some(sent) => draft.whose(&sent.team, &sent.agent),
            None => draft,
        };
        facts.correct(definition, fact, draft);
    }
}
