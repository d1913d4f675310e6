//! Channels that are added while the broker runs: they receive, send and are tried at once, survive a restart, and can be taken
//! back. Providers are the stand-ins of the testkit.

use std::path::Path;

use relevo_testkit::eventually_within;
use relevo_testkit::fakes::{FakeMeta, FakeOAuth, MetaOptions, OAuthOptions};
use serde_json::{Value, json};

use crate::broker::{Broker, PATIENCE, address, folder, relevo};

/// The stand-ins are on loopback.
const ANY_SERVER: (&str, &str) = ("RELEVO__CHANNELS__ANY_SERVER", "true");
const CUSTOMER: &str = "5491155550101";
const NUMBER: &str = "777";

/// What a command of an admin ends with and prints.
async fn said(data: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = relevo();
    command.args(words).env("RELEVO_API_KEY", "relevo-demo-admin");
    command.env("RELEVO_SERVER", address(data, "grpc").unwrap()).env("RELEVO_HTTP", address(data, "http").unwrap());
    // The stand-ins answer on this runtime meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The same for a command that must do it, as JSON.
async fn json(data: &Path, words: &[&str]) -> Value {
    let words: Vec<&str> = ["--json"].into_iter().chain(words.iter().copied()).collect();
    let (code, out, err) = said(data, &words).await;
    assert_eq!(code, 0, "{words:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

async fn meta() -> FakeMeta {
    let options =
        MetaOptions { phone_number_id: NUMBER.to_owned(), waba_id: "88".to_owned(), ..MetaOptions::default() };
    FakeMeta::start(options).await.unwrap()
}

/// The definition of a channel at the stand-in, in a file.
fn definition(folder: &Path, fake: &FakeMeta) -> String {
    let options = fake.options();
    let path = folder.join("wa-new.toml");
    let text = format!(
        "id = 'wa-new'\nkind = 'meta'\nlabel = 'New'\nphone_number_id = '{NUMBER}'\nwaba_id = '{}'\n\
         app_secrets = ['{}']\naccess_token = '{}'\ngraph_url = '{}'\nmedia_hosts = ['{}']\n",
        options.waba_id,
        options.app_secret,
        options.access_token,
        fake.base_url(),
        fake.media_host(),
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A customer's message, now.
fn inbound(text: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": NUMBER },
        "contacts": [{ "profile": { "name": "Ana" }, "wa_id": CUSTOMER }],
        "messages": [{
            "from": CUSTOMER, "id": "wamid.inbound1", "timestamp": now.to_string(), "type": "text", "text": { "body": text },
        }],
    })
}

async fn conversation(data: &Path) -> String {
    eventually_within("the customer's message is in the inbox", PATIENCE, async || {
        let list = json(data, &["conversation", "list", "--channel", "wa-new"]).await;
        list["conversations"][0]["conversation_id"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_channel_receives_sends_and_is_tried_without_a_restart() {
    let (temp, data) = folder();
    let fake = meta().await;
    let broker = Broker::start_with(&data, &[ANY_SERVER]).await;
    let file = definition(temp.path(), &fake);

    let added = json(&data, &["channel", "add", "file", &file]).await;
    let webhook = added["channel"]["webhook_url"].as_str().unwrap().to_owned();
    let token = added["verify_token"].as_str().unwrap().to_owned();
    let handshake = format!("{webhook}?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4711");
    assert_eq!(reqwest::get(handshake).await.unwrap().text().await.unwrap(), "4711");

    fake.report_to(&webhook);
    fake.post("messages", &inbound("Hola"));
    let conversation = conversation(&data).await;
    let sent = json(&data, &["conversation", "send", &conversation, "--text", "Buenas"]).await;
    let message = sent["message_id"].as_str().unwrap().to_owned();
    eventually_within("the message is read", PATIENCE, async || {
        let (_, thread, _) = said(&data, &["--json", "conversation", "messages", &conversation]).await;
        (thread.contains(&message) && thread.contains("SEND_STATE_READ")).then_some(())
    })
    .await;
    assert_eq!(fake.received(CUSTOMER), 1);

    // Whoever looks at the channel need not wait an hour for a new template.
    let body = json!({ "type": "BODY", "text": "Hola." });
    fake.set_templates([json!({
        "id": "1", "name": "saludo", "language": "es_AR", "status": "APPROVED", "category": "UTILITY", "components": [body],
    })]);
    let (code, out, err) = said(&data, &["channel", "check", "wa-new"]).await;
    assert_eq!(code, 0, "{out}{err}");
    eventually_within("the template is known", PATIENCE, async || {
        let (_, out, _) = said(&data, &["template", "list", "wa-new"]).await;
        out.contains("saludo").then_some(())
    })
    .await;
    fake.set_token("another");
    let (code, out, _) = said(&data, &["channel", "check", "wa-new"]).await;
    assert!(code == 1 && out.contains("(190)") && out.contains("System users"), "{code} {out}");
    assert!(!broker.log().contains(&fake.options().access_token), "a secret is in the log");
    assert!(broker.stop().await.success());
}

/// Nothing is wrong with the account: nobody is sent to look for an unpaid bill.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_without_credentials_says_so_where_files_wait() {
    let (temp, data) = folder();
    let fake = meta().await;
    let broker = Broker::start_with(&data, &[ANY_SERVER]).await;
    let file = definition(temp.path(), &fake);
    let whole = std::fs::read_to_string(&file).unwrap();
    let of_sending = ["access_token", "graph_url", "media_hosts"];
    let keyless: Vec<&str> = whole.lines().filter(|line| !of_sending.iter().any(|key| line.starts_with(key))).collect();
    std::fs::write(&file, keyless.join("\n")).unwrap();
    let added = json(&data, &["channel", "add", "file", &file]).await;
    fake.report_to(added["channel"]["webhook_url"].as_str().unwrap());
    let mut photo = inbound("");
    photo["messages"][0]["type"] = json!("image");
    photo["messages"][0]["image"] = json!({ "id": "4711", "mime_type": "image/jpeg", "sha256": "x" });
    fake.post("messages", &photo);
    for (language, words) in
        [("en", "media broken (no credentials"), ("es", "archivos sin funcionar (sin credenciales")]
    {
        let list = eventually_within("the list tells of the files", PATIENCE, async || {
            let (_, out, _) = said(&data, &["channel", "list", "--lang", language]).await;
            out.contains(words).then_some(out)
        })
        .await;
        assert!(!list.contains("payment") && !list.contains("pago"), "{list}");
    }
    let (code, out, _) = said(&data, &["channel", "check", "wa-new", "--lang", "es"]).await;
    assert!(code == 1 && out.contains("✗ configuración: no envía nada: falta access_token"), "{code} {out}");
    assert!(broker.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_channel_survives_a_restart_can_be_paused_and_is_taken_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let (temp, data) = folder();
    let fake = meta().await;
    let broker = Broker::start_with(&data, &[ANY_SERVER]).await;
    let file = definition(temp.path(), &fake);
    json(&data, &["channel", "add", "file", &file]).await;
    let kept = data.join("channels/demo.wa-new.toml");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    broker.kill9().await;

    let broker = Broker::start_with(&data, &[ANY_SERVER]).await;
    let again = json(&data, &["channel", "add", "file", &file]).await;
    assert_eq!(again["already_so"], true);
    let webhook = again["channel"]["webhook_url"].as_str().unwrap().to_owned();
    fake.report_to(&webhook);
    fake.post("messages", &inbound("Hola"));
    let conversation = conversation(&data).await;

    json(&data, &["channel", "pause", "wa-new"]).await;
    let (code, _, err) = said(&data, &["conversation", "send", &conversation, "--text", "x"]).await;
    assert!(code == 4 && err.contains("CHANNEL_PAUSED"), "{code} {err}");
    let list = json(&data, &["channel", "list"]).await;
    let listed = list["channels"].as_array().unwrap().iter().find(|one| one["channel_id"] == "wa-new").unwrap().clone();
    assert_eq!((&listed["paused"], &listed["added"]), (&json!(true), &json!(true)));
    json(&data, &["channel", "resume", "wa-new"]).await;

    json(&data, &["channel", "remove", "wa-new"]).await;
    assert!(!kept.exists());
    assert_eq!(reqwest::get(&webhook).await.unwrap().status(), 404);
    let (code, _, err) = said(&data, &["conversation", "send", &conversation, "--text", "x"]).await;
    assert!(code != 0 && err.contains("CHANNEL_"), "{code} {err}");
    assert_eq!(fake.received(CUSTOMER), 0);
    assert!(broker.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_over_the_network_may_not_name_is_refused() {
    let (temp, data) = folder();
    let fake = meta().await;
    let broker = Broker::start_with(&data, &[("RELEVO__CHANNELS__ANY_SERVER", "false")]).await;
    let (code, _, err) = said(&data, &["channel", "add", "file", &definition(temp.path(), &fake)]).await;
    assert!(code == 2 && err.contains("definition.graph_url") && err.contains("any_server"), "{code} {err}");
    assert!(!err.contains(&fake.options().access_token));
    let (code, _, err) = said(&data, &["channel", "check", "wa-new"]).await;
    assert!(code == 3 && err.contains("CHANNEL_NOT_FOUND"), "{code} {err}");
    assert!(broker.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_added_with_its_owners_consent() {
    let (_temp, data) = folder();
    let fake = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    let broker = Broker::start_with(&data, &[ANY_SERVER]).await;
    let urls = [fake.token_url(), fake.device_url()];
    let words = [
        "channel",
        "add",
        "mail",
        "mail-new",
        "--address",
        "a@b.example",
        "--client-id",
        "fake-client",
        "--token-url",
        &urls[0],
        "--device-url",
        &urls[1],
        "--scope",
        "mail",
        "--consent",
        "device",
        "--imap-host",
        "127.0.0.1",
        "--imap-port",
        "1",
        "--imap-security",
        "plain",
    ];
    let adding = said(&data, &words);
    let consenting = async {
        eventually_within("a code was asked for", PATIENCE, async || (!fake.requests().is_empty()).then_some(())).await;
        fake.consent();
    };
    let ((code, out, err), ()) = tokio::join!(adding, consenting);
    assert_eq!(code, 0, "{out}{err}");
    let kept = std::fs::read_to_string(data.join("channels/demo.mail-new.toml")).unwrap();
    assert!(kept.contains("refresh_token"), "{kept}");
    let (code, out, _) = said(&data, &["channel", "check", "mail-new"]).await;
    // The token is good; nobody answers at the mail server's port.
    assert!(code == 1 && out.contains("✓ token") && out.contains("✗ receiving"), "{code} {out}");
    assert!(broker.stop().await.success());
}
