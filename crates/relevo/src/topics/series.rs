//! The publisher's figures for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(super) lag: Gauge<i64>,
    pub(super) facts: Counter<u64, AtomicU64>,
    pub(super) conflicts: Counter<u64, AtomicU64>,
    pub(super) stuck: Gauge<i64>,
    pub(super) gaps: Counter<u64, AtomicU64>,
}

impl Series {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let series = Self::default();
        registry.register(
            "relevo_topics_lag",
            "Sequences of the events log that the metrics view has and the metric topics do not have yet",
            series.lag.clone(),
        );
        registry.register("relevo_topics_facts", "Metric facts that this node published", series.facts.clone());
        registry.register(
            "relevo_topics_conflicts",
            "Appends to metric topics that were not stored because another node was quicker, or whose outcome was unknown",
            series.conflicts.clone(),
        );
        registry.register("relevo_topics_stuck", "Metric topics that cannot be published to", series.stuck.clone());
        registry.register(
            "relevo_topics_gaps",
            "Times that the metrics view had forgotten facts before this node had published them; publish the span again",
            series.gaps.clone(),
        );
        series
    }
}
