//! `kill -9` of the broker: its server goes with it, and the next start takes over at once.

use relevo_testkit::eventually_within;

use crate::broker::{Broker, PATIENCE, folder, nats_port, servers};

#[tokio::test]
async fn after_a_kill_the_next_start_takes_over_and_nothing_stored_is_lost() {
    let (_temp, data) = folder();
    let mut broker = Broker::start(&data).await;
    for round in 0..5 {
        assert_eq!(broker.mail(&format!("Subject: {round}\r\n\r\nHola\r\n")).await, Some(202));
        let port = nats_port(&data);
        broker.kill9().await;
        // At once, while the old server may still be on its way out.
        broker = Broker::start(&data).await;
        assert_eq!(servers(&data).len(), 1, "round {round}");
        assert_eq!(nats_port(&data), port);
    }
    eventually_within("all five are counted", PATIENCE, async || {
        let mut command = crate::broker::relevo();
        let grpc = crate::broker::address(&data, "grpc").unwrap();
        command.args(["intake", "status", "--json", "--api-key", "relevo-demo-admin", "--server", &grpc]);
        let (output, _) = crate::broker::output(command);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let endpoints = status["endpoints"].as_array()?;
        let mail = endpoints.iter().find(|endpoint| endpoint["endpoint"] == "demo-mail")?;
        (mail["received_posts"] == "5").then_some(())
    })
    .await;
    assert!(broker.stop().await.success());
}

#[tokio::test]
async fn a_killed_brokers_server_does_not_outlive_it() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    assert_eq!(servers(&data).len(), 1);
    broker.kill9().await;
    eventually_within("the server is gone", PATIENCE, async || servers(&data).is_empty().then_some(())).await;
}
