//! A start, an orderly end, and a start again on the same folder.

use nix::sys::signal::Signal;
use relevo_testkit::eventually_within;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::broker::{Broker, PATIENCE, address, folder, nats_port, servers};

#[tokio::test]
async fn it_starts_ready_stops_in_order_and_keeps_its_port_and_key() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    assert_eq!(broker.status("/healthz").await, Some(200));
    assert_eq!(broker.mail("From: a@b.example\r\nSubject: x\r\n\r\nHola\r\n").await, Some(202));
    let port = nats_port(&data);
    let key = std::fs::read(data.join("keys/demo.key")).unwrap();
    assert_eq!(servers(&data).len(), 1);

    assert!(broker.stop().await.success());
    assert_eq!(servers(&data), Vec::<u32>::new());
    assert_eq!(address(&data, "http"), None);

    let broker = Broker::start(&data).await;
    assert_eq!(nats_port(&data), port);
    assert_eq!(std::fs::read(data.join("keys/demo.key")).unwrap(), key);
    assert!(broker.stop().await.success());
}

#[tokio::test]
async fn ctrl_c_stops_it_in_order_too() {
    let (_temp, data) = folder();
    let mut broker = Broker::start(&data).await;
    broker.signal(Signal::SIGINT);
    assert!(broker.ended().await.success());
    assert_eq!(servers(&data), Vec::<u32>::new());
}

#[tokio::test]
async fn a_local_client_without_the_credential_is_refused() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", nats_port(&data))).await.unwrap());
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert!(line.contains("\"auth_required\":true"), "{line}");
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").await.unwrap();
    line.clear();
    stream.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("-ERR 'Authorization Violation'"), "{line}");
    assert!(broker.stop().await.success());
}

#[tokio::test]
async fn secrets_and_the_folder_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    for path in ["", "keys", "keys/demo.key", "nats", "nats/password", "nats/nats-server.conf"] {
        let mode = std::fs::metadata(data.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path} {mode:o}");
    }
    let password = std::fs::read_to_string(data.join("nats/password")).unwrap();
    for pid in servers(&data).into_iter().chain([broker.pid()]) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains(password.trim()));
    }
    assert!(!broker.log().contains(password.trim()));
    assert!(broker.stop().await.success());
}

#[tokio::test]
async fn a_nats_server_that_dies_is_started_again_on_its_port() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    let port = nats_port(&data);
    for round in 0..3 {
        let before = servers(&data);
        assert_eq!(before.len(), 1, "round {round}");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(before[0]).unwrap());
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
        eventually_within("a new server runs", PATIENCE, async || {
            let now = servers(&data);
            assert!(now.len() <= 1, "{now:?}");
            (now.len() == 1 && now != before).then_some(())
        })
        .await;
        eventually_within("mail is stored again", PATIENCE, async || {
            (broker.mail("Subject: x\r\n\r\nHola\r\n").await == Some(202)).then_some(())
        })
        .await;
        assert_eq!(nats_port(&data), port);
    }
    assert!(broker.stop().await.success());
}

#[tokio::test]
async fn it_is_ready_only_while_the_log_answers() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(servers(&data)[0]).unwrap());
    // Silent, not dead: a dead one is started again before anybody can look.
    nix::sys::signal::kill(pid, Signal::SIGSTOP).unwrap();
    assert_eq!(broker.status("/readyz").await, Some(503));
    assert_eq!(broker.status("/healthz").await, Some(200));
    nix::sys::signal::kill(pid, Signal::SIGCONT).unwrap();
    eventually_within("ready again", PATIENCE, async || (broker.status("/readyz").await == Some(200)).then_some(()))
        .await;
    assert!(broker.stop().await.success());
}
