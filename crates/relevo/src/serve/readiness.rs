//! What `/readyz` and `/metrics` say: whether the log answers, how far the views are, how full the streams are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use relevo_eventlog::{Connection, StreamName, Usage};
use relevo_projection::{ViewState, ViewStatus, Views};
use relevo_webhook::{Readiness, Report};
use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::time::timeout;

use super::room::Room;

/// A probe must answer before whoever probes gives up.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// A view may be this many commits behind and still answer well: about a second of a busy installation.
const LAG_MAX: u64 = 1_000;
/// A stream this full should make somebody look, and soon, in percent of its budget.
const USAGE_NOTICE_PERCENT: u64 = 70;
const USAGE_WARNING_PERCENT: u64 = 85;

type SignedGauge = Gauge<i64, std::sync::atomic::AtomicI64>;
type UnsignedGauge = Gauge<u64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StreamLabels {
    stream: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ViewLabels {
    view: &'static str,
}

/// The installation's condition.
pub(super) struct Condition {
    registry: Registry,
    log: Connection,
    room: Room,
    /// Set when the views were started.
    views: OnceLock<Views>,
    /// Intake runs and its id keys were checked.
    intake: AtomicBool,
    stream_bytes: Family<StreamLabels, UnsignedGauge>,
    stream_bytes_max: Family<StreamLabels, UnsignedGauge>,
    view_position: Family<ViewLabels, UnsignedGauge>,
    log_reachable: SignedGauge,
}

impl Condition {
    /// `registry` holds what others registered; it cannot be added to afterwards.
    pub(super) fn new(mut registry: Registry, log: Connection, room: Room) -> Self {
        let stream_bytes = Family::<StreamLabels, UnsignedGauge>::default();
        let stream_bytes_max = Family::<StreamLabels, UnsignedGauge>::default();
        let view_position = Family::<ViewLabels, UnsignedGauge>::default();
        let log_reachable = SignedGauge::default();
        registry.register("relevo_log_stream_bytes", "Bytes that a stream holds", stream_bytes.clone());
        registry.register("relevo_log_stream_bytes_max", "Budget of a stream in bytes", stream_bytes_max.clone());
        registry.register("relevo_view_position", "Sequence that a view has applied", view_position.clone());
        registry.register("relevo_log_reachable", "Whether the log answered the last question", log_reachable.clone());
        Self {
            registry,
            log,
            room,
            views: OnceLock::new(),
            intake: AtomicBool::new(false),
            stream_bytes,
            stream_bytes_max,
            view_position,
            log_reachable,
        }
    }

    pub(super) fn set_views(&self, views: Views) {
        // Started once; a second call would be a mistake of ours and changes nothing.
        self.views.set(views).ok();
    }

    pub(super) fn set_intake(&self, runs: bool) {
        self.intake.store(runs, Ordering::Release);
    }

    /// How full the streams are, or nothing if the log does not answer.
    async fn usage(&self) -> Option<Usage> {
        let usage = timeout(ANSWER_MAX, self.log.usage()).await.ok().and_then(Result::ok);
        self.log_reachable.set(i64::from(usage.is_some()));
        usage
    }
}

#[async_trait]
impl Readiness for Condition {
    async fn report(&self) -> Report {
        let usage = self.usage().await;
        let views = self.views.get().map(Views::status);
        let intake = self.intake.load(Ordering::Acquire);
        let views_ready = views.as_ref().is_some_and(|views| views.iter().all(good));
        let disk = self.room.closed().then(|| json!({ "level": "warning", "disk": "full" }));
        let details = json!({
            "ready": usage.is_some() && views_ready && intake,
            "log": { "reachable": usage.is_some(), "streams": usage.as_ref().map(streams) },
            "views": views.as_deref().map(|views| views.iter().map(view).collect::<Vec<_>>()),
            "intake": { "running": intake },
            "warnings": usage.as_ref().map(warnings).unwrap_or_default().into_iter().chain(disk).collect::<Vec<_>>(),
        });
        Report { ready: usage.is_some() && views_ready && intake, details }
    }

    async fn metrics(&self) -> String {
        for stream in self.usage().await.iter().flat_map(|usage| &usage.streams) {
            let labels = StreamLabels { stream: stream.stream.as_str() };
            self.stream_bytes.get_or_create(&labels).set(stream.bytes);
            self.stream_bytes_max.get_or_create(&labels).set(stream.max_bytes);
        }
        for view in self.views.get().map(Views::status).unwrap_or_default() {
            self.view_position.get_or_create(&ViewLabels { view: view.name }).set(view.position.sequence());
        }
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}

/// A view that readers can rely on. A diverged or stopped one is not ready, whatever it still shows.
fn good(view: &ViewStatus) -> bool {
    match &view.state {
        ViewState::Live => true,
        ViewState::CatchingUp { position, target } => {
            view.serving.is_some() && target.sequence().saturating_sub(position.sequence()) <= LAG_MAX
        }
        ViewState::Starting | ViewState::Diverged(_) | ViewState::Stopped { .. } => false,
    }
}

fn view(view: &ViewStatus) -> Value {
    let state = match &view.state {
        ViewState::Starting => "starting",
        ViewState::CatchingUp { .. } => "catching_up",
        ViewState::Live => "live",
        ViewState::Diverged(_) => "diverged",
        ViewState::Stopped { .. } => "stopped",
    };
    json!({ "name": view.name, "version": view.version, "state": state, "position": view.position.to_string() })
}

fn streams(usage: &Usage) -> Vec<Value> {
    let stream = |stream: &relevo_eventlog::StreamUsage| {
        json!({
            "stream": stream.stream.as_str(),
            "bytes": stream.bytes,
            "max_bytes": stream.max_bytes,
            "percent": stream.percent(),
        })
    };
    usage.streams.iter().map(stream).collect()
}

/// Streams that fill up. Metrics drop their oldest by themselves, so a full one is as it should be.
fn warnings(usage: &Usage) -> Vec<Value> {
    let level = |percent: u64| match percent {
        USAGE_WARNING_PERCENT.. => Some("warning"),
        USAGE_NOTICE_PERCENT.. => Some("notice"),
        _ => None,
    };
    usage
        .streams
        .iter()
        .filter(|stream| !matches!(stream.stream, StreamName::Metrics | StreamName::Republish))
        .filter_map(|stream| {
            let percent = stream.percent();
            Some(json!({ "level": level(percent)?, "stream": stream.stream.as_str(), "percent": percent }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_eventlog::StreamUsage;

    fn usage(stream: StreamName, bytes: u64) -> Usage {
        Usage { streams: vec![StreamUsage { stream, bytes, max_bytes: 1000, messages: 1, last_sequence: 1 }] }
    }

    #[test]
    fn a_stream_that_fills_up_is_told_at_70_and_at_85_percent() {
        let levels =
            |bytes| warnings(&usage(StreamName::Intake, bytes)).iter().map(|w| w["level"].clone()).collect::<Vec<_>>();
        assert!(levels(699).is_empty());
        assert_eq!(levels(700), ["notice"]);
        assert_eq!(levels(849), ["notice"]);
        assert_eq!(levels(850), ["warning"]);
        assert_eq!(levels(1000), ["warning"]);
        assert!(warnings(&usage(StreamName::Metrics, 1000)).is_empty());
    }
}
