//! gRPC health follows the log.

use relevo_testkit::eventually_within;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::broker::{Broker, PATIENCE, address, folder, servers};

const SERVICES: [&str; 4] =
    ["", "relevo.command.v1.ConversationService", "relevo.query.v1.InboxService", "relevo.admin.v1.LogService"];

async fn wait_for(data: &std::path::Path, wanted: ServingStatus) {
    let grpc = address(data, "grpc").unwrap();
    let channel = tonic::transport::Endpoint::from_shared(grpc).unwrap().connect().await.unwrap();
    let client = HealthClient::new(channel);
    for service in SERVICES {
        eventually_within(service, PATIENCE, async || {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = client.clone().check(request).await.ok()?.into_inner();
            (answer.status() == wanted).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn services_serve_only_while_the_log_answers() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    wait_for(&data, ServingStatus::Serving).await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(servers(&data)[0]).unwrap());
    // Silent, not dead: a dead one is started again before anybody can look.
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    wait_for(&data, ServingStatus::NotServing).await;
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    wait_for(&data, ServingStatus::Serving).await;
    assert!(broker.stop().await.success());
}
