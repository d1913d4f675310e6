//! gRPC health: every service of ours serves while the log answers and no view has stopped. What `/readyz` asks beyond that (lag,
//! intake) keeps nobody from being answered.

use std::time::Duration;

use relevo_eventlog::Log;
use relevo_projection::{ViewState, Views};
use relevo_proto::{admin, command, query};
use tokio::time::timeout;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::Installation;

/// How often the log is asked: a client that is told two seconds late waits no longer than for its own time-out.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A log that takes longer does not answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What is told about: each service, and the whole (the empty name).
const SERVICES: [&str; 10] = [
    "",
    command::v1::conversation_service_server::SERVICE_NAME,
    query::v1::inbox_service_server::SERVICE_NAME,
    query::v1::assignment_service_server::SERVICE_NAME,
    query::v1::pause_service_server::SERVICE_NAME,
    query::v1::metrics_service_server::SERVICE_NAME,
    admin::v1::intake_service_server::SERVICE_NAME,
    admin::v1::log_service_server::SERVICE_NAME,
    admin::v1::topic_service_server::SERVICE_NAME,
    admin::v1::view_service_server::SERVICE_NAME,
];

/// Tells how the services are until the installation ends; then that they serve no more.
pub(super) async fn keep(mut reporter: HealthReporter, installation: Installation) {
    let mut told = None;
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tell(&reporter, ServingStatus::NotServing).await;
    loop {
        let status = tokio::select! {
            () = installation.ending.cancelled() => break,
            status = async {
                ticks.tick().await;
                status(installation.log.as_ref(), &installation.views).await
            } => status,
        };
        // Each telling wakes every watcher, so only changes are told.
        if told != Some(status) {
            tracing::info!(%status, "gRPC health");
            tell(&reporter, status).await;
            told = Some(status);
        }
    }
    tell(&reporter, ServingStatus::NotServing).await;
    // Ends the streams of those who watch; they would keep the listener from ending.
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}

async fn status(log: &dyn Log, views: &Views) -> ServingStatus {
    let reachable = matches!(timeout(ANSWER_MAX, log.identity()).await, Ok(Ok(_)));
    let whole = views.status().iter().all(|view| serves(&view.state));
    if reachable && whole { ServingStatus::Serving } else { ServingStatus::NotServing }
}

/// Whether what a view shows can be relied on, now or after waiting for a position.
fn serves(state: &ViewState) -> bool {
    match state {
        ViewState::Starting | ViewState::CatchingUp { .. } | ViewState::Live => true,
        ViewState::Diverged(_) | ViewState::Stopped { .. } => false,
    }
}

async fn tell(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_view_serves_no_more() {
        assert!(serves(&ViewState::Live) && serves(&ViewState::Starting));
        assert!(!serves(&ViewState::Stopped { error: "disk".to_owned() }));
    }
}
