//! What `relevo serve` refuses, and how it says so: what happened, what was not lost, what to do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::broker::{Broker, folder, output, relevo, serve, servers};

#[tokio::test]
async fn a_second_broker_on_the_folder_is_refused_with_the_first_ones_process_id() {
    let (_temp, data) = folder();
    let broker = Broker::start(&data).await;
    let addresses = std::fs::read_to_string(data.join("relevo.addresses")).unwrap();
    let (refused, text) = output(serve(&data));
    assert!(!refused.status.success());
    assert_eq!(std::fs::read_to_string(data.join("relevo.addresses")).unwrap(), addresses);
    assert!(text.contains(&format!("in use by process {}", broker.pid())), "{text}");
    assert_eq!(servers(&data).len(), 1);
    assert_eq!(broker.status("/readyz").await, Some(200));
    assert!(broker.stop().await.success());
}

#[test]
fn a_too_old_nats_server_is_refused_by_version() {
    let (temp, data) = folder();
    let binary = temp.path().join("nats-server");
    std::fs::write(&binary, "#!/bin/sh\necho 'nats-server: v2.10.29'\n").unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = serve(&data);
    command.env("NATS_SERVER_BIN", &binary);
    let (refused, text) = output(command);
    assert!(!refused.status.success());
    assert!(text.contains("2.10.29") && text.contains("2.12.0"), "{text}");
}

#[test]
fn a_missing_nats_server_is_said_with_what_to_do() {
    let (temp, data) = folder();
    let mut command = serve(&data);
    command.env("PATH", "").env("HOME", temp.path()).env_remove("NATS_SERVER_BIN");
    let (refused, text) = output(command);
    assert!(!refused.status.success());
    assert!(text.contains("nats.binary") && text.contains("2.12.0"), "{text}");
}

#[tokio::test]
async fn another_id_key_is_refused_and_the_right_one_can_be_put_back() {
    let (_temp, data) = folder();
    assert!(Broker::start(&data).await.stop().await.success());
    let path = data.join("keys/demo.key");
    let kept = data.join("keys/demo.key.kept");
    std::fs::rename(&path, &kept).unwrap();
    let (refused, text) = output(serve(&data));
    assert!(!refused.status.success());
    assert!(text.contains("demo.key") && text.contains("fingerprint"), "{text}");
    assert!(!path.exists());
    assert_eq!(servers(&data), Vec::<u32>::new());

    std::fs::rename(&kept, &path).unwrap();
    assert!(Broker::start(&data).await.stop().await.success());
}

#[test]
fn the_demo_stays_on_loopback() {
    let (_temp, data) = folder();
    for flag in ["--http-addr", "--grpc-addr"] {
        let mut command = relevo();
        command.args(["serve", "--demo", flag, "0.0.0.0:0", "--data-dir"]).arg(&data);
        let (refused, text) = output(command);
        assert!(!refused.status.success());
        assert!(text.contains("127.0.0.1") && text.contains("0.0.0.0:0"), "{text}");
    }
    assert!(!data.exists());
}

#[test]
fn the_check_names_every_problem_and_the_dump_hides_every_secret() {
    let (temp, _data) = folder();
    let file = temp.path().join("relevo.toml");
    let config = |text: &str| std::fs::write(&file, text).unwrap();
    let run = |word: &str, file: &Path| {
        let mut command = relevo();
        command.args(["config", word, "--config"]).arg(file);
        output(command)
    };
    config("[server]\nhtpp_addr = '127.0.0.1:1'\n");
    let (refused, text) = run("check", &file);
    assert!(!refused.status.success());
    assert!(text.contains("htpp_addr") && text.contains("http_addr"), "{text}");

    config("[[tenants]]\nname = 'A'\ntime_zone = 'Mars/Base'\nlanguage = 'es'\n");
    let (refused, text) = run("check", &file);
    assert!(!refused.status.success());
    assert!(text.contains("tenants[0].name") && text.contains("tenants[0].time_zone"), "{text}");

    config("[[meta_apps]]\nname = 'a'\napp_secrets = ['very-secret']\nverify_token = { env = 'TOKEN' }\n");
    let (shown, text) = run("dump", &file);
    assert!(shown.status.success(), "{text}");
    assert!(!text.contains("very-secret") && text.contains("TOKEN"), "{text}");

    config(
        "[nats]
url = 'nats://relevo:very-secret@nats.example:4222'
",
    );
    for word in ["check", "dump"] {
        let (refused, text) = run(word, &file);
        assert!(!refused.status.success());
        assert!(!text.contains("very-secret") && text.contains("nats.password"), "{text}");
    }
}

#[test]
fn a_new_key_comes_with_the_hash_that_the_configuration_wants() {
    let mut command = relevo();
    command.args(["key", "new", "--json"]);
    let (made, text) = output(command);
    assert!(made.status.success(), "{text}");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let (key, hash) = (made["key"].as_str().unwrap(), made["key_hash"].as_str().unwrap());
    let expected = <sha2::Sha256 as sha2::Digest>::digest(key.as_bytes());
    assert_eq!(hash, format!("sha256:{}", hex::encode(expected)));
}
