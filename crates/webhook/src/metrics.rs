//! Figures about webhooks for Prometheus. Labels are closed words or names from the configuration, never what a caller sent.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use relevo_eventlog::InputKind;

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostOutcome {
    Stored,
    UnknownEndpoint,
    BadSignature,
    BadRequest,
    TooLarge,
    TooSlow,
    Overloaded,
    LogAway,
    LogFull,
}

impl PostOutcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::BadSignature => "bad_signature",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Overloaded => "overloaded",
            Self::LogAway => "log_away",
            Self::LogFull => "log_full",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PostLabels {
    kind: &'static str,
    /// Empty if the address names no configured endpoint.
    endpoint: String,
    outcome: &'static str,
}

/// The webhooks' series. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    posts: Family<PostLabels, Counter>,
    bytes: Counter,
    append_seconds: Histogram,
}

impl Metrics {
    /// Registers the series.
    pub fn register(registry: &mut Registry) -> Self {
        // 1 ms (no fsync) to 8 s (just below the time limit of an append).
        let append_seconds = Histogram::new((0..14).map(|step| 0.001 * f64::from(1 << step)));
        let metrics = Self { posts: Family::default(), bytes: Counter::default(), append_seconds };
        registry.register("relevo_webhook_posts", "Posts by endpoint and outcome", metrics.posts.clone());
        registry.register("relevo_webhook_stored_bytes", "Bytes of bodies that were stored", metrics.bytes.clone());
        registry.register(
            "relevo_webhook_append_seconds",
            "Time until the log acknowledged a body",
            metrics.append_seconds.clone(),
        );
        metrics
    }

    pub(crate) fn post(&self, kind: InputKind, endpoint: Option<&str>, outcome: PostOutcome) {
        let labels = PostLabels {
            kind: kind.as_str(),
            endpoint: endpoint.unwrap_or_default().to_owned(),
            outcome: outcome.as_str(),
        };
        self.posts.get_or_create(&labels).inc();
    }

    pub(crate) fn stored(&self, bytes: usize, took: Duration) {
        self.bytes.inc_by(bytes as u64);
        self.append_seconds.observe(took.as_secs_f64());
    }
}
