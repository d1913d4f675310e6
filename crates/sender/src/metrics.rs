//! Figures about sending for Prometheus. Labels are closed words, never a customer, a message or a provider's text.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use relevo_domain::conversation::FailureClass;
use relevo_providers::AccountKind;

/// Of what kind a channel is, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Meta,
    Twilio,
    Mail,
    /// The channel has no account on this node.
    Gone,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Meta, Self::Twilio, Self::Mail, Self::Gone];

    pub(crate) const fn of(account: Option<&AccountKind>) -> Self {
        match account {
            Some(AccountKind::Meta(_)) => Self::Meta,
            Some(AccountKind::Twilio(_)) => Self::Twilio,
            Some(AccountKind::Mail(_)) => Self::Mail,
            None => Self::Gone,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Twilio => "twilio",
            Self::Mail => "mail",
            Self::Gone => "gone",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    kind: &'static str,
    class: &'static str,
    /// `false`: the message goes back to the queue.
    last: &'static str,
}

/// The senders' series. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    accepted: Family<KindLabels, Counter>,
    failed: Family<FailureLabels, Counter>,
    unknown: Family<KindLabels, Counter>,
    waiting: Family<KindLabels, Gauge>,
    unresolved: Family<KindLabels, Gauge>,
}

impl Metrics {
    /// Registers the series.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "relevo_send_accepted",
            "Messages that a provider took from this node, by kind of channel",
            metrics.accepted.clone(),
        );
        registry.register(
            "relevo_send_failed",
            "Attempts of this node that failed, by kind of channel, class, and whether it was the last one",
            metrics.failed.clone(),
        );
        registry.register(
            "relevo_send_outcome_unknown",
            "Attempts of which this node said that nobody knows their outcome, by kind of channel",
            metrics.unknown.clone(),
        );
        registry.register(
            "relevo_send_waiting",
            "Messages that wait to be handed over or are being handed over, by kind of channel",
            metrics.waiting.clone(),
        );
        registry.register(
            "relevo_send_unresolved",
            "Messages of unknown outcome that no report has resolved, by kind of channel",
            metrics.unresolved.clone(),
        );
        metrics
    }

    pub(crate) fn count_accepted(&self, kind: Kind) {
        self.accepted.get_or_create(&KindLabels { kind: kind.as_str() }).inc();
    }

    pub(crate) fn count_failed(&self, kind: Kind, class: FailureClass, last: bool) {
        let last = if last { "true" } else { "false" };
        self.failed.get_or_create(&FailureLabels { kind: kind.as_str(), class: class.as_str(), last }).inc();
    }

    pub(crate) fn count_unknown(&self, kind: Kind) {
        self.unknown.get_or_create(&KindLabels { kind: kind.as_str() }).inc();
    }

    /// How many messages wait, and how many are of unknown outcome.
    pub(crate) fn show_waiting(&self, kind: Kind, waiting: u64, unresolved: u64) {
        let labels = KindLabels { kind: kind.as_str() };
        self.waiting.get_or_create(&labels).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.unresolved.get_or_create(&labels).set(i64::try_from(unresolved).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_by_kind_and_class() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.count_accepted(Kind::Meta);
        metrics.count_failed(Kind::Mail, FailureClass::Throttled, false);
        metrics.count_unknown(Kind::Twilio);
        metrics.show_waiting(Kind::Gone, 3, 1);
        let mut shown = String::new();
        prometheus_client::encoding::text::encode(&mut shown, &registry).unwrap();
        for line in [
            r#"relevo_send_accepted_total{kind="meta"} 1"#,
            r#"relevo_send_failed_total{kind="mail",class="throttled",last="false"} 1"#,
            r#"relevo_send_outcome_unknown_total{kind="twilio"} 1"#,
            r#"relevo_send_waiting{kind="gone"} 3"#,
            r#"relevo_send_unresolved{kind="gone"} 1"#,
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line} is not in {shown}");
        }
    }
}
