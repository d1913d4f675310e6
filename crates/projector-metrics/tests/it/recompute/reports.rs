//! How messages went: from one report to the next, and what failed.

use std::collections::BTreeSet;

use relevo_domain::MessageId;
use relevo_domain::conversation::{ConversationEvent, DeliveryReport, DeliveryStatus};

use super::observe::{All, Talk, put};

impl Talk<'_> {
    pub(super) fn deliveries(&self, all: &mut All) {
        let reports: Vec<(usize, &DeliveryReport)> = (0..self.0.len())
            .filter_map(|index| match self.event(index) {
                ConversationEvent::DeliveryReported(report) => Some((index, report)),
                _ => None,
            })
            .collect();
        let own_name = |message: MessageId| self.own_name(message);
        let messages: BTreeSet<MessageId> = reports.iter().map(|(_, report)| own_name(report.message)).collect();
        for message in messages {
            let own: Vec<_> =
                reports.iter().filter(|(_, report)| own_name(report.message) == message).copied().collect();
            let sent: &[DeliveryStatus] = &[DeliveryStatus::Accepted, DeliveryStatus::Sent];
            let (delivered, read) = (&[DeliveryStatus::Delivered][..], &[DeliveryStatus::Read][..]);
            if let Some(queued) = self.queued(message) {
                self.own_legs(all, message, queued, &own);
            } else {
                self.leg(all, "delivery_to_delivered", &own, sent, delivered);
                self.leg(all, "delivery_to_read", &own, delivered, read);
            }
        }
    }

    /// Our own id of a message that a provider's report names.
    fn own_name(&self, named: MessageId) -> MessageId {
        let own = (0..self.0.len()).find_map(|index| match self.event(index) {
            ConversationEvent::MessageAccepted { message, alias, .. } if *alias == named => Some(*message),
            _ => None,
        });
        own.filter(|own| self.queued(*own).is_some()).unwrap_or(named)
    }

    /// Of a message that was sent with Relevo: from the earliest of one to the earliest of the other.
    fn own_legs(&self, all: &mut All, message: MessageId, queued: usize, reports: &[(usize, &DeliveryReport)]) {
        let earliest = |statuses: &[DeliveryStatus]| {
            let times = reports.iter().filter(|(_, report)| statuses.contains(&report.status));
            times.map(|(index, report)| self.clamped(*index, report)).min()
        };
        let taken = self.taken(message).map(|index| self.at(index));
        let sent = earliest(&[DeliveryStatus::Accepted, DeliveryStatus::Sent]).into_iter().chain(taken).min();
        let (delivered, read) = (earliest(&[DeliveryStatus::Delivered]), earliest(&[DeliveryStatus::Read]));
        let legs = [
            ("delivery_to_sent", taken, earliest(&[DeliveryStatus::Sent])),
            ("delivery_to_delivered", sent, delivered),
            ("delivery_to_read", delivered, read),
        ];
        for (metric, from, to) in legs {
            if let (Some(from), Some(to)) = (from, to) {
                put(all, metric, to, self.senders(queued), vec![], (to - from).max(0));
            }
        }
    }

    /// From the earliest report of some statuses to the earliest of others, as the last report that changed it found it.
    fn leg(
        &self,
        all: &mut All,
        metric: &'static str,
        reports: &[(usize, &DeliveryReport)],
        from: &[DeliveryStatus],
        to: &[DeliveryStatus],
    ) {
        let measured = |known: usize| {
            let earliest = |statuses: &[DeliveryStatus]| {
                let times = reports[..known].iter().filter(|(_, report)| statuses.contains(&report.status));
                times.map(|(index, report)| self.clamped(*index, report)).min()
            };
            let (from, to) = (earliest(from)?, earliest(to)?);
            Some(((to - from).max(0), to))
        };
        let Some((took, at)) = measured(reports.len()) else { return };
        let changed = (1..=reports.len()).rfind(|known| measured(*known) != measured(known - 1));
        let (index, _) = reports[changed.unwrap() - 1];
        put(all, metric, at, self.whose(index), vec![], took);
    }

    pub(super) fn failures(&self, all: &mut All) {
        let queued: BTreeSet<MessageId> = (0..self.0.len())
            .filter_map(|index| match self.event(index) {
                ConversationEvent::MessageQueued(outgoing) => Some(outgoing.id),
                _ => None,
            })
            .collect();
        for (message, queued) in queued.into_iter().filter_map(|id| self.queued(id).map(|queued| (id, queued))) {
            let code = |code: Option<&str>| match code {
                None => String::new(),
                Some(code) if code.bytes().all(|byte| byte.is_ascii_digit()) => code.to_owned(),
                Some(_) => "other".to_owned(),
            };
            for index in 0..self.0.len() {
                let (class, code, end, at) = match self.event(index) {
                    ConversationEvent::SendFailed { message: failed, failure, retry_at, .. } if *failed == message => {
                        let end = if retry_at.is_some() { "retried" } else { "final" };
                        (failure.class.as_str(), code(failure.code.as_deref()), end, self.at(index))
                    }
                    ConversationEvent::DeliveryReported(report)
                        if report.status == DeliveryStatus::Failed && self.own_name(report.message) == message =>
                    {
                        let at = self.clamped(index, report);
                        ("reported", code(report.error_code.as_deref()), "final", at)
                    }
                    _ => continue,
                };
                let labels = vec![class.to_owned(), code, end.to_owned()];
                put(all, "send_failures", at, self.senders(queued), labels, 1);
                if end == "final" {
                    break;
                }
            }
        }
    }

    fn clamped(&self, index: usize, report: &DeliveryReport) -> i64 {
        const MINUTE: i64 = 60_000;
        let told = self.0[index].recorded_at;
        report.reported_at.as_millis().clamp(told - 8 * 24 * 60 * MINUTE, told + 5 * MINUTE)
    }
}
