//! What `deploy/` holds is accepted: the production configuration by the loader, and the cluster's by three nats-servers and a broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use relevo_testkit::{eventually_within, nats_server_binary};

use crate::broker::{PATIENCE, address, folder, output, relevo};

/// Every secret that the two files name.
const SECRETS: [&str; 6] = [
    "RELEVO_TOKEN_KEY",
    "RELEVO_META_APP_SECRET",
    "RELEVO_META_VERIFY_TOKEN",
    "RELEVO_META_ACCESS_TOKEN",
    "RELEVO_MAIL_PASSWORD",
    "RELEVO_NATS_PASSWORD",
];
/// Digits alone: the servers must not take it for a number.
const PASSWORD: &str = "1234567890123456789012345678901234";

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn with_secrets(command: &mut Command) -> &mut Command {
    command.current_dir(deploy()).envs(SECRETS.map(|name| (name, PASSWORD)))
}

fn checked(files: &[&str], without: Option<&str>) -> (bool, String) {
    let mut command = relevo();
    with_secrets(&mut command).args(["config", "check"]);
    for file in files {
        command.args(["--config", file]);
    }
    if let Some(secret) = without {
        command.env_remove(secret);
    }
    let (output, text) = output(command);
    (output.status.success(), text)
}

#[test]
fn the_production_configuration_is_good_and_every_secret_of_it_is_asked_for() {
    for files in [&["production.toml"][..], &["production.toml", "cluster.toml"]] {
        let (good, text) = checked(files, None);
        assert!(good, "{text}");
    }
    for secret in SECRETS {
        let (good, text) = checked(&["production.toml", "cluster.toml"], Some(secret));
        assert!(!good && text.contains(secret) && !text.contains(PASSWORD), "{secret}: {text}");
    }
    let example = fs::read_to_string(deploy().join("relevo.env.example")).unwrap();
    let named: Vec<&str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(named, SECRETS, "the example lists what the files name");
}

#[test]
fn the_production_configuration_syncs_authenticates_and_stays_on_loopback() {
    let mut command = relevo();
    with_secrets(&mut command).args(["config", "dump", "--json", "--config", "production.toml"]);
    let (dumped, text) = output(command);
    assert!(dumped.status.success(), "{text}");
    assert!(!text.contains(PASSWORD));
    let dump: serde_json::Value = serde_json::from_slice(&dumped.stdout).unwrap();
    assert_eq!((&dump["nats"]["sync"], &dump["demo"]), (&"always".into(), &false.into()));
    assert_eq!(dump["channels"]["any_server"], false);
    for listener in ["http_addr", "grpc_addr"] {
        let address: std::net::SocketAddr = dump["server"][listener].as_str().unwrap().parse().unwrap();
        assert!(address.ip().is_loopback(), "{listener}: the proxy is on this machine");
    }
    let keys = dump["api_keys"].as_array().unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| key["key_hash"].as_str().unwrap().starts_with("sha256:0000")));
}

/// Processes that end with the test.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Ports that nobody has now, all different.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: Vec<_> = (0..N).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    std::array::from_fn(|n| held[n].local_addr().unwrap().port())
}

fn nats_server(number: usize, clients: u16, routes: [u16; 3], store: &Path) -> Child {
    let mut command = Command::new(nats_server_binary());
    command.arg("-c").arg(deploy().join("nats-production.conf"));
    command
        .env("NATS_NAME", format!("nats-{}", number + 1))
        .env("NATS_HOST", "127.0.0.1")
        .env("NATS_PORT", clients.to_string())
        .env("NATS_CLUSTER_PORT", routes[number].to_string())
        .env("NATS_STORE", store.join(format!("store-{number}")))
        .env("NATS_PASSWORD", format!("\"{PASSWORD}\""))
        .env("NATS_CLUSTER_PASSWORD", "cluster-secret");
    for (n, port) in routes.iter().enumerate() {
        command.env(format!("NATS_ROUTE_{}", n + 1), format!("nats://cluster:cluster-secret@127.0.0.1:{port}"));
    }
    let log = fs::File::create(store.join(format!("nats-{number}.log"))).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

#[tokio::test]
async fn three_servers_start_from_the_file_and_a_broker_makes_its_streams_on_all_of_them() {
    let (temp, data) = folder();
    let clients = free_ports::<3>();
    let routes = free_ports::<3>();
    let mut processes = Processes(Vec::new());
    for (n, port) in clients.into_iter().enumerate() {
        processes.0.push(nats_server(n, port, routes, temp.path()));
    }
    let mut command = relevo();
    with_secrets(&mut command)
        .args(["serve", "--config", "production.toml", "--config", "cluster.toml"])
        .args(["--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .env("RELEVO__NATS__URL", clients.map(|port| format!("nats://127.0.0.1:{port}")).join(","))
        // The accounts of the example are nobody's.
        .env("RELEVO__SENDING__ENABLED", "false")
        .env("RELEVO__MAILBOX__ENABLED", "false");
    let log = fs::File::create(temp.path().join("broker.log")).unwrap();
    processes.0.push(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let said = || {
        ["broker.log", "nats-0.log"]
            .map(|name| fs::read_to_string(temp.path().join(name)).unwrap_or_default())
            .join("\n")
    };
    eventually_within("the broker is ready on the cluster", PATIENCE, async || {
        let broker = processes.0.last_mut().unwrap();
        assert!(broker.try_wait().unwrap().is_none(), "broker ended\n{}", said());
        let http = address(&data, "http")?;
        let ready = reqwest::get(format!("{http}/readyz")).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;
    // Three copies: each server has the events on its own disk.
    for n in 0..3 {
        let streams = temp.path().join(format!("store-{n}/jetstream/$G/streams"));
        eventually_within("the events are on every server", PATIENCE, async || {
            streams.join("RELEVO_EVENTS/msgs").is_dir().then_some(())
        })
        .await;
    }
}
