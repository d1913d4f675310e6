//! How messages went: from one report to the next, and what failed.

use std::collections::BTreeSet;

use relevo_domain::MessageId;
use relevo_domain::conversation::{Body, ConversationEvent, DeliveryReport, DeliveryStatus};

use super::observe::{All, Talk, put};

impl Talk<'_> {
    pub(super) fn deliveries(&self, all: &mut All) {
        let reports: Vec<(usize, &DeliveryReport)> = (0..self.0.len())
            .filter_map(|index| match self.event(index) {
                ConversationEvent::DeliveryReported(report) if !self.too_early(index, report) => Some((index, report)),
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
                    _ => match self.ended_by_report(message, index) {
                        Some((at, told)) => ("reported", code(told.as_deref()), "final", at),
                        None => continue,
                    },
                };
                let labels = vec![class.to_owned(), code, end.to_owned()];
                put(all, "send_failures", at, self.senders(queued), labels, 1);
                if end == "final" {
                    break;
                }
            }
        }
    }

    /// When a message failed, and with which code, as was reported until the thing at `index`, if that thing makes it so: the
    /// report itself, or the news that there is no attempt any more that the report could not be about.
    fn ended_by_report(&self, message: MessageId, index: usize) -> Option<(i64, Option<String>)> {
        let failures = (0..=index).filter_map(|index| match self.event(index) {
            ConversationEvent::DeliveryReported(report) if report.status == DeliveryStatus::Failed => {
                (self.own_name(report.message) == message && !self.too_early(index, report)).then_some((index, report))
            }
            _ => None,
        });
        let taken = self.taken(message).filter(|taken| *taken <= index);
        // Before it was taken nobody knew whom the provider's own name for it meant.
        let known = failures.filter(|(_, report)| taken.is_some() || report.message == message);
        let known: Vec<_> =
            known.filter(|(_, report)| taken.is_none_or(|taken| self.is_about(message, taken, report))).collect();
        let ends = match self.event(index) {
            ConversationEvent::SendOutcomeUnknown { message: of, .. } => *of == message,
            ConversationEvent::MessageAccepted { message: of, .. } => *of == message && taken == Some(index),
            ConversationEvent::DeliveryReported(_) => {
                let tells = known.last().is_some_and(|(last, _)| *last == index);
                let (at, code) = self.told(*known.last()?);
                return (tells && !self.being_tried(message, index)).then_some((at, code));
            }
            _ => false,
        };
        known.into_iter().map(|failure| self.told(failure)).min().filter(|_| ends)
    }

    fn told(&self, (index, report): (usize, &DeliveryReport)) -> (i64, Option<String>) {
        (self.clamped(index, report), report.error_code.clone())
    }

    /// Whether a report names a message of ours by its own id before anybody tried to send it.
    pub(super) fn too_early(&self, index: usize, report: &DeliveryReport) -> bool {
        let tried = |earlier: usize| match self.event(earlier) {
            ConversationEvent::SendStarted { message, .. } | ConversationEvent::MessageAccepted { message, .. } => {
                *message == report.message
            }
            _ => false,
        };
        self.queued(report.message).is_some() && !(0..index).any(tried)
    }

    /// Whether the last thing that Relevo knew of a message before `index` is that it is being handed over.
    fn being_tried(&self, message: MessageId, index: usize) -> bool {
        let last = (0..index).rev().find_map(|earlier| match self.event(earlier) {
            ConversationEvent::SendStarted { message: of, .. } if *of == message => Some(true),
            ConversationEvent::MessageAccepted { message: of, .. }
            | ConversationEvent::SendFailed { message: of, .. }
            | ConversationEvent::SendOutcomeUnknown { message: of, .. }
                if *of == message =>
            {
                Some(false)
            }
            _ => None,
        });
        last.unwrap_or(false)
    }

    /// Whether a failure is about the attempt that the provider took.
    fn is_about(&self, message: MessageId, taken: usize, report: &DeliveryReport) -> bool {
        let is_mail = self.queued(message).is_some_and(|queued| {
            let ConversationEvent::MessageQueued(outgoing) = self.event(queued) else { return false };
            matches!(outgoing.body, Body::Mail(_))
        });
        let tried = |index: &usize| matches!(self.event(*index), ConversationEvent::SendStarted { message: of, .. } if *of == message);
        let ConversationEvent::MessageAccepted { personal, .. } = self.event(taken) else { panic!("taken") };
        let names = [personal.provider_id.as_str(), report.personal.provider_id.as_str()];
        is_mail || (0..taken).filter(tried).count() <= 1 || names.contains(&"") || names[0] == names[1]
    }

    fn clamped(&self, index: usize, report: &DeliveryReport) -> i64 {
        const MINUTE: i64 = 60_000;
        let told = self.0[index].recorded_at;
        report.reported_at.as_millis().clamp(told - 8 * 24 * 60 * MINUTE, told + 5 * MINUTE)
    }
}
